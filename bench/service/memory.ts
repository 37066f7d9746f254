import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 100;

/** Resident memory of a process now (Linux), MiB; NaN elsewhere, and when it is gone. */
const residentMiB = (pid: number): number => {
  try {
    const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? Number.NaN : Number(kib) / 1_024;
  } catch {
    return Number.NaN;
  }
};

/** The most that the measured servers took, by what was going on. */
export class MemoryWatch {
  readonly #highest = new Map<string, number>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #during = 'start';

  /** What is being measured from now on. */
  during(what: string): void {
    this.#during = what;
  }

  /** Watches a process until the function that it gives is called. */
  watch(pid: number): () => void {
    const look = (): void => {
      const now = residentMiB(pid);
      if (!Number.isNaN(now)) this.#highest.set(this.#during, Math.max(this.#highest.get(this.#during) ?? 0, now));
    };
    look();
    const timer = setInterval(look, LOOK_EVERY_MS);
    this.#timers.add(timer);
    return () => {
      look();
      clearInterval(timer);
      this.#timers.delete(timer);
    };
  }

  /** MiB by what was going on. */
  get highest(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#highest);
  }
}
