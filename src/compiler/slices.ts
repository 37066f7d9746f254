import { LAST_YEAR_DAY } from '../index/codes.ts';
import { PRESENCE_SLICE, SIGN_SLICE, YEAR_DAY_SLICE } from '../index/layout.ts';
import { type Bits, bits, NONE, ZERO } from './bits.ts';
import { type Cost, cost } from './cost.ts';
import { decisionProgram } from './decision.ts';
import type { YearDays } from './intervals.ts';
import type { Parameters } from './parameters.ts';

/** Expressions over the slices of one column, correlated on the driver `chunks c`. */

export interface Source {
  readonly bits: Bits;
  readonly cost: Cost;
  /** Where it is read from, for `explain`. */
  readonly source: SourceName;
  /** Who is in it may match, and nobody else: the rows decide. */
  readonly candidates?: boolean;
  /** Of these it says nothing: the rows decide. */
  readonly undecided?: Source;
}
export type SourceName = 'texts' | 'nothing' | 'bitmaps' | 'kept' | 'users' | 'events' | 'digests';

export const NOTHING: Source = { bits: NONE, cost: cost({}), source: 'nothing' };

const source = (text: string, parts: Partial<Cost>): Source => ({
  bits: bits(text, true),
  cost: cost(parts),
  source: 'bitmaps',
});

const ofColumn = (parameters: Parameters, columnId: number): string =>
  `from slices s where s.shard = c.shard and s.column_id = ${parameters.add(columnId, 'int')}`;

/** One slice: `coalesce((select s.bits …), zero)`. */
export const slice = (parameters: Parameters, columnId: number, number: number): Source =>
  source(
    `coalesce((select s.bits ${ofColumn(parameters, columnId)} and s.slice = ${parameters.add(number, 'int')}), ${ZERO})`,
    { slicesRead: 1 },
  );

/** Who has at least one of the slices. */
export const anySlice = (parameters: Parameters, columnId: number, numbers: readonly number[]): Source => {
  const [first, second] = numbers;
  if (first === undefined) return NOTHING;
  if (second === undefined) return slice(parameters, columnId, first);
  return source(
    `coalesce((select bit_or(s.bits) ${ofColumn(parameters, columnId)} and s.slice = any(${parameters.add(numbers, 'int[]')})), ${ZERO})`,
    { slicesRead: numbers.length, operations: numbers.length },
  );
};

/** Who has every one of the slices (there is at least one). */
export const everySlice = (parameters: Parameters, columnId: number, numbers: readonly number[]): Source => {
  const [first, second] = numbers;
  if (first === undefined) throw new Error('everySlice needs a slice');
  if (second === undefined) return slice(parameters, columnId, first);
  const list = parameters.add(numbers, 'int[]');
  return source(
    `coalesce((select case when count(*) = cardinality(${list}) then bit_and(s.bits) end ${ofColumn(parameters, columnId)} and s.slice = any(${list})), ${ZERO})`,
    { slicesRead: numbers.length, operations: numbers.length },
  );
};

/** The coded part of a column: signed codes, each magnitude below 2^width. */
export interface Codes {
  readonly columnId: number;
  readonly width: number;
  readonly hasNegative: boolean;
}

const magnitude = (code: bigint): bigint => (code < 0n ? -code : code);

const oneBits = (code: bigint): number[] => {
  const numbers: number[] = [];
  for (let bit = 0; code >> BigInt(bit) > 0n; bit++) if ((code >> BigInt(bit)) & 1n) numbers.push(bit);
  return numbers;
};

/** Whose code is exactly this one: in every slice of its 1 bits, and in none of the others. Who has a 1 bit is present. */
const oneCode = (parameters: Parameters, column: Codes, code: bigint): Source => {
  const lowest = column.hasNegative ? SIGN_SLICE : code === 0n ? PRESENCE_SLICE : 0;
  const ones = oneBits(magnitude(code));
  if (lowest < 0) ones.push(PRESENCE_SLICE);
  if (code < 0n) ones.push(SIGN_SLICE);
  const list = parameters.add(ones, 'int[]');
  return source(
    `coalesce((select case when count(*) filter (where s.slice = any(${list})) = cardinality(${list}) ` +
      `then bit_and(s.bits) filter (where s.slice = any(${list})) ` +
      `& ~coalesce(bit_or(s.bits) filter (where s.slice <> all(${list})), ${ZERO}) end ` +
      `${ofColumn(parameters, column.columnId)} and s.slice >= ${parameters.add(lowest, 'int')}), ${ZERO})`,
    { slicesRead: column.width - lowest, operations: column.width - lowest + 2 },
  );
};

/** A function of all slices from `lowest` up, in order. Arrays, not a query inside the function: it reads no tables itself. */
const overSlices = (
  parameters: Parameters,
  columnId: number,
  lowest: number,
  call: (slices: string, bitmaps: string) => string,
): string =>
  `(select ${call('array_agg(s.slice)', 'array_agg(s.bits)')} from (select s.slice, s.bits ` +
  `${ofColumn(parameters, columnId)} and s.slice >= ${parameters.add(lowest, 'int')} order by s.slice) s)`;

/** Decisions: at some 15 µs each for a chunk, more than this cost more than reading the rows of its users (decision 0004). */
export const MAX_DECISIONS = 800;

/** Whose code is one of these; undefined where that takes more than MAX_DECISIONS. */
export const anyCode = (parameters: Parameters, column: Codes, codes: readonly bigint[]): Source | undefined => {
  const limit = 1n << BigInt(column.width);
  const held = [...new Set(codes)].filter((code) => magnitude(code) < limit && (code >= 0n || column.hasNegative));
  const [first, second] = held;
  if (first === undefined) return NOTHING;
  if (second === undefined) return oneCode(parameters, column, first);
  const program = decisionProgram(held, column);
  if (program === undefined || program.length / 3 > MAX_DECISIONS) return undefined;
  const lowest = Math.min(...program.filter((_, i) => i % 3 === 0));
  return source(
    overSlices(
      parameters,
      column.columnId,
      lowest,
      (slices, bitmaps) => `evenkeel_decide(${slices}, ${bitmaps}, ${parameters.add(program, 'int[]')})`,
    ),
    { slicesRead: column.width - lowest, operations: (program.length / 3) * 2, calls: 1 },
  );
};

/** Signed codes, both inside. */
export interface CodeRange {
  readonly low: bigint;
  readonly high: bigint;
}

interface Piece {
  readonly negative: boolean;
  readonly low: bigint;
  readonly high: bigint | null;
}

/** A range of signed codes as ranges of magnitudes, cut to what the column can hold. */
const pieces = (column: Codes, range: CodeRange): Piece[] => {
  const greatest = (1n << BigInt(column.width)) - 1n;
  const piece = (negative: boolean, low: bigint, high: bigint): Piece[] =>
    low > high || low > greatest ? [] : [{ negative, low, high: high >= greatest ? null : high }];
  const positive = piece(false, range.low > 0n ? range.low : 0n, range.high);
  if (!column.hasNegative) return positive;
  return [...positive, ...piece(true, range.high < 0n ? -range.high : 1n, -range.low)];
};

/** The first slice that a comparison with `code > threshold` needs: trailing 1 bits can add nobody. */
const firstSlice = (threshold: bigint): number => {
  let number = 0;
  while ((threshold >> BigInt(number)) & 1n) number++;
  return number;
};

/** Whose code lies in one of the ranges, which do not overlap. */
export const anyRange = (parameters: Parameters, column: Codes, ranges: readonly CodeRange[]): Source => {
  const parts = ranges.flatMap((range) => pieces(column, range));
  if (parts.length === 0) return NOTHING;
  const whole = parts.filter((part) => part.high === null && part.low <= (part.negative ? 1n : 0n));
  if (whole.length === (column.hasNegative ? 2 : 1)) return slice(parameters, column.columnId, PRESENCE_SLICE);
  const bounds = parts.flatMap((part) => [
    ...(part.low > 0n ? [part.low - 1n] : []),
    ...(part.high === null ? [] : [part.high]),
  ]);
  const lowest = column.hasNegative
    ? SIGN_SLICE
    : parts.some((part) => part.low === 0n)
      ? PRESENCE_SLICE
      : Math.min(...bounds.map(firstSlice));
  const text = overSlices(parameters, column.columnId, lowest, (slices, bitmaps) => {
    const negatives = parameters.add(
      parts.map((part) => part.negative),
      'boolean[]',
    );
    const lows = parameters.add(
      parts.map((part) => String(part.low)),
      'bigint[]',
    );
    const highs = parameters.add(
      parts.map((part) => (part.high === null ? null : String(part.high))),
      'bigint[]',
    );
    return `evenkeel_ranges(${slices}, ${bitmaps}, ${negatives}, ${lows}, ${highs})`;
  });
  return source(text, {
    slicesRead: column.width - lowest,
    operations: bounds.length * column.width + 2 * parts.length,
    calls: 1 + bounds.length,
  });
};

const YEAR_DAY_SLICES = 9;

/** Whose date falls on one of these days of the year: the slices below the sign are read as those of a code of their own. */
export const anyYearDay = (parameters: Parameters, columnId: number, { first, last }: YearDays): Source => {
  if (first === 0 && last === LAST_YEAR_DAY) return slice(parameters, columnId, PRESENCE_SLICE);
  const ranges = first <= last ? [[first, last] as const] : [[0, last] as const, [first, null] as const];
  const add = (values: readonly unknown[], type: 'boolean[]' | 'bigint[]'): string => parameters.add(values, type);
  const negatives = ranges.map(() => false);
  const lows = ranges.map(([low]) => String(low));
  const highs = ranges.map(([, high]) => (high === null || high === LAST_YEAR_DAY ? null : String(high)));
  return source(
    `(select evenkeel_ranges(array_agg(s.place), array_agg(s.bits), ${add(negatives, 'boolean[]')}, ` +
      `${add(lows, 'bigint[]')}, ${add(highs, 'bigint[]')}) from (select s.bits, case s.slice ` +
      `when ${PRESENCE_SLICE} then ${PRESENCE_SLICE} else ${YEAR_DAY_SLICE} - s.slice end as place ` +
      `${ofColumn(parameters, columnId)} and s.slice < 0 and s.slice <> ${SIGN_SLICE} order by place) s)`,
    {
      slicesRead: YEAR_DAY_SLICES + 2,
      operations: 2 * YEAR_DAY_SLICES + 2,
      calls: 3,
    },
  );
};
