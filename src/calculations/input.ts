import { invalid } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** A JSON object that holds no other than the `known` fields. Throws 422 that says what was meant. */
export const readFields = (body: unknown, known: readonly string[]): Fields => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw invalid('the body must be a JSON object');
  for (const name of Object.keys(body)) {
    if (known.includes(name)) continue;
    const path = name.slice(0, 64);
    throw invalid(`unknown field "${path}"`, { path, ...didYouMean(name, known) });
  }
  return body as Fields;
};

// PostgreSQL cannot store NUL, and a lone surrogate is not a character.
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

export const readText = (value: unknown, path: string, { min, max }: { min: number; max: number }): string => {
  if (typeof value !== 'string') throw invalid(`${path} must be a string`, { path });
  if (!isStorable(value)) throw invalid(`${path} holds a character that cannot be stored`, { path });
  const { length } = value;
  if (length < min || length > max || (min > 0 && value.trim() === ''))
    throw invalid(`${path} must have ${min} to ${max} characters`, { path });
  return value;
};

export const readOneOf = <T extends string>(value: unknown, path: string, known: readonly T[]): T => {
  if (typeof value === 'string' && (known as readonly string[]).includes(value)) return value as T;
  const meant = typeof value === 'string' ? didYouMean(value, known) : {};
  throw invalid(`${path} must be one of ${known.join(', ')}`, { path, ...meant });
};

export const readInteger = (value: unknown, path: string, { min, max }: { min: number; max: number }): number => {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max)
    throw invalid(`${path} must be a whole number from ${min} to ${max}`, { path });
  return value;
};
