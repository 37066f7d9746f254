import fc from 'fast-check';

/** How long a failing case is made smaller: each try is a calculation. */
const SHRINK_MS = 20_000;

/** Asserts `check` for `numRuns` values. The first that fails is shrunk, for a while, and shown with its error. */
export const assertAll = async <T>(
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => Promise<void>,
  { seed, numRuns }: { readonly seed: number; readonly numRuns: number },
): Promise<void> => {
  let shrinkUntil = Number.POSITIVE_INFINITY;
  await fc.assert(
    fc.asyncProperty(arbitrary, async (value) => {
      // what is not tried counts as no failure, and so the smallest failure so far stands
      if (Date.now() > shrinkUntil) return;
      try {
        await check(value);
      } catch (error) {
        shrinkUntil = Math.min(shrinkUntil, Date.now() + SHRINK_MS);
        throw error;
      }
    }),
    { seed, numRuns, includeErrorInReport: true },
  );
};
