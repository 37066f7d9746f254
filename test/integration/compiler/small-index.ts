import type { Catalogue, PropertyColumns } from '../../../src/compiler/catalogue.ts';
import { parseIsoDate } from '../../../src/conditions/dates.ts';
import { textMatchKey } from '../../../src/conditions/references.ts';
import type { ExpandedCondition, TextMatch } from '../../../src/conditions/types.ts';
import type { Queryable } from '../../../src/database/port.ts';
import { leavesOf } from '../../../src/conditions/leaves.ts';

/** An index written straight into the tables, by means of its own, so that the compiler is tested without the folder. */

const CHUNK = 32_000;
const DAY = 86_400_000;

export type Value = string | number | boolean | readonly (string | number | boolean)[] | undefined;

export interface SmallUser {
  readonly ordinal: number;
  readonly properties: Readonly<Record<string, Value>>;
  /** Epoch milliseconds of each event, by name. */
  readonly events: Readonly<Record<string, readonly number[]>>;
}

/** How the numbers of a property are coded; `rows`: its text and array columns have overflowed. */
export type Coding = Readonly<Record<string, { scale?: number; unitMs?: number; rows?: boolean }>>;

class Bitmaps {
  readonly byKey = new Map<string, Uint8Array>();
  set(shard: number, column: number, slice: number, offset: number): void {
    const key = `${shard}/${column}/${slice}`;
    let bits = this.byKey.get(key);
    if (!bits) this.byKey.set(key, (bits = new Uint8Array(CHUNK).fill(48)));
    bits[offset] = 49;
  }
}
const text = (bits: Uint8Array): string => Buffer.from(bits).toString('latin1');

const floatBits = (value: number): bigint => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0) & 0x7fff_ffff_ffff_ffffn;
};

export interface SmallIndex {
  readonly shards: readonly [number, number];
  catalogue(condition: ExpandedCondition): Catalogue;
}

export const writeSmallIndex = async (
  db: Queryable,
  workspaceId: number,
  users: readonly SmallUser[],
  coding: Coding,
): Promise<SmallIndex> => {
  const shardOf = (user: SmallUser): number => workspaceId * 2 ** 20 + Math.floor(user.ordinal / CHUNK);
  const slices = new Bitmaps();
  const chunks = new Bitmaps();
  const properties = new Map<string, Record<string, { id: number; width: number; hasNegative: boolean }>>();
  const codes = new Map<number, Map<string, number>>();
  const events = new Map<string, number>();
  let ids = 0;
  const column = (path: string, type: string) => {
    const columns = properties.get(path) ?? {};
    properties.set(path, columns);
    columns[type] ??= { id: ++ids, width: 0, hasNegative: false };
    return columns[type];
  };
  const codeOf = (id: number, value: string): number => {
    const known = codes.get(id) ?? new Map<string, number>();
    codes.set(id, known);
    if (!known.has(value)) known.set(value, known.size);
    return known.get(value) as number;
  };

  for (const user of users) {
    const shard = shardOf(user);
    const offset = user.ordinal % CHUNK;
    chunks.set(shard, 0, 0, offset);
    for (const [path, value] of Object.entries(user.properties)) {
      if (value === undefined) continue;
      const code = (type: string, magnitude: bigint, negative = false): void => {
        const into = column(path, type);
        slices.set(shard, into.id, -1, offset);
        if (negative && magnitude !== 0n) {
          into.hasNegative = true;
          slices.set(shard, into.id, -2, offset);
        }
        for (let bit = 0; magnitude >> BigInt(bit) > 0n; bit++) {
          if (!((magnitude >> BigInt(bit)) & 1n)) continue;
          into.width = Math.max(into.width, bit + 1);
          slices.set(shard, into.id, bit, offset);
        }
      };
      const { scale = 0, unitMs = 1, rows = false } = coding[path] ?? {};
      if (value !== '' && !(Array.isArray(value) && value.length === 0))
        slices.set(shard, column(path, 'set').id, -1, offset);
      if (typeof value === 'string') {
        const { id } = column(path, 'text');
        if (!rows) code('text', BigInt(codeOf(id, value)));
        const ms = parseIsoDate(value);
        if (ms !== undefined) {
          code('date', BigInt(Math.abs(ms) / unitMs), ms < 0);
          for (let bit = 0, day = dayOfLeapYear(ms); day >> bit > 0; bit++)
            if ((day >> bit) & 1) slices.set(shard, column(path, 'date').id, -3 - bit, offset);
        }
      } else if (typeof value === 'number') {
        const magnitude = scale < 0 ? floatBits(value) : BigInt(Math.round(Math.abs(value) * 10 ** scale));
        code('number', magnitude, value < 0);
      } else if (typeof value === 'boolean') {
        code('boolean', value ? 1n : 0n);
      } else {
        const { id } = column(path, 'array');
        if (!rows) for (const each of value) slices.set(shard, id, codeOf(id, JSON.stringify(each)), offset);
      }
    }
    await db.query('insert into users (shard, ordinal, external_id, properties) values ($1, $2, $3, $4)', [
      shard,
      user.ordinal,
      `u${user.ordinal}`,
      JSON.stringify(user.properties),
    ]);
  }
  for (const [key, bits] of chunks.byKey) {
    const shard = Number(key.split('/')[0]);
    await db.query('insert into chunks (shard, workspace_id, chunk, users) values ($1, $2, $3, $4)', [
      shard,
      workspaceId,
      shard % 2 ** 20,
      text(bits),
    ]);
  }
  for (const [key, bits] of slices.byKey)
    await db.query('insert into slices (shard, column_id, slice, bits) values ($1, $2, $3, $4)', [
      ...key.split('/'),
      text(bits),
    ]);
  await writeEvents(db, users, shardOf, events);

  return {
    shards: [workspaceId * 2 ** 20, (workspaceId + 1) * 2 ** 20 - 1],
    catalogue: (condition) => {
      const textMatches = new Map<string, number[]>();
      for (const leaf of leavesOf(condition)) {
        if (leaf.type !== 'property' || !('ignoreCase' in leaf) || coding[leaf.property]?.rows) continue;
        const known = codes.get(properties.get(leaf.property)?.['text']?.id ?? -1) ?? new Map<string, number>();
        textMatches.set(
          textMatchKey(leaf),
          [...known].filter(([value]) => matchesText(leaf, value)).map(([, code]) => code),
        );
      }
      return {
        shards: [workspaceId * 2 ** 20, (workspaceId + 1) * 2 ** 20 - 1],
        properties: new Map(
          [...properties].map(([path, columns]) => {
            const { scale = 0, unitMs = 1, rows = false } = coding[path] ?? {};
            const known = Object.entries(columns).map(([type, each]) => [
              type,
              {
                ...each,
                scale: type === 'number' ? scale : 0,
                unitMs,
                overflowed: rows && (type === 'text' || type === 'array'),
              },
            ]);
            return [path, Object.fromEntries(known) as PropertyColumns];
          }),
        ),
        codes,
        textMatches,
        events,
      };
    },
  };
};

/** Days since 1 January, in a year that has a 29 February. */
const dayOfLeapYear = (ms: number): number => {
  const date = new Date(ms);
  return (Date.UTC(2000, date.getUTCMonth(), date.getUTCDate()) - Date.UTC(2000, 0, 1)) / 86_400_000;
};

export const matchesText = (leaf: TextMatch, value: string): boolean => {
  if (leaf.operator === 'matches') return new RegExp(leaf.value, leaf.ignoreCase ? 'iu' : 'u').test(value);
  const [held, part] = leaf.ignoreCase ? [value.toLowerCase(), leaf.value.toLowerCase()] : [value, leaf.value];
  if (leaf.operator === 'starts_with') return held.startsWith(part);
  if (leaf.operator === 'ends_with') return held.endsWith(part);
  return held.includes(part);
};

const writeEvents = async (
  db: Queryable,
  users: readonly SmallUser[],
  shardOf: (user: SmallUser) => number,
  ids: Map<string, number>,
): Promise<void> => {
  const counts = new Map<string, number>();
  for (const user of users)
    for (const [name, times] of Object.entries(user.events))
      for (const at of times) {
        if (!ids.has(name)) ids.set(name, ids.size + 1);
        const id = ids.get(name) as number;
        const date = new Date(at);
        const month = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
        const octad = month * 4 + Math.min(Math.floor((date.getUTCDate() - 1) / 8), 3);
        const periods = [`0/${Math.floor(at / DAY)}`, `1/${month}`, `2/${octad}`];
        // parts are kept of some days only, and then all of them
        if (Math.floor(at / DAY) % 2 === 0) periods.push(`3/${Math.floor(at / (DAY / 8))}`);
        for (const period of periods) {
          const key = `${shardOf(user)}/${id}/${period}/${user.ordinal % CHUNK}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
        await db.query(
          'insert into events (shard, ordinal, event_id, occurred_at, properties) values ($1, $2, $3, $4, $5)',
          [shardOf(user), user.ordinal, id, date, {}],
        );
      }
  const bitmaps = new Map<string, Uint8Array>();
  for (const [key, count] of counts) {
    const [shard, id, period, number, offset] = key.split('/');
    for (let slice = -1; slice < 31; slice++) {
      if (slice >= 0 && !(((count - 1) >> slice) & 1)) continue;
      const place = `${shard}/${id}/${period}/${number}/${slice}`;
      let bits = bitmaps.get(place);
      if (!bits) bitmaps.set(place, (bits = new Uint8Array(CHUNK).fill(48)));
      bits[Number(offset)] = 49;
    }
  }
  for (const [key, bits] of bitmaps)
    await db.query(
      'insert into event_slices (shard, event_id, period, number, slice, bits) values ($1, $2, $3, $4, $5, $6)',
      [...key.split('/'), text(bits)],
    );
};
