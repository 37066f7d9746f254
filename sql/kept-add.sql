-- Leaves to keep from now on: $2 paths of their properties, $3 digests, $4 leaves. Touching their columns' rows makes every thread
-- read the catalogue again, which remembers the `xmin`s (decision 0014).
with added as (
  insert into kept_leaves (workspace_id, property_id, digest, leaf)
  select $1::integer, p.id, wanted.digest, wanted.leaf
  from unnest($2::text[], $3::uuid[], $4::text[]) as wanted (path, digest, leaf)
  join properties p on p.workspace_id = $1::integer and p.path = wanted.path
  on conflict (workspace_id, digest) do nothing
  returning property_id
)
update columns set width = width where property_id in (select property_id from added)
