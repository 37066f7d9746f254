import { invalid, malformed } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { didYouMean } from '../../core/suggest.ts';
import { describe, quote } from '../../core/text.ts';
import { idProblem } from '../messages.ts';
import { isObject } from '../properties.ts';

export const IMPORT_KINDS = ['users', 'events'] as const;
export const IMPORT_FORMATS = ['csv', 'ndjson'] as const;
export const COLUMN_TYPES = ['string', 'number', 'boolean', 'date', 'array'] as const;
/** `date`: text that must be an ISO 8601 date. `array`: a JSON list, or strings with `;` between them. */
export type ColumnType = (typeof COLUMN_TYPES)[number];

/** What a file is and how its columns are read. All names are those of the file, before `map`. */
export interface ImportOptions {
  readonly kind: (typeof IMPORT_KINDS)[number];
  readonly format: (typeof IMPORT_FORMATS)[number];
  /** The column of the userId: `key` of users, `user` of events. */
  readonly user: string;
  /** Events: the name of all of them; absent: the column `event` has it. */
  readonly event?: string;
  /** Events: the column of the time. */
  readonly time?: string;
  /** Events: the column of the messageId. */
  readonly id?: string;
  /** CSV: columns whose type is not to be found out. */
  readonly types: Readonly<Record<string, ColumnType>>;
  /** Other names for columns; `''` leaves one out. */
  readonly map: Readonly<Record<string, string>>;
}

/** As they come from a query string or a command line. */
export interface RawImportOptions {
  readonly kind?: unknown;
  readonly format?: unknown;
  readonly key?: unknown;
  readonly event?: unknown;
  readonly user?: unknown;
  readonly time?: unknown;
  readonly id?: unknown;
  /** `plan=string,age=number`, or the same as a JSON object, in text or not. */
  readonly types?: unknown;
  /** `Old Name:new_name,Other:`, or `{"Old Name":"new_name","Other":""}`. */
  readonly map?: unknown;
}
const NAMES = ['kind', 'format', 'key', 'event', 'user', 'time', 'id', 'types', 'map'] as const;
const ONLY_FOR: Readonly<Record<string, ImportOptions['kind']>> = {
  key: 'users',
  event: 'events',
  user: 'events',
  time: 'events',
  id: 'events',
};

/** Throws EvenkeelError 422 with the name of the option that is wrong. */
export const readImportOptions = (raw: RawImportOptions): ImportOptions => {
  for (const [name, value] of Object.entries(raw))
    if (value !== undefined && !(NAMES as readonly string[]).includes(name))
      throw invalid(`${quote(name)} is not an option of an import`, { path: name, ...didYouMean(name, NAMES) });
  const kind = oneOf(raw.kind, 'kind', IMPORT_KINDS);
  const format = oneOf(raw.format, 'format', IMPORT_FORMATS);
  for (const [name, only] of Object.entries(ONLY_FOR))
    if (only !== kind && raw[name as keyof RawImportOptions] !== undefined)
      throw invalid(`${name} is an option of an import of ${only}`, { path: name });
  const types = pairs(raw.types, 'types', '=');
  if (format !== 'csv' && Object.keys(types).length > 0)
    throw invalid('types is an option of CSV: JSON has types of its own', { path: 'types' });
  for (const [column, type] of Object.entries(types)) oneOf(type, `types[${quote(column)}]`, COLUMN_TYPES);
  const common = { kind, format, types: types as Record<string, ColumnType>, map: pairs(raw.map, 'map', ':') };
  if (kind === 'users') return { ...common, user: columnName(raw.key, 'key') ?? 'userId' };
  const event = columnName(raw.event, 'event');
  const problem = event === undefined ? undefined : idProblem(event);
  if (problem !== undefined) throw invalid(`event must ${problem}`, { path: 'event' });
  const id = columnName(raw.id, 'id');
  return {
    ...common,
    user: columnName(raw.user, 'user') ?? 'userId',
    time: columnName(raw.time, 'time') ?? 'timestamp',
    ...(event === undefined ? {} : { event }),
    ...(id === undefined ? {} : { id }),
  };
};

const oneOf = <T extends string>(value: unknown, path: string, allowed: readonly T[]): T => {
  if ((allowed as readonly unknown[]).includes(value)) return value as T;
  throw invalid(`${path} must be one of ${allowed.join(', ')}, not ${describe(value)}`, {
    path,
    ...(typeof value === 'string' ? didYouMean(value, allowed) : {}),
  });
};

const columnName = (value: unknown, path: string): string | undefined => {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '')
    throw invalid(`${path} must be a name, not ${describe(value)}`, { path });
  return value;
};

/** `a=b,c=d` or a JSON object, whose names may hold commas. */
const pairs = (value: unknown, path: string, separator: string): Record<string, string> => {
  if (value === undefined || value === null || value === '') return {};
  const given = typeof value === 'string' && value.trimStart().startsWith('{') ? json(value, path) : value;
  const result = Object.create(null) as Record<string, string>;
  if (isObject(given)) {
    for (const [name, to] of Object.entries(given)) {
      if (typeof to !== 'string') throw invalid(`${path} must have strings, not ${describe(to)}`, { path });
      result[name] = to;
    }
    return result;
  }
  if (typeof given !== 'string') throw invalid(`${path} must be text, not ${describe(given)}`, { path });
  for (const pair of given.split(',')) {
    const at = pair.lastIndexOf(separator);
    if (at <= 0)
      throw invalid(`${path} must look like column${separator}value,column${separator}value; ${quote(pair)} does not`, {
        path,
      });
    result[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return result;
};

const json = (text: string, path: string): unknown => {
  try {
    return parseJson(text);
  } catch (error) {
    throw malformed(`${path}: ${(error as Error).message}`, { path });
  }
};
