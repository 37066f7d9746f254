#!/usr/bin/env node
// `npm test`: build, types, format, lint, then jest. Arguments go to jest. The last line counts the tests.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkNodeVersion } from './node-version.mjs';

checkNodeVersion();
const { bootstrap, ROOT } = await import('./bootstrap.mjs');
bootstrap();

let child;
let stoppedBy;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    // A terminal's Ctrl-C has reached the child already; a signal sent to npm alone has not.
    stoppedBy ??= signal;
    child?.kill(signal);
  });

const bin = (name, ...rest) => join(ROOT, 'node_modules', name, ...rest);

// A log is read by people and programs that do not know a terminal's colours.
const COLOURS =
  process.stdout.isTTY || process.env.FORCE_COLOR !== undefined ? {} : { NO_COLOR: '1', FORCE_COLOR: '0' };

const run = (args, environment = {}) =>
  new Promise((resolve) => {
    child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...COLOURS, ...environment },
    });
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });

const CHECKS = [
  ['types', [bin('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json']],
  ['format', [bin('@biomejs', 'biome', 'bin', 'biome'), 'format']],
  ['lint', [bin('oxlint', 'bin', 'oxlint'), '--type-aware', '--deny-warnings']],
];

const runJest = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-results-'));
  const file = join(folder, 'results.json');
  try {
    const options = [process.env.NODE_OPTIONS ?? '', '--experimental-vm-modules', '--no-warnings'].join(' ').trim();
    const args = [bin('jest', 'bin', 'jest.js'), '--json', `--outputFile=${file}`, ...process.argv.slice(2)];
    const status = await run(args, { NODE_OPTIONS: options });
    const results = JSON.parse(readFileSync(file, 'utf8'));
    const passed = Number(results.numPassedTests);
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    // Such as a database that was left open, which no single test has failed for.
    return {
      passed,
      skipped: results.numPendingTests + results.numTodoTests,
      failed: status === 0 ? failed : Math.max(failed, 1),
    };
  } catch {
    return { passed: 0, skipped: 0, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const failedChecks = [];
for (const [name, args] of CHECKS) {
  if (stoppedBy !== undefined) break;
  process.stderr.write(`${name} …\n`);
  if ((await run(args)) !== 0) failedChecks.push(name);
}
const { passed, failed, skipped } = stoppedBy === undefined ? await runJest() : { passed: 0, failed: 0, skipped: 0 };
if (stoppedBy !== undefined) process.exit(stoppedBy === 'SIGINT' ? 130 : 143);
if (failedChecks.length > 0)
  process.stderr.write(`\nFailed before the tests: ${failedChecks.join(', ')} (see above)\n`);
const allFailed = failed + failedChecks.length;
process.exitCode = allFailed === 0 ? 0 : 1;
const skippedToo = skipped > 0 ? `, ${skipped} skipped` : '';
process.stdout.write(`${passed} passed, ${allFailed} failed${skippedToo}\n`);
