/** Levels of a condition as written; a lone leaf has one. */
export const MAX_DEPTH = 16;
/** Leaves of a condition as written; an empty `all` or `any` counts as one. */
export const MAX_LEAVES = 256;
/** Leaves after the conditions of other segments took the places of their names. */
export const MAX_EXPANDED_LEAVES = 1024;
/** Levels after that; a name of a segment is one level itself. */
export const MAX_EXPANDED_DEPTH = 64;
/** Values in the list of `in`, `not_in`, `includes_any` and `includes_all`. */
export const MAX_LIST_VALUES = 1000;
/** Property conditions in one `where`; each counts as a leaf too. */
export const MAX_WHERE = 32;
/** Steps of a sequence; each counts as a leaf. */
export const MAX_STEPS = 10;
/** UTF-16 units, as all lengths of text here. */
export const MAX_PROPERTY_LENGTH = 255;
export const MAX_EVENT_LENGTH = 255;
export const MAX_SEGMENT_LENGTH = 255;
export const MAX_SEED_LENGTH = 255;
export const MAX_VALUE_LENGTH = 4096;
/** Of the regular expression of `matches`. */
export const MAX_PATTERN_LENGTH = 1000;
/** 100 years of 365.25 days. */
export const MAX_DURATION_MS = 36_525 * 86_400_000;
/** Events of one user: more is a mistake in the condition. */
export const MAX_COUNT = 1_000_000_000;
