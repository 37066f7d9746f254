import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Progress } from '../progress.ts';
import type { Query } from '../works/conditions.ts';
import { type Algebra, BITMAP_QUERIES, bitsOf, evaluate, readFacts } from './bitmaps.ts';
import { peerModule } from './packages.ts';
import { type Peer, Unavailable } from './peer.ts';

/** What is used of redis. */
interface Client {
  connect(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  sendCommand(command: readonly (string | Buffer)[], options?: object): Promise<unknown>;
  destroy(): void;
}
interface Redis {
  createClient(options: object): Client;
  readonly RESP_TYPES: { readonly BLOB_STRING: number };
}

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

/** A server of its own on a socket in `directory`, in memory alone: its fastest form. */
const startServer = async (directory: string): Promise<{ readonly socket: string; readonly child: ChildProcess }> => {
  const socket = join(directory, 'redis.sock');
  const child = spawn(
    'redis-server',
    ['--port', '0', '--unixsocket', socket, '--save', '', '--appendonly', 'no', '--dir', directory],
    { stdio: 'ignore' },
  );
  await once(child, 'spawn');
  return { socket, child };
};

const connect = async (redis: Redis, socket: string): Promise<Client> => {
  for (const until = Date.now() + START_TIMEOUT_MS; ; await sleep(POLL_MS)) {
    const client = redis.createClient({ socket: { path: socket, reconnectStrategy: false } });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      client.destroy();
      if (Date.now() > until) throw error;
    }
  }
};

/** The commands of a query, in order: each intermediate result is a key of its own. */
const commandsOf = (query: Query): string[][] => {
  const commands: string[][] = [];
  let made = 0;
  const operation = (name: string, ...sources: string[]): string => {
    const key = `made:${made++}`;
    commands.push(['BITOP', name, key, ...sources]);
    return key;
  };
  const algebra: Algebra<string> = {
    of: (fact) => `fact:${fact}`,
    and: (a, b) => operation('AND', a, b),
    or: (a, b) => operation('OR', a, b),
    andNot: (a, b) => operation('AND', a, operation('NOT', b)),
  };
  const result = evaluate(algebra, query);
  return [...commands, ['RENAME', result, `members:${query}`], ['BITCOUNT', `members:${query}`]];
};

/** @throws Unavailable where `redis-server` is not on the path */
export const startRedis = async (
  db: pg.ClientBase,
  directory: string,
  users: number,
  progress: Progress,
): Promise<Peer> => {
  const version = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  if (version.status !== 0)
    throw new Unavailable('redis-server is not on the path; on Debian: apt-get install redis-server');
  const redis = await peerModule<Redis>('common', 'redis', progress);
  const folder = mkdtempSync(join(directory, 'redis-'));
  const { socket, child } = await startServer(folder);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const client = await connect(redis, socket);
    progress('redis: reading the users');
    for (const [fact, bits] of await readFacts(db, users)) await client.sendCommand(['SET', `fact:${fact}`, bits]);
    const run = async (query: Query): Promise<number> => {
      const answers = await Promise.all(commandsOf(query).map((command) => client.sendCommand(command)));
      return Number(answers.at(-1));
    };
    return {
      name: 'redis',
      queries: BITMAP_QUERIES,
      setup: [
        `Redis ${/v=(\S+)/.exec(version.stdout)?.[1] ?? ''} on a Unix socket, in memory without snapshots or a log; a string a fact and a bit of ltv; BITOP in one pipeline, then RENAME and BITCOUNT`,
      ],
      choose: async (query) => {
        await run(query);
      },
      replace: async (query) => {
        await run(query);
      },
      tidy: async () => undefined,
      count: (query) => run(query),
      members: async function* (query) {
        const options = { typeMapping: { [redis.RESP_TYPES.BLOB_STRING]: Buffer } };
        const bits = (await client.sendCommand(['GET', `members:${query}`], options)) as Buffer;
        for (const index of bitsOf(bits)) yield index + 1;
      },
      close: async () => {
        client.destroy();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
