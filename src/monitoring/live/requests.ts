import type { Queryable } from '../../database/port.ts';
import type { Scope } from '../types.ts';
import type { Accept } from './judge.ts';

/** What is put into the stream besides calculations. It stands in tables until a step takes it in, so a restart loses none. */

export interface AcceptRequest {
  readonly scope: Scope;
  /** Who says so, and why: both stay in the baselines' history. */
  readonly by: string;
  readonly reason: string;
}

/** Asks for "accept as normal". It holds from the next step on, within seconds; gives the request's id. */
export const requestAccept = async (db: Queryable, { scope, by, reason }: AcceptRequest): Promise<number> => {
  const { rows } = await db.query<{ id: number }>(
    'insert into monitor_accepts (by, reason, scope) values ($1::text, $2::text, $3::jsonb) returning id',
    [by, reason, JSON.stringify(scope)],
  );
  if (rows[0] === undefined) throw new Error('the request was not written');
  return rows[0].id;
};

interface AcceptRow {
  readonly by: string;
  readonly reason: string;
  readonly scope: Scope;
  readonly at: Date;
}
const acceptOf = ({ by, reason, scope, at }: AcceptRow): Accept => ({ by, reason, scope, at: at.getTime() });

/** Takes in what was asked for since the step before. */
export const takeAccepts = async (db: Queryable, step: number): Promise<Accept[]> => {
  const { rows } = await db.query<AcceptRow>(
    `with taken as (
       update monitor_accepts set step = $1::bigint where step is null returning id, by, reason, scope, at)
     select by, reason, scope, at from taken order by id`,
    [step],
  );
  return rows.map(acceptOf);
};

/** What a step took in. */
export const acceptsOf = async (db: Queryable, step: number): Promise<Accept[]> => {
  const { rows } = await db.query<AcceptRow>(
    'select by, reason, scope, at from monitor_accepts where step = $1::bigint order by id',
    [step],
  );
  return rows.map(acceptOf);
};
