import { randomUUID } from 'node:crypto';
import { openClient } from '../../src/database/connect.ts';
import type { Bench } from '../bench.ts';
import { EVENT_NAME } from '../data/events.ts';
import { randomFrom } from '../data/random.ts';
import { withScratchDatabase } from '../data/scratch.ts';
import { randomLtv, userIdOf } from '../data/users.ts';
import type { PeerName } from '../peers/peer.ts';
import { call } from '../service/client.ts';
import { BATCH_MESSAGES } from './changes.ts';

const CLIENTS = 4;
/** Each side has its time in so many parts, in turns. */
const PARTS = 4;
const DATABASE = 'evenkeel_bench_batch';
const THOUSAND = 1_000;

interface Message {
  readonly user: number;
  readonly plan: string;
  readonly ltv: number;
  readonly messageId: string;
  readonly at: string;
}

/** Half of a batch identifies, the other half tracks: different users, each with both. */
const MESSAGES_A_KIND = BATCH_MESSAGES / 2;

const batches = function* (users: number, seed: number): Generator<readonly Message[]> {
  const random = randomFrom(seed);
  const step = Math.max(1, Math.floor(users / MESSAGES_A_KIND));
  for (;;) {
    const at = new Date().toISOString();
    const first = Math.floor(random() * step);
    yield Array.from({ length: Math.min(MESSAGES_A_KIND, users) }, (_, i) => ({
      user: 1 + first + i * step,
      plan: random() < 0.7 ? 'free' : 'pro',
      ltv: randomLtv(random),
      messageId: randomUUID(),
      at,
    }));
  }
};

/**
 * `POST /v1/batch` of 500 messages by 4 clients, beside inserts of the same rows by 4 connections, 500 a transaction: users that merge
 * their properties, events that count once. Milliseconds are for a thousand messages.
 */
export const measureBatch = async (bench: Bench): Promise<void> => {
  const { findings, options, progress } = bench;
  const seconds = options.batchSeconds / PARTS;
  const source = batches(options.users, options.seed);
  await withScratchDatabase(bench.database.url, DATABASE, async (url) => {
    const service = bench.serviceOn(url);
    const server = await service.start();
    const inserts = bench.options.peers.includes('jsonb') ? await startInserts(url) : undefined;
    const ours: number[] = [];
    const theirs: number[] = [];
    try {
      for (let part = 0; part < PARTS; part++) {
        progress(`batch: part ${part + 1} of ${PARTS}`);
        const send = (): Promise<unknown> => call(server, 'POST', '/v1/batch', { batch: bodyOf(source.next().value) });
        ours.push(...(await drive(seconds, send)));
        if (inserts)
          theirs.push(...(await drive(seconds, (client) => inserts.insert(client, source.next().value ?? []))));
      }
    } finally {
      await inserts?.close();
      await service.stop();
    }
    findings.add('batch', ours, new Map<PeerName, readonly number[]>([['jsonb', theirs]]));
    findings.figure('batch.messages_a_second', rate(ours));
    if (theirs.length > 0) findings.figure('batch.jsonb.messages_a_second', rate(theirs));
  });
};

const rate = (msAThousand: readonly number[]): number =>
  (THOUSAND * THOUSAND) / (msAThousand.reduce((sum, one) => sum + one, 0) / msAThousand.length);

/**
 * Four clients, each with one batch after the other for so long. Gives how long a thousand messages took, again and again:
 * between every fourth end of a batch and the next fourth.
 */
const drive = async (seconds: number, send: (client: number) => Promise<unknown>): Promise<number[]> => {
  const times: number[] = [];
  const until = performance.now() + seconds * THOUSAND;
  let since = performance.now();
  let ended = 0;
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, client) => {
      do {
        await send(client);
        if (++ended % CLIENTS !== 0) continue;
        const now = performance.now();
        times.push(((now - since) * THOUSAND) / (CLIENTS * BATCH_MESSAGES));
        since = now;
      } while (performance.now() < until);
    }),
  );
  return times;
};

const bodyOf = (messages: readonly Message[] | undefined): object[] =>
  (messages ?? []).flatMap(({ user, plan, ltv, messageId, at }) => [
    { type: 'identify', userId: userIdOf(user), timestamp: at, traits: { plan, ltv } },
    { type: 'track', userId: userIdOf(user), event: EVENT_NAME, messageId, timestamp: at, properties: { amount: ltv } },
  ]);

const startInserts = async (url: string) => {
  const connections = await Promise.all(
    Array.from({ length: CLIENTS }, () => openClient(url, { applicationName: 'bench jsonb' })),
  );
  const [first] = connections;
  await first?.query('create schema bench_inserts');
  await first?.query(
    'create table bench_inserts.users (external_id text primary key, properties jsonb not null, updated_at timestamptz not null)',
  );
  await first?.query(
    `create table bench_inserts.events (message_id uuid primary key, external_id text not null, name text not null,
       occurred_at timestamptz not null, properties jsonb not null)`,
  );
  return {
    insert: async (client: number, messages: readonly Message[]): Promise<void> => {
      const db = connections[client];
      if (db === undefined) throw new Error(`there is no client ${client}`);
      const ids = messages.map(({ user }) => userIdOf(user));
      const at = messages.map((message) => message.at);
      await db.query('begin');
      await db.query({
        name: 'users',
        text: `insert into bench_inserts.users as u (external_id, properties, updated_at)
          select external_id, properties::jsonb, at from unnest($1::text[], $2::text[], $3::timestamptz[])
            as new (external_id, properties, at)
          order by external_id
          on conflict (external_id) do update
          set properties = u.properties || excluded.properties, updated_at = excluded.updated_at`,
        values: [ids, messages.map(({ plan, ltv }) => JSON.stringify({ plan, ltv })), at],
      });
      await db.query({
        name: 'events',
        text: `insert into bench_inserts.events (message_id, external_id, name, occurred_at, properties)
          select message_id, external_id, $3::text, at, properties::jsonb
          from unnest($1::uuid[], $2::text[], $4::timestamptz[], $5::text[]) as new (message_id, external_id, at, properties)
          on conflict (message_id) do nothing`,
        values: [
          messages.map(({ messageId }) => messageId),
          ids,
          EVENT_NAME,
          at,
          messages.map(({ ltv }) => JSON.stringify({ amount: ltv })),
        ],
      });
      await db.query('commit');
    },
    close: async (): Promise<void> => {
      for (const connection of connections) await connection.end();
    },
  };
};
