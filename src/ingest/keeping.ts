import type pg from 'pg';
import { compile, positive } from '../compiler/compile.ts';
import { isWorthKeeping, keepStatement, leafKey, MAX_KEPT_LEAF_LENGTH, mayBeKept } from '../compiler/kept.ts';
import { isBranch, leavesOf } from '../conditions/leaves.ts';
import { parseCondition } from '../conditions/parse.ts';
import { references } from '../conditions/references.ts';
import type { Condition, PropertyCondition, Tree } from '../conditions/types.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { loadCatalogue } from '../index/catalogue.ts';
import { digestOf } from '../index/digest.ts';
import { withFoldLock } from '../index/fold.ts';
import { shardRange } from '../index/layout.ts';

/**
 * Which leaves of a workspace's segments, and which trees of such leaves, bitmaps are kept of, and making those that are not there.
 * Decisions 0039 and 0045.
 */

const MISSING = sql('kept-missing');
const ADD = sql('kept-add');
const DROP = sql('kept-drop');

/** Of one workspace: each is a bitmap a chunk, beside some 280 of its properties where there are 8 of them. */
export const MAX_KEPT_LEAVES = 128;
/** So many leaves, and so many trees: a fold of the property makes all of them anew in the chunks that it touches, at up to 0.3 ms each. */
export const MAX_KEPT_A_PROPERTY = 16;
/** Bitmaps that one statement makes, and how long a transaction goes on: others wait for the lock meanwhile. */
const KEPT_A_STATEMENT = 64;
const TURN_MS = 100;

/** The condition does not depend on the time. */
const ANY_TIME = 0;

/** Keeps what segments have, as far as it is worth it, and no more what none has. Gives how many bitmaps were made. */
export const keepLeaves = async (client: pg.ClientBase, workspaceId: number): Promise<number> => {
  const { add, drop } = await choose(client, workspaceId);
  if (add.length + drop.length > 0)
    await asFolder(client, workspaceId, async () => {
      await client.query(DROP, [drop, ...shardRange(workspaceId)]);
      const read = add.flatMap((each, i) => propertiesOf(each).map((property) => ({ of: i + 1, property })));
      await client.query(ADD, [
        workspaceId,
        add.map((each) => digestOf(leafKey(each))),
        add.map(leafKey),
        read.map(({ of }) => of),
        read.map(({ property }) => property),
      ]);
    });
  return fillKept(client, workspaceId);
};

/** Makes the bitmaps that folds have taken away, or that were not there yet. Gives how many. */
export const fillKept = async (client: pg.ClientBase, workspaceId: number): Promise<number> => {
  const { rows } = await client.query<{ id: number; leaf: string }>(MISSING, [workspaceId]);
  const left = rows.map(({ id, leaf }) => ({ id, condition: JSON.parse(leaf) as Keepable }));
  let made = 0;
  while (left.length > 0) made += await asFolder(client, workspaceId, () => fillSome(client, workspaceId, left));
  return made;
};

/** A leaf of properties, or a tree of such. */
type Keepable = Tree<PropertyCondition>;

interface KeptOne {
  readonly id: number;
  readonly condition: Keepable;
}

const propertiesOf = (condition: Keepable): string[] => [
  ...new Set(leavesOf(condition).map(({ property }) => property)),
];

/** For a while; takes those that are done out of `left`. */
const fillSome = async (client: pg.ClientBase, workspaceId: number, left: KeptOne[]): Promise<number> => {
  const until = performance.now() + TURN_MS;
  // plans of tables that were empty when they were analysed would read them whole
  await client.query('set local enable_seqscan = off');
  const catalogue = {
    ...(await catalogueOf(
      client,
      workspaceId,
      left.map(({ condition }) => condition),
    )),
    kept: new Map(),
  };
  let made = 0;
  for (let next = left[0]; next !== undefined && performance.now() < until; next = left[0]) {
    const membership = compile(next.condition, catalogue, ANY_TIME);
    if (!isWorthKeeping(next.condition, membership)) {
      await client.query(DROP, [[next.id], ...shardRange(workspaceId)]);
      left.shift();
      continue;
    }
    const statement = keepStatement(membership, {
      leafId: next.id,
      shards: shardRange(workspaceId),
      limit: KEPT_A_STATEMENT,
    });
    const { rowCount } = await client.query(statement.text, statement.values);
    made += rowCount ?? 0;
    if ((rowCount ?? 0) < KEPT_A_STATEMENT) left.shift();
  }
  return made;
};

/** As the only one that changes bitmaps, in a snapshot younger than all such changes. */
const asFolder = <T>(client: pg.ClientBase, workspaceId: number, work: () => Promise<T>): Promise<T> =>
  withFoldLock(client, workspaceId, () => transaction(client, work, { isolation: 'repeatable read' }));

const catalogueOf = (db: Queryable, workspaceId: number, conditions: readonly Keepable[]) =>
  loadCatalogue(db, workspaceId, references({ type: 'any', of: conditions }));

interface Choice {
  readonly add: readonly Keepable[];
  /** Ids. */
  readonly drop: readonly number[];
}

/**
 * What is kept stays as long as a segment has it. Of the others those come first that most segments have, and trees before what stands
 * in them. A tree that stands in one that is kept is left out, unless other segments have it too; leaves are not, since new segments and
 * `explain` ask for them.
 */
const choose = async (client: pg.ClientBase, workspaceId: number): Promise<Choice> => {
  const wanted = await wantedOf(client, workspaceId);
  const { rows } = await client.query<{ id: number; leaf: string }>(
    'select id, leaf from kept_leaves where workspace_id = $1::integer',
    [workspaceId],
  );
  const drop = rows.filter(({ leaf }) => !wanted.has(leaf)).map(({ id }) => id);
  const chosen = new Map(rows.flatMap(({ leaf }) => (wanted.has(leaf) ? [[leaf, wanted.get(leaf) as Wanted]] : [])));
  const room = new Room(chosen.values());
  // those that have no room would hide the others
  const candidates = [...wanted]
    .filter(([key, { condition }]) => !chosen.has(key) && room.isFor(condition))
    .sort(([a, { segments: ofA }], [b, { segments: ofB }]) => ofB - ofA || b.length - a.length)
    .slice(0, 2 * MAX_KEPT_LEAVES);
  if (chosen.size >= MAX_KEPT_LEAVES || candidates.length === 0) return { add: [], drop };
  const catalogue = {
    ...(await catalogueOf(
      client,
      workspaceId,
      candidates.map(([, { condition }]) => condition),
    )),
    kept: new Map(),
  };
  const add: Keepable[] = [];
  for (const [key, one] of candidates) {
    const { condition } = one;
    if (chosen.size >= MAX_KEPT_LEAVES) break;
    if (!room.isFor(condition)) continue;
    if (isBranch(condition) && standsInOne(key, one, chosen)) continue;
    if (!isWorthKeeping(condition, compile(condition, catalogue, ANY_TIME))) continue;
    room.take(condition);
    chosen.set(key, one);
    add.push(condition);
  }
  return { add, drop };
};

/** What is kept of each property: so many leaves, and so many trees. */
class Room {
  readonly #taken = new Map<string, number>();

  constructor(kept: Iterable<Wanted>) {
    for (const { condition } of kept) this.take(condition);
  }

  isFor(condition: Keepable): boolean {
    return placesOf(condition).every((place) => (this.#taken.get(place) ?? 0) < MAX_KEPT_A_PROPERTY);
  }

  take(condition: Keepable): void {
    for (const place of placesOf(condition)) this.#taken.set(place, (this.#taken.get(place) ?? 0) + 1);
  }
}

const placesOf = (condition: Keepable): string[] =>
  propertiesOf(condition).map((property) => `${isBranch(condition) ? 'tree' : 'leaf'} ${property}`);

/** A key stands in another as it is: within a text its quotes would be escaped. */
const standsInOne = (key: string, { segments }: Wanted, chosen: ReadonlyMap<string, Wanted>): boolean =>
  [...chosen].some(([other, of]) => other.includes(key) && of.segments >= segments);

interface Wanted {
  readonly condition: Keepable;
  segments: number;
}

/** By `leafKey`: what may be kept of segments. What is in a segment that another names stands in its own condition. */
const wantedOf = async (db: Queryable, workspaceId: number): Promise<Map<string, Wanted>> => {
  const { rows } = await db.query<{ condition: unknown }>(
    'select condition from segments where workspace_id = $1::integer and condition is not null order by id',
    [workspaceId],
  );
  const wanted = new Map<string, Wanted>();
  for (const { condition } of rows)
    for (const [key, found] of toKeep(parseCondition(condition))) {
      const known = wanted.get(key);
      if (known) known.segments += 1;
      else wanted.set(key, { condition: found, segments: 1 });
    }
  return wanted;
};

/** What a part of a condition is, as far as it matters for keeping. */
interface Part {
  readonly mayBeKept: boolean;
  /** Whoever has nothing that it reads is in it: it is the complement of what could be kept. */
  readonly complement: boolean;
}

const toKeep = (condition: Condition): Map<string, Keepable> => {
  const found = new Map<string, Keepable>();
  const visit = (node: Condition): Part => {
    if (!isBranch(node)) {
      if (node.type === 'segment') return { mayBeKept: false, complement: false };
      const { leaf, negated } = positive(node);
      if (!mayBeKept(leaf)) return { mayBeKept: false, complement: negated };
      found.set(leafKey(leaf), leaf);
      return { mayBeKept: true, complement: negated };
    }
    // every child is visited: what may be kept of those that others hinder is kept by itself
    const parts = node.type === 'not' ? [visit(node.of)] : node.of.map(visit);
    const part = { mayBeKept: parts.every((each) => each.mayBeKept), complement: isComplement(node.type, parts) };
    const key = leafKey(node as Keepable);
    if (part.mayBeKept && !part.complement && key.length <= MAX_KEPT_LEAF_LENGTH) found.set(key, node as Keepable);
    return part;
  };
  visit(condition);
  return found;
};

const isComplement = (type: 'all' | 'any' | 'not', parts: readonly Part[]): boolean => {
  if (type === 'not') return !parts[0]?.complement;
  return type === 'all' ? parts.every(({ complement }) => complement) : parts.some(({ complement }) => complement);
};
