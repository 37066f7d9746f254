/** How the bit-sliced index lies in its tables. Everything that reads or writes `slices` agrees here. */

/** Users a chunk. 32,000 bits are 4,000 bytes: two bitmaps fit a page of 8 KiB with `storage plain`, 32,768 would not. */
export const CHUNK_BITS = 32_000;
export const CHUNK_BYTES = CHUNK_BITS / 8;
const CHUNKS_PER_WORKSPACE = 2 ** 20;

/** Slices of a column: presence and sign stand below the bits of the code. */
export const PRESENCE_SLICE = -1;
export const SIGN_SLICE = -2;

/** Of a date column: slice −3 − i holds bit i of the day of the year. */
export const YEAR_DAY_SLICE = -3;

export const COLUMN_TYPES = ['set', 'text', 'number', 'boolean', 'date', 'array'] as const;
/**
 * - `set`: slice −1 alone: present and not null, "", [].
 * - `text`: −1 holds a string (also ""); 0… the bits of its dictionary code, or of its hash where the scale is HASHED_SCALE. Of
 *   these −2 holds a text that `texts` does not have.
 * - `number`: −1 holds a number; −2 negative; 0… the bits of |value|·10^scale, or of the float64 without its sign.
 * - `boolean`: −1 holds a boolean; 0 it is true.
 * - `date`: −1 holds an ISO 8601 string; −2 before 1970; 0… the bits of |epoch ms| / unitMs; −3…−11 the bits of
 *   the day of the year (`yearDayOf`), for anniversaries.
 * - `array`: slice n holds the element whose dictionary code is n.
 * All-zero slices are not stored.
 */
export type ColumnType = (typeof COLUMN_TYPES)[number];

/** `columns.scale` of a number column whose codes are the 63 low bits of the float64. */
export const FLOAT_SCALE = -1;
/** `columns.scale` of a text column that has overflowed and whose codes are hashes (`textHash`): candidates, for the rows to decide. */
export const HASHED_SCALE = -1;
/** Of a hashed text column: who has a text that stands in his row alone, since it is long or holds the separator. */
export const ROW_TEXT_SLICE = SIGN_SLICE;

/** `texts.content` has the texts of so many users, each ended by TEXT_END. 32,000 is a multiple of it, and it of 8. */
export const TEXTS_A_PART = 64;
export const TEXT_END = '\u0001';
/** UTF-16 units. Longer texts, which no name or address has, would be a copy of the rows. */
export const MAX_HELD_TEXT = 250;

/** The path in `properties` under which the pending changes of `chunks.users` are noted. */
export const POPULATION_PATH = '';

/** A property's name cannot begin with a dot, and so these are nobody's. */
const LIST_PREFIX = '.list.';
/** The path in `properties` of a list of userIds: a `set` column, whose presence slice has those who are on it. */
export const listPath = (listId: number): string => `${LIST_PREFIX}${listId}`;
/** The list whose path this is, if it is one. */
export const listOfPath = (path: string): number | undefined =>
  path.startsWith(LIST_PREFIX) ? Number(path.slice(LIST_PREFIX.length)) : undefined;

/** In pending tables: every user of the shard. */
export const EVERY_ORDINAL = -1;

/**
 * Pending changes that a calculation corrects by itself; with more it folds them. A mark takes it 3 to 5 µs, folding some 5 ms a chunk and
 * property.
 */
export const MAX_OVERLAY_MARKS = 40_000;

export const DAY_MS = 86_400_000;
/**
 * `event_slices.period`, and what its `number` counts since 1970-01-01: days; months; octads, the four of each month that begin on
 * its 1st, 9th, 17th and 25th; parts of a day. Slice −1 holds who did it at all, 0… the bits of how often *beyond* once.
 * Parts are there for all of a day or for none of it: for days with many users (src/index/fold-events.ts).
 */
export const PERIOD_DAY = 0;
export const PERIOD_MONTH = 1;
export const PERIOD_OCTAD = 2;
export const PERIOD_PART = 3;

export const OCTAD_DAYS = 8;
export const OCTADS_A_MONTH = 4;
export const PARTS_A_DAY = 8;
export const PART_MS = DAY_MS / PARTS_A_DAY;

/** Shards as decimal strings or numbers below 2^51: both safe in JavaScript. */
export const shardOf = (workspaceId: number, ordinal: number): number =>
  workspaceId * CHUNKS_PER_WORKSPACE + Math.floor(ordinal / CHUNK_BITS);

/** Both inside. */
export const shardRange = (workspaceId: number): readonly [first: number, last: number] => [
  workspaceId * CHUNKS_PER_WORKSPACE,
  (workspaceId + 1) * CHUNKS_PER_WORKSPACE - 1,
];

export const chunkOf = (shard: number): number => shard % CHUNKS_PER_WORKSPACE;

export const ordinalAt = (shard: number, offset: number): number => chunkOf(shard) * CHUNK_BITS + offset;

export const offsetOf = (ordinal: number): number => ordinal % CHUNK_BITS;
