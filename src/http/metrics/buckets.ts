/** Upper bounds of histograms in seconds, about 2.5 apart: from what a small index takes to the statement timeout. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** For parts of a calculation, of which many take less than a millisecond. */
export const FINE_SECONDS = [0.0001, 0.00025, 0.0005, ...SECONDS];

/** For what waits in line: a queue may be minutes long, and a file that is imported too. */
export const LONG_SECONDS = [...SECONDS, 120, 300, 900, 3600];

/** After a deadline. The first bucket is those that were on time, so that shares can be told. */
export const LATENESS_SECONDS = [0, 1, 5, 15, 60, 300, 900, 3600, 14_400];
