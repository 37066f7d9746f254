-- How the calculations ended that schedules have asked for, as far as nobody has seen it yet.
select s.id, s.asked_id, s.failures, s.refresh_ms, c.state, c.error, c.finished_at
from segments s
join calculations c on c.id = s.asked_id
where s.asked_open and c.state in ('succeeded', 'failed', 'cancelled')
limit $1::integer
