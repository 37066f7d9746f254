-- Process $1 is alive; those that have long been silent are forgotten.
with forgotten as (
  delete from processes where heartbeat_at < clock_timestamp() - interval '1 hour' and id <> $1::uuid
)
insert into processes (id, heartbeat_at)
values ($1::uuid, clock_timestamp())
on conflict (id) do update set heartbeat_at = excluded.heartbeat_at
