import fc from 'fast-check';
import { z } from 'zod';
import { conditionSchema, parseCondition, serialise } from '../../../src/conditions/index.ts';
import { PROPERTY_SCHEMAS } from '../../../src/conditions/property-schema.ts';
import { EvenkeelError } from '../../../src/core/errors.ts';
import { conditions } from './arbitraries.ts';

const property = (operator: unknown, value?: unknown, more: object = {}) => ({
  type: 'property',
  property: 'a.b',
  operator,
  ...(value === undefined ? {} : { value }),
  ...more,
});
const event = (more: object) => ({ type: 'event', event: 'purchase', ...more });
const nested = (levels: number): unknown =>
  levels === 1 ? property('is_set') : { type: 'not', of: nested(levels - 1) };
const wide = (leaves: number) => ({ type: 'any', of: Array.from({ length: leaves }, () => property('is_set')) });

const problemOf = (json: unknown, path?: string): EvenkeelError => {
  try {
    parseCondition(json, path);
  } catch (error) {
    if (error instanceof EvenkeelError) return error;
    throw error;
  }
  throw new Error(`accepted ${JSON.stringify(json)}`);
};

describe('parseCondition accepts', () => {
  test.each<[json: object, expected: object]>([
    ...['is_set', 'is_not_set'].map((operator): [object, object] => [property(operator), property(operator)]),
    ...['equals', 'not_equals', 'includes', 'not_includes'].flatMap((operator) =>
      ['pro', '', 5, 0.1, false].map((value): [object, object] => [
        property(operator, value),
        property(operator, value),
      ]),
    ),
    ...['in', 'not_in', 'includes_any', 'includes_all'].map((operator): [object, object] => [
      property(operator, ['a', 5, true]),
      property(operator, ['a', 5, true]),
    ]),
    ...['contains', 'not_contains', 'starts_with', 'ends_with'].map((operator): [object, object] => [
      property(operator, '@acme.'),
      property(operator, '@acme.', { ignoreCase: false }),
    ]),
    [property('contains', 'x', { ignoreCase: false }), property('contains', 'x', { ignoreCase: false })],
    [property('ends_with', 'x', { ignoreCase: true }), property('ends_with', 'x', { ignoreCase: true })],
    [property('matches', '^a(b|c)'), property('matches', '^a(b|c)', { ignoreCase: false })],
    [property('matches', '^a', { ignoreCase: true }), property('matches', '^a', { ignoreCase: true })],
    ...['greater_than', 'at_least', 'less_than', 'at_most'].map((operator): [object, object] => [
      property(operator, -1.5),
      property(operator, -1.5),
    ]),
    [property('between', [1, 1]), property('between', [1, 1])],
    ...['before', 'after', 'on'].map((operator): [object, object] => [
      property(operator, '2024-02-29T12:00+02:00'),
      property(operator, 1_709_200_800_000),
    ]),
    [property('within_last', { minutes: 1 }), property('within_last', { ms: 60_000 })],
    [property('not_within_last', { hours: 2 }), property('not_within_last', { ms: 7_200_000 })],
    [property('within_next', { days: 36_525 }), property('within_next', { ms: 36_525 * 86_400_000 })],
    [property('within_next', { weeks: 1 }), property('within_next', { ms: 604_800_000 })],
    [property('anniversary', { days: 0 }), property('anniversary', { ms: 0 })],
    [property('anniversary', { weeks: 2 }), property('anniversary', { ms: 14 * 86_400_000 })],
    [event({}), event({ count: { low: 1, high: null }, within: {} })],
    [event({ count: { atLeast: 3 } }), event({ count: { low: 3, high: null }, within: {} })],
    [event({ count: { atMost: 3 } }), event({ count: { low: 0, high: 3 }, within: {} })],
    [event({ count: { exactly: 0 } }), event({ count: { low: 0, high: 0 }, within: {} })],
    [event({ count: { between: [2, 1e9] } }), event({ count: { low: 2, high: 1e9 }, within: {} })],
    [
      event({ within: { last: { days: 30 } } }),
      event({ count: { low: 1, high: null }, within: { last: { ms: 2_592_000_000 } } }),
    ],
    [
      event({ within: { from: '1970-01-01', to: '1970-01-02' } }),
      event({ count: { low: 1, high: null }, within: { from: 0, to: 86_400_000 } }),
    ],
    [event({ within: { to: '1970-01-01' } }), event({ count: { low: 1, high: null }, within: { to: 0 } })],
    [event({ where: [] }), event({ count: { low: 1, high: null }, within: {} })],
    [
      event({ count: { atMost: 2 }, where: [property('is_set'), property('within_last', { days: 1 })] }),
      event({
        count: { low: 0, high: 2 },
        within: {},
        where: [property('is_set'), property('within_last', { ms: 86_400_000 })],
      }),
    ],
    ...(['sum', 'avg', 'min', 'max'] as const).flatMap((aggregate): [object, object][] =>
      [
        [{ atLeast: 500 }, { low: 500, high: null }],
        [{ atMost: -0.5 }, { low: null, high: -0.5 }],
        [{ exactly: -0 }, { low: 0, high: 0 }],
        [{ between: [1, 1.5] }, { low: 1, high: 1.5 }],
      ].map(([given, range]) => [
        event({ [aggregate]: 'order.total', ...given }),
        { type: 'event_aggregate', event: 'purchase', aggregate, property: 'order.total', range, within: {} },
      ]),
    ),
    [
      event({ occurrence: 'first', within: { from: '1970-01-01' }, where: [property('equals', 'a')] }),
      {
        type: 'event_recency',
        event: 'purchase',
        occurrence: 'first',
        within: { from: 0 },
        where: [property('equals', 'a')],
      },
    ],
    [event({ occurrence: 'last' }), { type: 'event_recency', event: 'purchase', occurrence: 'last', within: {} }],
    [
      { type: 'sequence', steps: [{ event: 'a' }, { event: 'b', after: { days: 7 }, where: [property('is_set')] }] },
      {
        type: 'sequence',
        steps: [{ event: 'a' }, { event: 'b', after: { ms: 604_800_000 }, where: [property('is_set')] }],
        within: {},
      },
    ],
    [
      { type: 'segment', segment: 'vip' },
      { type: 'segment', segment: 'vip' },
    ],
    [
      { type: 'sample', percent: 0, seed: '' },
      { type: 'sample', percent: 0, seed: '' },
    ],
    [
      { type: 'all', of: [] },
      { type: 'all', of: [] },
    ],
    [
      { type: 'not', of: { type: 'any', of: [property('is_set')] } },
      { type: 'not', of: { type: 'any', of: [property('is_set')] } },
    ],
  ])('%j', (json, expected) => {
    expect(parseCondition(json)).toEqual(expected);
  });

  test('what is exactly at the limits', () => {
    expect(() => parseCondition(nested(16))).not.toThrow();
    expect(() => parseCondition(wide(256))).not.toThrow();
    expect(() => parseCondition(property('in', Array(1000).fill('x')))).not.toThrow();
    expect(() => parseCondition(property('equals', 'x'.repeat(4096)))).not.toThrow();
    expect(() => parseCondition({ ...property('is_set'), property: 'x'.repeat(255) })).not.toThrow();
    expect(() => parseCondition({ type: 'sample', percent: 100, seed: 'x'.repeat(255) })).not.toThrow();
    expect(() => parseCondition(event({ where: Array(32).fill(property('is_set')) }))).not.toThrow();
    expect(() => parseCondition({ type: 'sequence', steps: Array(10).fill({ event: 'a' }) })).not.toThrow();
  });

  test('−0 as 0', () => {
    expect(parseCondition(property('at_least', -0))).toStrictEqual(property('at_least', 0));
    expect(parseCondition(property('in', [-0]))).toStrictEqual(property('in', [0]));
    expect(parseCondition(event({ count: { exactly: -0 } }))).toStrictEqual(
      event({ count: { low: 0, high: 0 }, within: {} }),
    );
    expect(parseCondition({ type: 'sample', percent: -0, seed: '' })).toStrictEqual({
      type: 'sample',
      percent: 0,
      seed: '',
    });
  });
});

describe('parseCondition refuses', () => {
  const of2 = (json: unknown) => ({ type: 'all', of: [property('is_set'), property('is_set'), json] });
  const refused: [name: string, json: unknown, path: string, message: RegExp, hint?: RegExp][] = [
    ['null', null, 'condition', /expected a condition.*found null/],
    ['a list', [], 'condition', /found a list of 0/],
    ['a string', 'vip', 'condition', /found the string "vip"/],
    ['no type', {}, 'condition.type', /needs a "type"/, /one of all, any, not/],
    ['a type of the wrong type', { type: ['all'] }, 'condition.type', /expected a string, found a list of 1/],
    [
      'a misspelt type',
      of2({ type: 'propery' }),
      'condition.of[2].type',
      /unknown condition type "propery"/,
      /"property"/,
    ],
    ['a prototype key as type', { type: 'constructor' }, 'condition.type', /unknown condition type/],
    ['"and"', { type: 'and', of: [] }, 'condition.type', /unknown/, /did you mean "all"/],
    ['an operator as type', { type: 'equals' }, 'condition.type', /unknown/, /"equals" is an operator/],
    ['no of', { type: 'all' }, 'condition.of', /"of" is missing/],
    ['of that is no list', { type: 'any', of: {} }, 'condition.of', /expected a list of conditions, found an object/],
    ['not of a list', { type: 'not', of: [1, 2] }, 'condition.of', /takes one condition, found a list of 2/, /"any"/],
    ['null in of', { type: 'all', of: [null] }, 'condition.of[0]', /found null/],
    ['a further field of all', { type: 'all', of: [], count: 1 }, 'condition.count', /unknown field "count"/],
    ['__proto__ in all', JSON.parse('{"type":"all","of":[],"__proto__":{}}'), 'condition.__proto__', /unknown field/],
    [
      'a misspelt operator',
      of2(property('equal', 1)),
      'condition.of[2].operator',
      /unknown operator "equal"/,
      /"equals"/,
    ],
    ['a sign', property('>=', 1), 'condition.operator', /unknown operator/, /did you mean "at_least"/],
    [
      'a prototype key as operator',
      property('__proto__', 1),
      'condition.operator',
      /unknown operator/,
      /one of is_set/,
    ],
    ['another one', property('hasOwnProperty', 1), 'condition.operator', /unknown operator/],
    ['no operator', property(undefined, 1), 'condition.operator', /"operator" is missing/],
    ['a null operator', property(null, 1), 'condition.operator', /expected a string, found null/],
    [
      'operator misspelt',
      { type: 'property', property: 'a', operater: 'is_set' },
      'condition.operater',
      /unknown field/,
      /"operator"/,
    ],
    [
      'property misspelt',
      { type: 'property', propety: 'a', operator: 'is_set' },
      'condition.propety',
      /unknown/,
      /"property"/,
    ],
    [
      'value on is_set',
      property('is_set', true),
      'condition.value',
      /unknown field "value"/,
      /takes type, property, operator$/,
    ],
    ['ignoreCase on equals', property('equals', 'a', { ignoreCase: true }), 'condition.ignoreCase', /unknown field/],
    [
      '__proto__ in a leaf',
      JSON.parse('{"type":"segment","segment":"a","__proto__":1}'),
      'condition.__proto__',
      /unknown/,
    ],
    ['no property', { type: 'property', operator: 'is_set' }, 'condition.property', /is missing/],
    ['an empty property', { ...property('is_set'), property: '' }, 'condition.property', /must not be empty/],
    ['a long property', { ...property('is_set'), property: 'x'.repeat(256) }, 'condition.property', /at most 255/],
    ['an empty step', { ...property('is_set'), property: 'a..b' }, 'condition.property', /dot/],
    ['a dot at the end', { ...property('is_set'), property: 'a.' }, 'condition.property', /dot/],
    ['NUL in a property', { ...property('is_set'), property: 'a\0' }, 'condition.property', /NUL/],
    ['no value', property('equals'), 'condition.value', /"value" is missing/],
    ['a null value', property('equals', null), 'condition.value', /found null/, /is_not_set/],
    ['a list for equals', property('not_equals', ['a']), 'condition.value', /found a list of 1/, /"not_in"/],
    ['an object for equals', property('equals', { a: 1 }), 'condition.value', /found an object/],
    ['infinity', property('equals', JSON.parse('1e400')), 'condition.value', /beyond the largest float64/],
    ['infinity to compare', property('at_least', JSON.parse('-1e400')), 'condition.value', /beyond the largest/],
    ['NUL', property('equals', 'a\0'), 'condition.value', /must not hold a NUL/],
    ['half a pair', property('in', ['a', '\ud800']), 'condition.value[1]', /half a surrogate pair/],
    ['a long value', property('equals', 'x'.repeat(4097)), 'condition.value', /at most 4096/],
    ['one value for in', property('in', 'a'), 'condition.value', /expected a list of values/, /"equals"/],
    ['an empty list', property('in', []), 'condition.value', /1 to 1000 values/],
    ['1,001 values', property('includes_any', Array(1001).fill(1)), 'condition.value', /1 to 1000 values/],
    ['null in a list', property('in', ['a', null]), 'condition.value[1]', /found null/],
    ['an empty text', property('contains', ''), 'condition.value', /must not be empty/],
    ['a number for contains', property('contains', 5), 'condition.value', /expected a string, found the number 5/],
    ['a string for a number', property('less_than', '5'), 'condition.value', /expected a number/, /without quotes/],
    ['a date for a number', property('less_than', '2024-01-01'), 'condition.value', /expected a number/, /"before"/],
    ['low above high', property('between', [2, 1]), 'condition.value', /lower number first/],
    ['one bound', property('between', [2]), 'condition.value', /two numbers, \[low, high\], found a list of 1/],
    ['a bound that is none', property('between', [1, null]), 'condition.value[1]', /expected a number, found null/],
    ['no such day', property('on', '2023-02-29'), 'condition.value', /ISO 8601/],
    ['a date as a number', property('before', 1_709_164_800), 'condition.value', /ISO 8601.*found the number/],
    ['a misspelt unit', property('within_last', { day: 3 }), 'condition.value.day', /unknown field "day"/, /"days"/],
    ['two units', property('within_last', { days: 1, hours: 1 }), 'condition.value', /exactly one of minutes/],
    ['no unit', property('within_last', {}), 'condition.value', /exactly one of minutes/],
    ['no duration', property('within_last', 30), 'condition.value', /expected a duration such as/],
    ['no time', property('within_last', { days: 0 }), 'condition.value.days', /at least 1/],
    ['half a day', property('within_last', { days: 0.5 }), 'condition.value.days', /whole number/],
    ['101 years', property('within_last', { days: 36_526 }), 'condition.value', /at most 100 years/],
    ['no event', { type: 'event' }, 'condition.event', /is missing/],
    ['a long event', { type: 'event', event: 'x'.repeat(256) }, 'condition.event', /at most 255/],
    ['two counts', event({ count: { atLeast: 1, atMost: 2 } }), 'condition.count', /exactly one of atLeast/],
    ['no count', event({ count: {} }), 'condition.count', /exactly one of atLeast/],
    ['a count that is a number', event({ count: 3 }), 'condition.count', /expected an object such as/],
    ['a negative count', event({ count: { atLeast: -1 } }), 'condition.count.atLeast', /must not be negative/],
    ['too many days', property('within_last', { days: 1e300 }), 'condition.value.days', /expected a whole number/],
    ['half a count', event({ count: { exactly: 1.5 } }), 'condition.count.exactly', /whole number/],
    ['too many', event({ count: { atMost: 1e9 + 1 } }), 'condition.count.atMost', /at most 1000000000/],
    ['counts upside down', event({ count: { between: [3, 2] } }), 'condition.count.between', /lower number first/],
    ['a misspelt count', event({ count: { atleast: 3 } }), 'condition.count.atleast', /unknown field/, /"atLeast"/],
    ['an empty window', event({ within: {} }), 'condition.within', /leave it out for ever/],
    ['two windows', event({ within: { last: { days: 1 }, to: '2024-01-01' } }), 'condition.within', /either last/],
    [
      'a window upside down',
      event({ within: { from: '2024-01-02', to: '2024-01-01' } }),
      'condition.within',
      /"from" before "to"/,
    ],
    ['an empty moment', event({ within: { from: '2024-01-01', to: '2024-01-01' } }), 'condition.within', /before/],
    ['a bad from', event({ within: { from: 'yesterday' } }), 'condition.within.from', /ISO 8601/],
    [
      'an unknown unit deep down',
      event({ within: { last: { month: 1 } } }),
      'condition.within.last.month',
      /unknown/,
      /minutes/,
    ],
    [
      'two questions',
      event({ count: { atLeast: 1 }, sum: 'a' }),
      'condition.sum',
      /"count" and "sum" do not go/,
      /one of/,
    ],
    ['two others', event({ occurrence: 'first', max: 'a', atLeast: 1 }), 'condition.occurrence', /do not go together/],
    ['a misspelt question', event({ occurence: 'first' }), 'condition.occurence', /unknown field/, /"occurrence"/],
    ['a bound of nothing', event({ atLeast: 3 }), 'condition.atLeast', /of what/, /"count": \{"atLeast": …\}/],
    [
      'a sum without a bound',
      event({ sum: 'a' }),
      'condition.sum',
      /must come with exactly one of atLeast, .* and between/,
    ],
    ['an average of two bounds', event({ avg: 'a', atLeast: 1, atMost: 2 }), 'condition.avg', /exactly one of atLeast/],
    ['a sum of a number', event({ sum: 5, atLeast: 1 }), 'condition.sum', /expected the name of a property/],
    ['a sum of a bad path', event({ sum: 'a.', atLeast: 1 }), 'condition.sum', /dot/],
    ['an empty question', event({ min: null, atLeast: 1 }), 'condition.min', /found null/],
    ['a bound in quotes', event({ sum: 'a', atLeast: '5' }), 'condition.atLeast', /expected a number/],
    ['infinity as a bound', event({ max: 'a', exactly: JSON.parse('1e400') }), 'condition.exactly', /beyond/],
    ['bounds upside down', event({ max: 'a', between: [2, 1] }), 'condition.between', /lower number first/],
    ['a misspelt bound', event({ sum: 'a', atleast: 1 }), 'condition.atleast', /unknown field/, /"atLeast"/],
    ['a third occurrence', event({ occurrence: 'second' }), 'condition.occurrence', /"first" or "last"/],
    [
      'a bounded occurrence',
      event({ occurrence: 'first', atLeast: 1 }),
      'condition.atLeast',
      /unknown/,
      /"occurrence" takes/,
    ],
    ['where that is one', event({ where: property('is_set') }), 'condition.where', /list of property/, /between \[/],
    [
      'where of a string',
      event({ where: ['a'] }),
      'condition.where[0]',
      /expected a property condition, found the string/,
    ],
    [
      'where of a branch',
      event({ where: [{ type: 'any', of: [] }] }),
      'condition.where[0].type',
      /found the type "any"/,
    ],
    [
      'where without a type',
      event({ where: [{ property: 'a' }] }),
      'condition.where[0].type',
      /needs a "type"/,
      /always/,
    ],
    [
      'a misspelt operator in where',
      event({ where: [property('is_set'), property('equal', 1)] }),
      'condition.where[1].operator',
      /unknown operator/,
      /"equals"/,
    ],
    ['33 in where', event({ where: Array(33).fill(property('is_set')) }), 'condition.where', /at most 32/],
    ['no steps', { type: 'sequence' }, 'condition.steps', /is missing: expected a list of steps/],
    ['one step', { type: 'sequence', steps: [{ event: 'a' }] }, 'condition.steps', /2 to 10 steps/],
    ['11 steps', { type: 'sequence', steps: Array(11).fill({ event: 'a' }) }, 'condition.steps', /2 to 10 steps/],
    ['a step that is a name', { type: 'sequence', steps: ['a', 'b'] }, 'condition.steps[0]', /a step such as.*"a"/],
    ['a step without event', { type: 'sequence', steps: [{ event: 'a' }, {}] }, 'condition.steps[1].event', /missing/],
    [
      'a limit of the first step',
      { type: 'sequence', steps: [{ event: 'a', after: { days: 1 } }, { event: 'b' }] },
      'condition.steps[0].after',
      /no place in the first step/,
    ],
    [
      'a misspelt field of a step',
      { type: 'sequence', steps: [{ event: 'a' }, { event: 'b', before: 1 }] },
      'condition.steps[1].before',
      /unknown field "before"/,
      /"steps" takes event, after, where/,
    ],
    [
      'a misspelt unit of a step',
      { type: 'sequence', steps: [{ event: 'a' }, { event: 'b', after: { day: 1 } }] },
      'condition.steps[1].after.day',
      /unknown field "day"/,
      /"days"/,
    ],
    [
      'a bad where of a step',
      { type: 'sequence', steps: [{ event: 'a' }, { event: 'b', where: [property('equals')] }] },
      'condition.steps[1].where[0].value',
      /is missing/,
    ],
    ['event in a sequence', { type: 'sequence', event: 'a', steps: [] }, 'condition.event', /unknown field "event"/],
    ['an empty segment', { type: 'segment', segment: '' }, 'condition.segment', /must not be empty/],
    ['more than all', { type: 'sample', percent: 100.1, seed: 'a' }, 'condition.percent', /from 0 to 100/],
    ['no seed', { type: 'sample', percent: 1 }, 'condition.seed', /is missing/],
  ];
  // a hint in every row, or jest would give a callback in its place
  test.each(refused.map(([name, json, path, message, hint = /^/]) => [name, json, path, message, hint] as const))(
    '%s',
    (_name, json, path, message, hint) => {
      const problem = problemOf(json);
      expect(problem).toMatchObject({ status: 422, code: 'invalid', path });
      expect(problem.message).toMatch(message);
      expect(problem.hint ?? '').toMatch(hint);
    },
  );

  test('more than the limits, and says where', () => {
    expect(problemOf(nested(17))).toMatchObject({
      path: `condition${'.of'.repeat(16)}`,
      message: expect.stringMatching(/16 levels/),
    });
    expect(problemOf(wide(257))).toMatchObject({
      path: 'condition.of[256]',
      message: expect.stringMatching(/256 leaves/),
    });
    // what stands in a leaf counts too: 33 each, and 10 each
    const heavy = event({ where: Array(32).fill(property('is_set')) });
    expect(problemOf({ type: 'all', of: Array(8).fill(heavy) }).path).toBe('condition.of[7]');
    const long = { type: 'sequence', steps: Array(10).fill({ event: 'a' }) };
    expect(problemOf({ type: 'all', of: Array(26).fill(long) }).path).toBe('condition.of[25]');
    // branches without leaves cost work too
    expect(problemOf({ type: 'all', of: Array(257).fill({ type: 'any', of: [] }) }).message).toMatch(/256 leaves/);
  });

  test('a depth that no recursion survives', () => {
    let json: unknown = property('is_set');
    for (let i = 0; i < 100_000; i++) json = { type: 'not', of: json };
    expect(problemOf(json).message).toMatch(/16 levels/);
  });

  test('paths begin where they are told to', () => {
    expect(problemOf({ type: 'not', of: 5 }, 'segments[3].condition').path).toBe('segments[3].condition.of');
  });
});

describe('any JSON', () => {
  const KEYS =
    'type of property operator value event count within where last days between segment percent seed sum avg atLeast occurrence steps after';
  const WORDS =
    'all any not property event segment sample sequence is_set equals in between contains before within_last matches toString';
  const key = fc.constantFrom(...KEYS.split(' '), 'ignoreCase', '__proto__', 'constructor', 'length', 'x');
  const word = fc.oneof(
    fc.constantFrom(...WORDS.split(' ')),
    fc.constantFrom('__proto__', '2024-01-01', '', '\0', '\ud800', 0, -0, 1, 1e9, 1e308, Infinity, true, null),
  );
  // as JSON.parse makes it: __proto__ is a property of its own
  const fromEntries = (entries: [string, unknown][]): unknown => {
    const object = {};
    for (const [name, value] of entries)
      Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
    return object;
  };
  const { json } = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      word,
      fc.array(tie('json'), { maxLength: 4 }),
      fc.uniqueArray(fc.tuple(key, tie('json')), { maxLength: 5, selector: ([name]) => name }).map(fromEntries),
    ),
  }));

  const isRead = (value: unknown): void => {
    try {
      const condition = parseCondition(value);
      expect(parseCondition(serialise(condition))).toEqual(condition);
    } catch (error) {
      if (!(error instanceof EvenkeelError)) throw error;
      expect(error.status).toBe(422);
      expect(error.path).toMatch(/^condition/);
      expect(error.message.length).toBeLessThan(400);
      expect(`${error.message}${error.path}${error.hint}`.isWellFormed()).toBe(true);
    }
  };

  test('is a condition or an EvenkeelError, never a crash', () => {
    fc.assert(fc.property(json, isRead), { numRuns: 3_000 });
    fc.assert(fc.property(fc.jsonValue(), isRead));
  });

  test('so is a condition with something in it replaced', () => {
    const places = (value: unknown, path: PropertyKey[] = []): PropertyKey[][] =>
      typeof value === 'object' && value !== null
        ? [path, ...Object.entries(value).flatMap(([name, one]) => places(one, [...path, name]))]
        : [path];
    const replaced = (value: unknown, [step, ...rest]: PropertyKey[], by: unknown): unknown => {
      if (step === undefined) return by;
      const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<PropertyKey, unknown>;
      copy[step] = replaced(copy[step], rest, by);
      return copy;
    };
    fc.assert(
      fc.property(conditions, fc.nat(), json, (condition, place, by) => {
        const whole = serialise(condition);
        const all = places(whole);
        isRead(replaced(whole, all[place % all.length] ?? [], by));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('conditionSchema', () => {
  test('reads every condition as parseCondition does', () => {
    fc.assert(
      fc.property(conditions, (condition) => {
        const json = serialise(condition);
        expect(parseCondition(json)).toEqual(condition);
        expect(conditionSchema.parse(json)).toEqual(condition);
      }),
      { numRuns: 1_000 },
    );
  });

  test('makes a JSON schema that refers to itself', () => {
    const schema = z.toJSONSchema(z.object({ condition: conditionSchema }), { io: 'input' });
    expect(schema.properties?.['condition']).toMatchObject({ $ref: '#/$defs/Condition' });
    const branches = schema.$defs?.['Condition']?.anyOf as { properties: Record<string, unknown> }[];
    expect(branches[0]?.properties['of']).toMatchObject({ items: { $ref: '#/$defs/Condition' } });
    const operators = branches.flatMap(({ properties }) => {
      const operator = properties['operator'] as { enum?: string[]; const?: string } | undefined;
      return operator?.enum ?? operator?.const ?? [];
    });
    expect(new Set(operators)).toEqual(new Set(PROPERTY_SCHEMAS.keys()));
  });
});
