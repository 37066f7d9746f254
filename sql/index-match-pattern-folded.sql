select code from dictionary where column_id = $1::integer and value collate "und-x-icu" ~* $2::text limit $3::integer
