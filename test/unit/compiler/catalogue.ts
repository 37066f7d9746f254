import type { Catalogue } from '../../../src/compiler/catalogue.ts';
import { textMatchKey } from '../../../src/conditions/references.ts';

export const DAY = 86_400_000;
export const AS_OF = Date.UTC(2026, 2, 15, 10, 30);

/** A workspace as the compiler sees it. */
export const catalogue: Catalogue = {
  shards: [1_048_576, 2_097_151],
  properties: new Map([
    [
      'plan',
      {
        set: { id: 1 },
        text: { id: 2, scale: 0, width: 3, hasNegative: false, overflowed: false },
        boolean: { id: 3 },
        array: { id: 4, overflowed: false },
      },
    ],
    ['ltv', { set: { id: 10 }, number: { id: 11, scale: 2, width: 17, hasNegative: false } }],
    ['balance', { set: { id: 12 }, number: { id: 13, scale: 0, width: 8, hasNegative: true } }],
    ['born', { set: { id: 14 }, date: { id: 15, unitMs: DAY, width: 15, hasNegative: true } }],
    ['.list.7', { set: { id: 40 } }],
    ['email', { set: { id: 16 }, text: { id: 17, scale: -1, width: 32, hasNegative: false, overflowed: true } }],
    [
      'note',
      {
        set: { id: 20 },
        text: { id: 21, scale: 0, width: 0, hasNegative: false, overflowed: true },
        array: { id: 22, overflowed: true },
      },
    ],
  ]),
  codes: new Map([
    [
      2,
      new Map([
        ['free', 0],
        ['pro', 5],
        ['team', 6],
      ]),
    ],
    [
      4,
      new Map([
        ['"beta"', 1],
        ['5', 2],
      ]),
    ],
  ]),
  textMatches: new Map([
    [textMatchKey({ type: 'property', property: 'plan', operator: 'contains', value: 'e', ignoreCase: false }), [0, 6]],
  ]),
  events: new Map([['purchase', 30]]),
};
