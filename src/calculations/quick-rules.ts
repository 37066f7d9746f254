import type { CalculationResult } from '../compiler/calculation.ts';
import { leavesOf } from '../conditions/leaves.ts';
import type { Known } from './memory.ts';
import { hasPatterns } from './patterns.ts';
import { MAX_QUICK_LEAVES, MAX_QUICK_QUERY_MS } from './limits.ts';

/**
 * Whether a calculation takes little more than the messages for it: nothing was pending, its query is short, its condition is
 * compiled in no time, and it needs no transaction around its one statement (events want their snapshot before `asOf`, regular
 * expressions a time limit).
 */
export const isQuick = (known: Known, { marks, query_ms }: Pick<CalculationResult, 'marks' | 'query_ms'>): boolean =>
  marks === 0 &&
  query_ms <= MAX_QUICK_QUERY_MS &&
  known.basis.eventIds.length === 0 &&
  !hasPatterns(known.condition) &&
  leavesOf(known.condition).length <= MAX_QUICK_LEAVES;
