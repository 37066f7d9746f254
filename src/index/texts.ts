import { bigints, integers, texts as textArray } from '../database/arrays.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { MAX_HELD_TEXT, TEXT_END, TEXTS_A_PART } from './layout.ts';

/** The texts of hashed columns beside their hashes (migrations/0015_texts.sql), for `contains` and its like. Decision 0041. */

const READ = { name: 'index-read-texts', text: sql('index-read-texts') };
const WRITE = { name: 'index-write-texts', text: sql('index-write-texts') };
const CLEAR = sql('index-clear-texts');

/** Characters a statement: what PostgreSQL and node-postgres hold at once. */
const MAX_STATEMENT_LENGTH = 4 * 1024 * 1024;
/** Parts a statement: what is read of them is as long as what is written. */
const MAX_PARTS = 2_000;
const BYTES_A_PART = TEXTS_A_PART / 8;

/** Whether `texts` has it; otherwise the row alone. */
export const isHeldText = (text: string): boolean => text.length <= MAX_HELD_TEXT && !text.includes(TEXT_END);

/** Texts of users at some offsets of a chunk, in parallel lists. */
export interface TextsAt {
  readonly offsets: ArrayLike<number>;
  readonly texts: readonly string[];
}

interface Part {
  readonly shard: number;
  readonly columnId: number;
  readonly part: number;
  /** For each place the text that it has now; undefined: as it was. */
  readonly fresh: (string | undefined)[];
}

const isWhole = ({ fresh }: Part): boolean => !fresh.includes(undefined);

const keysOf = (parts: readonly Part[]): Buffer[] => [
  bigints(parts.map(({ shard }) => shard)),
  integers(parts.map(({ columnId }) => columnId)),
  integers(parts.map(({ part }) => part)),
];

/** By part; those who are touched and have none get an empty one. */
const partsOf = ({ offsets, texts }: TextsAt, touched: Uint8Array | undefined): Map<number, (string | undefined)[]> => {
  const parts = new Map<number, (string | undefined)[]>();
  const partOf = (part: number): (string | undefined)[] => {
    let places = parts.get(part);
    if (places === undefined)
      parts.set(part, (places = Array.from({ length: TEXTS_A_PART }, () => (touched ? undefined : ''))));
    return places;
  };
  if (touched)
    for (let byte = 0; byte < touched.length; byte++) {
      const bits = touched[byte] as number;
      if (bits === 0) continue;
      const places = partOf(Math.floor(byte / BYTES_A_PART));
      const first = (byte % BYTES_A_PART) * 8;
      for (let bit = 0; bit < 8; bit++) if (bits & (0x80 >> bit)) places[first + bit] = '';
    }
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i] as number;
    partOf(Math.floor(offset / TEXTS_A_PART))[offset % TEXTS_A_PART] = texts[i] as string;
  }
  return parts;
};

/** Collects what has changed and writes it many parts at a time, of however many shards. */
export class TextWriter {
  readonly #db: Queryable;
  /** By shard and column, each once: what one statement writes no other reads before. */
  #added = new Set<string>();
  #cleared: { readonly shard: number; readonly columnId: number }[] = [];
  #parts: Part[] = [];
  #length = 0;

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** `held` are those of touched users; undefined touches everybody. */
  async add(shard: number, columnId: number, held: TextsAt, touched: Uint8Array | undefined): Promise<void> {
    const key = `${shard},${columnId}`;
    if (this.#added.has(key)) await this.flush();
    this.#added.add(key);
    if (touched === undefined) this.#cleared.push({ shard, columnId });
    for (const [part, fresh] of partsOf(held, touched)) this.#parts.push({ shard, columnId, part, fresh });
    for (const text of held.texts) this.#length += text.length;
    if (this.#length > MAX_STATEMENT_LENGTH) await this.flush();
  }

  async flush(): Promise<void> {
    const [cleared, parts] = [this.#cleared, this.#parts];
    this.#added = new Set();
    this.#cleared = [];
    this.#parts = [];
    this.#length = 0;
    if (cleared.length > 0)
      await this.#db.query(CLEAR, [cleared.map(({ shard }) => shard), cleared.map(({ columnId }) => columnId)]);
    for (let at = 0; at < parts.length; at += MAX_PARTS) await this.#write(parts.slice(at, at + MAX_PARTS));
  }

  async #write(parts: readonly Part[]): Promise<void> {
    const before = await this.#read(parts.filter((part) => !isWhole(part)));
    const written: (Part & { readonly content: string })[] = [];
    for (const part of parts) {
      const content = merge(part.fresh, before.get(part));
      if (content !== before.get(part)) written.push({ ...part, content });
    }
    if (written.length === 0) return;
    await this.#db.query({
      ...WRITE,
      values: [...keysOf(written), textArray(written.map(({ content }) => content))],
    });
  }

  async #read(parts: readonly Part[]): Promise<Map<Part, string>> {
    if (parts.length === 0) return new Map();
    const { rows } = await this.#db.query<{ n: number; content: string }>({
      ...READ,
      values: keysOf(parts),
    });
    return new Map(rows.map(({ n, content }) => [parts[n - 1] as Part, content]));
  }
}

const merge = (fresh: readonly (string | undefined)[], before: string | undefined): string => {
  const held = before?.split(TEXT_END) ?? [];
  return fresh.map((text, i) => text ?? held[i] ?? '').join(TEXT_END) + TEXT_END;
};
