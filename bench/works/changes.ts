import type { Bench } from '../bench.ts';
import { randomFrom } from '../data/random.ts';
import { randomLtv, userIdOf } from '../data/users.ts';
import type { Change } from '../peers/peer.ts';
import { call } from '../service/client.ts';

/** Messages that a call of `/v1/batch` may have in this bench. */
export const BATCH_MESSAGES = 500;

/** Different random users who get another lifetime value. */
export const randomChanges = (users: number, count: number, seed: number): Change[] => {
  const random = randomFrom(seed);
  const changes = new Map<number, Change>();
  while (changes.size < Math.min(count, users)) {
    const user = 1 + Math.floor(random() * users);
    changes.set(user, { user, ltv: randomLtv(random) });
  }
  return [...changes.values()];
};

/** Writes them through the door, batch after batch. */
export const sendChanges = async (bench: Bench, changes: readonly Change[]): Promise<void> => {
  for (let at = 0; at < changes.length; at += BATCH_MESSAGES)
    await call(bench.service.server, 'POST', '/v1/batch', {
      batch: changes.slice(at, at + BATCH_MESSAGES).map(({ user, ltv }) => ({
        type: 'identify',
        userId: userIdOf(user),
        traits: { ltv },
      })),
    });
};
