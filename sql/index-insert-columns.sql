insert into columns (workspace_id, property_id, type)
select $1::integer, property_id, type from unnest($2::integer[], $3::text[]) as wanted (property_id, type)
returning id, property_id, type, scale, unit_ms, next_code, width, has_negative, overflowed
