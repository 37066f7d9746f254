import { FAILURE_BASE_MS, FAILURE_MAX_MS } from '../limits.ts';

/** Its multiples modulo 1 lie as far from each other as can be, however many there are (Knuth, TAOCP 3, 6.4). */
const GOLDEN_RATIO = 0.6180339887498949;

/**
 * When a segment is next due, epoch milliseconds: the first moment after `nowMs` of a grid of its interval. Where the grid begins
 * follows from the segment's id, so that a thousand hourly segments are spread over the hour, at the same minutes whoever
 * asks, and downtime of a day is caught up with once.
 */
export const nextDue = (nowMs: number, intervalMs: number, segmentId: number): number => {
  const phaseMs = Math.floor(((segmentId * GOLDEN_RATIO) % 1) * intervalMs);
  return (Math.floor((nowMs - phaseMs) / intervalMs) + 1) * intervalMs + phaseMs;
};

/** How long a segment rests after `failures` in a row, at least 1: it is tried for ever, ever more seldom. */
export const failureDelayMs = (failures: number, intervalMs: number): number =>
  Math.min(FAILURE_BASE_MS * 2 ** Math.min(failures, 30), Math.max(FAILURE_MAX_MS, intervalMs));
