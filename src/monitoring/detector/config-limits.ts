import { DEFAULT_CONFIG, DETECTOR_SETTINGS, type DetectorConfig } from './config.ts';
import { DAYS } from './segments.ts';

/** Windows reach back so far: slices keep these hours and some to spare. */
const MOST_HOURS = 72;
/** A clear window is looked for over up to twelve times `clearHours`. */
const MOST_CLEAR_HOURS = MOST_HOURS / 12;

type Range = readonly [least: number, most: number];
const RATIO: Range = [1, Number.POSITIVE_INFINITY];
const SHARE: Range = [0, 1];
const HOURS: Range = [1, MOST_HOURS];
const REFERENCE: Range = [1, DAYS];

/** Beyond these a threshold would be taken for another one, or could never be met. */
const RANGES: Partial<Record<keyof DetectorConfig, Range>> = {
  ...{ multiple: RATIO, driftRatio: RATIO, segmentDriftRatio: RATIO, warningRatio: RATIO, warningShortRatio: RATIO },
  ...{ clearRatio: RATIO, outlierRatio: RATIO, raisePerDay: RATIO, raisePerMonth: RATIO },
  ...{ windowHours: HOURS, maxWindowHours: HOURS, clearHours: [0, MOST_CLEAR_HOURS] },
  ...{ bulk: SHARE, outlierShare: SHARE, failureShare: SHARE },
  ...{ learnDays: REFERENCE, referenceDays: REFERENCE },
};

export interface ConfigFault {
  readonly name: keyof DetectorConfig;
  /** Such as `from 1 to 72`: goes behind "must be". */
  readonly must: string;
}

const rangeText = ([least, most]: Range): string =>
  Number.isFinite(most) ? `from ${least} to ${most}` : `at least ${least}`;

/**
 * What is wrong with thresholds, each by itself and with the others as they are by default. Pure.
 *
 * @param named how a threshold is called where it was given
 */
export const configFaults = (
  given: Partial<DetectorConfig>,
  named: (name: keyof DetectorConfig) => string = (name) => name,
): ConfigFault[] => {
  const alone = DETECTOR_SETTINGS.flatMap(({ name }): ConfigFault[] => {
    const [value, range] = [given[name], RANGES[name]];
    if (value === undefined || range === undefined || (value >= range[0] && value <= range[1])) return [];
    return [{ name, must: rangeText(range) }];
  });
  return alone.length > 0 ? alone : together({ ...DEFAULT_CONFIG, ...given }, named);
};

const together = (config: DetectorConfig, named: (name: keyof DetectorConfig) => string): ConfigFault[] => {
  const { windowHours, maxWindowHours, referenceDays, referenceLagDays, clearRatio, driftRatio } = config;
  const faults: ConfigFault[] = [];
  if (windowHours > maxWindowHours)
    faults.push({ name: 'windowHours', must: `at most ${named('maxWindowHours')}, ${maxWindowHours}` });
  if (referenceDays + referenceLagDays > DAYS)
    faults.push({
      name: 'referenceDays',
      must: `at most ${DAYS} with ${named('referenceLagDays')}, ${referenceLagDays}: that many days are kept`,
    });
  if (clearRatio > driftRatio)
    faults.push({
      name: 'clearRatio',
      must: `at most ${named('driftRatio')}, ${driftRatio}: else what is told is over at once`,
    });
  return faults;
};
