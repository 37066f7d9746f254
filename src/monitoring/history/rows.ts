import { parseIsoDate } from '../../conditions/dates.ts';
import { invalid } from '../../core/errors.ts';
import { quote } from '../../core/text.ts';
import type { Observation, ObservedOutcome } from '../types.ts';
import { HISTORY_COLUMNS, type HistoryColumn, KIND_SEPARATOR, REQUIRED_COLUMNS } from './columns.ts';

/** Where each column stands; −1 where it is not there. */
export interface HistoryHeader {
  readonly width: number;
  readonly at: Readonly<Record<HistoryColumn, number>>;
}

/** Texts that come again and again are kept once. Beyond so many they are not repeated enough to be worth it. */
const MAX_INTERNED = 200_000;
const OUTCOMES: ReadonlySet<string> = new Set<ObservedOutcome>(['succeeded', 'failed', 'timeout', 'cancelled']);

/** Throws EvenkeelError where a column is missing or stands twice. Columns of other names are left alone. */
export const readHistoryHeader = (cells: readonly string[]): HistoryHeader => {
  const names = cells.map((cell) => cell.trim().toLowerCase());
  const at = {} as Record<HistoryColumn, number>;
  for (const column of HISTORY_COLUMNS) {
    at[column] = names.indexOf(column);
    if (at[column] !== names.lastIndexOf(column)) throw invalid(`the header names the column ${column} twice`);
  }
  const missing = REQUIRED_COLUMNS.filter((column) => at[column] < 0);
  if (missing.length > 0) {
    throw invalid(`the header lacks ${missing.length > 1 ? 'the columns' : 'the column'} ${missing.join(', ')}`, {
      hint: `the first line names the columns, in any order: ${REQUIRED_COLUMNS.join(',')}`,
    });
  }
  return { width: cells.length, at };
};

const wrong = (line: number, column: HistoryColumn, cell: string, must: string): Error =>
  invalid(`line ${line}: ${column} ${must}, not ${quote(cell)}`);

/** A copy that does not keep the piece of the file alive from which `text` was cut. */
const detached = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

/** Makes the cells of a line an observation. Throws EvenkeelError that names the line and the column. */
export const historyRows = ({
  width,
  at,
}: HistoryHeader): ((cells: readonly string[], line: number) => Observation) => {
  const names = new Map<string, string>();
  const kindLists = new Map<string, readonly string[]>();

  const nameOf = (cell: string): string => {
    const known = names.get(cell);
    if (known !== undefined) return known;
    if (names.size >= MAX_INTERNED) names.clear();
    const name = detached(cell);
    names.set(name, name);
    return name;
  };
  const kindsOf = (cell: string): readonly string[] => {
    const known = kindLists.get(cell);
    if (known !== undefined) return known;
    if (kindLists.size >= MAX_INTERNED) kindLists.clear();
    const text = detached(cell);
    const parts = text.split(KIND_SEPARATOR).map((part) => part.trim());
    const kinds = [...new Set(parts.filter((part) => part !== ''))].sort();
    kindLists.set(text, kinds);
    return kinds;
  };

  return (cells, line) => {
    if (cells.length !== width)
      throw invalid(`line ${line}: it has ${cells.length} cells where the header has ${width}`);
    const cell = (column: HistoryColumn): string => cells[at[column]] ?? '';
    const number = (column: HistoryColumn): number => {
      const text = cell(column);
      const value = text === '' ? Number.NaN : Number(text);
      if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) throw wrong(line, column, text, 'must be a number from 0');
      return value;
    };
    const name = (column: HistoryColumn): string => {
      const text = cell(column);
      if (text === '') throw invalid(`line ${line}: ${column} is empty`);
      return nameOf(text);
    };
    const finishedAt = parseIsoDate(cell('finished_at'));
    if (finishedAt === undefined)
      throw wrong(line, 'finished_at', cell('finished_at'), 'must be a time such as 2026-01-31T09:00:00.000Z');
    const outcome = at.outcome < 0 ? '' : cell('outcome');
    if (outcome !== '' && !OUTCOMES.has(outcome))
      throw wrong(line, 'outcome', outcome, `must be one of ${[...OUTCOMES].join(', ')}`);
    const version = at.version < 0 || cell('version') === '' ? 1 : number('version');
    return {
      finishedAt,
      workspace: name('workspace'),
      segment: name('segment'),
      version,
      trigger: nameOf(cell('trigger')),
      kinds: kindsOf(cell('kinds')),
      population: number('population'),
      durationMs: number('duration_ms'),
      outcome: outcome === '' ? 'succeeded' : (nameOf(outcome) as ObservedOutcome),
    };
  };
};
