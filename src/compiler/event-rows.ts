import type {
  EventAggregate,
  EventCount,
  EventFilter,
  EventRecency,
  NumberRange,
  PropertyCondition,
} from '../conditions/types.ts';
import { windowRange, type WindowRange } from '../conditions/window.ts';
import type { Parameters } from './parameters.ts';
import { type RowContext, rowProperty } from './row-property.ts';
import { timestamp } from './time.ts';

/**
 * What leaves about events say, by the rows of `events` alone: a query over `events x` that gives a row for each user whom they
 * hold for. Which users it looks at is left to who asks: all of a chunk for bitmaps, one for a single row of `users`.
 */

/** Where the rows of `events x` are that concern these users, and what is to be given of each. */
export interface Users {
  /** A condition on `x`: `x.shard = c.shard`. */
  readonly scope: string;
  /** SQL over `x.ordinal`. */
  readonly give: string;
}

/** Some users, or all but them. `query` null: none. */
export interface Who {
  readonly query: ((users: Users) => string) | null;
  readonly complement: boolean;
}

export const NOBODY: Who = { query: null, complement: false };
export const EVERYBODY: Who = { query: null, complement: true };

const some = (query: (users: Users) => string): Who => ({ query, complement: false });
const butNot = ({ query, complement }: Who): Who => ({ query, complement: !complement });

/** Counts are `integer` parameters; no user has more events. */
const MAX_COUNT = 2 ** 30;

/** `x` is of this event, in this time, and all of `where` holds for its own properties. */
export const rowsOf = (
  { asOf, parameters }: Omit<RowContext, 'events'>,
  eventId: number,
  { from, to }: WindowRange,
  where: readonly PropertyCondition[] = [],
): string =>
  [
    `x.event_id = ${parameters.add(eventId, 'int')}`,
    ...(from === null ? [] : [`x.occurred_at >= ${timestamp(parameters, from)}`]),
    `x.occurred_at < ${timestamp(parameters, to)}`,
    ...where.map((leaf) => rowProperty({ asOf, parameters }, 'x.properties', leaf)),
  ].join(' and ');

/** Nothing lies in the window. */
const isEmpty = ({ from, to }: WindowRange): boolean => from !== null && from >= to;

/** Users of whom such events are there. With `having`, for whom it holds over all of theirs. */
const among = (rows: string, having?: string): Who =>
  some(
    ({ scope, give }) =>
      `select ${give} as o from events x where ${scope} and ${rows}` +
      (having === undefined ? '' : ` group by x.ordinal having ${having}`),
  );

/** The event's id and its window, or undefined where there is nothing in it. */
const found = (context: RowContext, leaf: EventFilter): { id: number; window: WindowRange } | undefined => {
  const id = context.events.get(leaf.event);
  const window = windowRange(leaf.within, context.asOf);
  return id === undefined || isEmpty(window) ? undefined : { id, window };
};

/** How often. Who never did it has a count of 0. */
export const whoCounts = (context: RowContext, leaf: EventCount): Who => {
  const { parameters } = context;
  const { low } = leaf.count;
  const high = leaf.count.high !== null && leaf.count.high >= MAX_COUNT ? null : leaf.count.high;
  if (low > MAX_COUNT || (high !== null && (high < low || high < 0))) return NOBODY;
  if (low <= 0 && high === null) return EVERYBODY;
  const event = found(context, leaf);
  if (event === undefined) return low <= 0 ? EVERYBODY : NOBODY;
  const rows = rowsOf(context, event.id, event.window, leaf.where);
  if (low === 1 && high === null) return among(rows);
  // those who never did it have no rows: ask for the others
  if (low <= 0) return butNot(high === 0 ? among(rows) : among(rows, `count(*) > ${parameters.add(high, 'int')}`));
  const bounds = [`count(*) >= ${parameters.add(low, 'int')}`];
  if (high !== null) bounds.push(`count(*) <= ${parameters.add(high, 'int')}`);
  return among(rows, bounds.join(' and '));
};

const isIn = (value: number, { low, high }: NumberRange): boolean =>
  (low === null || value >= low) && (high === null || value <= high);

/** `value` lies in the range; both are multiplied by `times`, which is positive. */
const inRange = (parameters: Parameters, value: string, { low, high }: NumberRange, times = ''): string => {
  const bound = (sign: string, number: number) =>
    `${value} ${sign} ${parameters.add(String(number), 'numeric')}${times}`;
  return [...(low === null ? [] : [bound('>=', low)]), ...(high === null ? [] : [bound('<=', high)])].join(' and ');
};

/**
 * A sum, average, least or greatest of the numbers under a property. Sums are of PostgreSQL's `numeric`, of the decimals that the
 * JSON says: exact, and the same in whatever order the rows come. An average is compared as its sum with the bound times the
 * count, so that no division rounds. Without a number a sum is 0, and the others are nothing, which is in no range.
 */
export const whoAggregates = (context: RowContext, leaf: EventAggregate): Who => {
  const { parameters } = context;
  const nothingFits = leaf.aggregate === 'sum' && isIn(0, leaf.range);
  const event = found(context, leaf);
  if (event === undefined) return nothingFits ? EVERYBODY : NOBODY;
  const rows = rowsOf(context, event.id, event.window, leaf.where);
  const keys = leaf.property.split('.').map((key) => parameters.add(key, 'text'));
  const held = `(${['x.properties', ...keys].join(' -> ')})`;
  const number = `case when jsonb_typeof${held} = 'number' then ${held}::numeric end`;
  switch (leaf.aggregate) {
    case 'sum': {
      const fits = inRange(parameters, `coalesce(sum(${number}), 0)`, leaf.range);
      return nothingFits ? butNot(among(rows, `not (${fits})`)) : among(rows, fits);
    }
    case 'avg':
      return among(rows, inRange(parameters, `sum(${number})`, leaf.range, ` * count(${number})`));
    case 'min':
    case 'max':
      return among(rows, inRange(parameters, `${leaf.aggregate}(${number})`, leaf.range));
  }
};

/** Whose first, or last, such event lies in the window. */
export const whoRecently = (context: RowContext, leaf: EventRecency): Who => {
  const { asOf, parameters } = context;
  const event = found(context, leaf);
  if (event === undefined) return NOBODY;
  const { from, to } = event.window;
  const last = leaf.occurrence === 'last';
  const rows = rowsOf(context, event.id, last ? { from, to: asOf + 1 } : { from: null, to }, leaf.where);
  if (last) return to > asOf ? among(rows) : among(rows, `max(x.occurred_at) < ${timestamp(parameters, to)}`);
  return from === null ? among(rows) : among(rows, `min(x.occurred_at) >= ${timestamp(parameters, from)}`);
};
