import { readFileSync } from 'node:fs';
import type { Queryable } from '../../src/database/port.ts';

/**
 * The oracle: the same condition by other means. It reads the condition's JSON (not the parsed types), looks at one row of
 * `users` after the other, and shares nothing with the parser, the index and the compiler but the tables of the truth.
 * Slow and plain on purpose: where it and a calculation differ, look at the calculation first.
 */

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type ConditionJson = { type: string; [key: string]: unknown };

interface Scope {
  readonly workspaceId: number;
  readonly asOfMs: number;
  /** Null: a static segment. */
  readonly segments: ReadonlyMap<string, ConditionJson | null>;
  readonly values: unknown[];
}

const UNIT_MS: Record<string, number> = { minutes: 60_000, hours: 3_600_000, days: 86_400_000, weeks: 604_800_000 };
const CHUNKS_PER_WORKSPACE = 1_048_576;

/** Makes the oracle's functions in a test database. */
export const installOracle = async (db: Queryable): Promise<void> => {
  await db.query(readFileSync(new URL('./oracle.sql', import.meta.url), 'utf8'));
};

/** External ids of the members, sorted by UTF-16 unit. Run it in the transaction whose snapshot is meant. */
export const oracleMembers = async (
  db: Queryable,
  workspaceId: number,
  condition: unknown,
  asOfMs: number,
): Promise<string[]> => {
  const segments = await db.query<{ key: string; condition: ConditionJson | null }>(
    'select key, condition from segments where workspace_id = $1',
    [workspaceId],
  );
  const scope: Scope = {
    workspaceId,
    asOfMs,
    segments: new Map(segments.rows.map((row) => [row.key, row.condition])),
    values: [workspaceId * CHUNKS_PER_WORKSPACE, (workspaceId + 1) * CHUNKS_PER_WORKSPACE],
  };
  const text = `select u.external_id from users u
    where u.shard >= $1::bigint and u.shard < $2::bigint and (${holds(condition as ConditionJson, scope)})`;
  const members = await db.query<{ external_id: string }>(text, scope.values);
  return members.rows.map((row) => row.external_id).sort();
};

/** External ids of everybody, sorted. */
export const oracleUsers = (db: Queryable, workspaceId: number): Promise<string[]> =>
  oracleMembers(db, workspaceId, { type: 'all', of: [] }, 0);

const parameter = (scope: Scope, value: unknown, type: string): string => {
  scope.values.push(value);
  return `$${scope.values.length}::${type}`;
};

/** A boolean SQL expression over the row `u`, never null. */
const holds = (condition: ConditionJson, scope: Scope): string => {
  switch (condition.type) {
    case 'all':
      return ['true', ...children(condition).map((child) => `(${holds(child, scope)})`)].join(' and ');
    case 'any':
      return ['false', ...children(condition).map((child) => `(${holds(child, scope)})`)].join(' or ');
    case 'not':
      return `not (${holds(condition['of'] as ConditionJson, scope)})`;
    case 'property':
      return propertyHolds(condition, scope);
    case 'event':
      return eventHolds(condition, scope);
    case 'sequence':
      return sequenceHolds(condition, scope);
    case 'sample': {
      const limit = Math.round((Number(condition['percent']) / 100) * 65_536);
      const seed = parameter(scope, condition['seed'], 'text');
      return `oracle.sample_place(${seed}, u.ordinal) < ${parameter(scope, limit, 'int')}`;
    }
    case 'segment': {
      const key = String(condition['segment']);
      const referred = scope.segments.get(key);
      if (referred === undefined) throw new Error(`the oracle does not know the segment ${key}`);
      if (referred === null) return listed(key, 'users', scope);
      return `((${holds(referred, scope)} or ${listed(key, 'include', scope)}) and not ${listed(key, 'exclude', scope)})`;
    }
    default:
      throw new Error(`the oracle does not know the condition type ${condition.type}`);
  }
};

/** Does any name of the user stand on the list? */
const listed = (key: string, role: string, scope: Scope): string =>
  `exists (select from user_keys n, list_ids i, lists l, segments s
           where n.workspace_id = ${parameter(scope, scope.workspaceId, 'int')} and n.ordinal = u.ordinal
             and s.workspace_id = n.workspace_id and s.key = ${parameter(scope, key, 'text')}
             and l.segment_id = s.id and l.role = ${parameter(scope, role, 'text')}
             and i.list_id = l.id and i.external_id = n.external_id)`;

const children = (condition: ConditionJson): ConditionJson[] => condition['of'] as ConditionJson[];

const NEGATIVES: Record<string, string> = {
  is_not_set: 'is_set',
  not_equals: 'equals',
  not_in: 'in',
  not_contains: 'contains',
  not_within_last: 'within_last',
  not_includes: 'includes',
};

/** Of `properties`, which are those of the user, or of one event. */
const propertyHolds = (leaf: ConditionJson, scope: Scope, properties = 'u.properties'): string => {
  const operator = String(leaf['operator']);
  const positive = NEGATIVES[operator];
  if (positive) return `not (${propertyHolds({ ...leaf, operator: positive }, scope, properties)})`;
  const path = parameter(scope, String(leaf['property']).split('.'), 'text[]');
  const held = `oracle.at(${properties}, ${path})`;
  const value = leaf['value'] as Json;
  const json = (one: Json) => parameter(scope, JSON.stringify(one), 'jsonb');
  const text = () => parameter(scope, value, 'text');
  const plain = `case when jsonb_typeof(${held}) = 'string' then ${held} #>> '{}' end`;
  const anyCase = leaf['ignoreCase'] === true;
  const [string, part] = anyCase ? [`oracle.lower(${plain})`, () => `oracle.lower(${text()})`] : [plain, () => text()];
  const equals = (one: Json) => {
    const wanted = json(one);
    return `(coalesce(oracle.same(${held}, ${wanted}), false) or oracle.includes(${held}, ${wanted}))`;
  };
  const number = (sign: string, bound: Json) =>
    `coalesce(oracle.number(${held}) ${sign} ${parameter(scope, bound, 'float8')}, false)`;
  const each = (values: Json, one: (value: Json) => string, word: string, none: string) =>
    `(${[none, ...(values as Json[]).map(one)].join(` ${word} `)})`;
  const includes = (one: Json) => `oracle.includes(${held}, ${json(one)})`;
  const date = (low: string, lowInside: boolean, high: string, highInside: boolean) =>
    `coalesce(oracle.date_within(${held}, ${low}, ${lowInside}, ${high}, ${highInside}), false)`;
  const asOf = () => parameter(scope, scope.asOfMs, 'bigint');
  switch (operator) {
    case 'is_set':
      return `coalesce(${held} not in ('null'::jsonb, '""'::jsonb, '[]'::jsonb), false)`;
    case 'equals':
      return equals(value);
    case 'in':
      return each(value, equals, 'or', 'false');
    case 'contains':
      return `coalesce(strpos(${string}, ${part()}) > 0, false)`;
    case 'starts_with':
      return `coalesce(starts_with(${string}, ${part()}), false)`;
    case 'ends_with': {
      const ending = part();
      return `coalesce(right(${string}, length(${ending})) = ${ending}, false)`;
    }
    case 'matches':
      return `coalesce(regexp_like((${plain}) collate "und-x-icu", ${text()}, '${anyCase ? 'i' : 'c'}'), false)`;
    case 'greater_than':
      return number('>', value);
    case 'at_least':
      return number('>=', value);
    case 'less_than':
      return number('<', value);
    case 'at_most':
      return number('<=', value);
    case 'between':
      return `(${number('>=', (value as Json[])[0] as Json)} and ${number('<=', (value as Json[])[1] as Json)})`;
    case 'before':
      return date('null', true, `oracle.iso_ms(${text()})`, false);
    case 'after':
      return date(`oracle.iso_ms(${text()})`, false, 'null', true);
    case 'on': {
      const day = `(floor(oracle.iso_ms(${text()})::numeric / 86400000) * 86400000)::bigint`;
      return date(day, true, `${day} + 86400000`, false);
    }
    case 'within_last':
      return date(`${asOf()} - ${parameter(scope, durationMs(value), 'bigint')}`, true, asOf(), true);
    case 'within_next':
      return date(asOf(), true, `${asOf()} + ${parameter(scope, durationMs(value), 'bigint')}`, true);
    case 'anniversary': {
      const days = parameter(scope, durationMs(value) / 86_400_000, 'int');
      return `coalesce(oracle.comes_again(${held}, ${asOf()}, ${days}), false)`;
    }
    case 'includes':
      return includes(value);
    case 'includes_any':
      return each(value, includes, 'or', 'false');
    case 'includes_all':
      return each(value, includes, 'and', 'true');
    default:
      throw new Error(`the oracle does not know the operator ${operator}`);
  }
};

const durationMs = (duration: Json): number => {
  const [[unit, amount], ...more] = Object.entries(duration as Record<string, number>) as [[string, number]];
  const ms = UNIT_MS[unit];
  if (ms === undefined || more.length > 0)
    throw new Error(`the oracle does not know the duration ${JSON.stringify(duration)}`);
  return ms * amount;
};

interface Happening {
  readonly event?: unknown;
  readonly within?: { last?: Json; from?: string; to?: string };
  readonly where?: readonly ConditionJson[];
}

const AT = '(extract(epoch from e.occurred_at) * 1000)';

/** Whether the time of `e` lies in the window. */
const inWindow = (within: Happening['within'], scope: Scope, at = AT): string => {
  const tests = ['true'];
  if (within?.last !== undefined)
    tests.push(
      `${at} >= ${parameter(scope, scope.asOfMs, 'bigint')} - ${parameter(scope, durationMs(within.last), 'bigint')}`,
    );
  if (within?.from !== undefined) tests.push(`${at} >= oracle.iso_ms(${parameter(scope, within.from, 'text')})`);
  if (within?.to !== undefined) tests.push(`${at} < oracle.iso_ms(${parameter(scope, within.to, 'text')})`);
  return tests.join(' and ');
};

/** Whether the event of `e` is one of this name whose properties are as `where` says. */
const isSuch = ({ event, where }: Happening, scope: Scope): string =>
  [
    `n.name = ${parameter(scope, event, 'text')}`,
    ...(where ?? []).map((leaf) => `(${propertyHolds(leaf, scope, 'e.properties')})`),
  ].join(' and ');

/** `from` and `where` of the user's events up to `asOf`. */
const happened = (scope: Scope): string =>
  `from events e join event_names n on n.id = e.event_id
   where e.shard = u.shard and e.ordinal = u.ordinal and n.workspace_id = ${parameter(scope, scope.workspaceId, 'int')}
     and ${AT} <= ${parameter(scope, scope.asOfMs, 'bigint')}`;

const eventHolds = (leaf: ConditionJson, scope: Scope): string => {
  const given = leaf as Happening;
  const such = `${happened(scope)} and ${isSuch(given, scope)}`;
  if ('occurrence' in leaf) {
    const one = leaf['occurrence'] === 'first' ? 'min' : 'max';
    return `(select h.at is not null and ${inWindow(given.within, scope, 'h.at')} from (select ${one}(${AT}) as at ${such}) h)`;
  }
  const inside = `${such} and ${inWindow(given.within, scope)}`;
  const aggregate = ['sum', 'avg', 'min', 'max'].find((each) => each in leaf);
  if (aggregate !== undefined) {
    const path = parameter(scope, String(leaf[aggregate]).split('.'), 'text[]');
    const bound = (value: unknown) => parameter(scope, value === undefined ? null : String(value), 'numeric');
    const [low, high] = boundsOf(leaf);
    return `oracle.aggregate_within('${aggregate}', array(select oracle.at(e.properties, ${path}) ${inside}), ${bound(low)}, ${bound(high)})`;
  }
  const [low, high] = boundsOf((leaf['count'] ?? { atLeast: 1 }) as Record<string, unknown>);
  const bound = (value: unknown) => parameter(scope, value, 'bigint');
  const count = `(select count(*) ${inside})`;
  return `${count} >= ${bound(low ?? 0)}${high === undefined ? '' : ` and ${count} <= ${bound(high)}`}`;
};

/** Both inside. */
const boundsOf = (given: Record<string, unknown>): [low: unknown, high: unknown] => {
  if ('atLeast' in given) return [given['atLeast'], undefined];
  if ('atMost' in given) return [undefined, given['atMost']];
  if ('exactly' in given) return [given['exactly'], given['exactly']];
  return given['between'] as [number, number];
};

/** Every way to choose an event for each step is tried. */
const sequenceHolds = (leaf: ConditionJson, scope: Scope): string => {
  const steps = leaf['steps'] as (Happening & { after?: Json })[];
  const after = steps.map((step) => (step.after === undefined ? null : durationMs(step.after)));
  const matches = steps.map((step) => `(${isSuch(step, scope)})`).join(', ');
  return `oracle.walks(array(
    select jsonb_build_object('at', ${AT}, 'steps', jsonb_build_array(${matches}))
    ${happened(scope)} and ${inWindow((leaf as Happening).within, scope)} order by e.occurred_at, e.id
  ), ${parameter(scope, after, 'bigint[]')}, 1, 0)`;
};
