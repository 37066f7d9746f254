insert into dictionary (column_id, digest, code, value)
select * from unnest($1::integer[], $2::uuid[], $3::integer[], $4::text[])
