-- Uploads: from a browser's form to a message, and what is left to tidy up.

alter table attachments
    -- Until when a browser may put a file under object_key. Once the file has been
    -- checked, object_key is another one, for which there never was a form.
    add column form_ends_at  timestamptz,
    -- The small picture of a picture.
    add column thumbnail_key text unique;

-- What no message carries: a person's open uploads, and what nobody came back for.
create index attachments_open      on attachments (uploader_id) where message_id is null;
create index attachments_forgotten on attachments (created_at)  where message_id is null;


alter table removals
    -- Not before; and later and later when it does not succeed.
    add column due_at   timestamptz not null default now(),
    add column attempts integer     not null default 0;

create index removals_due on removals (due_at);


-- Whatever it is that deletes attachments, their objects are removed too. Where a
-- form may still be used, or is being used by somebody slow, the object can come
-- back: it is removed when that is over.
create function remove_objects_of_attachments() returns trigger
language plpgsql as $$
begin
    insert into removals (object_key, due_at)
    select object.key, object.due_at
      from gone
     cross join lateral (
        values (gone.object_key,
                case when gone.completed_at is null
                     then greatest(now(), gone.form_ends_at + interval '1 hour')
                     else now()
                 end),
               (gone.thumbnail_key, now())
     ) as object (key, due_at)
     where object.key is not null
        on conflict (object_key) do nothing;
    return null;
end
$$;

create trigger attachments_deleted
    after delete on attachments
    referencing old table as gone
    for each statement execute function remove_objects_of_attachments();
