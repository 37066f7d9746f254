import type { Queryable } from '../database/port.ts';
import { listPath, shardOf } from '../index/layout.ts';
import { listsHolding } from '../index/lists.ts';
import type { Marks } from './marks.ts';

/**
 * Marks users who come to stand on lists of userIds because they are given names that are on them. The caller holds the lock on
 * the workspace, and knows from its row that there are lists.
 *
 * @param users names with the ordinals of those who have them: several where a user gives its names to another
 */
export const markListed = async (
  db: Queryable,
  { workspaceId, marks }: { readonly workspaceId: number; readonly marks: Marks },
  users: ReadonlyMap<string, readonly number[]>,
): Promise<void> => {
  for (const [name, lists] of await listsHolding(db, workspaceId, [...users.keys()]))
    for (const ordinal of users.get(name) ?? [])
      for (const list of lists) marks.property(shardOf(workspaceId, ordinal), ordinal, listPath(list));
};
