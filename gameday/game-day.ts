import { silentLog } from '../src/core/log.ts';
import { Diagnoser } from '../src/monitoring/diagnosis/diagnoser.ts';
import type { Cause, Diagnosis } from '../src/monitoring/diagnosis/diagnosis.ts';
import type { Alert, Observation, Scope } from '../src/monitoring/types.ts';
import { openStage, type Stage } from './stage.ts';
import { Timeline } from './timeline.ts';

/** A fault that is real, and what it must be found to be. */
export interface GameDay {
  readonly name: string;
  /** What happens, for whoever watches. */
  readonly story: string;
  readonly expected: {
    /** The alert's scope. Several: where the fault's own reach leaves it open. */
    readonly scopes: readonly Scope[];
    readonly causes: readonly Cause[];
  };
  /** Of the embedded PostgreSQL. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Segments that the fault makes slow: it is made stronger until they are. */
  readonly hits: (calculation: Observation) => boolean;
  /** Makes it; where it takes several steps to be felt, each call of `worsen` is one. */
  readonly break: (stage: Stage, fault: Fault) => Promise<void>;
}

/** The running fault: what ends it is added as it is begun, so that it ends also where a game day fails in its middle. */
export interface Fault {
  readonly tell: (text: string) => void;
  readonly signal: AbortSignal;
  /** Runs last first, once. */
  onMend(step: () => Promise<unknown>): void;
  /** One more step of a fault that has to grow. */
  worsen: (() => Promise<void>) | undefined;
}

export interface Outcome {
  readonly alert: Alert;
  readonly diagnosis: Diagnosis;
  /** × normal in the alert's scope at the worst, and after the fault was mended. */
  readonly worst: number;
  readonly after: number;
  readonly resolved: boolean;
}

export interface Options {
  readonly url: string;
  readonly tell: (text: string) => void;
  readonly signal: AbortSignal;
}

const REFERENCE_ROUNDS = 8;
const WARM_UP_ROUNDS = 2;
/** A fault that is felt makes what it hits take so many times as long. */
const FELT = 4;
const MAX_STEPS = 6;
const MAX_ROUNDS = 40;
/** Where there is no alert after so many rounds it has to be stronger: other work of the machine drowns it. */
const PATIENCE_ROUNDS = 8;
const RECOVERY_ROUNDS = 18;
/** After these it is recovered if it is below half of the worst: on a machine that has other work it may never be below 1.12 ×. */
const MIN_RECOVERY_ROUNDS = 7;
const RECOVERY_MS = 20 * 60_000;
const LOOK_MS = 250;
const SAMPLE_MS = 100;
/** A fault lasts a second or two here: what was before it must not be among what is looked at. */
const ACTIVITY_MS = 1_000;

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
};
const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 1 : 0)} ×`;

const sameScope = (one: Scope, other: Scope): boolean =>
  one.kind === other.kind && one.workspace === other.workspace && one.segment === other.segment;

/** Runs a game day from its first user to its recovery. Throws where nothing is found within bounds; what was started is stopped in any case. */
export const runGameDay = async (day: GameDay, options: Options): Promise<Outcome> => {
  options.tell(`# ${day.name}\n\n${day.story}\n`);
  const stage = await openStage(options.url, options.signal);
  try {
    return await new Running(day, options, stage).run();
  } finally {
    await stage.stop();
  }
};

class Running {
  readonly #day: GameDay;
  readonly #options: Options;
  readonly #stage: Stage;
  readonly #timeline: Timeline;
  readonly #diagnoser: Diagnoser;
  readonly #mend: (() => Promise<unknown>)[] = [];

  constructor(day: GameDay, options: Options, stage: Stage) {
    this.#day = day;
    this.#options = options;
    this.#stage = stage;
    const timeline = new Timeline(stage);
    this.#timeline = timeline;
    this.#diagnoser = new Diagnoser({
      ...stage.diagnosis,
      log: silentLog,
      now: () => timeline.now,
      lookEveryMs: LOOK_MS,
      sampleEveryMs: SAMPLE_MS,
      activityMs: ACTIVITY_MS,
      baselineEveryMs: Number.POSITIVE_INFINITY,
    });
  }

  async run(): Promise<Outcome> {
    this.#diagnoser.start();
    try {
      const alert = await this.#alerted(await this.#breakIt(await this.#reference()));
      const diagnosis = await this.#diagnosed(alert);
      const worst = Math.max(alert.peakRatio, this.#timeline.ratioOf(alert) ?? 0);
      await this.#mendIt();
      return { alert, diagnosis, worst, ...(await this.#recovery(alert, worst)) };
    } finally {
      await this.#mendIt();
      await this.#diagnoser.stop();
    }
  }

  /** What is normal: real calculations, laid out over days. */
  async #reference(): Promise<readonly Observation[]> {
    const { tell } = this.#options;
    for (let i = 0; i < WARM_UP_ROUNDS; i++) await this.#stage.round();
    const rounds: Observation[][] = [];
    for (let i = 0; i < REFERENCE_ROUNDS; i++) rounds.push(await this.#stage.round());
    await this.#timeline.layOut(rounds);
    await this.#diagnoser.captureBaseline();
    const all = rounds.flat();
    const hit = all.filter(this.#day.hits).map(({ durationMs }) => durationMs);
    tell(
      `normal: ${all.length} real calculations, laid out over 5 days; those that will be hit take ${median(hit).toFixed(1)} ms\n`,
    );
    return all;
  }

  /** × normal of those that are hit, beside the others, as the machine may have other work. */
  #felt(reference: readonly Observation[], now: readonly Observation[]): number {
    const ratio = (hit: boolean): number => {
      const of = (all: readonly Observation[]): number =>
        median(all.filter((each) => this.#day.hits(each) === hit).map(({ durationMs }) => durationMs));
      return of(now) / of(reference);
    };
    const others = ratio(false);
    return Number.isNaN(others) ? ratio(true) : ratio(true) / others;
  }

  async #breakIt(reference: readonly Observation[]): Promise<Fault> {
    const { tell, signal } = this.#options;
    const fault: Fault = {
      tell: (text) => tell(`fault: ${text}`),
      signal,
      onMend: (step) => this.#mend.unshift(step),
      worsen: undefined,
    };
    await this.#day.break(this.#stage, fault);
    for (let step = 0; step < MAX_STEPS && fault.worsen !== undefined; step++) {
      // Twice: once may be the machine's other work.
      const felt = async (): Promise<boolean> => this.#felt(reference, await this.#stage.round()) >= FELT;
      if ((await felt()) && (await felt())) break;
      await fault.worsen();
    }
    tell('');
    return fault;
  }

  async #alerted(fault: Fault): Promise<Alert> {
    const { tell } = this.#options;
    for (let i = 0; i < MAX_ROUNDS; i++) {
      await this.#timeline.add(await this.#stage.round());
      const { alerts } = this.#timeline;
      const found = alerts.find(
        ({ scope, resolvedAt, severity }) =>
          resolvedAt === null &&
          severity !== 'outliers' &&
          this.#day.expected.scopes.some((expected) => sameScope(scope, expected)),
      );
      if (found === undefined) {
        if (i % PATIENCE_ROUNDS === PATIENCE_ROUNDS - 1) await fault.worsen?.();
        continue;
      }
      for (const { severity, summary } of alerts) tell(`alert (${severity}): ${summary}`);
      tell('');
      return found;
    }
    const others = this.#timeline.alerts.map(({ scope, summary }) => `${JSON.stringify(scope)}: ${summary}`);
    throw new Error(
      `after ${MAX_ROUNDS} rounds there is no alert of ${JSON.stringify(this.#day.expected.scopes)}, but ${others.join('; ') || 'none at all'}`,
    );
  }

  async #diagnosed({ id }: Alert): Promise<Diagnosis> {
    const { tell, signal } = this.#options;
    for (;;) {
      signal.throwIfAborted();
      await this.#diagnoser.look();
      const { rows } = await this.#stage.pool.query<{ diagnosis: Diagnosis | null }>(
        'select diagnosis from alerts where id = $1',
        [id],
      );
      const diagnosis = rows[0]?.diagnosis;
      if (!diagnosis) continue;
      tell(`diagnosis (${diagnosis.cause}, ${diagnosis.confidence}): ${diagnosis.sentence}`);
      for (const { what, before, now } of diagnosis.evidence) tell(`    ${what}: ${before ?? '–'} → ${now ?? '–'}`);
      tell(`remedy: ${diagnosis.remedy.text}`);
      if (diagnosis.remedy.sql !== undefined) tell(`    ${diagnosis.remedy.sql}`);
      for (const { cause, confidence, sentence } of diagnosis.also) tell(`also (${cause}, ${confidence}): ${sentence}`);
      tell('');
      return diagnosis;
    }
  }

  async #mendIt(): Promise<void> {
    for (const step of this.#mend.splice(0)) await step();
  }

  async #recovery(alert: Alert, worst: number): Promise<Pick<Outcome, 'after' | 'resolved'>> {
    const { tell } = this.#options;
    let after = Number.POSITIVE_INFINITY;
    let resolved = false;
    for (let i = 0; i < RECOVERY_ROUNDS && !resolved; i++) {
      await this.#timeline.add(await this.#stage.round(), RECOVERY_MS);
      after = this.#timeline.ratioOf(alert) ?? after;
      resolved = this.#timeline.alerts.some(({ id, resolvedAt }) => id === alert.id && resolvedAt !== null);
      if (i >= MIN_RECOVERY_ROUNDS && after < worst / 2) break;
    }
    tell(`recovery: from ${times(worst)} to ${times(after)} normal${resolved ? '; the alert is resolved' : ''}`);
    return { after, resolved };
  }
}
