import type { Observation } from '../types.ts';
import { HISTORY_COLUMNS, KIND_SEPARATOR } from './columns.ts';

const NEEDS_QUOTES = /[",\r\n]|^\s|\s$/;
const quoted = (text: string): string => (NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** To the microsecond, without the noise of binary fractions. */
const milliseconds = (value: number): string => String(Math.round(value * 1000) / 1000);

export const HISTORY_HEADER_LINE = `${HISTORY_COLUMNS.join(',')}\n`;

/** An observation as a line of a history, in the order of `HISTORY_COLUMNS`. `historyRows` reads it back as it was. */
export const historyLine = (observation: Observation): string =>
  `${new Date(observation.finishedAt).toISOString()},${quoted(observation.workspace)},${quoted(observation.segment)},${quoted(observation.trigger)},${quoted(observation.kinds.join(KIND_SEPARATOR))},${observation.population},${milliseconds(observation.durationMs)},${observation.outcome},${observation.version}\n`;
