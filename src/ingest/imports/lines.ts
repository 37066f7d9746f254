import { parseIsoDate } from '../../conditions/dates.ts';
import { parseJson } from '../../core/json.ts';
import { describe, quote } from '../../core/text.ts';
import { idProblem } from '../messages.ts';
import { keyOf, type Operation } from '../operations.ts';
import { isObject, type Properties, readProperties } from '../properties.ts';
import { CellProblem, isBlank } from './cells.ts';
import type { Header, ReadCells } from './columns.ts';
import type { ImportOptions } from './options.ts';
import type { FileRecord } from './records.ts';

/** Makes a record what is to be done. Throws an Error whose message says why the line is rejected. */
export type ReadRecord = (record: FileRecord) => Operation;

/** Epoch numbers from here up are milliseconds, below it seconds: as date operators have it. */
const FIRST_MS = 1e11;
const LAST_MS = 8.64e15;

interface Line {
  readonly userId: unknown;
  readonly event: unknown;
  readonly time: unknown;
  readonly id: unknown;
  readonly properties: Properties;
}

export const csvLines = (header: Header, options: ImportOptions, read: ReadCells): ReadRecord => {
  const at = (cells: readonly string[], column: number | undefined): string | undefined => {
    const cell = column === undefined ? undefined : cells[column];
    return cell === undefined || isBlank(cell) ? undefined : cell;
  };
  return (record) => {
    const cells = cellsOf(record, header.width);
    return operationOf(record, options, {
      userId: at(cells, header.user),
      event: options.event ?? at(cells, header.event),
      time: at(cells, header.time),
      id: at(cells, header.id),
      properties: read(cells),
    });
  };
};

export const cellsOf = ({ cells = [], problem }: FileRecord, width: number): readonly string[] => {
  if (problem !== undefined) throw new CellProblem(problem);
  if (cells.length !== width) throw new CellProblem(`it has ${cells.length} cells where the header has ${width}`);
  return cells;
};

export const ndjsonLines =
  (options: ImportOptions): ReadRecord =>
  (record) => {
    if (record.problem !== undefined) throw new CellProblem(record.problem);
    const value = parseJson(record.raw);
    if (!isObject(value)) throw new CellProblem(`it must be an object, not ${kindOf(value)}`);
    const rest = Object.assign(Object.create(null) as Record<string, unknown>, value);
    const take = (name: string | undefined): unknown => {
      if (name === undefined) return undefined;
      const taken = rest[name];
      delete rest[name];
      return taken ?? undefined;
    };
    const events = options.kind === 'events';
    const line = {
      userId: take(options.user),
      event: events ? (options.event ?? take('event')) : undefined,
      time: take(options.time),
      id: take(options.id),
    };
    const properties = readProperties(renamed(rest, options.map), { path: '', nulls: events ? 'drop' : 'keep' });
    return operationOf(record, options, { ...line, properties });
  };

/** Not its value: reasons are kept longer than users. */
const kindOf = (value: unknown): string => (typeof value === 'object' ? describe(value) : `a ${typeof value}`);

const renamed = (properties: Record<string, unknown>, map: Readonly<Record<string, string>>): Properties => {
  for (const [name, to] of Object.entries(map)) {
    if (!(name in properties)) continue;
    const value = properties[name];
    delete properties[name];
    if (to === '') continue;
    if (to in properties) throw new CellProblem(`two properties are to become ${quote(to)}`);
    properties[to] = value;
  }
  return properties;
};

const operationOf = (record: FileRecord, options: ImportOptions, line: Line): Operation => {
  const userId = nameOf(line.userId, options.user);
  const bytes = record.raw.length;
  if (options.kind === 'users')
    return { kind: 'merge', userId, patch: line.properties, bytes, plain: options.format === 'csv' };
  const event = nameOf(line.event, 'event');
  return {
    kind: 'event',
    userId,
    event,
    at: timeOf(line.time, options.time ?? 'timestamp'),
    // the same line of the same file, imported again
    key: keyOf(
      line.id === undefined
        ? ['import', event, record.line, record.raw].join('\0')
        : nameOf(line.id, options.id ?? 'messageId'),
    ),
    properties: JSON.stringify(line.properties),
    bytes,
  };
};

const nameOf = (value: unknown, column: string): string => {
  if (value === undefined) throw new CellProblem(`${quote(column)} is empty`);
  const text = Number.isSafeInteger(value) ? String(value) : value;
  if (idProblem(text) === undefined) return text as string;
  throw new CellProblem(
    typeof text === 'string'
      ? `${quote(column)} is longer than 255 characters`
      : `${quote(column)} is ${kindOf(text)}, not text`,
  );
};

const timeOf = (value: unknown, column: string): number => {
  if (value === undefined) throw new CellProblem(`${quote(column)} is empty`);
  if (typeof value === 'number') {
    const ms = Math.floor(value >= FIRST_MS ? value : value * 1000);
    if (Math.abs(ms) <= LAST_MS) return ms;
  }
  const ms = typeof value === 'string' ? parseIsoDate(value.trim()) : undefined;
  if (ms === undefined) throw new CellProblem(`${quote(column)} is not an ISO 8601 date such as 2026-01-31T09:00:00Z`);
  return ms;
};
