-- The ids that are to be put on a list or taken off it, as often as they come.
create temporary table staged_ids (external_id text not null) on commit drop
