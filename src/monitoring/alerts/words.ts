import type { Alert, Fired, Rule, Scope } from '../types.ts';
import type { StoredAlert } from './stored.ts';

/** How alerts are said. Pure. */

const HOUR_MS = 3_600_000;

/** Two or three digits, as people read a factor. */
export const factor = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 2 : 0)} ×`;

/** What the ratio of an alert says: calculations are beside their own normal, all else is beside the threshold that it is judged by. */
export const ratioText = (rule: Rule, ratio: number): string =>
  rule === 'slow' ? `${factor(ratio)} normal` : `${factor(ratio)} the threshold`;

const windowOf = (ms: number): string =>
  ms % HOUR_MS === 0 ? `${ms / HOUR_MS} h` : `${Math.round((ms / 60_000) * 10) / 10} min`;

const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

export const scopeText = ({ kind, workspace, segment }: Scope): string => {
  const parts = [
    ...(kind === undefined ? [] : [`kind ${kind}`]),
    ...(segment === undefined ? [] : [`segment ${segment}`]),
    ...(workspace === undefined ? [] : [`workspace ${workspace}`]),
  ];
  return parts.length === 0 ? 'the service as a whole' : parts.join(', ');
};

const number = (value: number): string => String(Math.round(value * 1000) / 1000);

/** `calculations` null: not to be told. */
export type ToldFired = Omit<Fired, 'calculations'> & { readonly calculations: number | null };

/** Why one comparison came out true. */
export const firedText = (
  rule: Rule,
  { severity, windowMs, value, threshold, sigmas, calculations }: ToldFired,
): string => {
  const isRatio = rule === 'slow' && severity !== 'outliers';
  const what = severity === 'outliers' ? 'the share of outliers is' : 'the value is';
  return [
    `${severity}: over ${windowOf(windowMs)} ${what} ${number(value)}${isRatio ? ' × normal' : ''}, at least ${number(threshold)} is too much`,
    ...(sigmas === null ? [] : [`it is ${number(sigmas)} times its usual noise`]),
    ...(calculations === null || rule !== 'slow' ? [] : [`${calculations} calculations`]),
  ].join('; ');
};

/** Why one sees an alert: each comparison that came out true, and what it was compared with. */
export const why = ({
  rule,
  fired,
  baselineVersion,
  control,
}: Pick<Alert, 'rule' | 'baselineVersion' | 'control'> & { readonly fired: readonly ToldFired[] }): string[] => [
  ...fired.map((each) => firedText(rule, each)),
  ...(control === null ? [] : [`everything else is at ${factor(control)} normal at the same time`]),
  ...(rule === 'slow' ? [`compared with version ${baselineVersion} of the baseline`] : []),
];

const contributors = (alert: Alert): string[] =>
  alert.topSegments.length === 0
    ? []
    : [
        `Most of it: ${alert.topSegments
          .slice(0, 5)
          .map(({ workspace, segment, ratio }) => `${segment ?? ''} in ${workspace} (${factor(ratio)})`)
          .join(', ')}`,
      ];

const howBad = (alert: Alert): string[] => {
  const { rule, ratio, peakRatio, rollingMs, baselineMs } = alert;
  if (rule !== 'slow') return [`Now ${ratioText(rule, ratio)}, at most ${factor(peakRatio)}.`];
  return [
    `Now ${ratioText(rule, ratio)} (${Math.round(rollingMs)} ms, normally ${Math.round(baselineMs)} ms), at most ${factor(peakRatio)}.`,
    `${alert.affectedSegments} segments in ${alert.affectedWorkspaces} workspaces are affected, ${alert.unaffectedSegments} are not.`,
  ];
};

/** Some lines for people: what, since when, whom, and what was found. */
export const describe = ({ alert, diagnosis, acknowledged }: StoredAlert): string =>
  [
    `Scope: ${scopeText(alert.scope)}; since about ${time(alert.onset)}.`,
    ...howBad(alert),
    ...(alert.control === null ? [] : [`Everything else is at ${factor(alert.control)} normal.`]),
    ...(alert.projected === null
      ? []
      : [`It will reach ${factor(alert.projected.multiple)} normal about ${time(alert.projected.at)}.`]),
    ...contributors(alert),
    ...(diagnosis === null
      ? []
      : [`Likely cause (${diagnosis.confidence}): ${diagnosis.sentence}`, `Remedy: ${diagnosis.remedy.text}`]),
    ...(acknowledged === null ? [] : [`Acknowledged by ${acknowledged.by}.`]),
  ].join('\n');
