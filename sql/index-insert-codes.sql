insert into dictionary (column_id, digest, code, value)
select $1::integer, * from unnest($2::uuid[], $3::integer[], $4::text[])
