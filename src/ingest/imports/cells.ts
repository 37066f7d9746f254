import { parseIsoDate } from '../../conditions/dates.ts';
import { parseJson } from '../../core/json.ts';
import type { ColumnType } from './options.ts';

const SPACE = 0x20;
const CANONICAL_NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const ANY_NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
/** Decimals of this many digits come back from a float64 as they were. */
const EXACT_DIGITS = 15;
const TRUE = new Set(['true', 't', 'yes', 'y', '1']);
const FALSE = new Set(['false', 'f', 'no', 'n', '0']);

/** Empty and blank cells set nothing. */
export const isBlank = (cell: string): boolean =>
  cell.length === 0 || (cell.charCodeAt(0) <= SPACE && cell.trim() === '');

/** The number that a cell writes as JSON does and that survives as float64: not `007`, `+1` or 20 digits. */
export const exactNumber = (cell: string): number | undefined => {
  const first = cell.charCodeAt(0);
  if ((first < 0x30 || first > 0x39) && first !== 0x2d) return undefined;
  if (!CANONICAL_NUMBER.test(cell)) return undefined;
  const value = Number(cell);
  if (!Number.isFinite(value)) return undefined;
  if (cell.length <= EXACT_DIGITS && value !== 0) return value;
  const digits = cell
    .replace(/[eE].*$/, '')
    .replace(/[-.]/g, '')
    .replace(/^0+/, '');
  if (digits.length <= EXACT_DIGITS) return value === 0 && digits !== '' ? undefined : value;
  return Number.isSafeInteger(value) && String(value) === cell ? value : undefined;
};

export const asBoolean = (cell: string): boolean | undefined => {
  if (cell.length < 4 || cell.length > 5) return undefined;
  const text = cell.toLowerCase();
  if (text === 'true') return true;
  return text === 'false' ? false : undefined;
};

/** How the cells of a column become values. */
export type Conversion = (cell: string) => unknown;

/** Says which cell a line is rejected for. */
export class CellProblem extends Error {
  override readonly name = 'CellProblem';
}

const reject = (what: string): never => {
  throw new CellProblem(`is not ${what}`);
};

/** What was found out: cells that are not of the type stay text. */
export const DETECTED: Readonly<Record<'string' | 'number' | 'boolean', Conversion>> = {
  string: (cell) => cell,
  number: (cell) => exactNumber(cell) ?? cell,
  boolean: (cell) => asBoolean(cell) ?? cell,
};

/** What was asked for: a cell that is not of the type rejects its line. */
export const REQUIRED: Readonly<Record<ColumnType, Conversion>> = {
  string: (cell) => cell,
  number: (cell) => {
    const text = cell.trim();
    const value = ANY_NUMBER.test(text) ? Number(text) : Number.NaN;
    return Number.isFinite(value) ? value : reject('a number');
  },
  boolean: (cell) => {
    const text = cell.trim().toLowerCase();
    return TRUE.has(text) || (FALSE.has(text) ? false : reject('true or false'));
  },
  date: (cell) => (parseIsoDate(cell) === undefined ? reject('an ISO 8601 date') : cell),
  array: (cell) => {
    if (!cell.trimStart().startsWith('['))
      return cell
        .split(';')
        .map((element) => element.trim())
        .filter((element) => element !== '');
    try {
      const list = parseJson(cell);
      if (Array.isArray(list)) return list;
    } catch {}
    return reject('a JSON list');
  },
};

/** Finds out the type of a column from its first cells. */
export class Detection {
  #cells = 0;
  #number = true;
  #boolean = true;

  see(cell: string): void {
    if (isBlank(cell)) return;
    this.#cells += 1;
    if (this.#number && exactNumber(cell) === undefined) this.#number = false;
    if (this.#boolean && asBoolean(cell) === undefined) this.#boolean = false;
  }

  get type(): 'string' | 'number' | 'boolean' {
    if (this.#cells === 0) return 'string';
    if (this.#number) return 'number';
    return this.#boolean ? 'boolean' : 'string';
  }
}
