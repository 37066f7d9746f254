import { compile } from '../../../src/compiler/compile.ts';
import type { SourceName } from '../../../src/compiler/slices.ts';
import type { Leaf, PropertyCondition } from '../../../src/conditions/types.ts';
import { AS_OF, catalogue, DAY } from './catalogue.ts';

const ZERO = "B'0'::bit(32000)";
const FROM = 'from slices s where s.shard = c.shard and s.column_id';
const slice = (column: number, number: number): string =>
  `coalesce((select s.bits ${FROM} = $${column}::int and s.slice = $${number}::int), ${ZERO})`;
const some = (column: number, list: number): string =>
  `coalesce((select bit_or(s.bits) ${FROM} = $${column}::int and s.slice = any($${list}::int[])), ${ZERO})`;
const users = (predicate: string): string =>
  `coalesce((select f.bits from evenkeel_users_where($1::bigint, $2::bigint, $rows$${predicate}$rows$, array[$3::text::text, $4::text::text]) f where f.shard = c.shard), ${ZERO})`;

interface Expected {
  readonly leaf: Leaf;
  readonly source: SourceName;
  /** A part of the SQL that only this way of reading has. */
  readonly sql: string;
  readonly values: readonly unknown[];
}

const property = <O extends PropertyCondition['operator']>(name: string, operator: O, value?: unknown): Leaf =>
  ({
    type: 'property',
    property: name,
    operator,
    ...(value === undefined ? {} : { value }),
    ...(/contains|_with|matches/.test(operator) ? { ignoreCase: false } : {}),
  }) as Leaf;

/** A new operator does not compile until it is here. */
const OPERATORS: Record<PropertyCondition['operator'], Expected> = {
  is_set: { leaf: property('plan', 'is_set'), source: 'bitmaps', sql: slice(1, 2), values: [1, -1] },
  is_not_set: {
    leaf: property('plan', 'is_not_set'),
    source: 'bitmaps',
    sql: `(c.users & ~${slice(1, 2)})`,
    values: [1, -1],
  },
  equals: {
    leaf: property('plan', 'equals', 'pro'),
    source: 'bitmaps',
    sql: 'then bit_and(s.bits) filter (where s.slice = any($1::int[])) & ~coalesce(bit_or(s.bits) filter',
    values: [[0, 2], 2, 0],
  },
  not_equals: {
    leaf: property('plan', 'not_equals', true),
    source: 'bitmaps',
    sql: `(c.users & ~${slice(1, 2)})`,
    values: [3, 0],
  },
  in: {
    leaf: property('plan', 'in', ['pro', 'team', 'beta', false, 'unknown']),
    source: 'bitmaps',
    sql: 'evenkeel_decide(',
    values: [[0, -1, -2, 1, 0, -3, 2, -1, 1], 2, 0, 3, -1, 3, 0, 4, 1],
  },
  not_in: {
    leaf: property('plan', 'not_in', [5, 'beta']),
    source: 'bitmaps',
    sql: `(c.users & ~${some(1, 2)})`,
    values: [4, [2, 1]],
  },
  contains: {
    leaf: property('plan', 'contains', 'e'),
    source: 'bitmaps',
    sql: 'evenkeel_decide(',
    values: [[0, -2, -1, 1, 0, -1, 1, -1, 0, 2, 1, 2, -1, -1, 3], 2, -1],
  },
  not_contains: {
    leaf: property('note', 'not_contains', '50%_\\'),
    source: 'users',
    sql: users(
      `(coalesce(strpos((u.properties ->> p.v[1]::text) collate "C", p.v[2]::text) > 0, false) and jsonb_typeof(u.properties -> p.v[1]::text) = 'string')`,
    ),
    values: [...catalogue.shards, 'note', '50%_\\'],
  },
  starts_with: {
    leaf: property('note', 'starts_with', 'a'),
    source: 'users',
    sql: 'collate "C" like p.v[2]::text',
    values: [...catalogue.shards, 'note', 'a%'],
  },
  ends_with: {
    leaf: property('note', 'ends_with', 'a'),
    source: 'users',
    sql: 'collate "C" like p.v[2]::text',
    values: [...catalogue.shards, 'note', '%a'],
  },
  matches: {
    leaf: property('note', 'matches', '^a.*b$'),
    source: 'users',
    sql: users(
      `case when jsonb_typeof(u.properties -> p.v[1]::text) = 'string' then (u.properties ->> p.v[1]::text) collate "und-x-icu" ~ p.v[2]::text else false end`,
    ),
    values: [...catalogue.shards, 'note', '^a.*b$'],
  },
  greater_than: {
    leaf: property('ltv', 'greater_than', 1.005),
    source: 'bitmaps',
    sql:
      '(select evenkeel_ranges(array_agg(s.slice), array_agg(s.bits), $1::boolean[], $2::bigint[], $3::bigint[]) ' +
      `from (select s.slice, s.bits ${FROM} = $4::int and s.slice >= $5::int order by s.slice) s)`,
    values: [[false], ['101'], [null], 11, 0],
  },
  at_least: {
    leaf: property('ltv', 'at_least', 10.24),
    source: 'bitmaps',
    sql: 'evenkeel_ranges(',
    // 1023 = 0b1111111111: the ten lowest slices can add nobody, and are not read
    values: [[false], ['1024'], [null], 11, 10],
  },
  less_than: {
    leaf: property('ltv', 'less_than', 10),
    source: 'bitmaps',
    sql: 'evenkeel_ranges(',
    values: [[false], ['0'], ['999'], 11, -1],
  },
  at_most: {
    leaf: property('balance', 'at_most', 10),
    source: 'bitmaps',
    sql: 'evenkeel_ranges(',
    values: [[false, true], ['0', '1'], ['10', null], 13, -2],
  },
  between: {
    leaf: property('balance', 'between', [-5, -2.5]),
    source: 'bitmaps',
    sql: 'evenkeel_ranges(',
    values: [[true], ['3'], ['5'], 13, -2],
  },
  before: {
    leaf: property('born', 'before', 0),
    source: 'bitmaps',
    sql: 'evenkeel_ranges(',
    values: [[true], ['1'], [null], 15, -2],
  },
  after: {
    leaf: property('born', 'after', 10 * DAY),
    source: 'bitmaps',
    sql: 'evenkeel_ranges(',
    values: [[false], ['11'], [null], 15, -2],
  },
  on: {
    leaf: property('born', 'on', 10.5 * DAY),
    source: 'bitmaps',
    sql: 'evenkeel_ranges(',
    values: [[false], ['10'], ['10'], 15, -2],
  },
  within_last: {
    leaf: property('born', 'within_last', { ms: 2 * DAY }),
    source: 'bitmaps',
    sql: 'evenkeel_ranges(',
    values: [[false], ['20526'], ['20527'], 15, -2],
  },
  not_within_last: {
    leaf: property('born', 'not_within_last', { ms: 2 * DAY }),
    source: 'bitmaps',
    sql: '(c.users & ~(select evenkeel_ranges(',
    values: [[false], ['20526'], ['20527'], 15, -2],
  },
  within_next: {
    leaf: property('born', 'within_next', { ms: DAY }),
    source: 'bitmaps',
    sql: 'evenkeel_ranges(',
    values: [[false], ['20528'], ['20528'], 15, -2],
  },
  anniversary: {
    // from 15 March on
    leaf: property('born', 'anniversary', { ms: 7 * DAY }),
    source: 'bitmaps',
    sql: 'case s.slice when -1 then -1 else -3 - s.slice end as place',
    values: [[false], ['74'], ['81'], 15],
  },
  includes: { leaf: property('plan', 'includes', 'beta'), source: 'bitmaps', sql: slice(1, 2), values: [4, 1] },
  not_includes: {
    leaf: property('plan', 'not_includes', 5),
    source: 'bitmaps',
    sql: `(c.users & ~${slice(1, 2)})`,
    values: [4, 2],
  },
  includes_any: {
    leaf: property('note', 'includes_any', ['a', 5]),
    source: 'users',
    sql: "(coalesce((u.properties -> p.v[1]::text) @> any(p.v[2]::jsonb[]), false) and jsonb_typeof(u.properties -> p.v[1]::text) = 'array')",
    values: [...catalogue.shards, 'note', ['["a"]', '[5]']],
  },
  includes_all: {
    leaf: property('plan', 'includes_all', ['beta', 5, 5]),
    source: 'bitmaps',
    sql: 'case when count(*) = cardinality($1::int[]) then bit_and(s.bits) end',
    values: [[1, 2], 4],
  },
};

/** And no other type of leaf either. */
const TYPES: Record<Exclude<Leaf['type'], 'property'>, Expected> = {
  event: {
    leaf: { type: 'event', event: 'purchase', count: { low: 1, high: null }, within: { from: 0, to: 31 * DAY } },
    source: 'events',
    sql:
      'select bit_or(p.bits) from (select e.slice, e.bits from unnest($1::int[], $2::int[], $3::int[]) w (period, first, "end") ' +
      'cross join lateral (select e.slice, e.bits from event_slices e where e.shard = c.shard and e.event_id = $4::int ' +
      'and e.period = w.period and e.number >= w.first and e.number < w."end" offset 0) e) p where p.slice = -1',
    values: [[1], [0], [1], 30],
  },
  event_aggregate: {
    leaf: {
      type: 'event_aggregate',
      event: 'purchase',
      aggregate: 'avg',
      property: 'order.total',
      range: { low: 0.1, high: null },
      within: { from: 0 },
    },
    source: 'events',
    sql:
      '(select evenkeel_bitmap(x.o, 1) from (select x.ordinal % 32000 as o from events x where x.shard = c.shard and x.event_id = $1::int ' +
      'and x.occurred_at >= $2::timestamptz and x.occurred_at < $3::timestamptz group by x.ordinal having sum(case when ' +
      "jsonb_typeof(x.properties -> $4::text -> $5::text) = 'number' then (x.properties -> $4::text -> $5::text)::numeric end) " +
      '>= $6::numeric * count(',
    values: [30, '1970-01-01T00:00:00.000Z', '2026-03-15T10:30:00.001Z', 'order', 'total', '0.1'],
  },
  event_recency: {
    leaf: { type: 'event_recency', event: 'purchase', occurrence: 'first', within: { from: 31 * DAY, to: 59 * DAY } },
    source: 'events',
    sql:
      '& ~(select coalesce((select bit_or(p.bits) from (select e.slice, e.bits from ' +
      'unnest($5::int[], $6::int[], $7::int[]) w (period, first, "end")',
    values: [[1], [1], [2], 30, [1], [-2_423_640], [1], 30],
  },
  sequence: {
    leaf: {
      type: 'sequence',
      steps: [{ event: 'purchase' }, { event: 'purchase', after: { ms: DAY } }],
      within: { from: 0, to: 31 * DAY },
    },
    source: 'events',
    sql:
      'case when step = 2 and t <= max(reached) over w + $1::interval then t end as reached from ' +
      '(select x.ordinal % 32000 as o, x.occurred_at as t, x.id, 1 as step, x.occurred_at as reached from events x ' +
      'where x.shard = c.shard and get_bit(k.bits, x.ordinal % 32000) = 1 and x.event_id = $2::int',
    values: [
      '86400000 milliseconds',
      ...[30, '1970-01-01T00:00:00.000Z', '1970-02-01T00:00:00.000Z'],
      ...[30, '1970-01-01T00:00:00.000Z', '1970-02-01T00:00:00.000Z'],
      ...[2, null, [1], [0], [1], 30],
    ],
  },
  sample: {
    leaf: { type: 'sample', percent: 10, seed: 'june' },
    source: 'digests',
    sql: '(evenkeel_sample(c.chunk, $1::text, $2::int) & c.users)',
    values: ['june', 6554],
  },
  list: {
    leaf: { type: 'list', segment: 'vip', role: 'exclude', list: 7 },
    source: 'bitmaps',
    sql: slice(1, 2),
    values: [40, -1],
  },
};

describe('a leaf', () => {
  it.each([...Object.entries(OPERATORS), ...Object.entries(TYPES)])('%s is read as it should be', (_, expected) => {
    const membership = compile(expected.leaf, catalogue, AS_OF);
    expect(membership.text).toContain(expected.sql);
    expect(membership.values).toEqual(expected.values);
    expect(membership.leaves.map((leaf) => leaf.source)).toEqual([expected.source]);
  });

  it.each([
    property('nobody has it', 'is_set'),
    property('plan', 'equals', 'unknown'),
    property('plan', 'greater_than', 5),
    property('plan', 'includes_all', ['beta', 'unknown']),
    property('plan', 'before', 0),
    property('ltv', 'equals', 1.005),
    property('ltv', 'greater_than', 1e300),
    property('ltv', 'between', [5, 4]),
    { type: 'event', event: 'unknown', count: { low: 1, high: null }, within: {} },
    { type: 'event', event: 'purchase', count: { low: 3, high: 2 }, within: {} },
    { type: 'event', event: 'purchase', count: { low: 1, high: null }, within: { from: 5, to: 5 } },
    { type: 'event', event: 'purchase', count: { low: 1, high: null }, within: { from: AS_OF + 1 } },
    {
      type: 'event_aggregate',
      event: 'unknown',
      aggregate: 'max',
      property: 'a',
      range: { low: null, high: 1 },
      within: {},
    },
    { type: 'event_recency', event: 'purchase', occurrence: 'last', within: { from: AS_OF + 1 } },
    { type: 'sequence', steps: [{ event: 'purchase' }, { event: 'unknown' }], within: {} },
    { type: 'sample', percent: 0, seed: '' },
    { type: 'list', segment: 'vip', role: 'users', list: 8 },
  ] as Leaf[])('that holds for nobody reads nothing: %j', (leaf) => {
    expect(compile(leaf, catalogue, AS_OF)).toMatchObject({ text: ZERO, values: [] });
  });

  it.each([
    property('nobody has it', 'not_equals', 5),
    { type: 'event', event: 'unknown', count: { low: 0, high: 0 }, within: {} },
    { type: 'event', event: 'purchase', count: { low: 0, high: null }, within: {} },
    {
      type: 'event_aggregate',
      event: 'unknown',
      aggregate: 'sum',
      property: 'a',
      range: { low: 0, high: null },
      within: {},
    },
    { type: 'sample', percent: 100, seed: '' },
  ] as Leaf[])('that holds for everybody reads nothing: %j', (leaf) => {
    expect(compile(leaf, catalogue, AS_OF)).toMatchObject({ text: 'c.users', values: [] });
  });

  it('of all numbers is the presence slice', () => {
    expect(compile(property('balance', 'at_least', -1e9), catalogue, AS_OF).values).toEqual([13, -1]);
  });

  it('that ignores case is compared in lower case, its own text once', () => {
    const leaf = { ...property('note', 'contains', 'É%'), ignoreCase: true } as Leaf;
    const { text, values } = compile(leaf, catalogue, AS_OF);
    expect(text).toContain(
      'evenkeel_fold((u.properties ->> p.v[1]::text)) collate "C" like (select evenkeel_fold(p.v[2]::text))',
    );
    expect(values).toEqual([...catalogue.shards, 'note', '%É\\%%']);
  });

  it('of texts that are hashed looks at the rows of those alone whose hash is that of the value', () => {
    const leaf = property('email', 'equals', 'a');
    const { text, values, cost, leaves } = compile(leaf, catalogue, AS_OF);
    expect(text).toContain('offset 0) u where get_bit(m.bits, o) = 1)');
    // the 1 bits of its hash
    expect(values).toContainEqual([0, 1, 4, 5, 7, 8, 12, 13, 15, 23, 25, 27, 28]);
    expect({ scans: cost.scans, source: leaves[0]?.source }).toEqual({ scans: 0, source: 'users' });
    const other = compile(property('email', 'contains', 'a'), catalogue, AS_OF);
    expect({ scans: other.cost.scans, source: other.leaves[0]?.source }).toEqual({ scans: 0, source: 'texts' });
  });

  it('never splices what a user wrote', () => {
    const evil = `'; drop table users; --$1`;
    for (const leaf of [
      property(evil, 'is_set'),
      property('note', 'contains', evil),
      property('note', 'matches', evil),
      property('note', 'equals', evil),
      property('note', 'includes', evil),
      { type: 'sample', percent: 10, seed: evil },
      {
        type: 'event_aggregate',
        event: 'purchase',
        aggregate: 'sum',
        property: evil,
        range: { low: 1, high: null },
        within: {},
        where: [property(evil, 'contains', evil)],
      },
    ] as Leaf[])
      expect(compile(leaf, catalogue, AS_OF).text).not.toContain('drop');
  });
});
