-- Event bitmaps hold who did it at all, and the bits of how often beyond once (they held the bits of the count), and there are
-- octads and parts of days beside months and days. All are counted anew from the rows, which are the truth.
insert into pending_events (shard, event_id, day, ordinal)
select shard, event_id, min(number), -1
from event_slices
where period = 0
group by shard, event_id, date_trunc('month', date '1970-01-01' + number);
delete from event_slices;

-- An aggregate, and a function without the events that are not in bitmaps, have taken their places.
drop function if exists evenkeel_bitmap(integer[]);
drop function if exists evenkeel_counts(integer[], bit[], integer[], integer, integer);
