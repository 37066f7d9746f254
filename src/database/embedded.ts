import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Log, silentLog } from '../core/log.ts';
import { openClient } from './connect.ts';
import { openCluster } from './embedded/cluster.ts';
import { type Running, startServer, stopServer, urlOf } from './embedded/server.ts';
import { serverSettings } from './embedded/settings.ts';
import { watchOver } from './embedded/watchdog.ts';

const DATABASE = 'evenkeel';
const RESTART_PAUSE_MS = 500;
const MAX_RESTART_PAUSE_MS = 10_000;

export interface EmbeddedOptions {
  /** Where everything lies; made where it is missing. */
  readonly directory: string;
  readonly log?: Log;
  /** Server settings over the usual ones. */
  readonly settings?: Record<string, string>;
  readonly initdbFlags?: readonly string[];
}

export interface Embedded {
  /** Of the database `evenkeel`; it stays the same when the server has to be started again. */
  readonly url: string;
  /** The server's process, which changes when it has to be started again. */
  readonly pid: number;
  /** A fast shutdown. Resolves when the server has ended; may be called more than once. */
  stop(): Promise<void>;
}

const createDatabase = async (url: string): Promise<void> => {
  const client = await openClient(url, { applicationName: 'evenkeel start' });
  try {
    const { rows } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rows.length === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
};

/**
 * Starts the packaged PostgreSQL on `directory`, on a port of 127.0.0.1 that is free. It runs in a session of its own and
 * ends with this process however that ends; while this process lives, a server that crashes is started again.
 *
 * @throws EvenkeelError where another service uses the directory, or the server does not start (with what it said)
 */
export const startEmbedded = async (options: EmbeddedOptions): Promise<Embedded> => {
  const log = options.log ?? silentLog;
  const cluster = await openCluster(resolve(options.directory), options.initdbFlags ?? []);
  const settings = { ...serverSettings(), ...options.settings };
  const watchdog = watchOver(join(cluster.dataDirectory, 'postmaster.pid'));
  const stopping = new AbortController();

  const restart = async (port: number): Promise<Running | undefined> => {
    for (
      let pauseMs = RESTART_PAUSE_MS;
      !stopping.signal.aborted;
      pauseMs = Math.min(pauseMs * 2, MAX_RESTART_PAUSE_MS)
    ) {
      try {
        return await startServer(cluster, settings, log, port);
      } catch (error) {
        log.error({ reason: (error as Error).message }, 'the embedded PostgreSQL cannot be started again');
        await sleep(pauseMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
      }
    }
    return undefined;
  };

  const supervise = async (first: Running, onRestart: (next: Running) => void): Promise<void> => {
    for (let running = first; ; ) {
      await running.ended;
      if (stopping.signal.aborted) return;
      log.warn({ pid: running.pid }, 'the embedded PostgreSQL ended unexpectedly; starting it again');
      const next = await restart(running.port);
      if (next === undefined) return;
      running = next;
      onRestart(running);
      // The stop was asked for while the server was starting.
      if (stopping.signal.aborted) await stopServer(running.pid, cluster.dataDirectory, log);
    }
  };

  let running = await startServer(cluster, settings, log).catch((error: unknown) => {
    watchdog.dismiss();
    throw error;
  });
  const supervision = supervise(running, (next) => {
    running = next;
  });
  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    stopping.abort();
    await stopServer(running.pid, cluster.dataDirectory, log);
    await supervision;
    watchdog.dismiss();
  };
  const embedded: Embedded = {
    url: urlOf(cluster, running.port, DATABASE),
    get pid() {
      return running.pid;
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
  await createDatabase(urlOf(cluster, running.port, 'postgres')).catch(async (error: unknown) => {
    await embedded.stop();
    throw error;
  });
  return embedded;
};
