select wanted.position::integer as position, d.code
from unnest($1::integer[], $2::uuid[]) with ordinality as wanted (column_id, digest, position)
join dictionary d on d.column_id = wanted.column_id and d.digest = wanted.digest
