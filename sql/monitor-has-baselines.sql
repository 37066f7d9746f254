-- Whether the detector compares anything of kind $1, workspace $2, segment $3 (null: any): only after the first baseline of all.
select exists (select from monitor_baseline_changes)
   and exists (
     select from monitor_baselines
     where ($1::text is null or $1::text = any (kinds))
       and ($2::text is null or workspace = $2::text)
       and ($3::text is null or segment = $3::text)) as has
