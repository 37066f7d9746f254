/** The seed of this run: printed, and taken from EVENKEEL_SEED to see the same cases again. */
export const seed: number = (() => {
  const given = process.env['EVENKEEL_SEED'];
  const value = given === undefined || given === '' ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  if (!Number.isInteger(value)) throw new Error(`EVENKEEL_SEED must be a whole number, not ${given}`);
  process.stdout.write(`property tests with EVENKEEL_SEED=${value}\n`);
  return value;
})();
