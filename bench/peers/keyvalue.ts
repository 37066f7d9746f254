import type pg from 'pg';
import { openClient } from '../../src/database/connect.ts';
import type { Progress } from '../progress.ts';
import { EMAIL_PART, LTV_ABOVE, LTV_RANGE, OFTEN, type Query, WINDOW_DAYS } from '../works/conditions.ts';
import type { Change, Peer } from './peer.ts';
import { type Form, PEER_WORK_MEM, RowMemberships } from './postgres.ts';

/** One typed row a user and property, with btrees that cover every query; events with an index that holds all that is read. */

const SCHEMA = 'bench_keyvalue';
const FACTS = `${SCHEMA}.facts`;
const EVENTS = `${SCHEMA}.events`;

const KEYS = ['plan', 'country', 'email', 'age', 'ltv', 'subscribed', 'signed_up_at', 'last_seen_on'];
const keyOf = (name: string): number => KEYS.indexOf(name);
const has = (name: string, text: string): string =>
  `select number from ${FACTS} where key = ${keyOf(name)} and ${text}`;

const plan = has('plan', `text in ('pro', 'team')`);
const ltvAbove = has('ltv', `value > ${LTV_ABOVE}`);
const german = has('country', `text = 'DE'`);
const subscribed = has('subscribed', 'flag');
const inWindow = `event = 1 and at between $1::bigint and $2::bigint`;

const FORMS: Readonly<Record<Query, readonly Form[]>> = {
  is_set: [{ name: 'by key', select: `select number from ${FACTS} where key = ${keyOf('ltv')}` }],
  tree5: [
    { name: 'intersect', select: `${plan} intersect ${ltvAbove} intersect ${subscribed} except ${german}` },
    {
      name: 'joins',
      select: `select number from (${plan}) a join (${ltvAbove}) b using (number) join (${subscribed}) c using (number)
        where not exists (select from ${FACTS} g where g.key = ${keyOf('country')} and g.text = 'DE' and g.number = a.number)`,
    },
  ],
  range: [{ name: 'between', select: has('ltv', `value between ${LTV_RANGE[0]} and ${LTV_RANGE[1]}`) }],
  contains: [{ name: 'like', select: has('email', `text like '%${EMAIL_PART}%'`) }],
  event1: [
    { name: 'distinct', select: `select distinct number from ${EVENTS} where ${inWindow}` },
    { name: 'group by', select: `select number from ${EVENTS} where ${inWindow} group by number` },
  ],
  event3: [
    {
      name: 'group by having',
      select: `select number from ${EVENTS} where ${inWindow} group by number having count(*) >= ${OFTEN}`,
    },
  ],
};

export const startKeyValue = async (databaseUrl: string, events: boolean, progress: Progress): Promise<Peer> => {
  const db = await openClient(databaseUrl, { applicationName: 'bench keyvalue' });
  const { event1, event3, ...properties } = FORMS;
  const memberships = new RowMemberships(db, SCHEMA, events ? FORMS : properties, WINDOW_DAYS);
  await db.query(`drop schema if exists ${SCHEMA} cascade`);
  await db.query(`create schema ${SCHEMA}`);
  await db.query(`set maintenance_work_mem = '1GB'`);
  await memberships.prepare();
  await copyFacts(db, progress);
  if (events) await copyEvents(db, progress);
  memberships.setup.push(
    `facts (key, number, text, value, flag), a row a user and property, with btrees (key, number), (key, value, number), (key, text, number), (key, flag, number)${events ? '; events (event, at, number) read from a btree of all three alone' : ''}; members as those of jsonb; work_mem ${PEER_WORK_MEM}`,
  );
  return {
    name: 'keyvalue',
    queries: memberships.queries,
    setup: memberships.setup,
    choose: (query, asOf) => memberships.choose(query, asOf),
    replace: (query, asOf) => memberships.replace(query, asOf),
    tidy: () => memberships.tidy(),
    count: (query, asOf) => memberships.count(query, asOf),
    members: (query) => memberships.members(query),
    change: (changes) => change(db, changes),
    close: async () => {
      await db.query(`drop schema if exists ${SCHEMA} cascade`);
      await db.end();
    },
  };
};

const copyFacts = async (db: pg.Client, progress: Progress): Promise<void> => {
  progress('keyvalue: copying the properties');
  await db.query(
    `create table ${FACTS} (key smallint not null, number integer not null, text text collate "C", value float8, flag boolean)`,
  );
  await db.query(
    `insert into ${FACTS}
     select k.key - 1, u.ordinal + 1,
            case when jsonb_typeof(v.value) = 'string' then v.value #>> '{}' end,
            case when jsonb_typeof(v.value) = 'number' then v.value::float8 end,
            case when jsonb_typeof(v.value) = 'boolean' then v.value::boolean end
     from public.users u cross join unnest($1::text[]) with ordinality as k (name, key)
     cross join lateral (select u.properties -> k.name as value) v
     where v.value is not null`,
    [KEYS],
  );
  for (const [name, definition] of Object.entries({
    by_number: '(key, number)',
    by_value: '(key, value, number) where value is not null',
    by_text: '(key, text, number) where text is not null',
    by_flag: '(key, flag, number) where flag is not null',
  })) {
    progress(`keyvalue: index ${name}`);
    await db.query(`create index ${name} on ${FACTS} ${definition}`);
  }
  await db.query(`vacuum (analyze) ${FACTS}`);
};

const copyEvents = async (db: pg.Client, progress: Progress): Promise<void> => {
  progress('keyvalue: copying the events');
  await db.query(`create table ${EVENTS} (event smallint not null, at bigint not null, number integer not null)`);
  await db.query(
    `insert into ${EVENTS} select 1, (extract(epoch from occurred_at) * 1000)::bigint, ordinal + 1 from public.events`,
  );
  progress('keyvalue: index of the events');
  await db.query(`create index events_cover on ${EVENTS} (event, at, number)`);
  await db.query(`vacuum (analyze) ${EVENTS}`);
};

const change = async (db: pg.Client, changes: readonly Change[]): Promise<void> => {
  const values = [changes.map(({ user }) => user), changes.map(({ ltv }) => ltv)];
  const changed = 'unnest($1::integer[], $2::float8[]) as c (number, ltv)';
  await db.query('begin');
  await db.query(
    `update ${FACTS} f set value = c.ltv from ${changed} where f.key = ${keyOf('ltv')} and f.number = c.number`,
    values,
  );
  await db.query(
    `insert into ${FACTS} (key, number, value) select ${keyOf('ltv')}, c.number, c.ltv from ${changed}
     where not exists (select from ${FACTS} f where f.key = ${keyOf('ltv')} and f.number = c.number)`,
    values,
  );
  await db.query('commit');
};
