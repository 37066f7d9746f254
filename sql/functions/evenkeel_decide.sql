-- Runs a decision diagram over slices (src/compiler/decision.ts makes it): `program` is triples (slice, low, high), each a
-- register, numbered from 0; low is the answer where the slice's bit is 0. −1 is nobody, −2 is everybody, −3 (high) whoever is
-- not in low, else an earlier register. The last register is the answer. A slice that is not there is all-zero.
create or replace function evenkeel_decide(slices integer[], bits bit[], program integer[]) returns bit
language plpgsql immutable parallel safe as $$
declare
  zero constant varbit := B'0'::bit(32000);
  registers varbit[];                          -- null: nobody
  count constant integer := cardinality(program) / 3;
  slice varbit;
  low integer;
  high integer;
  below varbit;
  above varbit;
  value varbit;
begin
  for i in 1 .. count loop
    slice := bits[array_position(slices, program[3 * i - 2])];
    low := program[3 * i - 1];
    high := program[3 * i];
    below := registers[low + 1];               -- null below 0
    if slice is null then
      value := case when low = -2 then ~zero else below end;
    elsif high = -3 then
      value := coalesce(below # slice, slice);
    elsif high = -2 then
      value := coalesce(below | slice, slice);
    else
      above := registers[high + 1];
      if low = -2 then
        value := coalesce(above | ~slice, ~slice);
      elsif above is null then
        value := below & ~slice;
      elsif below is null then
        value := above & slice;
      else
        value := below # (slice & (below # above));
      end if;
    end if;
    registers[i] := value;
  end loop;
  return coalesce(value, zero);
end
$$;
