import type { SliceView } from '../detector/views.ts';
import type { Alert } from '../types.ts';

/** How everything, a kind or a workspace does. */
export interface ViewedSlice extends SliceView {
  /** Ids of the open alerts that are about it, or explain it. */
  readonly alerts: readonly string[];
}

export type ViewedAlert = Pick<Alert, 'id' | 'rule' | 'severity' | 'scope' | 'openedAt' | 'ratio' | 'summary'>;

/** What the leader shows of the last step: plain data, that is stored with it and that every process reads. */
export interface StoredView {
  readonly step: number;
  /** The stream's time, epoch milliseconds: what ended until then has been judged. */
  readonly at: number;
  /** By the database's clock. */
  readonly writtenAt: number;
  /** Everything, every kind, and workspaces that an open alert is about. */
  readonly slices: readonly ViewedSlice[];
  readonly openAlerts: readonly ViewedAlert[];
  readonly recorder: {
    /** Calculations that have ended and are not among the facts yet, and the age of the oldest of them. */
    readonly waiting: number;
    readonly lagMs: number;
  };
}

export interface View extends StoredView {
  /** Whether this very process is the one that judges. */
  readonly leading: boolean;
}
