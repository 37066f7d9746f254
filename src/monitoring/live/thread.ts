import type { MessagePort } from 'node:worker_threads';
import type { Log } from '../../core/log.ts';
import type { DetectorConfig } from '../detector/config.ts';
import type { PartitionedTable } from './partitions.ts';
import type { StoredView } from './view.ts';

/** What goes to the thread that watches and comes back: plain data, as threads share nothing else. */
export interface ThreadSettings {
  readonly url: string;
  /** The process: leaders are told apart by it. */
  readonly leader: string;
  /** Thresholds that are not the defaults. */
  readonly config: Partial<DetectorConfig>;
  readonly tables: readonly PartitionedTable[];
  readonly timeoutMs: number;
  readonly stepMs?: number;
  readonly standbyMs?: number;
}

export interface ThreadTask {
  readonly settings: ThreadSettings;
  /** For all that is said meanwhile. */
  readonly port: MessagePort;
}

export type ToThread = 'stop';

export type FromThread =
  | { readonly kind: 'leading'; readonly leading: boolean }
  | { readonly kind: 'view'; readonly view: StoredView }
  | { readonly kind: 'log'; readonly level: keyof Log; readonly fields: object; readonly message: string };
