drop index messages_call;
create index messages_channel_mention on messages (channel_id, position) where mentions_channel;

alter table messages drop column here;

alter table members  drop column seat;
alter table channels drop column seats;
