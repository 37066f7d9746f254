-- In one order for everybody, so that two transactions never wait for each other. $3: 1 where the properties are needed.
select u.ordinal, case when wanted.read = 1 then u.properties::text end as properties
from unnest($1::bigint[], $2::integer[], $3::integer[]) as wanted (shard, ordinal, read)
join users u on u.shard = wanted.shard and u.ordinal = wanted.ordinal
order by u.shard, u.ordinal
for update of u
