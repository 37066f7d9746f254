/** The columns of a history of calculations as a CSV file. CONTRACT.md §4. */

/** Must be there, in any order. */
export const REQUIRED_COLUMNS = [
  'finished_at',
  'workspace',
  'segment',
  'trigger',
  'kinds',
  'population',
  'duration_ms',
] as const;
/** Used where they are there: a history from elsewhere need not know them. */
export const OPTIONAL_COLUMNS = ['outcome', 'version'] as const;
export type HistoryColumn = (typeof REQUIRED_COLUMNS)[number] | (typeof OPTIONAL_COLUMNS)[number];

export const HISTORY_COLUMNS: readonly HistoryColumn[] = [...REQUIRED_COLUMNS, ...OPTIONAL_COLUMNS];
export const KIND_SEPARATOR = '|';
