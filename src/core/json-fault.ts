import { type EvenkeelError, malformed } from './errors.ts';
import { keyPath, quote, unstorable } from './text.ts';

/** Where the reader stands in a text. */
interface Reader {
  readonly text: string;
  readonly maxDepth: number;
  at: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const FIRST_PLAIN = 0x20;

const WHITESPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const WORD = /true|false|null/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

/**
 * Reads a whole JSON text slowly and throws the first thing in it that `parseJson` refuses, with its place. It decides by itself,
 * without `JSON.parse`, so that each can be tested against the other.
 *
 * @throws EvenkeelError 400 `malformed`, with the path of what is wrong
 */
export const throwJsonFault = (text: string, maxDepth: number): void => {
  const reader: Reader = { text, maxDepth, at: 0 };
  readValue(reader, '', 1);
  if (skipSpace(reader) !== undefined) throw syntax(reader, 'the end of the text', '');
};

const where = (path: string): { path?: string } => (path === '' ? {} : { path });

/** `line 3, column 14`, both from 1; a column is a UTF-16 unit. */
const placeOf = ({ text, at }: Reader): string => {
  const before = text.slice(0, at);
  const lastBreak = Math.max(before.lastIndexOf('\n'), before.lastIndexOf('\r'));
  return `line ${before.split(/\r\n|\n|\r/).length}, column ${at - lastBreak}`;
};

const syntax = (reader: Reader, expected: string, path: string): EvenkeelError => {
  const code = reader.text.codePointAt(reader.at);
  const found = code === undefined ? 'the end' : quote(String.fromCodePoint(code));
  return malformed(`not valid JSON at ${placeOf(reader)}: expected ${expected}, found ${found}`, where(path));
};

/** What the sticky `pattern` finds here; the reader then stands behind it. */
const take = (reader: Reader, pattern: RegExp): string | undefined => {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  if (found !== undefined) reader.at += found.length;
  return found;
};

/** The next character that is no white space, or undefined at the end. */
const skipSpace = (reader: Reader): string | undefined => {
  take(reader, WHITESPACE);
  return reader.text[reader.at];
};

const readValue = (reader: Reader, path: string, depth: number): void => {
  const next = skipSpace(reader);
  if (next === '{' || next === '[') {
    if (depth > reader.maxDepth)
      throw malformed(`the JSON is nested more than ${reader.maxDepth} levels deep`, where(path));
    reader.at += 1;
    if (next === '{') readObject(reader, path, depth);
    else readList(reader, path, depth);
  } else if (next === '"') {
    readString(reader, path, 'the string');
  } else if (take(reader, WORD) === undefined) {
    readNumber(reader, path);
  }
};

const readObject = (reader: Reader, path: string, depth: number): void => {
  const keys = new Set<string>();
  let next = skipSpace(reader);
  while (next !== '}' || keys.size > 0) {
    if (next !== '"')
      throw syntax(reader, keys.size === 0 ? 'a key in double quotes or "}"' : 'a key in double quotes', path);
    const key = readString(reader, path, 'the key');
    const member = keyPath(path, key);
    if (keys.has(key)) throw malformed(`the key ${quote(key)} stands twice in one object`, where(member));
    keys.add(key);
    if (skipSpace(reader) !== ':') throw syntax(reader, '":"', member);
    reader.at += 1;
    readValue(reader, member, depth + 1);
    next = skipSpace(reader);
    if (next === '}') break;
    if (next !== ',') throw syntax(reader, '"," or "}"', path);
    reader.at += 1;
    next = skipSpace(reader);
  }
  reader.at += 1;
};

const readList = (reader: Reader, path: string, depth: number): void => {
  if (skipSpace(reader) !== ']') {
    for (let i = 0; ; i++) {
      readValue(reader, `${path}[${i}]`, depth + 1);
      const next = skipSpace(reader);
      if (next === ']') break;
      if (next !== ',') throw syntax(reader, '"," or "]"', path);
      reader.at += 1;
    }
  }
  reader.at += 1;
};

const readNumber = (reader: Reader, path: string): void => {
  const found = take(reader, NUMBER);
  if (found === undefined) throw syntax(reader, 'a value', path);
  if (!Number.isFinite(Number(found)))
    throw malformed(`the number ${quote(found).slice(1, -1)} is beyond the largest float64`, where(path));
};

/** Reads and decodes a string; `what` names it in errors. */
const readString = (reader: Reader, path: string, what: string): string => {
  const { text, at: start } = reader;
  reader.at += 1;
  for (let code = text.charCodeAt(reader.at); code !== QUOTE; code = text.charCodeAt(reader.at)) {
    if (Number.isNaN(code)) throw syntax(reader, `the closing quote of ${what}`, path);
    if (code < FIRST_PLAIN) throw syntax(reader, 'control characters to be escaped', path);
    if (code !== BACKSLASH) reader.at += 1;
    else if (take(reader, ESCAPE) === undefined) {
      reader.at += 1;
      throw syntax(reader, 'an escape such as \\n, \\" or \\u00e9', path);
    }
  }
  reader.at += 1;
  const value = JSON.parse(text.slice(start, reader.at)) as string;
  const problem = unstorable(value);
  if (problem === undefined) return value;
  throw malformed(`${what} at ${placeOf({ ...reader, at: start })} must not hold ${problem}`, where(path));
};
