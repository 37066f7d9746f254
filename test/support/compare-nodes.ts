import { explain } from '../../src/calculations/explain.ts';
import { isMember } from '../../src/calculations/why.ts';
import { parseCondition } from '../../src/conditions/parse.ts';
import { type ConditionJson, oracleMembers } from './oracle.ts';
import type { World } from './world.ts';

/** What is said of one node, whoever says it. */
interface Told {
  readonly type: string;
  readonly of?: Told | readonly Told[];
}
interface Counted extends Told {
  readonly alone: number;
  readonly inSequence: number;
}
interface Judged extends Told {
  readonly holds: boolean;
}

interface Node {
  readonly condition: ConditionJson;
  readonly members: ReadonlySet<string>;
  readonly of: readonly Node[];
}

const childrenOf = (of: unknown): unknown[] => (of === undefined ? [] : Array.isArray(of) ? of : [of]);

const nodeOf = async (world: World, workspaceId: number, condition: ConditionJson, asOf: number): Promise<Node> => {
  const of: Node[] = [];
  for (const child of childrenOf(condition['of']))
    of.push(await nodeOf(world, workspaceId, child as ConditionJson, asOf));
  return { condition, members: new Set(await oracleMembers(world.pool, workspaceId, condition, asOf)), of };
};

/** Calls `check` for each node with what is said of it; what stands below the name of a segment is not looked at. */
const eachNode = <T extends Told>(node: Node, told: T, check: (node: Node, told: T) => void): void => {
  check(node, told);
  if (node.condition.type === 'segment') return;
  for (const [i, child] of childrenOf(told.of).entries()) eachNode(node.of[i] as Node, child as T, check);
};

const fail = (node: Node, what: string): never => {
  throw new Error(`${JSON.stringify(node.condition)}: ${what}`);
};

/** What `explain` says of each node, and `isMember` of each node and each of `users`, against the oracle's members of each. */
export const compareNodes = async (
  world: World,
  workspaceId: number,
  condition: ConditionJson,
  everybody: readonly string[],
  users: readonly string[],
): Promise<void> => {
  const task = { workspaceId, condition: parseCondition(condition), analyze: false };
  const said = await explain(world.client, { kind: 'explain', ...task });
  const root = await nodeOf(world, workspaceId, condition, Date.parse(said.asOf));
  eachNode<Counted>(root, said.funnel, (node, told) => {
    if (told.alone !== node.members.size) fail(node, `explain counts ${told.alone}, the oracle ${node.members.size}`);
  });
  compareSequence(root, said.funnel, new Set(everybody));
  for (const userId of users) {
    const why = await isMember(world.client, { kind: 'member', workspaceId, segmentKey: 'testing', userId });
    const then = await nodeOf(world, workspaceId, condition, Date.parse(why.asOf));
    if (why.member !== then.members.has(userId)) fail(then, `${userId} is said to be a member: ${why.member}`);
    eachNode<Judged>(then, why.condition, (node, told) => {
      if (told.holds !== node.members.has(userId)) fail(node, `it is said to hold for ${userId}: ${told.holds}`);
    });
  }
};

/** `among`: who comes to the node. */
const compareSequence = (node: Node, told: Counted, among: ReadonlySet<string>): void => {
  const here = [...node.members].filter((id) => among.has(id)).length;
  if (told.inSequence !== here) fail(node, `explain counts ${told.inSequence} in sequence, the oracle ${here}`);
  const { type } = node.condition;
  if (type === 'segment') return;
  let coming = among;
  for (const [i, child] of childrenOf(told.of).entries()) {
    const below = node.of[i] as Node;
    compareSequence(below, child as Counted, coming);
    if (type !== 'not') coming = new Set([...coming].filter((id) => below.members.has(id) === (type === 'all')));
  }
};
