-- Whether one user's 16-bit number is below `threshold`: bit for bit what evenkeel_sample says of the whole chunk. The first
-- bit that differs decides, on average the second: two digests of the sixteen.
create or replace function evenkeel_sampled(ordinal integer, seed text, threshold integer) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
  place constant integer := ordinal % 32000;
  prefix constant bytea := convert_to(seed, 'UTF8') || '\x00'::bytea || int4send(ordinal / 32000);
  digest bytea;
  mine integer;
  theirs integer;
begin
  if threshold >= 65536 then
    return true;
  end if;
  for i in 0 .. 15 loop
    digest := sha256(prefix || int4send(i) || int4send(place / 256));
    mine := (get_byte(digest, place % 256 / 8) >> (7 - place % 8)) & 1;
    theirs := (threshold >> (15 - i)) & 1;
    if mine <> theirs then
      return mine < theirs;
    end if;
  end loop;
  return false;
end
$$;
