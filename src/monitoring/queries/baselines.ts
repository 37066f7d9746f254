import type { Queryable } from '../../database/port.ts';
import { sql } from '../../database/sql.ts';
import type { Scope } from '../types.ts';

/** What a segment's calculations are compared with. Times are epoch milliseconds. */
export interface BaselineRow {
  readonly workspace: string;
  readonly segment: string;
  readonly since: Date;
  readonly version: number;
  readonly kinds: readonly string[];
  readonly expectedMs: number;
  /** That it is made of; 0: borrowed from what is typical for its kinds. */
  readonly calculations: number;
  readonly spread: number;
  /** It stays as it is until then, as an alert is or was open; null: it may follow. */
  readonly lockedUntil: Date | null;
}

export interface BaselineChangeRow {
  readonly version: number;
  readonly at: Date;
  readonly reason: string;
  readonly segments: number;
  readonly change: number;
  readonly by: string | null;
  readonly note: string | null;
}

const CURRENT = { name: 'monitor-baselines-current', text: sql('monitor-baselines-current') };
const HAS = { name: 'monitor-has-baselines', text: sql('monitor-has-baselines') };
const HISTORY = { name: 'monitor-baselines-of', text: sql('monitor-baselines-of') };

export interface BaselinePage {
  readonly workspace?: string;
  /** Those after this one. */
  readonly after?: { readonly workspace: string; readonly segment: string };
  readonly limit: number;
}

/** The present baseline of each segment, by workspace and key. */
export const currentBaselines = async (
  db: Queryable,
  { workspace, after, limit }: BaselinePage,
): Promise<BaselineRow[]> =>
  (
    await db.query<BaselineRow>({
      ...CURRENT,
      values: [workspace ?? null, after?.workspace ?? '', after?.segment ?? '', limit],
    })
  ).rows;

/** All that a segment has had, newest first. */
export const baselinesOf = async (
  db: Queryable,
  workspace: string,
  segment: string,
  limit: number,
): Promise<BaselineRow[]> => (await db.query<BaselineRow>({ ...HISTORY, values: [workspace, segment, limit] })).rows;

/** Whether anything in the scope is compared with a baseline; before that there is nothing to accept. */
export const hasBaselines = async (db: Queryable, { kind, workspace, segment }: Scope): Promise<boolean> => {
  const { rows } = await db.query<{ has: boolean }>({
    ...HAS,
    values: [kind ?? null, workspace ?? null, segment ?? null],
  });
  return rows[0]?.has === true;
};

/** What happened to the baselines altogether, newest first. */
export const baselineChanges = async (db: Queryable, limit: number): Promise<BaselineChangeRow[]> =>
  (
    await db.query<BaselineChangeRow>(
      `select version, at, reason, segments, change, by, note from monitor_baseline_changes
       order by version desc limit $1::integer`,
      [limit],
    )
  ).rows;
