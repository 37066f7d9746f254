import { invalid } from '../core/errors.ts';
import { describe, quote } from '../core/text.ts';
import { EVENT_SCHEMAS, SEQUENCE_SCHEMA } from './event-schema.ts';
import { isObject, type JsonObject, readLeaf } from './leaf-schema.ts';
import { MAX_WHERE } from './limits.ts';
import { unknownField } from './problems.ts';
import { AGGREGATES, type EventCondition, type PropertyCondition, type SequenceStep } from './types.ts';

/** Leaves about events, from their JSON. */

/** Reads a property leaf, as it stands anywhere else too. */
type ParseProperty = (json: JsonObject, path: string) => PropertyCondition;

const QUESTIONS = ['count', ...AGGREGATES, 'occurrence'] as const;
const BOUNDS = ['atLeast', 'atMost', 'exactly', 'between'];
const FIELDS = [...new Set(Object.values(EVENT_SCHEMAS).flatMap(({ fields }) => fields))];

/** `event`: how often, or `sum`, `avg`, `min`, `max` of a property, or when first or last. */
export const parseEvent = (json: JsonObject, path: string, parseProperty: ParseProperty): EventCondition => {
  const asked = QUESTIONS.filter((question) => Object.hasOwn(json, question));
  const [question = 'count', other] = asked;
  if (other !== undefined)
    throw invalid(`"${question}" and "${other}" do not go together`, {
      path: `${path}.${other}`,
      hint: `a condition on an event takes one of ${QUESTIONS.join(', ')}; join several by "all"`,
    });
  const { where: given, ...rest } = json;
  if (asked.length === 0) explainUnknown(rest, path);
  const leaf = readLeaf(
    EVENT_SCHEMAS[question],
    rest,
    path,
    asked.length === 0 ? '"event"' : `an event with "${question}"`,
  );
  return { ...leaf, ...readWhere(given, path, parseProperty) };
};

/** Where nothing is asked, an unknown field may be the question, misspelt, or the bound of a count without it. */
const explainUnknown = (json: JsonObject, path: string): void => {
  const unknown = Object.keys(json).find((field) => !EVENT_SCHEMAS.count.fields.includes(field));
  if (unknown === undefined) return;
  if (!BOUNDS.includes(unknown)) throw unknownField(unknown, path, '"event"', FIELDS);
  throw invalid(`"${unknown}" of what?`, {
    path: `${path}.${unknown}`,
    hint: `write "count": {"${unknown}": …}, or add one of ${AGGREGATES.join(', ')} with the name of a property`,
  });
};

/** `sequence`: steps, one after the other. */
export const parseSequence = (json: JsonObject, path: string, parseProperty: ParseProperty): EventCondition => {
  const { steps: given } = json;
  const bare = Array.isArray(given) ? { ...json, steps: given.map(withoutWhere) } : json;
  const leaf = readLeaf(SEQUENCE_SCHEMA, bare, path, '"sequence"');
  const steps = leaf.steps.map((step, i): SequenceStep => {
    const { where } = (given as JsonObject[])[i] as JsonObject;
    return { ...step, ...readWhere(where, `${path}.steps[${i}]`, parseProperty) };
  });
  return { ...leaf, steps };
};

const withoutWhere = (step: unknown): unknown => {
  if (!isObject(step)) return step;
  const { where: _, ...rest } = step;
  return rest;
};

const readWhere = (
  given: unknown,
  path: string,
  parseProperty: ParseProperty,
): { readonly where?: readonly PropertyCondition[] } => {
  if (given === undefined) return {};
  const place = `${path}.where`;
  if (!Array.isArray(given))
    throw invalid(`"where": expected a list of property conditions, found ${describe(given)}`, {
      path: place,
      ...(isObject(given) ? { hint: 'put it between [ and ]' } : {}),
    });
  if (given.length > MAX_WHERE) throw invalid(`"where" must hold at most ${MAX_WHERE} conditions`, { path: place });
  const where = given.map((each, i) => readOne(each, `${place}[${i}]`, parseProperty));
  return where.length === 0 ? {} : { where };
};

const readOne = (json: unknown, path: string, parseProperty: ParseProperty): PropertyCondition => {
  if (!isObject(json))
    throw invalid(`expected a property condition, found ${describe(json)}`, {
      path,
      hint: 'such as {"type": "property", "property": "amount", "operator": "at_least", "value": 100}',
    });
  const { type } = json;
  if (type === 'property') return parseProperty(json, path);
  throw invalid(
    type === undefined
      ? 'a condition needs a "type"'
      : `"where" takes property conditions only, found ${typeof type === 'string' ? `the type ${quote(type)}` : describe(type)}`,
    { path: `${path}.type`, hint: 'in "where" the type is always "property", and all of them must hold' },
  );
};
