-- Pinned messages, and the order in which emojis were first used.

alter table messages
    add column pinned_at timestamptz,
    add constraint messages_pinned_is_there check (deleted_at is null or pinned_at is null);

-- What is pinned in a channel.
create index messages_pinned on messages (channel_id, pinned_at) where pinned_at is not null;


-- The emoji's place among those of its message: the same in all of its rows, so that it stays
-- when whoever used it first takes it back.
alter table reactions add column place integer;

update reactions r
   set place = ranked.place
  from (
        select message_id, emoji,
               row_number() over (partition by message_id order by min(number)) as place
          from reactions
         group by message_id, emoji
       ) as ranked
 where r.message_id = ranked.message_id
   and r.emoji = ranked.emoji;

alter table reactions alter column place set not null;
