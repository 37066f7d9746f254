import { invalid } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { POPULATION_PATH } from './layout.ts';

/** Of one workspace. Names made of data (an id in a property's name) would otherwise fill the catalogue for ever. */
export const MAX_PROPERTIES = 10_000;
export const MAX_EVENT_NAMES = 10_000;
/** Names of all workspaces that a process remembers for one pool; beyond that it forgets them all and asks again. */
const MAX_REMEMBERED = 100_000;

interface Kind {
  readonly what: string;
  readonly limit: number;
  readonly find: string;
  readonly count: string;
  readonly insert: string;
  /** Ids never change and names never go, so what was committed once may be remembered as long as the pool lives. */
  readonly remembered: WeakMap<Queryable, Map<string, number>>;
}

const PROPERTIES: Kind = {
  what: 'properties',
  limit: MAX_PROPERTIES,
  find: 'select id, path as name from properties where workspace_id = $1::integer and path = any($2::text[])',
  // a list's path begins with a dot, and is no name that data made
  count: `select count(*)::integer as n from properties where workspace_id = $1::integer and left(path, 1) <> '.'`,
  insert: sql('index-insert-properties'),
  remembered: new WeakMap(),
};
const EVENTS: Kind = {
  what: 'event names',
  limit: MAX_EVENT_NAMES,
  find: 'select id, name from event_names where workspace_id = $1::integer and name = any($2::text[])',
  count: 'select count(*)::integer as n from event_names where workspace_id = $1::integer',
  insert: sql('index-insert-events'),
  remembered: new WeakMap(),
};

const ensure = async (db: Queryable, kind: Kind, workspaceId: number, names: Iterable<string>) => {
  let remembered = kind.remembered.get(db);
  if (remembered === undefined || remembered.size > MAX_REMEMBERED)
    kind.remembered.set(db, (remembered = new Map<string, number>()));
  const ids = new Map<string, number>();
  const unknown = new Set<string>();
  for (const name of names) {
    const id = remembered.get(`${workspaceId},${name}`);
    if (id === undefined) unknown.add(name);
    else ids.set(name, id);
  }
  const find = async (): Promise<void> => {
    const { rows } = await db.query<{ id: number; name: string }>(kind.find, [workspaceId, [...unknown]]);
    for (const { id, name } of rows) {
      ids.set(name, id);
      remembered.set(`${workspaceId},${name}`, id);
      unknown.delete(name);
    }
  };
  if (unknown.size > 0) await find();
  if (unknown.size > 0) {
    const held = (await db.query<{ n: number }>(kind.count, [workspaceId])).rows[0]?.n ?? 0;
    const [first] = unknown;
    const added = unknown.size - (unknown.has(POPULATION_PATH) ? 1 : 0);
    if (held + added > kind.limit && added > 0)
      throw invalid(
        `a workspace has at most ${kind.limit} ${kind.what}, and ${JSON.stringify(first)} would be one more`,
        {
          hint: 'names should not be made of data: put what varies into a value',
        },
      );
    await db.query(kind.insert, [workspaceId, [...unknown].sort()]);
    await find();
  }
  return ids;
};

/**
 * The ids of property paths (POPULATION_PATH among them), which get a row where they have none.
 *
 * @param db a pool: each statement commits by itself, and the ids are remembered for as long as the pool lives
 * @throws 422 where the workspace would have more than MAX_PROPERTIES
 */
export const ensureProperties = (
  db: Queryable,
  workspaceId: number,
  paths: Iterable<string>,
): Promise<Map<string, number>> => ensure(db, PROPERTIES, workspaceId, paths);

/** As `ensureProperties`, for the names of events. */
export const ensureEvents = (
  db: Queryable,
  workspaceId: number,
  names: Iterable<string>,
): Promise<Map<string, number>> => ensure(db, EVENTS, workspaceId, names);
