import Benchmark from 'benchmark';
import type { Catalogue } from '../../src/compiler/catalogue.ts';
import { compile } from '../../src/compiler/compile.ts';
import { expandSegments, hashCondition, normalise, parseCondition } from '../../src/conditions/index.ts';
import { numberCode, scaleFor } from '../../src/index/codes.ts';
import { Held } from '../../src/index/held.ts';
import { CHUNK_BITS, shardRange } from '../../src/index/layout.ts';
import { integerPlanes, numberPlanes } from '../../src/index/planes.ts';
import type { Bench } from '../bench.ts';
import { randomFrom } from '../data/random.ts';
import { randomLtv } from '../data/users.ts';
import { CONDITIONS } from './conditions.ts';

/** The small things, that take microseconds in memory, measured by Benchmark.js in this process. */

const MICROSECONDS = 1e6;

const catalogue: Catalogue = {
  shards: shardRange(1),
  properties: new Map([
    ['plan', { set: { id: 1 }, text: { id: 2, scale: 0, width: 2, hasNegative: false, overflowed: false } }],
    ['country', { set: { id: 3 }, text: { id: 4, scale: 0, width: 5, hasNegative: false, overflowed: false } }],
    ['ltv', { set: { id: 5 }, number: { id: 6, scale: 2, width: 18, hasNegative: false } }],
    ['subscribed', { set: { id: 7 }, boolean: { id: 8 } }],
  ]),
  codes: new Map([
    [
      2,
      new Map([
        ['pro', 1],
        ['team', 2],
      ]),
    ],
    [4, new Map([['DE', 0]])],
  ]),
  textMatches: new Map(),
  events: new Map(),
};

const subjects = (): Record<string, () => unknown> => {
  const random = randomFrom(1);
  const values = Array.from({ length: CHUNK_BITS }, () => randomLtv(random));
  const offsets = values.map((_, offset) => offset);
  const decimals = Held.of(offsets, values);
  const integers = Held.of(
    offsets,
    values.map(() => Math.floor(random() * 2 ** 20)),
  );
  const parsed = parseCondition(CONDITIONS.tree5);
  const expanded = expandSegments(parsed, () => undefined);
  const asOf = Date.UTC(2026, 0, 1);
  return {
    'parse five leaves': () => parseCondition(CONDITIONS.tree5),
    'normalise five leaves': () => normalise(parsed),
    'hash five leaves': () => hashCondition(parsed),
    'compile five leaves': () => compile(expanded, catalogue, asOf),
    'code 1,000 decimals': () => {
      for (let i = 0; i < 1_000; i++) numberCode(values[i] as number, scaleFor(values[i] as number, 2));
    },
    'fold 32,000 decimals': () => numberPlanes(decimals, 2),
    'fold 32,000 codes of 20 bits': () => integerPlanes(integers),
  };
};

export const measureSmall = async (bench: Bench): Promise<void> => {
  for (const [name, run] of Object.entries(subjects())) {
    bench.progress(`small: ${name}`);
    const suite = new Benchmark(name, run, { maxTime: bench.options.smallSeconds });
    await new Promise<void>((resolve, reject) => {
      suite.on('complete', () => resolve());
      suite.on('error', () => reject(new Error(`${name} failed: ${String(suite.error)}`)));
      suite.run({ async: true });
    });
    bench.findings.figure(`small.${name}_us`, suite.stats.mean * MICROSECONDS);
  }
};
