import { invalid } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import { quote } from '../../core/text.ts';
import { MAX_COLUMNS } from '../limits.ts';
import { type Properties, readProperties } from '../properties.ts';
import { CellProblem, type Conversion, Detection, DETECTED, isBlank, REQUIRED } from './cells.ts';
import type { ImportOptions } from './options.ts';

interface Column {
  readonly name: string;
  readonly at: number;
  /** `address.city` is two. */
  readonly segments: readonly string[];
  readonly convert: Conversion;
}

/** What the header of a CSV says: where the userId and so on stand, and which columns are properties. */
export interface Header {
  readonly width: number;
  readonly user: number;
  readonly event: number | undefined;
  readonly time: number | undefined;
  readonly id: number | undefined;
  readonly properties: readonly Omit<Column, 'convert'>[];
}

const EVENT_COLUMN = 'event';

/** Throws EvenkeelError 422 where the file cannot be what the options say: then none of it is imported. */
export const readHeader = (cells: readonly string[], options: ImportOptions): Header => {
  const names = cells.map((cell) => cell.trim());
  if (names.length > MAX_COLUMNS) throw invalid(`a file has at most ${MAX_COLUMNS} columns, not ${names.length}`);
  const positions = new Map<string, number>();
  for (const [at, name] of names.entries()) {
    if (name === '') throw invalid(`column ${at + 1} has no name: the first line must name the columns`);
    if (positions.has(name)) throw invalid(`two columns are named ${quote(name)}`);
    positions.set(name, at);
  }
  const find = (name: string, what: string): number => {
    const at = positions.get(name);
    if (at !== undefined) return at;
    throw invalid(`there is no column ${quote(name)}, ${what}`, hintOf(name, names));
  };
  const user = find(options.user, 'which is to hold the userId');
  const events = options.kind === 'events';
  const event = events && options.event === undefined ? find(EVENT_COLUMN, 'and no event is named') : undefined;
  const time = options.time === undefined ? undefined : find(options.time, 'which is to hold the time');
  const id = options.id === undefined ? undefined : find(options.id, 'which is to hold the messageId');
  for (const name of Object.keys(options.types)) find(name, 'which types names');
  for (const name of Object.keys(options.map)) find(name, 'which map names');
  const taken = new Set([user, event, time, id]);
  const properties = names.flatMap((name, at) => {
    const to = options.map[name] ?? name;
    return taken.has(at) || to === '' ? [] : [{ name, at, segments: to.split('.') }];
  });
  checkNames(properties.map(({ segments }) => segments.join('.')));
  return { width: names.length, user, event, time, id, properties };
};

const hintOf = (name: string, names: readonly string[]): { hint: string } => {
  const [only = ''] = names;
  const other = names.length === 1 ? [';', '\t', '|'].find((separator) => only.includes(separator)) : undefined;
  if (other !== undefined)
    return { hint: `the columns seem to be separated by ${JSON.stringify(other)}; they must be separated by commas` };
  const { hint } = didYouMean(name, names);
  const shown = names.slice(0, 20).map(quote).join(', ');
  return { hint: hint ?? `the columns are ${shown}${names.length > 20 ? ' and more' : ''}` };
};

/** As if one user had all of them. */
const checkNames = (names: readonly string[]): void => {
  const seen = new Set<string>();
  const all = Object.create(null) as Record<string, unknown>;
  for (const name of names) {
    if (seen.has(name)) throw invalid(`two columns are to become the property ${quote(name)}`);
    seen.add(name);
    all[name] = 0;
  }
  readProperties(all, { path: 'columns', nulls: 'drop' });
};

/** Properties of a line of CSV: those of its cells that are not blank. */
export type ReadCells = (cells: readonly string[]) => Properties;

/** `sample`: rows to find out types from, as long as the header. Throws `CellProblem` for a cell that is not of its type. */
export const readerOf = (header: Header, options: ImportOptions, sample: Iterable<readonly string[]>): ReadCells => {
  const detections = header.properties.map(() => new Detection());
  for (const cells of sample)
    for (const [i, { at }] of header.properties.entries()) (detections[i] as Detection).see(cells[at] as string);
  const columns = header.properties.map((column, i): Column => {
    const required = Object.hasOwn(options.types, column.name) ? options.types[column.name] : undefined;
    const convert = required === undefined ? DETECTED[(detections[i] as Detection).type] : REQUIRED[required];
    return { ...column, convert };
  });
  const begin = columns.some(needsNoPrototype) ? () => Object.create(null) as object : () => ({});
  return (cells) => {
    const properties = begin() as Record<string, unknown>;
    for (const column of columns) {
      const cell = cells[column.at] as string;
      if (isBlank(cell)) continue;
      place(properties, column.segments, valueOf(column, cell));
    }
    return properties;
  };
};

/**
 * Where a name might be taken for what every object inherits. Objects without a prototype are hash tables to V8, and three times as
 * slow to read and to write as JSON.
 */
const needsNoPrototype = ({ segments }: Column): boolean => segments.length > 1 || segments[0] === '__proto__';

const valueOf = (column: Column, cell: string): unknown => {
  try {
    return column.convert(cell);
  } catch (error) {
    if (error instanceof CellProblem) throw new CellProblem(`column ${quote(column.name)} ${error.message}`);
    throw error;
  }
};

const place = (properties: Record<string, unknown>, segments: readonly string[], value: unknown): void => {
  let into = properties;
  for (let i = 0; i < segments.length - 1; i++)
    into = (into[segments[i] as string] ??= Object.create(null) as unknown) as Record<string, unknown>;
  into[segments.at(-1) as string] = value;
};
