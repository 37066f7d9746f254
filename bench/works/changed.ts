import { type Bench, keyOf } from '../bench.ts';
import { waitUntilFolded } from '../data/load.ts';
import type { PeerName } from '../peers/peer.ts';
import { calculate, createSegment } from '../service/client.ts';
import { spreadOf, timed } from '../spread.ts';
import { randomChanges, sendChanges } from './changes.ts';
import { CONDITIONS } from './conditions.ts';
import { compareMembers, storedMembers } from './members.ts';

const CHANGED_USERS = 10_000;
const ROUNDS = 10;
const UNCHANGED_RUNS = 10;
const WARM_UP_RUNS = 5;
const QUERY = 'is_set';
/** `ltv` alone is what changes and what the condition reads. */
const WORK = 'changed.store';

/**
 * A segment whose property has changed for 10,000 random users since: asked for at once after the last write was acknowledged, and
 * again when the background has folded. Peers have the same changes before they replace their membership.
 */
export const measureChanged = async (bench: Bench): Promise<void> => {
  const { database, options, service, findings, progress } = bench;
  const peers = bench.peers.filter((peer) => peer.change !== undefined && peer.queries.includes(QUERY));
  const segment = keyOf('changed');
  await createSegment(service.server, segment, CONDITIONS[QUERY]);
  const ours = (): Promise<number> => timed(() => calculate(service.server, segment));
  const asOf = Date.now();
  for (let run = 0; run < WARM_UP_RUNS; run++) await ours();
  for (const peer of peers) await peer.choose(QUERY, asOf);

  const unchanged: number[] = [];
  const cold: number[] = [];
  const folded: number[] = [];
  const foldedAfter: number[] = [];
  const theirs = new Map<PeerName, number[]>(peers.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    progress(`changed: round ${round + 1} of ${ROUNDS}`);
    for (let run = 0; run < UNCHANGED_RUNS; run++) unchanged.push(await ours());
    const changes = randomChanges(options.users, CHANGED_USERS, options.seed + round + 1);
    await sendChanges(bench, changes);
    cold.push(await ours());
    foldedAfter.push(await waitUntilFolded(database.db, progress));
    folded.push(await ours());
    for (const peer of peers) {
      await peer.change?.(changes);
      theirs.get(peer.name)?.push(await timed(() => peer.replace(QUERY, asOf)));
      await peer.tidy(QUERY);
    }
  }
  findings.add(WORK, cold, theirs);
  findings.figure('changed.unchanged_p50_ms', spreadOf(unchanged).p50);
  findings.figure('changed.at_once_p50_ms', spreadOf(cold).p50);
  findings.figure('changed.after_background_p50_ms', spreadOf(folded).p50);
  findings.figure('changed.background_took_p50_ms', spreadOf(foldedAfter).p50);
  const stored = await storedMembers(bench, segment);
  for (const peer of peers) await compareMembers(bench, WORK, QUERY, peer, stored);
};
