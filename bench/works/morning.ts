import { type Bench, keyOf } from '../bench.ts';
import { EVENT_NAME } from '../data/events.ts';
import { calculate, createSegment } from '../service/client.ts';
import { spreadOf, timed } from '../spread.ts';

const SEGMENTS = 100;
const ROUNDS = 5;

const COUNTRIES = ['US', 'GB', 'FR', 'NO', 'SE', 'NL', 'ES', 'IT', 'PL', 'PT'];

/** A hundred different segments, of the kinds that a marketer builds. */
const conditionOf = (index: number, events: boolean): object => {
  const country = COUNTRIES[index % COUNTRIES.length];
  const inCountry = { type: 'property', property: 'country', operator: 'equals', value: country };
  const valuable = { type: 'property', property: 'ltv', operator: 'greater_than', value: 5 * (index + 1) };
  const subscribed = { type: 'property', property: 'subscribed', operator: 'equals', value: true };
  const age = { type: 'property', property: 'age', operator: 'between', value: [20 + (index % 40), 40 + (index % 40)] };
  const bought = { type: 'event', event: EVENT_NAME, within: { last: { days: 7 + (index % 60) } } };
  switch (index % 4) {
    case 0:
      return { type: 'all', of: [inCountry, subscribed] };
    case 1:
      return { type: 'all', of: [subscribed, valuable] };
    case 2:
      return { type: 'all', of: [subscribed, age, { type: 'not', of: inCountry }] };
    default:
      return events ? { type: 'all', of: [subscribed, bought] } : { type: 'any', of: [valuable, age] };
  }
};

/** A newsletter morning: a hundred segments asked for at once, until the last is stored. */
export const measureMorning = async (bench: Bench, events: boolean): Promise<void> => {
  const { service, findings, progress } = bench;
  const segments = Array.from({ length: SEGMENTS }, (_, index) => keyOf(`morning-${index}`));
  for (const [index, segment] of segments.entries())
    await createSegment(service.server, segment, conditionOf(index, events));
  const all = (): Promise<unknown> =>
    Promise.all(segments.map((segment) => calculate(service.server, segment, 'newsletter')));
  progress('morning: the first time');
  findings.figure('morning.first_time_ms', await timed(all));
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    progress(`morning: round ${round + 1} of ${ROUNDS}`);
    times.push(await timed(all));
  }
  findings.add('morning', times, new Map());
  findings.figure('morning.all_100_p50_ms', spreadOf(times).p50);
};
