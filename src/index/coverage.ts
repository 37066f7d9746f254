import { invalid } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { type ColumnType, DAY_MS, shardRange } from './layout.ts';

const PROPERTIES = sql('coverage-properties');
const EVENTS = sql('coverage-events');

export const DEFAULT_COVERAGE_LIMIT = 100;
export const MAX_COVERAGE_LIMIT = 500;

export interface CoveragePage {
  readonly cursor?: string;
  readonly limit?: number;
}

/** As builders call them; `date` is text that parses as one, so it never stands without `string`. */
export type PropertyType = 'string' | 'number' | 'boolean' | 'date' | 'array' | 'object';

export interface PropertyCoverage {
  readonly property: string;
  readonly types: readonly PropertyType[];
  /** Users for whom it is set. */
  readonly users: number;
  readonly coverage: number;
}

export interface EventCoverage {
  readonly event: string;
  /** Users who ever did it. */
  readonly users: number;
  readonly coverage: number;
  /** The last day on which somebody did it, `2026-01-31`. */
  readonly lastDay: string | null;
}

const TYPE_NAMES: Readonly<Record<Exclude<ColumnType, 'set'>, PropertyType>> = {
  text: 'string',
  number: 'number',
  boolean: 'boolean',
  date: 'date',
  array: 'array',
};

const encodeCursor = (name: string): string => Buffer.from(name, 'utf8').toString('base64url');
const decodeCursor = (cursor: string | undefined): string => {
  if (cursor === undefined) return '';
  const name = Buffer.from(cursor, 'base64url').toString('utf8');
  if (name === '' || name.includes('\0') || encodeCursor(name) !== cursor)
    throw invalid('the cursor is not one that was given', {
      path: 'cursor',
      hint: 'take nextCursor of the page before',
    });
  return name;
};

const share = (users: number, population: number): number =>
  population === 0 ? 0 : Math.round((users / population) * 1e6) / 1e6;

/** Users of a workspace as the index has them: at most a moment behind the rows. */
export const countUsers = async (db: Queryable, workspaceId: number): Promise<number> => {
  const { rows } = await db.query<{ users: number }>(
    `select coalesce(sum(bit_count(users)), 0)::float8 as users from chunks where workspace_id = $1::integer`,
    [workspaceId],
  );
  return rows[0]?.users ?? 0;
};

/** A page of the properties in use, by name. Read from the presence bitmaps alone, so it costs the same for any number of users a chunk. */
export const listProperties = async (
  db: Queryable,
  workspaceId: number,
  { cursor, limit = DEFAULT_COVERAGE_LIMIT }: CoveragePage = {},
): Promise<{ population: number; properties: PropertyCoverage[]; nextCursor: string | null }> => {
  const population = await countUsers(db, workspaceId);
  const { rows } = await db.query<{ path: string; types: ColumnType[]; users: number }>(PROPERTIES, [
    workspaceId,
    decodeCursor(cursor),
    limit + 1,
    ...shardRange(workspaceId),
  ]);
  const page = rows.slice(0, limit);
  const properties = page
    .filter(({ users, types }) => users > 0 || types.some((type) => type !== 'set'))
    .map(({ path, types, users }): PropertyCoverage => {
      const named = types.flatMap((type) => (type === 'set' ? [] : [TYPE_NAMES[type]]));
      return {
        property: path,
        types: named.length === 0 ? ['object'] : named,
        users,
        coverage: share(users, population),
      };
    });
  return { population, properties, nextCursor: nextCursor(rows.length > limit, page.at(-1)?.path) };
};

/** A page of the event names in use. */
export const listEvents = async (
  db: Queryable,
  workspaceId: number,
  { cursor, limit = DEFAULT_COVERAGE_LIMIT }: CoveragePage = {},
): Promise<{ population: number; events: EventCoverage[]; nextCursor: string | null }> => {
  const population = await countUsers(db, workspaceId);
  const { rows } = await db.query<{ name: string; users: number; last_day: number | null }>(EVENTS, [
    workspaceId,
    decodeCursor(cursor),
    limit + 1,
    ...shardRange(workspaceId),
  ]);
  const page = rows.slice(0, limit);
  const events = page.map(
    ({ name, users, last_day }): EventCoverage => ({
      event: name,
      users,
      coverage: share(users, population),
      lastDay: last_day === null ? null : new Date(last_day * DAY_MS).toISOString().replace(/T.*/, ''),
    }),
  );
  return { population, events, nextCursor: nextCursor(rows.length > limit, page.at(-1)?.name) };
};

const nextCursor = (more: boolean, last: string | undefined): string | null =>
  more && last !== undefined ? encodeCursor(last) : null;
