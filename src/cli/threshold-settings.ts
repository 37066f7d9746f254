import { configFaults } from '../monitoring/detector/config-limits.ts';
import { DETECTOR_SETTINGS, type DetectorConfig } from '../monitoring/detector/config.ts';

/** The thresholds of the detector as environment variables, made of its own table. */
export interface ThresholdSetting {
  readonly variable: string;
  readonly threshold: keyof DetectorConfig;
  readonly default: number;
  readonly help: string;
}

/** The contract's name where it has one. */
const NAMES: Partial<Record<keyof DetectorConfig, string>> = { windowHours: 'ALERT_WINDOW' };

const variableOf = (name: keyof DetectorConfig): string =>
  NAMES[name] ?? `ALERT_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;

export const THRESHOLD_SETTINGS: readonly ThresholdSetting[] = DETECTOR_SETTINGS.map(
  ({ name, default: value, explanation }) => ({
    variable: variableOf(name),
    threshold: name,
    default: value,
    help: explanation,
  }),
);

const NUMBER = /^[0-9]{1,9}(\.[0-9]{1,9})?$/;
const DURATION = /^([0-9]{1,6}(?:\.[0-9]{1,6})?)(m|h|d)?$/;
const HOURS = { m: 1 / 60, h: 1, d: 24 } as const;

const hoursOf = (text: string): number | undefined => {
  const [, amount, unit = 'h'] = DURATION.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * HOURS[unit as keyof typeof HOURS];
};

/** Reads those that are set; each fault is one line. */
export const readThresholds = (
  environment: Readonly<Record<string, string | undefined>>,
): { readonly thresholds: Partial<DetectorConfig>; readonly faults: readonly string[] } => {
  const thresholds: Partial<Record<keyof DetectorConfig, number>> = {};
  const faults: string[] = [];
  for (const { variable, threshold } of THRESHOLD_SETTINGS) {
    const text = environment[variable];
    if (text === undefined || text === '') continue;
    const hours = threshold.endsWith('Hours');
    const value = hours ? hoursOf(text) : NUMBER.test(text) ? Number(text) : undefined;
    if (value !== undefined && value > 0) thresholds[threshold] = value;
    else
      faults.push(
        `${variable} must be ${hours ? 'a time such as 1h, 90m or 2d' : 'a number above 0'} (it is "${text.slice(0, 80)}")`,
      );
  }
  for (const { name, must } of configFaults(thresholds, variableOf)) {
    const text = environment[variableOf(name)] ?? '';
    const unit = name.endsWith('Hours') ? ', in hours' : '';
    faults.push(
      `${variableOf(name)} must be ${must}${unit} (${text === '' ? 'by default it is not' : `it is "${text.slice(0, 80)}"`})`,
    );
  }
  return { thresholds, faults };
};

/** As `--help` lists them. */
export const thresholdsHelp = (): string =>
  THRESHOLD_SETTINGS.map(
    ({ variable, help, default: value }) => `  ${variable}\n      ${help}\n      default: ${value}`,
  ).join('\n');
