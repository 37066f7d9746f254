import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type pg from 'pg';
import { EvenkeelError } from '../../core/errors.ts';
import { checkServer, openClient } from '../../database/connect.ts';
import { runningEmbedded } from '../../database/embedded/running.ts';
import { readSqlFolder } from '../../database/sql.ts';
import { Client } from '../client.ts';
import type { Command, Invocation } from '../command.ts';
import { formatBytes, formatCount } from '../progress.ts';
import { readSettings, type Settings } from '../settings.ts';

const MIN_NODE = [20, 19] as const;
const LOW_DISK_BYTES = 2e9;
const LONG_TRANSACTION_SECONDS = 300;
const LARGE_BACKLOG_ROWS = 1_000_000;

interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly detail: string;
  readonly hint?: string;
}

const checkNode = (): Finding => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fine = major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1]);
  return {
    check: 'node',
    state: fine ? 'ok' : 'failed',
    detail: process.version,
    ...(fine ? {} : { hint: `install Node ${MIN_NODE.join('.')} or later` }),
  };
};

const checkDisk = async (directory: string): Promise<Finding> => {
  const place = existsSync(directory) ? directory : process.cwd();
  const { bavail, bsize } = await statfs(place);
  const free = bavail * bsize;
  return {
    check: 'disk',
    state: free < LOW_DISK_BYTES ? 'warning' : 'ok',
    detail: `${formatBytes(free)} free at ${place}`,
    ...(free < LOW_DISK_BYTES ? { hint: 'make room: PostgreSQL stops when its disk is full' } : {}),
  };
};

const checkService = async (invocation: Invocation): Promise<Finding> => {
  const client = Client.of(invocation);
  try {
    await client.json('/readyz');
    return { check: 'service', state: 'ok', detail: `answers at ${client.url} and is ready` };
  } catch (error) {
    const { message, hint } = error as EvenkeelError;
    return { check: 'service', state: 'warning', detail: message, ...(hint === undefined ? {} : { hint }) };
  }
};

const checkMigrations = async (client: pg.Client): Promise<Finding> => {
  const wanted = readSqlFolder('migrations').map(({ name }) => name);
  const { rows } = await client
    .query<{ name: string }>('select name from knex_migrations')
    .catch(() => ({ rows: [] as { name: string }[] }));
  const done = new Set(rows.map(({ name }) => name));
  const missing = wanted.filter((name) => !done.has(name));
  return missing.length === 0
    ? { check: 'migrations', state: 'ok', detail: `all ${wanted.length} are there` }
    : {
        check: 'migrations',
        state: 'warning',
        detail: `${missing.join(', ')} not yet run`,
        hint: 'run "evenkeel migrate"; "evenkeel serve" does it too',
      };
};

const checkBacklog = async (client: pg.Client): Promise<Finding> => {
  const { rows } = await client.query<{ rows: number }>(
    'select (select count(*) from pending_properties) + (select count(*) from pending_events) as rows',
  );
  const waiting = rows[0]?.rows ?? 0;
  const large = waiting > LARGE_BACKLOG_ROWS;
  return {
    check: 'pending',
    state: large ? 'warning' : 'ok',
    detail: `${formatCount(waiting)} changes wait to be folded into the index`,
    ...(large ? { hint: 'is a service running? It folds in the background' } : {}),
  };
};

const checkTransactions = async (client: pg.Client): Promise<Finding> => {
  const { rows } = await client.query<{ pid: number; seconds: number; application_name: string }>(
    `select pid, extract(epoch from now() - xact_start)::float8 as seconds, application_name
     from pg_stat_activity
     where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()
     order by xact_start limit 1`,
  );
  const oldest = rows[0];
  const long = oldest !== undefined && oldest.seconds > LONG_TRANSACTION_SECONDS;
  return {
    check: 'transactions',
    state: long ? 'warning' : 'ok',
    detail:
      oldest === undefined
        ? 'none is open'
        : `the oldest is open for ${oldest.seconds.toFixed(1)} s (pid ${oldest.pid}, ${oldest.application_name})`,
    ...(long ? { hint: 'it holds back vacuum, which makes calculations slow: end it' } : {}),
  };
};

const checkDatabase = async (url: string): Promise<Finding[]> => {
  let client: pg.Client;
  try {
    client = await openClient(url, { applicationName: 'evenkeel doctor' });
  } catch (error) {
    return [
      {
        check: 'database',
        state: 'failed',
        detail: (error as Error).message || String(error),
        hint: 'check DATABASE_URL, and that PostgreSQL runs',
      },
    ];
  }
  try {
    const { rows } = await client.query<{ version: string }>(`select current_setting('server_version') as version`);
    const database: Finding = { check: 'database', state: 'ok', detail: `PostgreSQL ${rows[0]?.version ?? '?'}` };
    try {
      await checkServer(client);
    } catch (error) {
      const { message, hint } = error as EvenkeelError;
      return [{ ...database, state: 'failed', detail: message, ...(hint === undefined ? {} : { hint }) }];
    }
    const migrations = await checkMigrations(client);
    if (migrations.state !== 'ok') return [database, migrations];
    return [database, migrations, await checkBacklog(client), await checkTransactions(client)];
  } finally {
    await client.end().catch(() => undefined);
  }
};

const checkEmbedded = async ({ dataDirectory }: Settings): Promise<Finding[]> => {
  const directory = resolve(dataDirectory);
  const url = runningEmbedded(directory);
  if (url !== undefined) return checkDatabase(url);
  const made = existsSync(join(directory, 'postgres'));
  const detail = made
    ? `embedded, in ${directory}; it runs while the service does`
    : `embedded, made in ${directory} at the first start`;
  return [{ check: 'database', state: 'ok', detail }];
};

const MARKS = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' } as const;

const run = async (invocation: Invocation): Promise<void> => {
  const read = readSettings(invocation.environment);
  const findings: Finding[] = [checkNode()];
  if ('faults' in read)
    findings.push(...read.faults.map((detail): Finding => ({ check: 'settings', state: 'failed', detail })));
  else {
    const { settings, warnings } = read;
    findings.push(...warnings.map((detail): Finding => ({ check: 'settings', state: 'warning', detail })));
    findings.push(
      ...(settings.databaseUrl === undefined
        ? await checkEmbedded(settings)
        : await checkDatabase(settings.databaseUrl)),
    );
    findings.push(await checkDisk(resolve(settings.dataDirectory)));
    findings.push(await checkService(invocation));
  }
  if (invocation.json) invocation.out(`${JSON.stringify({ findings })}\n`);
  else
    for (const { check, state, detail, hint } of findings)
      invocation.out(
        `${MARKS[state]}  ${check.padEnd(12)}  ${detail}\n${hint === undefined ? '' : `${' '.repeat(23)}${hint}\n`}`,
      );
  const failed = findings.filter(({ state }) => state === 'failed').length;
  if (failed > 0) throw new EvenkeelError(500, 'unhealthy', `${failed} of ${findings.length} checks failed`);
};

export const doctorCommand: Command = {
  name: 'doctor',
  usage: '',
  summary: 'check this machine, the database and the service',
  run,
};
