import { dashboard, graph } from './parts.ts';
import { quantile, rate, series, worst } from './promql.ts';

export const queue = dashboard({
  uid: 'evenkeel-queue',
  title: 'Queue and pools',
  says: 'What waits for what: calculations for threads, requests for connections.',
  rows: [
    {
      title: 'Queue',
      panels: [
        graph({
          title: 'Calculations that wait and run',
          says: 'planned: a newsletter that waits for its start, by intention.',
          unit: 'none',
          min: 0,
          queries: [{ expr: worst('calculations', 'state'), legend: '{{state}}' }],
        }),
        graph({
          title: 'The oldest wait',
          says: 'How long the oldest calculation that could run has waited.',
          unit: 's',
          min: 0,
          queries: [{ expr: worst('queue_oldest_wait_seconds'), legend: 'oldest' }],
          limit: 120,
        }),
        graph({
          title: 'Wait by trigger, 95th percentile',
          says: 'Earliest deadlines go first, then newsletters, people, the API, schedules: a full queue shows at schedules first.',
          unit: 's',
          min: 0,
          queries: [{ expr: quantile(0.95, 'queue_wait_seconds', 'trigger'), legend: '{{trigger}}' }],
        }),
        graph({
          title: 'Segments that were due',
          says: 'asked: calculated again; skipped: nothing had changed; busy: the one before still runs.',
          unit: 'ops',
          min: 0,
          stacked: true,
          queries: [{ expr: rate('schedule_looks_total', 'outcome'), legend: '{{outcome}}' }],
        }),
      ],
    },
    {
      title: 'Threads',
      panels: [
        graph({
          title: 'Threads that are busy',
          says: 'By process. At 100 % for long, calculations wait although PostgreSQL might do more.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          queries: [{ expr: series('worker_utilisation_ratio'), legend: '{{instance}}' }],
        }),
        graph({
          title: 'Previews that wait for a thread',
          says: 'People who build a segment and wait.',
          unit: 'none',
          min: 0,
          queries: [{ expr: series('worker_questions_waiting'), legend: '{{instance}}' }],
        }),
        graph({
          title: 'Event loop delay, 99th percentile',
          says: 'Where it is high, Evenkeel’s own JavaScript is busy: times of requests and phases are then longer than PostgreSQL made them.',
          unit: 's',
          min: 0,
          queries: [
            { expr: 'max by (instance) (nodejs_eventloop_lag_p99_seconds{job="$job"})', legend: '{{instance}}' },
          ],
        }),
        graph({
          title: 'Processor and memory',
          says: 'Cores that the process uses, its threads included; and its resident memory in GiB.',
          unit: 'none',
          min: 0,
          queries: [
            {
              expr: 'sum by (instance) (rate(process_cpu_seconds_total{job="$job"}[$__rate_interval]))',
              legend: '{{instance}} cores',
            },
            {
              expr: 'sum by (instance) (process_resident_memory_bytes{job="$job"}) / 2^30',
              legend: '{{instance}} GiB',
            },
          ],
        }),
      ],
    },
    {
      title: 'Connections and doors',
      panels: [
        graph({
          title: 'Connections of the doors',
          says: 'By process. waiting: requests that have none.',
          unit: 'none',
          min: 0,
          queries: [{ expr: series('database_connections'), legend: '{{instance}} {{state}}' }],
        }),
        graph({
          title: 'Wait for a connection, 99th percentile',
          says: 'doors: requests; queue: the bookkeeping of calculations. Milliseconds are usual when a connection is opened.',
          unit: 's',
          min: 0,
          queries: [{ expr: quantile(0.99, 'database_pool_wait_seconds', 'pool'), legend: '{{pool}}' }],
        }),
        graph({
          title: 'Requests by status',
          says: '499: the caller went away.',
          unit: 'reqps',
          min: 0,
          stacked: true,
          queries: [{ expr: rate('http_request_duration_seconds_count', 'status'), legend: '{{status}}' }],
        }),
        graph({
          title: 'Time of requests by route, 95th percentile',
          says: 'Requests that wait for a calculation, and streams, take as long as these.',
          unit: 's',
          min: 0,
          queries: [{ expr: quantile(0.95, 'http_request_duration_seconds', 'route'), legend: '{{route}}' }],
        }),
      ],
    },
  ],
});
