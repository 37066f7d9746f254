import { randomFrom } from './random.ts';

/** Events of the measurement, oldest first: what an application writes as it happens. */

export const EVENTS_A_USER = 20;
export const EVENT_NAME = 'purchase';
const DAY_MS = 86_400_000;
const SPAN_DAYS = 365;
/** Three events of ten are of one user of ten: some do much. */
const BUSY_SHARE = 0.3;
const BUSY_EVERY = 10;

export interface EventRow {
  readonly id: number;
  /** 1, 2, 3, … */
  readonly user: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly amount: number;
}

/** The year that ends at `until`, epoch ms. */
export function* eventsOf(users: number, seed: number, until: number): Generator<EventRow> {
  const random = randomFrom(seed ^ 0x5eed);
  const events = users * EVENTS_A_USER;
  const from = until - SPAN_DAYS * DAY_MS;
  for (let id = 1; id <= events; id++) {
    const index =
      random() < BUSY_SHARE ? Math.floor((random() * users) / BUSY_EVERY) * BUSY_EVERY : Math.floor(random() * users);
    const at = from + Math.floor((id / events) * SPAN_DAYS * DAY_MS);
    yield { id, user: index + 1, at, amount: Math.floor(random() * 20_000) / 100 };
  }
}
