-- Search under row-level security. PostgreSQL evaluates no condition of ours before a policy's
-- unless its operator is known to tell nothing of what it is given, and that of text search is
-- not: no index would serve it. So what matches is found by a role that sees everything, in
-- channels that the viewer sees, and only its ids come out. Messages are then read as ever.

-- Common words: messages_newest, from the newest message back, finds a page of them soon. Rare
-- words: messages_vector finds all there are, channel by channel. Which they are is not known
-- beforehand, so the walk comes first and ends after so many messages; what has not filled the
-- page by then is rare enough. "offset 0" keeps PostgreSQL from preferring another index for
-- what it knows nothing about; of string_to_table it expects a thousand rows, of an array ten,
-- and then it would compare all with all.
create function find_messages(
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
    execute format('grant create on schema %I to backchannel_live', current_schema());
end
$$;
revoke execute on function find_messages from public;
grant execute on function find_messages to backchannel_app;
alter function find_messages owner to backchannel_live;
do $$
begin
    execute format('revoke create on schema %I from backchannel_live', current_schema());
end
$$;
