import type { Alert, Rule, Scope, Severity } from '../types.ts';

/** What of a diagnosis is said in a line; the rest of it is given as it is stored. */
export interface DiagnosisHead {
  readonly cause: string;
  readonly confidence: string;
  readonly sentence: string;
  readonly remedy: { readonly text: string };
}

export interface Acknowledged {
  readonly at: Date;
  readonly by: string;
  readonly note: string | null;
  /** What the alert's was then. */
  readonly severity: Severity;
}

/** An alert with what people and the diagnosis have added to it. */
export interface StoredAlert {
  readonly seq: number;
  readonly alert: Alert;
  readonly diagnosis: DiagnosisHead | null;
  readonly acknowledged: Acknowledged | null;
  /** When it was first written, by the database's clock. */
  readonly recordedAt: Date;
}

/** A row of `alerts`, as `ALERT_COLUMNS` selects it. */
export interface AlertRow {
  readonly seq: number;
  readonly alert: Alert;
  readonly diagnosis: DiagnosisHead | null;
  readonly acknowledged_at: Date | null;
  readonly acknowledged_by: string | null;
  readonly acknowledged_note: string | null;
  readonly acknowledged_severity: Severity | null;
  readonly recorded_at: Date;
}

export const storedOf = (row: AlertRow): StoredAlert => ({
  seq: row.seq,
  alert: row.alert,
  diagnosis: row.diagnosis,
  acknowledged:
    row.acknowledged_at === null
      ? null
      : {
          at: row.acknowledged_at,
          by: row.acknowledged_by ?? '',
          note: row.acknowledged_note,
          severity: row.acknowledged_severity ?? row.alert.severity,
        },
  recordedAt: row.recorded_at,
});

/** What a silence looks at. */
export interface Subject {
  readonly id: string;
  readonly rule: Rule;
  readonly scope: Scope;
  readonly severity: Severity;
}

export const subjectOf = ({ alert: { id, rule, scope, severity } }: StoredAlert): Subject => ({
  id,
  rule,
  scope,
  severity,
});
