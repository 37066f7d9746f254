import type { Window } from './types.ts';

/** Half-open, in epoch milliseconds: `from` inside (null: ever since), `to` outside. Empty where `from` equals `to`. */
export interface WindowRange {
  readonly from: number | null;
  readonly to: number;
}

/**
 * The milliseconds that a window covers for a calculation as of `asOf`, which itself is the last one inside: what happens later
 * does not count, whatever the window says.
 */
export const windowRange = (window: Window, asOf: number): WindowRange => {
  if ('last' in window) return { from: asOf - window.last.ms, to: asOf + 1 };
  const to = Math.min(window.to ?? asOf + 1, asOf + 1);
  return { from: window.from === undefined ? null : Math.min(window.from, to), to };
};
