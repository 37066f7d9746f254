import { expect, jest, test } from '@jest/globals';
import { judge, verdictLine } from '../support/simulator/judge.ts';
import { SCENARIOS } from '../support/simulator/scenarios/index.ts';

/**
 * The scenarios of docs/detection.md with few seeds; `npm run scenarios -- --seeds 20` plays them all and prints a table. Limits on shares
 * of the seeds are judged there.
 */
const SEEDS: Readonly<Record<string, readonly number[]>> = {
  ramp: [2],
  step: [1],
  twins: [1],
};
/** Each takes some seconds; a machine that has much else to do takes its time. */
const PATIENCE_MS = 600_000;
jest.setTimeout(PATIENCE_MS);

const played = SCENARIOS.flatMap((scenario) => (SEEDS[scenario.name] ?? []).map((seed) => ({ scenario, seed })));

test.each(played.map(({ scenario, seed }) => [scenario.name, seed, scenario] as const))(
  '%s, seed %d',
  (_name, seed, scenario) => {
    const verdict = judge(scenario, seed);
    const line = verdictLine(scenario, verdict);
    expect({ line, faults: verdict.faults }).toEqual({ line, faults: [] });
    if (scenario.limits.rightLater !== undefined)
      expect({ line, right: verdict.rightLater }).toEqual({ line, right: true });
    // the plain rule beside it says nothing in time, or cried before there was anything
    if (scenario.limits.plainFails !== undefined)
      expect({ line, plain: !verdict.plain.inTime || verdict.plain.before > 0 }).toEqual({ line, plain: true });
  },
);
