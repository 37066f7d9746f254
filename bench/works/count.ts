import type { Bench } from '../bench.ts';
import { openClient } from '../../src/database/connect.ts';
import type { PeerName } from '../peers/peer.ts';
import { call } from '../service/client.ts';
import { timed } from '../spread.ts';
import { CONDITIONS } from './conditions.ts';

const WARM_UP_RUNS = 20;
const QUERY = 'is_set';

interface Counted {
  readonly members: number;
}
interface Explained {
  readonly sql: string;
  readonly parameters: unknown[];
}

/**
 * Counting without storing: the preview as a caller gets it by HTTP, and (`is_set.count.statement`) the statement alone, prepared,
 * on one connection to PostgreSQL; beside both, what the peers take to count.
 */
export const measureCount = async (bench: Bench): Promise<void> => {
  const { options, service, findings, progress } = bench;
  const peers = bench.peers.filter((peer) => peer.queries.includes(QUERY));
  const body = { condition: CONDITIONS[QUERY], sample: 0 };
  const preview = (): Promise<Counted> => call(service.server, 'POST', '/v1/segments/preview', body);
  const statement = await statementOf(bench);
  const asOf = Date.now();
  try {
    for (let run = 0; run < WARM_UP_RUNS; run++) {
      await preview();
      await statement.run();
    }
    const { members } = await preview();
    for (const peer of peers) {
      await peer.choose(QUERY, asOf);
      findings.agreements.set(`is_set.count ${peer.name}`, (await peer.count(QUERY, asOf)) === members);
    }
    const overHttp: number[] = [];
    const alone: number[] = [];
    const theirs = new Map<PeerName, number[]>(peers.map(({ name }) => [name, []]));
    const perRound = Math.max(1, Math.ceil(options.runs / options.rounds));
    for (let round = 0; round < options.rounds; round++) {
      progress(`is_set.count: round ${round + 1} of ${options.rounds}`);
      for (let run = 0; run < perRound; run++) {
        overHttp.push(await timed(preview));
        alone.push(await timed(statement.run));
      }
      for (const peer of peers) theirs.get(peer.name)?.push(await timed(() => peer.count(QUERY, asOf)));
    }
    findings.add('is_set.count', overHttp, theirs, { members });
    findings.add('is_set.count.statement', alone, theirs, { members });
  } finally {
    await statement.close();
  }
};

const statementOf = async (bench: Bench) => {
  const { sql, parameters } = await call<Explained>(bench.service.server, 'POST', '/v1/segments/explain', {
    condition: CONDITIONS[QUERY],
  });
  const client = await openClient(bench.database.url, { applicationName: 'bench' });
  return {
    run: () => client.query({ name: 'count', text: sql, values: parameters, rowMode: 'array' }),
    close: () => client.end(),
  };
};
