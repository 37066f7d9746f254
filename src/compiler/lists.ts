import type { Listed } from '../conditions/types.ts';
import { listPath, PRESENCE_SLICE } from '../index/layout.ts';
import type { Parameters } from './parameters.ts';
import type { Context } from './properties.ts';
import { NOTHING, type Source, slice } from './slices.ts';

/** Who is on a list of userIds: one bitmap, of a property of its own. */
export const listSource = ({ catalogue, parameters }: Context, leaf: Listed): Source => {
  const column = catalogue.properties.get(listPath(leaf.list))?.set;
  return column === undefined ? NOTHING : slice(parameters, column.id, PRESENCE_SLICE);
};

/** Whether a row of `users u` is on a list, under whichever of its names. Not `exists`, which could be planned as a hash of all names. */
export const rowListed = ({ parameters }: { readonly parameters: Parameters }, leaf: Listed): string =>
  `coalesce((select true from user_keys k where k.workspace_id = (u.shard >> 20)::int and k.ordinal = u.ordinal and ` +
  `(select true from list_ids i where i.list_id = ${parameters.add(leaf.list, 'int')} and i.external_id = k.external_id) ` +
  `limit 1), false)`;
