-- Channels that are kept in step with the directory, and whom it places in them.

create table directory_channels (
    -- What the channel is for: 'department:ID', 'project:ID', 'client:ID' or 'general'.
    key        text    primary key,
    channel_id uuid    not null unique references channels on delete cascade,
    -- What the directory called it last and whether that was closed: what people
    -- change by hand stays until the directory changes its mind.
    name       text    not null,
    is_closed  boolean not null
);


-- A row for everybody whom the directory wants in a channel, for as long as it does.
-- Who is a member without one is there by hand.
create table placements (
    channel_id uuid        not null references directory_channels (channel_id) on delete cascade,
    user_id    text        not null,
    -- The role the directory gave them last.
    role       text        not null check (role in ('OWNER', 'ADMIN', 'MEMBER')),
    -- Somebody added them too: they stay when the directory does not want them any more.
    by_hand    boolean     not null,
    -- They left, or were taken out, on purpose: they are not dragged back.
    left_at    timestamptz,
    primary key (channel_id, user_id)
) with (fillfactor = 90);


-- Departments and projects that have a channel already. Who is in it came by hand.
insert into directory_channels (key, channel_id, name, is_closed)
select distinct on (key) key, id, name, archived_at is not null
  from (
        select case type when 'DEPARTMENT' then 'department:' || department_id
                         when 'PROJECT'    then 'project:' || project_id
               end as key,
               id, name, archived_at, created_at
          from channels
       ) as found
 where key is not null
 order by key, created_at, id;
