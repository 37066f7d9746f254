import type { Alert } from '../types.ts';
import type {
  Evidence,
  EvidenceStatement,
  IndexEvidence,
  PlanFacts,
  Scan,
  SegmentEvidence,
  SegmentName,
} from './evidence.ts';
import { sumScans } from './plan.ts';

/** What has changed between two looks. Pure. */

export interface Comparison {
  readonly alert: Alert;
  /** The same look before it began; undefined where there was none. */
  readonly before: Evidence | undefined;
  readonly now: Evidence;
}

export interface PlanChange extends SegmentName {
  readonly statement: EvidenceStatement['name'];
  readonly before: PlanFacts | undefined;
  readonly now: PlanFacts;
}

export interface ScanChange extends SegmentName {
  readonly statement: EvidenceStatement['name'];
  readonly before: Scan | undefined;
  readonly now: Scan;
}

export const blocksOf = ({ hitBlocks, readBlocks }: Pick<Scan, 'hitBlocks' | 'readBlocks'>): number =>
  hitBlocks + readBlocks;
export const pagesASearch = (scan: Scan): number => blocksOf(scan) / Math.max(scan.searches, 1);
export const rowsASearch = (scan: Scan): number => scan.rows / Math.max(scan.searches, 1);
export const fetchesASearch = (scan: Scan): number => scan.heapFetches / Math.max(scan.searches, 1);
export const isIndexScan = ({ node }: Scan): boolean => node.startsWith('Index') || node.startsWith('Bitmap Index');

const same = (one: SegmentName, other: SegmentName): boolean =>
  one.workspace === other.workspace && one.segment === other.segment;

/** The slow segments; where none could be looked at, whatever was. */
export const affected = ({ segments }: Evidence): readonly SegmentEvidence[] => {
  const slow = segments.filter(({ role }) => role === 'affected');
  return slow.length > 0 ? slow : segments;
};

/** Each plan of the affected segments beside the one of the same statement and segment before. */
export const planChanges = ({ before, now }: Comparison): PlanChange[] =>
  affected(now).flatMap(({ workspace, segment, plans }) => {
    const known = before?.segments.find((each) => same(each, { workspace, segment }))?.plans ?? [];
    const used = new Set<PlanFacts>();
    return plans.map((plan) => {
      const match = known.find((each) => each.statement === plan.statement && !used.has(each));
      if (match !== undefined) used.add(match);
      return { workspace, segment, statement: plan.statement, before: match, now: plan };
    });
  });

const isOf =
  (scan: Scan) =>
  (other: Scan): boolean =>
    other.relation === scan.relation && other.index === scan.index;

/**
 * Each table that the affected segments' plans read, beside how it was read before: by the same segment, else by all that were looked
 * at then, else, at the same time, by segments that are not slow.
 */
export const scanChanges = (comparison: Comparison): ScanChange[] => {
  const { before, now } = comparison;
  const scansOf = (segments: readonly SegmentEvidence[], statement: string): Scan[] =>
    sumScans(
      segments.flatMap(({ plans }) =>
        plans.filter((plan) => plan.statement === statement).flatMap(({ scans }) => scans),
      ),
    );
  const unaffected = now.segments.filter(({ role }) => role === 'unaffected');
  return planChanges(comparison).flatMap(({ workspace, segment, statement, before: plan, now: { scans } }) =>
    scans
      .filter(({ searches }) => searches > 0)
      .map((scan) => {
        const known =
          plan?.scans ?? (before === undefined ? scansOf(unaffected, statement) : scansOf(before.segments, statement));
        // By another index it was read before, if not by this one.
        const was = known.find(isOf(scan)) ?? known.find(({ relation }) => relation === scan.relation);
        return { workspace, segment, statement, now: scan, before: was };
      }),
  );
};

/** The one that has grown most, by what `measure` gives of it. */
export const worst = <C extends { readonly now: Scan; readonly before: Scan | undefined }>(
  changes: readonly C[],
  measure: (scan: Scan) => number,
): C | undefined =>
  changes
    .map((change) => ({
      change,
      grown: measure(change.now) - (change.before === undefined ? 0 : measure(change.before)),
    }))
    .sort((one, other) => other.grown - one.grown)[0]?.change;

export interface IndexChange {
  readonly name: string;
  readonly before: IndexEvidence;
  readonly what: 'missing' | 'invalid' | 'changed';
}

/** Indexes that are not as they were. New ones slow no reading down. */
export const indexChanges = ({ before, now }: Comparison): IndexChange[] => {
  const present = now.indexes;
  if (present === undefined) return [];
  return Object.entries(before?.indexes ?? {}).flatMap(([name, was]): IndexChange[] => {
    if (!was.valid) return [];
    const is = present[name];
    if (is === undefined) return [{ name, before: was, what: 'missing' }];
    if (!is.valid) return [{ name, before: was, what: 'invalid' }];
    return is.definition === was.definition ? [] : [{ name, before: was, what: 'changed' }];
  });
};

export interface SettingChange {
  readonly name: string;
  readonly before: string;
  readonly now: string;
}

export const settingChanges = ({ before, now }: Comparison): SettingChange[] =>
  Object.entries(before?.settings ?? {}).flatMap(([name, was]) => {
    const is = now.settings?.[name];
    return is === undefined || is === was ? [] : [{ name, before: was, now: is }];
  });
