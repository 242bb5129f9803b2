-- What is live beside the logs of the channels: people's sidebars, and who is there.

-- How often something of a person's own has changed in any of their channels: their
-- place in it, their read marker, their preferences. Written last in each transaction
-- that changes such a thing, so that the order of revisions is the order of commits.
create table sidebars (
    user_id  text   primary key,
    revision bigint not null
) with (fillfactor = 50);


-- What people say of themselves, and when they were last there. Written rarely.
create table presences (
    user_id        text        primary key,
    -- What they chose to be shown as while they are there; null is as they are.
    choice         text        check (choice in ('AWAY', 'BUSY', 'OFFLINE')),
    status_text    text,
    status_emoji   text,
    status_ends_at timestamptz,
    last_seen_at   timestamptz
);


-- Who is there right now. Nothing of this is worth a disk's time, or true after a crash
-- of the database: it is not logged, and written again by the servers that still run.

create unlogged table servers (
    id          uuid        primary key,
    seen_at     timestamptz not null,
    -- Unless it says so again, it is taken for dead, and its sockets for cut.
    alive_until timestamptz not null
);

-- A person's devices on one server, taken together.
create unlogged table devices (
    user_id      text        not null,
    server_id    uuid        not null,
    -- Whether a socket is open, and whether one that does not call itself away is.
    is_connected boolean     not null,
    is_open      boolean     not null,
    -- Until when a heartbeat counts, or a socket that was lost.
    beat_until   timestamptz not null,
    -- Until when the last request counts.
    active_until timestamptz not null,
    seen_at      timestamptz not null,
    primary key (user_id, server_id)
) with (fillfactor = 50);
