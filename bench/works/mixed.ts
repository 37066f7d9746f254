import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, keyOf } from '../bench.ts';
import type { Change, PeerName } from '../peers/peer.ts';
import type { JsonbPeer } from '../peers/jsonb.ts';
import { calculate, createSegment } from '../service/client.ts';
import { spreadOf, timed } from '../spread.ts';
import { BATCH_MESSAGES, randomChanges, sendChanges } from './changes.ts';
import { CONDITIONS, type Query } from './conditions.ts';

const CALLERS = 8;
const CHANGES_A_SECOND = 1_000;
const IDLE_RUNS = 100;
const WARM_UP_RUNS = 10;
const SECOND_MS = 1_000;
/** jsonb's segments of the callers: beyond those of the queries. */
const FIRST_SEGMENT = 100;
/** What the eight calculate, over and over. */
const QUERIES: readonly Query[] = ['is_set', 'tree5', 'range'];

const queryOf = (caller: number): Query => QUERIES[caller % QUERIES.length] ?? 'is_set';

/**
 * Eight callers, each of whom asks for the next calculation as soon as the last has ended, while 1,000 users a second change. The
 * idle median is of the same segments, one calculation at a time, with nothing else going on.
 */
export const measureMixed = async (bench: Bench): Promise<void> => {
  const { options, service, findings, progress } = bench;
  const segments = Array.from({ length: CALLERS }, (_, caller) => keyOf(`mixed-${caller}`));
  for (const [caller, segment] of segments.entries())
    await createSegment(service.server, segment, CONDITIONS[queryOf(caller)]);
  const ask = (caller: number): Promise<number> => timed(() => calculate(service.server, segments[caller] ?? ''));

  progress('mixed: idle');
  const idle: number[] = [];
  for (let run = -WARM_UP_RUNS; run < IDLE_RUNS; run++) {
    const took = await ask((run + CALLERS * WARM_UP_RUNS) % CALLERS);
    if (run >= 0) idle.push(took);
  }
  progress(`mixed: ${CALLERS} at once`);
  const crowd = await together(options.mixedSeconds, ask);
  progress(`mixed: ${CALLERS} at once while users change`);
  const busy = await whileChanging(
    bench,
    'mixed',
    (changes) => sendChanges(bench, changes),
    () => together(options.mixedSeconds, ask),
  );
  const theirs = new Map<PeerName, readonly number[]>();
  const jsonb = bench.peers.find((peer): peer is JsonbPeer => peer.name === 'jsonb');
  if (jsonb !== undefined) {
    progress('mixed: the same by jsonb');
    theirs.set('jsonb', await measureJsonb(bench, jsonb));
  }
  findings.add('mixed', busy, theirs);
  findings.figure('mixed.idle_p50_ms', spreadOf(idle).p50);
  findings.figure('mixed.eight_without_changes_p50_ms', spreadOf(crowd).p50);
  findings.figure('mixed.eight_without_changes_p99_ms', spreadOf(crowd).p99);
  findings.figure('mixed.calculations_a_second', busy.length / options.mixedSeconds);
};

/** Every caller on and on for so long; gives what each call took, ms. */
const together = async (seconds: number, ask: (caller: number) => Promise<number>): Promise<number[]> => {
  const times: number[] = [];
  const until = performance.now() + seconds * SECOND_MS;
  await Promise.all(
    Array.from({ length: CALLERS }, async (_, caller) => {
      do times.push(await ask(caller));
      while (performance.now() < until);
    }),
  );
  return times;
};

/** Runs `work` while users change, batch after batch at a steady pace. */
const whileChanging = async <T>(
  bench: Bench,
  name: string,
  send: (changes: readonly Change[]) => Promise<void>,
  work: () => Promise<T>,
): Promise<T> => {
  let done = false;
  let sent = 0;
  const started = performance.now();
  const writing = (async () => {
    for (let batch = 0; !done; batch++) {
      await send(randomChanges(bench.options.users, BATCH_MESSAGES, bench.options.seed * 7_919 + batch));
      sent += BATCH_MESSAGES;
      const next = started + ((batch + 1) * BATCH_MESSAGES * SECOND_MS) / CHANGES_A_SECOND;
      await sleep(Math.max(0, next - performance.now()));
    }
  })();
  try {
    return await work();
  } finally {
    const seconds = (performance.now() - started) / SECOND_MS;
    done = true;
    bench.findings.figure(`${name}.changes_a_second`, sent / seconds);
    await writing;
  }
};

const measureJsonb = async (bench: Bench, jsonb: JsonbPeer): Promise<number[]> => {
  const asOf = Date.now();
  for (const query of QUERIES) await jsonb.choose(query, asOf);
  const connections = await Promise.all(Array.from({ length: CALLERS }, () => jsonb.another()));
  try {
    return await whileChanging(
      bench,
      'mixed.jsonb',
      async (changes) => jsonb.change?.(changes),
      () =>
        together(bench.options.mixedSeconds, (caller) =>
          timed(() =>
            (connections[caller] as (typeof connections)[number]).replace(queryOf(caller), FIRST_SEGMENT + caller),
          ),
        ),
    );
  } finally {
    for (const connection of connections) await connection.close();
    await jsonb.tidy('is_set');
  }
};
