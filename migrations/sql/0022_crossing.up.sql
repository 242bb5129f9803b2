-- What one statement could still do across channels, or without a viewer: claim the direct
-- message of others, answer in a thread of another channel, ask who is there.

-- Its key names the people of a direct message. Who is not among them neither takes it nor
-- learns, by an error, that it is taken.
alter policy made on channels
with check (created_by = (select viewer_id())
       and type in ('DM', 'GROUP', 'GENERAL')
       and (dm_key is null or (select viewer_id()) = any(string_to_array(dm_key, ','))));


-- A reply is where its root is. The root is looked for as a role that sees all messages, as the
-- views of 0012 are: a policy of messages that read them would ask itself for ever.
create view own_messages with (security_barrier) as
select m.id as message_id, m.channel_id
  from messages m
  join members mine on mine.channel_id = m.channel_id
 where mine.user_id = viewer_id();

grant select on own_messages to backchannel_app;
do $$
begin
    execute format('grant create on schema %I to backchannel_live', current_schema());
end
$$;
alter view own_messages owner to backchannel_live;

alter policy sent on messages
with check ((sender_id = (select viewer_id())
             or content_type = 'SYSTEM'
                and content in ('joined the channel', 'left the channel',
                                'was added to the channel', 'was removed from the channel'))
       and ((select true from own_channels o where o.channel_id = messages.channel_id)
            or (select true from open_channels o where o.channel_id = messages.channel_id))
       and (parent_id is null
            or (select true
                  from own_messages o
                 where o.message_id = messages.parent_id
                   and o.channel_id = messages.channel_id)));


-- The live side asks for everybody, and has no viewer; operations have one, or learn nothing.
-- Whose rights a function has does not change what "role" says: as whom the connection works.
set local role backchannel_live;
create or replace function presence_of(user_ids text[], client_id text)
returns table (
    user_id      text,
    status       text,
    status_text  text,
    status_emoji text,
    last_seen_at timestamptz
)
language sql stable security definer set search_path from current
begin atomic
    select wanted.id,
           case when p.choice = 'OFFLINE' or not coalesce(d.is_there, false) then 'OFFLINE'
                when p.choice is not null then p.choice
                when d.is_active then 'ONLINE'
                else 'AWAY'
           end,
           case when coalesce(p.status_ends_at > now(), true) then p.status_text end,
           case when coalesce(p.status_ends_at > now(), true) then p.status_emoji end,
           case when p.choice = 'OFFLINE' then p.last_seen_at
                when not coalesce(d.is_there, false) then greatest(p.last_seen_at, d.seen_at)
           end
      from unnest(user_ids) as wanted (id)
     cross join (select case when viewer_is_client() then viewer_id() else client_id end as id)
           as client
      left join presences p on p.user_id = wanted.id
      left join (
            select d.user_id,
                   bool_or((d.is_connected and coalesce(s.alive_until > now(), false))
                           or d.beat_until > now()) as is_there,
                   bool_or((d.is_open and coalesce(s.alive_until > now(), false))
                           or d.beat_until > now())
                   and max(d.active_until) > now() as is_active,
                   max(greatest(d.seen_at, case when d.is_connected then s.seen_at end)) as seen_at
              from devices d
              left join servers s on s.id = d.server_id
             where d.user_id = any(user_ids)
             group by d.user_id
           ) as d on d.user_id = wanted.id
     where (viewer_id() is not null or current_setting('role') = 'backchannel_live')
       and (client.id is null
            or wanted.id = client.id
            or exists (select from members mine
                         join members other on other.channel_id = mine.channel_id
                        where mine.user_id = client.id
                          and other.user_id = wanted.id));
end;

-- The same for the revisions of sidebars; and a client counts those of people in a channel with
-- them, and learns of no others.
create or replace function touch_sidebars(user_ids text[])
returns table (user_id text, revision bigint)
language sql security definer set search_path from current
begin atomic
    insert into sidebars as s (user_id, revision)
    select person.id, 1
      from unnest(user_ids) as person (id)
     where case when viewer_id() is null then current_setting('role') = 'backchannel_sync'
                when viewer_is_client() then
                     person.id = viewer_id()
                  or exists (select from members mine
                               join members other on other.channel_id = mine.channel_id
                              where mine.user_id = viewer_id()
                                and other.user_id = person.id)
                else true
           end
     order by person.id
        on conflict (user_id) do update
       set revision = s.revision + 1
    returning s.user_id, s.revision;
end;

do $$
begin
    execute format('alter function presence_of set search_path = pg_catalog, %I, pg_temp',
                   current_schema());
    execute format('alter function touch_sidebars set search_path = pg_catalog, %I, pg_temp',
                   current_schema());
end
$$;
reset role;
do $$
begin
    execute format('revoke create on schema %I from backchannel_live', current_schema());
end
$$;
