import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  bucketAt,
  Counts,
  countOf,
  durationAt,
  durationBucket,
  residualAt,
  residualBucket,
  trimmedMean,
} from '../../../../src/monitoring/live/histogram.ts';

const durations = fc.array(fc.double({ min: 0.001, max: 86_400_000, noNaN: true }), { minLength: 1, maxLength: 300 });
const histogramOf = (values: readonly number[]): number[] => {
  const counts = new Counts();
  for (const value of values) counts.add(durationBucket(value));
  return counts.toHistogram();
};

test('any quantile is off by at most 2 %', () => {
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (values, q) => {
      const exact = values.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(q * values.length)) - 1] as number;
      const found = durationAt(bucketAt(histogramOf(values), q) as number);
      expect(Math.abs(found - exact) / exact).toBeLessThanOrEqual(0.0200001);
    }),
  );
});

test('the histograms of parts add up to that of the whole', () => {
  fc.assert(
    fc.property(durations, durations, (some, others) => {
      const counts = new Counts();
      counts.merge(histogramOf(some));
      counts.merge(histogramOf(others));
      expect(counts.toHistogram()).toEqual(histogramOf([...some, ...others]));
      expect(countOf(counts.toHistogram())).toBe(some.length + others.length);
    }),
  );
});

test('a trimmed mean leaves out both ends, and is exact to a bucket', () => {
  const counts = new Counts();
  for (const residual of [-5, 0.1, 0.1, 0.2, 5]) counts.add(residualBucket(residual));
  expect(trimmedMean(counts.toHistogram(), 0.2, residualAt)).toBeCloseTo(0.4 / 3, 10);
  expect(trimmedMean(counts.toHistogram(), 0, residualAt)).toBeCloseTo(0.08, 10);
});

test('nothing has neither quantile nor mean', () => {
  expect([bucketAt([], 0.5), trimmedMean([], 0.2, residualAt), countOf([])]).toEqual([undefined, undefined, 0]);
});
