-- Whose code is greater than `threshold` (not negative). O'Neil & Quass 1997, evaluated from the least significant bit, so
-- that each slice takes one bit operation: where the threshold's bit is 1 a user must have it too, where it is 0 having it
-- is enough. `slices` ascends; what is missing in it is all-zero. The answer is null where it is empty.
create or replace function evenkeel_greater(slices integer[], bits bit[], threshold bigint) returns bit
language plpgsql immutable parallel safe as $$
declare
  result varbit;                               -- null: nobody so far
  slice integer;
  next_slice integer := 0;
begin
  for i in 1 .. coalesce(cardinality(slices), 0) loop
    slice := slices[i];
    continue when slice < 0;
    if result is not null and slice > next_slice
       and (threshold >> next_slice) & ((1::bigint << (slice - next_slice)) - 1) <> 0 then
      result := null;                          -- a slice that nobody has, and the threshold does
    end if;
    if (threshold >> slice) & 1 = 1 then
      result := result & bits[i];
    else
      result := coalesce(result | bits[i], bits[i], result);
    end if;
    next_slice := slice + 1;
  end loop;
  if threshold >> next_slice <> 0 then         -- slices end at 62, so the shift stays below the width of a bigint
    return null;
  end if;
  return result;
end
$$;
