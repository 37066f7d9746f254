import { createHash } from 'node:crypto';
import { CHUNK_BITS } from '../index/layout.ts';
import { ZERO } from './bits.ts';
import type { Membership } from './compile.ts';
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
const named = (text: string, parameters: Parameters): NamedStatement => ({
  name: `evenkeel_${createHash('sha256').update(text).digest('hex').slice(0, 40)}`,
  text,
  values: parameters.values,
});

const inShards = (parameters: Parameters, [first, last]: ShardRange): string =>
  `c.shard between ${parameters.add(first, 'bigint')} and ${parameters.add(last, 'bigint')}`;

export interface CalculationOptions {
  /** Both inside. */
  readonly shards: ShardRange;
  /** Under which the membership is stored. */
  readonly snapshotId: number;
  /** With which it is compared; null: everybody entered. */
  readonly previousId: number | null;
}

/** What `calculationStatement` gives, in one row. */
export interface CalculationRow {
  readonly population: number;
  readonly members: number;
  readonly entered: number;
  readonly left: number;
  /** When the membership was known, and storing it began. */
  readonly queried_at: Date;
  /** From the statement's start until then. */
  readonly query_ms: number;
}

/**
 * Calculates and stores in one statement. `counted` reads all of `calculated` before `stored` writes its first row, so that its
 * clock separates the two. Of users who left, those erased since are not counted; a chunk that is as it was compares by memcmp.
 *
 * The snapshot before is a subquery and no join: a join was once planned, over a table that was empty still, so that each chunk
 * read the whole snapshot. A correlated subquery has both columns of the key.
 */
export const calculationStatement = (membership: Membership, options: CalculationOptions): NamedStatement => {
  const parameters = new Parameters(membership.values);
  const shards = inShards(parameters, options.shards);
  const previous = parameters.add(options.previousId, 'bigint');
  const snapshot = parameters.add(options.snapshotId, 'bigint');
  const text = `with calculated as materialized (
  select c.shard, r.bits, bit_count(c.users) as population, bit_count(r.bits) as members,
    case when r.previous is null then 0 when r.previous = r.bits then bit_count(r.bits)
      else bit_count(r.bits & r.previous) end as stayed,
    case when r.previous is null then 0 when r.previous = r.bits then bit_count(r.bits)
      else bit_count(c.users & r.previous) end as before
  from chunks c
  cross join lateral (
    select ${membership.text} as bits,
      (select p.bits from snapshot_chunks p where p.shard = c.shard and p.snapshot_id = ${previous}) as previous
    offset 0
  ) r
  where ${shards}
), counted as materialized (
  select coalesce(sum(population), 0)::integer as population, coalesce(sum(members), 0)::integer as members,
    coalesce(sum(members - stayed), 0)::integer as entered, coalesce(sum(before - stayed), 0)::integer as "left",
    clock_timestamp() as queried_at
  from calculated
), stored as (
  insert into snapshot_chunks (shard, snapshot_id, bits)
  select m.shard, ${snapshot}, m.bits
  from counted cross join calculated m
  where m.members > 0
  returning 1
)
select population, members, entered, "left", queried_at,
  extract(epoch from queried_at - statement_timestamp())::float8 * 1000 as query_ms
from counted`;
  return named(text, parameters);
};

export interface PreviewOptions {
  readonly shards: ShardRange;
  /** External ids to give, at most. */
  readonly sample: number;
}

/** Counts, and the first few members; nothing is stored. Gives {population, members, sample}. */
export const previewStatement = (membership: Membership, options: PreviewOptions): NamedStatement => {
  const parameters = new Parameters(membership.values);
  const shards = inShards(parameters, options.shards);
  const text = `with m as materialized (
  select c.shard, c.chunk, bit_count(c.users) as population, ${membership.text} as bits
  from chunks c
  where ${shards}
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

/** Whether the user at an offset of a shard is in. Gives {member}, or no row where the shard has no users. */
export const memberStatement = (membership: Membership, shard: number, offset: number): NamedStatement => {
  const parameters = new Parameters(membership.values);
  const member = `get_bit(${membership.text}, ${parameters.add(offset, 'int')}) = 1 as member`;
  return named(`select ${member} from chunks c where c.shard = ${parameters.add(shard, 'bigint')}`, parameters);
};
