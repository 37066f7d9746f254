import type {
  CalculationsService,
  ListsService,
  SegmentsService,
  SnapshotsService,
} from '../../calculations/services.ts';
import type { Imports } from '../../ingest/imports.ts';
import type { Intake } from '../../ingest/intake.ts';
import type { Alerts } from '../../monitoring/alerts/alerts.ts';
import type { Route } from '../route.ts';
import type { Workspaces } from '../workspaces.ts';
import { alertRoutes } from './alerts.ts';
import { calculationRoutes } from './calculations.ts';
import { catalogueRoutes } from './catalogue.ts';
import { importRoutes } from './imports.ts';
import { listRoutes } from './lists.ts';
import { ingestionRoutes } from './ingestion.ts';
import { type MetaOptions, metaRoutes } from './meta.ts';
import { type MonitorRouteOptions, monitorRoutes } from './monitor.ts';
import { segmentRoutes } from './segments.ts';
import { snapshotRoutes } from './snapshots.ts';
import { type UserRouteOptions, userRoutes } from './users.ts';
import { workspaceRoutes } from './workspaces.ts';

export interface RouteOptions extends Omit<MetaOptions, 'others'>, UserRouteOptions, MonitorRouteOptions {
  readonly intake: Intake;
  readonly imports: Imports;
  readonly segments: SegmentsService;
  readonly lists: ListsService;
  readonly calculations: CalculationsService;
  readonly snapshots: SnapshotsService;
  readonly workspaces: Workspaces;
  readonly alerts: Alerts;
}

/** Everything that can be called. */
export const allRoutes = (options: RouteOptions): Route[] => {
  const { db, calculations, snapshots, workspaces, openMode } = options;
  const others = [
    ...ingestionRoutes(options.intake, options.metrics),
    ...userRoutes(options),
    ...importRoutes(options.imports),
    ...segmentRoutes(options),
    ...listRoutes(options),
    ...calculationRoutes(calculations),
    ...snapshotRoutes(snapshots, calculations),
    ...catalogueRoutes(db),
    ...alertRoutes(options.alerts),
    ...monitorRoutes(options),
    ...workspaceRoutes(workspaces, openMode),
  ];
  return [...others, ...metaRoutes({ ...options, others })];
};
