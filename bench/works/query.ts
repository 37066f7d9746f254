import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, keyOf } from '../bench.ts';
import type { Peer, PeerName } from '../peers/peer.ts';
import type { JsonbPeer } from '../peers/jsonb.ts';
import { calculate, type Calculation, createSegment, PHASES, type Phase } from '../service/client.ts';
import { spreadOf, timed } from '../spread.ts';
import { CONDITIONS, type Query } from './conditions.ts';
import { compareMembers, storedMembers } from './members.ts';

const WARM_UP_RUNS = 10;
const KEEPING_MS = 3_000;
/** Of each peer, whatever they take. */
const MIN_PEER_RUNS = 3;

/**
 * A whole calculation as a caller gets it: from the request by HTTP to the answer that its snapshot is stored, with counts, entered
 * and left; beside it each peer's replacement of its stored membership. They take turns, so that whatever the machine does
 * meanwhile meets all of them.
 */
export const measureQuery = async (bench: Bench, query: Query): Promise<void> => {
  const { options, progress, service, findings } = bench;
  const work = `${query}.store`;
  const segment = keyOf(query);
  const peers = bench.peers.filter((peer) => peer.queries.includes(query));
  await createSegment(service.server, segment, CONDITIONS[query]);
  let asOf = 0;
  let members = 0;
  const phases = Object.fromEntries(PHASES.map((phase) => [phase, [] as number[]])) as Record<Phase, number[]>;
  const ours = async (): Promise<number> => {
    let done: Calculation | undefined;
    const took = await timed(async () => (done = await calculate(service.server, segment)));
    if (done === undefined) throw new Error(`${segment} was not calculated`);
    asOf = Date.parse(done.asOf);
    members = done.members;
    for (const phase of PHASES) phases[phase].push(done.timingsMs[phase]);
    return took;
  };

  progress(`${work}: warming up`);
  const first: number[] = [];
  for (let run = 0; run < WARM_UP_RUNS; run++) first.push(await ours());
  findings.figure(`${query}.of_a_new_segment_p50_ms`, spreadOf(first).p50);
  // In its background the service finds the new segment within a second, and keeps bitmaps of its leaves.
  await sleep(KEEPING_MS);
  for (let run = 0; run < WARM_UP_RUNS; run++) await ours();
  for (const peer of peers) {
    progress(`${work}: the best form of ${peer.name}`);
    await peer.choose(query, asOf);
    await peer.tidy(query);
  }
  await bench.database.db.query('checkpoint').catch(() => undefined);
  for (const phase of PHASES) phases[phase] = [];

  const own: number[] = [];
  const theirs = new Map<PeerName, number[]>(peers.map(({ name }) => [name, []]));
  const perRound = Math.max(1, Math.ceil(options.runs / options.rounds));
  for (let round = 0; round < options.rounds; round++) {
    progress(`${work}: round ${round + 1} of ${options.rounds}`);
    for (let run = 0; run < perRound; run++) own.push(await ours());
    for (const peer of peers) {
      const times = theirs.get(peer.name) ?? [];
      if (exhausted(times, options.peerSeconds)) continue;
      times.push(await timed(() => peer.replace(query, asOf)));
      await peer.tidy(query);
    }
  }
  const phasesMs = Object.fromEntries(PHASES.map((phase) => [phase, spreadOf(phases[phase]).p50])) as Record<
    Phase,
    number
  >;
  findings.add(work, own, theirs, { members, phasesMs });
  await swapped(bench, query, asOf);
  await compare(bench, work, query, segment, peers);
};

/** Whether a peer has had its share of time. */
const exhausted = (times: readonly number[], seconds: number): boolean =>
  times.length >= MIN_PEER_RUNS && times.reduce((sum, one) => sum + one, 0) > seconds * 1_000;

/** Once more on our side and once on theirs, for the same moment. */
const compare = async (
  bench: Bench,
  work: string,
  query: Query,
  segment: string,
  peers: readonly Peer[],
): Promise<void> => {
  if (peers.length === 0) return;
  bench.progress(`${work}: comparing the members`);
  const { asOf } = await calculate(bench.service.server, segment);
  const ours = await storedMembers(bench, segment);
  for (const peer of peers) {
    await peer.replace(query, Date.parse(asOf));
    await compareMembers(bench, work, query, peer, ours);
    await peer.tidy(query);
  }
};

const SWAP_RUNS = 3;

/** For the details: what jsonb takes with a table a segment that is made anew. */
const swapped = async (bench: Bench, query: Query, asOf: number): Promise<void> => {
  const jsonb = bench.peers.find((peer): peer is JsonbPeer => peer.name === 'jsonb');
  if (jsonb === undefined || !jsonb.queries.includes(query)) return;
  const times: number[] = [];
  for (let run = 0; run < SWAP_RUNS; run++) times.push(await timed(() => jsonb.swapTable(query, asOf)));
  bench.findings.figure(`${query}.jsonb_new_table_p50_ms`, spreadOf(times).p50);
};
