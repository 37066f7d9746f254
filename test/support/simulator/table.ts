import { brokenShares, type Verdict } from './judge.ts';
import type { Scenario } from './scenario.ts';

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};
/** `median / worst`, or a dash where there is nothing. */
const spread = (values: readonly number[], digits: number, unit: string): string =>
  values.length === 0 ? '–' : `${median(values).toFixed(digits)} / ${Math.max(...values).toFixed(digits)}${unit}`;

const HEADS = [
  ...[
    'scenario',
    'seeds',
    'said after',
    'at',
    'critical after',
    'at',
    'right at opening',
    '6 h later',
    'over after mend',
  ],
  ...['other alerts', 'outliers', 'slice-days', 'plain rule in time', 'its false alarms', 'verdict'],
] as const;
export const tableHead = (): string => `| ${HEADS.join(' | ')} |\n|${HEADS.map(() => ' --- |').join('')}\n`;

/** A row of Markdown: median / worst over the seeds. */
export const tableRow = (scenario: Scenario, verdicts: readonly Verdict[]): string => {
  const of = <T>(pick: (verdict: Verdict) => T | undefined): T[] =>
    verdicts.map(pick).filter((value) => value !== undefined);
  const percent = (holds: (verdict: Verdict) => boolean): string =>
    `${Math.round((100 * verdicts.filter(holds).length) / verdicts.length)} %`;
  const told = of(({ opened }) => opened).length > 0;
  const broken = verdicts.filter(({ faults }) => faults.length > 0).length;
  const shares = brokenShares(scenario, verdicts);
  const verdict = [...(broken > 0 ? [`${broken} of ${verdicts.length} seeds fail`] : []), ...shares].join('; ');
  const cells = [
    scenario.name,
    String(verdicts.length),
    spread(
      of(({ opened }) => opened?.hours),
      1,
      ' h',
    ),
    spread(
      of(({ opened }) => opened?.ratio),
      2,
      '×',
    ),
    spread(
      of(({ critical }) => critical?.hours),
      1,
      ' h',
    ),
    spread(
      of(({ critical }) => critical?.ratio),
      2,
      '×',
    ),
    told ? percent((each) => each.rightAtOpening) : '–',
    told ? percent((each) => each.rightLater) : '–',
    spread(
      of(({ resolvedHours }) => resolvedHours),
      1,
      ' h',
    ),
    String(verdicts.reduce((sum, { others }) => sum + others.length, 0)),
    String(verdicts.reduce((sum, { outliers }) => sum + outliers, 0)),
    verdicts.reduce((sum, { sliceDays }) => sum + sliceDays, 0).toLocaleString('en-US'),
    told ? percent(({ plain }) => plain.inTime) : '–',
    String(verdicts.reduce((sum, { plain }) => sum + plain.before, 0)),
    verdict === '' ? 'well' : verdict,
  ];
  return `| ${cells.join(' | ')} |\n`;
};
