import { dashboard, graph, heatmap } from './parts.ts';
import { mean, quantile, rate } from './promql.ts';

export const phases = dashboard({
  uid: 'evenkeel-phases',
  title: 'Phases',
  says: 'Where the time of a calculation goes.',
  kinds: true,
  rows: [
    {
      title: 'Phases',
      panels: [
        graph({
          title: 'Mean time by phase',
          says: 'Stacked, so that the top is what a succeeded calculation takes with its wait. freshen: what was written and is not in the index; compile: from condition to statement; query and store: the statement.',
          unit: 's',
          min: 0,
          stacked: true,
          queries: [{ expr: mean('calculation_phase_duration_seconds', 'phase'), legend: '{{phase}}' }],
        }),
        graph({
          title: '95th percentile by phase',
          says: 'Percentiles of phases do not add up to that of the whole.',
          unit: 's',
          min: 0,
          queries: [{ expr: quantile(0.95, 'calculation_phase_duration_seconds', 'phase'), legend: '{{phase}}' }],
        }),
        heatmap({
          title: 'Times of calculations',
          says: 'Without their wait in the queue. A second stripe that appears above the first is a group of segments that got slow, which a mean hides.',
          unit: 's',
          expr: rate('calculation_duration_seconds_bucket', 'le'),
        }),
        graph({
          title: 'Percentiles of all calculations',
          says: 'Without their wait in the queue.',
          unit: 's',
          min: 0,
          queries: [0.5, 0.95, 0.99].map((q) => ({
            expr: quantile(q, 'calculation_duration_seconds', '', 'outcome="succeeded"'),
            legend: `p${q * 100}`,
          })),
        }),
      ],
    },
    {
      title: 'By trigger and kind',
      panels: [
        graph({
          title: '95th percentile by trigger',
          says: 'What newsletters, people, callers of the API and schedules wait for.',
          unit: 's',
          min: 0,
          queries: [{ expr: quantile(0.95, 'calculation_duration_seconds', 'trigger'), legend: '{{trigger}}' }],
        }),
        graph({
          title: 'Calculations by outcome',
          says: 'cancelled: by a caller, or superseded by an edit of the segment.',
          unit: 'ops',
          min: 0,
          stacked: true,
          queries: [{ expr: rate('calculation_duration_seconds_count', 'outcome'), legend: '{{outcome}}' }],
        }),
        graph({
          title: 'Calculations by kind',
          says: 'A calculation with three kinds is counted in each of them.',
          unit: 'ops',
          min: 0,
          queries: [
            { expr: rate('calculation_kind_duration_seconds_count', 'kind', 'kind=~"$kind"'), legend: '{{kind}}' },
          ],
        }),
        graph({
          title: 'Attempts that are tried again',
          says: 'Serialization failures, lost connections and crashed threads: the calculation itself still succeeds.',
          unit: 'ops',
          min: 0,
          queries: [{ expr: rate('calculation_retries_total'), legend: 'again' }],
        }),
      ],
    },
  ],
});
