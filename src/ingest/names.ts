import { EvenkeelError } from '../core/errors.ts';
import type { Queryable } from '../database/port.ts';
import { ensureEvents, ensureProperties } from '../index/catalogue.ts';
import { POPULATION_PATH } from '../index/layout.ts';
import type { Operation } from './operations.ts';
import { partitionOf } from './partitions.ts';
import { eachPath } from './properties.ts';

/** The names that operations bring along, before anything is known of the users. */
export interface Names {
  readonly paths: Set<string>;
  readonly events: Set<string>;
  /** Months of partitions of `events`. */
  readonly months: Set<number>;
}

export const namesOf = (operations: Iterable<Operation>): Names => {
  const names: Names = { paths: new Set([POPULATION_PATH]), events: new Set(), months: new Set() };
  const add = (path: string) => names.paths.add(path);
  for (const operation of operations)
    if (operation.kind === 'merge') eachPath(operation.patch, add);
    else if (operation.kind === 'replace') eachPath(operation.properties, add);
    else if (operation.kind === 'event') {
      names.events.add(operation.event);
      const month = partitionOf(operation.at);
      if (month !== undefined) names.months.add(month);
    }
  return names;
};

export interface NameIds {
  readonly paths: Map<string, number>;
  readonly events: Map<string, number>;
}

/**
 * Gives all names of a group their ids. Where the workspace has no room for all of them, request by request: `refuse` hears
 * which go over the limit.
 */
export const ensureNames = async (
  db: Queryable,
  workspaceId: number,
  requests: ReadonlyMap<number, readonly Operation[]>,
  refuse: (request: number, error: EvenkeelError) => void,
): Promise<NameIds & { readonly months: Set<number> }> => {
  const all = namesOf([...requests.values()].flat());
  try {
    return { ...(await ensure(db, workspaceId, all)), months: all.months };
  } catch (error) {
    if (!(error instanceof EvenkeelError)) throw error;
  }
  const ids = { paths: new Map<string, number>(), events: new Map<string, number>() };
  for (const [request, operations] of requests)
    try {
      const more = await ensure(db, workspaceId, namesOf(operations));
      for (const [path, id] of more.paths) ids.paths.set(path, id);
      for (const [event, id] of more.events) ids.events.set(event, id);
    } catch (error) {
      if (!(error instanceof EvenkeelError)) throw error;
      refuse(request, error);
    }
  return { ...ids, months: all.months };
};

const ensure = async (db: Queryable, workspaceId: number, names: Names): Promise<NameIds> => ({
  paths: await ensureProperties(db, workspaceId, names.paths),
  events: await ensureEvents(db, workspaceId, names.events),
});
