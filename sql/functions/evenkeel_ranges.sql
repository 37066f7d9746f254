-- Whose code lies in one of the ranges of magnitudes, each of one sign, both bounds inside; a high bound of null is none.
-- Slices as src/index/layout.ts has them: −1 presence (needed for ranges from 0), −2 sign. A bound costs one operation a
-- slice, a range one or two more.
create or replace function evenkeel_ranges(
  slices integer[], bits bit[], negatives boolean[], lows bigint[], highs bigint[]
) returns bit
language plpgsql immutable parallel safe as $$
declare
  zero constant varbit := B'0'::bit(32000);
  presence constant varbit := bits[array_position(slices, -1)];
  sign constant varbit := bits[array_position(slices, -2)];
  result varbit;
  part varbit;
begin
  for i in 1 .. cardinality(lows) loop
    if negatives[i] then                       -- zero is never negative: the sign alone is "from 1"
      part := sign;
      if lows[i] > 1 then
        part := part & evenkeel_greater(slices, bits, lows[i] - 1);
      end if;
      if highs[i] is not null then
        part := coalesce(part & ~evenkeel_greater(slices, bits, highs[i]), part);
      end if;
    else
      part := case when lows[i] > 0 then evenkeel_greater(slices, bits, lows[i] - 1) else presence end;
      if highs[i] is not null then             -- whoever is above `high` is in `part`: a difference is one operation
        part := coalesce(part # evenkeel_greater(slices, bits, highs[i]), part);
      end if;
      part := coalesce(part & ~sign, part);
    end if;
    result := coalesce(result | part, result, part);
  end loop;
  return coalesce(result, zero);
end
$$;
