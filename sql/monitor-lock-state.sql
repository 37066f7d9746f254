-- Where judging has got to. The lock keeps a leader that was thought dead from writing beside its successor.
select step, at, clock_timestamp() as now from monitor_state for update
