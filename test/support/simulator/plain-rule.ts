import type { Observation } from '../../../src/monitoring/types.ts';
import { HOUR, MINUTE } from './faults.ts';

const MULTIPLE = 2;
const HOUR_MINUTES = 60;
const DAY_MINUTES = 24 * 60;

/**
 * What people write first: "the average of everything over the last hour is above 2 times that of the day before it". Judged every
 * minute. It stands beside the detector to show what it is good for.
 */
export class PlainRule {
  readonly #sums = new Float64Array(HOUR_MINUTES + DAY_MINUTES);
  readonly #counts = new Float64Array(HOUR_MINUTES + DAY_MINUTES);
  #minute = -1;
  #first = -1;
  #firing = false;
  /** When it began to fire, each time. */
  readonly firedAt: number[] = [];
  /** Minutes in which it fired. */
  minutes = 0;
  #hour = { sum: 0, count: 0 };
  #day = { sum: 0, count: 0 };

  observe({ finishedAt, durationMs }: Observation): void {
    const minute = Math.floor(finishedAt / MINUTE);
    if (this.#first < 0) {
      this.#first = minute;
      this.#minute = minute;
    }
    while (this.#minute < minute) this.#next();
    const at = minute % this.#sums.length;
    this.#sums[at]! += durationMs;
    this.#counts[at]! += 1;
  }

  /** The minute is over: it enters the hour, what leaves the hour enters the day, what leaves the day is forgotten. */
  #next(): void {
    const size = this.#sums.length;
    const place = (minute: number): number => ((minute % size) + size) % size;
    const over = place(this.#minute);
    const leavesHour = place(this.#minute - HOUR_MINUTES);
    this.#hour.sum += this.#sums[over]! - this.#sums[leavesHour]!;
    this.#hour.count += this.#counts[over]! - this.#counts[leavesHour]!;
    this.#minute += 1;
    const leavesDay = place(this.#minute);
    this.#day.sum += this.#sums[leavesHour]! - this.#sums[leavesDay]!;
    this.#day.count += this.#counts[leavesHour]! - this.#counts[leavesDay]!;
    this.#sums[leavesDay] = 0;
    this.#counts[leavesDay] = 0;
    const [hour, day] = [this.#hour, this.#day];
    const whole = this.#minute - this.#first > HOUR_MINUTES + DAY_MINUTES;
    const fires = whole && hour.count > 0 && day.count > 0 && hour.sum / hour.count > (MULTIPLE * day.sum) / day.count;
    if (fires && !this.#firing) this.firedAt.push(this.#minute * MINUTE);
    if (fires) this.minutes += 1;
    this.#firing = fires;
  }
}

/** Within these bounds, in hours from `from`: when it fired. */
export const firedBetween = (firedAt: readonly number[], from: number, until: number): number[] =>
  firedAt.filter((at) => at >= from && at < until).map((at) => (at - from) / HOUR);
