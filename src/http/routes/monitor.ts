import { conflict, EvenkeelError, invalid, notFound } from '../../core/errors.ts';
import type { Queryable } from '../../database/port.ts';
import { keptSince, partitionedTables, type Retention } from '../../monitoring/live/partitions.ts';
import { requestAccept } from '../../monitoring/live/requests.ts';
import type { Slice } from '../../monitoring/live/rollups.ts';
import type { View } from '../../monitoring/live/view.ts';
import {
  type BaselineChangeRow,
  type BaselineRow,
  baselineChanges,
  baselinesOf,
  currentBaselines,
  hasBaselines,
} from '../../monitoring/queries/baselines.ts';
import { type Point, readSeries } from '../../monitoring/queries/series.ts';
import { MAX_JSON_BYTES } from '../limits.ts';
import * as m from '../monitor-schemas.ts';
import { type Caller, defineRoute, ok, type Route } from '../route.ts';
import type { Workspaces } from '../workspaces.ts';

const TAG = 'monitoring';
const DAY_MS = 86_400_000;
const HISTORY_LIMIT = 200;

export interface MonitorRouteOptions {
  readonly db: Queryable;
  readonly workspaces: Workspaces;
  readonly monitor: { view(): View | undefined };
  readonly retention: Retention;
}

/** `/v1/monitor/…`: what operators' pages show of how long calculations take. */
export const monitorRoutes = ({ db, workspaces, monitor, retention }: MonitorRouteOptions): Route[] => [
  defineRoute({
    method: 'get',
    path: '/v1/monitor/series',
    tag: TAG,
    summary: 'How long calculations took over time, as × normal and in milliseconds',
    description:
      'Of everything, a condition kind, a workspace, a kind within a workspace, or a segment. A workspace key sees its own workspace. Stretches in which nothing ended have no point.',
    access: 'workspace',
    query: m.seriesQuery,
    answers: { 200: { description: 'Points in order of time.', content: { 'application/json': m.series } } },
    handle: async ({ caller, query }) => {
      const { kind, segment, step } = query;
      if (kind !== undefined && segment !== undefined)
        throw invalid('a segment has its kinds: give kind or segment, not both', { path: 'kind' });
      const workspace = await workspaceOf(workspaces, caller, query.workspace, segment !== undefined);
      const slice = sliceOf(workspace?.id, kind, segment);
      const toMs = query.to === undefined ? Date.now() : Date.parse(query.to);
      const fromMs = query.from === undefined ? toMs - DAY_MS : Date.parse(query.from);
      if (!(fromMs < toMs)) throw invalid('from must be before to', { path: 'from' });
      const minutes = partitionedTables(retention).find(({ name }) => name === 'monitor_minutes');
      const minutesSince = minutes === undefined ? toMs : keptSince(minutes, Date.now());
      const range = { fromMs, toMs, ...(step === undefined ? {} : { step }) };
      const found = await readSeries(db, slice, range, minutesSince);
      if (segment !== undefined && found.points.length === 0) await mustExist(db, slice.workspaceId, segment);
      return ok({
        kind: kind ?? null,
        workspace: workspace?.name ?? null,
        segment: segment ?? null,
        from: new Date(fromMs).toISOString(),
        to: new Date(toMs).toISOString(),
        step: found.step,
        points: found.points.map(pointResource),
      });
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/monitor/slices',
    tag: TAG,
    summary: 'How everything, each condition kind and each workspace does just now, with what is open',
    description:
      'As of the last step of the process that judges, which is some seconds ago. A workspace key sees its own workspace.',
    access: 'workspace',
    answers: { 200: { description: 'The slices.', content: { 'application/json': m.slices } } },
    handle: async ({ caller }) => {
      const view = monitor.view();
      if (view === undefined)
        throw new EvenkeelError(503, 'unavailable', 'nothing has been judged yet', {
          hint: 'ask again in some seconds',
        });
      return ok(slicesResource(view, caller));
    },
  }),
  defineRoute({
    method: 'get',
    path: '/v1/monitor/baselines',
    tag: TAG,
    summary: 'What calculations are compared with',
    description:
      'The present baseline of each segment, by workspace and key; with `segment`, all that it has had, newest first. To the operator also what happened to the baselines altogether.',
    access: 'workspace',
    query: m.baselinesQuery,
    answers: { 200: { description: 'Baselines.', content: { 'application/json': m.baselines } } },
    handle: async ({ caller, query }) => {
      const { segment, limit = m.DEFAULT_BASELINES } = query;
      const workspace = await workspaceOf(workspaces, caller, query.workspace, segment !== undefined);
      const changes = caller.operator ? (await baselineChanges(db, HISTORY_LIMIT)).map(changeResource) : [];
      if (workspace !== undefined && segment !== undefined) {
        const rows = await baselinesOf(db, workspace.name, segment, limit);
        if (rows.length === 0) await mustExist(db, workspace.id, segment);
        return ok({ baselines: rows.map(baselineResource), changes, nextCursor: null });
      }
      const after = query.cursor === undefined ? undefined : m.readBaselineCursor(query.cursor);
      const rows = await currentBaselines(db, {
        limit: limit + 1,
        ...(workspace === undefined ? {} : { workspace: workspace.name }),
        ...(after === undefined ? {} : { after }),
      });
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      return ok({
        baselines: page.map(baselineResource),
        changes,
        nextCursor: rows.length > limit && last !== undefined ? m.baselineCursor(last) : null,
      });
    },
  }),
  defineRoute({
    method: 'post',
    path: '/v1/monitor/baselines/accept',
    tag: TAG,
    summary: 'Say that what is slow is normal from now on',
    description:
      'What calculations in the scope take lately becomes their baseline. An empty scope is the service as a whole. Taken in within seconds; who and why stay in the history.',
    access: 'operator',
    body: { schema: m.acceptBody, maxBytes: MAX_JSON_BYTES },
    answers: { 202: { description: 'It is taken in soon.', content: { 'application/json': m.accepted } } },
    handle: async ({ body }) => {
      const { kind, workspace, segment } = body.scope;
      if (segment !== undefined && workspace === undefined)
        throw invalid('a segment is named together with its workspace', { path: 'scope.workspace' });
      if (workspace !== undefined) {
        const { id } = await workspaces.byName(workspace);
        if (segment !== undefined) await mustExist(db, id, segment);
      }
      const scope = {
        ...(kind === undefined ? {} : { kind }),
        ...(workspace === undefined ? {} : { workspace }),
        ...(segment === undefined ? {} : { segment }),
      };
      if (!(await hasBaselines(db, scope)))
        throw conflict('nothing in this scope is compared with a baseline yet, so there is nothing to accept', {
          hint: 'the first baseline is made of some days (ALERT_LEARN_DAYS) of calculations: GET /v1/monitor/baselines',
        });
      const request = await requestAccept(db, { scope, by: body.by ?? 'operator', reason: body.reason });
      return { status: 202, body: { request, scope } };
    },
  }),
];

/** Whose calculations are asked for: a workspace's own only, the operator's choice, or all (undefined). */
const workspaceOf = async (
  workspaces: Workspaces,
  caller: Caller,
  named: string | undefined,
  needed: boolean,
): Promise<{ readonly id: number; readonly name: string } | undefined> => {
  if (!caller.operator) {
    if (named !== undefined && named !== caller.workspace)
      throw new EvenkeelError(403, 'forbidden', 'the key is of another workspace', { path: 'workspace' });
    return { id: caller.workspaceId, name: caller.workspace };
  }
  if (named !== undefined) return { id: (await workspaces.byName(named)).id, name: named };
  return needed ? { id: caller.workspaceId, name: caller.workspace } : undefined;
};

const sliceOf = (workspaceId: number | undefined, kind: string | undefined, segment: string | undefined): Slice => {
  if (workspaceId === undefined)
    return kind === undefined
      ? { scope: 'all', workspaceId: 0, name: '' }
      : { scope: 'kind', workspaceId: 0, name: kind };
  if (segment !== undefined) return { scope: 'segment', workspaceId, name: segment };
  return kind === undefined
    ? { scope: 'workspace', workspaceId, name: '' }
    : { scope: 'workspace_kind', workspaceId, name: kind };
};

const mustExist = async (db: Queryable, workspaceId: number, segment: string): Promise<void> => {
  const { rowCount } = await db.query('select from segments where workspace_id = $1::integer and key = $2::text', [
    workspaceId,
    segment,
  ]);
  if (rowCount === 0) throw notFound(`the segment "${segment.slice(0, 64)}"`);
};

const THOUSANDTH = 1_000;
const rounded = <T extends number | null>(value: T): T =>
  (value === null ? null : Math.round(value * THOUSANDTH) / THOUSANDTH) as T;

const pointResource = ({ at, ratio, band, meanMs, normalMs, p50Ms, p95Ms, p99Ms, queueMs, ...counts }: Point) => ({
  at: new Date(at).toISOString(),
  ...counts,
  ratio: rounded(ratio),
  band: band && { low: rounded(band.low), high: rounded(band.high) },
  meanMs: rounded(meanMs),
  normalMs: rounded(normalMs),
  p50Ms: rounded(p50Ms),
  p95Ms: rounded(p95Ms),
  p99Ms: rounded(p99Ms),
  queueMs: rounded(queueMs),
});

const baselineResource = ({ since, lockedUntil, expectedMs, spread, ...rest }: BaselineRow) => ({
  ...rest,
  since: since.toISOString(),
  expectedMs: rounded(expectedMs),
  spread: rounded(spread),
  lockedUntil: lockedUntil?.toISOString() ?? null,
});

const changeResource = ({ at, change, ...rest }: BaselineChangeRow) => ({
  ...rest,
  at: at.toISOString(),
  change: rounded(change),
});

/** A workspace is shown what concerns it alone. */
const slicesResource = (view: View, caller: Caller) => ({
  at: new Date(view.at).toISOString(),
  slices: view.slices
    .filter(({ scope }) => caller.operator || scope.workspace === caller.workspace)
    .map(({ ratio, band, rollingMs, baselineMs, ...rest }) => ({
      ...rest,
      ratio: rounded(ratio),
      band: { low: rounded(band.low), high: rounded(band.high) },
      rollingMs: rounded(rollingMs),
      baselineMs: rounded(baselineMs),
    })),
  openAlerts: view.openAlerts
    .filter(({ scope }) => caller.operator || scope.workspace === caller.workspace)
    .map(({ openedAt, ratio, ...rest }) => ({
      ...rest,
      openedAt: new Date(openedAt).toISOString(),
      ratio: rounded(ratio),
    })),
});
