select count(*) filter (where state = 'queued')::integer as queued,
       count(*) filter (where state = 'running')::integer as running
from imports where state in ('queued', 'running')
