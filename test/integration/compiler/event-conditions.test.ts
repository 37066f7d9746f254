import type { ConditionJson } from '../../support/oracle.ts';
import { compareWithOracle } from '../../support/compare.ts';
import { openWorld, type World } from '../../support/world.ts';
import { createWorkspace, snapshotMembers } from '../../support/workspace.ts';

/** What is asked of events, at the edges where it is decided; the oracle is asked as well. */

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 10);
const at = (ms: number): string => new Date(START + ms).toISOString();

let world: World;
let workspaceId: number;

const track = (userId: string, event: string, ms: number, properties: object = {}) => ({
  type: 'track',
  userId,
  event,
  timestamp: at(ms),
  properties,
});
const amounts = (userId: string, ...values: unknown[]) =>
  values.map((amount, i) => track(userId, 'buy', i * DAY, { amount }));

/** Users of whom all are candidates of a sequence: more than are looked up one by one. */
const WALKERS = 300;

beforeAll(async () => {
  world = await openWorld();
  workspaceId = await createWorkspace(world.pool, 'events');
  const people = ['decimals', 'strings', 'negative', 'huge', 'two', 'none'];
  await world.write(workspaceId, [
    { kind: 'messages', messages: people.map((userId) => ({ type: 'identify', userId, traits: { a: 1 } })) },
    {
      kind: 'messages',
      messages: [
        ...amounts('decimals', 0.1, 0.2),
        ...amounts('strings', '5', true, null, [5]),
        ...amounts('negative', 5, -5.5),
        ...amounts('huge', 1e308, 5e-324, -1e308),
        ...amounts('two', 1, 1, 2),
        // the first sign-up is too early for the purchase, the second is not
        track('later', 'sign up', 0),
        track('later', 'sign up', 19 * DAY),
        track('later', 'pay', 21 * DAY),
        track('edge', 'sign up', 0),
        track('edge', 'pay', 7 * DAY),
        track('over', 'sign up', 0),
        track('over', 'pay', 7 * DAY + 1),
        track('backwards', 'pay', 0),
        track('backwards', 'sign up', DAY),
        track('at once', 'sign up', 0),
        track('at once', 'pay', 0),
        track('at once, backwards', 'pay', 0),
        track('at once, backwards', 'sign up', 0),
        track('once', 'pay', 0),
      ],
    },
    {
      kind: 'messages',
      messages: Array.from({ length: WALKERS }, (_, i) => [
        track(`walker ${i}`, 'enter', 0),
        track(`walker ${i}`, 'leave', i * 60_000, { long: i >= 60 }),
      ]).flat(),
    },
  ]);
});
afterAll(() => world?.close());

const members = async (condition: ConditionJson): Promise<string[]> => {
  await compareWithOracle(world, workspaceId, condition, false);
  const { snapshotId } = await world.calculate(workspaceId, condition);
  return (await snapshotMembers(world.pool, snapshotId)).members;
};
const buy = (more: object): ConditionJson => ({ type: 'event', event: 'buy', ...more });
const BUYERS = ['decimals', 'huge', 'negative', 'strings', 'two'];

describe('an aggregate', () => {
  test.each<[object, string[]]>([
    [{ sum: 'amount', exactly: 0.3 }, ['decimals']],
    [{ sum: 'amount', between: [5e-324, 5e-324] }, ['huge']],
    [{ sum: 'amount', atLeast: 4 }, ['two']],
    [{ sum: 'amount', between: [-1, -0.5] }, ['negative']],
    [{ avg: 'amount', exactly: 0.15 }, ['decimals']],
    [{ avg: 'amount', between: [1.3333333333333333, 1.3333333333333335] }, ['two']],
    [{ avg: 'amount', exactly: 1.3333333333333333 }, []],
    [{ min: 'amount', atMost: -5.5 }, ['huge', 'negative']],
    [
      {
        max: 'amount',
        atLeast: -1e9,
        where: [{ type: 'property', property: 'amount', operator: 'less_than', value: 0 }],
      },
      ['negative'],
    ],
    // of no numbers there is no average, least or greatest
    [{ avg: 'amount', atMost: 1e300 }, ['decimals', 'huge', 'negative', 'two']],
    [{ max: 'nothing', atMost: 1e300 }, []],
  ])('%j', async (question, expected) => {
    expect(await members(buy(question))).toEqual(expected);
  });

  test('of none, a sum is 0: it is at most anything, for who never did it too', async () => {
    const found = await members(buy({ sum: 'amount', atMost: 0.2 }));
    expect(found).toEqual(expect.arrayContaining(['negative', 'none', 'strings', 'walker 0', 'huge']));
    expect(found).not.toContain('decimals');
    expect(found).toHaveLength(WALKERS + 13 - 2);
    const none = await members({ type: 'event', event: 'never done', sum: 'amount', exactly: 0 });
    expect(none).toHaveLength(WALKERS + 13);
    expect(await members({ type: 'event', event: 'never done', sum: 'amount', atLeast: 1 })).toEqual([]);
  });
});

describe('where', () => {
  const where = (operator: string, value?: unknown) => ({
    where: [{ type: 'property', property: 'amount', operator, ...(value === undefined ? {} : { value }) }],
  });
  test.each<[object, string[]]>([
    [where('equals', 5), ['negative', 'strings']],
    [{ ...where('equals', 1), count: { atLeast: 2 } }, ['two']],
    [where('not_equals', 1), BUYERS],
    [where('is_not_set'), ['strings']],
    [{ occurrence: 'first', within: { from: at(2 * DAY) }, ...where('equals', 2) }, ['two']],
    [{ occurrence: 'last', within: { to: at(1) }, ...where('greater_than', 4) }, ['huge', 'negative']],
  ])('%j', async (question, expected) => {
    expect(await members(buy(question))).toEqual(expected);
  });

  test('that holds for no event of somebody is a count of 0', async () => {
    const found = await members(buy({ count: { exactly: 0 }, ...where('is_set') }));
    expect(found).toEqual(expect.arrayContaining(['none', 'walker 1']));
    expect(found).toHaveLength(WALKERS + 13 - BUYERS.length);
  });
});

describe('first and last', () => {
  test.each<[object, string[]]>([
    [{ occurrence: 'first', within: { from: at(0), to: at(1) } }, BUYERS],
    [{ occurrence: 'first', within: { from: at(1) } }, []],
    [{ occurrence: 'last', within: { from: at(2 * DAY), to: at(2 * DAY + 1) } }, ['huge', 'two']],
    [{ occurrence: 'last', within: { to: at(2 * DAY) } }, ['decimals', 'negative']],
    [{ occurrence: 'last' }, BUYERS],
  ])('%j', async (question, expected) => {
    expect(await members(buy(question))).toEqual(expected);
  });
});

describe('a sequence', () => {
  const week = { days: 7 };
  const steps = (...of: object[]): ConditionJson => ({ type: 'sequence', steps: of });

  test('tries every choice, ends to the millisecond, and takes what came first of one millisecond first', async () => {
    const found = await members(steps({ event: 'sign up' }, { event: 'pay', after: week }));
    expect(found).toEqual(['at once', 'edge', 'later']);
    expect(await members(steps({ event: 'sign up' }, { event: 'pay' }))).toEqual(['at once', 'edge', 'later', 'over']);
    expect(await members(steps({ event: 'pay' }, { event: 'sign up' }))).toEqual(['at once, backwards', 'backwards']);
  });

  test('takes another event for each step', async () => {
    expect(await members(steps({ event: 'sign up' }, { event: 'sign up' }))).toEqual(['later']);
    expect(await members(steps({ event: 'pay' }, { event: 'pay' }))).toEqual([]);
    expect(await members(steps({ event: 'buy' }, { event: 'buy' }, { event: 'buy', after: { days: 1 } }))).toEqual([
      'huge',
      'strings',
      'two',
    ]);
  });

  test('of more users than are looked up one by one', async () => {
    const left = { event: 'leave', after: { minutes: 100 } };
    expect(await members(steps({ event: 'enter' }, left))).toHaveLength(101);
    const long = { ...left, where: [{ type: 'property', property: 'long', operator: 'equals', value: true }] };
    expect(await members(steps({ event: 'enter' }, long))).toHaveLength(41);
    const window = { within: { from: at(0), to: at(90 * 60_000) } };
    expect(await members({ ...steps({ event: 'enter' }, left), ...window })).toHaveLength(90);
  });
});
