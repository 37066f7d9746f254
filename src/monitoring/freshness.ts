import type { Queryable } from '../database/port.ts';
import type { Log } from '../core/log.ts';

/** 'write': acknowledged until calculations see it; 'fold': until it is part of the bitmaps, where builders see it too. */
export type FreshnessSource = 'write' | 'fold';

/** What is kept of so long is one row: the longest wait of a workspace. */
const FLUSH_MS = 30_000;
/** Workspaces between two flushes; of more the new ones are left out. */
const MAX_WORKSPACES = 10_000;

interface Sample {
  readonly source: FreshnessSource;
  readonly workspaceId: number;
  readonly waitedMs: number;
}

export interface FreshnessOptions {
  readonly db: Queryable;
  readonly log: Log;
  /** Changes that wait still, by workspace: what is not done at all would else never be heard of. */
  readonly waiting: () => Iterable<readonly [workspaceId: number, waitedMs: number]>;
  readonly flushMs?: number;
}

/** Collects how long acknowledged writes waited until they were seen, and writes the longest of each workspace now and then. */
export class Freshness {
  readonly #options: FreshnessOptions;
  readonly #longest = new Map<string, Sample>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(options: FreshnessOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#flushing ??= this.flush().finally(() => (this.#flushing = undefined));
    }, this.#options.flushMs ?? FLUSH_MS);
    this.#timer.unref();
  }

  /** Writes what there is. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flushing;
    await this.flush();
  }

  observe(source: FreshnessSource, workspaceId: number, waitedMs: number): void {
    const key = `${source}${workspaceId}`;
    const before = this.#longest.get(key);
    if (before === undefined ? this.#longest.size < MAX_WORKSPACES : before.waitedMs < waitedMs)
      this.#longest.set(key, { source, workspaceId, waitedMs });
  }

  async flush(): Promise<void> {
    const done = [...this.#longest.values()].map((sample) => ({ ...sample, open: false }));
    this.#longest.clear();
    const open = [...this.#options.waiting()].map(([workspaceId, waitedMs]) => ({
      source: 'fold' as const,
      workspaceId,
      waitedMs,
      open: true,
    }));
    const samples = [...done, ...open];
    if (samples.length === 0) return;
    await this.#options.db
      .query(
        `insert into monitor_freshness (source, workspace_id, waited_ms, open)
         select * from unnest($1::text[], $2::integer[], $3::real[], $4::boolean[])`,
        [
          samples.map(({ source }) => source),
          samples.map(({ workspaceId }) => workspaceId),
          samples.map(({ waitedMs }) => waitedMs),
          samples.map((sample) => sample.open),
        ],
      )
      .catch((error: unknown) => {
        // While the database is away, and before the first leader has made partitions. What was longest comes again with the next.
        for (const { source, workspaceId, waitedMs } of done) this.observe(source, workspaceId, waitedMs);
        this.#options.log.debug(
          { reason: (error as Error).message },
          'freshness could not be written; trying again later',
        );
      });
  }
}
