import { setTimeout as sleep } from 'node:timers/promises';
import { openClient } from '../../src/database/connect.ts';
import type { GameDay } from '../game-day.ts';

const PAUSE_MS = 2;

export const slowDisk: GameDay = {
  name: 'slow-disk',
  story: `The database's memory is taken away: whatever it has read is gone the next moment, and comes from the disk again, past the operating system's
cache. Every calculation waits for the disk.`,
  expected: { scopes: [{}], causes: ['cache_or_io'] },
  // Past the system's cache, which would hide it.
  settings: { debug_io_direct: 'data', shared_buffers: '64MB' },
  hits: () => true,
  break: async ({ url, pool }, fault) => {
    await pool.query('create extension if not exists pg_buffercache');
    const client = await openClient(url, { applicationName: 'neighbour' });
    let over = false;
    const evict = async (): Promise<void> => {
      while (!over) {
        await client.query('select pg_buffercache_evict_all()');
        await sleep(PAUSE_MS);
      }
    };
    await client.query('checkpoint');
    const evicting = evict().catch(() => undefined);
    fault.onMend(async () => {
      over = true;
      await evicting;
      await client.end();
    });
    fault.tell('pg_buffercache_evict_all(), over and over');
  },
};
