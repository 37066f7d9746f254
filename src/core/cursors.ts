import { invalid } from './errors.ts';

/** What a cursor stands in; a cursor of one kind is refused by the others. */
export type CursorKind = 'segments' | 'calculations' | 'snapshots' | 'members' | 'changes' | 'lists' | 'alerts';

/** A userId of 255 characters, each escaped in JSON, takes 2,060. */
const MAX_CURSOR_LENGTH = 2_100;

/** Opaque to callers: they hand it back as it came. */
export const encodeCursor = (kind: CursorKind, ...position: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify([kind, ...position])).toString('base64url');

const decode = (text: string): unknown => {
  if (text.length > MAX_CURSOR_LENGTH) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
};

export const badCursor = (): Error =>
  invalid('the cursor is not one that this call gave', {
    path: 'cursor',
    hint: 'send nextCursor of the page before unchanged, or leave it out to start over',
  });

/** The numbers of a cursor. Throws 422 for anything that `encodeCursor` did not make for this call. */
export const decodeIntegers = (kind: CursorKind, text: string, count: number): number[] => {
  const parts = decode(text);
  if (!Array.isArray(parts) || parts.length !== count + 1 || parts[0] !== kind) throw badCursor();
  const position = parts.slice(1);
  if (!position.every((part) => Number.isSafeInteger(part) && part >= -1)) throw badCursor();
  return position as number[];
};

export const decodeText = (kind: CursorKind, text: string): string => {
  const parts = decode(text);
  if (!Array.isArray(parts) || parts.length !== 2 || parts[0] !== kind || typeof parts[1] !== 'string')
    throw badCursor();
  return parts[1];
};
