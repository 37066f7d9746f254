import { elementKey, textMatchKey } from '../conditions/references.ts';
import type {
  DateCompare,
  DateRelative,
  Equals,
  In,
  Includes,
  PropertyCondition,
  Scalar,
  TextMatch,
} from '../conditions/types.ts';
import { numberCode } from '../index/codes.ts';
import { DAY_MS, PRESENCE_SLICE } from '../index/layout.ts';
import { and, not, or } from './bits.ts';
import { codeRange, dateCodeRange, dateIntervals, type Interval } from './bounds.ts';
import type { Catalogue, PropertyColumns } from './catalogue.ts';
import { addCosts, cost } from './cost.ts';
import type { Parameters } from './parameters.ts';
import { usersWithElements, usersWithNumberIn, usersWithTextIn, usersWithTextLike } from './rows.ts';
import { anyCode, anyRange, anySlice, type Codes, everySlice, NOTHING, type Source, slice } from './slices.ts';

export interface Context {
  readonly catalogue: Catalogue;
  /** Epoch milliseconds. */
  readonly asOf: number;
  readonly parameters: Parameters;
}

interface Subject extends Context {
  readonly property: string;
  readonly columns: PropertyColumns;
}

/** Users who are in one source or another. */
const either = (sources: readonly Source[]): Source => {
  const used = sources.filter((each) => each.source !== 'nothing');
  if (used.length <= 1) return used[0] ?? NOTHING;
  return {
    bits: or(used.map((each) => each.bits)),
    cost: addCosts([...used.map((each) => each.cost), cost({ operations: used.length - 1 })]),
    source: used.some((each) => each.source === 'users') ? 'users' : 'bitmaps',
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

const textEquals = (subject: Subject, texts: readonly string[]): Source => {
  const { columns, parameters, property } = subject;
  const column = columns.text;
  if (!column || texts.length === 0) return NOTHING;
  const indexed = column.overflowed
    ? undefined
    : anyCode(parameters, textCodes(column), codesOf(subject, column.id, texts).map(BigInt));
  return indexed ?? usersWithTextIn(parameters, property, texts);
};

const textCodes = (column: { id: number; width: number }): Codes => ({
  columnId: column.id,
  width: column.width,
  hasNegative: false,
});

const numberEquals = ({ columns, parameters, property }: Subject, numbers: readonly number[]): Source => {
  const column = columns.number;
  if (!column || numbers.length === 0) return NOTHING;
  const codes = numbers.flatMap((value) => numberCode(value, column.scale) ?? []);
  return (
    anyCode(parameters, { ...column, columnId: column.id }, codes) ?? usersWithNumberIn(parameters, property, numbers)
  );
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
const includesAny = (subject: Subject, values: readonly Scalar[]): Source => {
  const { columns, parameters, property } = subject;
  const column = columns.array;
  if (!column || values.length === 0) return NOTHING;
  const elements = values.map(elementKey);
  if (column.overflowed) return usersWithElements(parameters, property, elements, false);
  return anySlice(parameters, column.id, codesOf(subject, column.id, elements));
};

const includesAll = (subject: Subject, values: readonly Scalar[]): Source => {
  const { columns, parameters, property } = subject;
  const column = columns.array;
  if (!column || values.length === 0) return NOTHING;
  const elements = [...new Set(values.map(elementKey))];
  if (column.overflowed) return usersWithElements(parameters, property, elements, true);
  const codes = codesOf(subject, column.id, elements);
  return codes.length < elements.length ? NOTHING : everySlice(parameters, column.id, codes);
};

/** Strictly by type, and an array is equal to each of its elements. */
const equalsAny = (subject: Subject, values: readonly Scalar[]): Source =>
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

const textMatching = (subject: Subject, leaf: TextMatch): Source => {
  const { catalogue, columns, parameters, property } = subject;
  const column = columns.text;
  if (!column) return NOTHING;
  const codes = column.overflowed ? undefined : catalogue.textMatches.get(textMatchKey(leaf));
  const matching = leaf.operator === 'not_contains' ? 'contains' : leaf.operator;
  return (
    (codes && anyCode(parameters, textCodes(column), codes.map(BigInt))) ??
    usersWithTextLike(parameters, property, matching, leaf.value)
  );
};

const numberWithin = ({ columns, parameters }: Subject, interval: Interval): Source => {
  const column = columns.number;
  if (!column) return NOTHING;
  return anyRange(parameters, { ...column, columnId: column.id }, [codeRange(interval, column)]);
};

/** Dates are texts that parse, which have a column of their own, and numbers. */
const dateWithin = ({ columns, parameters }: Subject, interval: Interval): Source => {
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

const inside = (value: number) => ({ value, inside: true });
const outside = (value: number) => ({ value, inside: false });

const onDay = (ms: number): Interval => {
  const start = Math.floor(ms / DAY_MS) * DAY_MS;
  return { low: inside(start), high: outside(start + DAY_MS) };
};

const DATES: Record<DateCompare['operator'], (value: number) => Interval> = {
  before: (value) => ({ low: null, high: outside(value) }),
  after: (value) => ({ low: outside(value), high: null }),
  on: onDay,
};
const RELATIVE_DATES: Record<DateRelative['operator'], (ms: number, asOf: number) => Interval> = {
  within_last: (ms, asOf) => ({ low: inside(asOf - ms), high: inside(asOf) }),
  not_within_last: (ms, asOf) => ({ low: inside(asOf - ms), high: inside(asOf) }),
  within_next: (ms, asOf) => ({ low: inside(asOf), high: inside(asOf + ms) }),
};

type Operator = PropertyCondition['operator'];
/** The leaves that have an operator: `Equals` of `equals`. */
type LeafOf<O extends Operator> = PropertyCondition extends infer L
  ? L extends PropertyCondition
    ? O extends L['operator']
      ? L
      : never
    : never
  : never;
type Handler<L> = (subject: Subject, leaf: L) => Source;

const equals: Handler<Equals> = (subject, leaf) => equalsAny(subject, [leaf.value]);
const inList: Handler<In> = (subject, leaf) => equalsAny(subject, leaf.value);
const includes: Handler<Includes> = (subject, leaf) => includesAny(subject, [leaf.value]);
const date: Handler<DateCompare> = (subject, leaf) => dateWithin(subject, DATES[leaf.operator](leaf.value));
const relativeDate: Handler<DateRelative> = (subject, leaf) =>
  dateWithin(subject, RELATIVE_DATES[leaf.operator](leaf.value.ms, subject.asOf));

/** What each operator holds for; of a negative one, what its positive one holds for. */
const HANDLERS: { readonly [O in Operator]: Handler<LeafOf<O>> } = {
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
  greater_than: (subject, leaf) => numberWithin(subject, { low: outside(leaf.value), high: null }),
  at_least: (subject, leaf) => numberWithin(subject, { low: inside(leaf.value), high: null }),
  less_than: (subject, leaf) => numberWithin(subject, { low: null, high: outside(leaf.value) }),
  at_most: (subject, leaf) => numberWithin(subject, { low: null, high: inside(leaf.value) }),
  between: (subject, leaf) => numberWithin(subject, { low: inside(leaf.value[0]), high: inside(leaf.value[1]) }),
  before: date,
  after: date,
  on: date,
  within_last: relativeDate,
  not_within_last: relativeDate,
  within_next: relativeDate,
  includes,
  not_includes: includes,
  includes_any: (subject, leaf) => includesAny(subject, leaf.value),
  includes_all: (subject, leaf) => includesAll(subject, leaf.value),
};

/** The exact complements, over all users. */
export const POSITIVE: { readonly [O in Operator]?: Operator } = {
  is_not_set: 'is_set',
  not_equals: 'equals',
  not_in: 'in',
  not_contains: 'contains',
  not_within_last: 'within_last',
  not_includes: 'includes',
};

/** A property leaf. A property that nobody has is set for nobody. */
export const propertySource = (context: Context, leaf: PropertyCondition): Source => {
  const columns = context.catalogue.properties.get(leaf.property) ?? {};
  const handler = HANDLERS[leaf.operator] as Handler<PropertyCondition>;
  const positive = handler({ ...context, property: leaf.property, columns }, leaf);
  return POSITIVE[leaf.operator] ? complement(positive) : positive;
};
