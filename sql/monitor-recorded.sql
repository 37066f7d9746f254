-- Calculations $1 are among the facts now, or too old for them.
update calculations set recorded = true where id = any ($1::bigint[])
