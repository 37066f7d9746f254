/**
 * Every threshold of the detector: its default and what it means. Settings (`ALERT_…`), `backtest --config` and docs/detection.md, which
 * gives the evidence for each, are made from this table.
 */
const TABLE = {
  multiple: [2, 'critical: the short window is at least this many times normal (ALERT_MULTIPLE)'],
  windowHours: [1, 'the short window; it widens until it holds enough calculations (ALERT_WINDOW)'],
  minCalculations: [20, 'a window with fewer calculations widens'],
  maxWindowHours: [72, 'a window widens to this at most'],
  sigmas: [6, 'how many times its own noise a slice must be off, for every severity'],
  kindSigmas: [5, 'the same for the drift of a condition kind: there are few of them, and all else is their control'],
  segmentSigmas: [7, 'the same for a single segment: there are many of them'],
  driftRatio: [1.15, 'drift: × the calculations outside of the slice, over 6, 12 or 24 hours'],
  segmentDriftRatio: [1.3, 'drift of a single segment'],
  warningRatio: [1.25, 'warning: over 24 hours and over the short window'],
  warningShortRatio: [1.35, 'warning: over 6 hours'],
  bulk: [0.6, 'the median must be off by this part of the threshold (in logarithms): outliers alone are no drift'],
  clearRatio: [1.12, 'an alert is over when the slice has been below this'],
  clearHours: [2, '… for this long'],
  holdHours: [1, 'drift that could have two causes waits this long until one stands out'],
  decided: [6, 'twice the log-likelihood by which one cause must stand out from the next'],
  outlierRatio: [5, 'a calculation beyond this × its own normal is an outlier'],
  outlierShare: [0.05, 'outliers: at least this share of the calculations of an hour more than usual'],
  learnDays: [3, 'the first baseline is made of this many days; nothing is judged before'],
  ownCalculations: [30, 'a new or edited segment has its own baseline after this many calculations'],
  referenceDays: [21, 'later baselines are made of this many days'],
  referenceLagDays: [7, '… that end this long ago'],
  raisePerDay: [1.01, 'a baseline rises by itself by at most this in a day'],
  raisePerMonth: [1.1, '… and by at most this in 30 days'],
  lockDays: [7, 'baselines stay as they are while an alert is open, and for this long after'],
  memoryDays: [60, 'a level that was normal this recently is never critical'],
  freshnessSeconds: [60, 'freshness: acknowledged writes become visible later than this'],
  lateSends: [1, 'late: newsletters sent late within an hour'],
  failureShare: [
    0.1,
    'failures: share of the calculations of an hour that failed or timed out, of at least minCalculations',
  ],
  queueSeconds: [60, 'queue: the oldest calculation has waited for this long'],
  staleMinutes: [60, 'stale: no calculation ended for this long, and for longer than ever before'],
} as const satisfies Record<string, readonly [number, string]>;

export type DetectorConfig = Readonly<Record<keyof typeof TABLE, number>>;

/** Name, default and a line of explanation each. */
export const DETECTOR_SETTINGS = Object.entries(TABLE).map(([name, [value, explanation]]) => ({
  name: name as keyof DetectorConfig,
  default: value as number,
  explanation,
}));

export const DEFAULT_CONFIG = Object.fromEntries(
  DETECTOR_SETTINGS.map((setting) => [setting.name, setting.default]),
) as DetectorConfig;
