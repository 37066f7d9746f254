import type { SegmentResource } from '../../calculations/resources.ts';
import { Client } from '../client.ts';
import { type Invocation, UsageError } from '../command.ts';

const UNITS: Readonly<Record<string, string>> = { m: 'minutes', h: 'hours', d: 'days', w: 'weeks' };
const INTERVAL = /^([1-9]\d{0,5})([mhdw])$/;

/** `auto`, `never`, or an interval such as `30m`, `1h`, `7d`, `2w`, as the service takes it. Throws UsageError. */
export const readRefreshOption = (text: string): unknown => {
  if (text === 'auto') return 'auto';
  if (text === 'never') return null;
  const [, count, unit] = INTERVAL.exec(text) ?? [];
  const name = UNITS[unit ?? ''];
  if (name === undefined)
    throw new UsageError(`"${text.slice(0, 40)}" is none of auto, never, or an interval such as 30m, 1h, 7d, 2w`);
  return { every: { [name]: Number(count) } };
};

/** `evenkeel segment refresh KEY HOW`: how often a segment is recalculated by itself. */
export const setRefresh = async (invocation: Invocation, key: string, how: string): Promise<void> => {
  const refresh = readRefreshOption(how);
  const segment = await Client.of(invocation).json<SegmentResource>(`/v1/segments/${encodeURIComponent(key)}`, {
    method: 'PATCH',
    body: { refresh },
  });
  if (invocation.json) invocation.out(`${JSON.stringify(segment)}\n`);
  else invocation.out(`${key} is recalculated ${refresh === null ? 'only when asked for' : `by itself: ${how}`}\n`);
};
