-- One's own messages, numbered: of those after a read marker nobody has to count one by one.

-- The how many-th top-level TEXT or FILE message of its sender in the channel it is; given out
-- under the channel's lock, so that there are no gaps. Null where it counts as unread for
-- nobody, and where a program wrote it that knew nothing of these numbers: such messages lie
-- anywhere in between and are counted, so nothing has to be written anew here, and programs of
-- both kinds may run at once.
alter table messages
    add column sender_ordinal bigint;

drop index messages_own;
create index messages_own on messages (channel_id, sender_id, position)
    where sender_ordinal is not null;
create index messages_unnumbered on messages (channel_id, sender_id, position)
    where sender_ordinal is null and parent_id is null and content_type <> 'SYSTEM';
