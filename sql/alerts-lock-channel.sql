-- Whether this transaction is the one that hands out what is sent on channel $1.
select pg_try_advisory_xact_lock(1634497141, hashtext($1::text)) as locked
