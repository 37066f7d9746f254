update columns c
set scale = changed.scale, unit_ms = changed.unit_ms, next_code = changed.next_code, width = changed.width,
    has_negative = changed.has_negative, overflowed = changed.overflowed
from unnest($1::integer[], $2::smallint[], $3::integer[], $4::integer[], $5::smallint[], $6::boolean[], $7::boolean[])
  as changed (id, scale, unit_ms, next_code, width, has_negative, overflowed)
where c.id = changed.id
