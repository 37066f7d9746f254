-- What was looked at for diagnoses (decision 0036): before anything is slow, to compare with, and when an alert opens or escalates.
create table diagnosis_evidence (
  id bigint generated always as identity primary key,
  alert_id text references alerts (id) on delete cascade,  -- null: a baseline
  reason text not null check (reason in ('baseline', 'opened', 'escalated')),
  captured_at timestamptz not null,             -- in the time of the calculations, as the alerts'
  evidence jsonb not null,                      -- src/monitoring/diagnosis/evidence.ts
  check ((alert_id is null) = (reason = 'baseline'))
);
create index diagnosis_evidence_by_time on diagnosis_evidence (captured_at);
create index diagnosis_evidence_by_alert on diagnosis_evidence (alert_id) where alert_id is not null;
