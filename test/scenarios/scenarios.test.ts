import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

/**
 * Some scenarios of docs/detection.md with one seed each; `npm run scenarios -- --seeds 20` plays them all. In processes of their own, as the
 * detector is ten times slower in jest's context.
 */
const PLAYED: readonly (readonly [name: string, seed: number])[] = [
  ['ramp', 2],
  ['step', 1],
  ['twins', 1],
  ['workspace', 1],
  ['everything', 1],
  ['creep', 1],
  ['quiet', 1],
  ['storm', 1],
  ['gap', 1],
];
/** Each takes some seconds; a machine that has much else to do takes its time. */
const PATIENCE_MS = 300_000;
const ROOT = join(import.meta.dirname, '..', '..');

/** What failed, seed by seed, and whether all was as the scenario asks. */
const play = (name: string, seed: number): Promise<{ status: unknown; said: string }> => {
  const program = join('test', 'support', 'simulator', 'main.ts');
  const args = ['--import', 'tsx', program, '--seeds', '1', '--first', String(seed), '--only', name];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: ROOT, timeout: PATIENCE_MS }, (error, _out, err) => {
      resolve({ status: error === null ? 0 : (error.code ?? error.signal), said: err });
    });
  });
};

test.each(PLAYED)(
  '%s, seed %d',
  async (name, seed) => {
    expect(await play(name, seed)).toEqual({ status: 0, said: '' });
  },
  PATIENCE_MS,
);
