import { Parameters } from '../../../src/compiler/parameters.ts';
import { rowCondition } from '../../../src/compiler/row-condition.ts';
import type { ExpandedCondition } from '../../../src/conditions/types.ts';
import { AS_OF, DAY } from './catalogue.ts';

const row = (condition: ExpandedCondition): { text: string; values: readonly unknown[] } => {
  const parameters = new Parameters();
  const text = rowCondition({ asOf: AS_OF, parameters, events: new Map([['purchase', 30]]) }, condition);
  return { text, values: parameters.values };
};
const set: ExpandedCondition = { type: 'property', property: 'address.city', operator: 'is_set' };
const isSet = (first: number): string =>
  `(coalesce((u.properties -> $${first}::text -> $${first + 1}::text) not in ('null'::jsonb, '""'::jsonb, '[]'::jsonb), false))`;

describe('the row form of a condition', () => {
  it('is a tree of the leaves, each with places of its own', () => {
    const condition: ExpandedCondition = {
      type: 'any',
      of: [
        { type: 'not', of: set },
        { type: 'all', of: [set, set] },
      ],
    };
    expect(row(condition)).toEqual({
      text: `((not ${isSet(1)}) or (${isSet(3)} and ${isSet(5)}))`,
      values: ['address', 'city', 'address', 'city', 'address', 'city'],
    });
    expect(row({ type: 'all', of: [] }).text).toBe('true');
    expect(row({ type: 'any', of: [] }).text).toBe('false');
  });

  it('looks up one user’s events by the user', () => {
    const purchase = { type: 'event', event: 'purchase', within: { last: { ms: DAY } } } as const;
    expect(row({ ...purchase, count: { low: 1, high: null } })).toEqual({
      text:
        '(exists (select x.ordinal as o from events x where x.shard = u.shard and x.ordinal = u.ordinal and x.event_id = $1::int' +
        ' and x.occurred_at >= $2::timestamptz and x.occurred_at < $3::timestamptz))',
      values: [30, '2026-03-14T10:30:00.000Z', '2026-03-15T10:30:00.001Z'],
    });
    expect(row({ ...purchase, count: { low: 2, high: 3 } }).values.slice(-2)).toEqual([2, 3]);
    expect(row({ ...purchase, event: 'nobody did this', count: { low: 0, high: 0 } }).text).toBe('(true)');
    expect(row({ ...purchase, event: 'nobody did this', count: { low: 1, high: null } }).text).toBe('(false)');
  });

  it('asks what the bitmaps ask of a chunk of one user’s events', () => {
    const where = [{ type: 'property', property: 'sku', operator: 'is_set' }] as const;
    const sum = {
      type: 'event_aggregate',
      event: 'purchase',
      aggregate: 'sum',
      property: 'amount',
      within: {},
    } as const;
    const ofUser = 'from events x where x.shard = u.shard and x.ordinal = u.ordinal and x.event_id = $1::int';
    const some = row({ ...sum, range: { low: 5, high: null }, where });
    expect(some.text).toContain(`(exists (select x.ordinal as o ${ofUser}`);
    expect(some.text).toContain(' group by x.ordinal having coalesce(sum(');
    const few = row({ ...sum, range: { low: null, high: 5 }, where });
    expect(few.text).toContain(`(not exists (select x.ordinal as o ${ofUser}`);
    expect(few.text).toContain(' having not (coalesce(sum(');
    const steps = [{ event: 'purchase' }, { event: 'purchase', where }];
    expect(row({ type: 'sequence', steps, within: {} }).text).toContain(` as reached ${ofUser}`);
    expect(row({ type: 'sequence', steps: [{ event: 'nobody did this' }, ...steps], within: {} }).text).toBe('(false)');
  });

  it('never splices what a user wrote', () => {
    const evil = `'; drop table users; --$1`;
    for (const condition of [
      { type: 'property', property: evil, operator: 'in', value: [evil, 1, true] },
      { type: 'property', property: evil, operator: 'contains', value: evil, ignoreCase: false },
      { type: 'sample', percent: 10, seed: evil },
      {
        type: 'event_aggregate',
        event: 'purchase',
        aggregate: 'max',
        property: evil,
        range: { low: 1, high: 2 },
        within: {},
      },
      {
        type: 'event',
        event: 'purchase',
        count: { low: 1, high: null },
        within: {},
        where: [{ type: 'property', property: evil, operator: 'equals', value: evil }],
      },
    ] as ExpandedCondition[])
      expect(row(condition).text).not.toContain('drop');
  });
});
