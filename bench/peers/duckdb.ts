import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import type { Progress } from '../progress.ts';
import {
  EMAIL_PART,
  LTV_ABOVE,
  LTV_RANGE,
  OFTEN,
  QUERIES,
  type Query,
  readsEvents,
  WINDOW_DAYS,
} from '../works/conditions.ts';
import { fastestOf } from './choose.ts';
import { exportEvents, exportUsers } from './export.ts';
import { peerModule } from './packages.ts';
import type { Peer } from './peer.ts';

/** What is used of @duckdb/node-api. */
interface Connection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string): Promise<{ getRows(): unknown[][] }>;
  closeSync(): void;
}
interface DuckDb {
  readonly DuckDBInstance: {
    create(path: string): Promise<{ connect(): Promise<Connection>; closeSync(): void }>;
  };
}

const DAY_MS = 86_400_000;

const select = (query: Query, asOf: number): string => {
  const inWindow = `moment between ${asOf - WINDOW_DAYS * DAY_MS} and ${asOf}`;
  switch (query) {
    case 'is_set':
      return 'select number from users where ltv is not null';
    case 'tree5':
      return `select number from users where plan in ('pro', 'team') and ltv > ${LTV_ABOVE}
        and country is distinct from 'DE' and subscribed`;
    case 'range':
      return `select number from users where ltv between ${LTV_RANGE[0]} and ${LTV_RANGE[1]}`;
    case 'contains':
      return `select number from users where contains(email, '${EMAIL_PART}')`;
    case 'event1':
      return `select distinct number from events where ${inWindow}`;
    case 'event3':
      return `select number from events where ${inWindow} group by number having count(*) >= ${OFTEN}`;
  }
};

/** How a membership is stored: both leave it committed in the file. */
const FORMS = ['create or replace table', 'delete and insert'] as const;
type Form = (typeof FORMS)[number];

/** DuckDB in this process, with its data in a file. */
export const startDuckDb = async (
  db: pg.ClientBase,
  directory: string,
  events: boolean,
  progress: Progress,
): Promise<Peer> => {
  const { DuckDBInstance } = await peerModule<DuckDb>('common', '@duckdb/node-api', progress);
  const folder = join(directory, 'duckdb');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const instance = await DuckDBInstance.create(join(folder, 'bench.duckdb'));
  const duck = await instance.connect();
  await load(db, duck, folder, events, progress);
  const version = (await duck.runAndReadAll('select version()')).getRows()[0]?.[0];
  const setup = [
    `DuckDB ${String(version)} in the bench's process on all cores, data in a file; users with a typed column a property${events ? ', events (number, moment) in the order of time' : ''}`,
  ];
  const chosen = new Map<Query, Form>();
  const replace = async (form: Form, query: Query, asOf: number): Promise<void> => {
    if (form === 'create or replace table') {
      await duck.run(`create or replace table members_${query} as ${select(query, asOf)}`);
      return;
    }
    await duck.run(`create table if not exists members_${query} (number integer)`);
    await duck.run('begin');
    await duck.run(`delete from members_${query}`);
    await duck.run(`insert into members_${query} ${select(query, asOf)}`);
    await duck.run('commit');
  };
  return {
    name: 'duckdb',
    queries: QUERIES.filter((query) => events || !readsEvents(query)),
    setup,
    choose: async (query, asOf) => {
      if (chosen.has(query)) return;
      const { best, tookMs } = await fastestOf(FORMS, (form) => replace(form, query, asOf));
      chosen.set(query, best);
      setup.push(`${query}: ${best} (${FORMS.map((form, i) => `${form} ${tookMs[i]?.toFixed(0)} ms`).join('; ')})`);
    },
    replace: (query, asOf) => replace(chosen.get(query) ?? FORMS[0], query, asOf),
    tidy: async () => undefined,
    count: async (query, asOf) => {
      const result = await duck.runAndReadAll(`select count(*)::integer from (${select(query, asOf)})`);
      return Number(result.getRows()[0]?.[0]);
    },
    members: async function* (query) {
      const result = await duck.runAndReadAll(`select number from members_${query}`);
      for (const [number] of result.getRows()) yield Number(number);
    },
    close: async () => {
      duck.closeSync();
      instance.closeSync();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const load = async (
  db: pg.ClientBase,
  duck: Connection,
  folder: string,
  events: boolean,
  progress: Progress,
): Promise<void> => {
  progress('duckdb: loading the users');
  const users = join(folder, 'users.csv');
  await exportUsers(db, users);
  await duck.run(
    `create table users (number integer, plan varchar, country varchar, email varchar, age integer, ltv double,
       subscribed boolean, signed_up_at timestamp, last_seen_on date)`,
  );
  await duck.run(`copy users from '${users}' (format csv, header false)`);
  rmSync(users);
  if (events) {
    progress('duckdb: loading the events');
    const file = join(folder, 'events.csv');
    await exportEvents(db, file);
    await duck.run('create table events (number integer, moment bigint)');
    await duck.run(`copy events from '${file}' (format csv, header false)`);
    rmSync(file);
  }
  await duck.run('checkpoint');
};
