import { setTimeout as sleep } from 'node:timers/promises';
import { openClient } from '../../src/database/connect.ts';
import type { GameDay } from '../game-day.ts';

const MARKS_A_STEP = 60_000;
const REWRITES_A_STEP = 5;
const OPEN_MS = 10_500;

/** As folding leaves it: marks that came and went. */
const MARKS = `
  insert into pending_properties (shard, property_id, ordinal)
  select c.shard, p.id, n % 32000
  from properties p join chunks c on c.workspace_id = p.workspace_id
  cross join generate_series(1, $1::integer / (select count(*)::integer from chunks)) n
  where p.path = 'phone'`;
/** … and bitmaps that were written again. */
const REWRITE = `
  update slices s set bits = s.bits from columns k join properties p on p.id = k.property_id
  where k.id = s.column_id and k.type = 'set' and p.path = 'phone'`;

export const vacuumHeldBack: GameDay = {
  name: 'vacuum-held-back',
  story: `A report opens a transaction and forgets it. Meanwhile users' phone numbers change all the time, and folding does in minutes what it
usually does in weeks. All rows that it leaves behind stay, because that transaction might still want to see them: segments that ask
whether somebody has a phone number get slower and slower. Nothing else does, and no plan has changed.`,
  expected: { scopes: [{ kind: 'property.is_set' }], causes: ['vacuum_held_back'] },
  hits: ({ kinds }) => kinds.includes('property.is_set'),
  break: async ({ url, pool }, fault) => {
    // Vacuumed while it is empty the table is read by its other index, and whole workspaces are slow: decision 0037.
    await pool.query('alter table pending_properties set (autovacuum_enabled = false)');
    const holder = await openClient(url, { applicationName: 'reporting' });
    fault.onMend(async () => {
      await holder.end();
      await pool.query('alter table pending_properties reset (autovacuum_enabled)');
      await pool.query('vacuum pending_properties, slices');
    });
    await holder.query('begin isolation level repeatable read');
    const { rows } = await holder.query<{ pid: number }>('select pg_backend_pid() as pid from users limit 1');
    fault.tell(`a transaction of the application "reporting" (pid ${rows[0]?.pid}) is left open`);
    fault.worsen = async () => {
      await pool.query(MARKS, [MARKS_A_STEP]);
      await pool.query('delete from pending_properties');
      for (let i = 0; i < REWRITES_A_STEP; i++) await pool.query(REWRITE);
      fault.tell(`${MARKS_A_STEP.toLocaleString('en-US')} changes of phone numbers are noted and folded`);
    };
    // Whoever has a transaction open for a moment is not to blame; nobody would look after seconds either.
    await sleep(OPEN_MS, undefined, { signal: fault.signal });
  },
};
