-- Read receipts: how far others are told that somebody has read.

-- The furthest the read marker has ever been: to mark something unread does not unsee it.
alter table members add column seen_position bigint not null default 0;

alter table members no force row level security;
update members set seen_position = read_position where last_read_at is not null;
alter table members force row level security;

grant update (seen_position) on members to backchannel_app;


-- What people want everywhere. Who has never chosen has no row.
create table preferences (
    user_id        text    primary key,
    sends_receipts boolean not null
);

alter table preferences enable row level security;
alter table preferences force row level security;

grant select, insert, update (sends_receipts) on preferences to backchannel_app;

-- Whoever would be told of somebody has to know that they do not want it.
create policy seen on preferences for select to backchannel_app
using (user_id = (select viewer_id())
       or (select true
             from members m
            where m.user_id = preferences.user_id
              and m.channel_id in (select channel_id from own_channels)
            limit 1));
create policy made on preferences for insert to backchannel_app
with check (user_id = (select viewer_id()));
create policy changed on preferences for update to backchannel_app
using (user_id = (select viewer_id()));

grant select on preferences to backchannel_live;
create policy live on preferences for select to backchannel_live using (true);
