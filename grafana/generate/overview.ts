import { dashboard, graph, stat } from './parts.ts';
import { mean, quantile, rate, share, worst } from './promql.ts';

const KIND = 'kind=~"$kind"';

export const overview = dashboard({
  uid: 'evenkeel-overview',
  title: 'Overview',
  says: 'How calculations do against their own normal, by condition kind, and what the detector says about it.',
  kinds: true,
  rows: [
    {
      title: 'Now',
      panels: [
        stat({
          title: '× normal, all calculations',
          says: 'How many times their own baseline all calculations take. A slow kind that is rare hardly moves it: look at the next one too.',
          unit: 'none',
          decimals: 2,
          query: { expr: worst('slowdown_ratio'), legend: 'all' },
          limits: [1.25, 2],
        }),
        stat({
          title: 'Slowest kind, × normal',
          says: 'The condition kind that is furthest above its own baseline.',
          unit: 'none',
          decimals: 2,
          named: true,
          query: { expr: `topk(1, ${worst('kind_slowdown_ratio', 'kind')})`, legend: '{{kind}}' },
          limits: [1.25, 2],
        }),
        stat({
          title: 'Open alerts',
          says: 'Alerts of the detector that are open: one a cause.',
          unit: 'none',
          query: { expr: worst('alerts_open'), legend: 'open' },
          limits: [1, 5],
        }),
        stat({
          title: 'Late now',
          says: 'Calculations that wait or run although their deadline has passed: newsletters that should have been sent.',
          unit: 'none',
          query: { expr: worst('sends_overdue'), legend: 'overdue' },
          limits: [1, 5],
        }),
        stat({
          title: 'Calculations a second',
          says: 'Calculations that ended, however they did.',
          unit: 'ops',
          decimals: 1,
          query: { expr: rate('calculation_duration_seconds_count'), legend: 'ended' },
          limits: null,
        }),
        stat({
          title: 'Processes',
          says: 'Evenkeel processes that Prometheus reaches.',
          unit: 'none',
          query: { expr: 'sum(up{job="$job"})', legend: 'up' },
          limits: null,
        }),
      ],
    },
    {
      title: 'Against normal',
      panels: [
        graph({
          title: '× normal, all calculations',
          says: 'Each calculation is compared with its own segment’s baseline; 1 is as usual. Within the band it is within its usual noise.',
          unit: 'none',
          min: 0,
          queries: [
            { expr: worst('slowdown_ratio'), legend: '× normal' },
            { expr: worst('slowdown_band_high_ratio'), legend: 'usual, high' },
            { expr: worst('slowdown_band_low_ratio'), legend: 'usual, low' },
          ],
          band: { low: 'usual, low', high: 'usual, high' },
          limit: 2,
        }),
        graph({
          title: '× normal by kind',
          says: 'The same by condition kind. Kinds overlap: a segment with two kinds is in both. The open alert says which of them is the cause.',
          unit: 'none',
          min: 0,
          queries: [{ expr: worst('kind_slowdown_ratio', 'kind', KIND), legend: '{{kind}}' }],
          limit: 2,
        }),
        graph({
          title: 'Open alerts by severity',
          says: 'Alerts of the detector, by the highest severity that they reached.',
          unit: 'none',
          min: 0,
          stacked: true,
          width: 6,
          queries: [{ expr: `sum by (severity) (${worst('open_alerts', 'rule, severity')})`, legend: '{{severity}}' }],
        }),
        graph({
          title: 'Open alerts by subject',
          says: 'slow: against their own normal; the others are about freshness, late newsletters, failures, the queue, and data that stays away (stale).',
          unit: 'none',
          min: 0,
          stacked: true,
          width: 6,
          queries: [{ expr: `sum by (rule) (${worst('open_alerts', 'rule, severity')})`, legend: '{{rule}}' }],
        }),
        graph({
          title: 'Time and baseline by kind',
          says: 'What a calculation takes on average, and what it would take normally.',
          unit: 's',
          min: 0,
          queries: [
            { expr: worst('kind_rolling_seconds', 'kind', KIND), legend: '{{kind}}' },
            { expr: worst('kind_baseline_seconds', 'kind', KIND), legend: '{{kind}} normal' },
          ],
        }),
      ],
    },
    {
      title: 'Each kind with its band',
      panels: [
        graph({
          title: '× normal: $kind',
          says: 'One condition kind against its own baseline, with the band of its usual noise.',
          unit: 'none',
          min: 0,
          repeat: 'kind',
          queries: [
            { expr: worst('kind_slowdown_ratio', 'kind', KIND), legend: '× normal' },
            { expr: worst('kind_slowdown_band_high_ratio', 'kind', KIND), legend: 'usual, high' },
            { expr: worst('kind_slowdown_band_low_ratio', 'kind', KIND), legend: 'usual, low' },
          ],
          band: { low: 'usual, low', high: 'usual, high' },
          limit: 2,
        }),
      ],
    },
    {
      title: 'As measured by Prometheus, without baselines',
      panels: [
        graph({
          title: 'Mean time by kind',
          says: 'Moves with the mix of segments as well as with the database: × normal does not.',
          unit: 's',
          min: 0,
          queries: [{ expr: mean('calculation_kind_duration_seconds', 'kind', KIND), legend: '{{kind}}' }],
        }),
        graph({
          title: '95th percentile by kind',
          says: 'One in twenty calculations with this kind takes longer.',
          unit: 's',
          min: 0,
          queries: [{ expr: quantile(0.95, 'calculation_kind_duration_seconds', 'kind', KIND), legend: '{{kind}}' }],
        }),
        graph({
          title: 'Calculations that fail',
          says: 'Share of calculations that ended as failed, timeouts too.',
          unit: 'percentunit',
          min: 0,
          queries: [
            {
              expr: share(
                rate('calculation_duration_seconds_count', '', 'outcome="failed"'),
                rate('calculation_duration_seconds_count'),
              ),
              legend: 'failed',
            },
          ],
        }),
        graph({
          title: 'The watch itself',
          says: 'How far recording and judging are behind. Where they are far behind, the figures above are old.',
          unit: 's',
          min: 0,
          queries: [
            { expr: worst('recorder_lag_seconds'), legend: 'recording' },
            { expr: worst('detector_lag_seconds'), legend: 'judging' },
          ],
        }),
        graph({
          title: 'Notices of alerts',
          says: 'What was sent of alerts, and what could not be: then Evenkeel’s log and GET /v1/alerts say why.',
          unit: 'ops',
          min: 0,
          queries: [{ expr: rate('alert_notifications_total', 'channel, outcome'), legend: '{{channel}} {{outcome}}' }],
        }),
        graph({
          title: 'Calculations that are not recorded yet',
          says: 'A heap that grows means that nobody records: the detector does not hear of them.',
          unit: 'none',
          min: 0,
          queries: [{ expr: worst('recorder_waiting'), legend: 'waiting' }],
        }),
      ],
    },
  ],
});
