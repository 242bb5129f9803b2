drop table preferences;
alter table members drop column seen_position;
