import type { Alert, Contributor, Fired, Scope } from '../types.ts';
import { type AlertEventResource, type AlertResource, alertResource } from './resources.ts';
import type { StoredAlert } from './stored.ts';
import { factor } from './words.ts';

/**
 * What a workspace's own key may know of an alert. Pure.
 *
 * An alert of the workspace, or of a segment in it, is its own: it sees its numbers. One of a kind or of the service as a whole concerns
 * everybody: it sees what, how bad, since when and how long, and of its own segments which; all that is added up over other workspaces
 * is null. Alerts of other workspaces are not there. Diagnoses, notes, silences and deliveries are the operator's: they name
 * databases, sessions, people and other workspaces in free text.
 */

export const concerns = (workspace: string, scope: Scope): boolean =>
  scope.workspace === undefined || scope.workspace === workspace;

const own = (workspace: string, all: readonly Contributor[]): Contributor[] =>
  all.filter((each) => each.workspace === workspace);

/** Written anew, as the detector's own sentence may count and name what is not the workspace's. */
const summaryFor = ({ rule, scope, severity, ratio, resolvedAt }: Alert): string => {
  const what =
    scope.segment !== undefined
      ? `the segment "${scope.segment}"`
      : scope.workspace !== undefined
        ? 'the segments of this workspace'
        : scope.kind === undefined
          ? 'segments'
          : `segments with ${scope.kind}`;
  const of = scope.kind !== undefined && scope.workspace !== undefined ? ` with ${scope.kind}` : '';
  const now = resolvedAt === null ? '' : 'it is over: ';
  switch (rule) {
    case 'slow':
      return severity === 'outliers'
        ? `${now}more calculations than usual of ${what}${of} take far longer than normal`
        : `${now}calculations of ${what}${of} take ${factor(ratio)} normal`;
    case 'freshness':
      return `${now}what is written becomes visible late to ${what}${of}`;
    case 'late':
      return `${now}newsletters of ${what}${of} were late`;
    case 'failures':
      return `${now}more calculations than usual of ${what}${of} fail`;
    case 'queue':
      return `${now}calculations of ${what}${of} wait longer than normal`;
    case 'stale':
      return `${now}no calculations of ${what}${of} have been seen`;
  }
};

const firedFor = (isOwn: boolean, fired: readonly Fired[]): AlertResource['fired'] =>
  fired.map((each) => ({ ...each, calculations: isOwn ? each.calculations : null }));

/** Undefined where the alert does not concern the workspace. */
export const alertFor = (workspace: string, stored: StoredAlert, publicUrl: string): AlertResource | undefined => {
  const { alert, acknowledged } = stored;
  if (!concerns(workspace, alert.scope)) return undefined;
  const isOwn = alert.scope.workspace === workspace;
  const all = alertResource(stored, publicUrl);
  const ofOwn = <T>(value: T): T | null => (isOwn ? value : null);
  return {
    ...all,
    rollingMs: ofOwn(all.rollingMs),
    baselineMs: ofOwn(all.baselineMs),
    affectedSegments: ofOwn(all.affectedSegments),
    calculations: ofOwn(all.calculations),
    affectedWorkspaces: ofOwn(all.affectedWorkspaces),
    // What is out of its scope is others'.
    control: null,
    excessShare: null,
    unaffectedSegments: null,
    topSegments: own(workspace, all.topSegments),
    topWorkspaces: own(workspace, all.topWorkspaces),
    explains: all.explains.filter((scope) => concerns(workspace, scope)),
    fired: firedFor(isOwn, alert.fired),
    summary: summaryFor(alert),
    diagnosis: null,
    acknowledged: acknowledged === null ? null : { at: acknowledged.at.toISOString(), by: null, note: null },
  };
};

/** What an event may say to a workspace: not who did it, and what they wrote. */
export const eventFor = (event: AlertEventResource, alert: Alert): AlertEventResource => ({
  ...event,
  summary: summaryFor(alert),
  by: null,
  note: null,
});
