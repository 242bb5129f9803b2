-- Row-level security: what a mistake of ours asks for, PostgreSQL refuses.
--
-- Nobody works as the owner of the tables. Operations are done as backchannel_app, which
-- sees what the viewer sees that the connection was told of, and nothing without one; the
-- others have a job each, and just what it takes. All of them are roles of the cluster: what
-- they may do is granted in each database.

do $$
declare
    missing text;
    job     text;
    jobs    constant text[] := array['backchannel_app', 'backchannel_live', 'backchannel_sync',
                                     'backchannel_janitor'];
begin
    foreach job in array jobs loop
        begin
            if not exists (select from pg_roles where rolname = job) then
                execute format('create role %I nologin', job);
            end if;
        exception
            -- Another database of this cluster was migrated in the same moment.
            when duplicate_object or unique_violation then null;
        end;
        begin
            if current_setting('server_version_num')::int < 160000 then
                if not pg_has_role(current_user, job, 'member') then
                    execute format('grant %I to current_user', job);
                end if;
            elsif not pg_has_role(current_user, job, 'set') then
                -- To become one of them on purpose, and not to be all of them at any time.
                execute format('grant %I to current_user with inherit false, set true', job);
            end if;
        exception
            when unique_violation then null;
        end;
    end loop;
exception
    when insufficient_privilege then
        raise insufficient_privilege using message = format(
            '%I may not make the roles %s: let a role with createrole make them (nologin) and'
            ' grant them to it, see docs/operations.md', current_user,
            array_to_string(jobs, ', '));
end
$$;


-- The viewer. Told to a connection when it is borrowed, taken back with it.

create function viewer_id() returns text
language sql stable parallel safe
return nullif(current_setting('backchannel.viewer', true), '');

-- Reading what is private too: for super admins, where the operator allows it.
create function viewer_audits() returns boolean
language sql stable parallel safe
return current_setting('backchannel.standing', true) = 'auditor';

-- Whether the viewer sees a channel like this without being in it.
create function is_open(type text, is_private boolean, department_id text) returns boolean
language sql stable parallel safe
return not is_private
   and case current_setting('backchannel.standing', true)
           when 'super_admin' then true
           when 'auditor'     then true
           when 'internal'    then type = 'GROUP' or type = 'GENERAL'
                and (department_id is null
                     or department_id = current_setting('backchannel.department', true))
           else false
       end;

-- The channels that the viewer is in, and those that they see without: the open ones, and the
-- one they are just making. Every policy below is made of these two. A list of the first is
-- drawn up once a statement; the second is asked channel by channel, and only where the first
-- does not say yes.

create view own_channels with (security_barrier) as
select channel_id
  from members
 where user_id = viewer_id();

create view open_channels with (security_barrier) as
select id as channel_id
  from channels
 where is_open(type, is_private, department_id)
    or (created_by = viewer_id() and position = 0);

-- The views look into both tables as a role that sees all of them; policies that did so
-- themselves would ask each other for ever.
do $$
begin
    execute format('grant create on schema %I to backchannel_live', current_schema());
end
$$;
grant select on own_channels, open_channels to backchannel_app;
-- What is granted is granted first: afterwards it is another's to grant.
alter view own_channels  owner to backchannel_live;
alter view open_channels owner to backchannel_live;

-- Whose file it was, or was to be.
alter table removals
    add column added_by text default viewer_id();


do $$
declare
    guarded text;
begin
    foreach guarded in array array['channels', 'members', 'messages', 'mentions', 'revisions',
                                   'reactions', 'attachments', 'events', 'removals', 'audits',
                                   'directory_channels', 'placements', 'sidebars', 'presences',
                                   'servers', 'devices', 'rates', 'documents'] loop
        execute format('alter table %I enable row level security', guarded);
        -- For the owner too, who has no policy: a server run as the owner sees nothing.
        execute format('alter table %I force row level security', guarded);
    end loop;
    execute format('grant usage on schema %I to backchannel_app, backchannel_live,'
                   ' backchannel_sync, backchannel_janitor', current_schema());
end
$$;

grant select on alembic_version, incarnation
   to backchannel_app, backchannel_live, backchannel_sync, backchannel_janitor;


-- Operations. What nobody may change of a row is not among the columns: whose it is, and where.

grant select, insert,
      update (name, topic, avatar_url, is_private, archived_at, updated_at, member_count,
              seats, position, ordinal, last_message_id, last_message_at)
   on channels to backchannel_app;

create policy seen on channels for select to backchannel_app
using (id in (select channel_id from own_channels)
       or is_open(type, is_private, department_id)
       or (created_by = (select viewer_id()) and position = 0));
create policy audited on channels for select to backchannel_app
using ((select viewer_audits()));
create policy made on channels for insert to backchannel_app
with check (created_by = (select viewer_id()) and type in ('DM', 'GROUP', 'GENERAL'));
create policy changed on channels for update to backchannel_app
using (id in (select channel_id from own_channels)
       or is_open(type, is_private, department_id)
       or (created_by = (select viewer_id()) and position = 0));


grant select, insert, delete,
      update (role, is_muted, is_pinned, notification_level, read_position, read_ordinal,
              last_read_at)
   on members to backchannel_app;

create policy seen on members to backchannel_app
using (user_id = (select viewer_id())
       or channel_id in (select channel_id from own_channels)
       or (select true from open_channels o where o.channel_id = members.channel_id))
with check (channel_id in (select channel_id from own_channels)
       or (select true from open_channels o where o.channel_id = members.channel_id));
create policy audited on members for select to backchannel_app
using ((select viewer_audits()));


grant select, insert,
      update (content, content_type, reply_count, mentions_channel, mentions_here, here,
              edited_at, deleted_at, pinned_at)
   on messages to backchannel_app;

create policy seen on messages for select to backchannel_app
using (channel_id in (select channel_id from own_channels)
       or (select true from open_channels o where o.channel_id = messages.channel_id));
create policy audited on messages for select to backchannel_app
using ((select viewer_audits()));
-- Whom a notice is about has not said it: it has fixed words.
create policy sent on messages for insert to backchannel_app
with check ((sender_id = (select viewer_id())
             or content_type = 'SYSTEM'
                and content in ('joined the channel', 'left the channel',
                                'was added to the channel', 'was removed from the channel'))
       and (channel_id in (select channel_id from own_channels)
            or (select true from open_channels o where o.channel_id = messages.channel_id)));
create policy changed on messages for update to backchannel_app
using (channel_id in (select channel_id from own_channels));


grant select, insert, delete on mentions to backchannel_app;

create policy seen on mentions for select to backchannel_app
using (channel_id in (select channel_id from own_channels)
       or (select true from open_channels o where o.channel_id = mentions.channel_id));
create policy audited on mentions for select to backchannel_app
using ((select viewer_audits()));
create policy made on mentions for insert to backchannel_app
with check ((select m.channel_id in (select channel_id from own_channels)
               from messages m
              where m.id = mentions.message_id
                and m.channel_id = mentions.channel_id));
create policy deleted on mentions for delete to backchannel_app
using (channel_id in (select channel_id from own_channels));


-- What only knows its message is seen with it.

grant select, insert, delete on revisions to backchannel_app;

create policy seen on revisions for select to backchannel_app
using ((select true from messages m where m.id = revisions.message_id));
create policy made on revisions for insert to backchannel_app
with check ((select m.channel_id in (select channel_id from own_channels)
               from messages m
              where m.id = revisions.message_id));
create policy deleted on revisions for delete to backchannel_app
using ((select m.channel_id in (select channel_id from own_channels)
          from messages m
         where m.id = revisions.message_id));


grant select, insert, delete on reactions to backchannel_app;

create policy seen on reactions for select to backchannel_app
using ((select true from messages m where m.id = reactions.message_id));
create policy made on reactions for insert to backchannel_app
with check (user_id = (select viewer_id())
       and (select m.channel_id in (select channel_id from own_channels)
              from messages m
             where m.id = reactions.message_id));
create policy deleted on reactions for delete to backchannel_app
using ((select m.channel_id in (select channel_id from own_channels)
          from messages m
         where m.id = reactions.message_id));


-- Until a message carries it, a file is its sender's alone.

grant select, insert, delete,
      update (message_id, number, object_key, thumbnail_key, width, height, completed_at)
   on attachments to backchannel_app;

create policy seen on attachments for select to backchannel_app
using (uploader_id = (select viewer_id())
       or message_id is not null
          and (channel_id in (select channel_id from own_channels)
               or (select true from open_channels o where o.channel_id = attachments.channel_id)));
create policy audited on attachments for select to backchannel_app
using (message_id is not null and (select viewer_audits()));
create policy made on attachments for insert to backchannel_app
with check (uploader_id = (select viewer_id())
       and message_id is null
       and channel_id in (select channel_id from own_channels));
create policy changed on attachments for update to backchannel_app
using (uploader_id = (select viewer_id()))
with check (channel_id in (select channel_id from own_channels)
       and (message_id is null
            or (select m.sender_id = (select viewer_id())
                  from messages m
                 where m.id = attachments.message_id
                   and m.channel_id = attachments.channel_id)));
create policy deleted on attachments for delete to backchannel_app
using (uploader_id = (select viewer_id())
       or message_id is not null and channel_id in (select channel_id from own_channels));


grant select, insert, delete on removals to backchannel_app;

create policy own on removals to backchannel_app
using (added_by = (select viewer_id()));


grant select, insert on events to backchannel_app;

create policy seen on events for select to backchannel_app
using (channel_id in (select channel_id from own_channels)
       or (select true from open_channels o where o.channel_id = events.channel_id));
create policy audited on events for select to backchannel_app
using ((select viewer_audits()));
create policy made on events for insert to backchannel_app
with check ((actor_id = (select viewer_id()) or kind = 'MessageSent')
       and (channel_id in (select channel_id from own_channels)
            or (select true from open_channels o where o.channel_id = events.channel_id)));


grant select, update (by_hand, left_at) on placements to backchannel_app;

create policy seen on placements to backchannel_app
using (channel_id in (select channel_id from own_channels)
       or (select true from open_channels o where o.channel_id = placements.channel_id));


-- Looks are written down and never read.

grant insert (actor_id, action, channel_id, message_id) on audits to backchannel_app;

create policy made on audits for insert to backchannel_app
with check (actor_id = (select viewer_id()));


-- What people say of themselves.

grant select, insert, update on presences to backchannel_app;

create policy own on presences to backchannel_app
using (user_id = (select viewer_id()));


grant select on sidebars to backchannel_app;

create policy own on sidebars for select to backchannel_app
using (user_id = (select viewer_id()));


-- The live side reads for everybody, and tells each of what they may know.

do $$
declare
    told text;
begin
    foreach told in array array['channels', 'members', 'messages', 'mentions', 'revisions',
                                'reactions', 'attachments', 'events'] loop
        execute format('grant select on %I to backchannel_live', told);
        execute format('create policy live on %I for select to backchannel_live using (true)',
                       told);
    end loop;
end
$$;

-- Who is there is its own to write.
do $$
declare
    told text;
begin
    foreach told in array array['presences', 'servers', 'devices', 'sidebars'] loop
        execute format('grant select, insert, update, delete on %I to backchannel_live', told);
        execute format('create policy live on %I to backchannel_live using (true)', told);
    end loop;
end
$$;

-- Whoever changes what is another's own counts it, and learns or sets nothing else of theirs.
-- In the order of their ids: two transactions never wait for each other.
create function touch_sidebars(user_ids text[])
returns table (user_id text, revision bigint)
language sql security definer set search_path from current
begin atomic
    insert into sidebars as s (user_id, revision)
    select person.id, 1
      from unnest(user_ids) as person (id)
     order by person.id
        on conflict (user_id) do update
       set revision = s.revision + 1
    returning s.user_id, s.revision;
end;
revoke execute on function touch_sidebars from public;
grant execute on function touch_sidebars to backchannel_app, backchannel_sync;
alter function touch_sidebars owner to backchannel_live;

grant update (epoch) on channels to backchannel_live;
create policy renewed on channels for update to backchannel_live using (true);

grant insert, update on incarnation to backchannel_live;

-- Any connection may find that this is another life, and must not go on before every log has
-- another epoch: see storage/incarnation.py. Whoever comes first changes it; for those who
-- wait for that row it has not changed any more.
create function begin_new_epochs() returns boolean
language plpgsql security definer set search_path from current as $$
declare
    now_is  constant text := (
        select system_identifier || '/' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)
          from pg_control_system()
    );
    changed boolean;
begin
    if exists (select from incarnation where identity = now_is) then
        return false;
    end if;
    insert into incarnation as known (identity)
    values (now_is)
        on conflict (is_only) do update
       set identity = excluded.identity
     where known.identity <> excluded.identity
    returning xmax <> 0 into changed;
    if changed then
        update channels set epoch = default;
    end if;
    return coalesce(changed, false);
end
$$;
revoke execute on function begin_new_epochs from public;
grant execute on function begin_new_epochs
   to backchannel_app, backchannel_live, backchannel_sync, backchannel_janitor;
alter function begin_new_epochs owner to backchannel_live;

do $$
begin
    execute format('revoke create on schema %I from backchannel_live', current_schema());
end
$$;


-- What is kept in step with the directory: channels, who is in them, and the system's words.

grant select, insert, update on channels to backchannel_sync;
create policy sync on channels to backchannel_sync using (true);

grant select, insert, update, delete on members to backchannel_sync;
create policy sync on members to backchannel_sync using (true);

-- reply_count is named in the statement that sends; no policy lets it be changed.
grant select, insert, update (reply_count) on messages to backchannel_sync;
create policy sync_read on messages for select to backchannel_sync using (content_type = 'SYSTEM');
create policy sync_sent on messages for insert to backchannel_sync
with check (content_type = 'SYSTEM');

grant select (channel_id, position), insert on events to backchannel_sync;
create policy sync_read on events for select to backchannel_sync using (true);
create policy sync_made on events for insert to backchannel_sync with check (true);


grant select, insert, update, delete on directory_channels, placements to backchannel_sync;
create policy sync on directory_channels to backchannel_sync using (true);
create policy sync on placements to backchannel_sync using (true);


-- The janitor: old events, uploads that no message carries, objects to be removed. To lock a
-- row is to be allowed to change it.

grant select (channel_id, position, occurred_at), update (occurred_at), delete
   on events to backchannel_janitor;
create policy janitor on events to backchannel_janitor using (true);

grant select (id, message_id, created_at), update (created_at), delete
   on attachments to backchannel_janitor;
create policy janitor on attachments to backchannel_janitor using (message_id is null);

grant select, insert, update, delete on removals to backchannel_janitor;
create policy janitor on removals to backchannel_janitor using (true);

-- And it keeps what is asked for before anybody has signed in: how much, and in which words.
grant select, insert, update, delete on rates, documents to backchannel_janitor;
create policy janitor on rates to backchannel_janitor using (true);
create policy janitor on documents to backchannel_janitor using (true);
