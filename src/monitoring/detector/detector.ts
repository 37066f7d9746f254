import type { Alert, AlertEvent, Observation, Scope } from '../types.ts';
import { acceptLevels } from './accept.ts';
import { type AlertBook, closeWithin, follow } from './alerts.ts';
import {
  type BaselineChange,
  CLIP,
  closeDay,
  fitBaselines,
  type Model,
  newModel,
  ringMean,
  typicalLevel,
} from './baseline.ts';
import { DEFAULT_CONFIG, type DetectorConfig } from './config.ts';
import { describe } from './describe.ts';
import { usualAlpha } from './growth.ts';
import { bucketOf, type Histogram, QUICK_CLIP } from './histogram.ts';
import { type BoundsBySort, boundsBySort, Look, type Looker, stretchOf } from './rules.ts';
import { isIn, type Target, targetOf } from './scopes.ts';
import { stormIn } from './outliers.ts';
import { measureTogether } from './noise.ts';
import { clamp } from './robust.ts';
import { DAYS, RING, type SavedSegments, Segments } from './segments.ts';
import {
  judgePause,
  judgeSignals,
  newSignalState,
  openSignals,
  seeCalculation,
  type Signal,
  type SignalState,
  takeSignal,
} from './signals.ts';
import { type Counted, type SavedSlice, Slice } from './slice.ts';
import { BIN_MS, binOf, BINS_PER_DAY, BINS_PER_HOUR, dayOfBin, hourOfBin } from './time.ts';
import { type BaselineView, type SliceView, viewOfSlice, viewsOfBaselines } from './views.ts';
import { firings } from './watch.ts';
import { membersOf, wholeOf, type World } from './world.ts';

/** What is normal from now on, and who says so. */
export interface Accepted {
  readonly scope: Scope;
  readonly by: string;
  readonly reason: string;
  /** In the stream's own time. */
  readonly at: number;
}

export interface DetectorState {
  readonly format: 1;
  readonly bin: number;
  readonly isEmpty: boolean;
  readonly model: Model;
  readonly book: AlertBook;
  readonly signals: SignalState;
  readonly kindNames: readonly string[];
  readonly workspaceNames: readonly string[];
  readonly all: SavedSlice;
  readonly kinds: readonly SavedSlice[];
  readonly workspaces: readonly SavedSlice[];
  readonly segments: SavedSegments;
  readonly hot: readonly number[];
  readonly events: readonly AlertEvent[];
}

/** How quickly the spread of a segment's residuals and its quick average follow. */
const SPREAD_PACE = 1 / 64;
const QUICK_PACE = 1 / 8;
/** A level that is known so well is the segment's own. */
const SURE = 0.8;
/** A segment whose quick average is above this is worth a look. */
const HOT = 0.25;
/** Mean absolute deviation to standard deviation of normal values; what is cut off before. */
const TO_DEVIATION = 1.2533;
const MOST_DEVIATION = 1.5;
const NOISE_BINS = 6 * BINS_PER_HOUR;

/**
 * Watches a stream of calculations: what each should take, which slices take longer, and what alerts that makes. A pure function of what it
 * is given: no clock, no chance. Observations come in time order; a late one counts where the stream is. Rules are judged at the ends of
 * bins of five minutes, when the first observation (or `advance`) beyond comes.
 */
export class Detector {
  readonly config: DetectorConfig;
  private readonly bounds: BoundsBySort;
  /** Log of × from where on a calculation is an outlier. */
  private readonly farOut: number;
  private readonly model: Model;
  private segments = new Segments();
  private readonly all: Slice;
  private readonly workspaces: Slice[] = [];
  private readonly kinds: Slice[] = [];
  private readonly names = { kinds: [] as string[], workspaces: [] as string[] };
  private readonly kindNumbers = new Map<string, number>();
  private readonly workspaceNumbers = new Map<string, number>();
  private readonly book: AlertBook;
  private readonly signals: SignalState;
  private readonly hot = new Set<number>();
  private readonly counted: Counted = { bucket: 0, weight: 0, expectedMs: 0, gap: 0, outlier: 0, clipped: 0 };
  private events: AlertEvent[] = [];
  /** The bin that runs, and whether it holds anything. */
  private bin = -1;
  private binEndsAt = Number.NEGATIVE_INFINITY;
  private isEmpty = true;
  private hourOfDay = 0;

  /** @param state what `save` gave: goes on from there as if it had never stopped. */
  constructor(config: Partial<DetectorConfig> = {}, state?: DetectorState) {
    this.config = { ...DEFAULT_CONFIG, ...config };
    this.bounds = boundsBySort(this.config);
    this.farOut = Math.log(this.config.outlierRatio);
    this.model = state === undefined ? newModel() : structuredClone(state.model);
    this.book = state === undefined ? { open: [], held: [], opened: 0 } : structuredClone(state.book);
    this.signals = state === undefined ? newSignalState() : structuredClone(state.signals);
    this.all = state === undefined ? new Slice({}) : Slice.restore(state.all);
    if (state !== undefined) this.restore(state);
  }

  private restore(state: DetectorState): void {
    this.names.kinds.push(...state.kindNames);
    this.names.workspaces.push(...state.workspaceNames);
    this.names.kinds.forEach((name, number) => this.kindNumbers.set(name, number));
    this.names.workspaces.forEach((name, number) => this.workspaceNumbers.set(name, number));
    this.kinds.push(...state.kinds.map((slice) => Slice.restore(slice)));
    this.workspaces.push(...state.workspaces.map((slice) => Slice.restore(slice)));
    this.measureNoise();
    this.segments.restore(state.segments, state.workspaceNames);
    for (let i = 0; i < this.segments.length; i++) this.countIn(i);
    for (const i of state.hot) this.hot.add(i);
    this.events.push(...structuredClone(state.events));
    if (state.bin >= 0) this.setBin(state.bin);
    this.isEmpty = state.isEmpty;
  }

  /**
   * Everything, as plain data with typed arrays (`v8.serialize` and structured clones take it): about 600 bytes a segment, and what its
   * slices hold.
   */
  save(): DetectorState {
    return {
      format: 1,
      bin: this.bin,
      isEmpty: this.isEmpty,
      model: structuredClone(this.model),
      book: structuredClone(this.book),
      signals: structuredClone(this.signals),
      kindNames: [...this.names.kinds],
      workspaceNames: [...this.names.workspaces],
      all: this.all.save(),
      kinds: this.kinds.map((slice) => slice.save()),
      workspaces: this.workspaces.map((slice) => slice.save()),
      segments: this.segments.save(),
      hot: [...this.hot],
      events: structuredClone(this.events),
    };
  }

  /** An operator says that what a scope takes now is normal. A scope that is not known changes nothing. */
  accept({ scope, by, reason, at }: Accepted): void {
    this.advance(at);
    const target = targetOf(scope, this.segments, this.kindNumbers, this.workspaceNumbers);
    if (target === undefined || !this.model.ready) return;
    const world = this.world(this.bin + 1);
    acceptLevels(world, target, { by, note: reason, at });
    this.events.push(...closeWithin(this.book, world, target));
    this.mark();
  }

  /** One calculation. Gives its residual, the log of × normal; NaN where nothing is known to compare it with. */
  observe(o: Observation): number {
    if (o.finishedAt >= this.binEndsAt) this.turnTo(binOf(o.finishedAt));
    if (this.model.firstDay < 0) this.model.firstDay = dayOfBin(this.bin);
    if (o.outcome === 'cancelled') return Number.NaN;
    seeCalculation(this.signals, o.finishedAt);
    const i = this.segmentOf(o);
    if (o.outcome !== 'succeeded')
      for (const slice of this.segments.slices[i]!) {
        slice.turnTo(this.bin);
        slice.addFailure();
      }
    if (o.outcome === 'failed') return Number.NaN;
    this.isEmpty = false;
    return this.take(i, Math.log(Math.max(o.durationMs, 0.001)), Math.log(Math.max(o.population, 1)));
  }

  /** Time passes without an observation. */
  advance(nowMs: number): void {
    if (this.bin < 0) return;
    if (nowMs >= this.binEndsAt) this.turnTo(binOf(nowMs));
    this.events.push(...judgePause(this.signals, nowMs, this.config));
  }

  /** What is watched beside calculations. */
  signal(signal: Signal): void {
    if (this.bin < 0 || signal.at >= this.binEndsAt) this.turnTo(binOf(signal.at));
    takeSignal(this.signals, signal);
  }

  /** What happened to alerts since the last call. */
  takeEvents(): AlertEvent[] {
    const taken = this.events;
    this.events = [];
    return taken;
  }

  openAlerts(): Alert[] {
    const world = this.world(this.bin + 1);
    return [...this.book.open.map((alert) => describe(alert, world, [], null)), ...openSignals(this.signals)];
  }

  baselines(): BaselineView[] {
    const { segments, names, model, bin } = this;
    return viewsOfBaselines(segments, names, model, bin);
  }

  /** Oldest first. */
  baselineHistory(): readonly BaselineChange[] {
    return this.model.history;
  }

  slices(): SliceView[] {
    const { model, config, bin } = this;
    return [this.all, ...this.workspaces, ...this.kinds].map((slice) => viewOfSlice(slice, model, config, bin + 1));
  }

  /** Counts a calculation of segment `i`; gives its residual. */
  private take(i: number, logTime: number, logPopulation: number): number {
    const { segments, model } = this;
    if (segments.seen[i] === 0) this.begin(i, logPopulation);
    const value =
      logTime - model.rhythm[this.hourOfDay]! - segments.alpha[i]! * (logPopulation - segments.reference[i]!);
    segments.push(i, this.bin, value);
    segments.lastBin[i] = this.bin;
    if (segments.learned[i] === 0) this.learnOwn(i);
    const residual = value - segments.level[i]!;
    const clip = CLIP * segments.spread[i]!;
    segments.dayCount[i]! += 1;
    segments.dayResidual[i]! += residual > clip ? clip : residual < -clip ? -clip : residual;
    segments.dayPopulation[i]! += logPopulation;
    this.count(i, residual, Math.exp(logTime - residual));
    const deviation = TO_DEVIATION * Math.min(Math.abs(residual), MOST_DEVIATION);
    if (segments.offset[i] === 0) segments.spread[i]! += SPREAD_PACE * (deviation - segments.spread[i]!);
    segments.lately[i]! += QUICK_PACE * (Math.min(residual, MOST_DEVIATION) - segments.lately[i]!);
    if (segments.lately[i]! > HOT) this.hot.add(i);
    return model.ready ? residual : Number.NaN;
  }

  private count(i: number, residual: number, expectedMs: number): void {
    const { segments, model } = this;
    // one whose level is vague says less: its residual is off by the level's own error as well
    const doubt = 1 / (segments.learned[i]! + (model.spread / model.typical.spread) ** 2);
    const { counted } = this;
    counted.weight = model.ready ? 1 / (1 + doubt) : 1;
    counted.bucket = bucketOf(residual);
    counted.expectedMs = expectedMs;
    counted.gap = segments.gap[i]!;
    // beyond what is only borrowed from its kinds, nothing is far out
    const isFar = residual - segments.offset[i]! > this.farOut;
    counted.outlier = isFar && counted.weight >= SURE ? 1 : 0;
    counted.clipped = clamp(residual, -QUICK_CLIP, QUICK_CLIP);
    const slices = segments.slices[i]!;
    for (let at = 0; at < slices.length; at++) {
      const slice = slices[at]!;
      slice.turnTo(this.bin);
      slice.add(counted);
    }
  }

  /** A segment is new, or is calculated by a new definition: until it has its own level it borrows its kinds'. */
  private begin(i: number, logPopulation: number): void {
    const { segments, model } = this;
    segments.reference[i] = logPopulation;
    segments.alpha[i] = usualAlpha(model.typical, segments.kinds[i]!);
    segments.spread[i] = model.spread;
    segments.level[i] = typicalLevel(segments, i, model.typical);
    segments.learned[i] = 0;
    segments.gap[i] = 0;
    segments.lately[i] = 0;
  }

  /** While nothing is judged yet, a level follows at once; later a segment has its own when it has enough calculations. */
  private learnOwn(i: number): void {
    const { segments, model, config } = this;
    const n = segments.seen[i]!;
    if (!model.ready) {
      if (n <= RING && (n & (n - 1)) === 0) segments.level[i] = ringMean(segments, i, 0);
      return;
    }
    const own = Math.min(config.ownCalculations, RING);
    const day = dayOfBin(this.bin);
    if (n < own || segments.lockedUntil[i]! >= day) return;
    segments.level[i] = ringMean(segments, i, 0);
    segments.anchor[i] = segments.level[i]!;
    segments.anchorDay[i] = day;
    segments.learned[i] = own;
    for (const slice of segments.slices[i]!) slice.learned += own;
  }

  private segmentOf(o: Observation): number {
    const { segments } = this;
    const found = segments.find(o.workspace, o.segment);
    if (found < 0) return this.addSegment(o);
    if (segments.version[found] !== o.version || !this.hasKinds(found, o.kinds)) this.edit(found, o);
    return found;
  }

  private hasKinds(i: number, kinds: readonly string[]): boolean {
    // a history's reader gives the same list again
    if (this.segments.kindLists[i] === kinds) return true;
    const own = this.segments.kinds[i]!;
    if (own.length !== kinds.length) return false;
    for (let at = 0; at < kinds.length; at++) if (this.names.kinds[own[at]!] !== kinds[at]) return false;
    this.segments.kindLists[i] = kinds;
    return true;
  }

  private addSegment(o: Observation): number {
    const workspace = numberOf(o.workspace, this.workspaceNumbers, this.names.workspaces, () => {
      this.workspaces.push(new Slice({ workspace: o.workspace }));
    });
    const i = this.segments.add(o.workspace, o.segment, workspace);
    this.edit(i, o);
    return i;
  }

  private edit(i: number, o: Observation): void {
    const kinds = o.kinds.map((kind) =>
      numberOf(kind, this.kindNumbers, this.names.kinds, () => {
        this.kinds.push(new Slice({ kind }));
      }),
    );
    const { segments } = this;
    segments.version[i] = o.version;
    segments.setKinds(i, kinds);
    segments.kindLists[i] = o.kinds;
    this.countIn(i);
    segments.seen[i] = 0;
    segments.dayCount[i] = 0;
    segments.dayResidual[i] = 0;
    segments.dayPopulation[i] = 0;
    for (const day of segments.days) day.count[i] = 0;
  }

  private countIn(i: number): void {
    const { segments } = this;
    const kinds = segments.kinds[i]!.map((kind) => this.kinds[kind]!);
    segments.slices[i] = [this.all, this.workspaces[segments.workspaces[i]!]!, ...kinds];
  }

  private turnTo(bin: number): void {
    if (this.bin >= 0) {
      this.endBin();
      this.endDays(dayOfBin(this.bin), dayOfBin(bin));
    }
    this.setBin(bin);
    this.isEmpty = true;
  }

  private setBin(bin: number): void {
    this.bin = bin;
    this.binEndsAt = (bin + 1) * BIN_MS;
    this.hourOfDay = hourOfBin(bin) % 24;
  }

  private world(endBin: number): World {
    const { config, bounds, model, segments, all, workspaces, kinds, names } = this;
    const seen = { wholes: new Map<number, Histogram>(), lookers: new Map<number, Looker>() };
    return { config, bounds, model, segments, all, workspaces, kinds, names, endBin, ...seen };
  }

  private endBin(): void {
    this.events.push(...judgeSignals(this.signals, this.all, this.bin + 1, this.config));
    if (this.isEmpty || !this.model.ready) {
      this.hot.clear();
      return;
    }
    const world = this.world(this.bin + 1);
    const found = firings(world, this.hot);
    this.hot.clear();
    const storm = stormIn(world);
    if (found.length > 0 || storm !== undefined || this.book.open.length > 0) {
      const events = follow(this.book, world, found, storm);
      this.events.push(...events);
      this.mark();
    }
    if (world.endBin % NOISE_BINS === 0 && this.book.open.length === 0 && found.length === 0) this.keepNoise(world);
  }

  /** Segments in an open alert keep their baselines, and are outliers only beyond what the alert says. */
  private mark(): void {
    const { segments, book, config } = this;
    const day = dayOfBin(this.bin);
    segments.offset.fill(0);
    for (const { target, peak } of book.open)
      for (const i of membersOf(segments, target)) {
        segments.offset[i] = Math.max(segments.offset[i]!, peak);
        segments.lockedUntil[i] = day + config.lockDays;
      }
  }

  private keepNoise(world: World): void {
    const { all, model } = this;
    for (const slice of [all, ...this.workspaces, ...this.kinds]) {
      const known = { spread: model.spread, learned: slice.learned, wobble: 0, commonWobble: 0 };
      const whole = slice === all ? undefined : () => wholeOf(world, 6);
      const cells = slice.window(world.endBin, 6);
      slice.learnOutliers(cells);
      const look = new Look(stretchOf(cells, whole), 6, { ...known, learned: Number.POSITIVE_INFINITY });
      if (look.own.n >= 10) slice.noise.push(look.beyond, look.beyondError);
    }
    this.measureNoise();
  }

  private measureNoise(): void {
    for (const alike of [[this.all], this.workspaces, this.kinds]) measureTogether(alike.map(({ noise }) => noise));
  }

  private endDays(from: number, to: number): void {
    if (to === from) return;
    this.keepHours(from);
    closeDay(this.segments, from);
    fitBaselines(this.model, this.segments, from, this.config);
    this.dropUnseen(from);
    for (const slice of [this.all, ...this.workspaces, ...this.kinds]) slice.learned = 0;
    for (let i = 0; i < this.segments.length; i++)
      for (const slice of this.segments.slices[i]!) slice.learned += this.segments.learned[i]!;
  }

  /** What was not calculated for longer than anything of it is looked at is most likely deleted, and would be kept for ever. */
  private dropUnseen(day: number): void {
    const { segments, book, config, names } = this;
    const fromBin = (day - Math.max(config.memoryDays, DAYS)) * BINS_PER_DAY;
    const isKept = (i: number): boolean =>
      segments.lastBin[i]! >= fromBin || book.open.some(({ target }) => isIn(target, segments, i));
    const kept = Array.from({ length: segments.length }, (_, i) => i).filter(isKept);
    if (kept.length === segments.length) return;
    const numbers = new Map(kept.map((i, at) => [i, at]));
    const moved = (target: Target): Target =>
      target.segment === undefined ? target : { ...target, segment: numbers.get(target.segment)! };
    for (const alert of book.open) alert.target = moved(alert.target);
    // what is not kept is slow no more
    book.held = book.held
      .filter(({ target }) => target.segment === undefined || numbers.has(target.segment))
      .map(({ target, since }) => ({ target: moved(target), since }));
    this.segments = segments.only(kept, names.workspaces);
    for (let i = 0; i < kept.length; i++) this.countIn(i);
  }

  /** The average of each hour of a day, to learn the rhythm from. */
  private keepHours(day: number): void {
    const isDisturbed = this.book.open.some(({ target }) => Object.keys(target).length === 0);
    if (isDisturbed) return;
    const hours = Array.from({ length: 24 }, (_, hour) => {
      const cells = this.all.ofHour(day * 24 + hour);
      if (cells === undefined) return Number.NaN;
      const look = new Look(stretchOf(cells), 1, { spread: this.model.spread, learned: 1, wobble: 0, commonWobble: 0 });
      return look.own.n < 10 ? Number.NaN : look.own.mean + this.model.rhythm[hour]!;
    });
    this.model.rhythmDays.push({ day, hours });
    if (this.model.rhythmDays.length > 28) this.model.rhythmDays.shift();
  }
}

const numberOf = (name: string, numbers: Map<string, number>, names: string[], added: () => void): number => {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, names.length);
  names.push(name);
  added();
  return names.length - 1;
};
