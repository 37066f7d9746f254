import type pg from 'pg';
import { parseIsoDate } from '../../../src/conditions/dates.ts';
import { transaction } from '../../../src/database/transaction.ts';
import { ensureEvents, ensureProperties } from '../../../src/index/catalogue.ts';
import { CHUNK_BITS, DAY_MS, shardOf } from '../../../src/index/layout.ts';
import { notePending } from '../../../src/index/pending.ts';
import { createWorkspace } from '../../support/workspace.ts';

/** A workspace written to as the ingest room does it, and what its rows say, by code that shares nothing with src/index. */

export type Properties = { readonly [key: string]: unknown };

/** Every member at every level: `address` and `address.city`. */
export const pathsOf = (properties: Properties, prefix = ''): string[] =>
  Object.entries(properties).flatMap(([key, value]) => [
    prefix + key,
    ...(typeof value === 'object' && value !== null && !Array.isArray(value)
      ? pathsOf(value as Properties, `${prefix}${key}.`)
      : []),
  ]);

export interface EventRow {
  readonly name: string;
  readonly ms: number;
}

export class IndexWorld {
  readonly pool: pg.Pool;
  readonly workspaceId: number;

  constructor(pool: pg.Pool, workspaceId: number) {
    this.pool = pool;
    this.workspaceId = workspaceId;
  }

  static async open(pool: pg.Pool, name: string): Promise<IndexWorld> {
    return new IndexWorld(pool, await createWorkspace(pool, name));
  }

  /** Replaces a user's properties; null erases the row, leaving the marks. */
  async write(ordinal: number, properties: Properties | null, everyUser = false): Promise<void> {
    const shard = shardOf(this.workspaceId, ordinal);
    const before = await this.pool.query<{ properties: Properties }>(
      'select properties from users where shard = $1 and ordinal = $2',
      [shard, ordinal],
    );
    const paths = new Set(['', ...pathsOf(properties ?? {}), ...pathsOf(before.rows[0]?.properties ?? {})]);
    const ids = await ensureProperties(this.pool, this.workspaceId, paths);
    await transaction(this.pool, async (client) => {
      await client.query('update workspaces set next_ordinal = greatest(next_ordinal, $2) where id = $1', [
        this.workspaceId,
        ordinal + 1,
      ]);
      if (properties === null)
        await client.query('delete from users where shard = $1 and ordinal = $2', [shard, ordinal]);
      else
        await client.query(
          `insert into users (shard, ordinal, external_id, properties) values ($1, $2, $3, $4::jsonb)
           on conflict (shard, ordinal) do update set properties = excluded.properties`,
          [shard, ordinal, `u${ordinal}`, JSON.stringify(properties)],
        );
      await notePending(client, {
        properties: [...ids.values()].map((propertyId) => ({ shard, propertyId, ordinal: everyUser ? -1 : ordinal })),
      });
    });
  }

  async track(ordinal: number, events: readonly EventRow[]): Promise<void> {
    const shard = shardOf(this.workspaceId, ordinal);
    const ids = await ensureEvents(this.pool, this.workspaceId, new Set(events.map(({ name }) => name)));
    await transaction(this.pool, async (client) => {
      await client.query(
        `insert into events (shard, ordinal, event_id, occurred_at, properties)
         select $1, $2, e, to_timestamp(ms / 1000.0), '{}' from unnest($3::int[], $4::float8[]) as t (e, ms)`,
        [shard, ordinal, events.map(({ name }) => ids.get(name)), events.map(({ ms }) => ms)],
      );
      await notePending(client, {
        events: events.map(({ name, ms }) => ({
          shard,
          eventId: ids.get(name) as number,
          day: Math.floor(ms / DAY_MS),
          ordinal,
        })),
      });
    });
  }

  /** `path ordinal` → what the index should know of it. */
  async expected(): Promise<Map<string, string>> {
    const facts = new Map<string, string>();
    const { rows } = await this.pool.query<{ ordinal: number; properties: Properties }>(
      'select ordinal, properties from users where shard / 1048576 = $1',
      [this.workspaceId],
    );
    for (const { ordinal, properties } of rows) {
      facts.set(` ${ordinal}`, 'exists');
      for (const path of pathsOf(properties)) {
        const value = path.split('.').reduce((at: unknown, key) => (at as Properties)[key], properties as unknown);
        const fact = factOf(value);
        if (fact !== undefined) facts.set(`${path} ${ordinal}`, fact);
      }
    }
    return facts;
  }

  /** `event ordinal period number` → count; parts of a day where the index keeps them of that day and chunk. */
  async expectedCounts(parted: ReadonlySet<string>): Promise<Map<string, number>> {
    const { rows } = await this.pool.query<{ name: string; ordinal: number; at: Date }>(
      `select n.name, e.ordinal, e.occurred_at as at from events e join event_names n on n.id = e.event_id
       where e.shard / 1048576 = $1`,
      [this.workspaceId],
    );
    const counts = new Map<string, number>();
    for (const { name, ordinal, at } of rows) {
      const day = Math.floor(at.getTime() / DAY_MS);
      const month = (at.getUTCFullYear() - 1970) * 12 + at.getUTCMonth();
      const octad = month * 4 + Math.min(Math.floor((at.getUTCDate() - 1) / 8), 3);
      const periods = [`day ${day}`, `month ${month}`, `octad ${octad}`];
      if (parted.has(`${name} ${Math.floor(ordinal / CHUNK_BITS)} ${day}`))
        periods.push(`part ${day * 8 + Math.floor(at.getUTCHours() / 3)}`);
      for (const period of periods) {
        const key = `${name} ${ordinal} ${period}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    return counts;
  }
}

/** Days since 1 January, in a year that has a 29 February. */
const dayOfLeapYear = (ms: number): number => {
  const date = new Date(ms);
  return (Date.UTC(2000, date.getUTCMonth(), date.getUTCDate()) - Date.UTC(2000, 0, 1)) / DAY_MS;
};

const factOf = (value: unknown): string | undefined => {
  const set = !(value === null || value === '' || (Array.isArray(value) && value.length === 0));
  const parts = set ? ['set'] : [];
  if (typeof value === 'string') {
    parts.push(`text ${JSON.stringify(value)}`);
    const ms = parseIsoDate(value);
    if (ms !== undefined) parts.push(`date ${ms} on day ${dayOfLeapYear(ms)}`);
  }
  if (typeof value === 'number') parts.push(`number ${value + 0}`);
  if (typeof value === 'boolean') parts.push(`boolean ${value}`);
  if (Array.isArray(value))
    for (const element of new Set(value))
      if (element !== null && typeof element !== 'object') parts.push(`element ${JSON.stringify(element)}`);
  return parts.length === 0 ? undefined : [...new Set(parts)].sort().join('; ');
};

export const chunkSize = CHUNK_BITS;
