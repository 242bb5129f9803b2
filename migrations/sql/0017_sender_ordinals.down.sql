drop index messages_unnumbered;
drop index messages_own;
create index messages_own on messages (channel_id, sender_id, position)
    where parent_id is null and content_type <> 'SYSTEM';

alter table messages drop column sender_ordinal;
