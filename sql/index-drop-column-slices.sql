delete from slices where shard between $1::bigint and $2::bigint and column_id = $3::integer
