import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { cpus, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';

export interface Spread {
  readonly runs: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Percentiles by nearest rank, in the unit of the values. */
export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
  return { runs: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
};

const FSYNC_RUNS = 300;
const PAGE_BYTES = 8_192;

/** What one commit costs this disk at least: a page of 8 KiB written and synced, ms. */
export const syncLatency = (directory: string): Spread => {
  const scratch = mkdtempSync(join(directory, 'sync-'));
  const file = openSync(join(scratch, 'page'), 'w');
  const page = Buffer.alloc(PAGE_BYTES, 1);
  const times: number[] = [];
  try {
    for (let run = 0; run < FSYNC_RUNS; run++) {
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

const SETTINGS = [
  'shared_buffers',
  'work_mem',
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'max_wal_size',
  'jit',
];

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly postgres: string;
  readonly settings: Record<string, string>;
  readonly measuredAt: string;
}

export const machineOf = async (db: Client): Promise<Machine> => {
  const settings = await db.query(
    'select name, current_setting(name) as setting from pg_settings where name = any($1)',
    [SETTINGS],
  );
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.version,
    postgres: (await db.query('show server_version')).rows[0].server_version,
    settings: Object.fromEntries(settings.rows.map((row) => [row.name, row.setting])),
    measuredAt: new Date().toISOString(),
  };
};

const RSS_EVERY_MS = 100;

/** Watches a process's resident memory (Linux); `stop` gives the highest seen, MiB. NaN elsewhere. */
export const watchMemory = (pid: number): { readonly stop: () => number } => {
  let highest = Number.NaN;
  const look = () => {
    try {
      const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
      if (kib) highest = Math.max(Number.isNaN(highest) ? 0 : highest, Number(kib) / 1_024);
    } catch {
      // gone, or a system without /proc
    }
  };
  look();
  const timer = setInterval(look, RSS_EVERY_MS);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return highest;
    },
  };
};
