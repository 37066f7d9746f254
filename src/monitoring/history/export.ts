import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { Observation, ObservedOutcome } from '../types.ts';

const EXPORT = { name: 'monitor-export', text: sql('monitor-export') };

/** Rows that are held in memory at once. */
export const EXPORT_PAGE_ROWS = 10_000;

interface Row {
  readonly finished_at: Date;
  readonly id: number;
  readonly workspace: string;
  readonly segment_key: string;
  readonly definition: number;
  readonly kinds: readonly string[];
  readonly trigger: string;
  readonly outcome: ObservedOutcome;
  readonly population: number | null;
  readonly duration_ms: number;
}

/** Epoch milliseconds: `since` is inside, `until` outside. */
export interface ExportSpan {
  readonly since: number;
  readonly until: number;
}

/** What the detector saw, page by page in the order of time. */
export async function* exportHistory(
  db: Queryable,
  { since, until }: ExportSpan,
  pageRows = EXPORT_PAGE_ROWS,
): AsyncGenerator<readonly Observation[]> {
  let after = { at: new Date(since), id: -1 };
  for (;;) {
    const values = [new Date(since), new Date(until), after.at, after.id, pageRows];
    const { rows } = await db.query<Row>({ ...EXPORT, values });
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map(observationOf);
    if (rows.length < pageRows) return;
    after = { at: last.finished_at, id: last.id };
  }
}

const observationOf = (row: Row): Observation => ({
  finishedAt: row.finished_at.getTime(),
  workspace: row.workspace,
  segment: row.segment_key,
  version: row.definition,
  trigger: row.trigger,
  kinds: row.kinds,
  population: row.population ?? 0,
  durationMs: row.duration_ms,
  outcome: row.outcome,
});
