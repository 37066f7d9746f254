import { invalid } from '../core/errors.ts';
import { keyPath, quote, unstorable } from '../core/text.ts';
import { eachPath } from '../index/values.ts';
import { MAX_KEY_LENGTH, MAX_PATH_BYTES, MAX_PROPERTY_DEPTH } from './limits.ts';

export { eachPath };

/** A JSON object whose keys are users' words. Without a prototype, so that `__proto__` is a key like any other. */
export interface Properties {
  readonly [key: string]: unknown;
}
type Building = Record<string, unknown>;

const empty = (): Building => Object.create(null) as Building;

export const NO_PROPERTIES: Properties = Object.freeze(empty());

export const isObject = (value: unknown): value is Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface ReadOptions {
  /** Where `value` stands in the input, for errors: `batch[3].traits`. */
  readonly path: string;
  /** `keep`: a patch, in which null removes. `drop`: the properties themselves. */
  readonly nulls: 'keep' | 'drop';
  /** Under the property of this name. */
  readonly under?: string;
}

/**
 * Properties as they are stored: keys checked, a dotted key expanded into the objects that it names.
 *
 *     {"address.city": "Oslo", "address": {"zip": "0150"}}  →  {"address": {"city": "Oslo", "zip": "0150"}}
 *
 * @throws EvenkeelError 422: a key that cannot be stored or reached, two keys that name one place, too deep
 */
export const readProperties = (value: unknown, { path, nulls, under }: ReadOptions): Properties => {
  if (!isObject(value)) throw invalid(`${path || 'properties'} must be an object`, { path });
  const result = empty();
  fill(
    result,
    value,
    under === undefined ? { nulls, path, depth: 1, bytes: 0 } : { nulls, path, depth: 2, bytes: under.length + 1 },
  );
  return result;
};

interface Place extends ReadOptions {
  readonly depth: number;
  /** Of the path so far, in UTF-8. */
  readonly bytes: number;
}

const fill = (into: Building, from: Properties, place: Place): void => {
  for (const key of Object.keys(from)) {
    const value = from[key];
    if (value === undefined || (value === null && place.nulls === 'drop')) continue;
    const here = keyPath(place.path, key);
    const segments = segmentsOf(key, here);
    let target = into;
    for (let i = 0; i < segments.length - 1; i++) target = descend(target, segments[i] as string, here);
    const depth = place.depth + segments.length - 1;
    const bytes = place.bytes + Buffer.byteLength(key) + 1;
    if (depth > MAX_PROPERTY_DEPTH)
      throw invalid(`properties are nested more than ${MAX_PROPERTY_DEPTH} levels deep`, { path: here });
    if (bytes > MAX_PATH_BYTES)
      throw invalid(`the path of a property is longer than ${MAX_PATH_BYTES} bytes`, { path: here });
    set(target, segments.at(-1) as string, value, { nulls: place.nulls, path: here, depth: depth + 1, bytes });
  }
};

const segmentsOf = (key: string, path: string): string[] => {
  if (key.length > MAX_KEY_LENGTH)
    throw invalid(`the name of a property is longer than ${MAX_KEY_LENGTH} characters`, { path });
  const problem = unstorable(key);
  if (problem !== undefined) throw invalid(`the name of a property must not hold ${problem}`, { path });
  if (key !== '' && !key.includes('.')) return [key];
  const segments = key.split('.');
  if (segments.includes(''))
    throw invalid(`${quote(key)} is not the name of a property: nothing stands before, between or behind its dots`, {
      path,
      hint: 'a dot reaches into an object, as in "address.city"',
    });
  return segments;
};

const twice = (path: string) =>
  invalid('two keys name the same property', { path, hint: 'a dotted key is the path that it names' });

const descend = (into: Building, key: string, path: string): Building => {
  if (!(key in into)) return (into[key] = empty());
  const there = into[key];
  if (!isObject(there)) throw twice(path);
  return there;
};

const set = (into: Building, key: string, value: unknown, place: Place): void => {
  const there = into[key];
  if (isObject(value)) {
    if (key in into && !isObject(there)) throw twice(place.path);
    fill(isObject(there) ? there : (into[key] = empty()), value, place);
    return;
  }
  if (key in into) throw twice(place.path);
  checkValue(value, place.path);
  into[key] = value;
};

const checkValue = (value: unknown, path: string): void => {
  if (typeof value === 'string') {
    const problem = unstorable(value);
    if (problem !== undefined) throw invalid(`the value must not hold ${problem}`, { path });
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw invalid('the value must be a finite number', { path });
  } else if (Array.isArray(value)) value.forEach((each, i) => checkValue(each, `${path}[${i}]`));
  else if (isObject(value))
    for (const key of Object.keys(value)) {
      checkValue(key, keyPath(path, key));
      checkValue(value[key], keyPath(path, key));
    }
  else if (value !== null && typeof value !== 'boolean')
    throw invalid(`the value must be JSON, not a ${typeof value}`, { path });
};

/** JSON Merge Patch (RFC 7396) for objects; neither is changed, and what the patch leaves alone is shared. */
export const mergePatch = (target: unknown, patch: Properties): Properties => {
  const result = empty();
  if (isObject(target)) for (const key of Object.keys(target)) result[key] = target[key];
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else result[key] = isObject(value) ? mergePatch(result[key], value) : value;
  }
  return result;
};

/**
 * Calls `visit` with the path of every property that differs, at every level. An object that stays an object is not
 * different itself: of objects only their being there is known.
 */
export const eachChange = (before: Properties, after: Properties, visit: (path: string) => void, prefix = ''): void => {
  for (const key of Object.keys(after)) {
    changed(Object.hasOwn(before, key) ? before[key] : undefined, after[key], visit, prefix + key);
  }
  for (const key of Object.keys(before))
    if (!Object.hasOwn(after, key)) changed(before[key], undefined, visit, prefix + key);
};

const changed = (before: unknown, after: unknown, visit: (path: string) => void, path: string): void => {
  if (before === after) return;
  const wasObject = isObject(before);
  const isNow = isObject(after);
  if (wasObject && isNow) eachChange(before, after, visit, `${path}.`);
  else {
    if (!wasObject && !isNow && isEqual(before, after)) return;
    visit(path);
    if (wasObject) eachPath(before, visit, `${path}.`);
    if (isNow) eachPath(after, visit, `${path}.`);
  }
};

/** Of JSON values; keys have no order, and −0 is 0 as in jsonb. */
const isEqual = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((each, i) => isEqual(each, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]));
};
