import type pg from 'pg';
import { invalid, notFound } from '../core/errors.ts';
import { formatId, parseId } from '../core/ids.ts';
import type { Log } from '../core/log.ts';
import { sql } from '../database/sql.ts';
import { badCursor, decodeIntegers, encodeCursor } from '../core/cursors.ts';
import { isStorable, readInteger } from './input.ts';
import {
  DEFAULT_LIST_LIMIT,
  DEFAULT_MEMBERS_LIMIT,
  MAX_LIST_LIMIT,
  MAX_MEMBER_PROPERTIES,
  MAX_MEMBERS_LIMIT,
  STREAM_USERS,
  STREAM_USERS_WITH_PROPERTIES,
} from './limits.ts';
import { type Place, readChanges, readMembers } from './membership.ts';
import { type SnapshotResource, type SnapshotRow, snapshotResource } from './resources.ts';
import { unknownSegment } from './segment-changes.ts';
import type { Change, ChangesPage, Member, MembersPage, Page, SnapshotsService } from './services.ts';

const SELECT = sql('snapshots-select');
const USERS = sql('snapshots-users');

const FROM_THE_START = -1;

interface FoundUser {
  readonly ordinal: number;
  readonly userId: string;
  readonly values: readonly unknown[] | null;
}

/** What calculations found: immutable, so that a cursor means the same at any time. */
export class Snapshots implements SnapshotsService {
  readonly #pool: pg.Pool;
  readonly #log: Log;

  constructor({ pool, log }: { pool: pg.Pool; log: Log }) {
    this.#pool = pool;
    this.#log = log;
  }

  async list(
    workspaceId: number,
    key: string,
    page: Page = {},
  ): Promise<{ snapshots: SnapshotResource[]; nextCursor: string | null }> {
    await this.#refuseUnknown(workspaceId, key);
    const limit = readInteger(page.limit ?? DEFAULT_LIST_LIMIT, 'limit', { min: 1, max: MAX_LIST_LIMIT });
    const before = page.cursor === undefined ? null : decodeIntegers('snapshots', page.cursor, 1)[0];
    const { rows } = await this.#pool.query<SnapshotRow>(SELECT, [workspaceId, null, key, before, limit + 1]);
    const shown = rows.slice(0, limit);
    const last = shown.at(-1);
    return {
      snapshots: shown.map(snapshotResource),
      nextCursor: rows.length > limit && last !== undefined ? encodeCursor('snapshots', last.id) : null,
    };
  }

  async get(workspaceId: number, id: string): Promise<SnapshotResource> {
    return snapshotResource(await this.#find(workspaceId, parseId('snapshot', id)));
  }

  async latest(workspaceId: number, key: string): Promise<SnapshotResource> {
    return snapshotResource(await this.#findLatest(workspaceId, key));
  }

  async membersOfSegment(workspaceId: number, key: string, page: Page = {}): Promise<MembersPage> {
    if (page.cursor === undefined) return this.#page(workspaceId, await this.#findLatest(workspaceId, key), page);
    await this.#refuseUnknown(workspaceId, key);
    const [id = 0] = decodeIntegers('members', page.cursor, 2);
    const row = await this.#find(workspaceId, id).catch((error: unknown) => {
      throw (error as { status?: number }).status === 404 ? badCursor() : error;
    });
    if (row.segment_key !== key) throw badCursor();
    return this.#page(workspaceId, row, page);
  }

  async members(workspaceId: number, id: string, page: Page = {}): Promise<MembersPage> {
    return this.#page(workspaceId, await this.#find(workspaceId, parseId('snapshot', id)), page);
  }

  async *stream(
    workspaceId: number,
    id: string,
    { properties = [] }: { properties?: readonly string[] } = {},
  ): AsyncGenerator<Member> {
    const paths = readPaths(properties);
    const row = await this.#find(workspaceId, parseId('snapshot', id));
    const size = paths.length > 0 ? STREAM_USERS_WITH_PROPERTIES : STREAM_USERS;
    for await (const places of readMembers(this.#pool, row.id, { workspaceId, after: FROM_THE_START, size })) {
      this.#touch(row.id);
      for (const { userId, values } of await this.#users(places, paths))
        yield properties.length === 0 ? { userId } : { userId, properties: named(properties, values) };
    }
  }

  async changes(workspaceId: number, id: string, since: string, page: Page = {}): Promise<ChangesPage> {
    const [row, earlier] = await this.#pair(workspaceId, id, since);
    const limit = readMembersLimit(page);
    const after = page.cursor === undefined ? FROM_THE_START : readChangesCursor(page.cursor, row.id, earlier.id);
    const changed = [];
    for await (const places of readChanges(this.#pool, row.id, earlier.id, { workspaceId, after, size: limit + 1 })) {
      changed.push(...places);
      if (changed.length > limit) break;
    }
    const shown = changed.slice(0, limit);
    const change = new Map(shown.map((place) => [place.ordinal, place.change]));
    const users = await this.#users(shown, []);
    const of = (which: Change['change']) =>
      users.filter(({ ordinal }) => change.get(ordinal) === which).map(({ userId }) => ({ userId }));
    const last = shown.at(-1);
    return {
      snapshot: formatId('snapshot', row.id),
      since: formatId('snapshot', earlier.id),
      entered: of('entered'),
      left: of('left'),
      nextCursor:
        changed.length > limit && last !== undefined ? encodeCursor('changes', row.id, earlier.id, last.ordinal) : null,
    };
  }

  async *streamChanges(workspaceId: number, id: string, since: string): AsyncGenerator<Change> {
    const [row, earlier] = await this.#pair(workspaceId, id, since);
    const reading = { workspaceId, after: FROM_THE_START, size: STREAM_USERS };
    for await (const places of readChanges(this.#pool, row.id, earlier.id, reading)) {
      this.#touch(row.id);
      this.#touch(earlier.id);
      const change = new Map(places.map((place) => [place.ordinal, place.change]));
      for (const { ordinal, userId } of await this.#users(places, []))
        yield { userId, change: change.get(ordinal) ?? 'entered' };
    }
  }

  async release(workspaceId: number, id: string): Promise<void> {
    const row = await this.#find(workspaceId, parseId('snapshot', id));
    await this.#pool.query('update snapshots set pinned = false where id = $1::bigint', [row.id]);
  }

  async #page(workspaceId: number, row: SnapshotRow, page: Page): Promise<MembersPage> {
    const limit = readMembersLimit(page);
    const after = page.cursor === undefined ? FROM_THE_START : readMembersCursor(page.cursor, row.id);
    const places: Place[] = [];
    for await (const batch of readMembers(this.#pool, row.id, { workspaceId, after, size: limit + 1 })) {
      places.push(...batch);
      if (places.length > limit) break;
    }
    const shown = places.slice(0, limit);
    const last = shown.at(-1);
    this.#touch(row.id);
    return {
      snapshot: formatId('snapshot', row.id),
      asOf: row.as_of.toISOString(),
      members: (await this.#users(shown, [])).map(({ userId }) => ({ userId })),
      nextCursor: places.length > limit && last !== undefined ? encodeCursor('members', row.id, last.ordinal) : null,
    };
  }

  async #users(places: readonly Place[], paths: readonly (readonly string[])[]): Promise<FoundUser[]> {
    if (places.length === 0) return [];
    const shards = places.map((place) => place.shard);
    const ordinals = places.map((place) => place.ordinal);
    const { rows } = await this.#pool.query<FoundUser>(USERS, [shards, ordinals, JSON.stringify(paths)]);
    return rows;
  }

  /** Keeps retention away from what is being read; at most once a minute in the database. */
  #touch(id: number): void {
    this.#pool
      .query(
        `update snapshots set read_at = now()
         where id = $1::bigint and (read_at is null or read_at < now() - interval '1 minute')`,
        [id],
      )
      .catch((error: Error) => this.#log.debug({ reason: error.message }, 'a reading could not be noted'));
  }

  async #find(workspaceId: number, id: number): Promise<SnapshotRow> {
    const { rows } = await this.#pool.query<SnapshotRow>(SELECT, [workspaceId, id, null, null, 1]);
    const row = rows[0];
    if (row === undefined) throw notFound(`the snapshot ${formatId('snapshot', id)}`);
    return row;
  }

  async #findLatest(workspaceId: number, key: string): Promise<SnapshotRow> {
    const { rows } = await this.#pool.query<SnapshotRow>(SELECT, [workspaceId, null, key, null, 1]);
    const row = rows[0];
    if (row !== undefined) return row;
    await this.#refuseUnknown(workspaceId, key);
    throw notFound(`a snapshot of the segment "${key}"`, {
      hint: `ask for one: POST /v1/segments/${key}/calculations`,
    });
  }

  async #refuseUnknown(workspaceId: number, key: string): Promise<void> {
    const { rows } = await this.#pool.query(
      'select from segments where workspace_id = $1::integer and key = $2::text',
      [workspaceId, key],
    );
    if (rows.length === 0) throw unknownSegment(key);
  }

  async #pair(workspaceId: number, id: string, since: string): Promise<[SnapshotRow, SnapshotRow]> {
    const row = await this.#find(workspaceId, parseId('snapshot', id));
    const earlier = await this.#find(workspaceId, parseId('snapshot', since));
    if (row.segment_key !== earlier.segment_key)
      throw invalid(`${id} is of the segment "${row.segment_key}", ${since} of "${earlier.segment_key}"`, {
        path: 'since',
        hint: 'compare two snapshots of one segment',
      });
    return [row, earlier];
  }
}

const readMembersLimit = (page: Page): number =>
  readInteger(page.limit ?? DEFAULT_MEMBERS_LIMIT, 'limit', { min: 1, max: MAX_MEMBERS_LIMIT });

const readMembersCursor = (cursor: string, snapshotId: number): number => {
  const [id, after = FROM_THE_START] = decodeIntegers('members', cursor, 2);
  if (id !== snapshotId) throw badCursor();
  return after;
};

const readChangesCursor = (cursor: string, snapshotId: number, sinceId: number): number => {
  const [id, since, after = FROM_THE_START] = decodeIntegers('changes', cursor, 3);
  if (id !== snapshotId || since !== sinceId) throw badCursor();
  return after;
};

/** `address.city` → `['address', 'city']`. */
const readPaths = (properties: readonly string[]): string[][] => {
  if (properties.length > MAX_MEMBER_PROPERTIES)
    throw invalid(`at most ${MAX_MEMBER_PROPERTIES} properties at once`, { path: 'properties' });
  return properties.map((property) => {
    const path = property.split('.');
    if (!isStorable(property) || path.includes(''))
      throw invalid(`"${property.slice(0, 64)}" is not the path of a property`, { path: 'properties' });
    return path;
  });
};

const named = (properties: readonly string[], values: readonly unknown[] | null): Record<string, unknown> => {
  const row: Record<string, unknown> = Object.create(null);
  properties.forEach((property, at) => {
    row[property] = values?.[at] ?? null;
  });
  return row;
};
