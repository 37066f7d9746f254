import type { Membership } from './compile.ts';
import { inShards, type NamedStatement, named, type ShardRange } from './statements.ts';
import { overlay, type Overlay } from './overlay.ts';
import { Parameters } from './parameters.ts';

/** The one statement of a calculation: from whether it is still wanted to the row that says how it ended. Decision 0014. */

/** The claim under which a calculation runs. */
export interface Claim {
  readonly id: number;
  readonly processId: string;
  readonly attempt: number;
  readonly workspaceId: number;
  readonly segmentId: number;
}

/** One that the statement before it on the same connection has begun, and whose id only PostgreSQL knows yet (sql/calculations-begin-here.sql). */
export interface BegunClaim extends Omit<Claim, 'id'> {
  readonly token: string;
}

/** What the membership was compiled from. Where any of it has changed the statement writes nothing. */
export interface Basis {
  /** The segment and all that it reaches: none of them may be gone or have another version. */
  readonly segmentIds: readonly number[];
  readonly segmentVersions: readonly number[];
  /** Whose columns must be the same rows: their `xmin`s in the order of their ids, as text of `xid[]`, null where there are none. */
  readonly propertyIds: readonly number[];
  readonly columnVersions: string | null;
  readonly eventIds: readonly number[];
  /** Names that nobody had used. */
  readonly absentProperties: readonly string[];
  readonly absentEvents: readonly string[];
}

export interface CalculationOptions {
  readonly claim: Claim | BegunClaim;
  readonly basis: Basis;
  /** Both inside. */
  readonly shards: ShardRange;
  readonly segmentVersion: number;
  readonly kinds: readonly string[];
  /** Epoch milliseconds. */
  readonly asOf: number;
  readonly pinned: boolean;
  readonly freshenMs: number;
  readonly compileMs: number;
  /** The condition, where pending changes are to be corrected and not to be an obstacle. */
  readonly overlay?: Pick<Overlay, 'condition' | 'events'>;
}

/**
 * `lost`: cancelled or taken over; `stale`: the basis has changed; `pending`: the bitmaps lack changes that matter, with an overlay
 * more than it can correct. In all three nothing was written, and all that follows is null.
 */
export type Verdict = 'done' | 'lost' | 'stale' | 'pending';

/** What `calculationStatement` gives, in one row. */
export interface CalculationResult {
  readonly verdict: Verdict;
  /** Pending changes that were corrected. */
  readonly marks: number;
  readonly snapshot_id: number;
  readonly population: number;
  readonly members: number;
  readonly entered: number;
  readonly left: number;
  /** From the statement's start until the membership was known. */
  readonly query_ms: number;
  /** From then until everything but the commit was done; `total_ms` counts from the request, or from the planned start. */
  readonly store_ms: number;
  readonly total_ms: number;
  readonly finished_at: Date;
}

const idOf = (parameters: Parameters, claim: Claim | BegunClaim): string =>
  'id' in claim
    ? parameters.add(claim.id, 'bigint')
    : `(select split_part(b.begun, ' ', 2)::bigint from (select current_setting('evenkeel.begun', true) as begun) b
      where split_part(b.begun, ' ', 1) = ${parameters.add(claim.token, 'text')})`;

/** Whether nothing has changed that the membership was compiled from. */
const unchanged = (parameters: Parameters, workspace: string, basis: Basis): string => {
  const ids = parameters.add(basis.segmentIds, 'int[]');
  const versions = parameters.add(basis.segmentVersions, 'int[]');
  const conditions = [
    `(select count(*) from unnest(${ids}, ${versions}) as d (id, version)
      join segments s on s.id = d.id and s.version = d.version) = cardinality(${ids})`,
    `(select array_agg(k.xmin order by k.id) from columns k where k.property_id = any(${parameters.add(basis.propertyIds, 'int[]')}))
      is not distinct from ${parameters.add(basis.columnVersions, 'xid[]')}`,
  ];
  if (basis.absentProperties.length > 0)
    conditions.push(`not exists (select from properties p where p.workspace_id = ${workspace}
      and p.path = any(${parameters.add(basis.absentProperties, 'text[]')}))`);
  if (basis.absentEvents.length > 0)
    conditions.push(`not exists (select from event_names e where e.workspace_id = ${workspace}
      and e.name = any(${parameters.add(basis.absentEvents, 'text[]')}))`);
  return conditions.join('\n    and ');
};

/** Whether changes are noted, of what the condition reads, that the bitmaps lack. */
const somethingPending = (parameters: Parameters, basis: Basis, [first, last]: ShardRange): string => {
  const within = `shard between ${parameters.add(first, 'bigint')} and ${parameters.add(last, 'bigint')}`;
  const properties = `exists (select from pending_properties
      where property_id = any(${parameters.add(basis.propertyIds, 'int[]')}) and ${within})`;
  if (basis.eventIds.length === 0) return properties;
  return `(${properties} or exists (select from pending_events
      where event_id = any(${parameters.add(basis.eventIds, 'int[]')}) and ${within}))`;
};

/** The look for changes that the bitmaps lack, by itself: a calculation makes it before anything else. */
export const pendingStatement = (basis: Basis, shards: ShardRange): NamedStatement => {
  const parameters = new Parameters();
  return named(`select ${somethingPending(parameters, basis, shards)} as pending`, parameters);
};

/**
 * Calculates, stores and records in one statement of one snapshot. To be run in a repeatable-read transaction, its own at best:
 * whoever cancels or takes over meanwhile then makes it fail as a whole (SQLSTATE 40001).
 *
 * `counted` reads all of `calculated` before `stored` writes its first row, so that its clock separates the two, and
 * `recorded` waits for `stored`. Of users who left, those erased since are not counted; a chunk that is as it was compares by
 * memcmp.
 *
 * The snapshot before is a subquery and no join: a join was once planned, over a table that was empty still, so that each chunk
 * read the whole snapshot. A correlated subquery has both columns of the key.
 */
export const calculationStatement = (membership: Membership, options: CalculationOptions): NamedStatement => {
  const { claim, basis } = options;
  const parameters = new Parameters(membership.values);
  const segment = parameters.add(claim.segmentId, 'int');
  const workspace = parameters.add(claim.workspaceId, 'int');
  const version = parameters.add(options.segmentVersion, 'int');
  const asOf = parameters.add(new Date(options.asOf).toISOString(), 'timestamptz');
  const held =
    `c.id = ${idOf(parameters, claim)} and c.state = 'running'` +
    ` and c.process_id = ${parameters.add(claim.processId, 'uuid')} and c.attempts = ${parameters.add(claim.attempt, 'int')}`;
  const over =
    options.overlay &&
    overlay(
      parameters,
      membership,
      { ...basis, ...options.overlay, asOf: options.asOf, shards: options.shards },
      "(select verdict = 'done' from found)",
    );
  const text = `with ${over ? `${over.marks}, ` : ''}found as materialized (
  select case
    when not exists (select from calculations c where ${held}) then 'lost'
    when not (${unchanged(parameters, workspace, basis)}) then 'stale'
    when ${over ? over.crowded : somethingPending(parameters, basis, options.shards)} then 'pending'
    else 'done' end as verdict
), begun as materialized (
  select nextval(pg_get_serial_sequence('snapshots', 'id')) as snapshot_id,
    (select n.id from snapshots n where n.segment_id = ${segment} order by n.id desc limit 1) as previous_id
  from found
  where verdict = 'done'
), ${over ? `${over.touched}, ` : ''}calculated as materialized (
  select c.shard, r.bits, bit_count(r.users) as population, bit_count(r.bits) as members,
    case when r.previous is null then 0 when r.previous = r.bits then bit_count(r.bits)
      else bit_count(r.bits & r.previous) end as stayed,
    case when r.previous is null then 0 when r.previous = r.bits then bit_count(r.bits)
      else bit_count(r.users & r.previous) end as before
  from ${over ? over.from : 'chunks c'}
  cross join lateral (
    select m.users, m.bits, (select p.bits from snapshot_chunks p
      where p.shard = c.shard and p.snapshot_id = (select previous_id from begun)) as previous
    from (${over ? over.row : `select c.users, ${membership.text} as bits`} offset 0) m
    offset 0
  ) r
  where ${over ? '' : `${inShards(parameters, options.shards)} and `}(select verdict = 'done' from found)
), counted as materialized (
  select coalesce(sum(population), 0)::integer as population, coalesce(sum(members), 0)::integer as members,
    coalesce(sum(members - stayed), 0)::integer as entered, coalesce(sum(before - stayed), 0)::integer as "left",
    clock_timestamp() as queried_at
  from calculated
  having (select verdict = 'done' from found)
), stored as (
  insert into snapshot_chunks (shard, snapshot_id, bits)
  select m.shard, b.snapshot_id, m.bits
  from counted cross join begun b cross join calculated m
  where m.members > 0
  returning 1
), snapshot as (
  insert into snapshots (id, workspace_id, segment_id, segment_version, previous_id, as_of, population, members, pinned)
  overriding system value
  select b.snapshot_id, ${workspace}, ${segment}, ${version}, b.previous_id, ${asOf}, n.population, n.members,
    ${parameters.add(options.pinned, 'boolean')}
  from counted n cross join begun b
), recorded as (
  update calculations c
  set state = 'succeeded', finished_at = clock_timestamp(), late = coalesce(c.deadline < clock_timestamp(), false),
    snapshot_id = b.snapshot_id, segment_version = ${version}, as_of = ${asOf},
    population = n.population, members = n.members, entered = n.entered, "left" = n."left",
    condition_kinds = ${parameters.add(options.kinds, 'text[]')}, freshen_ms = ${parameters.add(options.freshenMs, 'float8')},
    compile_ms = ${parameters.add(options.compileMs, 'float8')},
    query_ms = extract(epoch from n.queried_at - statement_timestamp())::float8 * 1000,
    store_ms = extract(epoch from clock_timestamp() - n.queried_at)::float8 * 1000,
    total_ms = extract(epoch from clock_timestamp() - greatest(c.requested_at, c.planned_start_at))::float8 * 1000, error = null
  from counted n cross join begun b cross join (select count(*) from stored) s
  where ${held}
  returning c.snapshot_id, c.population, c.members, c.entered, c."left", c.query_ms, c.store_ms, c.total_ms, c.finished_at
)
select f.verdict, ${over ? '(select count(*) from marks)::integer' : '0'} as marks, r.* from found f left join recorded r on true`;
  return named(text, parameters);
};
