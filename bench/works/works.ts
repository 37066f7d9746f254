import type { Bench } from '../bench.ts';
import type { Group } from '../options.ts';
import { measureBatch } from './batch.ts';
import { measureChanged } from './changed.ts';
import { measureCold } from './cold.ts';
import { measureCount } from './count.ts';
import { measureImport } from './import.ts';
import { measureIndex } from './index-size.ts';
import { measureMixed } from './mixed.ts';
import { measureMorning } from './morning.ts';
import { measureQuery } from './query.ts';
import { measureSmall } from './small.ts';

/** Works that peers do too, over the same users. */
export const NEEDS_PEERS: readonly Group[] = ['query', 'count', 'index', 'changed', 'mixed'];

/** Works that are measured when the peers are gone: PostgreSQL is restarted, or has a database for that alone. */
export const AFTER_PEERS: readonly Group[] = ['cold', 'import', 'batch'];

/** Measures a group; what it finds out is in `bench.findings`. `events`: whether the users have theirs. */
export const measure = async (group: Group, bench: Bench, events: boolean): Promise<void> => {
  switch (group) {
    case 'small':
      return measureSmall(bench);
    case 'query':
      for (const query of bench.options.queries) await measureQuery(bench, query);
      return;
    case 'count':
      return measureCount(bench);
    case 'index':
      return measureIndex(bench);
    case 'changed':
      return measureChanged(bench);
    case 'mixed':
      return measureMixed(bench);
    case 'morning':
      return measureMorning(bench, events);
    case 'cold':
      return measureCold(bench);
    case 'import':
      return measureImport(bench);
    case 'batch':
      return measureBatch(bench);
  }
};
