/** What the leader shows of the last step: plain data, that is stored with it and that every process reads. */
export interface StoredView {
  readonly step: number;
  /** The stream's time, epoch milliseconds: what ended until then has been judged. */
  readonly at: number;
  /** By the database's clock. */
  readonly writtenAt: number;
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
