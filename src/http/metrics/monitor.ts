import { plain, type Reading, type Sample } from './at-scrape.ts';

/** How a slice of the calculations does against its own baseline. */
export interface SliceReading {
  /** × normal: 1 is as usual. */
  readonly ratio: number;
  /** Between these it is within its usual noise. */
  readonly low: number;
  readonly high: number;
  /** What its calculations take on average now, and what they would take normally. */
  readonly rollingMs: number;
  readonly baselineMs: number;
}

/** What the monitor tells to `/metrics`; null where this process does not know. */
export interface MonitorReadings {
  readonly all: SliceReading | null;
  readonly kinds: readonly (SliceReading & { readonly kind: string })[];
  readonly openAlerts: readonly { readonly rule: string; readonly severity: string }[];
  readonly recorder: {
    /** Facts that wait to be stored, the age of the oldest of them, and how many were thrown away since the start. */
    readonly waiting: number;
    readonly lagMs: number;
    readonly dropped: number;
  };
  readonly detector: {
    readonly leading: boolean;
    /** How far what was judged is behind what was stored. */
    readonly lagMs: number | null;
  };
}

type Figure = (slice: SliceReading) => number;

const FIGURES: readonly { readonly name: string; readonly help: string; readonly figure: Figure }[] = [
  {
    name: 'slowdown_ratio',
    help: 'How many times their own normal time calculations take: 1 is as usual.',
    figure: ({ ratio }) => ratio,
  },
  {
    name: 'slowdown_band_low_ratio',
    help: 'The lower end of what is usual noise of the slowdown.',
    figure: ({ low }) => low,
  },
  {
    name: 'slowdown_band_high_ratio',
    help: 'The upper end of what is usual noise of the slowdown.',
    figure: ({ high }) => high,
  },
  {
    name: 'rolling_seconds',
    help: 'What a calculation takes on average now.',
    figure: ({ rollingMs }) => rollingMs / 1000,
  },
  {
    name: 'baseline_seconds',
    help: 'What a calculation would take normally.',
    figure: ({ baselineMs }) => baselineMs / 1000,
  },
];

/** One sample a pair of rule and severity: their numbers are few. */
const countAlerts = ({ openAlerts }: MonitorReadings): Sample[] => {
  const counts = new Map<string, { labels: Record<string, string>; value: number }>();
  for (const { rule, severity } of openAlerts) {
    const key = `${rule} ${severity}`;
    const before = counts.get(key)?.value ?? 0;
    counts.set(key, { labels: { rule, severity }, value: before + 1 });
  }
  return [...counts.values()];
};

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
    samples: countAlerts,
  },
  {
    name: 'evenkeel_alerts_open',
    help: 'All alerts of the detector that are open.',
    samples: ({ openAlerts }) => plain(openAlerts.length),
  },
  {
    name: 'evenkeel_recorder_waiting',
    help: 'Facts of calculations that wait to be stored by this process.',
    samples: ({ recorder }) => plain(recorder.waiting),
  },
  {
    name: 'evenkeel_recorder_lag_seconds',
    help: 'Age of the oldest fact that waits to be stored by this process.',
    samples: ({ recorder }) => plain(recorder.lagMs / 1000),
  },
  {
    name: 'evenkeel_recorder_dropped_total',
    help: 'Facts that were thrown away because too many waited to be stored.',
    type: 'counter',
    samples: ({ recorder }) => plain(recorder.dropped),
  },
  {
    name: 'evenkeel_detector_leading',
    help: '1 where this process judges what all of them record.',
    samples: ({ detector }) => plain(detector.leading ? 1 : 0),
  },
  {
    name: 'evenkeel_detector_lag_seconds',
    help: 'How far what was judged is behind what was recorded; known to the process that judges.',
    samples: ({ detector }) => plain(detector.lagMs === null ? null : detector.lagMs / 1000),
  },
];
