import { POSITIVE } from '../conditions/complements.ts';
import { elementKey, textMatchKey } from '../conditions/references.ts';
import type {
  Anniversary,
  DateCompare,
  DateRelative,
  Equals,
  In,
  Includes,
  LeafOf,
  NumberBetween,
  NumberCompare,
  PropertyCondition,
  PropertyOperator,
  Scalar,
  TextMatch,
} from '../conditions/types.ts';
import { numberCode, textHash } from '../index/codes.ts';
import { HASHED_SCALE, PRESENCE_SLICE } from '../index/layout.ts';
import { and, not, or } from './bits.ts';
import { codeRange, dateCodeRange } from './bounds.ts';
import type { Catalogue, PropertyColumns, TextColumn } from './catalogue.ts';
import { addCosts, cost } from './cost.ts';
import { anniversaryDays, dateInterval, dateIntervals, type Interval, numberInterval } from './intervals.ts';
import type { Parameters } from './parameters.ts';
import { rowProperty } from './row-property.ts';
import { usersAmong, usersWhere } from './rows.ts';
import { heldTexts } from './texts.ts';
import {
  anyCode,
  anyRange,
  anySlice,
  anyYearDay,
  type Codes,
  everySlice,
  NOTHING,
  type Source,
  slice,
} from './slices.ts';

export interface Context {
  readonly catalogue: Catalogue;
  /** Epoch milliseconds. */
  readonly asOf: number;
  readonly parameters: Parameters;
}

interface Subject extends Context {
  readonly columns: PropertyColumns;
}

/** Users who are in one source or another. */
const either = (sources: readonly (Source | undefined)[]): Source | undefined => {
  const known = sources.filter((each) => each !== undefined);
  if (known.length < sources.length) return undefined;
  const used = known.filter((each) => each.source !== 'nothing');
  if (used.length <= 1) return used[0] ?? NOTHING;
  return {
    bits: or(used.map((each) => each.bits)),
    cost: addCosts([...used.map((each) => each.cost), cost({ operations: used.length - 1 })]),
    source: 'bitmaps',
    candidates: used.some((each) => each.candidates),
  };
};

const complement = (of: Source): Source => ({ ...of, bits: not(of.bits) });

const set = ({ parameters, columns }: Subject): Source =>
  columns.set ? slice(parameters, columns.set.id, PRESENCE_SLICE) : NOTHING;

/** The codes of those of the values that the column's dictionary has. */
const codesOf = ({ catalogue }: Subject, columnId: number, values: readonly string[]): number[] => {
  const codes = catalogue.codes.get(columnId);
  return [...new Set(values)].flatMap((value) => codes?.get(value) ?? []);
};

const textEquals = (subject: Subject, texts: readonly string[]): Source | undefined => {
  const { columns, parameters } = subject;
  const column = columns.text;
  if (!column || texts.length === 0) return NOTHING;
  if (column.overflowed) return column.scale === HASHED_SCALE ? hashedTexts(parameters, column, texts) : undefined;
  return anyCode(parameters, textCodes(column), codesOf(subject, column.id, texts).map(BigInt));
};

/** Whose text has the hash of one of these. */
const hashedTexts = (parameters: Parameters, column: TextColumn, texts: readonly string[]): Source | undefined => {
  const hashed = anyCode(parameters, textCodes(column), texts.map(textHash).map(BigInt));
  return hashed && { ...hashed, candidates: true };
};

const textCodes = (column: { id: number; width: number }): Codes => ({
  columnId: column.id,
  width: column.width,
  hasNegative: false,
});

const numberEquals = ({ columns, parameters }: Subject, numbers: readonly number[]): Source | undefined => {
  const column = columns.number;
  if (!column || numbers.length === 0) return NOTHING;
  const codes = numbers.flatMap((value) => numberCode(value, column.scale) ?? []);
  return anyCode(parameters, { ...column, columnId: column.id }, codes);
};

const booleanEquals = ({ columns, parameters }: Subject, booleans: ReadonlySet<boolean>): Source => {
  const column = columns.boolean;
  if (!column || booleans.size === 0) return NOTHING;
  if (booleans.size === 2) return slice(parameters, column.id, PRESENCE_SLICE);
  const isTrue = slice(parameters, column.id, 0);
  if (booleans.has(true)) return isTrue;
  const present = slice(parameters, column.id, PRESENCE_SLICE);
  return {
    bits: and([present.bits, not(isTrue.bits)]),
    cost: addCosts([present.cost, isTrue.cost, cost({ operations: 2 })]),
    source: 'bitmaps',
  };
};

/** Arrays with at least one of the elements. */
const includesAny = (subject: Subject, values: readonly Scalar[]): Source | undefined => {
  const { columns, parameters } = subject;
  const column = columns.array;
  if (!column || values.length === 0) return NOTHING;
  const elements = values.map(elementKey);
  if (column.overflowed) return undefined;
  return anySlice(parameters, column.id, codesOf(subject, column.id, elements));
};

const includesAll = (subject: Subject, values: readonly Scalar[]): Source | undefined => {
  const { columns, parameters } = subject;
  const column = columns.array;
  if (!column || values.length === 0) return NOTHING;
  const elements = [...new Set(values.map(elementKey))];
  if (column.overflowed) return undefined;
  const codes = codesOf(subject, column.id, elements);
  return codes.length < elements.length ? NOTHING : everySlice(parameters, column.id, codes);
};

/** Strictly by type, and an array is equal to each of its elements. */
const equalsAny = (subject: Subject, values: readonly Scalar[]): Source | undefined =>
  either([
    textEquals(
      subject,
      values.filter((value) => typeof value === 'string'),
    ),
    numberEquals(
      subject,
      values.filter((value) => typeof value === 'number'),
    ),
    booleanEquals(subject, new Set(values.filter((value) => typeof value === 'boolean'))),
    includesAny(subject, values),
  ]);

const textMatching: Handler<TextMatch> = ({ catalogue, columns, parameters }, leaf) => {
  const column = columns.text;
  if (!column) return NOTHING;
  if (column.overflowed && column.scale === HASHED_SCALE) return heldTexts(parameters, column, leaf);
  const codes = column.overflowed ? undefined : catalogue.textMatches.get(textMatchKey(leaf));
  return codes && anyCode(parameters, textCodes(column), codes.map(BigInt));
};

const numberWithin = ({ columns, parameters }: Subject, interval: Interval): Source => {
  const column = columns.number;
  if (!column) return NOTHING;
  return anyRange(parameters, { ...column, columnId: column.id }, [codeRange(interval, column)]);
};

/** Dates are texts that parse, which have a column of their own, and numbers. */
const dateWithin = ({ columns, parameters }: Subject, interval: Interval): Source | undefined => {
  const { date, number } = columns;
  return either([
    date ? anyRange(parameters, { ...date, columnId: date.id }, [dateCodeRange(interval, date.unitMs)]) : NOTHING,
    number
      ? anyRange(
          parameters,
          { ...number, columnId: number.id },
          dateIntervals(interval).map((each) => codeRange(each, number)),
        )
      : NOTHING,
  ]);
};

/** Undefined where bitmaps cannot tell, or take longer than a look at the rows. */
type Handler<L> = (subject: Subject, leaf: L) => Source | undefined;

/** From the days of the year beside the dates; numbers that mean dates have none, and are read from the rows. */
const anniversary: Handler<Anniversary> = ({ columns, parameters, asOf }, leaf) => {
  if (columns.number) return undefined;
  return columns.date ? anyYearDay(parameters, columns.date.id, anniversaryDays(leaf, asOf)) : NOTHING;
};

const equals: Handler<Equals> = (subject, leaf) => equalsAny(subject, [leaf.value]);
const inList: Handler<In> = (subject, leaf) => equalsAny(subject, leaf.value);
const includes: Handler<Includes> = (subject, leaf) => includesAny(subject, [leaf.value]);
const compareNumber: Handler<NumberCompare | NumberBetween> = (subject, leaf) =>
  numberWithin(subject, numberInterval(leaf));
const date: Handler<DateCompare | DateRelative> = (subject, leaf) =>
  dateWithin(subject, dateInterval(leaf, subject.asOf));

/** What each operator holds for; of a negative one, what its positive one holds for. */
const HANDLERS: { readonly [O in PropertyOperator]: Handler<LeafOf<O>> } = {
  is_set: set,
  is_not_set: set,
  equals,
  not_equals: equals,
  in: inList,
  not_in: inList,
  contains: textMatching,
  not_contains: textMatching,
  starts_with: textMatching,
  ends_with: textMatching,
  matches: textMatching,
  greater_than: compareNumber,
  at_least: compareNumber,
  less_than: compareNumber,
  at_most: compareNumber,
  between: compareNumber,
  before: date,
  after: date,
  on: date,
  within_last: date,
  not_within_last: date,
  within_next: date,
  anniversary,
  includes,
  not_includes: includes,
  includes_any: (subject, leaf) => includesAny(subject, leaf.value),
  includes_all: (subject, leaf) => includesAll(subject, leaf.value),
};

/** A property leaf, from the bitmaps where they can tell, else from the rows. A property that nobody has is set for nobody. */
export const propertySource = (context: Context, leaf: PropertyCondition): Source => {
  const operator = POSITIVE[leaf.operator];
  if (operator) return complement(propertySource(context, { ...leaf, operator } as PropertyCondition));
  const columns = context.catalogue.properties.get(leaf.property) ?? {};
  const handler = HANDLERS[leaf.operator] as Handler<PropertyCondition>;
  const source = handler({ ...context, columns }, leaf);
  if (source && !source.candidates && !source.undecided) return source;
  const predicate = (parameters: Parameters): string => rowProperty({ ...context, parameters }, 'u.properties', leaf);
  if (source === undefined) return usersWhere(context, predicate);
  const among = usersAmong(source.undecided ?? source, predicate(context.parameters));
  if (source.undecided === undefined) return among;
  return { bits: or([source.bits, among.bits]), cost: addCosts([source.cost, among.cost]), source: source.source };
};
