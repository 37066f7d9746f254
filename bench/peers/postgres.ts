import type pg from 'pg';
import { QUERIES, type Query } from '../works/conditions.ts';
import { fastestOf } from './choose.ts';

/** A way to say a query to PostgreSQL: who is in it. */
export interface Form {
  readonly name: string;
  /** A query of the user numbers; $1 and $2 are the ends of the window in epoch milliseconds where it has one. */
  readonly select: string;
}

/** What PostgreSQL may use: everything that it has, or the tables alone. */
const PLANS = {
  indexes: { enable_indexscan: 'on', enable_bitmapscan: 'on', enable_indexonlyscan: 'on' },
  'whole table': { enable_indexscan: 'off', enable_bitmapscan: 'off', enable_indexonlyscan: 'off' },
} as const;
type Plan = keyof typeof PLANS;

interface Chosen {
  readonly form: Form;
  readonly plan: Plan;
}

/** Where a sort or hash of a peer may stay in memory; PostgreSQL's usual 16 MB would spill. */
export const PEER_WORK_MEM = '256MB';

const DAY_MS = 86_400_000;

/**
 * Memberships as rows of one table, replaced in one transaction: what the two peers in PostgreSQL have in common. They use
 * the server that Evenkeel uses, with the same settings and durability.
 */
export class RowMemberships {
  readonly setup: string[] = [];
  readonly #db: pg.Client;
  readonly #schema: string;
  readonly #forms: Readonly<Partial<Record<Query, readonly Form[]>>>;
  readonly #windowDays: number;
  #chosen = new Map<Query, Chosen>();

  constructor(
    db: pg.Client,
    schema: string,
    forms: Readonly<Partial<Record<Query, readonly Form[]>>>,
    windowDays: number,
  ) {
    this.#db = db;
    this.#schema = schema;
    this.#forms = forms;
    this.#windowDays = windowDays;
  }

  get queries(): readonly Query[] {
    return QUERIES.filter((query) => this.#forms[query] !== undefined);
  }

  async prepare(): Promise<void> {
    await this.#db.query(`set work_mem = '${PEER_WORK_MEM}'`);
    await this.#db.query(
      // vacuumed by `tidy`, so that an autovacuum does not run beside what is measured
      `create table ${this.#schema}.members (segment integer, user_number integer, primary key (segment, user_number))
       with (autovacuum_enabled = off)`,
    );
  }

  /** The same memberships over another connection. */
  async on(db: pg.Client): Promise<RowMemberships> {
    const other = new RowMemberships(db, this.#schema, this.#forms, this.#windowDays);
    other.#chosen = this.#chosen;
    await db.query(`set work_mem = '${PEER_WORK_MEM}'`);
    return other;
  }

  /** Tries each form with and without indexes. */
  async choose(query: Query, asOf: number): Promise<void> {
    if (this.#chosen.has(query)) return;
    const candidates = (this.#forms[query] ?? []).flatMap((form) =>
      (Object.keys(PLANS) as Plan[]).map((plan): Chosen => ({ form, plan })),
    );
    const { best, tookMs } = await fastestOf(candidates, (chosen) =>
      this.#replace(chosen, query, asOf, QUERIES.indexOf(query)),
    );
    await this.tidy();
    this.#chosen.set(query, best);
    const tried = candidates.map(({ form, plan }, i) => `${form.name}, ${plan} ${tookMs[i]?.toFixed(0)} ms`);
    this.setup.push(`${query}: ${best.form.name}, ${best.plan} (${tried.join('; ')})`);
  }

  replace(query: Query, asOf: number, segment = QUERIES.indexOf(query)): Promise<void> {
    return this.#replace(this.#of(query), query, asOf, segment);
  }

  #replace(chosen: Chosen, query: Query, asOf: number, segment: number): Promise<void> {
    return this.#with(chosen, query, asOf, async (select, values) => {
      await this.#db.query('begin');
      await this.#db.query(`delete from ${this.#schema}.members where segment = ${segment}`);
      await this.#db.query(`insert into ${this.#schema}.members select ${segment}, number from (${select}) found`, [
        ...values,
      ]);
      await this.#db.query('commit');
    });
  }

  /**
   * What nobody does who also asks which segments a user is in: a table of its own for each segment, made anew and renamed.
   * Not among the peer's figures, but among the details.
   */
  swapTable(query: Query, asOf: number): Promise<void> {
    const table = `${this.#schema}.members_of_${query}`;
    return this.#with(this.#of(query), query, asOf, async (select, values) => {
      const text = values.reduce<string>((sql, value, i) => sql.replaceAll(`$${i + 1}`, `${Number(value)}`), select);
      await this.#db.query('begin');
      await this.#db.query(`create table ${table}_new as select number as user_number from (${text}) found`);
      await this.#db.query(`alter table ${table}_new add primary key (user_number)`);
      await this.#db.query(`drop table if exists ${table}`);
      await this.#db.query(`alter table ${table}_new rename to members_of_${query}`);
      await this.#db.query(`alter index ${table}_new_pkey rename to members_of_${query}_pkey`);
      await this.#db.query('commit');
    });
  }

  async tidy(): Promise<void> {
    await this.#db.query(`vacuum ${this.#schema}.members`);
  }

  count(query: Query, asOf: number): Promise<number> {
    return this.#with(this.#of(query), query, asOf, async (select, values) => {
      const { rows } = await this.#db.query<{ n: number }>(`select count(*)::integer as n from (${select}) found`, [
        ...values,
      ]);
      return rows[0]?.n ?? 0;
    });
  }

  async *members(query: Query): AsyncGenerator<number> {
    const { rows } = await this.#db.query<[number]>({
      text: `select user_number from ${this.#schema}.members where segment = $1::integer`,
      values: [QUERIES.indexOf(query)],
      rowMode: 'array',
    });
    for (const [number] of rows) yield number;
  }

  async indexBytes(indexes: readonly string[]): Promise<Record<string, number>> {
    const { rows } = await this.#db.query<{ name: string; bytes: number }>(
      `select c.relname as name, pg_relation_size(c.oid) as bytes
       from pg_class c where c.relnamespace = $1::regnamespace and c.relname = any($2::text[])`,
      [this.#schema, indexes],
    );
    return Object.fromEntries(rows.map(({ name, bytes }) => [name, bytes]));
  }

  #of(query: Query): Chosen {
    const chosen = this.#chosen.get(query);
    if (chosen === undefined) throw new Error(`no form of ${query} was chosen`);
    return chosen;
  }

  async #with<T>(
    { form, plan }: Chosen,
    query: Query,
    asOf: number,
    work: (select: string, values: readonly number[]) => Promise<T>,
  ): Promise<T> {
    for (const [setting, value] of Object.entries(PLANS[plan])) await this.#set(setting, value);
    const windowed = query === 'event1' || query === 'event3';
    return work(form.select, windowed ? [asOf - this.#windowDays * DAY_MS, asOf] : []);
  }

  readonly #settings = new Map<string, string>();
  /** Once, not with each run. */
  async #set(setting: string, value: string): Promise<void> {
    if (this.#settings.get(setting) === value) return;
    await this.#db.query(`set ${setting} = ${value}`);
    this.#settings.set(setting, value);
  }
}
