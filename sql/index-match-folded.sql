-- $2 is a pattern of LIKE, folded once and not for each value.
select code from dictionary
where column_id = $1::integer and evenkeel_fold(value) collate "C" like (select evenkeel_fold($2::text))
limit $3::integer
