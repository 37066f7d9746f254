import { formatCount } from '../progress.ts';
import type { Said } from './said.ts';
import type { Totals } from './totals.ts';

/** Alerts that a person is shown one by one. */
export const MAX_SHOWN_ALERTS = 200;
const HOUR_MS = 3_600_000;

const minute = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
const times = (ratio: number): string => `${ratio.toFixed(2)}×`;

const length = (ms: number): string => {
  const hours = ms / HOUR_MS;
  if (hours < 1) return `${Math.max(1, Math.round(hours * 60))} min`;
  return hours < 72 ? `${hours.toFixed(hours < 10 ? 1 : 0)} h` : `${(hours / 24).toFixed(1)} days`;
};

const HEADS = ['severity', 'onset', 'opened', 'resolved', 'ratio', 'peak'] as const;

const cellsOf = ({ alert, figures }: Said): readonly string[] => [
  alert.severity,
  minute(alert.onset),
  minute(alert.openedAt),
  alert.resolvedAt === null ? 'still open' : minute(alert.resolvedAt),
  times(figures.ratio),
  times(alert.peakRatio),
];

const escalations = ({ alert }: Said): string =>
  alert.escalations
    .filter(({ at }) => at > alert.openedAt)
    .map(({ at, severity }) => `${severity} ${length(at - alert.openedAt)} later`)
    .join(', ');

/** A table for people; below each alert its sentence. Times are UTC. `count`: alerts in all, of which some may not be shown. */
export const alertTable = (shown: readonly Said[], count: number): string => {
  const rows = shown.map(cellsOf);
  const widths = HEADS.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const lines = shown.flatMap((said, index) => {
    const later = escalations(said);
    return [line(rows[index] ?? []), `    ${said.figures.summary}`, ...(later === '' ? [] : [`    ${later}`])];
  });
  const more = count - shown.length;
  return [
    line(HEADS),
    ...lines,
    ...(more > 0 ? [`… and ${formatCount(more)} more: --json prints them all`] : []),
    '',
  ].join('\n');
};

/** One line about the history as a whole. */
export const totalsLine = (totals: Totals, alerts: number, seconds: number): string => {
  const { from, to } = totals;
  const span = from === null || to === null ? '' : `, ${minute(from)} to ${minute(to)} UTC`;
  return `${formatCount(totals.calculations)} calculations of ${formatCount(totals.segments)} segments${span}: ${alerts === 0 ? 'no alert' : `${formatCount(alerts)} alert${alerts === 1 ? '' : 's'}`} (${seconds.toFixed(1)} s)\n`;
};
