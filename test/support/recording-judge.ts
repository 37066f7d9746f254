import type { Accept, Judge } from '../../src/monitoring/live/judge.ts';
import type { AlertEvent, Observation } from '../../src/monitoring/types.ts';
import { anAlert } from './alerts.ts';

interface Memory {
  /** Everything that it was told, in order. */
  readonly log: string[];
  observed: number;
  told: number;
}

/**
 * The simplest detector that remembers everything: what it was told shows whether steps are lost, doubled or out of order. Says
 * something at every tenth observation.
 */
export class RecordingJudge implements Judge {
  readonly memory: Memory;
  #events: AlertEvent[] = [];

  constructor(state: unknown) {
    this.memory = state === undefined ? { log: [], observed: 0, told: 0 } : structuredClone(state as Memory);
  }

  observe({ segment, durationMs, finishedAt, version }: Observation): number {
    this.memory.log.push(`${segment} ${version} ${durationMs} ${finishedAt}`);
    if (++this.memory.observed % 10 === 0) {
      const id = `alr_${++this.memory.told}`;
      this.#events.push({ type: 'opened', at: finishedAt, alert: anAlert({ id, openedAt: finishedAt }) });
    }
    return Math.log(durationMs / 8);
  }

  advance(nowMs: number): void {
    this.memory.log.push(`until ${nowMs}`);
  }

  accept({ scope, by, reason }: Accept): void {
    this.memory.log.push(`accept ${JSON.stringify(scope)} ${by} ${reason}`);
  }

  takeEvents(): AlertEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  save(): unknown {
    return structuredClone(this.memory);
  }
}
