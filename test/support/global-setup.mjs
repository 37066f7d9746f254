import { tsImport } from 'tsx/esm/api';

/** Starts the run's PostgreSQL; the workers, which begin later, find it by their environment. */
export default async function setup() {
  const { startTestServer } = await tsImport('./server.ts', import.meta.url);
  const server = await startTestServer();
  process.env.EVENKEEL_TEST_SERVER = server.url;
  process.env.EVENKEEL_TEST_TEMPLATE = server.template;
  globalThis.evenkeelTestServer = server;
  // The server ends with this process in any case; this removes its files too, and waits for both.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => void server.stop().finally(() => process.exit(1)));
}
