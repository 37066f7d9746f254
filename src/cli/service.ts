import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Calculations } from '../calculations/calculations.ts';
import { SegmentLists } from '../calculations/segment-lists.ts';
import { Segments } from '../calculations/segments.ts';
import { Snapshots } from '../calculations/snapshots.ts';
import type { Log } from '../core/log.ts';
import { Background } from '../ingest/background.ts';
import { Diagnoser } from '../monitoring/diagnosis/diagnoser.ts';
import { Imports } from '../ingest/imports.ts';
import { type Applied, Intake } from '../ingest/intake.ts';
import { VERSION } from '../core/version.ts';
import { isConnectionLost, openClient, openPool } from '../database/connect.ts';
import { startEmbedded } from '../database/embedded.ts';
import { migrate } from '../database/migrate.ts';
import { createApp } from '../http/app.ts';
import { Metrics } from '../http/metrics.ts';
import { monitorReadings } from '../http/metrics/monitor.ts';
import { readHealth, readProcess, readUnattended, readWork } from '../http/metrics/read.ts';
import { type HttpServer, startServer } from '../http/server.ts';
import { allRoutes } from '../http/routes/index.ts';
import { Workspaces } from '../http/workspaces.ts';
import { Alerts } from '../monitoring/alerts/alerts.ts';
import { diagnosisSources } from './diagnosing.ts';
import { Freshness } from '../monitoring/freshness.ts';
import { Monitor } from '../monitoring/monitor.ts';
import type { Settings } from './settings.ts';

/** Connections of the doors: requests hold one for milliseconds, streams for as long as their reader takes. */
const DOOR_CONNECTIONS = 16;
const WAIT_MS = 1_000;

export interface Database {
  readonly url: string;
  readonly embedded: boolean;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  /** Ends the waiting for a database that is not there. */
  readonly signal?: AbortSignal;
  /** Says to the person at the terminal what takes long. */
  readonly tell?: (text: string) => void;
  /** The workspace of open mode, and the operator's where none is named. */
  readonly workspace?: string;
}

export interface RunningService {
  readonly url: string;
  readonly port: number;
  readonly databaseUrl: string;
  readonly embedded: boolean;
  readonly postgres: string;
  /** Ends requests, calculations, background work, connections and the embedded PostgreSQL, in this order. */
  stop(): Promise<void>;
}

/** The embedded PostgreSQL, started; or the one of `DATABASE_URL`, which may still be away. */
export const openDatabase = async (settings: Settings, log: Log): Promise<Database> => {
  if (settings.databaseUrl !== undefined)
    return { url: settings.databaseUrl, embedded: false, stop: async () => undefined };
  const server = await startEmbedded({ directory: resolve(settings.dataDirectory), log });
  return { url: server.url, embedded: true, stop: () => server.stop() };
};

/** Waits until the database answers. False where `signal` ended the waiting. */
const waitFor = async (url: string, { signal, tell }: ServiceOptions): Promise<boolean> => {
  const where = new URL(url).host;
  for (let told = false; signal?.aborted !== true; ) {
    try {
      await (await openClient(url, { applicationName: 'evenkeel start' })).end();
      return true;
    } catch (error) {
      if (!isConnectionLost(error)) throw error;
      if (!told)
        tell?.(
          `evenkeel: waiting for PostgreSQL at ${where} (${(error as Error).message || 'no answer'}); Ctrl-C ends it`,
        );
      told = true;
      await sleep(WAIT_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    }
  }
  return false;
};

/** Undoes what was started, last first, and goes on where one of them fails. */
class Undo {
  readonly #steps: (() => Promise<unknown>)[] = [];
  readonly #log: Log;
  constructor(log: Log) {
    this.#log = log;
  }
  add(step: () => Promise<unknown>): void {
    this.#steps.unshift(step);
  }
  async run(): Promise<void> {
    for (const step of this.#steps.splice(0))
      await step().catch((error: unknown) => this.#log.warn({ err: error }, 'a part did not stop cleanly'));
  }
}

/**
 * The composition root: everything that a running service is made of, started in order. Undefined where it was told to
 * stop while it waited for the database.
 *
 * @throws EvenkeelError for what a reader can mend: a port that is taken, a server that is too old
 */
export const startService = async (
  settings: Settings,
  log: Log,
  options: ServiceOptions = {},
): Promise<RunningService | undefined> => {
  const undo = new Undo(log);
  try {
    return await start(settings, log, options, undo);
  } catch (error) {
    await undo.run();
    throw error;
  }
};

const start = async (
  settings: Settings,
  log: Log,
  options: ServiceOptions,
  undo: Undo,
): Promise<RunningService | undefined> => {
  const startedAt = new Date();
  const server: HttpServer = await startServer(settings);
  undo.add(() => server.stop());
  const database = await openDatabase(settings, log);
  undo.add(() => database.stop());
  if (!(await waitFor(database.url, options))) {
    await undo.run();
    return undefined;
  }
  await migrate(database.url, log);
  const metrics = new Metrics();
  const pool = openPool(database.url, {
    max: DOOR_CONNECTIONS,
    applicationName: 'evenkeel',
    log,
    onWait: (waitMs) => metrics.poolWait('doors', waitMs),
  });
  undo.add(() => pool.end());
  const { rows } = await pool.query<{ version: string }>(`select current_setting('server_version') as version`);
  const postgres = rows[0]?.version ?? '?';

  metrics.build({ version: VERSION, node: process.versions.node, postgres });
  const workspaces = new Workspaces(pool);
  const defaultWorkspace = options.workspace ?? 'default';
  await workspaces.ensure(defaultWorkspace);
  const calculations = new Calculations({
    url: database.url,
    pool,
    log,
    threads: settings.workers,
    statementTimeoutMs: settings.statementTimeoutMs,
    calculationDays: settings.calculationDays,
    onCalculation: (record) => metrics.calculation(record),
    onSchedule: (outcome) => metrics.schedule(outcome),
    onWait: (waitMs) => metrics.poolWait('queue', waitMs),
  });
  const lists = new SegmentLists({ pool, signals: calculations.signals });
  const snapshots = new Snapshots({ pool, log });
  const directory = resolve(settings.dataDirectory, 'imports');
  const freshness: Freshness = new Freshness({ db: pool, log, waiting: () => background.waiting() });
  const background: Background = new Background({
    url: database.url,
    pool,
    log,
    directory,
    onFold: ({ workspaceId, durationMs, waitedMs }) => {
      metrics.fold(durationMs);
      metrics.freshness('fold', waitedMs);
      freshness.observe('fold', workspaceId, waitedMs);
    },
    onImport: (record) => metrics.import(record),
  });
  const segments = new Segments({
    pool,
    signals: calculations.signals,
    onChanged: (workspaceId) => background.segmentsChanged(workspaceId),
  });
  const onWritten = (workspaceId: number): void => background.noticed(workspaceId);
  const onApplied = ({ workspaceId, visibleAfterMs }: Applied): void => {
    onWritten(workspaceId);
    for (const ms of visibleAfterMs) {
      metrics.freshness('write', ms);
      freshness.observe('write', workspaceId, ms);
    }
  };
  const imports = new Imports({ pool, directory, onQueued: () => background.wake() });
  const intake = new Intake({ pool, log, onApplied });
  const alerts = new Alerts({
    pool,
    log,
    settings: {
      publicUrl: settings.publicUrl ?? server.url,
      webhookUrl: settings.alertWebhookUrl,
      webhookSecret: settings.alertWebhookSecret,
      webhookAllowPrivate: settings.alertWebhookAllowPrivate,
      alertmanagerUrl: settings.alertmanagerUrl,
    },
    onSent: (channel, outcome) => metrics.notification(channel, outcome),
  });
  await calculations.start();
  undo.add(() => calculations.stop());
  await background.start();
  undo.add(() => background.stop());
  undo.add(() => intake.close());
  const diagnoser = new Diagnoser({
    ...diagnosisSources(database.url, { pool, max: DOOR_CONNECTIONS }, calculations),
    log,
  });
  diagnoser.start();
  undo.add(() => diagnoser.stop());
  const monitor = new Monitor({
    url: database.url,
    log,
    retention: settings.retention,
    config: settings.thresholds,
    statementTimeoutMs: settings.statementTimeoutMs,
  });
  monitor.start();
  undo.add(() => monitor.stop());
  freshness.start();
  undo.add(() => freshness.stop());
  alerts.start();
  undo.add(() => alerts.stop());
  metrics.watch({
    work: () => readWork(pool),
    process: () => readProcess(pool, calculations),
    health: () => readHealth(pool),
    monitor: () => monitorReadings(monitor.view(), monitor.leading, Date.now()),
    unattended: () => readUnattended(pool),
  });

  let stopping = false;
  const openMode = settings.operatorKey === undefined;
  const routes = allRoutes({
    db: pool,
    pool,
    intake,
    imports,
    onWritten,
    segments,
    lists,
    calculations,
    snapshots,
    workspaces,
    alerts,
    monitor,
    retention: settings.retention,
    metrics,
    version: VERSION,
    embedded: database.embedded,
    openMode,
    startedAt,
    stopping: () => stopping,
  });
  const authentication = { workspaces, operatorKey: settings.operatorKey, defaultWorkspace };
  const app = createApp({ routes, authentication, metrics, log });
  server.serve(app);
  // Also the first to stop, so that what serves requests ends after them.
  undo.add(() => server.stop());
  const stop = async (): Promise<void> => {
    stopping = true;
    // Streams have no end of their own, and would hold up the server.
    alerts.endStreams();
    await undo.run();
  };
  return { url: server.url, port: server.port, databaseUrl: database.url, embedded: database.embedded, postgres, stop };
};
