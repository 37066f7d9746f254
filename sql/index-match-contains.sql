select code from dictionary where column_id = $1::integer and strpos(value, $2::text) > 0 limit $3::integer
