import type { Comparison } from './compare.ts';
import { CAUSES, type Confidence, type Diagnosis, type Finding } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { deadRows, indexMissing, lockWaits, planChanged, type Rule, settingsChanged } from './rules-database.ts';
import {
  cacheOrIo,
  growth,
  noisyWorkspace,
  pendingChanges,
  poolSaturated,
  temporaryFiles,
  wholeDatabase,
} from './rules-load.ts';

/** In any order: what they find is ordered by confidence, and then as `CAUSES` is. */
const RULES: readonly Rule[] = [
  lockWaits,
  indexMissing,
  settingsChanged,
  deadRows,
  planChanged,
  temporaryFiles,
  pendingChanges,
  poolSaturated,
  cacheOrIo,
  noisyWorkspace,
  growth,
  wholeDatabase,
];

const CONFIDENCE: Readonly<Record<Confidence, number>> = { high: 0, medium: 1, low: 2 };

const lookedAt = (now: Evidence): string => {
  const plans = now.segments.flatMap((segment) => segment.plans).length;
  const parts = [
    ...(plans > 0 ? [`${plans} plans of ${now.segments.length} segments`] : []),
    ...(now.indexes === undefined ? [] : ['indexes']),
    ...(now.settings === undefined ? [] : ['settings']),
    ...(now.tables === undefined ? [] : ['dead rows and statistics of tables']),
    ...(now.holders === undefined ? [] : ['transactions that hold vacuum back']),
    ...(now.activity === undefined || now.activity.samples === 0 ? [] : ['locks, the disk and worker threads']),
    ...(now.pending === undefined ? [] : ['pending changes']),
  ];
  return parts.length === 0 ? 'nothing could be looked at' : `looked at: ${parts.join(', ')}`;
};

const unknown = ({ before, now }: Comparison): Finding => ({
  cause: 'unknown',
  confidence: 'low',
  sentence: `no cause was found${before === undefined ? ' (nothing was captured before, to compare with)' : ''}; ${lookedAt(now)}`,
  evidence: [],
  remedy: {
    text: 'explain one of the slow segments (POST /v1/segments/explain with "analyze"), and look at the database’s machine',
  },
});

/** Names the likely cause of an alert from what was looked at before and now. Pure. */
export const classify = (comparison: Comparison): Diagnosis => {
  const findings = RULES.flatMap((rule) => rule(comparison) ?? []).sort(
    (one, other) =>
      CONFIDENCE[one.confidence] - CONFIDENCE[other.confidence] ||
      CAUSES.indexOf(one.cause) - CAUSES.indexOf(other.cause),
  );
  const [likely = unknown(comparison), ...also] = findings;
  const { before, now } = comparison;
  return { ...likely, also, capturedAt: now.at, comparedWith: before?.at ?? null, errors: now.errors };
};
