-- Leaves and trees to keep from now on, for workspace $1: $2 digests, $3 what they are; $4 which of them, counted from 1, reads $5, the
-- path of a property. Touching these properties' columns makes every thread read the catalogue again, which remembers the `xmin`s
-- (decision 0014).
with wanted as materialized (
  select w.digest, w.leaf, w.place
  from unnest($2::uuid[], $3::text[]) with ordinality as w (digest, leaf, place)
), added as (
  insert into kept_leaves (workspace_id, digest, leaf)
  select $1::integer, digest, leaf from wanted
  on conflict (workspace_id, digest) do nothing
  returning id, digest
), read as (
  insert into kept_properties (property_id, leaf_id)
  select p.id, added.id
  from unnest($4::integer[], $5::text[]) as r (place, path)
  join wanted on wanted.place = r.place
  join added on added.digest = wanted.digest
  join properties p on p.workspace_id = $1::integer and p.path = r.path
  returning property_id
)
update columns set width = width where property_id in (select property_id from read)
