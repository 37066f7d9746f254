-- Until the transaction ends nobody else writes events, so that their ids are in the order of commits.
select pg_advisory_xact_lock(1634497140, 1)
