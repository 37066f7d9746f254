import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../core/log.ts';
import { isConnectionLost, openClient } from '../connect.ts';
import { type Cluster, embeddedError, lastLines, SUPERUSER } from './cluster.ts';
import { birthOf, hasProcessIn, isAlive, isServerOn, readPostmasterFile } from './process.ts';

/** A new log begins at a start after it has grown beyond this; the one before is kept. */
const MAX_LOG_BYTES = 10 * 1024 * 1024;
const POLL_MS = 25;
const STILL_WAITING_MS = 10_000;
const MAX_LAUNCHES = 10;
const RELAUNCH_PAUSE_MS = 300;
/** A fast shutdown writes a checkpoint of everything that is dirty. */
const FAST_STOP_TIMEOUT_MS = 120_000;
const KILL_TIMEOUT_MS = 10_000;
/** A service that was told to stop may still be at it when the next one starts. */
const OWNER_GRACE_MS = 3_000;
const OWNER_PATTERN = /^evenkeel-(\d+)-(\w*)$/;

export const urlOf = (cluster: Cluster, port: number, database: string): string =>
  `postgres://${SUPERUSER}:${cluster.password}@127.0.0.1:${port}/${database}`;

/** In the server's `cluster_name`: the process that started it, for the next one to know whether it still lives. */
const ownerName = (): string => `evenkeel-${process.pid}-${birthOf(process.pid)}`;

const isFree = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.on('error', () => resolve(undefined));
    probe.listen(port, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });

/** The port of the last time where it is free, so that a URL noted by somebody stays right; else any free one. */
const choosePort = async (cluster: Cluster): Promise<number> => {
  let last: number | undefined;
  try {
    const options = readFileSync(join(cluster.dataDirectory, 'postmaster.opts'), 'utf8');
    last = Number(/"-p" "(\d+)"/.exec(options)?.[1] ?? 0);
  } catch {
    // The first start.
  }
  const port = (last !== undefined && last > 0 ? await isFree(last) : undefined) ?? (await isFree(0));
  if (port === undefined) throw embeddedError('no free port on 127.0.0.1 for the embedded PostgreSQL');
  return port;
};

const openLog = (path: string): { handle: number; offset: number } => {
  try {
    if (statSync(path).size > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
  } catch {
    // There is none yet.
  }
  const handle = openSync(path, 'a', 0o600);
  return { handle, offset: statSync(path).size };
};

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly port: number;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch {
    // It has just ended.
  }
};

const waitForEnd = async (pid: number, dataDirectory: string, timeoutMs: number): Promise<boolean> => {
  const deadline = Date.now() + timeoutMs;
  while (isServerOn(pid, dataDirectory)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
};

/** A fast shutdown; where it does not come to an end, an immediate one, from which the next start recovers. */
export const stopServer = async (pid: number, dataDirectory: string, log: Log): Promise<void> => {
  if (!isServerOn(pid, dataDirectory)) return;
  signal(pid, 'SIGINT');
  if (await waitForEnd(pid, dataDirectory, FAST_STOP_TIMEOUT_MS)) return;
  log.warn({ pid }, 'the embedded PostgreSQL does not stop; ending it at once');
  signal(pid, 'SIGQUIT');
  if (await waitForEnd(pid, dataDirectory, KILL_TIMEOUT_MS)) return;
  signal(pid, 'SIGKILL');
  await waitForEnd(pid, dataDirectory, KILL_TIMEOUT_MS);
};

/**
 * Asks the server on `port` who started it.
 *
 * @returns undefined while it does not take connections (it is starting, recovering or stopping)
 */
const askOwner = async (cluster: Cluster, port: number): Promise<string | undefined> => {
  try {
    const client = await openClient(urlOf(cluster, port, 'postgres'), { applicationName: 'evenkeel start' });
    try {
      const { rows } = await client.query<{ name: string }>(`select current_setting('cluster_name') as name`);
      return rows[0]?.name;
    } finally {
      await client.end();
    }
  } catch (error) {
    if (isConnectionLost(error)) return undefined;
    throw error;
  }
};

const isOwnerAlive = (pid: number, birth: string): boolean =>
  isAlive(pid) && (birth === '' || birthOf(pid) === '' || birthOf(pid) === birth);

/**
 * Makes sure that no server runs on the data directory: one whose service has died is stopped, one whose service lives is
 * an error, and the file of one that was killed is removed where PostgreSQL itself would take a stranger for it.
 */
const clearTheWay = async (cluster: Cluster, log: Log): Promise<void> => {
  const { dataDirectory } = cluster;
  let waitedMs = 0;
  for (;;) {
    const file = readPostmasterFile(dataDirectory);
    if (file === undefined) return;
    if (!isServerOn(file.pid, dataDirectory)) {
      // PostgreSQL removes the file itself where the pid is dead, but would refuse to start beside a stranger.
      if (isAlive(file.pid) && !hasProcessIn(dataDirectory))
        rmSync(join(dataDirectory, 'postmaster.pid'), { force: true });
      return;
    }
    const owner = file.port === undefined ? undefined : await askOwner(cluster, file.port);
    if (owner !== undefined) {
      const [, pid, birth = ''] = OWNER_PATTERN.exec(owner) ?? [];
      if (pid !== undefined && !isOwnerAlive(Number(pid), birth)) {
        log.info({ pid: file.pid }, 'stopping the PostgreSQL that a service which is gone has left behind');
        await stopServer(file.pid, dataDirectory, log);
        return;
      }
      if (pid === undefined || Number(pid) === process.pid || waitedMs >= OWNER_GRACE_MS)
        throw embeddedError(
          `process ${pid ?? file.pid} already serves ${dataDirectory}`,
          `stop it first (kill ${pid ?? file.pid}), or give this one a folder of its own`,
        );
    }
    await sleep(POLL_MS);
    waitedMs += POLL_MS;
    if (waitedMs % STILL_WAITING_MS === 0)
      log.info(
        { pid: file.pid, waitedMs },
        'a PostgreSQL on this folder is still starting or stopping; waiting for it',
      );
  }
};

const launch = (cluster: Cluster, port: number, settings: Record<string, string>) => {
  const { handle, offset } = openLog(cluster.logFile);
  try {
    const args = ['-D', cluster.dataDirectory, '-p', String(port)];
    for (const [name, value] of Object.entries({ ...settings, cluster_name: ownerName() }))
      args.push('-c', `${name}=${value}`);
    const [file = '', ...rest] = [...cluster.launch.prefix, cluster.binaries.postgres, ...args];
    const child = spawn(file, rest, {
      ...cluster.launch.options,
      // A session of its own: Ctrl-C in a terminal must reach the service alone, which then stops it in order.
      detached: true,
      stdio: ['ignore', handle, handle],
      cwd: '/',
      env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
    });
    const ended = new Promise<void>((resolve) => {
      child.on('exit', () => resolve()).on('error', () => resolve());
    });
    child.unref();
    return { child, ended, offset };
  } finally {
    closeSync(handle);
  }
};

const readFrom = (path: string, offset: number): string => readFileSync(path).subarray(offset).toString('utf8');

/** Waits until the server takes connections; `false` where it ended instead. However long a recovery takes. */
const isReady = async (cluster: Cluster, port: number, child: ChildProcess, log: Log): Promise<boolean> => {
  const startedAt = Date.now();
  let saidAt = startedAt;
  while (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    if (readPostmasterFile(cluster.dataDirectory)?.pid === child.pid && (await askOwner(cluster, port)) === ownerName())
      return true;
    await sleep(POLL_MS);
    if (Date.now() - saidAt < STILL_WAITING_MS) continue;
    saidAt = Date.now();
    log.info(
      { waitedMs: saidAt - startedAt },
      'the embedded PostgreSQL is still starting; it may be recovering from a crash',
    );
  }
  return false;
};

/** What a server that ended at once says where another try may succeed. */
const MAY_PASS = /could not bind|already in use|lock file ".*" already exists|pre-existing shared memory block/;

/**
 * Starts a server on the cluster, after the one before it.
 *
 * @param fixedPort the port it must have, because its URL was given away; else a free one is chosen
 * @throws EvenkeelError with the last lines of the server's log
 */
export const startServer = async (
  cluster: Cluster,
  settings: Record<string, string>,
  log: Log,
  fixedPort?: number,
): Promise<Running> => {
  for (let attempt = 1; ; attempt += 1) {
    await clearTheWay(cluster, log);
    const port = fixedPort ?? (await choosePort(cluster));
    const { child, ended, offset } = launch(cluster, port, settings);
    if (await isReady(cluster, port, child, log)) return { child, ended, port, pid: child.pid as number };
    await ended;
    const said = lastLines(readFrom(cluster.logFile, offset));
    if (attempt >= MAX_LAUNCHES || !MAY_PASS.test(said))
      throw embeddedError(`the embedded PostgreSQL did not start; ${cluster.logFile} ends with:\n${said}`);
    await sleep(RELAUNCH_PAUSE_MS * attempt);
  }
};
