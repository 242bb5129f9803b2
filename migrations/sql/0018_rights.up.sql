-- Rights, column by column: each role has what its own statements name, and nobody else has
-- anything. docs/roles.md has the whole of it, and a test holds one against the other.

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


-- Operations.

grant select,
      insert (id, type, name, topic, is_private, dm_key, department_id, project_id, created_by),
      update (name, topic, avatar_url, is_private, archived_at, updated_at, member_count,
              seats, position, ordinal, last_message_id, last_message_at)
   on channels to backchannel_app;
grant select,
      insert (channel_id, user_id, role, invited_by, seat, joined_position, joined_ordinal,
              read_position, read_ordinal),
      update (role, is_muted, is_pinned, notification_level, read_position, read_ordinal,
              last_read_at, seen_position),
      delete
   on members to backchannel_app;
grant select,
      insert (id, channel_id, position, ordinal, sender_id, content, content_type, parent_id,
              mentions_channel, mentions_here, here, client_message_id, client_digest,
              sender_ordinal),
      update (content, content_type, reply_count, mentions_channel, mentions_here, here,
              edited_at, deleted_at, pinned_at, has_attachment)
   on messages to backchannel_app;
grant select, insert, delete on mentions  to backchannel_app;
grant select, insert, delete on revisions to backchannel_app;
grant select, insert (message_id, emoji, user_id, place), delete on reactions to backchannel_app;
grant select,
      insert (id, channel_id, uploader_id, object_key, file_name, file_size, mime_type,
              duration_seconds, form_ends_at),
      update (message_id, number, object_key, thumbnail_key, width, height, completed_at),
      delete
   on attachments to backchannel_app;
grant select, insert (object_key, due_at), delete on removals to backchannel_app;
-- The log is the live side's to read.
grant select (position),
      insert (channel_id, position, kind, actor_id, message_id, user_id, detail)
   on events to backchannel_app;
grant select (channel_id, user_id, by_hand),
      update (by_hand, left_at)
   on placements to backchannel_app;
grant insert (actor_id, action, channel_id, message_id) on audits to backchannel_app;
grant select, insert, update (sends_receipts) on preferences to backchannel_app;
grant select on alembic_version to backchannel_app;

drop policy audited on events;
drop policy own on sidebars;
drop policy own on presences;


-- The live side: it reads what is told, and writes who is there.

grant select on channels, members, messages, mentions, revisions, reactions, attachments, events,
      preferences
   to backchannel_live;
grant select, insert,
      update (choice, status_text, status_emoji, status_ends_at, last_seen_at)
   on presences to backchannel_live;
grant select, insert, update (seen_at, alive_until), delete on servers to backchannel_live;
grant select, insert,
      update (is_connected, is_open, beat_until, active_until, seen_at),
      delete
   on devices to backchannel_live;
-- For the functions that have its rights.
grant select, insert, update (revision) on sidebars to backchannel_live;
grant update (epoch) on channels to backchannel_live;
grant select, insert, update (identity) on incarnation to backchannel_live;


-- The directory's channels. What people write is never read.

grant select,
      insert (id, type, name, topic, is_private, dm_key, department_id, project_id, created_by),
      update (name, archived_at, updated_at, member_count, seats, position)
   on channels to backchannel_sync;
grant select (channel_id, user_id, role),
      insert (channel_id, user_id, role, invited_by, seat, joined_position, joined_ordinal,
              read_position, read_ordinal),
      update (role),
      delete
   on members to backchannel_sync;
grant insert (id, channel_id, position, ordinal, sender_id, content, content_type)
   on messages to backchannel_sync;
grant select (position),
      insert (channel_id, position, kind, actor_id, message_id, user_id, detail)
   on events to backchannel_sync;
grant select, insert, update (name, is_closed) on directory_channels to backchannel_sync;
grant select, insert (channel_id, user_id, role, by_hand), update (role), delete
   on placements to backchannel_sync;

drop policy sync_read on messages;


-- The janitor. To lock a row is to be allowed to change it.

grant select (channel_id, position, occurred_at), update (occurred_at), delete
   on events to backchannel_janitor;
grant select (id, message_id, created_at), update (created_at), delete
   on attachments to backchannel_janitor;
grant select (object_key, due_at, attempts), insert (object_key, due_at),
      update (due_at, attempts), delete
   on removals to backchannel_janitor;
grant select, insert, update (at, rest, granted), delete on rates to backchannel_janitor;
grant select, insert (hash, text), update (used_at), delete on documents to backchannel_janitor;


-- Functions: PostgreSQL lets everybody run a new one. What a policy, a view, a default or a
-- generated column calls, is called by whoever reads or writes the row.

revoke execute on function
       viewer_id, viewer_audits, viewer_is_client, is_open,
       search_fold, search_words, search_scope, search_vector,
       message_has_attachment, remove_objects_of_attachments
  from public;
grant execute on function viewer_id to backchannel_app, backchannel_live, backchannel_janitor;
grant execute on function viewer_audits, is_open to backchannel_app, backchannel_live;
grant execute on function viewer_is_client to backchannel_live;
grant execute on function search_fold, search_words, search_vector
   to backchannel_app, backchannel_sync;
grant execute on function search_scope
   to backchannel_app, backchannel_live, backchannel_sync;

-- What has another's rights looks for names where nobody else can put them: temporary tables
-- come last, which otherwise come first. Only their owner may say so.
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
        execute format('alter function %s set search_path = pg_catalog, %I, pg_temp',
                       each, current_schema());
    end loop;
end
$$;
reset role;
