import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What the gauges read when Prometheus asks. Every part may fail by itself: a figure that is not known is left out. */
export interface Gauges {
  readonly queue: () => Promise<{ queued: number; planned: number; running: number; oldestWaitSeconds: number }>;
  readonly pending: () => Promise<{ properties: number; events: number }>;
  readonly imports: () => Promise<{ queued: number; running: number }>;
  readonly workerUtilisation: () => number;
  readonly database: () => { total: number; idle: number; waiting: number };
}

/** What the calculations room tells of each attempt (its `CalculationRecord`, of which only this is used). */
export interface FinishedCalculation {
  readonly trigger: string;
  readonly outcome: 'succeeded' | 'failed' | 'retried' | 'lost';
  readonly kinds: readonly string[];
  readonly timingsMs: Readonly<
    Partial<Record<'queue' | 'freshen' | 'compile' | 'query' | 'store' | 'total', number | null>>
  >;
}

const PHASES = ['queue', 'freshen', 'compile', 'query', 'store'] as const;

/** One registry an app. Labels are triggers, outcomes, kinds and route patterns: never users, segments or workspaces. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #calculations: Histogram<'trigger' | 'outcome'>;
  readonly #kinds: Histogram<'kind'>;
  readonly #phases: Histogram<'phase'>;
  readonly #messages: Counter<'type'>;
  readonly #folds: Histogram<never>;
  readonly #imports: Counter<'outcome'>;
  readonly #retries: Counter<never>;
  readonly #schedule: Counter<'outcome'>;

  constructor() {
    const registers = [this.registry];
    this.#requests = new Histogram({
      name: 'evenkeel_http_request_duration_seconds',
      help: 'Time from the request line to the end of the answer.',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers,
    });
    this.#calculations = new Histogram({
      name: 'evenkeel_calculation_duration_seconds',
      help: 'Time of a calculation without its wait in the queue; one observation a calculation.',
      labelNames: ['trigger', 'outcome'],
      buckets: SECONDS,
      registers,
    });
    this.#kinds = new Histogram({
      name: 'evenkeel_calculation_kind_duration_seconds',
      help: 'The same by condition kind: a calculation with three kinds is observed three times, so do not add them up.',
      labelNames: ['kind'],
      buckets: SECONDS,
      registers,
    });
    this.#phases = new Histogram({
      name: 'evenkeel_calculation_phase_duration_seconds',
      help: 'Time of each phase of succeeded calculations.',
      labelNames: ['phase'],
      buckets: [0.0001, 0.00025, 0.0005, ...SECONDS],
      registers,
    });
    this.#messages = new Counter({
      name: 'evenkeel_ingested_messages_total',
      help: 'Messages acknowledged, by type.',
      labelNames: ['type'],
      registers,
    });
    this.#imports = new Counter({
      name: 'evenkeel_imports_ended_total',
      help: 'Imports that ended, by how.',
      labelNames: ['outcome'],
      registers,
    });
    this.#retries = new Counter({
      name: 'evenkeel_calculation_retries_total',
      help: 'Attempts of calculations that failed and were tried again.',
      registers,
    });
    this.#schedule = new Counter({
      name: 'evenkeel_schedule_looks_total',
      help: 'Segments that were due: asked for a calculation, skipped as nothing had changed, busy with the one before, failed.',
      labelNames: ['outcome'],
      registers,
    });
    this.#folds = new Histogram({
      name: 'evenkeel_fold_duration_seconds',
      help: 'Time to fold pending changes into the index in the background.',
      buckets: SECONDS,
      registers,
    });
    collectDefaultMetrics({ register: this.registry });
  }

  request(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, status: String(status) }, seconds);
  }

  message(type: string, count = 1): void {
    this.#messages.inc({ type }, count);
  }

  import({ outcome }: { readonly outcome: string }): void {
    this.#imports.inc({ outcome });
  }

  schedule(outcome: string): void {
    this.#schedule.inc({ outcome });
  }

  fold(durationMs: number): void {
    this.#folds.observe(durationMs / 1000);
  }

  /** An attempt that is tried again is not the calculation's end: it is counted, and timed with the attempt that ends it. */
  calculation({ trigger, outcome, kinds, timingsMs }: FinishedCalculation): void {
    if (outcome === 'retried') {
      this.#retries.inc();
      return;
    }
    const seconds = Math.max(0, (timingsMs.total ?? 0) - (timingsMs.queue ?? 0)) / 1000;
    this.#calculations.observe({ trigger, outcome: outcome === 'lost' ? 'cancelled' : outcome }, seconds);
    if (outcome !== 'succeeded') return;
    for (const kind of kinds) this.#kinds.observe({ kind }, seconds);
    for (const phase of PHASES) {
      const ms = timingsMs[phase];
      if (typeof ms === 'number') this.#phases.observe({ phase }, ms / 1000);
    }
  }

  /** Gauges are read at the scrape. */
  watch(gauges: Gauges): void {
    const registers = [this.registry];
    const labelled = (name: string, help: string, label: string, read: () => Promise<Record<string, number>>) => {
      new Gauge({
        name,
        help,
        labelNames: [label],
        registers,
        async collect() {
          this.reset();
          const values = await read().catch(() => ({}));
          for (const [key, value] of Object.entries(values)) this.set({ [label]: key }, value);
        },
      });
    };
    labelled('evenkeel_calculations', 'Calculations that wait, are planned for later, or run.', 'state', async () => {
      const { queued, planned, running } = await gauges.queue();
      return { queued, planned, running };
    });
    labelled('evenkeel_pending_rows', 'Changes that are in the rows and not yet in the index.', 'kind', async () => ({
      ...(await gauges.pending()),
    }));
    labelled('evenkeel_imports', 'Imports that wait or run.', 'state', async () => ({ ...(await gauges.imports()) }));
    labelled('evenkeel_database_connections', 'Connections of the pool of the doors.', 'state', async () => ({
      ...gauges.database(),
    }));
    new Gauge({
      name: 'evenkeel_queue_oldest_wait_seconds',
      help: 'How long the oldest waiting calculation has waited.',
      registers,
      async collect() {
        const read = await gauges.queue().catch(() => undefined);
        if (read !== undefined) this.set(read.oldestWaitSeconds);
      },
    });
    new Gauge({
      name: 'evenkeel_worker_utilisation_ratio',
      help: 'Share of the calculation threads that were busy.',
      registers,
      collect() {
        this.set(gauges.workerUtilisation());
      },
    });
  }
}
