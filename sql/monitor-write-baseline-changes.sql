-- What happened to the baselines altogether, as far as it is not written yet. $1: JSON, an array.
insert into monitor_baseline_changes (version, at, reason, segments, change, by, note)
select version, to_timestamp(at / 1000.0), reason, segments, change, by, note
from jsonb_to_recordset($1::jsonb) as c (version integer, at double precision, reason text, segments integer,
                                         change double precision, by text, note text)
on conflict (version) do nothing
