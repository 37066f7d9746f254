import type pg from 'pg';
import { numberOf, textHash } from '../../../src/index/codes.ts';
import type { ColumnType } from '../../../src/index/layout.ts';

/** Reads the index back into values, bit by bit. */

interface ColumnRow {
  readonly id: number;
  readonly path: string;
  readonly type: ColumnType;
  readonly scale: number;
  readonly unit_ms: number;
  readonly width: number;
  readonly has_negative: boolean;
  readonly overflowed: boolean;
}

const CHUNK_BITS = 32_000;

/** Of `bit_send(bits)`: four bytes of length come first. */
const bitsOf = (sent: Buffer): number[] => {
  const offsets: number[] = [];
  for (let byte = 4; byte < sent.length; byte++) {
    const value = sent[byte] ?? 0;
    for (let bit = 0; value !== 0 && bit < 8; bit++) if (value & (128 >> bit)) offsets.push((byte - 4) * 8 + bit);
  }
  return offsets;
};

const ordinalsOf = (row: { readonly shard: number; readonly bits: Buffer }): number[] =>
  bitsOf(row.bits).map((offset) => (row.shard % 1048576) * CHUNK_BITS + offset);

/** `path ordinal` → as `IndexWorld.expected`. Of texts that are hashed `hash …`; other columns that overflowed say nothing. */
export const decode = async (db: pg.Pool | pg.ClientBase, workspaceId: number): Promise<Map<string, string>> => {
  const facts = new Map<string, string[]>();
  const add = (path: string, ordinal: number, fact: string): void => {
    const key = `${path} ${ordinal}`;
    const known = facts.get(key);
    if (known) known.push(fact);
    else facts.set(key, [fact]);
  };
  const chunks = await db.query<{ shard: number; bits: Buffer }>(
    'select shard, bit_send(users) as bits from chunks where workspace_id = $1',
    [workspaceId],
  );
  for (const row of chunks.rows) for (const ordinal of ordinalsOf(row)) add('', ordinal, 'exists');
  const columns = await db.query<ColumnRow>(
    `select c.id, p.path, c.type, c.scale, c.unit_ms, c.width, c.has_negative, c.overflowed
     from columns c join properties p on p.id = c.property_id where c.workspace_id = $1`,
    [workspaceId],
  );
  for (const column of columns.rows) await decodeColumn(db, workspaceId, column, add);
  return new Map([...facts].map(([key, parts]) => [key, parts.sort().join('; ')]));
};

const isHashed = ({ type, overflowed, scale }: ColumnRow): boolean => type === 'text' && overflowed && scale === -1;

const decodeColumn = async (
  db: pg.Pool | pg.ClientBase,
  workspaceId: number,
  column: ColumnRow,
  add: (path: string, ordinal: number, fact: string) => void,
): Promise<void> => {
  const slices = await db.query<{ shard: number; slice: number; bits: Buffer }>(
    'select shard, slice, bit_send(bits) as bits from slices where shard / 1048576 = $1 and column_id = $2',
    [workspaceId, column.id],
  );
  if (column.overflowed && !isHashed(column) && slices.rows.length > 0)
    throw new Error('an overflowed column has slices');
  const dictionary = new Map(
    (
      await db.query<{ code: number; value: string }>('select code, value from dictionary where column_id = $1', [
        column.id,
      ])
    ).rows.map(({ code, value }) => [code, value]),
  );
  const valueOf = (code: number): string => {
    const value = dictionary.get(code);
    if (value === undefined) throw new Error(`code ${code} of ${column.path} is not in the dictionary`);
    return value;
  };
  const present = new Map<number, bigint>();
  const yearDays = new Map<number, number>();
  const negative = new Set<number>();
  for (const row of slices.rows) {
    const ordinals = ordinalsOf(row);
    if (ordinals.length === 0) throw new Error('an all-zero slice is stored');
    if (column.type === 'array') {
      for (const ordinal of ordinals) add(column.path, ordinal, `element ${valueOf(row.slice)}`);
      continue;
    }
    if (row.slice === -2 && !column.has_negative)
      throw new Error(`${column.path} has negative numbers unknown to its column`);
    if (row.slice < -2) {
      if (column.type !== 'date') throw new Error(`${column.path} has days of the year and no dates`);
      for (const ordinal of ordinals) yearDays.set(ordinal, (yearDays.get(ordinal) ?? 0) + 2 ** (-3 - row.slice));
      continue;
    }
    if (row.slice >= column.width) throw new Error(`${column.path} is wider than its column says`);
    for (const ordinal of ordinals)
      if (row.slice === -2) negative.add(ordinal);
      else
        present.set(ordinal, (present.get(ordinal) ?? 0n) + (row.slice === -1 ? 1n << 100n : 1n << BigInt(row.slice)));
  }
  for (const [ordinal, sum] of present) {
    if (sum < 1n << 100n) throw new Error(`${column.path} of ${ordinal} has a code and no presence`);
    const magnitude = sum - (1n << 100n);
    const code = negative.has(ordinal) && !isHashed(column) ? -magnitude : magnitude;
    const day = column.type === 'date' ? ` on day ${yearDays.get(ordinal) ?? 0}` : '';
    add(column.path, ordinal, factOf(column, code, valueOf) + day);
    yearDays.delete(ordinal);
  }
  for (const ordinal of yearDays.keys()) throw new Error(`${column.path} of ${ordinal} has a day and no date`);
  if (isHashed(column)) return checkTexts(db, workspaceId, column, present, negative);
  for (const ordinal of negative)
    if ((present.get(ordinal) ?? 0n) <= 1n << 100n)
      throw new Error(`${column.path} of ${ordinal} is negative without a magnitude`);
};

/** The texts of a hashed column have the hashes of their users, and who has none, or one that only the row has, has no text. */
const checkTexts = async (
  db: pg.Pool | pg.ClientBase,
  workspaceId: number,
  { id, path }: ColumnRow,
  present: ReadonlyMap<number, bigint>,
  inRows: ReadonlySet<number>,
): Promise<void> => {
  const { rows } = await db.query<{ shard: number; part: number; content: string }>(
    'select shard, part, content from texts where shard / 1048576 = $1 and column_id = $2',
    [workspaceId, id],
  );
  const texts = new Map<number, string>();
  for (const { shard, part, content } of rows) {
    const held = content.split('\u0001');
    if (held.length !== 65 || held[64] !== '') throw new Error(`part ${part} of ${path} has not 64 texts`);
    for (const [i, text] of held.slice(0, 64).entries())
      if (text !== '') texts.set((shard % 1048576) * CHUNK_BITS + part * 64 + i, text);
  }
  for (const ordinal of texts.keys())
    if (!present.has(ordinal)) throw new Error(`${path} of ${ordinal} has a text and no presence`);
  for (const [ordinal, sum] of present) {
    const text = texts.get(ordinal);
    if (inRows.has(ordinal)) {
      if (text !== undefined) throw new Error(`${path} of ${ordinal} stands in its row alone, and in the texts`);
    } else if (BigInt(textHash(text ?? '')) !== sum - (1n << 100n))
      throw new Error(`${path} of ${ordinal} has not the text ${JSON.stringify(text)}`);
  }
};

const factOf = (column: ColumnRow, code: bigint, valueOf: (code: number) => string): string => {
  switch (column.type) {
    case 'set':
      return 'set';
    case 'text':
      if (isHashed(column)) return `hash ${code}`;
      return `text ${JSON.stringify(valueOf(Number(code)))}`;
    case 'number':
      return `number ${numberOf(code, column.scale)}`;
    case 'date':
      return `date ${Number(code) * column.unit_ms}`;
    case 'boolean':
      return `boolean ${code === 1n}`;
    case 'array':
      throw new Error('arrays have no codes');
  }
};

const PERIODS = ['day', 'month', 'octad', 'part'];

/** `event ordinal period number` → count. */
export const decodeCounts = async (db: pg.Pool | pg.ClientBase, workspaceId: number): Promise<Map<string, number>> => {
  const { rows } = await db.query<{
    shard: number;
    name: string;
    period: number;
    number: number;
    slice: number;
    bits: Buffer;
  }>(
    `select s.shard, n.name, s.period, s.number, s.slice, bit_send(s.bits) as bits
     from event_slices s join event_names n on n.id = s.event_id where s.shard / 1048576 = $1`,
    [workspaceId],
  );
  const counts = new Map<string, number>();
  for (const row of rows) {
    const ordinals = ordinalsOf(row);
    if (ordinals.length === 0) throw new Error('an all-zero slice is stored');
    for (const ordinal of ordinals) {
      const key = `${row.name} ${ordinal} ${PERIODS[row.period]} ${row.number}`;
      counts.set(key, (counts.get(key) ?? 0) + (row.slice === -1 ? 1 : 2 ** row.slice));
    }
  }
  return counts;
};

/** `event chunk day` of the days whose parts are kept. */
export const partedDays = (counts: ReadonlyMap<string, number>): Set<string> => {
  const days = new Set<string>();
  for (const key of counts.keys()) {
    const [name, ordinal, period, number] = key.split(' ');
    if (period === 'part')
      days.add(`${name} ${Math.floor(Number(ordinal) / CHUNK_BITS)} ${Math.floor(Number(number) / 8)}`);
  }
  return days;
};
