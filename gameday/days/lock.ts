import { setTimeout as sleep } from 'node:timers/promises';
import { openClient } from '../../src/database/connect.ts';
import type { GameDay } from '../game-day.ts';

const HELD_MS = 150;
const FREE_MS = 10;

export const lock: GameDay = {
  name: 'lock',
  story: `A deployment of somebody else's runs migrations in a loop, each with an exclusive lock on the table of chunks, which every calculation
reads first. Nothing is slow; everything waits.`,
  expected: { scopes: [{}], causes: ['lock_waits'] },
  hits: () => true,
  break: async ({ url }, fault) => {
    const client = await openClient(url, { applicationName: 'migration' });
    let over = false;
    const hold = async (): Promise<void> => {
      while (!over) {
        await client.query('begin');
        await client.query('lock table chunks in access exclusive mode');
        await sleep(HELD_MS);
        await client.query('rollback');
        await sleep(FREE_MS);
      }
    };
    const holding = hold().catch(() => undefined);
    fault.onMend(async () => {
      over = true;
      await holding;
      await client.end();
    });
    fault.tell(`lock table chunks in access exclusive mode, ${HELD_MS} ms at a time`);
  },
};
