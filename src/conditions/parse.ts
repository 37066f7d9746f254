import { type EvenkeelError, invalid } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import { describe, quote } from '../core/text.ts';
import { isObject, type JsonObject, readLeaf } from './leaf-schema.ts';
import { leafSize } from './leaves.ts';
import { MAX_DEPTH, MAX_LEAVES } from './limits.ts';
import { parseEvent, parseSequence } from './parse-events.ts';
import { unknownField } from './problems.ts';
import { PROPERTY_SCHEMAS } from './property-schema.ts';
import { OTHER_SCHEMAS } from './schema.ts';
import type { Condition, Leaf, PropertyCondition, SegmentReference } from './types.ts';

const TYPES = ['all', 'any', 'not', 'property', 'event', 'sequence', 'segment', 'sample'];
const OPERATORS = [...PROPERTY_SCHEMAS.keys()];

/** What people write who come from other tools. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ['and', 'all'],
  ['or', 'any'],
  ['eq', 'equals'],
  ['=', 'equals'],
  ['==', 'equals'],
  ['is', 'equals'],
  ['ne', 'not_equals'],
  ['neq', 'not_equals'],
  ['!=', 'not_equals'],
  ['<>', 'not_equals'],
  ['is_not', 'not_equals'],
  ['gt', 'greater_than'],
  ['>', 'greater_than'],
  ['gte', 'at_least'],
  ['>=', 'at_least'],
  ['lt', 'less_than'],
  ['<', 'less_than'],
  ['lte', 'at_most'],
  ['<=', 'at_most'],
  ['exists', 'is_set'],
  ['not_exists', 'is_not_set'],
]);

const hintFor = (name: string, known: readonly string[]): { hint: string } => {
  const meant = OTHER_WORDS.get(name.toLowerCase());
  if (meant !== undefined && known.includes(meant)) return { hint: `did you mean "${meant}"?` };
  return { hint: didYouMean(name, known).hint ?? `one of ${known.join(', ')}` };
};

/** How many leaves the whole condition has so far. */
interface Tally {
  leaves: number;
}

/**
 * A condition of the language (CONTRACT.md §2) from its JSON.
 *
 * @param basePath where the condition stands in what was sent: errors name `condition.of[2].operator`
 * @throws EvenkeelError 422 `invalid` for the first thing wrong, and 422 `not_supported` for what the contract has and this
 *   version has not
 */
export const parseCondition = (json: unknown, basePath = 'condition'): Condition =>
  parseNode(json, basePath, 1, { leaves: 0 });

const parseNode = (json: unknown, path: string, depth: number, tally: Tally): Condition => {
  if (depth > MAX_DEPTH) throw invalid(`the condition is nested more than ${MAX_DEPTH} levels deep`, { path });
  if (!isObject(json))
    throw invalid(`expected a condition, an object with a "type", found ${describe(json)}`, { path });
  const type = typeOf(json, path);
  switch (type) {
    case 'all':
    case 'any':
      return { type, of: parseList(json, path, type, depth, tally) };
    case 'not':
      return { type, of: parseNode(childOfNot(json, path), `${path}.of`, depth + 1, tally) };
    default: {
      const leaf = parseLeaf(json, path, type);
      count(path, tally, leafSize(leaf));
      return leaf;
    }
  }
};

const count = (path: string, tally: Tally, leaves = 1): void => {
  tally.leaves += leaves;
  if (tally.leaves > MAX_LEAVES)
    throw invalid(`the condition has more than ${MAX_LEAVES} leaves`, {
      path,
      hint: 'test one property for many values with "in"',
    });
};

const typeOf = (json: JsonObject, path: string): string => {
  const { type } = json;
  if (typeof type === 'string') return type;
  const where = { path: `${path}.type`, hint: `one of ${TYPES.join(', ')}` };
  throw type === undefined
    ? invalid('a condition needs a "type"', where)
    : invalid(`"type": expected a string, found ${describe(type)}`, where);
};

const BRANCH_FIELDS = ['type', 'of'];

const checkBranch = (json: JsonObject, path: string, type: string, expected: string): unknown => {
  const unknown = Object.keys(json).find((field) => !BRANCH_FIELDS.includes(field));
  if (unknown !== undefined) throw unknownField(unknown, path, `"${type}"`, BRANCH_FIELDS);
  if (json['of'] === undefined) throw invalid(`"of" is missing: expected ${expected}`, { path: `${path}.of` });
  return json['of'];
};

const parseList = (json: JsonObject, path: string, type: string, depth: number, tally: Tally): Condition[] => {
  const of = checkBranch(json, path, type, 'a list of conditions');
  if (!Array.isArray(of))
    throw invalid(`"of": expected a list of conditions, found ${describe(of)}`, { path: `${path}.of` });
  if (of.length === 0) count(path, tally);
  const children: Condition[] = [];
  for (const [i, child] of of.entries()) children.push(parseNode(child, `${path}.of[${i}]`, depth + 1, tally));
  return children;
};

const childOfNot = (json: JsonObject, path: string): unknown => {
  const of = checkBranch(json, path, 'not', 'a condition');
  if (!Array.isArray(of)) return of;
  throw invalid(`"of": "not" takes one condition, found ${describe(of)}`, {
    path: `${path}.of`,
    hint: 'to deny several at once put an "any" inside the "not"',
  });
};

const parseLeaf = (json: JsonObject, path: string, type: string): Leaf | SegmentReference => {
  if (type === 'property') return parseProperty(json, path);
  if (type === 'event') return parseEvent(json, path, parseProperty);
  if (type === 'sequence') return parseSequence(json, path, parseProperty);
  const leaf = OTHER_SCHEMAS.get(type);
  if (leaf === undefined) throw unknownType(type, path);
  return readLeaf(leaf, json, path, `"${type}"`);
};

const unknownType = (type: string, path: string): EvenkeelError => {
  // an operator where the type belongs is the usual slip
  const hint = PROPERTY_SCHEMAS.has(type)
    ? { hint: `"${type}" is an operator: the type is "property"` }
    : hintFor(type, TYPES);
  return invalid(`unknown condition type ${quote(type)}`, { path: `${path}.type`, ...hint });
};

const parseProperty = (json: JsonObject, path: string): PropertyCondition => {
  const { operator } = json;
  const where = { path: `${path}.operator` };
  if (operator === undefined) throw missingOperator(json, path);
  if (typeof operator !== 'string') throw invalid(`"operator": expected a string, found ${describe(operator)}`, where);
  const leaf = PROPERTY_SCHEMAS.get(operator);
  if (leaf === undefined)
    throw invalid(`unknown operator ${quote(operator)}`, { ...where, ...hintFor(operator, OPERATORS) });
  return readLeaf(leaf, json, path, `operator "${operator}"`);
};

const missingOperator = (json: JsonObject, path: string): EvenkeelError => {
  const fields = ['type', 'property', 'operator', 'value', 'ignoreCase'];
  const unknown = Object.keys(json).find((field) => !fields.includes(field));
  // "operater" or "op": say that rather than that the operator is missing
  if (unknown !== undefined) return unknownField(unknown, path, '"property"', fields);
  return invalid('"operator" is missing', { path: `${path}.operator`, hint: `one of ${OPERATORS.join(', ')}` });
};
