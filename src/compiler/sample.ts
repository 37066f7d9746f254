import type { Sample } from '../conditions/types.ts';
import { ALL, bits, NONE } from './bits.ts';
import { cost } from './cost.ts';
import type { Context } from './properties.ts';
import type { Source } from './slices.ts';

const PLACES = 2 ** 16;

/** Users whose 16-bit number is below it are in. */
export const sampleThreshold = (percent: number): number => Math.round((percent / 100) * PLACES);

/** A share of the users, by digests of seed and place: see sql/functions/evenkeel_sample.sql. */
export const sampleSource = ({ parameters }: Context, { percent, seed }: Sample): Source => {
  const threshold = sampleThreshold(percent);
  if (threshold <= 0) return { bits: NONE, cost: cost({}), source: 'nothing' };
  if (threshold >= PLACES) return { bits: ALL, cost: cost({}), source: 'nothing' };
  let lowestOne = 0;
  while (((threshold >> lowestOne) & 1) === 0) lowestOne++;
  return {
    bits: bits(`evenkeel_sample(c.chunk, ${parameters.add(seed, 'text')}, ${parameters.add(threshold, 'int')})`),
    cost: cost({ slicesHashed: 16 - lowestOne, operations: 16 - lowestOne, calls: 1 }),
    source: 'digests',
  };
};
