import { dashboard, graph, heatmap } from './parts.ts';
import { quantile, rate, worst } from './promql.ts';

export const freshness = dashboard({
  uid: 'evenkeel-freshness',
  title: 'Freshness',
  says: 'How soon what was written is seen by calculations, and what is still to be folded into the index.',
  rows: [
    {
      title: 'From acknowledged to visible',
      panels: [
        graph({
          title: 'Writes',
          says: 'From when a write was accepted until every calculation that begins sees it.',
          unit: 's',
          min: 0,
          queries: [0.5, 0.95, 0.99].map((q) => ({
            expr: quantile(q, 'freshness_seconds', '', 'source="write"'),
            legend: `p${q * 100}`,
          })),
          limit: 5,
        }),
        graph({
          title: 'Imports',
          says: 'From when an import was acknowledged until all of it is visible.',
          unit: 's',
          min: 0,
          queries: [0.5, 0.95].map((q) => ({
            expr: quantile(q, 'freshness_seconds', '', 'source="import"'),
            legend: `p${q * 100}`,
          })),
        }),
        heatmap({
          title: 'Writes, all of them',
          says: 'How many writes took how long to be visible.',
          unit: 's',
          expr: rate('freshness_seconds_bucket', 'le', 'source="write"'),
        }),
        graph({
          title: 'Messages acknowledged',
          says: 'By type.',
          unit: 'ops',
          min: 0,
          stacked: true,
          queries: [{ expr: rate('ingested_messages_total', 'type'), legend: '{{type}}' }],
        }),
      ],
    },
    {
      title: 'The index',
      panels: [
        graph({
          title: 'Changes that are not in the index',
          says: 'Calculations see them all the same, and take longer the more there are. The count stops at a million.',
          unit: 'none',
          min: 0,
          queries: [{ expr: worst('pending_rows', 'kind'), legend: '{{kind}}' }],
        }),
        graph({
          title: 'Until a change is in the index',
          says: 'How long the oldest change of a fold had waited. Builders, which list properties and values, read the index alone.',
          unit: 's',
          min: 0,
          queries: [0.5, 0.95].map((q) => ({
            expr: quantile(q, 'freshness_seconds', '', 'source="fold"'),
            legend: `p${q * 100}`,
          })),
        }),
        graph({
          title: 'Time of a fold',
          says: 'Folding brings changes into the index, in the background.',
          unit: 's',
          min: 0,
          queries: [0.5, 0.95].map((q) => ({ expr: quantile(q, 'fold_duration_seconds'), legend: `p${q * 100}` })),
        }),
        graph({
          title: 'Folds',
          says: 'Folds that had something to do.',
          unit: 'ops',
          min: 0,
          queries: [{ expr: rate('fold_duration_seconds_count'), legend: 'folds' }],
        }),
        graph({
          title: 'Imports that wait, run and have ended',
          says: 'Those that wait and run; and those that ended, a second.',
          unit: 'none',
          min: 0,
          queries: [
            { expr: worst('imports', 'state'), legend: '{{state}}' },
            { expr: rate('imports_ended_total', 'outcome'), legend: '{{outcome}} a second' },
          ],
        }),
      ],
    },
  ],
});
