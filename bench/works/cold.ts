import { type Bench, keyOf } from '../bench.ts';
import { calculate, createSegment } from '../service/client.ts';
import { spreadOf, timed } from '../spread.ts';
import { CONDITIONS, type Query } from './conditions.ts';

const ROUNDS = 3;
const QUERIES: readonly Query[] = ['is_set', 'tree5'];

/**
 * The first calculation after a restart: of the service alone, and of PostgreSQL with it, whose own buffers are empty then (the
 * operating system's cache is not).
 */
export const measureCold = async (bench: Bench): Promise<void> => {
  const { service, database } = bench;
  await service.start();
  for (const query of QUERIES) await createSegment(service.server, keyOf(`cold-${query}`), CONDITIONS[query]);
  await measureFirst(bench, 'service', async () => {
    await service.stop();
    await service.start();
  });
  if (!database.isEmbedded) return;
  await measureFirst(bench, 'postgres', async () => {
    await service.stop();
    await database.restart();
    await service.start();
  });
};

const measureFirst = async (bench: Bench, what: string, restart: () => Promise<void>): Promise<void> => {
  const times = new Map<Query, number[]>(QUERIES.map((query) => [query, []]));
  for (let round = 0; round < ROUNDS; round++)
    for (const query of QUERIES) {
      bench.progress(`cold: restart of ${what}, round ${round + 1} of ${ROUNDS}`);
      await restart();
      times.get(query)?.push(await timed(() => calculate(bench.service.server, keyOf(`cold-${query}`))));
    }
  for (const [query, each] of times) bench.findings.figure(`cold.after_${what}.${query}_p50_ms`, spreadOf(each).p50);
};
