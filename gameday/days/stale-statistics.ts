import type { GameDay } from '../game-day.ts';

const ROWS_A_STEP = 150_000;
/** A shard of a workspace that is not there otherwise. */
const COPIED = `
  insert into users (shard, ordinal, external_id, properties)
  select (9000::bigint << 20) | (n / 32000), n, n, jsonb_build_object('note', repeat('x', 60))
  from generate_series($1::integer, $1::integer + $2::integer - 1) n`;

export const staleStatistics: GameDay = {
  name: 'stale-statistics',
  story: `Autovacuum was turned off for the table of users "for the migration", and then another customer's users are copied into it. PostgreSQL still
believes that nearly all of the table belongs to acme, and reads all of it where it looks for acme's birthdays, which bitmaps cannot tell.`,
  expected: { scopes: [{ kind: 'property.date' }], causes: ['plan_changed'] },
  hits: ({ kinds }) => kinds.includes('property.date'),
  break: async ({ pool }, fault) => {
    await pool.query('alter table users set (autovacuum_enabled = false)');
    fault.onMend(async () => {
      await pool.query('alter table users reset (autovacuum_enabled)');
      await pool.query('analyze users');
    });
    let copied = 0;
    fault.worsen = async () => {
      const client = await pool.connect();
      try {
        await client.query(COPIED, [copied, ROWS_A_STEP]);
        // What a connection has done is counted seconds later, unless it is told to.
        await client.query('select pg_stat_force_next_flush()');
      } finally {
        client.release();
      }
      copied += ROWS_A_STEP;
      fault.tell(
        `${copied.toLocaleString('en-US')} users of another workspace are copied into the table, and nobody analyzes it`,
      );
    };
  },
};
