import type { Alert, Scope } from '../types.ts';

const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 1 : 0)}×`;

/** `2026-11-25 06:10`, UTC. */
const moment = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

const counted = (n: number, word: string): string => `${n} ${word}${n === 1 ? '' : 's'}`;

const who = ({ kind, workspace, segment }: Scope): string => {
  if (segment !== undefined) return `segment ${segment} of workspace ${workspace} takes`;
  const place = workspace === undefined ? '' : ` of workspace ${workspace}`;
  if (kind !== undefined) return `segments with ${kind}${place} take`;
  return workspace === undefined ? 'all segments take' : `segments${place} take`;
};

/** One sentence: who, how much, since when, how many, and what of the others; and what comes. */
export const summaryOf = (alert: Omit<Alert, 'summary'>): string => {
  const { scope, ratio, onset, resolvedAt, control, projected } = alert;
  const reach =
    scope.segment === undefined
      ? `, ${counted(alert.affectedSegments, 'segment')} in ${counted(alert.affectedWorkspaces, 'workspace')}`
      : '';
  if (resolvedAt !== null)
    return `Over: ${who(scope)} ${times(ratio)} normal again; it was up to ${times(alert.peakRatio)} from ${moment(onset)} to ${moment(resolvedAt)}${reach}.`;
  const others = control === null ? '' : `; everything else takes ${times(control)}`;
  const coming = projected === null ? '' : `; will reach ${times(projected.multiple)} around ${moment(projected.at)}`;
  const sentence = `${who(scope)} ${times(ratio)} normal since ${moment(onset)}${reach}${others}${coming}.`;
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
};
