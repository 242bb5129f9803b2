-- Whom @here calls: those who were online when it was sent, a bit for each member.

-- Every member has a seat of their own, never given to another: a number small
-- enough to be the place of a bit.
alter table channels add column seats integer not null default 0 check (seats >= 0);
alter table members  add column seat  integer;

update members m
   set seat = placed.seat
  from (
        select channel_id, user_id,
               row_number() over (partition by channel_id order by joined_at, user_id) - 1 as seat
          from members
       ) as placed
 where m.channel_id = placed.channel_id
   and m.user_id = placed.user_id;

update channels c
   set seats = (select count(*) from members m where m.channel_id = c.id);

alter table members alter column seat set not null;


-- Where mentions_here: of ten thousand members, 1,250 bytes.
alter table messages add column here bytea;

-- Who was called with @channel or @here.
drop index messages_channel_mention;
create index messages_call on messages (channel_id, position)
    where mentions_channel or mentions_here;
