set local role backchannel_live;
do $$
declare
    each regprocedure;
begin
    for each in
        select oid
          from pg_proc
         where pronamespace = current_schema()::regnamespace
           and prosecdef
    loop
        execute format('alter function %s set search_path from current', each);
    end loop;
end
$$;
reset role;

revoke execute on function
       viewer_id, viewer_audits, viewer_is_client, is_open,
       search_fold, search_words, search_scope, search_vector
  from backchannel_app, backchannel_live, backchannel_sync, backchannel_janitor;
grant execute on function
       viewer_id, viewer_audits, viewer_is_client, is_open,
       search_fold, search_words, search_scope, search_vector,
       message_has_attachment, remove_objects_of_attachments
   to public;

do $$
declare
    each text;
begin
    foreach each in array array['channels', 'members', 'messages', 'mentions', 'revisions',
                                'reactions', 'attachments', 'events', 'removals', 'audits',
                                'directory_channels', 'placements', 'sidebars', 'presences',
                                'servers', 'devices', 'rates', 'documents', 'preferences',
                                'incarnation', 'alembic_version'] loop
        execute format('revoke all on %I from backchannel_app, backchannel_live,'
                       ' backchannel_sync, backchannel_janitor', each);
    end loop;
end
$$;

create policy audited on events for select to backchannel_app
using ((select viewer_audits()));
create policy own on sidebars for select to backchannel_app
using (user_id = (select viewer_id()));
create policy own on presences to backchannel_app
using (user_id = (select viewer_id()));
create policy sync_read on messages for select to backchannel_sync using (content_type = 'SYSTEM');

grant select on alembic_version, incarnation
   to backchannel_app, backchannel_live, backchannel_sync, backchannel_janitor;

grant select, insert,
      update (name, topic, avatar_url, is_private, archived_at, updated_at, member_count,
              seats, position, ordinal, last_message_id, last_message_at)
   on channels to backchannel_app;
grant select, insert, delete,
      update (role, is_muted, is_pinned, notification_level, read_position, read_ordinal,
              last_read_at)
   on members to backchannel_app;
grant select, insert,
      update (content, content_type, reply_count, mentions_channel, mentions_here, here,
              edited_at, deleted_at, pinned_at)
   on messages to backchannel_app;
grant select, insert, delete on mentions to backchannel_app;
grant select, insert, delete on revisions to backchannel_app;
grant select, insert, delete on reactions to backchannel_app;
grant select, insert, delete,
      update (message_id, number, object_key, thumbnail_key, width, height, completed_at)
   on attachments to backchannel_app;
grant select, insert, delete on removals to backchannel_app;
grant select, insert on events to backchannel_app;
grant select, update (by_hand, left_at) on placements to backchannel_app;
grant insert (actor_id, action, channel_id, message_id) on audits to backchannel_app;
grant select, insert, update on presences to backchannel_app;
grant select on sidebars to backchannel_app;

grant select on channels, members, messages, mentions, revisions, reactions, attachments, events
   to backchannel_live;
grant select, insert, update, delete on presences, servers, devices, sidebars to backchannel_live;
grant update (epoch) on channels to backchannel_live;
grant insert, update on incarnation to backchannel_live;

grant select, insert, update on channels to backchannel_sync;
grant select, insert, update, delete on members to backchannel_sync;
grant select, insert, update (reply_count) on messages to backchannel_sync;
grant select (channel_id, position), insert on events to backchannel_sync;
grant select, insert, update, delete on directory_channels, placements to backchannel_sync;

grant select (channel_id, position, occurred_at), update (occurred_at), delete
   on events to backchannel_janitor;
grant select (id, message_id, created_at), update (created_at), delete
   on attachments to backchannel_janitor;
grant select, insert, update, delete on removals to backchannel_janitor;
grant select, insert, update, delete on rates, documents to backchannel_janitor;

grant update (seen_position) on members to backchannel_app;
grant select, insert, update (sends_receipts) on preferences to backchannel_app;
grant select on preferences to backchannel_live;
grant update (has_attachment) on messages to backchannel_app;
