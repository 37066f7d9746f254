-- Whose count lies in low..high (both inside; high null: unbounded). `bits[i]` holds bit `levels[i]` of a partial count; all are
-- added by ripple carry into a bit-sliced counter. Beyond the number of levels that low and high need, it is enough to know that
-- it is more. Full adders (three bitmaps of a level become two in 5 operations) were measured and are no faster: ripple carry
-- stops early where few users have the event twice.
create or replace function evenkeel_counts(levels integer[], bits bit[], low integer, high integer) returns bit
language plpgsql immutable parallel safe as $$
declare
  zero constant varbit := B'0'::bit(32000);
  width constant integer := length(ltrim(greatest(low, coalesce(high + 1, 0), 1)::bit(32)::text, '0'));
  counter_levels constant integer[] := array(select generate_series(0, width - 1));
  counter varbit[] := array_fill(null::varbit, array[width]);
  more varbit;                                 -- at least 2^width
  carry varbit;
  held varbit;
  level integer;
begin
  for i in 1 .. coalesce(cardinality(levels), 0) loop
    carry := bits[i];
    level := levels[i] + 1;
    loop
      if level > width then
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
  held := case when low > 0 then evenkeel_greater(counter_levels, counter, low - 1) else ~zero end;
  held := coalesce(held | more, held, more, zero);
  if high is not null then
    carry := evenkeel_greater(counter_levels, counter, high);
    held := held & ~coalesce(carry | more, carry, more, zero);
  end if;
  return held;
end
$$;
