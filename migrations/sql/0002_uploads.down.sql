drop trigger attachments_deleted on attachments;
drop function remove_objects_of_attachments();

alter table removals
    drop column attempts,
    drop column due_at;

drop index attachments_forgotten;
drop index attachments_open;

-- The thumbnails would be forgotten with their keys.
insert into removals (object_key)
select thumbnail_key
  from attachments
 where thumbnail_key is not null;

alter table attachments
    drop column thumbnail_key,
    drop column form_ends_at;
