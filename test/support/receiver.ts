import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // Tests say what they expect of it; a wrong guess fails there.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

export interface Receiver {
  readonly url: string;
  readonly received: readonly Received[];
  /** How it answers from now on; by default 200. */
  answer(how: (response: ServerResponse, received: Received) => void): void;
  stop(): Promise<void>;
}

/** A real HTTP server that keeps what it is sent. */
export const startReceiver = async (): Promise<Receiver> => {
  const received: Received[] = [];
  let how: (response: ServerResponse, one: Received) => void = (response) => response.end('ok');
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const text = Buffer.concat(parts).toString('utf8');
      const one = { path: request.url ?? '', headers: request.headers, text, json: JSON.parse(text) as unknown };
      received.push(one);
      how(response, one);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    answer: (next) => {
      how = next;
    },
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
};

const UNTIL_MS = 20_000;

/** Waits until `holds`, and throws what was waited for where that takes too long. */
export const until = async (what: string, holds: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + UNTIL_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await sleep(20);
  }
};
