import { createServer, connect, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestDatabase } from '../../support/database.ts';
import { call, startTestService, type TestService } from './service.ts';

/** Between the service and PostgreSQL, so that the database can go away and come back on the same port. */
class Proxy {
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  #open = true;

  constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((socket) => {
      if (!this.#open) return void socket.destroy();
      const upstream = connect(Number(this.#target.port), this.#target.hostname);
      for (const [one, other] of [
        [socket, upstream],
        [upstream, socket],
      ] as const) {
        this.#sockets.add(one);
        one.pipe(other);
        one.on('error', () => undefined);
        one.once('close', () => {
          other.destroy();
          this.#sockets.delete(one);
        });
      }
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  away(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  back(): void {
    this.#open = true;
  }

  async stop(): Promise<void> {
    this.away();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

it('answers 503 while the database is away, acknowledges nothing, and serves again when it is back', async () => {
  const database = await createTestDatabase();
  const proxy = new Proxy(new URL(database.url));
  let service: TestService | undefined;
  try {
    service = await startTestService({ DATABASE_URL: await proxy.listen() });
    const { url } = service;
    expect((await call(`${url}/v1/identify`, { body: { userId: 'before', traits: {} } })).status).toBe(200);

    proxy.away();
    for (const path of ['/v1/segments', '/v1/users/before', '/v1/properties', '/v1/calculations', '/readyz', '/']) {
      const answer = await call(url + path);
      expect([path, answer.status, answer.headers.get('retry-after'), answer.json?.error.code]).toEqual([
        path,
        503,
        expect.stringMatching(/^\d+$/),
        'database_unavailable',
      ]);
    }
    expect((await call(`${url}/healthz`)).status).toBe(200);
    const metrics = await call(`${url}/metrics`);
    expect([metrics.status, metrics.text]).toEqual([200, expect.stringContaining('status="503"')]);
    const write = await call(`${url}/v1/identify`, { body: { userId: 'meanwhile', traits: {} } });
    expect([write.status, write.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);

    proxy.back();
    await sleep(100);
    expect((await call(`${url}/readyz`)).status).toBe(200);
    expect((await call(`${url}/v1/identify`, { body: { userId: 'after', traits: {} } })).status).toBe(200);
    expect((await call(`${url}/v1/users/before`)).status).toBe(200);
  } finally {
    await service?.stop();
    await proxy.stop();
    await database.drop();
  }
}, 60_000);
