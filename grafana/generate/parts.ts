import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as HeatmapBuilder, YAxisConfigBuilder } from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** Panels are laid out on 24 columns. */
const HALF = 12;
const STAT_WIDTH = 4;
const GRAPH_HEIGHT = 8;
const STAT_HEIGHT = 4;
const TAG = 'evenkeel';

export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** An expression, and what its series are called in the legend (`{{label}}` is replaced). */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

interface Described {
  readonly title: string;
  /** What a reader learns from it, and when to worry. */
  readonly says: string;
  /** As Grafana names units. */
  readonly unit: string;
}

export interface Graph extends Described {
  readonly queries: readonly Query[];
  readonly min?: number;
  readonly max?: number;
  readonly stacked?: boolean;
  /** A line from which on it is bad. */
  readonly limit?: number;
  /** Names of the series between which a band is drawn. */
  readonly band?: { readonly low: string; readonly high: string };
  /** Drawn once for each value of this variable. */
  readonly repeat?: string;
  readonly width?: number;
}

export interface Stat extends Described {
  readonly query: Query;
  /** Green below the first, then orange, then red. */
  readonly limits: readonly [orange: number, red: number] | null;
  readonly decimals?: number;
  readonly width?: number;
  readonly named?: boolean;
}

const target = ({ expr, legend }: Query): DataqueryBuilder =>
  new DataqueryBuilder().datasource(DATASOURCE).expr(expr).legendFormat(legend).range();

/** Each target of a panel has a letter of its own, which Grafana asks for. */
const targets = (queries: readonly Query[]): Builder<Dataquery>[] =>
  queries.map((query, i) => target(query).refId(String.fromCharCode(65 + i)));

const steps = (...limits: [number, string][]): ThresholdsConfigBuilder =>
  new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: 'green' }, ...limits.map(([value, color]) => ({ value, color }))]);

export const graph = (what: Graph): Builder<Panel> => {
  const panel = new GraphBuilder()
    .title(what.title)
    .description(what.says)
    .datasource(DATASOURCE)
    .unit(what.unit)
    .span(what.width ?? HALF)
    .height(GRAPH_HEIGHT)
    .lineWidth(1)
    .fillOpacity(what.stacked === true ? 30 : 0)
    .spanNulls(false)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .targets(targets(what.queries));
  if (what.min !== undefined) panel.min(what.min);
  if (what.max !== undefined) panel.max(what.max);
  if (what.stacked === true) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (what.limit !== undefined)
    panel
      .thresholds(steps([what.limit, 'red']))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  if (what.band !== undefined) drawBand(panel, what.band);
  if (what.repeat !== undefined) panel.repeat(what.repeat).repeatDirection('h').maxPerRow(3);
  return panel;
};

const drawBand = (panel: GraphBuilder, { low, high }: NonNullable<Graph['band']>): void => {
  const edge = [
    { id: 'custom.lineWidth', value: 0 },
    { id: 'color', value: { mode: 'fixed', fixedColor: 'green' } },
    { id: 'custom.hideFrom', value: { legend: true, tooltip: false, viz: false } },
  ];
  panel.overrideByName(high, [
    ...edge,
    { id: 'custom.fillBelowTo', value: low },
    { id: 'custom.fillOpacity', value: 15 },
  ]);
  panel.overrideByName(low, edge);
};

/** One figure as of now, with its recent course behind it. */
export const stat = (what: Stat): Builder<Panel> => {
  const panel = new StatBuilder()
    .title(what.title)
    .description(what.says)
    .datasource(DATASOURCE)
    .unit(what.unit)
    .span(what.width ?? STAT_WIDTH)
    .height(STAT_HEIGHT)
    .graphMode(BigValueGraphMode.Area)
    .colorMode(what.limits === null ? BigValueColorMode.None : BigValueColorMode.Value)
    .textMode(what.named === true ? BigValueTextMode.ValueAndName : BigValueTextMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(what.limits === null ? steps() : steps([what.limits[0], 'orange'], [what.limits[1], 'red']))
    .targets(targets([what.query]));
  if (what.decimals !== undefined) panel.decimals(what.decimals);
  return panel;
};

/** How many took how long: `metric` is a histogram's name without `_bucket`. */
export const heatmap = (what: Described & { readonly expr: string }): Builder<Panel> =>
  new HeatmapBuilder()
    .title(what.title)
    .description(what.says)
    .datasource(DATASOURCE)
    .span(HALF)
    .height(GRAPH_HEIGHT)
    .calculate(false)
    .yAxis(new YAxisConfigBuilder().unit(what.unit))
    .targets([target({ expr: what.expr, legend: '{{le}}' }).refId('A').format(PromQueryFormat.Heatmap)]);

export interface Row {
  readonly title: string;
  readonly panels: readonly Builder<Panel>[];
}

export interface DashboardOptions {
  /** Also the file's name; in links, so it does not change. */
  readonly uid: string;
  readonly title: string;
  readonly says: string;
  readonly rows: readonly Row[];
  /** With a choice of condition kinds. */
  readonly kinds?: boolean;
}

const jobVariable = (): QueryVariableBuilder =>
  new QueryVariableBuilder('job')
    .label('Service')
    .datasource(DATASOURCE)
    .query('label_values(evenkeel_build_info, job)')
    .refresh(VariableRefresh.OnDashboardLoad)
    .sort(VariableSort.AlphabeticalAsc)
    .current({ text: 'evenkeel', value: 'evenkeel', selected: true });

const kindVariable = (): QueryVariableBuilder =>
  new QueryVariableBuilder('kind')
    .label('Condition kind')
    .datasource(DATASOURCE)
    .query('label_values(evenkeel_calculation_kind_duration_seconds_count{job="$job"}, kind)')
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ text: 'All', value: '$__all', selected: true });

export const dashboard = ({ uid, title, says, rows, kinds = false }: DashboardOptions): DashboardBuilder => {
  const built = new DashboardBuilder(`Evenkeel / ${title}`)
    .uid(uid)
    .description(says)
    .tags([TAG])
    .time({ from: 'now-6h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .editable()
    .link(
      new DashboardLinkBuilder('Evenkeel')
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(jobVariable());
  if (kinds) built.withVariable(kindVariable());
  for (const row of rows) {
    built.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) built.withPanel(panel);
  }
  return built;
};
