import type { Fired, Severity } from '../types.ts';
import type { DetectorConfig } from './config.ts';
import { COUNT, type Estimate, estimate, EXPECTED, GAP, type Histogram, weightOf, without } from './histogram.ts';
import type { Slice } from './slice.ts';
import { HOUR_MS } from './time.ts';

export interface Verdict {
  readonly fired: readonly Fired[];
  /** The highest of them. */
  readonly severity: Severity;
  /** The window of the rule that fired with the highest severity. */
  readonly hours: number;
}

/** What is known of a slice beside its calculations. */
export interface Known {
  readonly spread: number;
  readonly learned: number;
  /** Of the difference to its control, and of everything. */
  readonly wobble: number;
  readonly commonWobble: number;
}

/** Gaps of less are noise of nightly baselines. */
const LEAST_GAP = Math.log(1.2);

/** Fewer than these are no control. */
const LEAST_CONTROL = 10;

/** The calculations of a stretch of time; counting them all is put off until something is asked of them but how many. */
export interface Stretch {
  /** Effective number of calculations. */
  readonly n: number;
  readonly cells: () => Histogram;
  /** Everything's of the same stretch; absent where this is everything. */
  readonly whole?: (() => Histogram) | undefined;
}

/** One that is counted already. */
export const stretchOf = (cells: Histogram, whole?: () => Histogram): Stretch => ({
  n: weightOf(cells),
  cells: () => cells,
  whole,
});

/** What a window says of a slice. Most looks end at how many calculations it holds, so the rest waits until it is asked for. */
export class Look {
  readonly hours: number;
  private readonly stretch: Stretch;
  private readonly known: Known;
  private counted: Histogram | undefined;
  private ownEstimate: Estimate | undefined;
  private controlEstimate: Estimate | undefined | null = null;

  constructor(stretch: Stretch, hours: number, known: Known) {
    this.stretch = stretch;
    this.hours = hours;
    this.known = known;
  }

  /** Effective number of calculations. */
  get n(): number {
    return this.stretch.n;
  }

  get calculations(): number {
    return this.cells[COUNT]!;
  }

  /** How far below the highest level that was normal lately. */
  get gap(): number {
    const gap = this.n > 0 ? this.cells[GAP]! / this.n : 0;
    return gap > LEAST_GAP ? gap : 0;
  }

  get expectedMs(): number {
    return this.calculations > 0 ? this.cells[EXPECTED]! / this.calculations : 0;
  }

  get own(): Estimate {
    this.ownEstimate ??= estimate(this.cells, this.known.spread);
    return this.ownEstimate;
  }

  /** Of everything outside; undefined where there is too little of it, or nothing is outside. */
  get control(): Estimate | undefined {
    if (this.controlEstimate === null) {
      const whole = this.stretch.whole?.();
      const rest = whole && estimate(without(whole, this.cells), this.known.spread);
      this.controlEstimate = rest !== undefined && rest.n >= LEAST_CONTROL ? rest : undefined;
    }
    return this.controlEstimate;
  }

  /** Standard error of the slice's own average as × normal. */
  get error(): number {
    return Math.hypot(this.own.error, this.baseError, this.known.wobble, this.known.commonWobble);
  }

  /** By how much the slice is off beyond its control, and the standard error of that. */
  get beyond(): number {
    return this.own.mean - (this.control?.mean ?? 0);
  }
  get beyondError(): number {
    const { control } = this;
    return control === undefined
      ? this.error
      : Math.hypot(this.own.error, control.error, this.baseError, this.known.wobble);
  }

  private get cells(): Histogram {
    this.counted ??= this.stretch.cells();
    return this.counted;
  }

  /** How far off the slice's baselines may be altogether. */
  private get baseError(): number {
    return this.known.spread / Math.sqrt(Math.max(this.known.learned, 1));
  }
}

/** Looks over windows that end now; leaning: in which later hours count for more, where a slice is kept. */
export type Looker = (hours: number, leaning?: boolean) => Look;

/** A slice's windows that end before `endBin`; `wholeOf` gives everything's, unless the slice `all` is looked at. */
export const lookerOf = (
  slice: Slice,
  all: Slice,
  wholeOf: ((hours: number) => Histogram) | undefined,
  endBin: number,
  known: Known,
): Looker => {
  const looks: Look[] = [];
  return (hours, leaning = false) => {
    if (leaning) {
      const scale = slice.leaningScale(endBin, hours);
      const whole = wholeOf && (() => all.leaning(endBin, hours, scale));
      return new Look(stretchOf(slice.leaning(endBin, hours, scale), whole), hours, known);
    }
    const before = looks.find((look) => look.hours === hours);
    if (before !== undefined) return before;
    const look = new Look(
      {
        n: slice.weight(endBin, hours),
        cells: () => slice.window(endBin, hours),
        whole: wholeOf && (() => wholeOf(hours)),
      },
      hours,
      known,
    );
    looks.push(look);
    return look;
  };
};

const WIDER = [1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48, 72];

/** The shortest window from `hours` on that holds enough calculations; undefined where none does. */
export const enough = (look: Looker, hours: number, least: number, config: DetectorConfig): Look | undefined => {
  const first = look(hours);
  if (first.n >= least) return first;
  for (const wide of WIDER) {
    if (wide <= hours) continue;
    if (wide > config.maxWindowHours) return undefined;
    const seen = look(wide);
    if (seen.n >= least) return seen;
  }
  return undefined;
};

/** So many calculations of such a spread are needed to tell this ratio from normal. */
const needed = (spread: number, ratio: number, config: DetectorConfig): number =>
  Math.max(config.minCalculations, ((config.sigmas * spread) / Math.log(ratio)) ** 2);

/** What a target is judged by. */
export interface Bounds extends DetectorConfig {
  readonly driftSigmas: number;
}

/** For each sort of target. */
export interface BoundsBySort {
  readonly kind: Bounds;
  readonly segment: Bounds;
  readonly other: Bounds;
}

export const boundsBySort = (config: DetectorConfig): BoundsBySort => {
  const { sigmas, kindSigmas, segmentSigmas, segmentDriftRatio } = config;
  return {
    kind: { ...config, driftSigmas: kindSigmas },
    segment: { ...config, sigmas: segmentSigmas, driftSigmas: segmentSigmas, driftRatio: segmentDriftRatio },
    other: { ...config, driftSigmas: sigmas },
  };
};

const DRIFT_HOURS = [6, 12, 24];
/** Of this length a leaning window is asked as well: it shows best what gets slower and slower. */
const LEANING_HOURS = 12;

/** Which rules are true of a slice. */
export const judge = (look: Looker, spread: number, config: Bounds): Verdict | undefined => {
  const recent = enough(look, config.windowHours, config.minCalculations, config);
  if (recent === undefined || recent.own.mean < Math.log(config.clearRatio)) return undefined;
  const fired = [...drift(look, recent, config), ...warning(look, recent, config), ...critical(look, spread, config)];
  const strongest = fired.at(-1);
  if (strongest === undefined) return undefined;
  return { fired, severity: strongest.severity, hours: strongest.windowMs / HOUR_MS };
};

const firedBy = (severity: Severity, seen: Look, value: number, threshold: number, sigmas: number): Fired => ({
  severity,
  windowMs: seen.hours * HOUR_MS,
  value: Math.exp(value),
  threshold,
  sigmas,
  calculations: seen.calculations,
});

/** Whether most calculations are slower, not only a few wild ones. */
const isBulk = (seen: Look, threshold: number, config: DetectorConfig): boolean =>
  seen.own.median >= config.bulk * threshold;

const drift = (look: Looker, recent: Look, config: Bounds): Fired[] => {
  const threshold = Math.log(config.driftRatio);
  if (recent.beyond < Math.log(config.clearRatio)) return [];
  const fires = (seen: Look): Fired | undefined => {
    if (seen.n < config.minCalculations || seen.beyond < threshold || !isBulk(seen, threshold, config))
      return undefined;
    const sigmas = seen.beyond / seen.beyondError;
    return sigmas >= config.driftSigmas ? firedBy('drift', seen, seen.beyond, config.driftRatio, sigmas) : undefined;
  };
  for (const hours of DRIFT_HOURS) {
    const seen = enough(look, hours, config.minCalculations, config);
    const fired = (seen && fires(seen)) ?? (hours === LEANING_HOURS ? fires(look(hours, true)) : undefined);
    if (fired !== undefined) return [fired];
  }
  return [];
};

const warning = (look: Looker, recent: Look, config: DetectorConfig): Fired[] => {
  const [ratio, short] = [config.warningRatio, config.warningShortRatio];
  const fires = (hours: number, least: number): Fired[] => {
    const seen = enough(look, hours, needed(SPREAD_FLOOR, least, config), config);
    if (seen === undefined || seen.own.mean < Math.log(least) || !isBulk(seen, Math.log(least), config)) return [];
    const sigmas = seen.own.mean / seen.error;
    return sigmas >= config.sigmas ? [firedBy('warning', seen, seen.own.mean, least, sigmas)] : [];
  };
  if (recent.own.mean < Math.log(ratio)) return [];
  const long = fires(24, ratio);
  return long.length > 0 ? long : fires(6, short);
};

const SPREAD_FLOOR = 0;

const critical = (look: Looker, spread: number, config: DetectorConfig): Fired[] => {
  const threshold = Math.log(config.multiple);
  const seen = enough(look, config.windowHours, needed(spread, config.multiple, config), config);
  if (seen === undefined || seen.own.mean - seen.gap < threshold || !isBulk(seen, threshold, config)) return [];
  const sigmas = seen.own.mean / seen.error;
  return sigmas >= config.sigmas ? [firedBy('critical', seen, seen.own.mean, config.multiple, sigmas)] : [];
};
