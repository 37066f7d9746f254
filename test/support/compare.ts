import { preview } from '../../src/calculations/questions.ts';
import { parseCondition } from '../../src/conditions/parse.ts';
import { compareNodes } from './compare-nodes.ts';
import { type ConditionJson, oracleMembers, oracleUsers } from './oracle.ts';
import { rowMembers } from './row-members.ts';
import type { World } from './world.ts';
import { propertiesOf, snapshotMembers } from './workspace.ts';

const SHOWN_USERS = 5;

/** Members of the snapshot before, as far as they still exist. */
const previousMembers = async (world: World, snapshotId: number): Promise<readonly string[]> => {
  const { rows } = await world.pool.query<{ previous_id: number | null }>(
    'select previous_id from snapshots where id = $1',
    [snapshotId],
  );
  const previousId = rows[0]?.previous_id ?? null;
  return previousId === null ? [] : (await snapshotMembers(world.pool, previousId)).members;
};

/** How many of one list are not in the other. */
const count = (from: readonly string[], without: readonly string[]): number => {
  const set = new Set(without);
  return from.filter((id) => !set.has(id)).length;
};

/**
 * Calculates `condition` and compares everything that the calculation says with the oracle: the members one by one, the
 * counts, who entered and left since the snapshot before; the same condition row by row; and, when `thorough`, the preview and single users.
 *
 * @throws with the condition and the users that differ
 */
export const compareWithOracle = async (
  world: World,
  workspaceId: number,
  condition: ConditionJson,
  thorough: boolean,
): Promise<void> => {
  const done = await world.calculate(workspaceId, condition);
  const expected = await oracleMembers(world.pool, workspaceId, condition, done.asOf);
  const everybody = await oracleUsers(world.pool, workspaceId);
  const byRow = await rowMembers(world.client, workspaceId, condition, done.asOf);
  if (byRow.join('\n') !== expected.join('\n'))
    throw new Error(`row by row: ${await difference(world, workspaceId, condition, done.asOf, byRow, expected)}`);
  const { members, bits } = await snapshotMembers(world.pool, done.snapshotId);
  if (members.join('\n') !== expected.join('\n'))
    throw new Error(await difference(world, workspaceId, condition, done.asOf, members, expected));
  const previous = await previousMembers(world, done.snapshotId);
  const said = {
    bits,
    members: done.members,
    population: done.population,
    entered: done.entered,
    left: done.left,
  };
  const wanted = {
    bits: expected.length,
    members: expected.length,
    population: everybody.length,
    entered: count(expected, previous),
    left: count(previous, expected),
  };
  if (JSON.stringify(said) !== JSON.stringify(wanted))
    throw new Error(
      `${JSON.stringify(condition)}\nthe calculation says ${JSON.stringify(said)}, the oracle ${JSON.stringify(wanted)}`,
    );
  if (thorough) await compareQuestions(world, workspaceId, condition, expected, everybody);
};

/** The preview, and what is told of each node: also of single users, some that are in and one that is not. */
const compareQuestions = async (
  world: World,
  workspaceId: number,
  condition: ConditionJson,
  expected: readonly string[],
  everybody: readonly string[],
): Promise<void> => {
  const shown = await preview(world.client, {
    kind: 'preview',
    workspaceId,
    condition: parseCondition(condition),
    sample: SHOWN_USERS,
  });
  const inside = new Set(expected);
  const fits =
    shown.members === expected.length &&
    shown.population === everybody.length &&
    shown.sample.length === Math.min(SHOWN_USERS, expected.length) &&
    new Set(shown.sample).size === shown.sample.length &&
    shown.sample.every((id) => inside.has(id));
  if (!fits)
    throw new Error(
      `${JSON.stringify(condition)}\nthe preview says ${JSON.stringify(shown)}, the oracle ${expected.length} of ${everybody.length}`,
    );
  const outsider = everybody.find((id) => !inside.has(id));
  const asked = [expected[0], expected.at(-1), outsider].filter((id) => id !== undefined);
  await compareNodes(world, workspaceId, condition, everybody, asked);
};

const difference = async (
  world: World,
  workspaceId: number,
  condition: ConditionJson,
  asOf: number,
  members: readonly string[],
  expected: readonly string[],
): Promise<string> => {
  const [inside, wanted] = [new Set(members), new Set(expected)];
  const wrong = [...members.filter((id) => !wanted.has(id)), ...expected.filter((id) => !inside.has(id))];
  const users = await propertiesOf(world.pool, workspaceId);
  const shown = wrong.slice(0, SHOWN_USERS).map((id) => {
    const side = wanted.has(id) ? 'missing' : 'too many';
    return `${side}: ${JSON.stringify({ userId: id, ...users.get(id) }).slice(0, 2_000)}`;
  });
  return [
    `${JSON.stringify(condition)}`,
    `workspace ${workspaceId}, asOf ${asOf} (${new Date(asOf).toISOString()})`,
    `${wrong.length} users differ from the oracle's ${expected.length}:`,
    ...shown,
  ].join('\n');
};
