-- Who looked into a private channel or direct message without being in it, and when.
-- Written before the answer; nothing of ours reads, changes or deletes it, and it outlives
-- the channel.

create table audits (
    id         bigint      generated always as identity primary key,
    at         timestamptz not null default clock_timestamp(),
    actor_id   text        not null,
    action     text        not null check (action in ('READ_CHANNEL', 'READ_MESSAGE', 'FOLLOW_CHANNEL')),
    channel_id uuid        not null,
    message_id uuid        check ((message_id is not null) = (action = 'READ_MESSAGE'))
);
create index audits_actor   on audits (actor_id, at);
create index audits_channel on audits (channel_id, at);
