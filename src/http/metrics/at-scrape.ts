import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, Gauge, type Registry } from 'prom-client';

export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  /** Null or not finite: not known, and left out. */
  readonly value: number | null;
}

/** A metric that is read from a `T`. */
export interface Reading<T> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /** What only grows, counted elsewhere, such as by PostgreSQL. By default it is a gauge. */
  readonly type?: 'gauge' | 'counter';
  readonly samples: (from: T) => readonly Sample[];
}

/** The sample of a metric without labels. */
export const plain = (value: number | null | undefined): Sample[] => [{ value: value ?? null }];

/** A sample a name, under the label `label`. */
export const each = (label: string, values: Readonly<Record<string, number>>): Sample[] =>
  Object.entries(values).map(([key, value]) => ({ labels: { [label]: key }, value }));

/** Longer than this no scrape waits for a reading: the figures that are known are worth more than those that are not. */
const READING_TIMEOUT_MS = 3_000;

/**
 * Reads once for all who ask at the same time or within `keepMs`: a scrape asks once for each metric. Where reading fails nothing
 * is known until the next one, and nobody waits for that again; where it takes too long, no other is begun beside it.
 */
export const shared = <T>(read: () => Promise<T>, keepMs: number): (() => Promise<T | undefined>) => {
  let answer: Promise<T | undefined> | undefined;
  let staleAt = 0;
  return () => {
    if (answer !== undefined && performance.now() < staleAt) return answer;
    staleAt = Number.POSITIVE_INFINITY;
    const reading = read()
      .catch(() => undefined)
      .finally(() => {
        staleAt = performance.now() + keepMs;
      });
    answer = withTimeout(reading);
    return answer;
  };
};

const withTimeout = async <T>(reading: Promise<T>): Promise<T | undefined> => {
  const patience = new AbortController();
  const late = sleep(READING_TIMEOUT_MS, undefined, { signal: patience.signal, ref: false }).catch(() => undefined);
  try {
    return await Promise.race([reading, late]);
  } finally {
    patience.abort();
  }
};

/** Metrics that are read when Prometheus asks. What is not known has no sample, rather than a wrong one. */
export const registerReadings = <T>(
  registry: Registry,
  read: () => Promise<T | undefined>,
  readings: readonly Reading<T>[],
): void => {
  for (const { name, help, labels = [], type = 'gauge', samples } of readings) {
    const known = async (): Promise<readonly Sample[]> => {
      const from = await read();
      const all = from === undefined ? [] : samples(from);
      return all.filter(({ value }) => value !== null && Number.isFinite(value));
    };
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === 'counter')
      new Counter({
        ...options,
        async collect() {
          const now = await known();
          clear(this, labels);
          for (const sample of now) this.inc({ ...sample.labels }, sample.value ?? 0);
        },
      });
    else
      new Gauge({
        ...options,
        async collect() {
          const now = await known();
          clear(this, labels);
          for (const sample of now) this.set({ ...sample.labels }, sample.value ?? 0);
        },
      });
  }
};

/** `reset()` alone leaves a metric without labels at 0. */
const clear = (metric: Counter | Gauge, labels: readonly string[]): void => {
  if (labels.length === 0) metric.remove();
  else metric.reset();
};
