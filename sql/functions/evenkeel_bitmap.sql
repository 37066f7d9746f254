-- Offsets within a chunk, in any order and as often as they come, become a bitmap. Null and empty make the empty bitmap.
create or replace function evenkeel_bitmap(offsets integer[]) returns bit
language plpgsql immutable parallel safe as $$
declare
  result varbit := B'0'::bit(32000);           -- varbit: a bit(n) variable would check its length at each assignment
  user_offset integer;
begin
  if offsets is not null then
    foreach user_offset in array offsets loop
      result := set_bit(result, user_offset, 1);
    end loop;
  end if;
  return result;
end
$$;
