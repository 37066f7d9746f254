-- The oracle's own functions, for test databases only. They share nothing with src/: slow is fine, obviously right is not optional.

create schema if not exists oracle;

-- The value under a path of object members; arrays and scalars have no members.
create or replace function oracle.at(properties jsonb, path text[]) returns jsonb
language plpgsql immutable as $$
declare
  value jsonb := properties;
  key text;
begin
  foreach key in array path loop
    if value is null or jsonb_typeof(value) <> 'object' then
      return null;
    end if;
    value := value -> key;
  end loop;
  return value;
end
$$;

-- Epoch milliseconds of an ISO 8601 text, null where it is none. Never an error.
create or replace function oracle.iso_ms(value text) returns bigint
language plpgsql immutable as $$
declare
  part text[];
  year int; month int; day int; hour int; minute int; second int; ms int;
  zone_hour int; zone_minute int; zone_sign int;
  last_day int;
begin
  part := regexp_match(value,
    '^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?(Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?$');
  if part is null then
    return null;
  end if;
  year := part[1]; month := part[2]; day := part[3];
  hour := coalesce(part[4], '0'); minute := coalesce(part[5], '0'); second := coalesce(part[6], '0');
  ms := substr(coalesce(part[7], '') || '000', 1, 3);
  zone_sign := case part[9] when '-' then -1 else 1 end;
  zone_hour := coalesce(part[10], '0'); zone_minute := coalesce(part[11], '0');
  if year = 0 or month not between 1 and 12 or day = 0 then
    return null;
  end if;
  last_day := case
    when month in (4, 6, 9, 11) then 30
    when month <> 2 then 31
    when year % 4 = 0 and (year % 100 <> 0 or year % 400 = 0) then 29
    else 28
  end;
  if day > last_day or hour > 23 or minute > 59 or second > 59 or zone_hour > 15 or zone_minute > 59 then
    return null;
  end if;
  return (make_date(year, month, day) - date '1970-01-01')::bigint * 86400000
    + hour * 3600000 + minute * 60000 + second * 1000 + ms
    - zone_sign * (zone_hour * 3600000 + zone_minute * 60000);
end
$$;

-- Is the value a date d with low <= d (or low < d) and d <= high (or d < high)? A null bound does not bind.
create or replace function oracle.date_within(
  value jsonb, low bigint, low_inside boolean, high bigint, high_inside boolean
) returns boolean
language plpgsql immutable as $$
declare
  ms bigint;
  number float8;
  unit float8;
begin
  if jsonb_typeof(value) = 'string' then
    ms := oracle.iso_ms(value #>> '{}');
    return ms is not null
      and (low is null or ms > low or (low_inside and ms = low))
      and (high is null or ms < high or (high_inside and ms = high));
  elsif jsonb_typeof(value) = 'number' then
    number := (value #>> '{}')::float8;
    unit := case when number >= 1e11 then 1 else 1000 end;        -- milliseconds from 1e11 up, below that seconds
    if abs(number) > 8.64e15::float8 / unit then
      return false;
    end if;
    return (low is null or number > low / unit or (low_inside and number = low / unit))
      and (high is null or number < high / unit or (high_inside and number = high / unit));
  end if;
  return false;
end
$$;

-- Does the day and month of the value, a date, come again on the UTC day of `as_of` or within `days` days after it? 29 February comes
-- on the 28th in years without one. Day by day.
create or replace function oracle.comes_again(value jsonb, as_of bigint, days int) returns boolean
language plpgsql immutable as $$
declare
  ms numeric;
  born date;
  today date;
begin
  if jsonb_typeof(value) = 'string' then
    ms := oracle.iso_ms(value #>> '{}');
  elsif jsonb_typeof(value) = 'number' then
    ms := (value #>> '{}')::numeric * case when (value #>> '{}')::numeric >= 1e11 then 1 else 1000 end;
    if abs(ms) > 8.64e15 then
      return false;
    end if;
  end if;
  if ms is null then
    return false;
  end if;
  while ms < 0 loop                            -- 400 years later it is the same day of the year
    ms := ms + 12622780800000;
  end loop;
  born := date '1970-01-01' + div(ms, 86400000)::int;
  today := date '1970-01-01' + (as_of / 86400000)::int;
  for i in 0..least(days, 400) loop
    if to_char(today + i, 'MMDD') = to_char(born, 'MMDD')
       or (to_char(born, 'MMDD') = '0229' and to_char(today + i, 'MMDD') = '0228' and to_char(today + i + 1, 'MMDD') = '0301') then
      return true;
    end if;
  end loop;
  return false;
end
$$;

create or replace function oracle.number(value jsonb) returns float8
language plpgsql immutable as $$
begin
  if jsonb_typeof(value) = 'number' then
    return (value #>> '{}')::float8;
  end if;
  return null;
end
$$;

-- Strict equality of scalars: the type first, then the value; numbers as float64.
create or replace function oracle.same(a jsonb, b jsonb) returns boolean
language plpgsql immutable as $$
begin
  if a is null or b is null or jsonb_typeof(a) <> jsonb_typeof(b) then
    return false;
  end if;
  case jsonb_typeof(a)
    when 'string' then return convert_to(a #>> '{}', 'utf8') = convert_to(b #>> '{}', 'utf8');
    when 'number' then return (a #>> '{}')::float8 = (b #>> '{}')::float8;
    when 'boolean' then return (a #>> '{}') = (b #>> '{}');
    else return false;
  end case;
end
$$;

create or replace function oracle.includes(value jsonb, element jsonb) returns boolean
language plpgsql immutable as $$
declare
  held jsonb;
begin
  if value is null or jsonb_typeof(value) <> 'array' then
    return false;
  end if;
  for held in select * from jsonb_array_elements(value) loop
    if oracle.same(held, element) then
      return true;
    end if;
  end loop;
  return false;
end
$$;

-- Lower case, one character after the other, so that no character's neighbours matter; all sigmas are one.
create or replace function oracle.lower(value text) returns text
language sql immutable as $$
  select coalesce(string_agg(case when c in ('Σ', 'σ', 'ς') then 'σ' else lower(c collate "und-x-icu") end, '' order by i), '')
  from string_to_table(value, null) with ordinality as characters (c, i)
$$;

-- A user's place in the sample, 0..65535: bit i of it is bit `place` of a stream of 32,000 bits for (seed, chunk, i).
create or replace function oracle.sample_place(seed text, ordinal int) returns int
language plpgsql immutable as $$
declare
  chunk int := ordinal / 32000;
  place int := ordinal % 32000;
  digest bytea;
  result int := 0;
begin
  for i in 0..15 loop
    digest := sha256(convert_to(seed, 'utf8') || '\x00'::bytea || int4send(chunk) || int4send(i) || int4send(place / 256));
    -- get_bit of a bytea counts from the least significant bit of each byte; of a bit string from the most significant
    result := result * 2 + ((get_byte(digest, (place % 256) / 8) >> (7 - place % 8)) & 1);
  end loop;
  return result;
end
$$;

-- Is the sum, average, least or greatest of the numbers among the values within the bounds? A null bound does not bind. One number
-- after the other, and a sum has all its digits.
create or replace function oracle.aggregate_within(kind text, held jsonb[], low numeric, high numeric) returns boolean
language plpgsql immutable as $$
declare
  value jsonb;
  number numeric;
  total numeric := 0;
  least_one numeric;
  greatest_one numeric;
  numbers int := 0;
  result numeric;
begin
  foreach value in array held loop
    if value is not null and jsonb_typeof(value) = 'number' then
      number := (value #>> '{}')::numeric;
      numbers := numbers + 1;
      total := total + number;
      if least_one is null or number < least_one then least_one := number; end if;
      if greatest_one is null or number > greatest_one then greatest_one := number; end if;
    end if;
  end loop;
  if kind = 'avg' then                          -- total / numbers may not end: both sides times numbers
    return numbers > 0 and (low is null or total >= low * numbers) and (high is null or total <= high * numbers);
  end if;
  result := case kind when 'sum' then total when 'min' then least_one when 'max' then greatest_one end;
  return result is not null and (low is null or result >= low) and (high is null or result <= high);
end
$$;

-- Is there, behind the event at place `previous` (from 1; 0: the beginning), one for step `step` that is near enough to it, and behind
-- that one for the next, and so on to the last? `happened` are the user's events in order, each {"at": ms, "steps": [for which steps]}.
create or replace function oracle.walks(happened jsonb[], after bigint[], step int, previous int) returns boolean
language plpgsql immutable as $$
begin
  for i in previous + 1 .. cardinality(happened) loop
    if (happened[i] -> 'steps' ->> (step - 1))::boolean
       and (step = 1 or after[step] is null
            or (happened[i] ->> 'at')::numeric - (happened[previous] ->> 'at')::numeric <= after[step])
       and (step = cardinality(after) or oracle.walks(happened, after, step + 1, i))
    then
      return true;
    end if;
  end loop;
  return false;
end
$$;
