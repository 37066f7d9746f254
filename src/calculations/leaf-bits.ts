import type pg from 'pg';
import type { Catalogue } from '../compiler/catalogue.ts';
import { compile } from '../compiler/compile.ts';
import { expectedMs } from '../compiler/cost.ts';
import type { SourceName } from '../compiler/slices.ts';
import { leafStatement } from '../compiler/statements.ts';
import type { ConditionKind, Leaf } from '../conditions/types.ts';
import { parseSentBits } from '../index/bitmap.ts';
import { CHUNK_BYTES } from '../index/layout.ts';
import { asQuery } from './fresh.ts';
import type { WorkspaceBits } from './workspace-bits.ts';

/** Where a leaf was read from. */
export const SERVED_BY = ['slices', 'dictionary', 'kept', 'texts', 'rows', 'digests', 'nothing'] as const;
export type ServedBy = (typeof SERVED_BY)[number];

/** Who exists. */
export interface Everybody {
  readonly bits: WorkspaceBits;
  /** Where each shard's bitmap lies in `bits`. */
  readonly places: ReadonlyMap<number, number>;
}

export const readEverybody = async (client: pg.ClientBase, shards: Catalogue['shards']): Promise<Everybody> => {
  const { rows } = await client.query<SentBits>(
    'select shard, bit_send(users) as bits from chunks where shard between $1::bigint and $2::bigint order by shard',
    [...shards],
  );
  const places = new Map(rows.map(({ shard }, i) => [shard, i * CHUNK_BYTES]));
  return { places, bits: gather(rows, places) };
};

interface SentBits {
  readonly shard: number;
  readonly bits: Buffer;
}

const gather = (rows: readonly SentBits[], places: ReadonlyMap<number, number>): WorkspaceBits => {
  const bits = new Uint8Array(places.size * CHUNK_BYTES);
  for (const row of rows) {
    const place = places.get(row.shard);
    if (place === undefined) throw new Error(`the shard ${row.shard} was not there before`);
    bits.set(parseSentBits(row.bits), place);
  }
  return bits;
};

export interface LeafBits {
  readonly bits: WorkspaceBits;
  readonly kind: ConditionKind;
  readonly servedBy: ServedBy;
  /** What PostgreSQL took to evaluate it, without sending the bitmaps. */
  readonly durationMs: number;
  /** What its cost makes one expect. */
  readonly expectedMs: number;
}

/** Evaluates one leaf by itself over all users. */
export const readLeaf = async (
  client: pg.ClientBase,
  leaf: Leaf,
  { catalogue, asOf }: { readonly catalogue: Catalogue; readonly asOf: number },
  { places }: Everybody,
): Promise<LeafBits> => {
  const membership = compile(leaf, catalogue, asOf);
  const statement = leafStatement(membership, catalogue.shards);
  const { rows } = await client.query<SentBits & { took_ms: number }>(asQuery(statement));
  const compiled = membership.leaves[0];
  if (compiled === undefined) throw new Error('a leaf was compiled to nothing');
  return {
    bits: gather(rows, places),
    kind: compiled.kind,
    servedBy: servedBy(leaf, compiled.source),
    durationMs: rows[0]?.took_ms ?? 0,
    expectedMs: expectedMs(membership.cost, places.size),
  };
};

/** Texts and elements of arrays are found by their codes in the dictionary, everything else in bitmaps by its own value. */
const servedBy = (leaf: Leaf, source: SourceName): ServedBy => {
  if (source === 'users') return 'rows';
  if (source !== 'bitmaps') return source === 'events' ? 'slices' : source;
  if (leaf.type !== 'property' || !('value' in leaf)) return 'slices';
  const values: unknown[] = Array.isArray(leaf.value) ? leaf.value : [leaf.value];
  return values.some((value) => typeof value === 'string') ? 'dictionary' : 'slices';
};
