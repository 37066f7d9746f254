import {
  type ExpandedCondition,
  parseCondition,
  references,
  type TextMatch,
  textMatchKey,
} from '../../../src/conditions/index.ts';

const property = (name: string, operator: string, value?: unknown) => ({
  type: 'property',
  property: name,
  operator,
  ...(value === undefined ? {} : { value }),
});
const of = (...leaves: unknown[]) =>
  references(parseCondition({ type: 'not', of: { type: 'all', of: leaves } }) as ExpandedCondition);

describe('references', () => {
  test('properties and events, however deep', () => {
    const found = of(
      property('a', 'is_set'),
      property('__proto__', 'before', '2024-01-01'),
      { type: 'any', of: [{ type: 'event', event: 'purchase' }] },
      { type: 'sample', percent: 1, seed: 'x' },
    );
    expect([...found.properties]).toEqual(['a', '__proto__']);
    expect([...found.events]).toEqual(['purchase']);
    expect(found.textValues.size + found.elementValues.size + found.textMatches.length).toBe(0);
  });

  test('every step of a sequence is an event; what stands in where is no property of users', () => {
    const where = [property('a', 'contains', 'b'), property('a', 'equals', 'b')];
    const found = of(
      { type: 'event', event: 'purchase', sum: 'amount', atLeast: 1, where },
      { type: 'sequence', steps: [{ event: 'sign up' }, { event: 'purchase', where }] },
    );
    expect([...found.events]).toEqual(['purchase', 'sign up']);
    expect(found.properties.size + found.textValues.size + found.elementValues.size + found.textMatches.length).toBe(0);
  });

  test('equals and in look for strings in texts, and for every value among elements', () => {
    const found = of(
      property('p', 'equals', 'a'),
      property('p', 'not_in', ['b', 5, true]),
      property('q', 'not_equals', 5),
      property('q', 'equals', ''),
    );
    expect(found.textValues).toEqual(
      new Map([
        ['p', new Set(['a', 'b'])],
        ['q', new Set([''])],
      ]),
    );
    expect(found.elementValues).toEqual(
      new Map([
        ['p', new Set(['"a"', '"b"', '5', 'true'])],
        ['q', new Set(['5', '""'])],
      ]),
    );
  });

  test('includes looks among elements only', () => {
    const found = of(
      property('p', 'includes', '5'),
      property('p', 'not_includes', 5),
      property('p', 'includes_any', [-0, 1e21]),
      property('p', 'includes_all', ['é']),
    );
    expect(found.textValues.size).toBe(0);
    expect(found.elementValues).toEqual(new Map([['p', new Set(['"5"', '5', '0', '1e+21', '"é"'])]]));
  });

  test('text matches once each; a denied one is the same match', () => {
    const { textMatches } = of(
      property('p', 'contains', 'a'),
      property('p', 'not_contains', 'a'),
      property('p', 'starts_with', 'a'),
      property('q', 'contains', 'a'),
      property('p', 'contains', 'A'),
    );
    expect(textMatches).toHaveLength(4);
    expect(new Set(textMatches.map(textMatchKey)).size).toBe(4);
  });

  test('keys of matches cannot be confused by what they hold', () => {
    const leaf = (name: string, value: string) => property(name, 'contains', value) as unknown as TextMatch;
    expect(textMatchKey(leaf('a","contains', 'b'))).not.toBe(textMatchKey(leaf('a', 'contains","b')));
  });
});
