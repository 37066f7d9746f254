import type pg from 'pg';
import { invalid, notFound } from '../core/errors.ts';
import { quote } from '../core/text.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { applyRequests } from './apply.ts';
import { idProblem } from './messages.ts';
import type { Operation } from './operations.ts';
import { type Properties, readProperties } from './properties.ts';

export { eraseUser } from './erase.ts';

const GET = sql('ingest-get-user');

export interface UserResource {
  /** The user's own id, whichever of its names was asked for. */
  readonly userId: string;
  readonly properties: Properties;
  readonly createdAt: string;
  readonly updatedAt: string;
}

interface Row {
  readonly external_id: string;
  readonly properties: Properties;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** Throws 404 where nobody has this name. */
export const getUser = async (db: Queryable, workspaceId: number, userId: string): Promise<UserResource> => {
  const { rows } = await db.query<Row>(GET, [workspaceId, userId]);
  const row = rows[0];
  if (row === undefined) throw notFound(`user ${quote(userId)}`);
  return {
    userId: row.external_id,
    properties: row.properties,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
};

const write = async (pool: pg.Pool, workspaceId: number, operation: Operation): Promise<UserResource> => {
  const [problem] = await applyRequests(pool, workspaceId, [[operation]]);
  if (problem !== undefined) throw problem;
  return getUser(pool, workspaceId, operation.userId);
};

const read = (userId: string, properties: unknown, nulls: 'keep' | 'drop'): Properties => {
  const problem = idProblem(userId);
  if (problem !== undefined) throw invalid(`userId must ${problem}`, { path: 'userId' });
  return readProperties(properties, { path: 'properties', nulls });
};

const bytesOf = (properties: Properties): number => Buffer.byteLength(JSON.stringify(properties));

/** Gives the user exactly these properties; who is not there yet is created. Nulls are left out. */
export const replaceUser = (
  pool: pg.Pool,
  workspaceId: number,
  userId: string,
  given: unknown,
): Promise<UserResource> => {
  const properties = read(userId, given, 'drop');
  return write(pool, workspaceId, { kind: 'replace', userId, properties, bytes: bytesOf(properties) });
};

/** Merges properties into the user's (RFC 7396: `null` removes); who is not there yet is created. */
export const mergeUser = (
  pool: pg.Pool,
  workspaceId: number,
  userId: string,
  given: unknown,
): Promise<UserResource> => {
  const patch = read(userId, given, 'keep');
  return write(pool, workspaceId, { kind: 'merge', userId, patch, bytes: bytesOf(patch) });
};
