import type { GameDay } from '../game-day.ts';

/** Three years of days of an event that no segment here asks for: a table of a usual size. */
const MORE_DAYS = `
  insert into event_slices (shard, event_id, period, number, slice, bits)
  select c.shard, 0, 0, day, -1, c.users from chunks c cross join generate_series(19000, 20095) day`;

export const droppedIndex: GameDay = {
  name: 'dropped-index',
  story: `Somebody tidies up and drops an index that "nobody uses": the primary key of the bitmaps of events. PostgreSQL is told to avoid sequential scans,
but now has no other way.`,
  expected: { scopes: [{ kind: 'event.count' }], causes: ['index_missing'] },
  hits: ({ kinds }) => kinds.includes('event.count'),
  break: async ({ pool }, fault) => {
    await pool.query(MORE_DAYS);
    await pool.query('vacuum analyze event_slices');
    await pool.query('alter table event_slices drop constraint event_slices_pkey');
    fault.onMend(() => pool.query('alter table event_slices add primary key (shard, event_id, period, number, slice)'));
    fault.tell('alter table event_slices drop constraint event_slices_pkey');
  },
};
