/** What the compiler must know of a workspace: read in the calculation's own transaction, so that both agree. */

export interface TextColumn {
  readonly id: number;
  /** HASHED_SCALE where it has overflowed and its codes are hashes. */
  readonly scale: number;
  /** Of hashed texts: somebody has one that `texts` does not have (ROW_TEXT_SLICE). */
  readonly hasNegative: boolean;
  /** Slices in use: every code is below 2^width. */
  readonly width: number;
  readonly overflowed: boolean;
}
export interface ArrayColumn {
  readonly id: number;
  readonly overflowed: boolean;
}
export interface NumberColumn {
  readonly id: number;
  /** Decimals, or FLOAT_SCALE. */
  readonly scale: number;
  /** Slices in use: every magnitude is below 2^width. */
  readonly width: number;
  readonly hasNegative: boolean;
}
export interface DateColumn {
  readonly id: number;
  readonly unitMs: number;
  readonly width: number;
  readonly hasNegative: boolean;
}
export interface PlainColumn {
  readonly id: number;
}

export interface PropertyColumns {
  readonly set?: PlainColumn;
  readonly text?: TextColumn;
  readonly number?: NumberColumn;
  readonly boolean?: PlainColumn;
  readonly date?: DateColumn;
  readonly array?: ArrayColumn;
}

export interface Catalogue {
  /** Shards of the workspace, both inside. */
  readonly shards: readonly [first: number, last: number];
  /** By path; a property that nobody ever had is absent. */
  readonly properties: ReadonlyMap<string, PropertyColumns>;
  /** By column id: the codes of the values that the condition names. A value that nobody ever had is absent. */
  readonly codes: ReadonlyMap<number, ReadonlyMap<string, number>>;
  /** By `textMatchKey(leaf)`: the codes of the dictionary's values that a text operator matches; absent: read the rows. */
  readonly textMatches: ReadonlyMap<string, readonly number[]>;
  /** By name; an event that nobody ever did is absent. */
  readonly events: ReadonlyMap<string, number>;
  /** By `leafKey`: the ids of leaves of which bitmaps are kept. */
  readonly kept?: ReadonlyMap<string, number>;
}
