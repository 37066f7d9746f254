import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { registerReadings, shared } from './metrics/at-scrape.ts';
import { FINE_SECONDS, LATENESS_SECONDS, LONG_SECONDS, SECONDS } from './metrics/buckets.ts';
import { HEALTH, type HealthReadings } from './metrics/health.ts';
import { MONITOR, type MonitorReadings, type OpenAlert, UNATTENDED } from './metrics/monitor.ts';
import { PROCESS, type ProcessReadings, WORK, type WorkReadings } from './metrics/work.ts';

/** One reading serves a whole scrape, and another Prometheus that asks a moment later. */
const WORK_KEPT_MS = 500;
/** Sizes and statistics change slowly, and looking at them opens every file. */
const HEALTH_KEPT_MS = 5_000;

/** What is read when Prometheus asks. Every part may fail by itself: a figure that is not known is left out. */
export interface Readings {
  readonly work: () => Promise<WorkReadings>;
  readonly process: () => ProcessReadings;
  readonly health: () => Promise<HealthReadings>;
  readonly monitor: () => MonitorReadings;
  readonly unattended: () => Promise<readonly OpenAlert[]>;
}

export interface BuildInfo {
  readonly version: string;
  readonly node: string;
  readonly postgres: string;
}

/** What the calculations room tells of each attempt (its `CalculationRecord`, of which only this is used). */
export interface FinishedCalculation {
  readonly trigger: string;
  readonly attempt: number;
  readonly outcome: 'succeeded' | 'failed' | 'retried' | 'lost';
  readonly kinds: readonly string[];
  readonly timingsMs: Readonly<
    Partial<Record<'queue' | 'freshen' | 'compile' | 'query' | 'store' | 'total', number | null>>
  >;
  readonly lateMs?: number;
}

const PHASES = ['queue', 'freshen', 'compile', 'query', 'store'] as const;
const TRIGGERS = ['newsletter', 'manual', 'schedule', 'api'] as const;
const OUTCOMES = ['succeeded', 'failed', 'cancelled'] as const;

/** `write`, `import`: until calculations see it; `fold`: until the oldest change of a fold is in the index, which builders read. */
export type FreshnessSource = 'write' | 'import' | 'fold';
/** `doors`: what requests use; `queue`: the queue's bookkeeping. */
export type PoolName = 'doors' | 'queue';

/** One registry an app. Labels are triggers, outcomes, kinds and route patterns: never users, segments or workspaces. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #calculations: Histogram<'trigger' | 'outcome'>;
  readonly #kinds: Histogram<'kind'>;
  readonly #phases: Histogram<'phase'>;
  readonly #queueWaits: Histogram<'trigger'>;
  readonly #poolWaits: Histogram<'pool'>;
  readonly #freshness: Histogram<'source'>;
  readonly #folds: Histogram;
  readonly #lateness: Histogram;
  readonly #late: Counter;
  readonly #retries: Counter;
  readonly #messages: Counter<'type'>;
  readonly #imports: Counter<'outcome'>;
  readonly #schedule: Counter<'outcome'>;
  readonly #notifications: Counter<'channel' | 'outcome'>;

  constructor() {
    const histogram = <L extends string = never>(name: string, help: string, buckets: number[], ...labelNames: L[]) =>
      new Histogram<L>({ name: `evenkeel_${name}`, help, labelNames, buckets, registers: [this.registry] });
    const counter = <L extends string = never>(name: string, help: string, ...labelNames: L[]) =>
      new Counter<L>({ name: `evenkeel_${name}`, help, labelNames, registers: [this.registry] });
    this.#requests = histogram(
      'http_request_duration_seconds',
      'Time from the request line to the end of the answer.',
      SECONDS,
      ...(['method', 'route', 'status'] as const),
    );
    this.#calculations = histogram(
      'calculation_duration_seconds',
      'Time of a calculation without its wait in the queue; one observation a calculation.',
      SECONDS,
      ...(['trigger', 'outcome'] as const),
    );
    this.#kinds = histogram(
      'calculation_kind_duration_seconds',
      'The same by condition kind: a calculation with three kinds is observed three times, so do not add them up.',
      SECONDS,
      'kind',
    );
    this.#phases = histogram(
      'calculation_phase_duration_seconds',
      'Time of each phase of succeeded calculations.',
      FINE_SECONDS,
      'phase',
    );
    this.#queueWaits = histogram(
      'queue_wait_seconds',
      'How long a calculation waited until its first attempt began, counted from its planned start where it had one.',
      LONG_SECONDS,
      'trigger',
    );
    this.#poolWaits = histogram(
      'database_pool_wait_seconds',
      'How long a taker waited for a connection of a pool of this process.',
      FINE_SECONDS,
      'pool',
    );
    this.#freshness = histogram(
      'freshness_seconds',
      'From when a write was accepted (import: acknowledged) until calculations that begin see all of it; fold: until it is in the index.',
      LONG_SECONDS,
      'source',
    );
    this.#lateness = histogram(
      'send_lateness_seconds',
      'How long after its deadline a calculation with one ended; 0 where it was on time.',
      LATENESS_SECONDS,
    );
    this.#folds = histogram(
      'fold_duration_seconds',
      'Time to fold pending changes into the index in the background.',
      SECONDS,
    );
    this.#late = counter('sends_late_total', 'Calculations that ended after their deadline.');
    this.#retries = counter('calculation_retries_total', 'Attempts of calculations that failed and were tried again.');
    this.#messages = counter('ingested_messages_total', 'Messages acknowledged, by type.', 'type');
    this.#imports = counter('imports_ended_total', 'Imports that ended, by how.', 'outcome');
    this.#schedule = counter(
      'schedule_looks_total',
      'Segments that were due: asked for a calculation, skipped as nothing had changed, busy with the one before, failed.',
      'outcome',
    );
    this.#notifications = counter(
      'alert_notifications_total',
      'Attempts to tell a channel of an alert, by what came of them.',
      ...(['channel', 'outcome'] as const),
    );
    this.#begin();
    collectDefaultMetrics({ register: this.registry });
  }

  /** What is known to come exists from the start: a rate needs the 0 before the first 1. */
  #begin(): void {
    for (const trigger of TRIGGERS) {
      this.#queueWaits.zero({ trigger });
      for (const outcome of OUTCOMES) this.#calculations.zero({ trigger, outcome });
    }
    for (const phase of PHASES) this.#phases.zero({ phase });
    for (const pool of ['doors', 'queue'] satisfies PoolName[]) this.#poolWaits.zero({ pool });
    for (const source of ['write', 'import', 'fold'] satisfies FreshnessSource[]) this.#freshness.zero({ source });
    for (const channel of ['log', 'webhook', 'alertmanager'])
      for (const outcome of ['delivered', 'failed', 'given_up']) this.#notifications.inc({ channel, outcome }, 0);
    for (const outcome of ['succeeded', 'failed', 'lost']) this.#imports.inc({ outcome }, 0);
    for (const outcome of ['asked', 'skipped', 'busy', 'failed']) this.#schedule.inc({ outcome }, 0);
    for (const channel of ['log', 'webhook', 'alertmanager'])
      for (const outcome of ['delivered', 'failed', 'given_up']) this.#notifications.inc({ channel, outcome }, 0);
  }

  request(method: string, route: string, status: number, seconds: number): void {
    this.#requests.observe({ method, route, status: String(status) }, seconds);
  }

  message(type: string, count = 1): void {
    this.#messages.inc({ type }, count);
  }

  import({ outcome, visibleAfterMs }: { readonly outcome: string; readonly visibleAfterMs: number }): void {
    this.#imports.inc({ outcome });
    if (outcome === 'succeeded') this.freshness('import', visibleAfterMs);
  }

  freshness(source: FreshnessSource, visibleAfterMs: number): void {
    this.#freshness.observe({ source }, visibleAfterMs / 1000);
  }

  poolWait(pool: PoolName, waitMs: number): void {
    this.#poolWaits.observe({ pool }, waitMs / 1000);
  }

  schedule(outcome: string): void {
    this.#schedule.inc({ outcome });
  }

  notification(channel: string, outcome: string): void {
    this.#notifications.inc({ channel, outcome });
  }

  fold(durationMs: number): void {
    this.#folds.observe(durationMs / 1000);
  }

  /** An attempt that is tried again is not the calculation's end: it is counted, and timed with the attempt that ends it. */
  calculation({ trigger, attempt, outcome, kinds, timingsMs, lateMs }: FinishedCalculation): void {
    if (attempt === 1) this.#queueWaits.observe({ trigger }, (timingsMs.queue ?? 0) / 1000);
    if (outcome === 'retried') {
      this.#retries.inc();
      return;
    }
    const seconds = Math.max(0, (timingsMs.total ?? 0) - (timingsMs.queue ?? 0)) / 1000;
    this.#calculations.observe({ trigger, outcome: outcome === 'lost' ? 'cancelled' : outcome }, seconds);
    if (outcome !== 'lost' && lateMs !== undefined) this.#send(lateMs);
    if (outcome !== 'succeeded') return;
    for (const kind of kinds) this.#kinds.observe({ kind }, seconds);
    for (const phase of PHASES) {
      const ms = timingsMs[phase];
      if (typeof ms === 'number') this.#phases.observe({ phase }, ms / 1000);
    }
  }

  #send(lateMs: number): void {
    this.#lateness.observe(Math.max(0, lateMs) / 1000);
    if (lateMs > 0) this.#late.inc();
  }

  build(info: BuildInfo): void {
    const labelNames = ['version', 'node', 'postgres'] as const;
    const help = 'What runs: the value is always 1.';
    new Gauge({ name: 'evenkeel_build_info', help, labelNames, registers: [this.registry] }).set({ ...info }, 1);
  }

  /** Registers what is read at the scrape. */
  watch({ work, process, health, monitor, unattended }: Readings): void {
    registerReadings(this.registry, async () => process(), PROCESS);
    registerReadings(this.registry, shared(work, WORK_KEPT_MS), WORK);
    registerReadings(this.registry, shared(health, HEALTH_KEPT_MS), HEALTH);
    registerReadings(this.registry, async () => monitor(), MONITOR);
    registerReadings(this.registry, shared(unattended, WORK_KEPT_MS), UNATTENDED);
  }
}
