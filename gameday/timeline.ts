import { transaction } from '../src/database/transaction.ts';
import { recordAlertEvents } from '../src/monitoring/alerts/record.ts';
import { Detector } from '../src/monitoring/detector/detector.ts';
import type { Alert, Observation } from '../src/monitoring/types.ts';
import type { Stage } from './stage.ts';

const HOUR_MS = 3_600_000;
const REFERENCE_DAYS = 5;
/** A real round stands for so much of the stretched time. */
const ROUND_MS = 10 * 60_000;

/**
 * A clock that runs faster. What was measured for real is laid out over hours and days, and goes through the detector that runs live; what
 * that says is written where the service writes it, and so diagnosed and delivered as there.
 */
export class Timeline {
  readonly #stage: Stage;
  readonly #detector = new Detector();
  readonly #alerts = new Map<string, Alert>();
  #now: number;

  constructor(stage: Stage) {
    this.#stage = stage;
    const today = Math.floor(Date.now() / (24 * HOUR_MS)) * 24 * HOUR_MS;
    this.#now = today - (REFERENCE_DAYS + 1) * 24 * HOUR_MS;
  }

  get now(): number {
    return this.#now;
  }

  /** Of all that were opened, as they are now. */
  get alerts(): readonly Alert[] {
    return [...this.#alerts.values()];
  }

  /** × normal now, of everything in an alert's scope; null where there is nothing. */
  ratioOf({ scope }: Pick<Alert, 'scope'>): number | null {
    const key = JSON.stringify(scope);
    return this.#detector.slices().find((slice) => JSON.stringify(slice.scope) === key)?.ratio ?? null;
  }

  /**
   * Real times of each segment, an hour apart and each several times, until there are enough days to know what is normal. Each segment's in
   * another order: what the machine did besides in one of the few seconds that were measured is not to become an hour of all of them.
   */
  async layOut(rounds: readonly (readonly Observation[])[]): Promise<void> {
    const bySegment = new Map<string, Observation[]>();
    for (const observation of rounds.flat()) {
      const key = `${observation.workspace}/${observation.segment}`;
      bySegment.set(key, [...(bySegment.get(key) ?? []), observation]);
    }
    for (let hour = 0; hour < REFERENCE_DAYS * 24; hour++) {
      const round = [...bySegment.values()].flatMap((known, i) => known[(hour * (2 * i + 1) + i) % known.length] ?? []);
      this.#place(round, HOUR_MS);
    }
    await this.#tell();
  }

  /** One real round, as the next minutes. */
  async add(round: readonly Observation[], spanMs = ROUND_MS): Promise<void> {
    this.#place(round, spanMs);
    await this.#tell();
  }

  #place(round: readonly Observation[], spanMs: number): void {
    round.forEach((observation, i) => {
      this.#detector.observe({ ...observation, finishedAt: this.#now + (i * spanMs) / round.length });
    });
    this.#now += spanMs;
    this.#detector.advance(this.#now);
  }

  async #tell(): Promise<void> {
    const events = this.#detector.takeEvents();
    for (const { alert } of events) this.#alerts.set(alert.id, alert);
    await transaction(this.#stage.pool, (client) => recordAlertEvents(client, events));
  }
}
