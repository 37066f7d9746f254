import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from './server.ts';

/** The service as its callers know it. */

const WAIT_MS = 60_000;
const POLL_MS = 50;

/** Keeps one connection, as a caller does who asks often; `fetch` takes itself 1 to 2 ms of processor time a call. */
const agent = new Agent({ keepAlive: true });

/** A JSON call; throws with the body where the answer is no 2xx. */
export const call = async <T>(
  server: Pick<Server, 'url'>,
  method: string,
  path: string,
  body?: unknown,
): Promise<T> => {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers =
      sent === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) };
    const asked = request(`${server.url}${path}`, { method, agent, headers }, (response) => {
      let answered = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (answered += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: answered }));
      response.on('error', reject);
    });
    asked.on('error', reject);
    asked.end(sent);
  });
  if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 1_000)}`);
  return JSON.parse(text) as T;
};

export const PHASES = ['queue', 'freshen', 'compile', 'query', 'store', 'total'] as const;
export type Phase = (typeof PHASES)[number];

export interface Calculation {
  readonly id: string;
  readonly state: string;
  readonly asOf: string;
  readonly members: number;
  readonly timingsMs: Readonly<Record<Phase, number>>;
  readonly error: unknown;
}

/** Makes a segment; one of that key must not be there. */
export const createSegment = async (server: Server, key: string, condition: object): Promise<void> => {
  await call(server, 'POST', '/v1/segments', { key, name: key, condition });
};

/**
 * Asks for a calculation and waits for it: when this resolves, the snapshot is stored, with its counts and who entered and left.
 *
 * @throws where it does not succeed
 */
export const calculate = async (server: Server, segment: string, trigger = 'api'): Promise<Calculation> => {
  const path = `/v1/segments/${segment}/calculations`;
  let calculation = await call<Calculation>(server, 'POST', path, { trigger, wait: WAIT_MS });
  while (calculation.state === 'queued' || calculation.state === 'running') {
    await sleep(POLL_MS);
    calculation = await call<Calculation>(server, 'GET', `/v1/calculations/${calculation.id}`);
  }
  if (calculation.state !== 'succeeded') throw new Error(`${segment}: ${JSON.stringify(calculation)}`);
  return calculation;
};

/** User ids of the latest snapshot, as they are streamed. */
export async function* membersOf(server: Server, segment: string): AsyncGenerator<string> {
  const response = await fetch(`${server.url}/v1/segments/${segment}/members`, {
    headers: { accept: 'application/x-ndjson' },
  });
  if (!response.ok || response.body === null) throw new Error(`members of ${segment}: ${response.status}`);
  for await (const line of createInterface({ input: Readable.fromWeb(response.body as never) }))
    if (line !== '') yield (JSON.parse(line) as { userId: string }).userId;
}

export interface ImportResource {
  readonly id: string;
  readonly state: 'queued' | 'running' | 'succeeded' | 'failed';
  readonly rows: number;
  readonly accepted: number;
  readonly rejected: number;
}

/** Sends `body` and waits until all of it is in. */
export const runImport = async (
  server: Server,
  query: string,
  body: Readable,
  onProgress: (done: ImportResource) => void,
): Promise<{ readonly resource: ImportResource; readonly uploadMs: number; readonly totalMs: number }> => {
  const started = performance.now();
  const response = await fetch(`${server.url}/v1/imports?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: Readable.toWeb(body) as ReadableStream,
    duplex: 'half',
  });
  if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`);
  let resource = (await response.json()) as ImportResource;
  const uploadMs = performance.now() - started;
  while (resource.state === 'queued' || resource.state === 'running') {
    await sleep(POLL_MS);
    resource = await call<ImportResource>(server, 'GET', `/v1/imports/${resource.id}`);
    onProgress(resource);
  }
  if (resource.state !== 'succeeded') throw new Error(`import: ${JSON.stringify(resource)}`);
  return { resource, uploadMs, totalMs: performance.now() - started };
};
