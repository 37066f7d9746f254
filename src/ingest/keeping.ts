import type pg from 'pg';
import { compile, positive } from '../compiler/compile.ts';
import { isWorthKeeping, keepStatement, leafKey, mayBeKept } from '../compiler/kept.ts';
import { leavesOf } from '../conditions/leaves.ts';
import { parseCondition } from '../conditions/parse.ts';
import { references } from '../conditions/references.ts';
import type { Leaf, PropertyCondition } from '../conditions/types.ts';
import type { Queryable } from '../database/port.ts';
import { sql } from '../database/sql.ts';
import { transaction } from '../database/transaction.ts';
import { loadCatalogue } from '../index/catalogue.ts';
import { digestOf } from '../index/digest.ts';
import { withFoldLock } from '../index/fold.ts';
import { shardRange } from '../index/layout.ts';

/** Which leaves of a workspace's segments bitmaps are kept of, and making those that are not there. Decision 0039. */

const MISSING = sql('kept-missing');
const ADD = sql('kept-add');
const DROP = sql('kept-drop');

/** Of one workspace: each is a bitmap a chunk, beside some 280 of its properties where there are 8 of them. */
export const MAX_KEPT_LEAVES = 128;
/** A fold of the property makes all of them anew in the chunks that it touches, at up to 0.3 ms each. */
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
      await client.query(ADD, [
        workspaceId,
        add.map(({ property }) => property),
        add.map((leaf) => digestOf(leafKey(leaf))),
        add.map(leafKey),
      ]);
    });
  return fillKept(client, workspaceId);
};

/** Makes the bitmaps that folds have taken away, or that were not there yet. Gives how many. */
export const fillKept = async (client: pg.ClientBase, workspaceId: number): Promise<number> => {
  const { rows } = await client.query<{ id: number; leaf: string }>(MISSING, [workspaceId]);
  const left = rows.map(({ id, leaf }) => ({ id, leaf: JSON.parse(leaf) as PropertyCondition }));
  let made = 0;
  while (left.length > 0) made += await asFolder(client, workspaceId, () => fillSome(client, workspaceId, left));
  return made;
};

interface KeptLeaf {
  readonly id: number;
  readonly leaf: PropertyCondition;
}

/** For a while; takes those that are done out of `left`. */
const fillSome = async (client: pg.ClientBase, workspaceId: number, left: KeptLeaf[]): Promise<number> => {
  const until = performance.now() + TURN_MS;
  // plans of tables that were empty when they were analysed would read them whole
  await client.query('set local enable_seqscan = off');
  const catalogue = {
    ...(await catalogueOf(
      client,
      workspaceId,
      left.map(({ leaf }) => leaf),
    )),
    kept: new Map(),
  };
  let made = 0;
  for (let next = left[0]; next !== undefined && performance.now() < until; next = left[0]) {
    const membership = compile(next.leaf, catalogue, ANY_TIME);
    if (!membership.leaves.every(isWorthKeeping)) {
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

const catalogueOf = (db: Queryable, workspaceId: number, leaves: readonly Leaf[]) =>
  loadCatalogue(db, workspaceId, references({ type: 'any', of: leaves }));

interface Choice {
  readonly add: readonly PropertyCondition[];
  /** Ids. */
  readonly drop: readonly number[];
}

/** What is kept stays as long as a segment has it; of the others those come first that most segments have. */
const choose = async (client: pg.ClientBase, workspaceId: number): Promise<Choice> => {
  const wanted = await wantedLeaves(client, workspaceId);
  const { rows } = await client.query<{ id: number; leaf: string }>(
    'select id, leaf from kept_leaves where workspace_id = $1::integer',
    [workspaceId],
  );
  const kept = new Set(rows.map(({ leaf }) => leaf));
  const drop = rows.filter(({ leaf }) => !wanted.has(leaf)).map(({ id }) => id);
  const room = MAX_KEPT_LEAVES - (rows.length - drop.length);
  const counts = new Map<string, number>();
  const count = (property: string): number => (counts.get(property) ?? 0) + 1;
  for (const [key, { leaf }] of wanted) if (kept.has(key)) counts.set(leaf.property, count(leaf.property));
  const candidates = [...wanted]
    .filter(([key]) => !kept.has(key))
    .sort(([, a], [, b]) => b.segments - a.segments)
    .slice(0, 2 * MAX_KEPT_LEAVES)
    .map(([, { leaf }]) => leaf);
  if (room <= 0 || candidates.length === 0) return { add: [], drop };
  const catalogue = await catalogueOf(client, workspaceId, candidates);
  const add: PropertyCondition[] = [];
  for (const leaf of candidates) {
    if (add.length >= room || count(leaf.property) > MAX_KEPT_A_PROPERTY) continue;
    if (!compile(leaf, catalogue, ANY_TIME).leaves.every(isWorthKeeping)) continue;
    counts.set(leaf.property, count(leaf.property));
    add.push(leaf);
  }
  return { add, drop };
};

interface Wanted {
  readonly leaf: PropertyCondition;
  segments: number;
}

/** By `leafKey`: leaves of segments, which may be kept. Those of a segment that another names stand in its own condition. */
const wantedLeaves = async (db: Queryable, workspaceId: number): Promise<Map<string, Wanted>> => {
  const { rows } = await db.query<{ condition: unknown }>(
    'select condition from segments where workspace_id = $1::integer and condition is not null order by id',
    [workspaceId],
  );
  const wanted = new Map<string, Wanted>();
  for (const { condition } of rows)
    for (const [key, leaf] of leavesToKeep(condition)) {
      const known = wanted.get(key);
      if (known) known.segments += 1;
      else wanted.set(key, { leaf, segments: 1 });
    }
  return wanted;
};

const leavesToKeep = (condition: unknown): Map<string, PropertyCondition> => {
  const leaves = new Map<string, PropertyCondition>();
  for (const each of leavesOf(parseCondition(condition))) {
    if (each.type === 'segment') continue;
    const { leaf } = positive(each);
    if (mayBeKept(leaf)) leaves.set(leafKey(leaf), leaf);
  }
  return leaves;
};
