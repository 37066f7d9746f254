import { DAY, HOUR } from './faults.ts';
import { normal, type Random } from './random.ts';

/** What makes everything, or a workspace, a little slower for hours or days without being a fault. Standard deviations of ln. */
export interface LoadOptions {
  /** Hours: an autoregressive course whose neighbours correlate. */
  readonly hourSd: number;
  readonly hourCorrelation: number;
  readonly daySd: number;
  /** The same as hours, for each workspace of its own. */
  readonly workspaceSd: number;
  /** Durations over the day: ±, slowest in the afternoon. */
  readonly rhythm: number;
}

export const CALM: LoadOptions = { hourSd: 0, hourCorrelation: 0, daySd: 0, workspaceSd: 0, rhythm: 0.1 };
/** As a service in use has it: slow hours of some per cent, busier days, neighbours in the same table. */
export const PRODUCTION: LoadOptions = {
  hourSd: 0.04,
  hourCorrelation: 0.8,
  daySd: 0.03,
  workspaceSd: 0.05,
  rhythm: 0.1,
};

export interface Load {
  /** ln × of everything. */
  common(at: number): number;
  workspace(index: number, at: number): number;
}

const autoregressive = (random: Random, length: number, sd: number, correlation: number): Float64Array => {
  const values = new Float64Array(length + 1);
  const fresh = Math.sqrt(1 - correlation ** 2);
  for (let at = 0, value = normal(random); at <= length; at += 1) {
    values[at] = sd * value;
    value = correlation * value + fresh * normal(random);
  }
  return values;
};

/** Between the hours in a straight line. */
const along = (values: Float64Array, at: number): number => {
  const place = at / HOUR;
  const hour = Math.floor(place);
  const [here = 0, next = here] = [values[hour], values[hour + 1]];
  return here + (next - here) * (place - hour);
};

export const makeLoad = (random: Random, options: LoadOptions, days: number, workspaces: number): Load => {
  const { hourSd, hourCorrelation, daySd, workspaceSd, rhythm } = options;
  const hours = autoregressive(random, days * 24, hourSd, hourCorrelation);
  const daily = Float64Array.from({ length: days + 1 }, () => daySd * normal(random));
  const own =
    workspaceSd === 0
      ? []
      : Array.from({ length: workspaces }, () => autoregressive(random, days * 24, workspaceSd, hourCorrelation));
  return {
    common: (at) =>
      along(hours, at) + (daily[Math.floor(at / DAY)] ?? 0) + rhythm * Math.cos((2 * Math.PI * (at - 15 * HOUR)) / DAY),
    workspace: (index, at) => (own.length === 0 ? 0 : along(own[index]!, at)),
  };
};

/** Calculations over the day, × the mean: few at night, most at nine, fewer at weekends. The beginning is a Monday. */
export const hourlyRate = (at: number): number => {
  const hour = (at % DAY) / HOUR;
  const day = Math.floor(at / DAY) % 7;
  const daily = 1 + 0.6 * Math.cos((2 * Math.PI * (hour - 12)) / 24) + 0.25 * Math.exp(-((hour - 9) ** 2) / 2);
  return (daily / 1.026) * (day >= 5 ? 0.7 : 1.12);
};
