import type pg from 'pg';
import { isLockTimeout } from '../../database/errors.ts';
import type { Queryable } from '../../database/port.ts';
import { transaction } from '../../database/transaction.ts';
import { DAYS_AHEAD, PARTITION_LOCK_TIMEOUT_MS } from './limits.ts';

const DAY_MS = 86_400_000;

export interface PartitionedTable {
  readonly name: string;
  readonly by: 'day' | 'month';
  /** What is older is dropped, a whole partition at a time. */
  readonly keepDays: number;
}

/** How long what is kept, in days. */
export interface Retention {
  readonly factDays: number;
  readonly minuteDays: number;
  readonly hourDays: number;
}

export const partitionedTables = ({ factDays, minuteDays, hourDays }: Retention): readonly PartitionedTable[] => [
  { name: 'monitor_facts', by: 'day', keepDays: factDays },
  { name: 'monitor_freshness', by: 'day', keepDays: minuteDays },
  { name: 'monitor_minutes', by: 'day', keepDays: minuteDays },
  { name: 'monitor_hours', by: 'month', keepDays: hourDays },
];

interface Span {
  readonly from: number;
  readonly to: number;
}

/** The partition's bounds, from inside and to outside, in epoch milliseconds UTC. */
const spanOf = (by: PartitionedTable['by'], ms: number): Span => {
  const date = new Date(ms);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (by === 'month') return { from: Date.UTC(year, month, 1), to: Date.UTC(year, month + 1, 1) };
  const from = Math.floor(ms / DAY_MS) * DAY_MS;
  return { from, to: from + DAY_MS };
};

const nameOf = ({ name, by }: PartitionedTable, from: number): string =>
  `${name}_${new Date(from)
    .toISOString()
    .slice(0, by === 'day' ? 10 : 7)
    .replaceAll('-', '_')}`;

/** From when on it is kept: the beginning of the first partition that holds something young enough. */
export const keptSince = ({ by, keepDays }: PartitionedTable, nowMs: number): number =>
  spanOf(by, nowMs - keepDays * DAY_MS).from;

const partitionsOf = async (db: Queryable, table: string): Promise<string[]> => {
  const { rows } = await db.query<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = $1::text::regclass order by 1`,
    [table],
  );
  return rows.map(({ name }) => name);
};

/** Partitions of one database as its leader knows them: nobody else makes or drops any. */
export class Partitions {
  readonly #tables: readonly PartitionedTable[];
  readonly #known = new Map<string, Set<string>>();

  constructor(tables: readonly PartitionedTable[]) {
    this.#tables = tables;
  }

  /** From when on facts are kept, epoch milliseconds. */
  keptSince(table: string, nowMs: number): number {
    return keptSince(this.#table(table), nowMs);
  }

  /** Those of the moments for which a table has no partition, as far as is known. */
  missing(table: string, moments: readonly number[]): readonly number[] {
    const parted = this.#table(table);
    const known = this.#known.get(table);
    return moments.filter((ms) => known?.has(nameOf(parted, spanOf(parted.by, ms).from)) !== true);
  }

  /** Sees to it that a table has partitions for these moments. Throws a lock timeout where others hold the table for long. */
  async ensure(client: pg.ClientBase, table: string, moments: Iterable<number>): Promise<void> {
    const parted = this.#table(table);
    let known = this.#known.get(table);
    if (known === undefined) this.#known.set(table, (known = new Set(await partitionsOf(client, table))));
    for (const ms of moments) {
      const { from, to } = spanOf(parted.by, ms);
      const name = nameOf(parted, from);
      if (known.has(name)) continue;
      await transaction(client, async () => {
        await client.query(`set local lock_timeout = ${PARTITION_LOCK_TIMEOUT_MS}`);
        // names and bounds are made of the time alone
        await client.query(
          `create table if not exists ${name} (like ${table} including defaults including constraints)`,
        );
        await client.query(
          `alter table ${table} attach partition ${name}
           for values from ('${new Date(from).toISOString()}') to ('${new Date(to).toISOString()}')`,
        );
      });
      known.add(name);
    }
  }

  /** Makes what is soon needed. */
  async ensureAhead(client: pg.ClientBase, nowMs: number): Promise<void> {
    const days = Array.from({ length: DAYS_AHEAD + 2 }, (_, day) => nowMs + (day - 1) * DAY_MS);
    for (const { name } of this.#tables) await this.ensure(client, name, days);
  }

  /** Drops what is too old; gives the names. What somebody reads just now is dropped the next time. */
  async dropExpired(client: pg.ClientBase, nowMs: number): Promise<string[]> {
    const dropped: string[] = [];
    for (const table of this.#tables) {
      const first = nameOf(table, keptSince(table, nowMs));
      for (const name of await partitionsOf(client, table.name)) {
        if (name >= first) continue;
        try {
          await transaction(client, async () => {
            await client.query(`set local lock_timeout = ${PARTITION_LOCK_TIMEOUT_MS}`);
            await client.query(`drop table ${name}`);
          });
        } catch (error) {
          if (!isLockTimeout(error)) throw error;
          continue;
        }
        this.#known.get(table.name)?.delete(name);
        dropped.push(name);
      }
    }
    return dropped;
  }

  #table(name: string): PartitionedTable {
    const table = this.#tables.find((each) => each.name === name);
    if (table === undefined) throw new Error(`${name} has no partitions`);
    return table;
  }
}
