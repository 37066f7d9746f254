-- Counting stops at $1: the figure is for an alert, and counting a huge backlog would add to it.
select (select count(*) from (select from pending_properties limit $1::integer) p)::integer as properties,
       (select count(*) from (select from pending_events limit $1::integer) e)::integer as events
