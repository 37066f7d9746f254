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
import { exportEvents, exportUsers } from './export.ts';
import { peerModule } from './packages.ts';
import type { Peer } from './peer.ts';

/** What is used of chdb. */
interface Session {
  query(sql: string, format?: string): string;
  cleanup(): void;
}
interface ChDb {
  readonly Session: new (path: string) => Session;
}

const DAY_MS = 86_400_000;

const select = (query: Query, asOf: number): string => {
  const inWindow = `at between ${asOf - WINDOW_DAYS * DAY_MS} and ${asOf}`;
  switch (query) {
    case 'is_set':
      return 'select number from bench.users where ltv is not null';
    case 'tree5':
      return `select number from bench.users where plan in ('pro', 'team') and ltv > ${LTV_ABOVE}
        and country != 'DE' and subscribed`;
    case 'range':
      return `select number from bench.users where ltv between ${LTV_RANGE[0]} and ${LTV_RANGE[1]}`;
    case 'contains':
      return `select number from bench.users where position(email, '${EMAIL_PART}') > 0`;
    case 'event1':
      return `select distinct number from bench.events where ${inWindow}`;
    case 'event3':
      return `select number from bench.events where ${inWindow} group by number having count() >= ${OFTEN}`;
  }
};

/**
 * ClickHouse in this process. A calculation is one `insert … select` of a new version, as PostHog's cohorts are: readers go to
 * the newest, and the one before is dropped between the runs.
 */
export const startClickHouse = async (
  db: pg.ClientBase,
  directory: string,
  events: boolean,
  progress: Progress,
): Promise<Peer> => {
  const { Session } = await peerModule<ChDb>('clickhouse', 'chdb', progress);
  const folder = join(directory, 'clickhouse');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const clickhouse = new Session(join(folder, 'data'));
  await load(db, clickhouse, folder, events, progress);
  const version = clickhouse.query('select version()', 'TSVRaw').trim();
  const versions = new Map<Query, number>();
  const partition = (query: Query, number: number): string => `(${QUERIES.indexOf(query)}, ${number})`;
  return {
    name: 'clickhouse',
    queries: QUERIES.filter((query) => events || !readsEvents(query)),
    setup: [
      `ClickHouse ${version} in the bench's process (chdb); MergeTree tables: users ordered by number with a typed column a property${events ? ', events ordered by time' : ''}, members (segment, version, number); one insert … select a calculation, the version before dropped between the runs`,
    ],
    choose: async (query, asOf) => {
      // there is one form: once to warm up
      clickhouse.query(select(query, asOf), 'Null');
    },
    replace: async (query, asOf) => {
      const next = (versions.get(query) ?? 0) + 1;
      clickhouse.query(
        `insert into bench.members select ${QUERIES.indexOf(query)}, ${next}, number from (${select(query, asOf)})`,
      );
      versions.set(query, next);
    },
    tidy: async (query) => {
      const before = (versions.get(query) ?? 0) - 1;
      if (before > 0) clickhouse.query(`alter table bench.members drop partition ${partition(query, before)}`);
    },
    count: async (query, asOf) => Number(clickhouse.query(`select count() from (${select(query, asOf)})`, 'TSVRaw')),
    members: (query) =>
      clickhouse
        .query(
          `select number from bench.members where segment = ${QUERIES.indexOf(query)} and version = ${versions.get(query) ?? 0}`,
          'TSVRaw',
        )
        .split('\n')
        .filter((line) => line !== '')
        .map(Number),
    close: async () => {
      clickhouse.cleanup();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const load = async (
  db: pg.ClientBase,
  clickhouse: Session,
  folder: string,
  events: boolean,
  progress: Progress,
): Promise<void> => {
  progress('clickhouse: loading the users');
  clickhouse.query('create database bench');
  clickhouse.query(
    `create table bench.users (number UInt32, plan LowCardinality(String), country LowCardinality(String), email String,
       age Nullable(UInt8), ltv Nullable(Float64), subscribed Bool, signed_up_at String, last_seen_on Nullable(String))
     engine = MergeTree order by number`,
  );
  const users = join(folder, 'users.csv');
  await exportUsers(db, users);
  clickhouse.query(`insert into bench.users select * from file('${users}', CSV)`);
  rmSync(users);
  clickhouse.query(
    `create table bench.members (segment UInt32, version UInt32, number UInt32)
     engine = MergeTree partition by (segment, version) order by number`,
  );
  if (!events) return;
  progress('clickhouse: loading the events');
  const file = join(folder, 'events.csv');
  await exportEvents(db, file);
  clickhouse.query('create table bench.events (number UInt32, at Int64) engine = MergeTree order by at');
  clickhouse.query(`insert into bench.events select * from file('${file}', CSV)`);
  rmSync(file);
};
