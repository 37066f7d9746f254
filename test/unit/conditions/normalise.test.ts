import fc from 'fast-check';
import { type Condition, hashCondition, normalise, parseCondition, serialise } from '../../../src/conditions/index.ts';
import { conditions, treeOver } from './arbitraries.ts';

const plan = (operator: string, value?: unknown) =>
  parseCondition({ type: 'property', property: 'plan', operator, ...(value === undefined ? {} : { value }) });
const all = (...of: Condition[]): Condition => ({ type: 'all', of });
const any = (...of: Condition[]): Condition => ({ type: 'any', of });
const not = (of: Condition): Condition => ({ type: 'not', of });
const a = plan('equals', 'a');
const b = plan('equals', 'b');
const set = plan('is_set');
const more = plan('greater_than', 1);

describe('conditions of one meaning have one hash', () => {
  test.each<[string, Condition, Condition]>([
    ['order of children', all(a, b), all(b, a)],
    ['repeats', any(a, a, b), any(a, b)],
    ['all in all', all(a, all(b, all(set))), all(a, b, set)],
    ['any in any', any(any(a), any(b)), any(a, b)],
    ['one child', all(any(a)), a],
    ['double negation', not(not(more)), more],
    ['the negation of an operator that has an opposite', not(set), plan('is_not_set')],
    ['and of the opposite', not(plan('not_in', ['a', 'b'])), plan('in', ['b', 'a'])],
    ['order and repeats in a list', plan('in', ['a', 5, '5', 'a']), plan('in', ['5', 'a', 5])],
    ['a list of one', plan('not_in', ['a', 'a']), plan('not_equals', 'a')],
    ['includes of one', plan('includes_all', ['x']), plan('includes_any', ['x'])],
    ['one day', plan('on', '2024-02-29T23:00Z'), plan('on', '2024-02-29')],
    ['one moment', plan('before', '2024-02-29T23:00-01:00'), plan('before', '2024-03-01')],
    ['an empty all in all', all(a, all()), a],
  ])('%s', (_name, one, other) => {
    expect(hashCondition(one)).toBe(hashCondition(other));
  });

  test.each<[string, Condition, Condition]>([
    ['all and any', all(a, b), any(a, b)],
    ['empty all and empty any', all(), any()],
    ['types of values', plan('equals', '5'), plan('equals', 5)],
    ['types in lists', plan('in', ['5', 'x']), plan('in', [5, 'x'])],
    ['negation', not(more), more],
    ['negation of a comparison', not(more), plan('at_most', 1)],
    ['order of between', plan('between', [1, 2]), plan('between', [1, 3])],
    ['all of a list and any of it', plan('includes_all', ['a', 'b']), plan('includes_any', ['a', 'b'])],
    ['an empty any in all', all(a, any()), a],
  ])('but not %s', (_name, one, other) => {
    expect(hashCondition(one)).not.toBe(hashCondition(other));
  });

  test('the hash is sha256 in hex of the normalised JSON, so that it may be stored', () => {
    // printf '{"type":"all","of":[]}' | sha256sum
    expect(hashCondition(all())).toBe('072386905d6dc2dd7df32554070a99e10b4d45f4cd5bab018b3b55565a24b96b');
  });
});

describe('normalise', () => {
  test('is idempotent, and its result is a condition of the language', () => {
    fc.assert(
      fc.property(conditions, (condition) => {
        const once = normalise(condition);
        expect(normalise(once)).toEqual(once);
        expect(parseCondition(serialise(once))).toEqual(once);
        expect(hashCondition(once)).toBe(hashCondition(condition));
      }),
      { numRuns: 2_000 },
    );
  });

  test('does not mind the order anywhere', () => {
    const reversed = (node: Condition): Condition => {
      if (node.type === 'all' || node.type === 'any') return { ...node, of: node.of.map(reversed).reverse() };
      if (node.type === 'not') return { ...node, of: reversed(node.of) };
      if (node.type !== 'property') return node;
      switch (node.operator) {
        case 'in':
        case 'not_in':
        case 'includes_any':
        case 'includes_all':
          return { ...node, value: [...node.value].reverse() };
        default:
          return node;
      }
    };
    fc.assert(
      fc.property(conditions, (condition) => expect(hashCondition(reversed(condition))).toBe(hashCondition(condition))),
    );
  });

  test('keeps the meaning: the same users are members', () => {
    const held = ['a', 'b', 5] as const;
    const leaf = fc
      .tuple(
        fc.constantFrom('equals', 'not_equals', 'in', 'not_in', 'is_set', 'is_not_set', 'includes_any', 'includes_all'),
        fc.array(fc.constantFrom(...held), { minLength: 1, maxLength: 3 }),
      )
      .map(([operator, values]) =>
        operator.startsWith('is_') ? plan(operator) : plan(operator, operator.endsWith('equals') ? values[0] : values),
      );
    fc.assert(
      fc.property(treeOver(leaf), fc.subarray([...held]), (condition, elements) => {
        expect(isMember(normalise(condition), elements)).toBe(isMember(condition, elements));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Of a user whose `plan` is a list of `elements`. */
const isMember = (node: Condition, elements: readonly unknown[]): boolean => {
  if (node.type === 'all') return node.of.every((child) => isMember(child, elements));
  if (node.type === 'any') return node.of.some((child) => isMember(child, elements));
  if (node.type === 'not') return !isMember(node.of, elements);
  if (node.type !== 'property') throw new Error(node.type);
  switch (node.operator) {
    case 'is_set':
      return elements.length > 0;
    case 'is_not_set':
      return elements.length === 0;
    case 'equals':
    case 'includes':
      return elements.includes(node.value);
    case 'not_equals':
    case 'not_includes':
      return !elements.includes(node.value);
    case 'in':
    case 'includes_any':
      return node.value.some((one) => elements.includes(one));
    case 'not_in':
      return !node.value.some((one) => elements.includes(one));
    case 'includes_all':
      return node.value.every((one) => elements.includes(one));
    default:
      throw new Error(node.operator);
  }
};
