import fc from 'fast-check';
import { MAX_PROPERTY_DEPTH } from '../../../src/ingest/limits.ts';
import { eachChange, eachPath, mergePatch, type Properties, readProperties } from '../../../src/ingest/properties.ts';

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;
const read = (text: string, nulls: 'keep' | 'drop' = 'drop') =>
  json(readProperties(JSON.parse(text), { path: 'traits', nulls }));

describe('properties as they come', () => {
  test('a dotted key is the path that it names', () => {
    expect(read('{"a.b":1,"a":{"c":2},"d.e.f":[{"g.h":1}]}')).toEqual({
      a: { b: 1, c: 2 },
      d: { e: { f: [{ 'g.h': 1 }] } },
    });
    expect(read('{"a":{"b.c":1,"b":{"d":2}}}')).toEqual({ a: { b: { c: 1, d: 2 } } });
    expect(read('{"a":null,"b":{"c":null}}')).toEqual({ b: {} });
    expect(read('{"a":null,"b.c":null}', 'keep')).toEqual({ a: null, b: { c: null } });
    expect(Object.keys(readProperties(JSON.parse('{"__proto__.x":1}'), { path: '', nulls: 'drop' }))).toEqual([
      '__proto__',
    ]);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test.each([
    ['{"a":1,"a.b":2}', 'traits["a.b"]', /same property/],
    ['{"a.b":2,"a":1}', 'traits.a', /same property/],
    ['{"a":{"b":1},"a.b":2}', 'traits["a.b"]', /same property/],
    ['{"a.b":{"c":1},"a":{"b.c":2}}', 'traits.a["b.c"]', /same property/],
    ['{"":1}', 'traits[""]', /dots/],
    ['{"a..b":1}', 'traits["a..b"]', /dots/],
    ['{"x":{".a":1}}', 'traits.x[".a"]', /dots/],
    ['{"a":"\\u0000"}', 'traits.a', /NUL/],
    ['{"a":["x",{"b":"\\ud800"}]}', 'traits.a[1].b', /surrogate/],
    ['{"a\\u0000":1}', 'traits["a\\u0000"]', /NUL/],
    [`{"${'k'.repeat(256)}":1}`, undefined, /longer than 255/],
    [`{"${'a.'.repeat(MAX_PROPERTY_DEPTH)}a":1}`, undefined, /levels deep/],
    [`${'{"a":'.repeat(MAX_PROPERTY_DEPTH + 1)}1${'}'.repeat(MAX_PROPERTY_DEPTH + 1)}`, undefined, /levels deep/],
  ])('refuses %s', (text, path, message) => {
    const refused = (() => {
      try {
        return read(text);
      } catch (error) {
        return error as Error & { path?: string; status?: number };
      }
    })() as Error & { path?: string; status?: number };
    expect(refused.message).toMatch(message);
    expect(refused.status).toBe(422);
    if (path !== undefined) expect(refused.path).toBe(path);
  });

  test('as deep as may be', () => {
    const deep = `${'{"a":'.repeat(MAX_PROPERTY_DEPTH)}1${'}'.repeat(MAX_PROPERTY_DEPTH)}`;
    expect(read(deep)).toEqual(JSON.parse(deep));
    expect(read(`{"${'a.'.repeat(MAX_PROPERTY_DEPTH - 1)}a":1}`)).toEqual(JSON.parse(deep));
  });
});

test('merging is what RFC 7396 has in its appendix', () => {
  const cases: [object, object, object][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of cases) expect(json(mergePatch(target, patch as Properties))).toEqual(result);
});

const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(1, 0, -0, '', 'x', true, '1'),
    fc.array(tie('value'), { maxLength: 2 }),
    tie('object'),
  ),
  object: fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'toString'), tie('value'), {
    maxKeys: 3,
    noNullPrototype: false,
  }),
})).object;

const flat = (properties: unknown, prefix = '', into = new Map<string, string>()): Map<string, string> => {
  for (const key of Object.keys(properties as object)) {
    const own = (properties as Record<string, unknown>)[key];
    const isObject = typeof own === 'object' && own !== null && !Array.isArray(own);
    into.set(
      prefix + key,
      isObject
        ? '{}'
        : JSON.stringify(own, (_, each: unknown) =>
            each instanceof Object && !Array.isArray(each)
              ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
              : each,
          ),
    );
    if (isObject) flat(own, `${prefix}${key}.`, into);
  }
  return into;
};

test('changes are the paths whose values differ, at every level', () => {
  fc.assert(
    fc.property(value, value, (before, after) => {
      const [old, now] = [flat(before), flat(after)];
      const expected = [...new Set([...old.keys(), ...now.keys()])].filter((path) => old.get(path) !== now.get(path));
      const found: string[] = [];
      eachChange(before as Properties, after as Properties, (path) => found.push(path));
      expect(found.sort()).toEqual(expected.sort());
      const paths: string[] = [];
      eachPath(after as Properties, (path) => paths.push(path));
      expect(paths.sort()).toEqual([...now.keys()].sort());
    }),
    { numRuns: 2_000 },
  );
});
