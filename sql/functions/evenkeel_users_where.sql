-- A pass over the rows of all users of the shards `first` to `last`: for whom `predicate` holds, a bitmap a shard that has any. It
-- is SQL over `users u` and the array `p.v` that the compiler writes; what a user wrote is in `given` alone.
-- Why this one function reads a table: decision 0026. It is planned at each call, for these shards and values. So PostgreSQL's
-- statistics tell whether the pages in their order are cheaper than the index, which they are when a workspace is most of the
-- table, and values are constants. The settings of a calculating connection allow only the index; sorting whom a pattern finds
-- would need memory for everybody.
create or replace function evenkeel_users_where(first bigint, last bigint, predicate text, given text[])
returns table (shard bigint, bits bit)
language plpgsql stable rows 32
set enable_seqscan = on
set enable_sort = off as $$
begin
  return query execute format(
    'select u.shard, evenkeel_bitmap(u.ordinal %% 32000, 1)
     from users u cross join (select $3 as v) p
     where u.shard between $1 and $2 and %s
     group by u.shard',
    predicate
  ) using first, last, given;
end
$$;
