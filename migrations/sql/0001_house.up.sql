-- The house: channels, their members, messages and the log of what happened.
--
-- People are not here. A user id is the directory's own, 24 hex digits.

create table channels (
    id               uuid        primary key,
    type             text        not null
                     check (type in ('DM', 'GROUP', 'DEPARTMENT', 'PROJECT', 'GENERAL', 'CLIENT_SUPPORT')),
    name             text,
    topic            text,
    avatar_url       text,
    is_private       boolean     not null default false,
    archived_at      timestamptz,
    department_id    text,
    project_id       text,
    -- The people of a direct message, sorted: there is one DM for the same people.
    dm_key           text        unique,
    created_by       text,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    member_count     integer     not null default 0 check (member_count >= 0),

    -- The log. A position is given out under this row's lock, so the order of
    -- positions is the order of commits. Another epoch is another log.
    epoch            bigint      not null default (('x' || translate(left(gen_random_uuid()::text, 13), '-', ''))::bit(48)::bigint),
    position         bigint      not null default 0,

    -- How many top-level TEXT and FILE messages were ever sent; the difference
    -- of two of these counts unread messages without looking at them.
    ordinal          bigint      not null default 0,
    last_message_id  uuid,
    last_message_at  timestamptz,

    check ((type = 'DM') = (dm_key is not null)),
    check (type = 'DM' or name is not null)
)
-- position, ordinal and last_message_* change with every message and are in no
-- index: the room left here lets PostgreSQL update the row in place (HOT).
with (fillfactor = 60);

create index channels_department on channels (department_id) where department_id is not null;
create index channels_project    on channels (project_id)    where project_id is not null;


create table members (
    channel_id         uuid        not null references channels on delete cascade,
    user_id            text        not null,
    role               text        not null default 'MEMBER' check (role in ('OWNER', 'ADMIN', 'MEMBER')),
    invited_by         text,
    joined_at          timestamptz not null default now(),
    is_muted           boolean     not null default false,
    is_pinned          boolean     not null default false,
    notification_level text        not null default 'ALL' check (notification_level in ('ALL', 'MENTIONS', 'NONE')),

    -- The read marker: a position, and the channel's ordinal there. A new
    -- member starts where they joined, so what was said before is not unread.
    joined_position    bigint      not null,
    joined_ordinal     bigint      not null,
    read_position      bigint      not null,
    read_ordinal       bigint      not null,
    last_read_at       timestamptz,

    primary key (channel_id, user_id)
) with (fillfactor = 80);

-- A person's sidebar.
create index members_user on members (user_id, channel_id);
-- A channel's members a page at a time, in the order they joined.
create index members_page on members (channel_id, joined_at, user_id);


create table messages (
    id                uuid        primary key,
    channel_id        uuid        not null references channels on delete cascade,
    position          bigint      not null,
    -- channels.ordinal after this message.
    ordinal           bigint      not null,
    sender_id         text        not null,
    content           text        not null,
    content_type      text        not null check (content_type in ('TEXT', 'FILE', 'SYSTEM')),
    parent_id         uuid        references messages,
    reply_count       integer     not null default 0 check (reply_count >= 0),
    mentions_channel  boolean     not null default false,
    mentions_here     boolean     not null default false,
    client_message_id text,
    -- What was asked for under that id, so that a retry is told from a mistake.
    client_digest     bytea,
    created_at        timestamptz not null default now(),
    edited_at         timestamptz,
    deleted_at        timestamptz,

    unique (channel_id, position),
    check (deleted_at is null or content = '')
) with (fillfactor = 90);

-- Sending is safe to retry, at any age and on any server.
create unique index messages_client_message_id on messages (sender_id, client_message_id)
    where client_message_id is not null;
-- A page of a channel; replies are not listed there.
create index messages_page on messages (channel_id, position) where parent_id is null;
-- A page of a thread.
create index messages_thread on messages (parent_id, position) where parent_id is not null;
-- What the ordinals count too much: the viewer's own messages, and deleted ones.
create index messages_own on messages (channel_id, sender_id, position)
    where parent_id is null and content_type <> 'SYSTEM';
create index messages_deleted on messages (channel_id, position)
    where parent_id is null and content_type <> 'SYSTEM' and deleted_at is not null;
-- Who was called with @channel.
create index messages_channel_mention on messages (channel_id, position) where mentions_channel;


create table mentions (
    message_id uuid   not null references messages on delete cascade,
    user_id    text   not null,
    channel_id uuid   not null,
    position   bigint not null,
    primary key (message_id, user_id)
);
create index mentions_user on mentions (user_id, channel_id, position);


create table revisions (
    message_id uuid        not null references messages on delete cascade,
    number     integer     not null,
    content    text        not null,
    edited_at  timestamptz not null,
    primary key (message_id, number)
);


create table reactions (
    message_id uuid        not null references messages on delete cascade,
    emoji      text        not null,
    user_id    text        not null,
    -- The order in which people reacted; a clock can tie, this cannot.
    number     bigint      generated always as identity,
    created_at timestamptz not null default now(),
    primary key (message_id, emoji, user_id)
);


create table attachments (
    id               uuid        primary key,
    channel_id       uuid        not null references channels on delete cascade,
    message_id       uuid        references messages on delete cascade,
    number           integer     not null default 0,
    uploader_id      text        not null,
    object_key       text        not null unique,
    file_name        text        not null,
    file_size        bigint      not null check (file_size >= 0),
    mime_type        text        not null,
    width            integer,
    height           integer,
    duration_seconds integer,
    created_at       timestamptz not null default now(),
    -- Set once the stored object has been checked; only then can a message carry it.
    completed_at     timestamptz
);
create index attachments_message on attachments (message_id, number) where message_id is not null;


-- Stored objects that nothing refers to any more and that are still to be deleted.
create table removals (
    object_key text        primary key,
    asked_at   timestamptz not null default now()
);


create table events (
    channel_id  uuid        not null references channels on delete cascade,
    position    bigint      not null,
    kind        text        not null,
    actor_id    text,
    message_id  uuid,
    user_id     text,
    -- What the kind needs besides: an emoji, a role.
    detail      text,
    occurred_at timestamptz not null default clock_timestamp(),
    primary key (channel_id, position)
);
