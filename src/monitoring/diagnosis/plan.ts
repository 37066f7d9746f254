import { createHash } from 'node:crypto';
import type { EvidenceStatement, PlanFacts, Scan } from './evidence.ts';

/** Reads what `explain (analyze, buffers, format json)` says. Pure. */

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Join Type'?: string;
  readonly 'Plan Rows'?: number;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Index Searches'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Heap Fetches'?: number;
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly 'Temp Read Blocks'?: number;
  readonly 'Temp Written Blocks'?: number;
  readonly 'Sort Space Type'?: string;
  readonly 'Hash Batches'?: number;
  readonly 'HashAgg Batches'?: number;
  readonly Plans?: readonly PlanNode[];
}

export interface ExplainedPlan {
  readonly Plan: PlanNode;
  readonly 'Planning Time'?: number;
  readonly 'Execution Time'?: number;
}

/** A partition by the name of its table: the months that are there are not what a plan is told by. */
export const withoutPartition = (name: string): string =>
  name.replace(/_(?:\d{4}_?\d{2}(?:_?\d{2})?|default)(?=_|$)/, '');

const relationOf = (node: PlanNode): string => withoutPartition(node['Relation Name'] ?? '');
const indexOf = (node: PlanNode): string | null =>
  node['Index Name'] === undefined ? null : withoutPartition(node['Index Name']);

/** Children that look the same, such as partitions, count once. */
const shapeOf = (node: PlanNode): string => {
  const children = [...new Set((node.Plans ?? []).map(shapeOf))];
  const own = [node['Node Type'], node['Join Type'], relationOf(node), indexOf(node)].filter(Boolean).join(' ');
  return children.length === 0 ? own : `${own}(${children.join(',')})`;
};

const walk = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(walk)];

const ownBlocks = (node: PlanNode, kind: 'Shared Hit Blocks' | 'Shared Read Blocks'): number =>
  (node[kind] ?? 0) - (node.Plans ?? []).reduce((sum, child) => sum + (child[kind] ?? 0), 0);

const isScan = (node: PlanNode): boolean =>
  node['Relation Name'] !== undefined || node['Node Type'] === 'Bitmap Index Scan';

const scanOf = (node: PlanNode): Scan => {
  const loops = node['Actual Loops'] ?? 0;
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return {
    relation: relationOf(node),
    index: indexOf(node),
    node: node['Node Type'],
    searches: node['Index Searches'] ?? loops,
    rows: Math.round((node['Actual Rows'] ?? 0) * loops),
    removedRows: removed * loops,
    hitBlocks: ownBlocks(node, 'Shared Hit Blocks'),
    readBlocks: ownBlocks(node, 'Shared Read Blocks'),
    heapFetches: node['Heap Fetches'] ?? 0,
  };
};

const keyOf = ({ relation, index, node }: Scan): string => `${node} ${relation} ${index}`;

const together = (one: Scan, other: Scan): Scan => ({
  ...one,
  searches: one.searches + other.searches,
  rows: one.rows + other.rows,
  removedRows: one.removedRows + other.removedRows,
  hitBlocks: one.hitBlocks + other.hitBlocks,
  readBlocks: one.readBlocks + other.readBlocks,
  heapFetches: one.heapFetches + other.heapFetches,
});

/** Scans of the same table by the same way as one. */
export const sumScans = (scans: readonly Scan[]): Scan[] => {
  const sums = new Map<string, Scan>();
  for (const scan of scans) {
    const known = sums.get(keyOf(scan));
    sums.set(keyOf(scan), known === undefined ? scan : together(known, scan));
  }
  return [...sums.values()];
};

const misestimateOf = (node: PlanNode): number => {
  const [planned, actual] = [Math.max(node['Plan Rows'] ?? 1, 1), Math.max(node['Actual Rows'] ?? 1, 1)];
  return (node['Actual Loops'] ?? 0) === 0 ? 1 : Math.max(planned / actual, actual / planned);
};

const spills = (node: PlanNode): boolean =>
  node['Sort Space Type'] === 'Disk' || (node['Hash Batches'] ?? 1) > 1 || (node['HashAgg Batches'] ?? 1) > 1;

/** @param explained one element of what `explain` with `format json` gives; without `analyze` there are no times and counts */
export const planFacts = (statement: EvidenceStatement['name'], explained: ExplainedPlan): PlanFacts => {
  const { Plan: root } = explained;
  const nodes = walk(root);
  return {
    statement,
    shape: createHash('sha256').update(shapeOf(root)).digest('hex').slice(0, 16),
    executionMs: explained['Execution Time'] ?? null,
    planningMs: explained['Planning Time'] ?? 0,
    hitBlocks: root['Shared Hit Blocks'] ?? 0,
    readBlocks: root['Shared Read Blocks'] ?? 0,
    tempReadBlocks: root['Temp Read Blocks'] ?? 0,
    tempWrittenBlocks: root['Temp Written Blocks'] ?? 0,
    spills: nodes.filter(spills).length,
    misestimate: Math.round(Math.max(...nodes.map(misestimateOf))),
    scans: sumScans(nodes.filter(isScan).map(scanOf)),
  };
};
