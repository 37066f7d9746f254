-- The day of the year of a property's date, UTC: 0 to 365 as a leap year counts them, so that 1 March is 60 in every year. Null
-- where the value is no date (src/conditions/dates.ts, and numbers as seconds or, from 1e11 up, milliseconds), and never an error.
create or replace function evenkeel_year_day(value jsonb) returns integer
language plpgsql immutable strict parallel safe as $$
declare
  number numeric;
  ms bigint;
  day date;
begin
  case jsonb_typeof(value)
    when 'string' then
      ms := evenkeel_date(value #>> '{}');
    when 'number' then
      number := case when value::numeric >= 1e11 then value::numeric else value::numeric * 1000 end;
      if abs(number) <= 8.64e15 then           -- as far as a JavaScript date reaches
        ms := floor(number);
      end if;
    else null;
  end case;
  if ms is null then
    return null;
  end if;
  -- PostgreSQL's dates begin in 4714 BC: the calendar comes again every 400 years, which are 146,097 days
  day := date '2000-01-01' + mod(mod((ms - mod(mod(ms, 86400000) + 86400000, 86400000)) / 86400000 - 10957, 146097) + 146097, 146097)::integer;
  return make_date(2000, extract(month from day)::integer, extract(day from day)::integer) - date '2000-01-01';
end
$$;
