import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const DASHBOARDS = join(import.meta.dirname, '..', '..', '..', 'grafana', 'dashboards');

interface PanelJson {
  readonly id?: number;
  readonly type: string;
  readonly title?: string;
  readonly description?: string;
  readonly panels?: readonly PanelJson[];
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}
export interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly PanelJson[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query?: string }[] };
}

export interface PanelQuery {
  readonly where: string;
  readonly expr: string;
}

/** The committed dashboards by file name. */
export const committedDashboards = (): Map<string, string> =>
  new Map(
    readdirSync(DASHBOARDS)
      .sort()
      .map((name) => [name, readFileSync(join(DASHBOARDS, name), 'utf8')]),
  );

/** Panels without the rows that hold them. */
export const panelsOf = (panels: readonly PanelJson[]): PanelJson[] =>
  panels.flatMap((panel) => (panel.type === 'row' ? panelsOf(panel.panels ?? []) : [panel]));

/** Every query of every panel of the committed dashboards. */
export const panelQueries = (): PanelQuery[] =>
  [...committedDashboards().values()].flatMap((text) => {
    const { title, panels } = JSON.parse(text) as DashboardJson;
    return panelsOf(panels).flatMap((panel) =>
      (panel.targets ?? []).map(({ refId, expr }) => ({ where: `${title}: ${panel.title} ${refId}`, expr })),
    );
  });
