import { setTimeout as sleep } from 'node:timers/promises';
import type { CalculationResource } from '../calculations/resources.ts';
import type { Client } from '../cli/client.ts';
import type { Log } from '../core/log.ts';
import { DEMO_SEGMENTS, NEWSLETTER_SEGMENTS } from './definitions.ts';
import { EVENT_NAMES, type EventKind } from './happenings.ts';
import { integer, pick, type Random, seeded, weighted } from './random.ts';

const CALCULATION_EVERY_MS = 2_000;
const WRITE_EVERY_MS = 1_000;
const MESSAGES_A_WRITE = 12;
const NEWSLETTER_DEADLINE_MS = 30_000;

export interface TrafficOptions {
  readonly client: Client;
  readonly users: number;
  readonly signal: AbortSignal;
  readonly log: Log;
}

const calculateOnce = async (client: Client, random: Random): Promise<void> => {
  const trigger = weighted(random, [
    ['schedule', 6],
    ['manual', 2.5],
    ['newsletter', 1.5],
  ] as const);
  const key = trigger === 'newsletter' ? pick(random, NEWSLETTER_SEGMENTS) : pick(random, DEMO_SEGMENTS).key;
  const deadline =
    trigger === 'newsletter' ? { deadline: new Date(Date.now() + NEWSLETTER_DEADLINE_MS).toISOString() } : {};
  const calculation = await client.json<CalculationResource>(`/v1/segments/${key}/calculations`, {
    method: 'POST',
    body: { trigger, wait: 20_000, ...deadline },
  });
  // A newsletter that was sent lets go of its snapshot.
  if (trigger === 'newsletter' && calculation.snapshot !== null)
    await client
      .open(`/v1/snapshots/${calculation.snapshot}/release`, { method: 'POST' })
      .then((response) => response.resume());
};

const message = (random: Random, users: number): object => {
  const userId = `u${String(integer(random, 0, users - 1)).padStart(6, '0')}`;
  if (random() < 0.3)
    return {
      type: 'identify',
      userId,
      traits: { score: Math.round(random() * 1_000) / 10, subscribed: random() < 0.81 },
    };
  const event: EventKind = pick(random, EVENT_NAMES);
  return { type: 'track', userId, event, properties: event === 'Purchase' ? { amount: integer(random, 5, 200) } : {} };
};

const writeOnce = async (client: Client, random: Random, users: number): Promise<void> => {
  const batch = Array.from({ length: integer(random, 1, MESSAGES_A_WRITE) }, () => message(random, users));
  await client.json('/v1/batch', { method: 'POST', body: { batch } });
};

const repeat = async (
  everyMs: number,
  { signal, log }: TrafficOptions,
  random: Random,
  work: () => Promise<void>,
): Promise<void> => {
  while (!signal.aborted) {
    await work().catch((error: Error) => {
      if (!signal.aborted) log.warn({ reason: error.message }, 'a part of the demo’s traffic failed');
    });
    await sleep(everyMs * (0.5 + random()), undefined, { signal }).catch(() => undefined);
  }
};

/** A gentle stream of calculations and writes until `signal` aborts, so that there is something to look at. */
export const runTraffic = async (options: TrafficOptions): Promise<void> => {
  const { client, users } = options;
  const random = seeded(Date.now());
  await Promise.all([
    repeat(CALCULATION_EVERY_MS, options, random, () => calculateOnce(client, random)),
    repeat(WRITE_EVERY_MS, options, random, () => writeOnce(client, random, users)),
  ]);
};
