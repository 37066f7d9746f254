import type { Client } from 'pg';
import { type Spread, spreadOf } from './figures.ts';
import { call, delay, type Server } from './server.ts';

const PHASES = ['queue', 'freshen', 'compile', 'query', 'store', 'total'] as const;
type Phase = (typeof PHASES)[number];
const WARM_UP_RUNS = 10;
const WAIT_MS = 30_000;
const POLL_MS = 50;

interface Calculation {
  readonly state: string;
  readonly members: number;
  readonly timingsMs: Record<Phase, number>;
  readonly error: unknown;
}

export interface CalculationFigure {
  readonly work: string;
  readonly members: number;
  /** From the caller's request to the answer that the snapshot is stored. */
  readonly request: Spread;
  readonly phases: Record<Phase, Spread>;
}

/** A segment of this run: an earlier one on the same database had its own. */
const RUN = Date.now().toString(36);
export const keyOf = (work: { readonly name: string }): string => `${work.name}-${RUN}`;

/** Asks for `runs` calculations one after the other, each a stored snapshot, as a caller does: HTTP with `wait`. */
export const measureCalculations = async (
  server: Server,
  work: { readonly name: string; readonly condition: object },
  runs: number,
  onProgress: (text: string) => void,
): Promise<CalculationFigure> => {
  await call(server, 'POST', '/v1/segments', { key: keyOf(work), name: work.name, condition: work.condition });
  const request: number[] = [];
  const phases = Object.fromEntries(PHASES.map((phase) => [phase, [] as number[]])) as Record<Phase, number[]>;
  let members = 0;
  for (let run = -WARM_UP_RUNS; run < runs; run++) {
    if (run % 20 === 0) onProgress(`${work.name}: ${run} of ${runs} calculations`);
    const started = performance.now();
    const path = `/v1/segments/${keyOf(work)}/calculations`;
    const calculation = await call<Calculation>(server, 'POST', path, { trigger: 'api', wait: WAIT_MS });
    const took = performance.now() - started;
    if (calculation.state !== 'succeeded') throw new Error(`${work.name}: ${JSON.stringify(calculation)}`);
    members = calculation.members;
    if (run < 0) continue;
    request.push(took);
    for (const phase of PHASES) phases[phase].push(calculation.timingsMs[phase]);
  }
  const spreads = Object.fromEntries(PHASES.map((phase) => [phase, spreadOf(phases[phase])])) as Record<Phase, Spread>;
  return { work: work.name, members, request: spreadOf(request), phases: spreads };
};

/** Waits until nothing is pending; gives how long that took, ms. */
export const waitUntilFolded = async (db: Client): Promise<number> => {
  const started = performance.now();
  for (;;) {
    const { rows } = await db.query('select exists (select from pending_properties) as pending');
    if (!rows[0].pending) return performance.now() - started;
    await delay(POLL_MS);
  }
};

/** User ids of the latest snapshot, streamed. */
export const storedMembers = async (server: Server, segment: string): Promise<string[]> => {
  const response = await fetch(`${server.url}/v1/segments/${segment}/members`, {
    headers: { accept: 'application/x-ndjson' },
  });
  if (!response.ok) throw new Error(`members of ${segment}: ${response.status}`);
  const text = await response.text();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { userId: string }).userId);
};
