import { POLL_MS } from './limits.ts';
import type { CalculationResource, CalculationRow } from './resources.ts';
import type { Signals } from './signals.ts';

export interface Changes {
  /** Waits for a change, at most so long. Gives the row where the calculation has ended and it came along. */
  next(timeoutMs: number): Promise<CalculationRow | undefined>;
  end(): void;
}

/** Wakes at a change of the calculation, and now and then in case that a signal was lost. `begun`: also when it only begins. */
export const changesOf = (
  signals: Signals,
  id: number,
  { begun, abort }: { readonly begun: boolean; readonly abort?: AbortSignal },
): Changes => {
  let changed = false;
  let ended: CalculationRow | undefined;
  let wake = (): void => undefined;
  const notice = (): void => {
    changed = true;
    wake();
  };
  const unlisten = signals.listen((signal) => {
    if (signal.kind !== 'changed' || signal.id !== id || (signal.begun === true && !begun)) return;
    ended = signal.ended;
    notice();
  });
  abort?.addEventListener('abort', notice);
  return {
    next: async (timeoutMs) => {
      if (!changed) await pause(Math.min(timeoutMs, POLL_MS), (wakeNow) => (wake = wakeNow));
      changed = false;
      return ended;
    },
    end: () => {
      unlisten();
      abort?.removeEventListener('abort', notice);
    },
  };
};

const pause = (ms: number, offerWake: (wake: () => void) => void): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    offerWake(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/** A bit past it, so that the database's clock has passed it too. */
export const untilDeadline = (calculation: CalculationResource | undefined): number => {
  if (calculation === undefined || calculation.deadline === null || calculation.late) return Number.POSITIVE_INFINITY;
  return Math.max(1, Date.parse(calculation.deadline) - Date.now() + 1);
};
