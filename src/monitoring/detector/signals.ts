import type { Alert, AlertEvent, Rule, Severity } from '../types.ts';
import type { DetectorConfig } from './config.ts';
import { COUNT, FAILURES } from './histogram.ts';
import type { Slice } from './slice.ts';
import { BIN_MS, BINS_PER_HOUR, DAY_MS } from './time.ts';

/**
 * What is watched beside calculations. `freshness`: seconds that an acknowledged write waited until it was visible; `queue`: seconds that the
 * oldest calculation has waited; `late`: newsletters that were sent late, 1 for each. Any number of them, in the order of time.
 */
export interface Signal {
  readonly kind: 'freshness' | 'late' | 'queue';
  readonly at: number;
  readonly value: number;
}

export type SignalRule = Exclude<Rule, 'slow'>;

/** So many bins in a row must be beyond the threshold, or below half of it. */
const IN_A_ROW = 2;
/** A pause is stale only when it is longer than this × the longest before; those are slowly forgotten. */
const LONGER = 1.5;
const FORGET_PER_DAY = 0.95;

interface OpenSignal {
  readonly id: string;
  readonly rule: SignalRule;
  severity: Severity;
  readonly escalations: { at: number; severity: Severity }[];
  readonly openedAt: number;
  readonly onset: number;
  value: number;
  threshold: number;
  peak: number;
}

export interface SignalState {
  /** The highest of the bin that runs. */
  highest: Partial<Record<'freshness' | 'queue', number>>;
  /** Late newsletters of the last hour's bins. */
  late: number[];
  /** Bins in a row: beyond the threshold, counted up; below half of it, counted down. */
  rows: Partial<Record<SignalRule, number>>;
  open: OpenSignal[];
  opened: number;
  lastAt: number;
  longestPauseMs: number;
}

export const newSignalState = (): SignalState => ({
  highest: {},
  late: [0],
  rows: {},
  open: [],
  opened: 0,
  lastAt: Number.NEGATIVE_INFINITY,
  longestPauseMs: 0,
});

export const takeSignal = (state: SignalState, { kind, value }: Signal): void => {
  if (kind === 'late') state.late[0]! += value;
  else state.highest[kind] = Math.max(state.highest[kind] ?? 0, value);
};

/** A calculation ended: there is data. */
export const seeCalculation = (state: SignalState, at: number): void => {
  if (at <= state.lastAt) return;
  const pause = at - state.lastAt;
  if (Number.isFinite(pause)) {
    const forgotten = state.longestPauseMs * FORGET_PER_DAY ** (pause / DAY_MS);
    state.longestPauseMs = pause > forgotten ? pause : forgotten;
  }
  state.lastAt = at;
};

/** All rules of this file but `stale`, at the end of a bin. */
export const judgeSignals = (state: SignalState, all: Slice, endBin: number, config: DetectorConfig): AlertEvent[] => {
  const late = state.late.reduce((sum, value) => sum + value, 0);
  const cells = all.window(endBin, 1);
  const ended = cells[COUNT]! + cells[FAILURES]!;
  const failed = ended < config.minCalculations ? undefined : cells[FAILURES]! / ended;
  const { freshness, queue } = state.highest;
  const at = endBin * BIN_MS;
  const events = [
    ...judge(state, 'freshness', freshness, config.freshnessSeconds, at, config),
    ...judge(state, 'queue', queue, config.queueSeconds, at, config),
    ...judge(state, 'late', late, config.lateSends, at, config),
    ...judge(state, 'failures', failed, config.failureShare, at, config),
  ];
  state.highest = {};
  state.late = [0, ...state.late.slice(0, BINS_PER_HOUR - 1)];
  return events;
};

/** No data is `stale`, never `ok`. Only time that is told to pass makes it so: a history that has a gap has none. */
export const judgePause = (state: SignalState, nowMs: number, config: DetectorConfig): AlertEvent[] => {
  if (!Number.isFinite(state.lastAt)) return [];
  const pause = (nowMs - state.lastAt) / 60_000;
  const threshold = Math.max(config.staleMinutes, (LONGER * state.longestPauseMs) / 60_000);
  state.rows.stale = pause >= threshold ? IN_A_ROW : -IN_A_ROW;
  return settle(state, 'stale', pause, threshold, nowMs, config);
};

const judge = (
  state: SignalState,
  rule: SignalRule,
  value: number | undefined,
  threshold: number,
  at: number,
  config: DetectorConfig,
): AlertEvent[] => {
  if (value === undefined) return [];
  const before = state.rows[rule] ?? 0;
  state.rows[rule] = value >= threshold ? Math.max(0, before) + 1 : value < threshold / 2 ? Math.min(0, before) - 1 : 0;
  // one late newsletter is late enough
  if (rule === 'late' && value >= threshold) state.rows[rule] = IN_A_ROW;
  return settle(state, rule, value, threshold, at, config);
};

const settle = (
  state: SignalState,
  rule: SignalRule,
  value: number,
  threshold: number,
  at: number,
  config: DetectorConfig,
): AlertEvent[] => {
  const row = state.rows[rule] ?? 0;
  const open = state.open.find((alert) => alert.rule === rule);
  const severity = value >= config.multiple * threshold ? 'critical' : 'warning';
  if (open === undefined) {
    if (row < IN_A_ROW) return [];
    state.opened += 1;
    const id = `alr_${at.toString(36)}s${state.opened.toString(36)}`;
    const onset = at - (row - 1) * BIN_MS;
    const opened: OpenSignal = {
      ...{ id, rule, severity, openedAt: at, onset, value, threshold, peak: value },
      escalations: [{ at, severity }],
    };
    state.open.push(opened);
    return [{ type: 'opened', at, alert: alertOf(opened, null) }];
  }
  Object.assign(open, { value, threshold, peak: Math.max(open.peak, value) });
  if (row <= -IN_A_ROW) {
    state.open = state.open.filter((alert) => alert !== open);
    return [{ type: 'resolved', at, alert: alertOf(open, at) }];
  }
  if (severity !== 'critical' || open.severity === 'critical') return [];
  open.severity = severity;
  open.escalations.push({ at, severity });
  return [{ type: 'escalated', at, alert: alertOf(open, null) }];
};

export const openSignals = (state: SignalState): Alert[] => state.open.map((open) => alertOf(open, null));

const WORDS: Record<SignalRule, (value: string) => string> = {
  freshness: (value) => `Acknowledged writes become visible after ${value} seconds`,
  queue: (value) => `Calculations have waited for ${value} seconds`,
  late: (value) => `${value === '1' ? '1 newsletter was' : `${value} newsletters were`} late within an hour`,
  failures: (value) => `${value} of all calculations fail or time out`,
  stale: (value) => `No calculation has ended for ${value} minutes, so nothing is known`,
};

const textOf = (rule: SignalRule, value: number): string =>
  WORDS[rule](rule === 'failures' ? `${Math.round(value * 100)} %` : String(Math.round(value)));

/** Ratios are × the threshold. */
const alertOf = (
  { id, rule, severity, escalations, openedAt, onset, value, threshold, peak }: OpenSignal,
  resolvedAt: number | null,
): Alert => ({
  id,
  rule,
  scope: {},
  severity,
  escalations: escalations.map((each) => ({ ...each })),
  onset,
  openedAt,
  resolvedAt,
  ratio: value / threshold,
  peakRatio: peak / threshold,
  rollingMs: 0,
  baselineMs: 0,
  control: null,
  excessShare: 0,
  affectedSegments: 0,
  unaffectedSegments: 0,
  affectedWorkspaces: 0,
  calculations: 0,
  topSegments: [],
  topWorkspaces: [],
  projected: null,
  baselineVersion: 0,
  explains: [],
  fired: [{ severity, windowMs: BIN_MS, value, threshold, sigmas: null, calculations: 0 }],
  summary: resolvedAt === null ? `${textOf(rule, value)}.` : `Over: ${textOf(rule, peak)} at worst.`,
});
