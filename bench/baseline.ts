import type { Client } from 'pg';
import { type Spread, spreadOf } from './figures.ts';
import { WORK } from './generate.ts';

/**
 * The same work as one would write it by hand: users with a JSONB column, a GIN index, members as rows that replace the
 * old ones in one transaction. Every kind of index is tried and all figures are kept, so that the best counts.
 */

const INDEXES = {
  'no index': null,
  jsonb_ops: 'using gin (properties)',
  jsonb_path_ops: 'using gin (properties jsonb_path_ops)',
} as const;

export interface BaselineFigure {
  readonly work: string;
  readonly index: string;
  readonly count: Spread;
  readonly stored: Spread;
  readonly members: number;
}

/** Copies the workspace's users into a table of their own, so that both sides have the same rows and neither the other's indexes. */
export const prepareBaseline = async (db: Client): Promise<void> => {
  await db.query('drop schema if exists baseline cascade');
  await db.query('create schema baseline');
  await db.query(
    'create table baseline.users (id integer not null, external_id text not null, properties jsonb not null)',
  );
  await db.query('insert into baseline.users select ordinal, external_id, properties from public.users');
  await db.query('alter table baseline.users add primary key (id)');
  await db.query(`create table baseline.members (segment integer, user_id integer, primary key (segment, user_id))`);
  await db.query('vacuum (analyze) baseline.users');
};

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e6;
};

/** Measures each piece of work with each kind of index. Leaves the members of the last run in `baseline.members`. */
export const measureBaseline = async (
  db: Client,
  runs: number,
  onProgress: (text: string) => void,
): Promise<BaselineFigure[]> => {
  const figures: BaselineFigure[] = [];
  for (const [index, definition] of Object.entries(INDEXES)) {
    await db.query('drop index if exists baseline.users_properties');
    if (definition) await db.query(`create index users_properties on baseline.users ${definition}`);
    await db.query('vacuum (analyze) baseline.users');
    for (const [segment, work] of WORK.entries()) {
      onProgress(`${work.name} over JSONB, ${index}`);
      const count: number[] = [];
      const stored: number[] = [];
      let members = 0;
      for (let run = 0; run < runs; run++) {
        count.push(
          await timed(async () => {
            const result = await db.query(`select count(*)::int as n from baseline.users where ${work.where}`);
            members = result.rows[0].n;
          }),
        );
        stored.push(await timed(() => replaceMembers(db, segment, work.where)));
      }
      figures.push({ work: work.name, index, count: spreadOf(count), stored: spreadOf(stored), members });
    }
  }
  return figures;
};

const replaceMembers = async (db: Client, segment: number, where: string): Promise<void> => {
  await db.query('begin');
  await db.query('delete from baseline.members where segment = $1', [segment]);
  await db.query(
    `insert into baseline.members (segment, user_id) select $1::integer, id from baseline.users where ${where}`,
    [segment],
  );
  await db.query('commit');
};

/** User ids of the members that the hand-written SQL stored. */
export const baselineMembers = async (db: Client, work: string): Promise<string[]> => {
  const segment = WORK.findIndex((one) => one.name === work);
  const result = await db.query({
    text: 'select external_id from baseline.members join baseline.users on id = user_id where segment = $1',
    values: [segment],
    rowMode: 'array',
  });
  return result.rows.map((row) => row[0] as string);
};
