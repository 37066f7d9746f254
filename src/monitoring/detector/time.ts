/** Time is cut into bins: rules are judged at their ends. Bins, hours and days are counted from the epoch, in UTC. */
export const BIN_MS = 5 * 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
export const BINS_PER_HOUR = HOUR_MS / BIN_MS;
export const BINS_PER_DAY = DAY_MS / BIN_MS;

export const binOf = (ms: number): number => Math.floor(ms / BIN_MS);
export const hourOfBin = (bin: number): number => Math.floor(bin / BINS_PER_HOUR);
export const dayOfBin = (bin: number): number => Math.floor(bin / BINS_PER_DAY);
