import { notFound } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { texts } from '../database/arrays.ts';

const FIND = { name: 'ingest-find-users', text: sql('ingest-find-users') };
const RESERVE = { name: 'ingest-reserve-ordinals', text: sql('ingest-reserve-ordinals') };

export interface Resolved {
  /** By external id; several names may have one ordinal. */
  readonly known: Map<string, number>;
  /** Names nobody had, with ordinals reserved for them in their order. The caller inserts users and keys. */
  readonly created: Map<string, number>;
  /** Lists of userIds may hold one of `created`. */
  readonly listed: boolean;
}

const find = async (db: Queryable, workspaceId: number, ids: readonly string[], known: Map<string, number>) => {
  const { rows } = await db.query<{ external_id: string | null; ordinal: number }>({
    ...FIND,
    values: [workspaceId, texts(ids)],
  });
  let next: number | undefined;
  for (const { external_id, ordinal } of rows)
    if (external_id === null) next = ordinal;
    else known.set(external_id, ordinal);
  if (next === undefined) throw notFound('the workspace');
  return next;
};

/** Gives names their ordinals, reserving new ones where there are none. In the transaction that then inserts them. */
export const resolveUsers = async (db: Queryable, workspaceId: number, ids: Iterable<string>): Promise<Resolved> => {
  const wanted = [...ids];
  const known = new Map<string, number>();
  const next = await find(db, workspaceId, wanted, known);
  let missing = wanted.filter((id) => !known.has(id));
  if (missing.length === 0) return { known, created: new Map(), listed: false };
  const reserve = async (count: number) => {
    const { rows } = await db.query<{ first: number; has_lists: boolean }>({
      ...RESERVE,
      values: [workspaceId, count],
    });
    if (rows[0] === undefined) throw notFound('the workspace');
    return rows[0];
  };
  const { first, has_lists: listed } = await reserve(missing.length);
  if (first !== next) {
    // Somebody created users between the two statements. From here on nobody does.
    await find(db, workspaceId, missing, known);
    const before = missing.length;
    missing = missing.filter((id) => !known.has(id));
    if (missing.length < before) await reserve(missing.length - before);
  }
  return { known, created: new Map(missing.map((id, i) => [id, first + i])), listed };
};
