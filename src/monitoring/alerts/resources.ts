import type { AlertEvent, Contributor, Fired, Rule, Scope, Severity } from '../types.ts';
import { linkOf } from './payload.ts';
import type { DiagnosisHead, StoredAlert } from './stored.ts';
import { why } from './words.ts';

/** Alerts as callers see them: times as ISO 8601, and whatever does not concern a workspace left out or null. */

export interface AlertResource {
  readonly id: string;
  /** `acknowledged`: open, and somebody has said that they know. */
  readonly state: 'open' | 'acknowledged' | 'resolved';
  readonly rule: Rule;
  readonly scope: Scope;
  readonly severity: Severity;
  readonly escalations: readonly { readonly at: string; readonly severity: Severity }[];
  readonly onset: string;
  readonly openedAt: string;
  readonly resolvedAt: string | null;
  readonly ratio: number;
  readonly peakRatio: number;
  readonly rollingMs: number | null;
  readonly baselineMs: number | null;
  readonly control: number | null;
  readonly excessShare: number | null;
  readonly affectedSegments: number | null;
  readonly unaffectedSegments: number | null;
  readonly affectedWorkspaces: number | null;
  readonly calculations: number | null;
  readonly topSegments: readonly Contributor[];
  readonly topWorkspaces: readonly Contributor[];
  readonly projected: { readonly multiple: number; readonly at: string } | null;
  readonly baselineVersion: number;
  readonly explains: readonly Scope[];
  readonly fired: readonly (Omit<Fired, 'calculations'> & { readonly calculations: number | null })[];
  readonly summary: string;
  readonly diagnosis: DiagnosisHead | null;
  readonly acknowledged: { readonly at: string; readonly by: string | null; readonly note: string | null } | null;
  readonly link: string;
}

/** One thing that happened to an alert. */
export interface AlertEventResource {
  readonly id: number;
  readonly type: AlertEvent['type'] | 'acknowledged' | 'diagnosed';
  /** In the time of the calculations; `recordedAt` is when it was written. */
  readonly at: string;
  readonly recordedAt: string;
  readonly severity: Severity;
  readonly ratio: number;
  readonly summary: string;
  readonly by: string | null;
  readonly note: string | null;
}

/** What a channel was told of it, or will be. */
export interface DeliveryResource {
  readonly channel: string;
  readonly eventId: number;
  readonly state: string;
  readonly attempts: number;
  readonly nextTryAt: string | null;
  readonly deliveredAt: string | null;
  readonly error: string | null;
}

export interface AlertDetails extends AlertResource {
  readonly why: readonly string[];
  readonly events: readonly AlertEventResource[];
  readonly deliveries: readonly DeliveryResource[];
  /** Ids of the silences that keep it silent now. */
  readonly silencedBy: readonly string[];
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Everything, as the operator sees it. */
export const alertResource = ({ alert, diagnosis, acknowledged }: StoredAlert, publicUrl: string): AlertResource => ({
  id: alert.id,
  state: alert.resolvedAt !== null ? 'resolved' : acknowledged !== null ? 'acknowledged' : 'open',
  rule: alert.rule,
  scope: alert.scope,
  severity: alert.severity,
  escalations: alert.escalations.map(({ at, severity }) => ({ at: iso(at), severity })),
  onset: iso(alert.onset),
  openedAt: iso(alert.openedAt),
  resolvedAt: alert.resolvedAt === null ? null : iso(alert.resolvedAt),
  ratio: alert.ratio,
  peakRatio: alert.peakRatio,
  rollingMs: alert.rollingMs,
  baselineMs: alert.baselineMs,
  control: alert.control,
  excessShare: alert.excessShare,
  affectedSegments: alert.affectedSegments,
  unaffectedSegments: alert.unaffectedSegments,
  affectedWorkspaces: alert.affectedWorkspaces,
  calculations: alert.calculations,
  topSegments: alert.topSegments,
  topWorkspaces: alert.topWorkspaces,
  projected: alert.projected === null ? null : { multiple: alert.projected.multiple, at: iso(alert.projected.at) },
  baselineVersion: alert.baselineVersion,
  explains: alert.explains,
  fired: alert.fired,
  summary: alert.summary,
  diagnosis,
  acknowledged:
    acknowledged === null ? null : { at: acknowledged.at.toISOString(), by: acknowledged.by, note: acknowledged.note },
  link: linkOf(publicUrl, alert.id),
});

export const detailsOf = (
  resource: AlertResource,
  more: Pick<AlertDetails, 'events' | 'deliveries' | 'silencedBy'>,
): AlertDetails => ({ ...resource, why: why(resource), ...more });
