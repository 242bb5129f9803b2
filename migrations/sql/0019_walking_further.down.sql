do $$
begin
    execute format('grant create on schema %I to backchannel_live', current_schema());
end
$$;
set local role backchannel_live;
create or replace function find_messages(
    channel_ids text, wanted text, before timestamptz, before_id uuid, since timestamptz,
    mentioned text, enough bigint, walk bigint
) returns table (message_id uuid, rank bigint)
language plpgsql stable security definer set search_path from current as $$
begin
    return query
    with scope as materialized (
        select channel.id, replace(wanted, '§', search_scope(channel.id))::tsquery as query
          from string_to_table(channel_ids, ',') as readable (channel_id)
         cross join lateral (select readable.channel_id::uuid as id) as channel
         where channel.id in (select o.channel_id from own_channels o)
            or (select true from open_channels o where o.channel_id = channel.id)
            or viewer_audits()
    ), walked as materialized (
        select m.id, m.channel_id, m.created_at, m.vector
          from messages m
         where (m.created_at, m.id) < (before, before_id)
           and m.created_at >= since
         order by m.created_at desc, m.id desc
         limit walk
    ), near as materialized (
        select m.id, m.created_at, m.vector, scope.query
          from walked m
          join scope on scope.id = m.channel_id
         where m.vector @@ scope.query
           and (mentioned is null or exists (
                   select from mentions x where x.message_id = m.id and x.user_id = mentioned))
         order by m.created_at desc, m.id desc
         limit enough
    ), far as (
        select m.id, m.created_at, m.vector, scope.query
          from scope
         cross join lateral (
            (select every.* from messages every
              where mentioned is null and every.vector @@ scope.query
             offset 0)
             union all
            -- Served by mentions_user.
            (select named.*
               from mentions x
               join messages named on named.id = x.message_id
              where x.user_id = mentioned
                and x.channel_id = scope.id
                and named.vector @@ scope.query
             offset 0)
         ) m
         where (select count(*) from near) < enough
           and (select count(*) from walked) = walk
           and m.channel_id = scope.id
           and m.created_at >= since
           and (m.created_at, m.id) < (
                   select w.created_at, w.id from walked w order by w.created_at, w.id limit 1)
         order by m.created_at desc, m.id desc
         limit enough
    )
    select found.id, (1000000 * ts_rank(found.vector, found.query))::bigint
      from (select * from near union all select * from far) found
     order by found.created_at desc, found.id desc
     limit enough;
end
$$;

do $$
begin
    execute format('alter function find_messages set search_path = pg_catalog, %I, pg_temp',
                   current_schema());
end
$$;
reset role;
do $$
begin
    execute format('revoke create on schema %I from backchannel_live', current_schema());
end
$$;
