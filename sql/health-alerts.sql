-- Alerts that are open.
select rule, severity from alerts where resolved_at is null
