update snapshots set members = members - 1 where id = any($1::bigint[])
