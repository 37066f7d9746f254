/** `npm run scenarios -- [--seeds 20] [--only NAME,…] [--first 1] [--verbose]`: plays scenarios, and prints a table; what failed, seed by seed, goes to the standard error. */
import { parseArgs } from 'node:util';
import { brokenShares, judge, verdictLine } from './judge.ts';
import { SCENARIOS, scenarioOf } from './scenarios/index.ts';
import { tableHead, tableRow } from './table.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    first: { type: 'string', default: '1' },
    only: { type: 'string' },
    extra: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const [count, first] = [Number(values.seeds), Number(values.first)];
const chosen =
  values.only === undefined
    ? SCENARIOS.filter((scenario) => values.extra || scenario.extra !== true)
    : values.only.split(',').map(scenarioOf);

process.stdout.write(tableHead());
let failed = false;
let [calculations, elapsedMs] = [0, 0];
for (const scenario of chosen) {
  const verdicts = Array.from({ length: count }, (_, n) => {
    const verdict = judge(scenario, first + n);
    calculations += verdict.calculations;
    elapsedMs += verdict.elapsedMs;
    if (values.verbose || verdict.faults.length > 0) process.stderr.write(`${verdictLine(scenario, verdict)}\n`);
    return verdict;
  });
  process.stdout.write(tableRow(scenario, verdicts));
  failed ||= brokenShares(scenario, verdicts).length > 0 || verdicts.some(({ faults }) => faults.length > 0);
}
process.stdout.write(
  `\n${calculations.toLocaleString('en-US')} calculations, ${((1000 * elapsedMs) / calculations).toFixed(1)} µs each with their making\n`,
);
process.exitCode = failed ? 1 : 0;
