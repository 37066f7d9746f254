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
 * Calculates and stores in one statement. `counted` reads all of `m` before `stored` writes its first row, so that its clock
 * separates the two. Of users who left, those erased since are not counted; a chunk that is as it was compares by memcmp.
 */
export const calculationStatement = (membership: Membership, options: CalculationOptions): NamedStatement => {
  const parameters = new Parameters(membership.values);
  const shards = inShards(parameters, options.shards);
  const previous = parameters.add(options.previousId, 'bigint');
  const snapshot = parameters.add(options.snapshotId, 'bigint');
  const text = `with m as materialized (
  select c.shard, bit_count(c.users) as population, c.users, ${membership.text} as bits
  from chunks c
  where ${shards}
), compared as materialized (
  select m.shard, m.population, m.bits, bit_count(m.bits) as members,
    case when p.bits is null then 0 when p.bits = m.bits then bit_count(m.bits) else bit_count(m.bits & p.bits) end as stayed,
    case when p.bits is null then 0 when p.bits = m.bits then bit_count(m.bits) else bit_count(m.users & p.bits) end as before
  from m left join snapshot_chunks p on p.shard = m.shard and p.snapshot_id = ${previous}
), counted as materialized (
  select coalesce(sum(population), 0)::integer as population, coalesce(sum(members), 0)::integer as members,
    coalesce(sum(members - stayed), 0)::integer as entered, coalesce(sum(before - stayed), 0)::integer as "left",
    clock_timestamp() as queried_at
  from compared
), stored as (
  insert into snapshot_chunks (shard, snapshot_id, bits)
  select m.shard, ${snapshot}, m.bits
  from counted cross join compared m
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
    select u.external_id
    from m
    cross join lateral (
      select o from generate_series(0, ${CHUNK_BITS - 1}) o where m.bits <> ${ZERO} and get_bit(m.bits, o) = 1
    ) member
    cross join lateral (
      select u.external_id from users u where u.shard = m.shard and u.ordinal = m.chunk * ${CHUNK_BITS} + member.o
    ) u
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
