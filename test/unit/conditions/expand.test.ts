import {
  type Condition,
  expandSegments,
  kindsOf,
  leavesOf,
  parseCondition,
  referencedSegments,
} from '../../../src/conditions/index.ts';
import { EvenkeelError } from '../../../src/core/errors.ts';

const segment = (key: string): Condition => ({ type: 'segment', segment: key });
const all = (...of: Condition[]): Condition => ({ type: 'all', of });
const not = (of: Condition): Condition => ({ type: 'not', of });
const leaf = (property: string): Condition => ({ type: 'property', property, operator: 'is_set' });

const lookupIn = (segments: Record<string, Condition>) => {
  const known = new Map(Object.entries(segments));
  return (key: string) => known.get(key);
};

const problemOf = (work: () => unknown): EvenkeelError => {
  try {
    work();
  } catch (error) {
    if (error instanceof EvenkeelError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('expandSegments', () => {
  test('puts conditions in the places of names, through several levels', () => {
    const lookup = lookupIn({ vip: all(leaf('plan'), segment('active')), active: not(leaf('gone')) });
    expect(expandSegments(all(segment('vip'), leaf('x')), lookup)).toEqual(
      all(all(leaf('plan'), not(leaf('gone'))), leaf('x')),
    );
    expect(expandSegments(leaf('x'), lookup)).toEqual(leaf('x'));
  });

  test('gives the same object for the same segment, so that work can be shared', () => {
    const expanded = expandSegments(all(segment('a'), not(segment('a'))), lookupIn({ a: leaf('x') }));
    if (expanded.type !== 'all' || expanded.of[1]?.type !== 'not') throw new Error('not what was written');
    expect(expanded.of[0]).toBe(expanded.of[1].of);
  });

  test('names a cycle', () => {
    const lookup = lookupIn({
      a: not(segment('b')),
      b: all(leaf('x'), segment('c')),
      c: segment('a'),
      self: segment('self'),
    });
    expect(problemOf(() => expandSegments(segment('a'), lookup))).toMatchObject({
      status: 422,
      message: expect.stringContaining('a → b → c → a'),
      path: 'condition',
    });
    expect(problemOf(() => expandSegments(segment('self'), lookup)).message).toContain('self → self');
    // the cycle, not the way to it
    expect(
      problemOf(() =>
        expandSegments(all(segment('start')), lookupIn({ start: segment('p'), p: segment('q'), q: segment('p') })),
      ).message,
    ).toMatch(/: p → q → p$/);
  });

  test('names a cycle through the segment that is being saved from there', () => {
    const lookup = lookupIn({ b: segment('a'), a: leaf('what stood there before') });
    expect(problemOf(() => expandSegments(segment('b'), lookup, { key: 'a' })).message).toContain('a → b → a');
    expect(problemOf(() => expandSegments(segment('a'), lookup, { key: 'a' })).message).toContain('a → a');
    expect(expandSegments(segment('b'), lookup)).toEqual(leaf('what stood there before'));
  });

  test('a long cycle is named by its ends', () => {
    const keys = Array.from({ length: 5_000 }, (_, i) => `s${i}`);
    const lookup = lookupIn(
      Object.fromEntries(keys.map((key, i) => [key, segment(keys[(i + 1) % keys.length] as string)])),
    );
    const { message } = problemOf(() => expandSegments(segment('s0'), lookup));
    expect(message).toContain('s0 → s1 → s2 → s3 → s4 → … → s4996');
    expect(message.endsWith('s4999 → s0')).toBe(true);
  });

  test('what is named twice is no cycle', () => {
    const lookup = lookupIn({ a: all(segment('c')), b: segment('c'), c: leaf('x') });
    expect(expandSegments(all(segment('a'), segment('b'), segment('c')), lookup)).toEqual(
      all(all(leaf('x')), leaf('x'), leaf('x')),
    );
  });

  test('says which segment does not exist, where, and which may have been meant', () => {
    const condition = all(leaf('x'), not(segment('vipp')));
    expect(problemOf(() => expandSegments(condition, lookupIn({}), { known: ['vip', 'new'] }))).toMatchObject({
      status: 422,
      message: 'the segment "vipp" does not exist',
      path: 'condition.of[1].of.segment',
      hint: 'did you mean "vip"?',
    });
    expect(problemOf(() => expandSegments(segment('a'), lookupIn({ a: segment('gone') })))).toMatchObject({
      message: 'the segment "gone", which the segment "a" names does not exist',
      path: 'condition',
    });
  });

  test('doubling at each level ends early', () => {
    const levels = 60;
    const segments = Object.fromEntries(
      Array.from({ length: levels }, (_, i) => [
        `s${i}`,
        i === levels - 1 ? leaf('x') : all(segment(`s${i + 1}`), segment(`s${i + 1}`)),
      ]),
    );
    const started = performance.now();
    expect(problemOf(() => expandSegments(segment('s0'), lookupIn(segments))).message).toMatch(/more than 1024 leaves/);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test('leaves and levels are counted after expansion', () => {
    const wide = (leaves: number) => all(...Array.from({ length: leaves }, () => leaf('x')));
    const lookup = lookupIn({
      wide: wide(256),
      wider: wide(257),
      deep: Array.from({ length: 15 }).reduce<Condition>(not, leaf('x')),
    });
    expect(leavesOf(expandSegments(all(...Array(4).fill(segment('wide'))), lookup))).toHaveLength(1024);
    expect(problemOf(() => expandSegments(all(...Array(4).fill(segment('wider'))), lookup)).message).toMatch(/1024/);
    const chain = (length: number) =>
      lookupIn(
        Object.fromEntries(
          Array.from({ length }, (_, i) => [`s${i}`, i === length - 1 ? leaf('x') : segment(`s${i + 1}`)]),
        ),
      );
    expect(expandSegments(segment('s0'), chain(63))).toEqual(leaf('x'));
    expect(problemOf(() => expandSegments(segment('s0'), chain(64))).message).toMatch(/64 levels/);
    expect(problemOf(() => expandSegments(segment('s0'), chain(50_000))).message).toMatch(/64 levels/);
  });

  test('keys are no properties of anything', () => {
    expect(problemOf(() => expandSegments(segment('__proto__'), lookupIn({}))).message).toContain('"__proto__"');
    expect(expandSegments(segment('constructor'), (key) => (key === 'constructor' ? leaf('x') : undefined))).toEqual(
      leaf('x'),
    );
  });
});

describe('what a condition names', () => {
  test('referencedSegments: each once, in order', () => {
    expect(referencedSegments(all(segment('b'), not(all(segment('a'), segment('b'))), leaf('x')))).toEqual(['b', 'a']);
  });

  test('kindsOf: sorted, each once, with those of what it expands to', () => {
    const condition = all(segment('a'), leaf('x'));
    const lookup = lookupIn({
      a: parseCondition({
        type: 'any',
        of: [
          { type: 'event', event: 'e' },
          { type: 'sample', percent: 1, seed: '' },
          { type: 'property', property: 'x', operator: 'on', value: '2024-01-01' },
        ],
      }),
    });
    expect(kindsOf(condition)).toEqual(['property.is_set', 'segment']);
    expect(kindsOf(condition, expandSegments(condition, lookup))).toEqual([
      'event.count',
      'property.date',
      'property.is_set',
      'sample',
      'segment',
    ]);
    expect(kindsOf(all())).toEqual([]);
  });
});
