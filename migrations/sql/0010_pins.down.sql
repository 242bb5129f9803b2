alter table reactions drop column place;

drop index messages_pinned;
alter table messages drop column pinned_at;
