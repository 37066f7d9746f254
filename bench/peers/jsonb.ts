import type pg from 'pg';
import { openClient } from '../../src/database/connect.ts';
import type { Progress } from '../progress.ts';
import { EMAIL_PART, LTV_ABOVE, LTV_RANGE, type Query } from '../works/conditions.ts';
import type { Change, Peer } from './peer.ts';
import { type Form, PEER_WORK_MEM, RowMemberships } from './postgres.ts';

/**
 * Hand-written SQL over users with a JSONB column, the members stored as rows: what most systems that grew at home do. It has
 * every index that could help; see `choose` for what is used.
 */

const SCHEMA = 'bench_jsonb';
const USERS = `${SCHEMA}.users`;

const INDEXES = {
  properties_ops: 'using gin (properties)',
  properties_path_ops: 'using gin (properties jsonb_path_ops)',
  ltv: `(((properties ->> 'ltv')::float8))`,
  plan: `((properties ->> 'plan'))`,
} as const;
/** pg_trgm is a contrib module: there with the embedded PostgreSQL, and not everywhere. */
const TRIGRAMS = { email_trigrams: `using gin ((properties ->> 'email') gin_trgm_ops)` };
/** What it needs to answer the queries: the others are alternatives that were tried. */
const NEEDED = ['properties_ops', 'ltv', 'email_trigrams'];

const ltv = `(properties ->> 'ltv')::float8`;
const where = (name: string, text: string): Form => ({ name, select: `select number from ${USERS} where ${text}` });

const FORMS: Readonly<Partial<Record<Query, readonly Form[]>>> = {
  is_set: [where('?', `properties ? 'ltv'`), where('->> is not null', `${ltv} is not null`)],
  tree5: [
    where(
      '@>',
      `(properties @> '{"plan":"pro"}' or properties @> '{"plan":"team"}') and ${ltv} > ${LTV_ABOVE}
       and not properties @> '{"country":"DE"}' and properties @> '{"subscribed":true}'`,
    ),
    where(
      '->>',
      `properties ->> 'plan' in ('pro', 'team') and ${ltv} > ${LTV_ABOVE}
       and properties ->> 'country' is distinct from 'DE' and properties -> 'subscribed' = 'true'`,
    ),
  ],
  range: [where('->> between', `${ltv} between ${LTV_RANGE[0]} and ${LTV_RANGE[1]}`)],
  contains: [where('->> like', `properties ->> 'email' like '%${EMAIL_PART}%'`)],
};

export interface JsonbPeer extends Peer {
  /** See `RowMemberships.swapTable`. */
  swapTable(query: Query, asOf: number): Promise<void>;
  /** Another connection that replaces members of segments of its own, for several at once. */
  another(): Promise<{ replace(query: Query, segment: number): Promise<void>; close(): Promise<void> }>;
}

export const startJsonb = async (databaseUrl: string, progress: Progress): Promise<JsonbPeer> => {
  const db = await openClient(databaseUrl, { applicationName: 'bench jsonb' });
  const memberships = new RowMemberships(db, SCHEMA, FORMS, 0);
  progress('jsonb: copying the users');
  await db.query(`drop schema if exists ${SCHEMA} cascade`);
  await db.query(`create schema ${SCHEMA}`);
  await db.query(
    `create table ${USERS} (number integer not null, external_id text not null, properties jsonb not null)`,
  );
  await db.query(`insert into ${USERS} select ordinal + 1, external_id, properties from public.users`);
  await db.query(`alter table ${USERS} add primary key (number)`);
  await memberships.prepare();
  const trigrams = await hasTrigrams(db);
  const indexes = { ...INDEXES, ...(trigrams ? TRIGRAMS : {}) };
  await db.query(`set maintenance_work_mem = '1GB'`);
  for (const [name, definition] of Object.entries(indexes)) {
    progress(`jsonb: index ${name}`);
    await db.query(`create index ${name} on ${USERS} ${definition}`);
  }
  await db.query(`vacuum (analyze) ${USERS}`);
  memberships.setup.push(
    `users (number, external_id, properties jsonb) with the indexes ${Object.keys(indexes).join(', ')}${trigrams ? '' : ' (pg_trgm is not there)'}; members (segment, user_number) replaced by delete and insert in one transaction, vacuumed between the runs; work_mem ${PEER_WORK_MEM}`,
  );
  return {
    name: 'jsonb',
    queries: memberships.queries,
    setup: memberships.setup,
    choose: (query, asOf) => memberships.choose(query, asOf),
    replace: (query, asOf) => memberships.replace(query, asOf),
    swapTable: (query, asOf) => memberships.swapTable(query, asOf),
    tidy: () => memberships.tidy(),
    count: (query, asOf) => memberships.count(query, asOf),
    members: (query) => memberships.members(query),
    change: (changes) => change(db, changes),
    indexBytes: () => memberships.indexBytes(NEEDED),
    another: () => another(databaseUrl, memberships),
    close: async () => {
      await db.query(`drop schema if exists ${SCHEMA} cascade`);
      await db.end();
    },
  };
};

const another = async (databaseUrl: string, memberships: RowMemberships) => {
  const db = await openClient(databaseUrl, { applicationName: 'bench jsonb' });
  const own = await memberships.on(db);
  return { replace: (query: Query, segment: number) => own.replace(query, 0, segment), close: () => db.end() };
};

const hasTrigrams = async (db: pg.Client): Promise<boolean> => {
  try {
    await db.query('create extension if not exists pg_trgm');
    return true;
  } catch {
    return false;
  }
};

const change = async (db: pg.Client, changes: readonly Change[]): Promise<void> => {
  await db.query(
    `update ${USERS} u set properties = u.properties || jsonb_build_object('ltv', c.ltv)
     from unnest($1::integer[], $2::float8[]) as c (number, ltv) where u.number = c.number`,
    [changes.map(({ user }) => user), changes.map(({ ltv: value }) => value)],
  );
};
