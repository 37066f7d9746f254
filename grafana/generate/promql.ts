/** The pieces that expressions are made of. `selector` is what stands between the braces beside the job. */

const braces = (selector: string): string => `{job="$job"${selector === '' ? '' : `, ${selector}`}}`;

export const series = (metric: string, selector = ''): string => `evenkeel_${metric}${braces(selector)}`;

/** How much a counter grows in a second. */
export const rate = (metric: string, by = '', selector = ''): string =>
  `sum${by === '' ? '' : ` by (${by})`} (rate(${series(metric, selector)}[$__rate_interval]))`;

export const quantile = (q: number, histogram: string, by = '', selector = ''): string =>
  `histogram_quantile(${q}, ${rate(`${histogram}_bucket`, by === '' ? 'le' : `le, ${by}`, selector)})`;

export const mean = (histogram: string, by = '', selector = ''): string =>
  `${rate(`${histogram}_sum`, by, selector)} / ${rate(`${histogram}_count`, by, selector)}`;

/** What each process tells of the same thing: one of them is enough, and the worst is what matters. */
export const worst = (metric: string, by = '', selector = ''): string =>
  `max${by === '' ? '' : ` by (${by})`} (${series(metric, selector)})`;

/** A part of a whole that may be nothing: then there is no share, rather than 0 / 0. */
export const share = (part: string, whole: string): string => `(${part}) / (${whole} > 0)`;
