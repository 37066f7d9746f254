export default async function teardown() {
  await globalThis.evenkeelTestServer?.stop();
}
