import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The server under measurement: a process of its own, reached by HTTP alone. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 200;

export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no free port');
  return address.port;
};

/** What `node` is given to run the service: as built, and from the sources. */
export const BUILT = ['dist/main.js', 'serve'];
export const FROM_SOURCE = ['--import', 'tsx', 'src/main.ts', 'serve'];

/** Starts the service on `databaseUrl` and a free port, and waits until it is ready. */
export const startServer = async (
  databaseUrl: string,
  command: readonly string[] = BUILT,
  environment: Record<string, string> = {},
): Promise<Server> => {
  const port = await freePort();
  const child = spawn(process.execPath, command, {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, NODE_OPTIONS: '', ...environment, DATABASE_URL: databaseUrl, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr?.on('data', (data: Buffer) => said.push(data.toString()));
  const url = `http://127.0.0.1:${port}`;
  const until = Date.now() + START_TIMEOUT_MS;
  while (!(await ready(url))) {
    if (child.exitCode !== null || Date.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`the server did not start:\n${said.join('').slice(-4_000)}`);
    }
    await delay(POLL_MS);
  }
  return { url, pid: child.pid as number, stop: () => stopChild(child) };
};

const stopChild = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
};

const ready = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
};

export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A JSON call; throws with the body where the answer is no 2xx. */
export const call = async <T>(server: Server, method: string, path: string, body?: unknown): Promise<T> => {
  const response = await fetch(`${server.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 1_000)}`);
  return JSON.parse(text) as T;
};

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
    await delay(POLL_MS);
    resource = await call<ImportResource>(server, 'GET', `/v1/imports/${resource.id}`);
    onProgress(resource);
  }
  if (resource.state !== 'succeeded') throw new Error(`import: ${JSON.stringify(resource)}`);
  return { resource, uploadMs, totalMs: performance.now() - started };
};
