import { compile } from '../../compiler/compile.ts';
import { expectedMs, FREE } from '../../compiler/cost.ts';
import { references } from '../../conditions/references.ts';
import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import { loadCatalogue } from '../../index/catalogue.ts';
import { expandSegment, loadDefinitions } from '../definitions.ts';
import { HISTORY, type Prediction, predictFromCost, predictFromHistory, type Run } from './prediction.ts';

const RUNS = sql('schedule-history');

interface Row {
  readonly key: string;
  readonly chunks: number;
  readonly runs: readonly Run[];
}

const histories = async (db: Queryable, workspaceId: number, keys: readonly string[]): Promise<Row[]> =>
  (await db.query<Row>(RUNS, [workspaceId, keys, HISTORY])).rows;

/** Of segments that have enough of a history, by key. One round trip. */
export const predictAll = async (
  db: Queryable,
  workspaceId: number,
  keys: readonly string[],
): Promise<Map<string, Prediction>> => {
  const rows = keys.length === 0 ? [] : await histories(db, workspaceId, keys);
  return new Map(
    rows.flatMap(({ key, runs }) => {
      const prediction = predictFromHistory(runs);
      return prediction === undefined ? [] : [[key, prediction] as const];
    }),
  );
};

/** Of one segment: without a history from what its condition costs now. Undefined where there is no such segment. */
export const predict = async (db: Queryable, workspaceId: number, key: string): Promise<Prediction | undefined> => {
  const [row] = await histories(db, workspaceId, [key]);
  if (row === undefined) return undefined;
  return (
    predictFromHistory(row.runs) ?? predictFromCost(await costOf(db, workspaceId, key, row.chunks), row.runs.length)
  );
};

/** Reads what it needs in several snapshots: a figure this rough does not mind. */
const costOf = async (db: Queryable, workspaceId: number, key: string, chunks: number): Promise<number> => {
  const definitions = await loadDefinitions(db, workspaceId, [key]);
  const definition = definitions.get(key);
  if (definition === undefined) return expectedMs(FREE, chunks);
  const { condition } = expandSegment(definition, definitions);
  const catalogue = await loadCatalogue(db, workspaceId, references(condition));
  return expectedMs(compile(condition, catalogue, Date.now()).cost, chunks);
};
