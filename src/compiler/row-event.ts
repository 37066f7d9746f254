import type { EventCount } from '../conditions/types.ts';
import { windowRange } from '../conditions/window.ts';
import type { RowContext } from './row-property.ts';
import { timestamp } from './time.ts';

/** The events of one user in a window, by the index events_by_user; partitions outside the window are not looked at. */
const eventsOf = ({ asOf, parameters }: RowContext, eventId: number, leaf: EventCount): string => {
  const { from, to } = windowRange(leaf.within, asOf);
  const filters = [
    'x.shard = u.shard',
    'x.ordinal = u.ordinal',
    `x.event_id = ${parameters.add(eventId, 'int')}`,
    ...(from === null ? [] : [`x.occurred_at >= ${timestamp(parameters, from)}`]),
    `x.occurred_at < ${timestamp(parameters, to)}`,
  ];
  return `from events x where ${filters.join(' and ')}`;
};

/** Whether one user did it that often: SQL of type boolean over `users u`, never null. */
export const rowEvent = (context: RowContext, leaf: EventCount): string => {
  const { parameters } = context;
  const { low, high } = leaf.count;
  const eventId = context.events.get(leaf.event);
  if (eventId === undefined) return low <= 0 && (high === null || high >= 0) ? 'true' : 'false';
  const events = eventsOf(context, eventId, leaf);
  if (low === 1 && high === null) return `exists (select ${events})`;
  const count = `(select count(*) ${events})`;
  return high === null
    ? `${count} >= ${parameters.add(low, 'bigint')}`
    : `${count} between ${parameters.add(low, 'bigint')} and ${parameters.add(high, 'bigint')}`;
};
