insert into processes (id, heartbeat_at) values ($1::uuid, clock_timestamp())
on conflict (id) do update set heartbeat_at = excluded.heartbeat_at
