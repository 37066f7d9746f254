import type { EventSequence } from '../conditions/types.ts';
import { windowRange } from '../conditions/window.ts';
import { NOBODY, rowsOf, type Users, type Who } from './event-rows.ts';
import type { RowContext } from './row-property.ts';

/**
 * Who did all the steps, one after the other.
 *
 * The events of each step become rows (user, time, id, step). A user's rows are put in order of time, those of one millisecond in
 * the order in which they were received; then each step is marked in turn: an event *reaches* step k where the latest event
 * before it that reached step k − 1 is near enough. The latest is enough to look at: what is near enough to an earlier one is nearer
 * to it. So a first step that came too early does not hide a later one that fits, as it would if the earliest match were taken.
 *
 * Each step after the first is one pass of a window function; all passes share one sort. An event that several steps match is a
 * row for each, the later steps first, so that it does not precede itself.
 *
 *     select o from (
 *       select o, t, id, step, case when step = 2 and t <= max(reached) over w + $after then t end as reached from (
 *         select o, t, id, step, case when step = 1 then t end as reached from (…) r1
 *       ) r2 window w as (partition by o order by t, id, step desc rows between unbounded preceding and 1 preceding)
 *     ) r where reached is not null
 */
export const whoInSequence = (context: RowContext, leaf: EventSequence): Who => {
  const { asOf, parameters, events } = context;
  const window = windowRange(leaf.within, asOf);
  const ids = leaf.steps.map(({ event }) => events.get(event));
  if ((window.from !== null && window.from >= window.to) || ids.includes(undefined)) return NOBODY;
  const steps = leaf.steps.map(({ where }, i) => rowsOf(context, ids[i] as number, window, where));
  const nearEnough = leaf.steps.map(({ after }) =>
    after === undefined
      ? 'max(reached) over w is not null'
      : `t <= max(reached) over w + ${parameters.add(`${after.ms} milliseconds`, 'interval')}`,
  );
  const query = ({ scope, give }: Users): string => {
    const rows = steps.map(
      (each, i) =>
        `select ${give} as o, x.occurred_at as t, x.id, ${i + 1} as step, ${i === 0 ? 'x.occurred_at' : 'null::timestamptz'} as reached ` +
        `from events x where ${scope} and ${each}`,
    );
    let reached = rows.join(' union all ');
    for (let step = 2; step <= steps.length; step++)
      reached =
        `select o, t, id, step, case when step = ${step} and ${nearEnough[step - 1]} then t end as reached ` +
        `from (${reached}) r where step >= ${step} or reached is not null ` +
        'window w as (partition by o order by t, id, step desc rows between unbounded preceding and 1 preceding)';
    return `select o from (${reached}) r where reached is not null`;
  };
  return { query, complement: false };
};
