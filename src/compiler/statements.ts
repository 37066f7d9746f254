import { createHash } from 'node:crypto';
import { CHUNK_BITS } from '../index/layout.ts';
import { ZERO } from './bits.ts';
import type { Membership } from './compile.ts';
import { overlay, type Overlay } from './overlay.ts';
import { Parameters } from './parameters.ts';

/** The statements around a membership. Each filters by shard, and its text depends on the condition's shape alone. */

/** What a connection takes: the name makes it a prepared statement. */
export interface NamedStatement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

export type ShardRange = readonly [first: number, last: number];

/** The same text always gets the same name, so that a connection plans it once; names end at 63 bytes in PostgreSQL. */
export const named = (text: string, parameters: Parameters): NamedStatement => ({
  name: `evenkeel_${createHash('sha256').update(text).digest('hex').slice(0, 40)}`,
  text,
  values: parameters.values,
});

export const inShards = (parameters: Parameters, [first, last]: ShardRange): string =>
  `c.shard between ${parameters.add(first, 'bigint')} and ${parameters.add(last, 'bigint')}`;

export interface PreviewOptions {
  readonly shards: ShardRange;
  /** External ids to give, at most. */
  readonly sample: number;
  readonly overlay?: Overlay;
}

/**
 * Counts, and the first few members; nothing is stored. Gives {population, members, sample}. Without a sample the bitmaps are not
 * kept until all are known: `is_set` is counted over 1,000,000 users in 0.21 ms of processor time, and in 0.36 with one.
 */
export const previewStatement = (membership: Membership, options: PreviewOptions): NamedStatement => {
  const parameters = new Parameters(membership.values);
  if (options.sample === 0 && options.overlay === undefined)
    return named(
      `select coalesce(sum(m.population), 0)::integer as population, coalesce(sum(m.members), 0)::integer as members, '{}'::text[] as sample
from (
  select bit_count(c.users) as population, bit_count(${membership.text}) as members
  from chunks c
  where ${inShards(parameters, options.shards)}
) m`,
      parameters,
    );
  const over = options.overlay && overlay(parameters, membership, options.overlay, 'true');
  const members = over
    ? `select c.shard, c.chunk, bit_count(r.users) as population, r.bits
  from ${over.from}
  cross join lateral (${over.row} offset 0) r`
    : `select c.shard, c.chunk, bit_count(c.users) as population, ${membership.text} as bits
  from chunks c
  where ${inShards(parameters, options.shards)}`;
  const text = `with ${over ? `${over.marks}, ${over.touched}, ` : ''}m as materialized (
  ${members}
)
select coalesce(sum(m.population), 0)::integer as population, coalesce(sum(bit_count(m.bits)), 0)::integer as members,
  array(
    select (select u.external_id from users u where u.shard = m.shard and u.ordinal = m.chunk * ${CHUNK_BITS} + member.o)
    from m
    cross join lateral (select o from generate_series(0, ${CHUNK_BITS - 1}) o where get_bit(m.bits, o) = 1 offset 0) member
    where m.bits <> ${ZERO}
    limit ${parameters.add(options.sample, 'bigint')}
  ) as sample
from m`;
  return named(text, parameters);
};

/** Who a leaf holds for, a row a chunk, and how long that took, without the way here. Gives {shard, bits, took_ms}. */
export const leafStatement = (membership: Membership, shards: ShardRange): NamedStatement => {
  const parameters = new Parameters(membership.values);
  const text = `with m as materialized (
  select c.shard, ${membership.text} as bits
  from chunks c
  where ${inShards(parameters, shards)}
), done as materialized (
  select extract(epoch from clock_timestamp() - statement_timestamp())::float8 * 1000 as took_ms, count(*) from m
)
select m.shard, bit_send(m.bits) as bits, done.took_ms
from m cross join done`;
  return named(text, parameters);
};
