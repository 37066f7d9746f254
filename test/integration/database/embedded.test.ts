import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { openClient } from '../../../src/database/connect.ts';
import { type Embedded, startEmbedded } from '../../../src/database/embedded.ts';
import { isAlive, readPostmasterFile } from '../../../src/database/embedded/process.ts';
import { makeTestDirectory, TEST_SETTINGS } from '../../support/server.ts';

jest.setTimeout(60_000);
const ROOT = join(import.meta.dirname, '..', '..', '..');

let pristine: string;
let directory: string;
let started: Embedded[];
let services: ChildProcess[];
beforeAll(async () => {
  pristine = makeTestDirectory();
  await (await startEmbedded({ directory: pristine, ...TEST_SETTINGS })).stop();
});
afterAll(() => rmSync(pristine, { recursive: true, force: true }));
beforeEach(() => {
  // A path with a space, and longer than the name of a socket may be.
  directory = join(makeTestDirectory(), `a folder ${'x'.repeat(100)}`);
  started = [];
  services = [];
});
afterEach(async () => {
  for (const service of services) service.kill('SIGKILL');
  await Promise.all(started.map((each) => each.stop()));
  const left = readPostmasterFile(dataDirectory());
  if (left !== undefined) await ended(left.pid);
  rmSync(join(directory, '..'), { recursive: true, force: true });
});

const dataDirectory = (): string => join(directory, 'postgres', 'data');

/** A data directory that was used before, sooner than `initdb` makes one. `cp` keeps whose it is. */
const copyPristine = (): void => {
  mkdirSync(directory);
  execFileSync('cp', ['-a', join(pristine, 'postgres'), directory]);
  rmSync(join(directory, 'postgres', 'postgres.log'));
};

const ended = async (pid: number): Promise<void> => {
  while (isAlive(pid)) await sleep(20);
};

const start = async (): Promise<Embedded> => {
  const embedded = await startEmbedded({ directory, ...TEST_SETTINGS });
  started.push(embedded);
  return embedded;
};

const query = async (url: string, text: string): Promise<unknown[]> => {
  const client = await openClient(url);
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
};

/** A process of its own that serves the directory, to be killed. */
const startService = async (): Promise<{ child: ChildProcess; url: string; pid: number }> => {
  const script = join(ROOT, 'test', 'support', 'embedded-service.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, directory], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  services.push(child);
  const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')) as [string];
  return { child, ...(JSON.parse(line) as { url: string; pid: number }) };
};

test('a first start makes it, a second finds its data under the same address', async () => {
  const first = await start();
  await query(first.url, 'create table kept as select 42 as n');
  expect(
    await query(first.url, `select current_setting('server_encoding') as e, current_setting('fsync') as f`),
  ).toEqual([{ e: 'UTF8', f: 'off' }]);
  await first.stop();
  expect(isAlive(first.pid)).toBe(false);
  const second = await start();
  expect(second.url).toBe(first.url);
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 42 }]);
});

test('only this machine and only with the password', async () => {
  copyPristine();
  const { url } = await start();
  const without = new URL(url);
  without.password = 'guess';
  await expect(query(without.href, 'select 1')).rejects.toThrow('password authentication failed');
  expect(await query(url, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
  expect(statSync(dataDirectory()).mode & 0o077).toBe(0);
  expect(statSync(join(dataDirectory(), 'evenkeel.password')).mode & 0o077).toBe(0);
});

test('two services on one directory: the second says which process has it', async () => {
  copyPristine();
  const { child } = await startService();
  await expect(start()).rejects.toThrow(`process ${child.pid} already serves ${dataDirectory()}`);
});

test('two at once in an empty directory: one serves, the other says so', async () => {
  const outcomes = await Promise.allSettled([start(), start()]);
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

test('the server ends with a service that is killed, and the next start has all that was committed', async () => {
  copyPristine();
  const { child, url, pid } = await startService();
  await query(url, 'create table kept as select 1 as n');
  child.kill('SIGKILL');
  await ended(pid);
  const next = await start();
  expect(await query(next.url, 'select n from kept')).toEqual([{ n: 1 }]);
});

test('a start while the server of a killed service is still stopping waits for it', async () => {
  copyPristine();
  const { child, url } = await startService();
  await query(url, 'create table kept as select 2 as n');
  child.kill('SIGKILL');
  const next = await start();
  expect(await query(next.url, 'select n from kept')).toEqual([{ n: 2 }]);
});

test('a server that crashes under a living service is started again at the same address', async () => {
  copyPristine();
  const embedded = await start();
  await query(embedded.url, 'create table kept as select 3 as n');
  const before = embedded.pid;
  process.kill(before, 'SIGKILL');
  await ended(before);
  while (embedded.pid === before) await sleep(20);
  expect(await query(embedded.url, 'select n from kept')).toEqual([{ n: 3 }]);
});

test('a stop in the middle of a restart leaves nothing running', async () => {
  copyPristine();
  const embedded = await start();
  const before = embedded.pid;
  process.kill(before, 'SIGKILL');
  await ended(before);
  await sleep(50);
  await embedded.stop();
  expect(readPostmasterFile(dataDirectory())).toBeUndefined();
  expect(isAlive(embedded.pid)).toBe(false);
});

test('a stale file that names a stranger’s process does not hinder a start', async () => {
  copyPristine();
  const first = await start();
  await first.stop();
  // In a container the pids come again: here the dead server's is now this test's own parent.
  const lines = [process.ppid, dataDirectory(), 1_700_000_000, 5_432, '', '127.0.0.1', '', 'ready'];
  writeFileSync(join(dataDirectory(), 'postmaster.pid'), `${lines.join('\n')}\n`);
  const second = await start();
  expect(await query(second.url, 'select 1 as n')).toEqual([{ n: 1 }]);
});

test('where the last port is taken meanwhile, another is found', async () => {
  copyPristine();
  const first = await start();
  await first.stop();
  const port = Number(new URL(first.url).port);
  const taker = createServer().listen(port, '127.0.0.1');
  await once(taker, 'listening');
  try {
    const second = await start();
    expect(new URL(second.url).port).not.toBe(String(port));
  } finally {
    taker.close();
  }
});

test('a server that cannot start says why, with the last lines of its log', async () => {
  copyPristine();
  await start().then((each) => each.stop());
  const failing = startEmbedded({ directory, settings: { shared_buffers: 'much' } });
  await expect(failing).rejects.toThrow(/did not start; .*postgres\.log ends with:\n.*shared_buffers/s);
});

test('a directory of another major version is left alone', async () => {
  copyPristine();
  await start().then((each) => each.stop());
  writeFileSync(join(dataDirectory(), 'PG_VERSION'), '13\n');
  await expect(start()).rejects.toThrow(/was made by PostgreSQL 13, this is PostgreSQL \d+/);
});

test('stopping twice is stopping once', async () => {
  copyPristine();
  const embedded = await start();
  await Promise.all([embedded.stop(), embedded.stop()]);
  await embedded.stop();
  expect(
    readFileSync(join(directory, 'postgres', 'postgres.log'), 'utf8').match(/received fast shutdown/g),
  ).toHaveLength(1);
});
