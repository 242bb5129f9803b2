-- Between common words and rare ones. What a walk of so many messages has found tells how far
-- the next has to go to fill the page, and up to a distance that is sooner done than asking the
-- index: that knows words and no phrases, and has to look at every message with all the words
-- of one, of which there may be very many where there are few phrases.

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
    ), place as materialized (
        -- Where the walk ended, if there may be more and more is wanted; and how far it is from
        -- there to a page, by what was found so far: twice that, as it is only likely.
        select w.created_at, w.id,
               walk + 2 * walk * (enough - found.count) / nullif(found.count, 0) as distance
          from walked w
         cross join (select count(*) from near) as found
         where found.count < enough
           and (select count(*) from walked) = walk
         order by w.created_at, w.id
         limit 1
    ), further as materialized (
        select m.id, m.created_at, m.vector, scope.query
          from (
                select further.id, further.channel_id, further.created_at, further.vector
                  from messages further
                 where (further.created_at, further.id) < (
                           (select created_at from place), (select place.id from place))
                   and further.created_at >= since
                 order by further.created_at desc, further.id desc
                 limit coalesce((select distance from place where distance <= 8 * walk), 0)
               ) as m
          join scope on scope.id = m.channel_id
         where m.vector @@ scope.query
           and (mentioned is null or exists (
                   select from mentions x where x.message_id = m.id and x.user_id = mentioned))
         order by m.created_at desc, m.id desc
         limit enough
    ), far as materialized (
        -- From the first walk's end: this finds again what was found further on.
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
         where exists (select from place)
           and (select count(*) from near) + (select count(*) from further) < enough
           and m.channel_id = scope.id
           and m.created_at >= since
           and (m.created_at, m.id) < (
                   (select created_at from place), (select place.id from place))
         order by m.created_at desc, m.id desc
         limit enough
    )
    select found.id, (1000000 * ts_rank(found.vector, found.query))::bigint
      from (
            select * from near
             union all
            select * from further where not exists (select from far)
             union all
            select * from far
           ) as found
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
