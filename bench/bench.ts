import type { Database } from './database.ts';
import type { Endings } from './endings.ts';
import type { Options } from './options.ts';
import type { Peer } from './peers/peer.ts';
import type { Progress } from './progress.ts';
import type { Findings } from './report/findings.ts';
import type { Service } from './service/service.ts';

/** What every piece of work gets. */
export interface Bench {
  readonly options: Options;
  readonly database: Database;
  /** For files that may be as large as the data. */
  readonly directory: string;
  readonly service: Service;
  /** A service on another database of the same server; the caller starts and stops it. */
  readonly serviceOn: (databaseUrl: string) => Service;
  /** Those that run now. */
  readonly peers: readonly Peer[];
  readonly findings: Findings;
  readonly endings: Endings;
  readonly progress: Progress;
}

/** A segment of this run: an earlier one on the same database had its own. */
const RUN = Date.now().toString(36);
export const keyOf = (name: string): string => `bench-${name}-${RUN}`.replaceAll('_', '-');
