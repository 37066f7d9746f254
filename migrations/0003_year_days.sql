-- Date columns hold the day of the year as well, for anniversaries: they are folded anew from the rows, which are the truth.
insert into pending_properties (shard, property_id, ordinal)
select c.shard, d.property_id, -1
from columns d join chunks c on c.workspace_id = d.workspace_id
where d.type = 'date';
