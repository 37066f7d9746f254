select code from dictionary where column_id = $1::integer and starts_with(value, $2::text) limit $3::integer
