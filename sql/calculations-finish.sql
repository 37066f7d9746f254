-- The times that are known only when the commit is done. Of the row's own transaction they could not be part.
update calculations
set store_ms = $2::double precision, total_ms = $3::double precision
where id = $1::bigint and state = 'succeeded'
