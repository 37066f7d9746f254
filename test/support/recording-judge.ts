import type { Signal } from '../../src/monitoring/detector/signals.ts';
import type { Accept, BaselinesChange, Judge, JudgedBaseline, JudgedSlice } from '../../src/monitoring/live/judge.ts';
import type { Alert, AlertEvent, Observation } from '../../src/monitoring/types.ts';
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

  signal({ kind, at, value }: Signal): void {
    this.memory.log.push(`${kind} ${value} ${at}`);
  }

  accept({ scope, by, reason }: Accept): void {
    this.memory.log.push(`accept ${JSON.stringify(scope)} ${by} ${reason}`);
  }

  takeEvents(): AlertEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  slices(): readonly JudgedSlice[] {
    return [
      { scope: {}, ratio: 1.25, band: { low: 0.9, high: 1.1 }, hours: 1, calculations: this.memory.observed },
      { scope: { kind: 'property.equals' }, ratio: 1.5, band: { low: 0.8, high: 1.2 }, hours: 1, calculations: 1 },
      { scope: { workspace: 'acme' }, ratio: 1, band: { low: 0.7, high: 1.3 }, hours: 1, calculations: 1 },
    ];
  }

  openAlerts(): readonly Alert[] {
    return this.memory.told === 0 ? [] : [anAlert({ id: 'alr_1', scope: { kind: 'property.equals' } })];
  }

  /** One, that grows with what was observed. */
  baselines(): readonly JudgedBaseline[] {
    const { observed } = this.memory;
    if (observed === 0) return [];
    const one = {
      workspace: 'acme',
      segment: 'a',
      version: 1,
      kinds: ['property.equals'],
      spread: 0.35,
      lockedUntil: null,
    };
    return [{ ...one, expectedMs: 100 + observed, calculations: observed }];
  }

  baselineHistory(): readonly BaselinesChange[] {
    return [{ version: 1, at: Date.UTC(2026, 0, 1), reason: 'first', segments: 1, change: 1 }];
  }

  save(): unknown {
    return structuredClone(this.memory);
  }
}
