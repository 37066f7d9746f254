import { sortValue, valueAt } from '../../../src/index/values.ts';

const sorted = (value: unknown): string[] => {
  const said: string[] = [];
  sortValue(value, {
    set: () => said.push('set'),
    text: (text) => said.push(`text ${text}`),
    number: (n) => said.push(`number ${n}`),
    boolean: (b) => said.push(`boolean ${b}`),
    date: (ms) => said.push(`date ${ms}`),
    element: (key) => said.push(`element ${key}`),
  });
  return said;
};

test.each([
  [undefined, []],
  [null, []],
  ['', ['text ']],
  [[], []],
  [{}, ['set']],
  [0, ['set', 'number 0']],
  [false, ['set', 'boolean false']],
  ['5', ['set', 'text 5']],
  ['1970-01-02', ['set', 'text 1970-01-02', 'date 86400000']],
  [Number.POSITIVE_INFINITY, ['set']],
  [
    ['a', 5, '5', true, '', -0],
    ['set', 'element "a"', 'element 5', 'element "5"', 'element true', 'element ""', 'element 0'],
  ],
  [[null, [], {}, ['a']], ['set']],
])('%j is sorted into its columns', (value, said) => {
  expect(sorted(value)).toEqual(said);
});

test('a path goes through members of objects only', () => {
  const properties: unknown = JSON.parse('{"a":{"b":{"0":1}},"list":[5],"text":"x","__proto__":{"c":2},"n":null}');
  expect(valueAt(properties, ['a', 'b', '0'])).toBe(1);
  expect(valueAt(properties, ['__proto__', 'c'])).toBe(2);
  for (const path of [
    ['list', '0'],
    ['text', 'length'],
    ['constructor'],
    ['a', 'toString'],
    ['n', 'x'],
    ['a', '__proto__'],
  ])
    expect(valueAt(properties, path)).toBeUndefined();
});
