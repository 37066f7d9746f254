-- Whose count lies in low..high (both inside; high null: unbounded). `bits[i]` holds bit `slices[i]` of a partial count,
-- `offsets` one entry for each single occurrence; all are added by ripple carry into a bit-sliced counter. Beyond the
-- number of levels that low and high need, it is enough to know that it is more. Full adders (three bitmaps of a level become
-- two in 5 operations) were measured and are no faster: ripple carry stops early where few users have the event twice.
create or replace function evenkeel_counts(
  slices integer[], bits bit[], offsets integer[], low integer, high integer
) returns bit
language plpgsql immutable parallel safe as $$
declare
  zero constant varbit := B'0'::bit(32000);
  levels constant integer := length(ltrim(greatest(low, coalesce(high + 1, 0), 1)::bit(32)::text, '0'));
  level_numbers constant integer[] := array(select generate_series(0, levels - 1));
  counter varbit[] := array_fill(null::varbit, array[levels]);
  more varbit;                                 -- at least 2^levels
  carry varbit;
  held varbit;
  level integer;
  user_offset integer;
begin
  for i in 1 .. coalesce(cardinality(slices), 0) loop
    carry := bits[i];
    level := slices[i] + 1;
    loop
      if level > levels then
        more := coalesce(more | carry, carry);
        exit;
      end if;
      held := counter[level];
      if held is null then
        counter[level] := carry;
        exit;
      end if;
      counter[level] := held # carry;
      carry := held & carry;
      exit when carry = zero;
      level := level + 1;
    end loop;
  end loop;
  if offsets is not null then
    foreach user_offset in array offsets loop
      level := 1;
      loop
        if level > levels then
          more := set_bit(coalesce(more, zero), user_offset, 1);
          exit;
        end if;
        held := coalesce(counter[level], zero);
        if get_bit(held, user_offset) = 0 then
          counter[level] := set_bit(held, user_offset, 1);
          exit;
        end if;
        counter[level] := set_bit(held, user_offset, 0);
        level := level + 1;
      end loop;
    end loop;
  end if;
  held := case when low > 0 then evenkeel_greater(level_numbers, counter, low - 1) else ~zero end;
  held := coalesce(held | more, held, more, zero);
  if high is not null then
    carry := evenkeel_greater(level_numbers, counter, high);
    held := held & ~coalesce(carry | more, carry, more, zero);
  end if;
  return held;
end
$$;
