import { likePattern } from '../conditions/like.ts';
import { type References, textMatchKey } from '../conditions/references.ts';
import type { TextMatch } from '../conditions/types.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { digestOf } from './digest.ts';
import { type ColumnType, listPath, MAX_OVERLAY_MARKS, POPULATION_PATH, shardRange } from './layout.ts';

export { ensureEvents, ensureProperties, MAX_EVENT_NAMES, MAX_PROPERTIES } from './names.ts';

/** A text operator that matches more values than this reads the rows: a decision over more codes would cost more. */
export const MAX_MATCHED_CODES = 1000;

/** What is known of a column, of whatever type it is. */
export interface IndexedColumn {
  readonly id: number;
  /** Of a number column: decimals, or FLOAT_SCALE. */
  readonly scale: number;
  /** Of a date column. */
  readonly unitMs: number;
  /** Every magnitude is below 2^width. */
  readonly width: number;
  readonly hasNegative: boolean;
  /** Too many different values: it has no slices and no dictionary. */
  readonly overflowed: boolean;
}
export type IndexedColumns = { readonly [T in ColumnType]?: IndexedColumn };

/** What the compiler calls its `Catalogue`, and the ids whose pending changes concern the condition. */
export interface LoadedCatalogue {
  /** Shards of the workspace, both inside. */
  readonly shards: readonly [first: number, last: number];
  /** By path; a property that nobody ever had is absent. A list of userIds is one too (`listPath`). */
  readonly properties: ReadonlyMap<string, IndexedColumns>;
  /** By column id: the codes of the values that the condition names, as far as somebody ever had them. */
  readonly codes: ReadonlyMap<number, ReadonlyMap<string, number>>;
  /** By `textMatchKey`: the codes of the values that match; absent where they are more than MAX_MATCHED_CODES. */
  readonly textMatches: ReadonlyMap<string, readonly number[]>;
  /** By name; an event that nobody ever did is absent. */
  readonly events: ReadonlyMap<string, number>;
  /** By the leaf as the compiler writes it: those of which bitmaps are kept, of these properties. */
  readonly kept: ReadonlyMap<string, number>;
  /** Of the properties, and of who exists. */
  readonly propertyIds: number[];
  readonly eventIds: number[];
  /**
   * The `xmin`s of the properties' columns in the order of their ids, as text of `xid[]`; null where there are none. All that can
   * become different of what was read here changes a row of \`columns\`: a new value gets the column's next code.
   */
  readonly columnVersions: string | null;
  readonly absentProperties: string[];
  readonly absentEvents: string[];
  /** Whether changes of these, or of who exists, are noted that the bitmaps lack. */
  readonly pending: boolean;
  /** More of them than an overlay corrects, or of every user of a shard. */
  readonly crowded: boolean;
}

interface Row {
  readonly kind: 'property' | 'column' | 'event' | 'code' | 'versions' | 'kept' | 'pending';
  readonly id: number;
  readonly name: string;
  readonly type: ColumnType;
  readonly scale: number;
  readonly unit_ms: number;
  readonly width: number;
  readonly has_negative: boolean;
  readonly overflowed: boolean;
}

const LOAD = sql('index-catalogue');
const CONTAINS = sql('index-match-contains');
const STARTS_WITH = sql('index-match-starts');
const ENDS_WITH = sql('index-match-ends');
const FOLDED = sql('index-match-folded');
const PATTERN = sql('index-match-pattern');
const FOLDED_PATTERN = sql('index-match-pattern-folded');

/** What finds a text operator's values in the dictionary, and the text that it takes. */
const matching = ({ operator, value, ignoreCase }: TextMatch): readonly [statement: string, text: string] => {
  if (operator === 'matches') return [ignoreCase ? FOLDED_PATTERN : PATTERN, value];
  if (ignoreCase) return [FOLDED, likePattern(operator, value)];
  switch (operator) {
    case 'contains':
    case 'not_contains':
      return [CONTAINS, value];
    case 'starts_with':
      return [STARTS_WITH, value];
    case 'ends_with':
      return [ENDS_WITH, likePattern(operator, value)];
  }
};

const matchingCodes = async (db: Queryable, columnId: number, leaf: TextMatch): Promise<number[] | undefined> => {
  const [statement, text] = matching(leaf);
  const { rows } = await db.query<{ code: number }>(statement, [columnId, text, MAX_MATCHED_CODES + 1]);
  return rows.length > MAX_MATCHED_CODES ? undefined : rows.map((row) => row.code);
};

interface Wanted {
  readonly path: string;
  readonly type: 'text' | 'array';
  readonly value: string;
}

const wantedValues = (references: References): Wanted[] => {
  const all = (type: Wanted['type'], values: ReadonlyMap<string, ReadonlySet<string>>): Wanted[] =>
    [...values].flatMap(([path, each]) => [...each].map((value) => ({ path, type, value })));
  return [...all('text', references.textValues), ...all('array', references.elementValues)];
};

/** The paths in `properties` of all that a condition reads of users: their properties, and lists that they stand on. */
export const pathsOf = ({ properties, lists }: References): string[] => [...properties, ...[...lists].map(listPath)];

/**
 * What a condition is compiled with, as the transaction of `db` sees it. One round trip, and one more for each text operator.
 *
 * @throws what PostgreSQL gives
 */
export const loadCatalogue = async (
  db: Queryable,
  workspaceId: number,
  references: References,
): Promise<LoadedCatalogue> => {
  const wanted = wantedValues(references);
  const paths = [...pathsOf(references), POPULATION_PATH];
  const names = [...references.events];
  const { rows } = await db.query<Row>(LOAD, [
    workspaceId,
    paths,
    names,
    wanted.map(({ path }) => path),
    wanted.map(({ type }) => type),
    wanted.map(({ value }) => digestOf(value)),
    ...shardRange(workspaceId),
    MAX_OVERLAY_MARKS + 1,
  ]);
  const properties = new Map<string, { [T in ColumnType]?: IndexedColumn }>();
  const codes = new Map<number, Map<string, number>>();
  const events = new Map<string, number>();
  const propertyIds: number[] = [];
  const found = new Set<string>();
  for (const row of rows) {
    if (row.kind === 'property') {
      propertyIds.push(row.id);
      found.add(row.name);
      if (row.name !== POPULATION_PATH) properties.set(row.name, {});
    } else if (row.kind === 'event') events.set(row.name, row.id);
  }
  for (const row of rows) {
    if (row.kind === 'column') {
      const columns = properties.get(row.name);
      if (columns === undefined) throw new Error('a column without its property');
      columns[row.type] = {
        id: row.id,
        scale: row.scale,
        unitMs: row.unit_ms,
        width: row.width,
        hasNegative: row.has_negative,
        overflowed: row.overflowed,
      };
    } else if (row.kind === 'code') {
      const value = wanted[row.unit_ms - 1];
      if (value === undefined) throw new Error('a code of a value that was not asked for');
      const known = codes.get(row.id);
      if (known) known.set(value.value, row.scale);
      else codes.set(row.id, new Map([[value.value, row.scale]]));
    }
  }
  const textMatches = new Map<string, readonly number[]>();
  for (const leaf of references.textMatches) {
    const column = properties.get(leaf.property)?.text;
    if (column === undefined || column.overflowed) continue;
    const matched = await matchingCodes(db, column.id, leaf);
    if (matched) textMatches.set(textMatchKey(leaf), matched);
  }
  const marks = rows.find(({ kind }) => kind === 'pending');
  return {
    shards: shardRange(workspaceId),
    properties,
    codes,
    textMatches,
    events,
    kept: new Map(rows.flatMap(({ kind, name, id }) => (kind === 'kept' ? [[name, id] as const] : []))),
    propertyIds,
    eventIds: [...events.values()],
    columnVersions: rows.find(({ kind }) => kind === 'versions')?.name ?? null,
    absentProperties: paths.filter((path) => !found.has(path)),
    absentEvents: names.filter((name) => !events.has(name)),
    pending: marks !== undefined,
    crowded: marks !== undefined && (marks.overflowed || marks.id > MAX_OVERLAY_MARKS),
  };
};
