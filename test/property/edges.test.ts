import fc from 'fast-check';
import { compile } from '../../src/compiler/compile.ts';
import { previewStatement } from '../../src/compiler/statements.ts';
import { expandSegments } from '../../src/conditions/expand.ts';
import { parseCondition } from '../../src/conditions/parse.ts';
import { references } from '../../src/conditions/references.ts';
import { loadCatalogue } from '../../src/index/catalogue.ts';
import { foldWorkspace } from '../../src/index/fold.ts';
import { EVENTS } from '../support/arbitraries.ts';
import { firstWrites } from '../support/messages.ts';
import { type ConditionJson, oracleMembers } from '../support/oracle.ts';
import { openWorld, type World } from '../support/world.ts';
import { createWorkspace, propertiesOf } from '../support/workspace.ts';
import { assertAll } from './check.ts';
import { seed } from './seed.ts';

/**
 * A calculation's `asOf` is the clock's, so random conditions hardly ever put the edge of a rolling window on an event. Here
 * `asOf` is chosen: a moment of the data, and a millisecond before and after it, at each end of each kind of window.
 */

const USERS = 150;
const CASES = 400;
const TIMEOUT_MS = 120_000;
const UNITS = { minutes: 60_000, hours: 3_600_000, days: 86_400_000, weeks: 604_800_000 } as const;

let world: World;
let workspaceId: number;
let eventTimes: number[];
let dates: number[];

beforeAll(async () => {
  world = await openWorld();
  workspaceId = await createWorkspace(world.pool, 'edges');
  const nowMs = Date.now();
  const writes = fc.sample(firstWrites(USERS, nowMs, false), { seed, numRuns: 1 })[0];
  await world.write(workspaceId, writes ?? []);
  await foldWorkspace(world.client, workspaceId);
  const happened = await world.pool.query<{ ms: number }>(
    'select distinct (extract(epoch from occurred_at) * 1000)::bigint as ms from events order by 1',
  );
  eventTimes = happened.rows.map(({ ms }) => Number(ms));
  const users = await propertiesOf(world.pool, workspaceId);
  dates = [...users.values()]
    .map(({ properties }) => Date.parse(String((properties as { seen?: unknown }).seen)))
    .filter((ms) => !Number.isNaN(ms));
}, TIMEOUT_MS);
afterAll(async () => {
  await world?.close();
});

interface Edge {
  readonly condition: ConditionJson;
  readonly asOf: number;
}

const edges = (): fc.Arbitrary<Edge> => {
  const duration = fc
    .tuple(fc.constantFrom(...(Object.keys(UNITS) as (keyof typeof UNITS)[])), fc.integer({ min: 1, max: 70 }))
    .map(([unit, amount]) => ({ given: { [unit]: amount }, ms: UNITS[unit] * amount }));
  const by = fc.constantFrom(-1, 0, 1);
  const event = fc
    .tuple(fc.constantFrom(...eventTimes), duration, by, fc.boolean(), fc.constantFrom(...EVENTS), fc.nat({ max: 3 }))
    .map(([at, { given, ms }, off, atEnd, name, times]) => ({
      condition: { type: 'event', event: name, count: { atLeast: times }, within: { last: given } },
      asOf: (atEnd ? at : at + ms) + off,
    }));
  const ever = fc.tuple(fc.constantFrom(...eventTimes), by, fc.constantFrom(...EVENTS)).map(([at, off, name]) => ({
    condition: { type: 'event', event: name, count: { exactly: 0 } },
    asOf: at + off,
  }));
  const until = fc
    .tuple(fc.constantFrom(...eventTimes), fc.constantFrom(...eventTimes), by, fc.constantFrom(...EVENTS))
    .map(([at, to, off, name]) => ({
      condition: { type: 'event', event: name, within: { to: new Date(to).toISOString() } },
      asOf: at + off,
    }));
  const question = fc.constantFrom<object>(
    { occurrence: 'first' },
    { occurrence: 'last' },
    { sum: 'age', atMost: 10 },
    { avg: 'age', atLeast: 10 },
    { where: [{ type: 'property', property: 'plan', operator: 'is_set' }] },
  );
  const asked = fc.tuple(event, question).map(
    ([
      {
        condition: { count: _, ...bare },
        asOf,
      },
      more,
    ]) => ({ condition: { ...bare, ...more } as ConditionJson, asOf }),
  );
  const walked = fc
    .tuple(event, fc.subarray([...EVENTS], { minLength: 2, maxLength: 2 }), fc.boolean(), duration)
    .map(([{ condition, asOf }, names, turned, { given }]) => {
      const [first, second] = turned ? [...names].reverse() : names;
      const steps = [{ event: first }, { event: second, after: given }];
      return { condition: { type: 'sequence', steps, within: condition.within }, asOf };
    });
  const property = fc
    .tuple(
      fc.constantFrom(...dates),
      duration,
      by,
      fc.boolean(),
      fc.constantFrom('within_last', 'not_within_last', 'within_next'),
      fc.constantFrom('seen', 'born', 'mixed'),
    )
    .map(([at, { given, ms }, off, near, operator, name]) => ({
      condition: { type: 'property', property: name, operator, value: given },
      asOf: (near ? at : operator === 'within_next' ? at - ms : at + ms) + off,
    }));
  return fc.oneof(event, ever, until, asked, walked, property);
};

test(
  'windows end and dates count to the millisecond',
  () =>
    assertAll(
      edges(),
      async ({ condition, asOf }) => {
        const expanded = expandSegments(parseCondition(condition), () => undefined);
        const catalogue = await loadCatalogue(world.client, workspaceId, references(expanded));
        const membership = compile(expanded, catalogue, asOf);
        const statement = previewStatement(membership, { shards: catalogue.shards, sample: USERS });
        const { rows } = await world.pool.query<{ members: number; sample: string[] }>(statement.text, [
          ...statement.values,
        ]);
        const expected = await oracleMembers(world.pool, workspaceId, condition, asOf);
        expect([...(rows[0]?.sample ?? [])].sort()).toEqual(expected);
        expect(rows[0]?.members).toBe(expected.length);
      },
      { seed, numRuns: CASES },
    ),
  TIMEOUT_MS,
);
