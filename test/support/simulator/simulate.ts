/** `npm run --silent simulate -- SCENARIO --seed N > history.csv`: a scenario as a history, to be tried with `evenkeel backtest`. */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { HISTORY_HEADER_LINE, historyLine } from '../../../src/monitoring/history/write.ts';
import { play } from './scenario.ts';
import { SCENARIOS, scenarioOf } from './scenarios/index.ts';
import { BEGIN } from './stream.ts';

const PIECE = 1 << 16;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' } },
});
const [name] = positionals;
if (name === undefined) {
  const width = Math.max(...SCENARIOS.map((scenario) => scenario.name.length));
  const lines = SCENARIOS.map((scenario) => `  ${scenario.name.padEnd(width)}  ${scenario.title}\n`);
  process.stderr.write(`npm run --silent simulate -- SCENARIO [--seed N] > history.csv\n\n${lines.join('')}`);
  process.exit(2);
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const { observations, truth } = play(scenarioOf(name), Number(values.seed));
let piece = HISTORY_HEADER_LINE;
for (const observation of observations()) {
  piece += historyLine(observation);
  if (piece.length < PIECE) continue;
  if (!process.stdout.write(piece)) await once(process.stdout, 'drain');
  piece = '';
}
process.stdout.write(piece);
if (truth !== undefined)
  process.stderr.write(
    `${truth.scope} from ${new Date(BEGIN + truth.from).toISOString()}${truth.mendedAt === undefined ? '' : ` to ${new Date(BEGIN + truth.mendedAt).toISOString()}`}\n`,
  );
