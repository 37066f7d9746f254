import type { Slice } from './slice.ts';

/** The last calculations that are kept of each segment, for its own window and for attribution. */
export const RING = 32;
/** Days of averages that are kept of each segment, to make baselines of. */
export const DAYS = 29;

/** One day's averages, by segment. */
export interface Day {
  day: number;
  count: Uint16Array;
  /** Average log time without the rhythm of the day, and average log population. */
  time: Float32Array;
  population: Float32Array;
}

type Column = Float32Array | Float64Array | Uint32Array | Int32Array | Uint16Array | Uint8Array;

const grown = <T extends Column>(column: T, length: number): T => {
  const larger = new (column.constructor as new (length: number) => T)(length);
  larger.set(column);
  return larger;
};

const FIRST_CAPACITY = 256;

/**
 * All segments, a column a fact: ten thousand objects with their arrays would be slow to walk and slow to store.
 * A residual is `value − level`, where a value is log time less the rhythm of the day less `alpha · (log population − reference)`.
 */
export class Segments {
  length = 0;
  readonly names: string[] = [];
  readonly workspaces: number[] = [];
  readonly kinds: (readonly number[])[] = [];
  /** The list of names that its kinds were last seen in: a reader of histories gives the same one again. */
  readonly kindLists: (readonly string[])[] = [];
  /** Changes whenever one is added or gets other kinds. */
  edition = 0;
  /** Everything, its workspace, its kinds: where its calculations are counted. */
  readonly slices: (readonly Slice[])[] = [];

  /** Of the definition. Live ones come from a sequence of the whole database, and pass 65,535. */
  version = new Uint32Array(FIRST_CAPACITY);
  level = new Float64Array(FIRST_CAPACITY);
  alpha = new Float32Array(FIRST_CAPACITY);
  reference = new Float64Array(FIRST_CAPACITY);
  /** Calculations that its level is made of; 0: it is borrowed from its kinds. */
  learned = new Float32Array(FIRST_CAPACITY);
  /** Usual spread of its residuals. */
  spread = new Float32Array(FIRST_CAPACITY);
  /** How far the level is below the highest that was normal lately, and until which day that counts. */
  gap = new Float32Array(FIRST_CAPACITY);
  gapUntil = new Int32Array(FIRST_CAPACITY);
  /** The level may rise by so much from here, within 30 days of that day. */
  anchor = new Float64Array(FIRST_CAPACITY);
  anchorDay = new Int32Array(FIRST_CAPACITY);
  lockedUntil = new Int32Array(FIRST_CAPACITY);
  /** Of an open alert that it is in: log of × normal. */
  offset = new Float32Array(FIRST_CAPACITY);
  /** Quickly moving average of its residuals: whether it is worth a look. */
  lately = new Float32Array(FIRST_CAPACITY);
  seen = new Uint32Array(FIRST_CAPACITY);
  lastBin = new Uint32Array(FIRST_CAPACITY);
  /** Windows do not reach back beyond: an alert that is over is not told of again. */
  since = new Uint32Array(FIRST_CAPACITY);

  ringBin = new Uint32Array(FIRST_CAPACITY * RING);
  ringValue = new Float32Array(FIRST_CAPACITY * RING);

  /** Of the day that runs. */
  dayCount = new Uint16Array(FIRST_CAPACITY);
  dayResidual = new Float32Array(FIRST_CAPACITY);
  dayPopulation = new Float32Array(FIRST_CAPACITY);
  readonly days: Day[] = [];

  private readonly byWorkspace = new Map<string, Map<string, number>>();

  find(workspace: string, segment: string): number {
    return this.byWorkspace.get(workspace)?.get(segment) ?? -1;
  }

  add(workspaceName: string, segment: string, workspace: number): number {
    const index = this.length++;
    if (index >= this.level.length) this.grow(this.level.length * 2);
    this.names[index] = segment;
    this.workspaces[index] = workspace;
    let segments = this.byWorkspace.get(workspaceName);
    if (segments === undefined) this.byWorkspace.set(workspaceName, (segments = new Map()));
    segments.set(segment, index);
    return index;
  }

  setKinds(index: number, kinds: readonly number[]): void {
    this.kinds[index] = kinds;
    this.edition += 1;
  }

  /** Calculations that are in the ring. */
  inRing(index: number): number {
    return Math.min(this.seen[index]!, RING);
  }

  /** Copies the values of a segment's calculations from `fromBin` on; gives how many. */
  copyRing(index: number, fromBin: number, into: Float64Array): number {
    const from = Math.max(fromBin, this.since[index]!);
    let n = 0;
    for (let at = index * RING; at < index * RING + this.inRing(index); at++)
      if (this.ringBin[at]! >= from) into[n++] = this.ringValue[at]!;
    return n;
  }

  /** How many of a segment's calculations `copyRing` gives. */
  countRing(index: number, fromBin: number): number {
    const from = Math.max(fromBin, this.since[index]!);
    let n = 0;
    for (let at = index * RING; at < index * RING + this.inRing(index); at++) if (this.ringBin[at]! >= from) n += 1;
    return n;
  }

  push(index: number, bin: number, value: number): void {
    const at = index * RING + (this.seen[index]! % RING);
    this.ringBin[at] = bin;
    this.ringValue[at] = value;
    this.seen[index]! += 1;
  }

  /** From what `save` gave. */
  restore(saved: SavedSegments, workspaceNames: readonly string[]): void {
    saved.names.forEach((name, i) => {
      const workspace = saved.workspaces[i]!;
      this.add(workspaceNames[workspace]!, name, workspace);
    });
    saved.kinds.forEach((kinds, i) => this.setKinds(i, kinds));
    for (const column of COLUMNS) this[column].set(saved.columns[column]!);
    for (const { day, ...columns } of saved.days) {
      const size = this.level.length;
      const [count, time, population] = [new Uint16Array(size), new Float32Array(size), new Float32Array(size)];
      count.set(columns.count);
      time.set(columns.time);
      population.set(columns.population);
      this.days.push({ day, count, time, population });
    }
  }

  /** Plain data. */
  save(): SavedSegments {
    const { length } = this;
    return {
      names: [...this.names],
      workspaces: [...this.workspaces],
      kinds: this.kinds.map((kinds) => [...kinds]),
      columns: Object.fromEntries(COLUMNS.map((name) => [name, this[name].slice(0, length * widthOf(name))])),
      days: this.days.map(({ day, count, time, population }) => ({
        day,
        count: count.slice(0, length),
        time: time.slice(0, length),
        population: population.slice(0, length),
      })),
    };
  }

  /** Those at these indexes alone, in this order. */
  only(indexes: readonly number[], workspaceNames: readonly string[]): Segments {
    const { names, workspaces, kinds, columns, days } = this.save();
    const of = <T>(all: readonly T[]): T[] => indexes.map((i) => all[i]!);
    const pick = <T extends Column>(column: T, width = 1): T => {
      const picked = new (column.constructor as new (length: number) => T)(indexes.length * width);
      indexes.forEach((i, at) => picked.set(column.subarray(i * width, (i + 1) * width), at * width));
      return picked;
    };
    const kept = new Segments();
    kept.restore(
      {
        ...{ names: of(names), workspaces: of(workspaces), kinds: of(kinds) },
        columns: Object.fromEntries(COLUMNS.map((name) => [name, pick(columns[name]!, widthOf(name))])),
        days: days.map(({ day, count, time, population }) => ({
          ...{ day, count: pick(count), time: pick(time), population: pick(population) },
        })),
      },
      workspaceNames,
    );
    return kept;
  }

  private grow(capacity: number): void {
    for (const name of COLUMNS) Object.assign(this, { [name]: grown<Column>(this[name], capacity * widthOf(name)) });
    for (const day of this.days) {
      day.count = grown(day.count, capacity);
      day.time = grown(day.time, capacity);
      day.population = grown(day.population, capacity);
    }
  }
}

/** What is made of workspaces and kinds alone is kept until a segment is added or edited. */
export const perEdition = <T>(make: (segments: Segments) => T): ((segments: Segments) => T) => {
  const made = new WeakMap<Segments, { readonly edition: number; readonly value: T }>();
  return (segments) => {
    const known = made.get(segments);
    if (known?.edition === segments.edition) return known.value;
    const value = make(segments);
    made.set(segments, { edition: segments.edition, value });
    return value;
  };
};

const COLUMNS = [
  'version',
  'level',
  'alpha',
  'reference',
  'learned',
  'spread',
  'gap',
  'gapUntil',
  'anchor',
  'anchorDay',
  'lockedUntil',
  'offset',
  'lately',
  'seen',
  'lastBin',
  'since',
  'ringBin',
  'ringValue',
  'dayCount',
  'dayResidual',
  'dayPopulation',
] as const satisfies (keyof Segments)[];

const widthOf = (name: (typeof COLUMNS)[number]): number => (name.startsWith('ring') ? RING : 1);

export interface SavedSegments {
  readonly names: readonly string[];
  readonly workspaces: readonly number[];
  readonly kinds: readonly (readonly number[])[];
  readonly columns: Readonly<Record<string, Column>>;
  readonly days: readonly Day[];
}
