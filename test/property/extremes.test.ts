import { foldWorkspace } from '../../src/index/fold.ts';
import { rebuild } from '../../src/index/rebuild.ts';
import { compareWithOracle } from '../support/compare.ts';
import type { ConditionJson } from '../support/oracle.ts';
import { openWorld, type World } from '../support/world.ts';
import { continueOrdinalsAt, createWorkspace } from '../support/workspace.ts';

/** Every value at the edge of what can be held, against every threshold beside it. Random conditions rarely meet either. */

const CHUNK_BITS = 32_000;
const TIMEOUT_MS = 240_000;

let world: World;
let workspaces = 0;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world?.close());

const neighbours = (value: number): number[] => {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigInt64(0);
  return [bits - 1n, bits, bits + 1n]
    .map((each) => {
      view.setBigInt64(0, each);
      return view.getFloat64(0);
    })
    .filter(Number.isFinite);
};

const number = (operator: string, value: unknown): ConditionJson => ({
  type: 'property',
  property: 'n',
  operator,
  value: value,
});

/** One user a value, across an edge of chunks; compared with few of each operator, and again when all is folded and rebuilt. */
const compareNumbers = async (
  values: readonly number[],
  thresholds: readonly number[],
  conditions: ConditionJson[],
) => {
  const workspaceId = await createWorkspace(world.pool, `extremes ${++workspaces}`);
  await continueOrdinalsAt(world.pool, workspaceId, CHUNK_BITS - 3);
  for (const [i, value] of values.entries()) {
    const traits = { n: value };
    await world.write(workspaceId, [{ kind: 'messages', messages: [{ type: 'identify', userId: `u${i}`, traits }] }]);
    // one after the other, so that scales change under what is written already
    if (i % 5 === 4) await foldWorkspace(world.client, workspaceId);
  }
  const all = [
    ...conditions,
    ...thresholds.flatMap((value, i) => [
      number(['greater_than', 'at_least', 'less_than', 'at_most'][i % 4] as string, value),
      number('equals', value),
    ]),
    number('in', thresholds.slice(0, 40)),
    number('between', [Math.min(...thresholds), Math.max(...thresholds)]),
  ];
  for (const condition of all) await compareWithOracle(world, workspaceId, condition, false);
  await rebuild(world.client, workspaceId);
  for (const condition of all.filter((_, i) => i % 3 === 0))
    await compareWithOracle(world, workspaceId, condition, false);
};

test(
  'whole numbers around 2^53 and decimals of the finest scales',
  async () => {
    const whole = [2 ** 53, -(2 ** 53), 2 ** 52 + 0.5, 2 ** 53 / 100, 0, 1, -1].flatMap(neighbours);
    await compareNumbers([0, 1, ...whole], whole, []);
    const fine = [1e-15, 1.23e-15, -1e-15, 1e-22, -3e-22, 0.1, 0.3, 90071992.54740992, 9.007199254740993e-7].flatMap(
      neighbours,
    );
    const decimals = [0, 0.1, 1e-15, 7e-16, 1e-22, 0.25, -1e-15, 90071992.54740992, 9.007199254740992e-7];
    await compareNumbers(decimals, [...fine, ...decimals], []);
  },
  TIMEOUT_MS,
);

test(
  'the least and greatest numbers that there are, and negative ones, as float64 codes',
  async () => {
    const values = [
      5e-324,
      -5e-324,
      2.2250738585072014e-308,
      1e308,
      -1e308,
      Number.MAX_VALUE,
      -Number.MAX_VALUE,
      0,
      1 / 3,
      -1 / 3,
    ];
    await compareNumbers(values, values.flatMap(neighbours), []);
  },
  TIMEOUT_MS,
);

test(
  'numbers that mean dates: seconds below 10^11, milliseconds from there on, as far as dates reach',
  async () => {
    const values = [
      1e11,
      -1e11,
      8.64e15,
      -8.64e15,
      8.64e12,
      -8.64e12,
      1e11 - 0.001,
      0,
      -0.5,
      1.5,
      946684800,
      946684800.001,
      4102444800000,
    ].flatMap(neighbours);
    const moments = [
      '0001-01-01',
      '1970-01-01',
      '1973-03-03T09:46:40.000Z',
      '1973-03-03T09:46:40.001Z',
      '2000-01-01',
      '2000-01-01T00:00:00.001Z',
      '2100-01-01',
      '5138-11-16T09:46:39.999Z',
      '5138-11-16T09:46:40Z',
      '9999-12-31T23:59:59.999Z',
    ];
    const dates = moments.flatMap((moment) => ['before', 'after', 'on'].map((operator) => number(operator, moment)));
    dates.push(number('within_last', { days: 20_000 }), number('within_next', { days: 30_000 }));
    await compareNumbers(values, [1e11, 8.64e15], dates);
    await compareNumbers([1, 2, 1e11, 4102444800000], [1e11], dates);
  },
  TIMEOUT_MS,
);

test(
  'events on the edges of days, months and time, many of them, and windows that end there',
  async () => {
    const workspaceId = await createWorkspace(world.pool, `extremes ${++workspaces}`);
    await continueOrdinalsAt(world.pool, workspaceId, CHUNK_BITS - 3);
    const moments = [
      '0001-01-01T00:00:00+15:00',
      '0001-01-01T00:00:00Z',
      '0001-01-31T23:59:59.999Z',
      '0004-02-29T12:00:00Z',
      '1899-12-31T23:59:59.999Z',
      '1970-01-01T00:00:00Z',
      '1969-12-31T23:59:59.999Z',
      '1996-02-29T00:00:00Z',
      '2000-02-29T23:59:59.999Z',
      '2000-03-01T00:00:00Z',
      '2024-01-31T00:00:00Z',
      '2024-02-29T10:00:00.001Z',
      '2024-02-29T10:00:00.002Z',
      '2024-02-29T23:59:59.999Z',
      '2024-03-01T00:00:00.000Z',
      '2024-03-31T00:00:00.000Z',
      '2101-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999-15:59',
    ];
    for (const [i, timestamp] of moments.entries()) {
      const track = (n: number) => ({ type: 'track', userId: `u${(i + n) % 7}`, event: 'e', timestamp });
      await world.write(workspaceId, [{ kind: 'messages', messages: [track(0), track(1), track(1)] }]);
    }
    const bounds = ['0001-01-01', ...moments.slice(1, -1), '9999-12-31T23:59:59.999Z'];
    const windows: object[] = [{}, { last: { days: 36_500 } }, { last: { minutes: 1 } }];
    for (const [i, from] of bounds.entries()) {
      windows.push({ from }, { to: from });
      const next = [bounds[i + 1], bounds[i + 4]];
      for (const to of next) if (to !== undefined && Date.parse(to) > Date.parse(from)) windows.push({ from, to });
    }
    const counts = [
      { atLeast: 1 },
      { atLeast: 2 },
      { exactly: 0 },
      { exactly: 3 },
      { atMost: 2 },
      { between: [0, 1] },
      { between: [2, 4] },
    ];
    const compareAll = async (salt: number, step: number) => {
      for (const [i, within] of windows.entries()) {
        if (i % step !== 0) continue;
        const some = counts.filter((_, n) => (n + i + salt) % 3 === 0);
        for (const count of some) {
          const condition = { type: 'event', event: 'e', count, ...(Object.keys(within).length > 0 ? { within } : {}) };
          await compareWithOracle(world, workspaceId, condition, false);
        }
      }
    };
    await compareAll(0, 1);
    await rebuild(world.client, workspaceId);
    await compareAll(1, 2);

    // more than 2^15, and 2^16, of one user on one day
    const person = `select shard, ordinal, 'e'::text from users where external_id = $2 and shard >> 20 = $1`;
    for (const [userId, n] of [
      ['u0', 40_000],
      ['u1', 70_000],
    ] as const)
      await world.pool.query(
        `with p as (${person}), added as (
           insert into events (shard, ordinal, event_id, occurred_at, properties)
           select p.shard, p.ordinal, n.id, timestamptz '2024-02-29 10:00Z' + make_interval(secs => i % 3600), '{}'
           from p, event_names n, generate_series(1, $3::int) i where n.workspace_id = $1 and n.name = 'e')
         insert into pending_events (shard, event_id, day, ordinal)
         select p.shard, n.id, date '2024-02-29' - date '1970-01-01', p.ordinal
         from p, event_names n where n.workspace_id = $1 and n.name = 'e'`,
        [workspaceId, userId, n],
      );
    for (const count of [{ atLeast: 32_768 }, { between: [40_000, 70_000] }, { atMost: 65_536 }, { exactly: 40_000 }])
      for (const within of [
        { from: '2024-02-01' },
        { from: '2024-02-29', to: '2024-02-29T10:30:00Z' },
        { to: '2024-03-01' },
      ]) {
        const condition = { type: 'event', event: 'e', count, within };
        await compareWithOracle(world, workspaceId, condition, false);
      }
  },
  TIMEOUT_MS,
);
