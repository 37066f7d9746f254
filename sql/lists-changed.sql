-- What a transaction has put on lists and taken off them.
create temporary table changed_ids (list_id integer not null, external_id text not null) on commit drop
