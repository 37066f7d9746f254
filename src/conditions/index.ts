/** The condition language: what other rooms use of it. */
export { formatIsoDate, parseIsoDate } from './dates.ts';
export { type ExpandOptions, expandSegments, referencedSegments, type SegmentLookup } from './expand.ts';
export { kindOf, kindsOf } from './kinds.ts';
export { isBranch, leavesOf } from './leaves.ts';
export * from './limits.ts';
export { hashCondition, normalise } from './normalise.ts';
export { parseCondition } from './parse.ts';
export { elementKey, type References, references, textMatchKey } from './references.ts';
export { conditionSchema } from './schema.ts';
export { type ConditionJson, serialise } from './serialise.ts';
export * from './types.ts';
export { smallestUnit, TIME_UNITS, type TimeUnit, UNIT_MS } from './units.ts';
export { type WindowRange, windowRange } from './window.ts';
