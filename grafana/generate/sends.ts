import { dashboard, graph, heatmap, stat } from './parts.ts';
import { quantile, rate, series, share, worst } from './promql.ts';

const LATE = rate('sends_late_total');
const ENDED = rate('send_lateness_seconds_count');

export const sends = dashboard({
  uid: 'evenkeel-sends',
  title: 'Sends and lateness',
  says: 'Calculations with a deadline: whether newsletters get their members in time.',
  rows: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Late now',
          says: 'Calculations that wait or run although their deadline has passed.',
          unit: 'none',
          query: { expr: worst('sends_overdue'), legend: 'overdue' },
          limits: [1, 5],
          width: 6,
        }),
        stat({
          title: 'Late in the time that is shown',
          says: 'Calculations that ended after their deadline.',
          unit: 'none',
          decimals: 0,
          query: { expr: `sum(increase(${series('sends_late_total')}[$__range]))`, legend: 'late' },
          limits: [1, 20],
          width: 6,
        }),
        stat({
          title: 'On time in the time that is shown',
          says: 'Share of calculations with a deadline that ended before it.',
          unit: 'percentunit',
          decimals: 2,
          query: {
            expr: share(
              `sum(increase(${series('send_lateness_seconds_bucket', 'le="0"')}[$__range]))`,
              `sum(increase(${series('send_lateness_seconds_count')}[$__range]))`,
            ),
            legend: 'on time',
          },
          limits: null,
          width: 6,
        }),
        stat({
          title: 'Planned',
          says: 'Newsletters that wait for their start: as late as is safe, so that they see the newest data.',
          unit: 'none',
          query: { expr: worst('calculations', '', 'state="planned"'), legend: 'planned' },
          limits: null,
          width: 6,
        }),
      ],
    },
    {
      title: 'Lateness',
      panels: [
        graph({
          title: 'Share that is late',
          says: 'Of the calculations with a deadline that ended.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          queries: [{ expr: share(LATE, ENDED), legend: 'late' }],
          limit: 0.05,
        }),
        graph({
          title: 'How late',
          says: 'Time after the deadline; 0 where it was kept.',
          unit: 's',
          min: 0,
          queries: [0.5, 0.95, 0.99].map((q) => ({
            expr: quantile(q, 'send_lateness_seconds'),
            legend: `p${q * 100}`,
          })),
        }),
        heatmap({
          title: 'All of them',
          says: 'How many were how late. The lowest row are those that were on time.',
          unit: 's',
          expr: rate('send_lateness_seconds_bucket', 'le'),
        }),
        graph({
          title: 'Calculations with a deadline',
          says: 'That ended, a second, and those that were late.',
          unit: 'ops',
          min: 0,
          queries: [
            { expr: ENDED, legend: 'ended' },
            { expr: LATE, legend: 'late' },
          ],
        }),
      ],
    },
    {
      title: 'What a newsletter waits for',
      panels: [
        graph({
          title: 'In the queue',
          says: 'From its planned start until it began.',
          unit: 's',
          min: 0,
          queries: [0.5, 0.95].map((q) => ({
            expr: quantile(q, 'queue_wait_seconds', '', 'trigger="newsletter"'),
            legend: `p${q * 100}`,
          })),
        }),
        graph({
          title: 'For its calculation',
          says: 'Without the wait.',
          unit: 's',
          min: 0,
          queries: [0.5, 0.95].map((q) => ({
            expr: quantile(q, 'calculation_duration_seconds', '', 'trigger="newsletter"'),
            legend: `p${q * 100}`,
          })),
        }),
      ],
    },
  ],
});
