import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { type Spread, spreadOf } from './spread.ts';

const SETTINGS = [
  'shared_buffers',
  'work_mem',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'max_wal_size',
  'max_parallel_workers_per_gather',
  'jit',
];

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Runnable processes over the last minute, before the bench put its own load on it. */
  readonly load: number;
  readonly node: string;
  readonly postgres: string;
  readonly settings: Readonly<Record<string, string>>;
  /** What one commit costs this disk at least: 8 KiB written and synced. */
  readonly syncMs: Spread;
  readonly measuredAt: string;
}

export const machineOf = async (db: pg.ClientBase, directory: string): Promise<Machine> => {
  const settings = await db.query<{ name: string; setting: string }>(
    'select name, current_setting(name) as setting from pg_settings where name = any($1)',
    [SETTINGS],
  );
  const version = await db.query<{ server_version: string }>('show server_version');
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    load: loadavg()[0] ?? Number.NaN,
    node: process.version,
    postgres: version.rows[0]?.server_version ?? 'unknown',
    settings: Object.fromEntries(settings.rows.map((row) => [row.name, row.setting])),
    syncMs: syncLatency(directory),
    measuredAt: new Date().toISOString(),
  };
};

const SYNC_RUNS = 300;
const PAGE_BYTES = 8_192;

const syncLatency = (directory: string): Spread => {
  const scratch = mkdtempSync(join(directory, 'sync-'));
  const file = openSync(join(scratch, 'page'), 'w');
  const page = Buffer.alloc(PAGE_BYTES, 1);
  const times: number[] = [];
  try {
    for (let run = 0; run < SYNC_RUNS; run++) {
      const started = process.hrtime.bigint();
      writeSync(file, page, 0, PAGE_BYTES, 0);
      fdatasyncSync(file);
      times.push(Number(process.hrtime.bigint() - started) / 1e6);
    }
  } finally {
    closeSync(file);
    rmSync(scratch, { recursive: true });
  }
  return spreadOf(times);
};
