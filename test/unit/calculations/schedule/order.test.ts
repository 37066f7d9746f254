import fc from 'fast-check';
import type { Definition } from '../../../../src/calculations/definitions.ts';
import { sourcesFirst } from '../../../../src/calculations/schedule/order.ts';

const naming = (keys: readonly string[]) => ({
  type: 'any',
  of: keys.map((segment) => ({ type: 'segment', segment })),
});
const definitionsOf = (graph: ReadonlyMap<string, unknown>): Map<string, Definition> =>
  new Map([...graph].map(([key, condition], id) => [key, { id, key, version: 1, condition, lists: null }]));

test('a segment comes after all that it depends on, also through others that are not due', () => {
  const size = 12;
  const edges = fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 30 });
  const due = fc.subarray(Array.from({ length: size }, (_, i) => i));
  fc.assert(
    fc.property(edges, due, (pairs, chosen) => {
      // from a later to an earlier number only: there are no cycles
      const graph = new Map<string, string[]>(Array.from({ length: size }, (_, i) => [`s${i}`, []]));
      for (const [a, b] of pairs) if (a !== b) graph.get(`s${Math.max(a, b)}`)?.push(`s${Math.min(a, b)}`);
      const reach = (key: string): string[] => (graph.get(key) ?? []).flatMap((below) => [below, ...reach(below)]);
      const definitions = definitionsOf(new Map([...graph].map(([key, keys]) => [key, naming(keys)])));
      const order = sourcesFirst(chosen.map((i) => ({ key: `s${i}` })).reverse(), definitions).map(({ key }) => key);
      expect([...order].sort()).toEqual(chosen.map((i) => `s${i}`).sort());
      for (const [at, key] of order.entries())
        for (const source of reach(key)) if (order.includes(source)) expect(order.indexOf(source)).toBeLessThan(at);
    }),
  );
});

test('those that do not depend on each other stay in their order, and one that cannot be read holds up nobody', () => {
  const definitions = definitionsOf(
    new Map<string, unknown>([
      ['a', naming([])],
      ['bad', { type: '?' }],
      ['b', naming(['bad'])],
    ]),
  );
  const keys = sourcesFirst([{ key: 'b' }, { key: 'unknown' }, { key: 'a' }, { key: 'bad' }], definitions);
  expect(keys.map(({ key }) => key)).toEqual(['unknown', 'a', 'bad', 'b']);
});
