-- The text as it is compared where upper and lower case are one: Unicode's lower case, the same whatever the database's locale,
-- and the same for a text as for its parts, which the small sigma at the end of a word would break (decision 0010).
create or replace function evenkeel_fold(value text) returns text
language sql immutable strict parallel safe
return replace(lower(value collate "und-x-icu") collate "C", 'ς', 'σ');
