-- How people are shown: to everybody inside, and to a client if they are in a channel together.
-- What it is made of is for the live side alone to read and to write.

create function viewer_is_client() returns boolean
language sql stable parallel safe
return viewer_id() is not null
   and coalesce(current_setting('backchannel.standing', true), '')
       not in ('internal', 'super_admin', 'auditor');

-- As the viewer sees them, or as the client named here would; those who are not to be seen are
-- left out. The most present of a person's devices counts, and a socket counts for as long as
-- its server says that it is alive.
create function presence_of(user_ids text[], client_id text)
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
     where client.id is null
        or wanted.id = client.id
        or exists (select from members mine
                     join members other on other.channel_id = mine.channel_id
                    where mine.user_id = client.id
                      and other.user_id = wanted.id);
end;
revoke execute on function presence_of from public;
grant execute on function presence_of to backchannel_app;
do $$
begin
    execute format('grant create on schema %I to backchannel_live', current_schema());
end
$$;
alter function presence_of owner to backchannel_live;
do $$
begin
    execute format('revoke create on schema %I from backchannel_live', current_schema());
end
$$;
