-- Bitmaps are kept of whole trees of leaves as well (decision 0045), which read more than one property.
create table kept_properties (
  property_id integer not null references properties (id),
  leaf_id integer not null references kept_leaves (id) on delete cascade,
  primary key (property_id, leaf_id)
);
create index kept_properties_leaf on kept_properties (leaf_id);
insert into kept_properties (property_id, leaf_id) select property_id, id from kept_leaves;
alter table kept_leaves drop column property_id;
