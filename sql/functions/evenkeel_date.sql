-- Epoch milliseconds of an ISO 8601 text, null where it is none: exactly what src/conditions/dates.ts reads, and never an error,
-- whatever the text. Length and dashes are looked at first, as most texts are no dates.
create or replace function evenkeel_date(value text) returns bigint
language plpgsql immutable strict parallel safe as $$
declare
  part text[];
  month integer;
  day date;
begin
  if octet_length(value) not between 10 and 35 or substr(value, 5, 1) <> '-' or substr(value, 8, 1) <> '-' then
    return null;
  end if;
  part := regexp_match(value collate "C",
    '^([0-9]{4})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
    '(?:[T ]([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,9}))?)?'
    '(?:Z|([+-])(0[0-9]|1[0-5])(?::?([0-5][0-9]))?)?)?$');
  if part is null or part[1] = '0000' then
    return null;
  end if;
  month := part[2];
  day := make_date(part[1]::integer, month, 1) + (part[3]::integer - 1);
  if extract(month from day) <> month then     -- the month has no such day
    return null;
  end if;
  return (day - date '1970-01-01')::bigint * 86400000
    + coalesce(part[4]::integer, 0) * 3600000 + coalesce(part[5]::integer, 0) * 60000 + coalesce(part[6]::integer, 0) * 1000
    + rpad(left(coalesce(part[7], ''), 3), 3, '0')::integer
    - (coalesce(part[8], '+') || '1')::integer
      * (coalesce(part[9]::integer, 0) * 3600000 + coalesce(part[10]::integer, 0) * 60000);
end
$$;
