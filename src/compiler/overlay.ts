import type { ExpandedCondition } from '../conditions/types.ts';
import { CHUNK_BITS, MAX_OVERLAY_MARKS } from '../index/layout.ts';
import { ZERO } from './bits.ts';
import type { Membership } from './compile.ts';
import type { Parameters } from './parameters.ts';
import { rowCondition } from './row-condition.ts';

/**
 * Changes that the bitmaps lack, corrected in the statement that reads them: the condition is evaluated on the rows of the users who
 * are noted as changed, and takes the place of their bits. Decision 0015.
 */

/** What decides whose bits cannot be trusted, and what is true of them instead. */
export interface Overlay {
  readonly condition: ExpandedCondition;
  /** Epoch milliseconds: the membership's. */
  readonly asOf: number;
  /** By name, as in the catalogue. */
  readonly events: ReadonlyMap<string, number>;
  /** Whose pending changes matter. */
  readonly propertyIds: readonly number[];
  readonly eventIds: readonly number[];
  /** Only these shards; both inside. */
  readonly shards: readonly [first: number, last: number];
}

export interface Overlaid {
  /** `marks` (shard, ordinal): what is pending, MAX_OVERLAY_MARKS + 1 rows at most. */
  readonly marks: string;
  /** SQL of type boolean: there are too many marks, or one for every user of a shard. */
  readonly crowded: string;
  /** `touched`: of each shard with marks the bitmaps of the users marked, of those who exist, and of those who are members. */
  readonly touched: string;
  /** The driver `c`: chunks with what is `touched` of them, or null; and shards of new users only. Grouped, as a join was looped over. */
  readonly from: string;
  /** A select of `users`, who exists, and `bits`, who is a member, of the driver's shard. */
  readonly row: string;
}

/** @param when SQL of type boolean: whether anybody is to be looked at */
export const overlay = (parameters: Parameters, membership: Membership, on: Overlay, when: string): Overlaid => {
  const first = parameters.add(on.shards[0], 'bigint');
  const last = parameters.add(on.shards[1], 'bigint');
  const limit = parameters.add(MAX_OVERLAY_MARKS, 'bigint');
  const pending = (table: string, id: string, ids: readonly number[]): string =>
    `(select shard, ordinal from ${table} where ${id} = any(${parameters.add(ids, 'int[]')})
    and shard between ${first} and ${last} limit ${limit} + 1)`;
  const sources = [
    pending('pending_properties', 'property_id', on.propertyIds),
    ...(on.eventIds.length === 0 ? [] : [pending('pending_events', 'event_id', on.eventIds)]),
  ];
  const holds = rowCondition({ asOf: on.asOf, parameters, events: on.events }, on.condition);
  const bitmap = (filter: string): string => `evenkeel_bitmap(m.ordinal % ${CHUNK_BITS}, 1)${filter}`;
  return {
    marks: `marks as materialized (
  select shard, ordinal from (${sources.join(' union all ')}) m limit ${limit} + 1
)`,
    crowded: `(select count(*) > ${limit} or bool_or(ordinal < 0) from marks)`,
    touched: `touched as materialized (
  select m.shard, ${bitmap('')} as users, ${bitmap(' filter (where r.holds is not null)')} as existing,
    ${bitmap(' filter (where r.holds)')} as members
  from (select distinct shard, ordinal from marks where ${when}) m
  left join lateral (
    select ${holds} as holds from users u where u.shard = m.shard and u.ordinal = m.ordinal offset 0
  ) r on true
  group by m.shard
)`,
    from: `(
    select d.shard, (d.shard & 1048575)::integer as chunk, coalesce(bit_or(d.users), ${ZERO}) as users,
      bit_or(d.touched) as touched, bit_or(d.existing) as existing, bit_or(d.members) as members
    from (
      select k.shard, k.users, null::bit(32000) as touched, null::bit(32000) as existing, null::bit(32000) as members
      from chunks k where k.shard between ${first} and ${last}
      union all
      select t.shard, null, t.users, t.existing, t.members from touched t
    ) d
    group by d.shard
    offset 0
  ) c`,
    row: `select case when c.touched is null then c.users else (c.users & ~c.touched) | c.existing end as users,
      case when c.touched is null then b.bits else (b.bits & ~c.touched) | c.members end as bits
    from (select ${membership.text} as bits offset 0) b`,
  };
};
