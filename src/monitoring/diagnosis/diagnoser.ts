import type pg from 'pg';
import type { Log } from '../../core/log.ts';
import { transaction } from '../../database/transaction.ts';
import { alertsToDiagnose, recordDiagnosis } from '../alerts/record.ts';
import type { Alert } from '../types.ts';
import { capture, type CaptureSources } from './capture.ts';
import { chooseOf, chooseSamples, type Chosen } from './choose.ts';
import { classify } from './classify.ts';
import type { CaptureReason, Evidence } from './evidence.ts';
import {
  BASELINE_EVERY_MS,
  CAPTURE_BUDGET_MS,
  FIRST_BASELINE_AFTER_MS,
  KEEP_EVIDENCE_MS,
  LOOK_EVERY_MS,
  SAMPLE_EVERY_MS,
} from './limits.ts';
import { readSegments } from './parts.ts';
import { Sampler } from './sampler.ts';
import {
  anyAlertOpen,
  baselineBefore,
  escalatedAlerts,
  forgetEvidence,
  lastBaselineAt,
  storeEvidence,
} from './store.ts';

/** Alerts that one look takes: there is one for each cause, so that more than a few are rare. */
const ALERTS_A_LOOK = 4;
/** Of the samples: what was going on when it opened, and not half an hour before. */
const ACTIVITY_MS = 5 * 60_000;

/** Of this process's own connection, which must not be stuck with what it is there to find. */
const LIMITS = `select set_config('statement_timeout', '10000', false), set_config('lock_timeout', '1000', false)`;
/** Held by the one process that diagnoses. */
const LOCK = 'select pg_try_advisory_lock(1634497140, 3) as held';

export interface DiagnoserOptions extends Omit<CaptureSources, 'activity'> {
  /** A connection of its own that lasts. */
  readonly open: () => Promise<pg.Client>;
  readonly log: Log;
  /** The clock of the calculations; another one where these are replayed. */
  readonly now?: () => number;
  readonly lookEveryMs?: number;
  readonly sampleEveryMs?: number;
  readonly firstBaselineAfterMs?: number;
  readonly baselineEveryMs?: number;
  readonly budgetMs?: number;
  /** Of the samples, those of so long before the look. */
  readonly activityMs?: number;
}

/**
 * Finds out why: for each alert that opens or gets worse it looks at the database once, compares that with what was there before it
 * began, and writes down what it makes of it. One process does so at a time, one look after the other; what is open stands in the
 * table, so that whoever comes next goes on.
 */
export class Diagnoser {
  readonly #options: DiagnoserOptions;
  readonly #sampler: Sampler;
  readonly #now: () => number;
  #client: pg.Client | undefined;
  /** Without the lock. */
  #standby: pg.Client | undefined;
  #timers: NodeJS.Timeout[] = [];
  #running = false;
  /** One thing at a time: what is asked for meanwhile is asked for again. */
  #busy: Promise<void> | undefined;
  #sampling: Promise<void> | undefined;
  /** In a transaction, in which no sample is to be taken. */
  #writing = false;
  #baselineLookAt = 0;
  #failures = 0;

  constructor(options: DiagnoserOptions) {
    this.#options = options;
    this.#sampler = new Sampler(options.service);
    this.#now = options.now ?? Date.now;
  }

  start(): void {
    this.#running = true;
    this.#baselineLookAt = this.#now() + (this.#options.firstBaselineAfterMs ?? FIRST_BASELINE_AFTER_MS);
    const { lookEveryMs = LOOK_EVERY_MS, sampleEveryMs = SAMPLE_EVERY_MS } = this.#options;
    this.#timers = [
      setInterval(() => void this.look(), lookEveryMs),
      setInterval(() => {
        this.#sampling ??= this.#sample().finally(() => {
          this.#sampling = undefined;
        });
      }, sampleEveryMs),
    ];
    void this.look();
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#busy;
    await this.#sampling;
    await this.#drop();
  }

  /** Whether this process is the one that diagnoses. */
  get leads(): boolean {
    return this.#client !== undefined;
  }

  /** Does what there is to do: alerts, then a baseline where one is due. */
  async look(): Promise<void> {
    this.#busy ??= this.#look()
      .then(() => {
        this.#failures = 0;
      })
      .catch(async (error: Error) => {
        // The database is away, or ends the connection: the next look makes another.
        this.#failures += 1;
        if (this.#failures === 1)
          this.#options.log.warn({ reason: error.message }, 'alerts cannot be diagnosed just now');
        await this.#drop();
      })
      .finally(() => {
        this.#busy = undefined;
      });
    return this.#busy;
  }

  /** Looks at everything as it is while nothing is slow, to compare with later. */
  async captureBaseline(): Promise<void> {
    await this.#busy;
    const client = await this.#lead();
    if (client !== undefined) await this.#captureBaseline(client);
  }

  /** Becomes the one that diagnoses, if no other process is. Until then it asks by the same connection: one that is made anew each time costs more. */
  async #lead(): Promise<pg.Client | undefined> {
    if (this.#client !== undefined) return this.#client;
    const client = (this.#standby ??= await this.#connect());
    const held = (await client.query<{ held: boolean }>(LOCK)).rows[0]?.held === true;
    if (!held) return undefined;
    this.#standby = undefined;
    this.#client = client;
    return client;
  }

  async #connect(): Promise<pg.Client> {
    const client = await this.#options.open();
    client.once('end', () => {
      if (this.#client === client) this.#client = undefined;
      if (this.#standby === client) this.#standby = undefined;
    });
    try {
      await client.query(LIMITS);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    return client;
  }

  async #drop(): Promise<void> {
    const clients = [this.#client, this.#standby];
    this.#client = undefined;
    this.#standby = undefined;
    for (const client of clients) await client?.end().catch(() => undefined);
  }

  async #sample(): Promise<void> {
    if (this.#client === undefined || this.#writing) return;
    await this.#sampler.sample(this.#client).catch((error: Error) => {
      this.#options.log.debug({ reason: error.message }, 'a sample of what is going on failed');
    });
  }

  async #look(): Promise<void> {
    const client = await this.#lead();
    if (client === undefined) return;
    for (const { alert } of await alertsToDiagnose(client, ALERTS_A_LOOK))
      await this.#diagnose(client, alert, 'opened');
    for (const alert of await escalatedAlerts(client, ALERTS_A_LOOK)) await this.#diagnose(client, alert, 'escalated');
    await this.#baselineIfDue(client);
  }

  async #diagnose(client: pg.Client, alert: Alert, reason: CaptureReason): Promise<void> {
    if (!this.#running) return;
    const before = await baselineBefore(client, alert);
    // Who has locked that table is to be found out all the same.
    const known = await readSegments(client).catch(() => []);
    const now = await this.#capture(reason, chooseOf(alert, known, before));
    const diagnosis = { ...classify({ alert, before, now }), severity: alert.severity };
    const stored = { alertId: alert.id, reason, at: this.#now(), evidence: now };
    await this.#write(client, async () => {
      await storeEvidence(client, stored);
      await recordDiagnosis(client, alert.id, diagnosis);
    });
    const { cause, confidence, sentence } = diagnosis;
    this.#options.log.info({ alert: alert.id, cause, confidence, tookMs: Math.round(now.tookMs) }, sentence);
  }

  async #baselineIfDue(client: pg.Client): Promise<void> {
    const now = this.#now();
    const { baselineEveryMs = BASELINE_EVERY_MS } = this.#options;
    if (now < this.#baselineLookAt || !this.#running) return;
    const last = await lastBaselineAt(client);
    if (last !== undefined && now - last < baselineEveryMs) {
      this.#baselineLookAt = last + baselineEveryMs;
      return;
    }
    if (!(await anyAlertOpen(client))) await this.#captureBaseline(client);
  }

  async #captureBaseline(client: pg.Client): Promise<void> {
    const segments = chooseSamples(await readSegments(client));
    // Nothing was calculated yet, so there is nothing to compare with.
    if (segments.length === 0) return;
    const evidence = await this.#capture('baseline', segments);
    const at = this.#now();
    await this.#write(client, async () => {
      await storeEvidence(client, { alertId: null, reason: 'baseline', at, evidence });
      await forgetEvidence(client, at - KEEP_EVIDENCE_MS);
    });
  }

  #capture(reason: CaptureReason, segments: readonly Chosen[]): Promise<Evidence> {
    const activity = this.#sampler.since(Date.now() - (this.#options.activityMs ?? ACTIVITY_MS));
    const budgetMs = this.#options.budgetMs ?? CAPTURE_BUDGET_MS;
    return capture({ ...this.#options, activity: () => activity }, { reason, segments, budgetMs });
  }

  async #write(client: pg.Client, work: () => Promise<void>): Promise<void> {
    this.#writing = true;
    try {
      await this.#sampling;
      await transaction(client, work);
    } finally {
      this.#writing = false;
    }
  }
}
