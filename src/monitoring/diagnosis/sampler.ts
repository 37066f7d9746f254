import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { ActivityEvidence, Blocker, Counters, ServiceLoad } from './evidence.ts';
import { SAMPLES_KEPT } from './limits.ts';
import { readBlockers } from './parts.ts';

const ACTIVITY = sql('diagnosis-activity');

export interface Sample {
  readonly at: number;
  readonly waits: Readonly<Record<string, number>>;
  readonly blockers: readonly Blocker[];
  readonly counters: Counters;
  readonly service: ServiceLoad;
}

const average = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** Each once, as it was last seen, with the number of samples in which somebody waited for it; the most waited for first. */
const sumBlockers = (samples: readonly Sample[]): Blocker[] => {
  const seen = new Map<string, Blocker>();
  for (const { blockers } of samples)
    for (const blocker of blockers) {
      const key = `${blocker.pid} ${blocker.since} ${blocker.relation}`;
      seen.set(key, { ...blocker, waiting: (seen.get(key)?.waiting ?? 0) + 1 });
    }
  return [...seen.values()].sort((one, other) => other.waiting - one.waiting);
};

/** What the samples of a while say together. Pure. */
export const summarise = (samples: readonly Sample[]): ActivityEvidence => {
  const totals: Record<string, number> = {};
  for (const { waits } of samples)
    for (const [kind, count] of Object.entries(waits)) totals[kind] = (totals[kind] ?? 0) + count;
  const all = Object.values(totals).reduce((sum, count) => sum + count, 0);
  const first = samples[0];
  const last = samples.at(-1);
  const base = {
    samples: samples.length,
    fromAt: first?.at ?? null,
    active: samples.length === 0 ? 0 : all / samples.length,
    waits: Object.fromEntries(Object.entries(totals).map(([kind, count]) => [kind, count / Math.max(all, 1)])),
    blockers: sumBlockers(samples),
    busyShare: average(samples.map(({ service }) => (service.threads === 0 ? 0 : service.busy / service.threads))),
    waitingTasks: average(samples.map(({ service }) => service.waiting)),
  };
  if (first === undefined || last === undefined || last.counters.at <= first.counters.at)
    return { ...base, hitShare: null, readBlocksPerSecond: null, tempBytesPerSecond: null };
  const seconds = (last.counters.at - first.counters.at) / 1_000;
  // Less than before: PostgreSQL's statistics were reset meanwhile.
  const grown = (name: keyof Counters): number => Math.max(0, last.counters[name] - first.counters[name]);
  const blocks = grown('hitBlocks') + grown('readBlocks');
  return {
    ...base,
    hitShare: blocks === 0 ? null : grown('hitBlocks') / blocks,
    readBlocksPerSecond: grown('readBlocks') / seconds,
    tempBytesPerSecond: grown('tempBytes') / seconds,
  };
};

interface Row {
  readonly waits: Readonly<Record<string, number>>;
  readonly at: number;
  readonly hit_blocks: number;
  readonly read_blocks: number;
  readonly read_ms: number;
  readonly temp_bytes: number;
  readonly commits: number;
}

/** Remembers what the last minutes were like: a lock that came and went, a pool that was full, are gone when somebody asks. */
export class Sampler {
  readonly #service: () => ServiceLoad;
  #samples: readonly Sample[] = [];

  constructor(service: () => ServiceLoad) {
    this.#service = service;
  }

  /** Of the samples taken since then. */
  since(at: number): ActivityEvidence {
    return summarise(this.#samples.filter((sample) => sample.at >= at));
  }

  async sample(db: Queryable): Promise<void> {
    const service = this.#service();
    const { rows } = await db.query<Row>(ACTIVITY);
    const row = rows[0];
    if (row === undefined) return;
    const { at, waits, hit_blocks, read_blocks, read_ms, temp_bytes, commits } = row;
    const blockers = (waits['Lock'] ?? 0) > 0 ? await readBlockers(db) : [];
    const counters = {
      at,
      hitBlocks: hit_blocks,
      readBlocks: read_blocks,
      readMs: read_ms,
      tempBytes: temp_bytes,
      commits,
    };
    this.#samples = [...this.#samples, { at: Date.now(), waits, blockers, counters, service }].slice(-SAMPLES_KEPT);
  }
}
