-- LIKE compares bytes from the end of the pattern; $2 is such a pattern.
select code from dictionary where column_id = $1::integer and value like $2::text limit $3::integer
