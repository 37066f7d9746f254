select id, property_id, type, scale, unit_ms, next_code, width, has_negative, overflowed
from columns where property_id = any($1::integer[])
