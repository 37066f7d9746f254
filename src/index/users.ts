import type pg from 'pg';
import { setBit } from './bitmap.ts';
import type { Column, Columns } from './columns.ts';
import type { Dictionary } from './dictionary.ts';
import type { Facts } from './facts.ts';
import type { HeldTexts } from './held.ts';
import { CHUNK_BITS, offsetOf, ordinalAt } from './layout.ts';
import { eachRow, type Row } from './stream.ts';
import { valueAt } from './values.ts';

/** Rows a page at first and at most. A page is what has to be in memory as text at once. */
const FIRST_PAGE_ROWS = 500;
const MAX_PAGE_ROWS = 8_000;
/** A page ends after the row that exceeds this; one user has at most 256 KiB. */
const MAX_PAGE_BYTES = 8 * 1024 * 1024;
/** With more different top-level keys than this, whole documents are read: see docs/decisions/0003. */
const MAX_KEYS_PICKED = 3;
/** What the values of one pass may weigh: about 24 bytes each. */
const MAX_WEIGHT = 3_000_000;

/** Which users of a chunk: undefined for every one, else ordinals ascending. */
export type Ordinals = readonly number[] | undefined;

interface Page {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Adds what a row holds to the facts that concern its user. */
  readonly add: (offset: number, row: Row) => void;
}

const pageOf = (active: readonly Facts[], ordinals: Ordinals): Page => {
  const keys = [...new Set(active.map((facts) => facts.path[0] as string))];
  const among = ordinals === undefined ? '' : 'and ordinal = any($4::integer[])';
  const from = `from users where shard = $1::bigint and ordinal > $2::integer ${among} order by ordinal limit $3::integer`;
  const values = ordinals === undefined ? [] : [ordinals];
  if (keys.length > MAX_KEYS_PICKED) {
    const add = (offset: number, row: Row): void => {
      const properties: unknown = JSON.parse(row[1] as string);
      for (const facts of active) if (facts.concerns(offset)) facts.add(offset, valueAt(properties, facts.path));
    };
    return { text: `select ordinal, properties::text ${from}`, values, add };
  }
  const first = 4 + values.length;
  const picked = keys.map((_, index) => `, (properties -> $${first + index}::text)::text`).join('');
  const members = keys.map((key) =>
    active.filter(({ path }) => path[0] === key).map((facts) => ({ facts, path: facts.path.slice(1) })),
  );
  const add = (offset: number, row: Row): void => {
    for (const [index, each] of members.entries()) {
      const text = row[1 + index] as string | null;
      if (text === null) continue;
      const value: unknown = JSON.parse(text);
      for (const { facts, path } of each) if (facts.concerns(offset)) facts.add(offset, valueAt(value, path));
    }
  };
  return { text: `select ordinal${picked} ${from}`, values: [...values, ...keys], add };
};

/** Gives what the facts have gathered its codes. */
export const encodePage = async (active: readonly Facts[], columns: Columns, dictionary: Dictionary): Promise<void> => {
  await columns.ensure(
    active.flatMap((facts) => facts.types().map((type) => ({ propertyId: facts.propertyId, type }))),
  );
  const values = new Map<Column, HeldTexts>();
  for (const facts of active) facts.collect(columns, values);
  await dictionary.resolve(values);
  for (const facts of active) facts.encode(columns, dictionary);
  dictionary.endPage();
};

/**
 * Reads users of a chunk by pages and adds what they have to the facts. Where the facts become too heavy, the last of `active`
 * is taken out and given up: the caller comes back for it in another pass.
 *
 * @param exists gets the bit of each user who is there
 */
export const readUsers = async (
  client: pg.ClientBase,
  shard: number,
  ordinals: Ordinals,
  active: Facts[],
  exists: Buffer,
  columns: Columns,
  dictionary: Dictionary,
): Promise<void> => {
  let last = ordinalAt(shard, 0) - 1;
  let limit = FIRST_PAGE_ROWS;
  let page = pageOf(active, ordinals);
  for (;;) {
    let rows = 0;
    let bytes = 0;
    const bound = limit;
    await eachRow(client, page.text, [shard, last, bound, ...page.values], (row) => {
      // A page of unexpectedly large rows: the rest is read again, with the next.
      if (bytes > MAX_PAGE_BYTES) return;
      rows++;
      last = row[0] as number;
      for (let i = 1; i < row.length; i++) bytes += (row[i] as string | null)?.length ?? 0;
      const offset = offsetOf(last);
      setBit(exists, offset);
      page.add(offset, row);
    });
    await encodePage(active, columns, dictionary);
    if (rows < bound && bytes <= MAX_PAGE_BYTES) return;
    limit =
      bytes > MAX_PAGE_BYTES ? Math.max(1, Math.floor(rows * 0.9)) : Math.min(bound * 2, MAX_PAGE_ROWS, CHUNK_BITS);
    let weight = active.reduce((sum, facts) => sum + facts.weight, 0);
    while (weight > MAX_WEIGHT && active.length > 1) weight -= (active.pop() as Facts).weight;
    page = pageOf(active, ordinals);
  }
};
