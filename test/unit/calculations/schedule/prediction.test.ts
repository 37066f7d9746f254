import fc from 'fast-check';
import {
  MIN_HISTORY,
  predictFromCost,
  predictFromHistory,
  type Run,
} from '../../../../src/calculations/schedule/prediction.ts';

const run = fc.record({
  ms: fc.double({ min: 0.5, max: 60_000, noNaN: true }),
  population: fc.integer({ min: 1, max: 10_000_000 }),
});
const history = fc.array(run, { minLength: MIN_HISTORY, maxLength: 20 });
const of = (ms: readonly number[], population = 1_000): Run[] => ms.map((each) => ({ ms: each, population }));

test('too little history is none', () => {
  expect(predictFromHistory([])).toBeUndefined();
  expect(predictFromHistory(of([1, 2, 3, 4]))).toBeUndefined();
});

test('the expected time lies between the low and the high one, and all within what has been', () => {
  fc.assert(
    fc.property(history, (runs) => {
      const { lowMs, expectedMs, highMs, calculations } = predictFromHistory(runs) ?? { lowMs: Number.NaN };
      expect(lowMs).toBeLessThanOrEqual(expectedMs ?? Number.NaN);
      expect(expectedMs).toBeLessThanOrEqual(highMs ?? Number.NaN);
      expect(calculations).toBe(runs.length);
    }),
  );
});

test('it grows in proportion with the population, and with the times', () => {
  fc.assert(
    fc.property(history, fc.integer({ min: 2, max: 50 }), (runs, factor) => {
      const slower = predictFromHistory(runs.map(({ ms, population }) => ({ ms: ms * factor, population })));
      const same = predictFromHistory(runs);
      expect((slower?.expectedMs ?? 0) / (same?.expectedMs ?? 1)).toBeCloseTo(factor, 6);
    }),
  );
  const grown = [{ ms: 20, population: 2_000 }, ...of([10, 10, 10, 10, 10])];
  expect(predictFromHistory(grown)).toMatchObject({ expectedMs: 20, lowMs: 20, highMs: 20 });
});

test('an outlier moves neither what is expected nor, in a long history, what is high', () => {
  const usual = Array.from({ length: 19 }, (_, i) => 10 + i / 10);
  const prediction = predictFromHistory(of([60_000, ...usual]));
  expect(prediction?.expectedMs).toBeLessThan(11.5);
  expect(prediction?.highMs).toBeLessThan(12);
  expect(prediction).toMatchObject({ basis: 'history', calculations: 20 });
});

test('without a history the spread of a reckoning is wide', () => {
  expect(predictFromCost(8, 2)).toEqual({ expectedMs: 8, lowMs: 2, highMs: 80, basis: 'cost', calculations: 2 });
});
