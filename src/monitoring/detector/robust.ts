/** Statistics that a few wild values do not move. */

/** Of the first `length` values; sorts them. */
export const medianOf = (values: Float64Array, length = values.length): number => {
  if (length === 0) return 0;
  const sorted = values.subarray(0, length).sort();
  const half = length >> 1;
  return length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

/** The mean of the middle 60 % of the first `length` values; sorts them. */
export const trimmedMean = (values: Float64Array, length = values.length): number => {
  if (length === 0) return 0;
  const sorted = values.subarray(0, length).sort();
  const cut = Math.floor(length * 0.2);
  let sum = 0;
  for (let i = cut; i < length - cut; i++) sum += sorted[i]!;
  return sum / (length - 2 * cut);
};

export const clamp = (value: number, low: number, high: number): number =>
  value < low ? low : value > high ? high : value;

/** The value that half of the weight is below. */
export const weightedMedian = (pairs: { value: number; weight: number }[]): number => {
  const sorted = pairs.toSorted((a, b) => a.value - b.value);
  const half = sorted.reduce((sum, { weight }) => sum + weight, 0) / 2;
  let below = 0;
  for (const { value, weight } of sorted) {
    below += weight;
    if (below >= half) return value;
  }
  return 0;
};
