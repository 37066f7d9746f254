import { each, plain, type Reading } from './at-scrape.ts';

/** What waits and runs, as the database and this process know it. */
export interface WorkReadings {
  readonly queue: {
    readonly queued: number;
    readonly planned: number;
    readonly running: number;
    /** Calculations whose deadline has passed while they wait or run. */
    readonly overdue: number;
    readonly oldestWaitSeconds: number;
  };
  readonly pending: { readonly properties: number; readonly events: number };
  readonly imports: { readonly queued: number; readonly running: number };
}

/** What this process has, which is known without asking anybody. */
export interface ProcessReadings {
  readonly threads: number;
  readonly busyThreads: number;
  readonly waitingQuestions: number;
  readonly connections: { readonly total: number; readonly idle: number; readonly waiting: number };
}

export const WORK: readonly Reading<WorkReadings>[] = [
  {
    name: 'evenkeel_calculations',
    help: 'Calculations that wait, are planned for later, or run, in all processes.',
    labels: ['state'],
    samples: ({ queue: { queued, planned, running } }) => each('state', { queued, planned, running }),
  },
  {
    name: 'evenkeel_queue_oldest_wait_seconds',
    help: 'How long the oldest waiting calculation has waited.',
    samples: ({ queue }) => plain(queue.oldestWaitSeconds),
  },
  {
    name: 'evenkeel_sends_overdue',
    help: 'Calculations that wait or run although their deadline has passed.',
    samples: ({ queue }) => plain(queue.overdue),
  },
  {
    name: 'evenkeel_pending_rows',
    help: 'Changes that are in the rows and not yet in the index.',
    labels: ['kind'],
    samples: ({ pending: { properties, events } }) => each('kind', { properties, events }),
  },
  {
    name: 'evenkeel_imports',
    help: 'Imports that wait or run.',
    labels: ['state'],
    samples: ({ imports: { queued, running } }) => each('state', { queued, running }),
  },
];

export const PROCESS: readonly Reading<ProcessReadings>[] = [
  {
    name: 'evenkeel_worker_utilisation_ratio',
    help: 'Share of the calculation threads of this process that were busy.',
    samples: ({ threads, busyThreads }) => plain(threads === 0 ? 0 : busyThreads / threads),
  },
  {
    name: 'evenkeel_worker_threads',
    help: 'Calculation threads of this process.',
    samples: ({ threads }) => plain(threads),
  },
  {
    name: 'evenkeel_worker_questions_waiting',
    help: 'Previews and other questions that wait for a calculation thread of this process.',
    samples: ({ waitingQuestions }) => plain(waitingQuestions),
  },
  {
    name: 'evenkeel_database_connections',
    help: 'Connections of the pool of the doors of this process, and requests that wait for one.',
    labels: ['state'],
    samples: ({ connections: { total, idle, waiting } }) => each('state', { total, idle, waiting }),
  },
];
