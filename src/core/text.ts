/** Longest piece of a caller's text that an error repeats. */
const MAX_QUOTED_CHARACTERS = 64;

/** `text` in quotes for an error message: clipped, control characters and half surrogate pairs escaped. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > MAX_QUOTED_CHARACTERS ? `${text.slice(0, MAX_QUOTED_CHARACTERS)}…` : text);

/** What PostgreSQL or UTF-8 cannot hold of `text`, to be said after "must not hold", or undefined where all is well. */
export const unstorable = (text: string): string | undefined => {
  if (text.includes('\0')) return 'a NUL character (\\u0000)';
  return text.isWellFormed() ? undefined : 'half a surrogate pair';
};

/** A JSON value as an error names it: `the number 5`, `the string "x"`, `a list of 3`, `an object`, `null`. */
export const describe = (value: unknown): string => {
  switch (typeof value) {
    case 'string':
      return `the string ${quote(value)}`;
    case 'number':
      return Number.isFinite(value) ? `the number ${value}` : 'a number beyond the largest float64';
    case 'boolean':
      return String(value);
    case 'undefined':
      return 'nothing';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? `a list of ${value.length}` : 'an object';
    default:
      return `a ${typeof value}`;
  }
};

/** `prefix.key`, or `key` at the root. Keys that are no plain names are quoted, long ones clipped. */
export const keyPath = (prefix: string, key: string): string => {
  if (!/^[\w$-]{1,64}$/.test(key)) return `${prefix}[${quote(key)}]`;
  return prefix === '' ? key : `${prefix}.${key}`;
};

/** `'condition'` and `['of', 2, 'operator']` are `condition.of[2].operator`. */
export const pathOf = (prefix: string, steps: readonly PropertyKey[]): string =>
  steps.reduce<string>(
    (path, step) => (typeof step === 'number' ? `${path}[${step}]` : keyPath(path, String(step))),
    prefix,
  );
