import { compile } from '../../../src/compiler/compile.ts';
import { expectedMs } from '../../../src/compiler/cost.ts';
import { calculationStatement } from '../../../src/compiler/calculation.ts';
import { leafStatement, previewStatement } from '../../../src/compiler/statements.ts';
import type { ExpandedCondition } from '../../../src/conditions/types.ts';
import { plainOptions } from '../../support/claim.ts';
import { AS_OF, catalogue, DAY } from './catalogue.ts';

const set = (property: string): ExpandedCondition => ({ type: 'property', property, operator: 'is_set' });
const not = (of: ExpandedCondition): ExpandedCondition => ({ type: 'not', of });
const all = (...of: ExpandedCondition[]): ExpandedCondition => ({ type: 'all', of });
const any = (...of: ExpandedCondition[]): ExpandedCondition => ({ type: 'any', of });
const last = (days: number): ExpandedCondition => ({
  type: 'event',
  event: 'purchase',
  count: { low: 1, high: null },
  within: { last: { ms: days * DAY } },
});

/** The expression with its leaves as the ids of their columns. */
const shape = (condition: ExpandedCondition): string => {
  const { text, values } = compile(condition, catalogue, AS_OF);
  return text.replace(
    /coalesce\(\(select s\.bits from slices s where s\.shard = c\.shard and s\.column_id = \$(\d+)::int and s\.slice = \$\d+::int\), B'0'::bit\(32000\)\)/g,
    (_, place) => String(values[Number(place) - 1]),
  );
};

describe('a tree', () => {
  it('is one expression, with one complement for all that is excluded', () => {
    expect(shape(all(set('plan'), not(set('ltv')), not(set('born'))))).toBe('(1 & ~(10 | 14))');
    expect(shape(any(set('plan'), not(set('ltv')), not(set('born'))))).toBe('(c.users & ~(10 & 14 & ~1))');
    expect(shape(not(not(set('plan'))))).toBe('1');
    expect(shape(all(any(set('plan'), set('ltv')), set('born')))).toBe('((1 | 10) & 14)');
  });

  it('is cut to the users that exist where its leaves may hold others', () => {
    const half: ExpandedCondition = { type: 'sample', percent: 50, seed: 's' };
    const sample = 'evenkeel_sample(c.chunk, $1::text, $2::int)';
    expect(shape(half)).toBe(`(${sample} & c.users)`);
    expect(shape(any(half, set('plan')))).toBe(`((${sample} | 1) & c.users)`);
    expect(shape(all(half, set('plan')))).toBe(`(${sample} & 1)`);
    expect(shape(all(half, not(set('plan'))))).toBe(`((${sample} & ~1) & c.users)`);
    expect(shape(not(any(half, not(set('plan')))))).toBe('(1 & ~evenkeel_sample(c.chunk, $3::text, $4::int))');
  });

  it('folds what is decided before it runs, and its parameters with it', () => {
    const nobody = set('nobody has it');
    expect(compile(all(set('plan'), nobody), catalogue, AS_OF)).toMatchObject({ values: [] });
    expect(shape(any(set('plan'), nobody))).toBe('1');
    expect(shape(any(all(set('plan'), nobody), set('ltv')))).toBe('10');
    expect(shape(all())).toBe('c.users');
    expect(shape(any())).toBe("B'0'::bit(32000)");
  });

  it('evaluates a leaf that stands several times once', () => {
    const { text, values, leaves } = compile(
      any(all(set('plan'), set('ltv')), all(not(set('plan')), set('born'))),
      catalogue,
      AS_OF,
    );
    expect(leaves).toHaveLength(3);
    expect(values).toHaveLength(6);
    expect(text).toMatch(/^\(select .* from \(select coalesce\(.*\) as l0 offset 0\) l\)$/);
    expect(text.match(/l\.l0/g)).toHaveLength(2);
  });

  it('takes a negative operator for the complement of the same leaf', () => {
    const condition = any(set('plan'), all({ type: 'property', property: 'plan', operator: 'is_not_set' }, set('ltv')));
    expect(compile(condition, catalogue, AS_OF).leaves).toHaveLength(2);
  });

  it('has a text that depends on its shape alone', () => {
    const text = (value: number, days: number): string =>
      compile(
        all({ type: 'property', property: 'ltv', operator: 'at_most', value }, last(days)),
        catalogue,
        AS_OF + value,
      ).text;
    expect(text(5, 30)).toBe(text(6.77, 29));
  });
});

describe('statements', () => {
  const membership = compile(set('plan'), catalogue, AS_OF);
  const claim = { id: 7, processId: 'p', attempt: 1, workspaceId: 1, segmentId: 5, version: 3 };
  const options = plainOptions(claim, catalogue.shards);

  it('have a name that follows from the text, within the 63 bytes of PostgreSQL', () => {
    const one = calculationStatement(membership, options);
    const other = calculationStatement(compile(set('ltv'), catalogue, AS_OF), { ...options, asOf: AS_OF });
    expect(other.name).toBe(one.name);
    expect(other.text).toBe(one.text);
    expect(one.name.length).toBeLessThan(63);
    expect(previewStatement(membership, { shards: catalogue.shards, sample: 5 }).name).not.toBe(one.name);
  });

  it('number their parameters after those of the membership', () => {
    expect(calculationStatement(membership, options).values.slice(0, 3)).toEqual([1, -1, 5]);
    expect(leafStatement(membership, [5, 6]).values).toEqual([1, -1, 5, 6]);
  });
});

describe('the expected time', () => {
  it('grows with what is read and with the chunks', () => {
    const one = compile(set('plan'), catalogue, AS_OF).cost;
    const two = compile(all(set('plan'), set('ltv')), catalogue, AS_OF).cost;
    expect(expectedMs(two, 32)).toBeGreaterThan(expectedMs(one, 32));
    expect(expectedMs(one, 320)).toBeGreaterThan(expectedMs(one, 32));
    expect(two.slicesRead).toBe(2);
  });
});
