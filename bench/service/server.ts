import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The server under measurement: a process of its own, reached by HTTP alone. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 20;
/** Pieces of the server's log that are kept to say why it did not start. */
const MAX_KEPT_LOG = 100;
/** A stopping server gives its requests 10 seconds and its calculations as many. */
const STOP_TIMEOUT_MS = 30_000;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const freePort = async (): Promise<number> => {
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
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '', ...environment, DATABASE_URL: databaseUrl, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  child.stderr?.on('data', (data: Buffer) => {
    said.push(data.toString());
    if (said.length > MAX_KEPT_LOG) said.shift();
  });
  const url = `http://127.0.0.1:${port}`;
  const until = Date.now() + START_TIMEOUT_MS;
  while (!(await ready(url))) {
    if (child.exitCode !== null || Date.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`the server did not start:\n${said.join('').slice(-4_000)}`);
    }
    await sleep(POLL_MS);
  }
  return { url, pid: child.pid as number, stop: () => stopChild(child) };
};

const stopChild = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(patience);
};

const ready = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/readyz`)).ok;
  } catch {
    return false;
  }
};
