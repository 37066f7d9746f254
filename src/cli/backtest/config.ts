import { readFile } from 'node:fs/promises';
import { EvenkeelError, invalid } from '../../core/errors.ts';
import { parseJson } from '../../core/json.ts';
import { didYouMean } from '../../core/suggest.ts';
import { describe, quote } from '../../core/text.ts';
import { configFaults } from '../../monitoring/detector/config-limits.ts';
import { DETECTOR_SETTINGS, type DetectorConfig } from '../../monitoring/detector/config.ts';

const NAMES = DETECTOR_SETTINGS.map(({ name }) => name);

/** Thresholds of a JSON object such as `{"multiple": 3}`. Throws EvenkeelError that names what it does not know. */
export const readDetectorConfig = (text: string): Partial<DetectorConfig> => {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`it must be a JSON object such as {"multiple": 3}, not ${describe(value)}`);
  for (const [name, threshold] of Object.entries(value)) {
    if (!NAMES.some((known) => known === name))
      throw invalid(`there is no threshold ${quote(name)}`, {
        hint: didYouMean(name, NAMES).hint ?? `there are ${NAMES.join(', ')}`,
      });
    if (typeof threshold !== 'number' || !Number.isFinite(threshold) || threshold < 0)
      throw invalid(`${name} must be a number from 0, not ${describe(threshold)}`);
  }
  const thresholds: Partial<DetectorConfig> = value;
  const [fault] = configFaults(thresholds);
  if (fault !== undefined)
    throw invalid(`${fault.name} must be ${fault.must}${isGiven(thresholds, fault.name)}`, {
      hint: '"evenkeel backtest --help" lists the thresholds with their defaults',
    });
  return thresholds;
};

const isGiven = (thresholds: Partial<DetectorConfig>, name: keyof DetectorConfig): string => {
  const value = thresholds[name];
  return value === undefined ? ', and is not by default' : `, not ${value}`;
};

/** The file of `--config`. */
export const loadDetectorConfig = async (file: string | undefined): Promise<Partial<DetectorConfig>> => {
  if (file === undefined) return {};
  try {
    return readDetectorConfig(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof EvenkeelError)
      throw new EvenkeelError(error.status, error.code, `${file}: ${error.message}`, {
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new EvenkeelError(404, 'not_found', `${file} does not exist`);
    throw invalid(`${file} cannot be read: ${message}`);
  }
};

/** Lines of `--help`: every threshold, its default and what it means. */
export const configHelp = (): string => {
  const width = Math.max(...DETECTOR_SETTINGS.map(({ name }) => name.length));
  const lines = DETECTOR_SETTINGS.map(
    ({ name, default: value, explanation }) => `  ${name.padEnd(width)}  ${String(value).padStart(5)}  ${explanation}`,
  );
  return ['Thresholds that --config may set, and their defaults:', ...lines].join('\n');
};
