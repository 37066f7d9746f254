-- The users of a chunk whose 16-bit number is below `threshold`. Bit i of the number (0 is the most significant) is the
-- user's bit of the concatenation over b = 0..124 of sha256(seed, 0x00, int4 chunk, int4 i, int4 b), so that everybody can
-- recompute it, and a larger threshold only adds users. Bits below the threshold's lowest 1 are not needed.
create or replace function evenkeel_sample(chunk integer, seed text, threshold integer) returns bit
language plpgsql immutable strict parallel safe as $$
declare
  prefix constant bytea := convert_to(seed, 'UTF8') || '\x00'::bytea || int4send(chunk);
  slice varbit;
  at_least varbit;                             -- its complement takes one operation a slice
begin
  if threshold <= 0 then
    return B'0'::bit(32000);
  elsif threshold >= 65536 then
    return ~B'0'::bit(32000);
  end if;
  for i in reverse 15 .. 0 loop
    continue when at_least is null and (threshold >> (15 - i)) & 1 = 0;
    slice := (select ('x' || encode(string_agg(sha256(prefix || int4send(i) || int4send(b)), ''::bytea), 'hex'))::bit(32000)
              from generate_series(0, 124) as b);
    if at_least is null then
      at_least := slice;
    elsif (threshold >> (15 - i)) & 1 = 1 then
      at_least := at_least & slice;
    else
      at_least := at_least | slice;
    end if;
  end loop;
  return ~at_least;
end
$$;
