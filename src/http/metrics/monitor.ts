import type { View, ViewedSlice } from '../../monitoring/live/view.ts';
import { type Rule, SEVERITIES, type Severity } from '../../monitoring/types.ts';
import { plain, type Reading, type Sample } from './at-scrape.ts';

/** Of what was judged longer ago it is not known how it does now. */
const STALE_MS = 15 * 60_000;

/** How a slice of the calculations does against its own baseline; null where that is not known. */
export type SliceReading = Pick<ViewedSlice, 'ratio' | 'band' | 'rollingMs' | 'baselineMs'>;

export interface OpenAlert {
  readonly rule: Rule;
  readonly severity: Severity;
}

/** What the monitor tells to `/metrics`; null where it is not known yet. */
export interface MonitorReadings {
  readonly all: SliceReading | null;
  readonly kinds: readonly (SliceReading & { readonly kind: string })[];
  readonly openAlerts: readonly OpenAlert[];
  /** Calculations that have ended and are not among the facts yet, and the age of the oldest of them. */
  readonly recorder: { readonly waiting: number; readonly lagMs: number } | null;
  readonly detector: {
    /** Whether this process is the one that judges. */
    readonly leading: boolean;
    /** How long ago what ended last has been judged. It grows where nobody judges. */
    readonly lagMs: number | null;
  };
}

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000);

/** What the monitor shows, for `/metrics`; `view` is undefined until somebody has judged. */
export const monitorReadings = (view: View | undefined, leading: boolean, nowMs: number): MonitorReadings => {
  const lagMs = view === undefined ? null : Math.max(0, nowMs - view.at);
  const slices = view === undefined || (lagMs ?? 0) > STALE_MS ? [] : view.slices;
  return {
    all: slices.find(({ scope }) => isAll(scope)) ?? null,
    kinds: slices.flatMap((slice) => {
      const { kind, workspace } = slice.scope;
      return kind === undefined || workspace !== undefined ? [] : [{ kind, ...slice }];
    }),
    openAlerts: view?.openAlerts ?? [],
    recorder: view?.recorder ?? null,
    detector: { leading, lagMs },
  };
};

const isAll = ({ kind, workspace, segment }: ViewedSlice['scope']): boolean =>
  kind === undefined && workspace === undefined && segment === undefined;

type Figure = (slice: SliceReading) => number | null;

const FIGURES: readonly { readonly name: string; readonly help: string; readonly figure: Figure }[] = [
  {
    name: 'slowdown_ratio',
    help: 'How many times their own normal time calculations take: 1 is as usual.',
    figure: ({ ratio }) => ratio,
  },
  {
    name: 'slowdown_band_low_ratio',
    help: 'The lower end of what is usual noise of the slowdown.',
    figure: ({ band }) => band.low,
  },
  {
    name: 'slowdown_band_high_ratio',
    help: 'The upper end of what is usual noise of the slowdown.',
    figure: ({ band }) => band.high,
  },
  {
    name: 'rolling_seconds',
    help: 'What a calculation takes on average now.',
    figure: ({ rollingMs }) => seconds(rollingMs),
  },
  {
    name: 'baseline_seconds',
    help: 'What a calculation would take normally.',
    figure: ({ baselineMs }) => seconds(baselineMs),
  },
];

const RULES: Readonly<Record<Rule, true>> = {
  slow: true,
  freshness: true,
  late: true,
  failures: true,
  queue: true,
  stale: true,
};

/** Every pair of rule and severity, as a few of them that come and go would leave gaps in a graph. */
const countAlerts = (alerts: readonly OpenAlert[]): Sample[] =>
  (Object.keys(RULES) as Rule[]).flatMap((rule) =>
    SEVERITIES.map((severity) => ({
      labels: { rule, severity },
      value: alerts.filter((alert) => alert.rule === rule && alert.severity === severity).length,
    })),
  );

export const MONITOR: readonly Reading<MonitorReadings>[] = [
  ...FIGURES.flatMap(({ name, help, figure }): Reading<MonitorReadings>[] => [
    {
      name: `evenkeel_${name}`,
      help: `${help} Of all calculations.`,
      samples: ({ all }) => plain(all === null ? null : figure(all)),
    },
    {
      name: `evenkeel_kind_${name}`,
      help: `${help} By condition kind.`,
      labels: ['kind'],
      samples: ({ kinds }) => kinds.map((slice) => ({ labels: { kind: slice.kind }, value: figure(slice) })),
    },
  ]),
  {
    name: 'evenkeel_open_alerts',
    help: 'Alerts of the detector that are open, by what they are about and their highest severity.',
    labels: ['rule', 'severity'],
    samples: ({ openAlerts }) => countAlerts(openAlerts),
  },
  {
    name: 'evenkeel_alerts_open',
    help: 'All alerts of the detector that are open.',
    samples: ({ openAlerts }) => plain(openAlerts.length),
  },
  {
    name: 'evenkeel_recorder_waiting',
    help: 'Calculations that have ended and are not recorded yet, in all processes.',
    samples: ({ recorder }) => plain(recorder?.waiting),
  },
  {
    name: 'evenkeel_recorder_lag_seconds',
    help: 'Age of the oldest calculation that has ended and is not recorded yet.',
    samples: ({ recorder }) => plain(seconds(recorder?.lagMs ?? null)),
  },
  {
    name: 'evenkeel_detector_leading',
    help: '1 where this process judges what all of them record.',
    samples: ({ detector }) => plain(detector.leading ? 1 : 0),
  },
  {
    name: 'evenkeel_detector_lag_seconds',
    help: 'Until how long ago everything that ended has been judged. It grows where no process judges.',
    samples: ({ detector }) => plain(seconds(detector.lagMs)),
  },
];

/** Of the open alerts, those of which somebody must be told: neither acknowledged nor silenced. */
export const UNATTENDED: readonly Reading<readonly OpenAlert[]>[] = [
  {
    name: 'evenkeel_unattended_alerts',
    help: 'Open alerts of the detector that nobody has acknowledged or silenced.',
    labels: ['rule', 'severity'],
    samples: countAlerts,
  },
];
