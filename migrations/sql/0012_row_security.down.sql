-- The roles stay: they are the cluster's, and other databases may use them. Without grants
-- they can do nothing.

do $$
declare
    guarded text;
    policy  text;
begin
    foreach guarded in array array['channels', 'members', 'messages', 'mentions', 'revisions',
                                   'reactions', 'attachments', 'events', 'removals', 'audits',
                                   'directory_channels', 'placements', 'sidebars', 'presences',
                                   'servers', 'devices', 'rates', 'documents'] loop
        for policy in select polname from pg_policy where polrelid = guarded::regclass loop
            execute format('drop policy %I on %I', policy, guarded);
        end loop;
        execute format('alter table %I no force row level security', guarded);
        execute format('alter table %I disable row level security', guarded);
    end loop;
end
$$;

drop view open_channels;
drop view own_channels;
drop function begin_new_epochs;
drop function touch_sidebars;

alter table removals
    drop column added_by;

drop function is_open;
drop function viewer_audits;
drop function viewer_id;

do $$
begin
    execute format('revoke all on all tables in schema %I from backchannel_app, backchannel_live,'
                   ' backchannel_sync, backchannel_janitor', current_schema());
    execute format('revoke usage on schema %I from backchannel_app, backchannel_live,'
                   ' backchannel_sync, backchannel_janitor', current_schema());
end
$$;
