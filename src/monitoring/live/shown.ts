import type { Alert, Scope } from '../types.ts';
import type { Judge, JudgedSlice } from './judge.ts';
import type { BandOf } from './rollups.ts';
import type { StoredView, ViewedSlice } from './view.ts';

/** What the detector shows after a step. */
export interface Shown extends Pick<StoredView, 'slices' | 'openAlerts'> {
  /** The stream's time for which it is. */
  readonly at: number;
  /** By `bandKey`. */
  readonly bands: ReadonlyMap<string, JudgedSlice['band']>;
}

export const NOTHING_SHOWN: Shown = { at: Number.NEGATIVE_INFINITY, slices: [], openAlerts: [], bands: new Map() };

const bandKey = (workspace: string | undefined, kind: string | undefined): string =>
  `${workspace ?? ''}\0${kind ?? ''}`;

export const shownOf = (judge: Judge, at: number): Shown => {
  const alerts = judge.openAlerts();
  const judged = judge.slices();
  return {
    at,
    slices: judged
      .map((slice) => viewed(slice, alerts))
      .filter(({ scope, alerts: about }) => scope.workspace === undefined || about.length > 0),
    openAlerts: alerts.map(({ id, rule, severity, scope, openedAt, ratio, summary }) => ({
      id,
      rule,
      severity,
      scope,
      openedAt,
      ratio,
      summary,
    })),
    bands: new Map(
      judged
        .filter(({ scope, band }) => scope.segment === undefined && Number.isFinite(band.high))
        .map(({ scope, band }) => [bandKey(scope.workspace, scope.kind), band]),
    ),
  };
};

const same = (a: Scope, b: Scope): boolean =>
  a.kind === b.kind && a.workspace === b.workspace && a.segment === b.segment;

const viewed = ({ rollingMs, baselineMs, ...slice }: JudgedSlice, alerts: readonly Alert[]): ViewedSlice => ({
  ...slice,
  rollingMs: rollingMs ?? null,
  baselineMs: baselineMs ?? null,
  alerts: alerts
    .filter(({ scope, explains }) => same(scope, slice.scope) || explains.some((other) => same(other, slice.scope)))
    .map(({ id }) => id),
});

/** The bands of slices that the detector keeps, to be drawn beside what is rolled up of them. */
export const bandsOf =
  ({ bands }: Shown, workspaceNames: ReadonlyMap<number, string>): BandOf =>
  ({ scope, workspaceId, name }) =>
    scope === 'segment' || scope === 'workspace_kind'
      ? undefined
      : bands.get(bandKey(workspaceNames.get(workspaceId), name));
