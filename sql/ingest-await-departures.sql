-- Whichever calculation did not see a departure was claimed before it was committed, and so before this statement sees it.
update departures
set awaited = array(select c.id from calculations c where c.state = 'running' and c.workspace_id = $1::integer)
where workspace_id = $1::integer and awaited is null
