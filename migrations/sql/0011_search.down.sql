drop trigger attachments_attached on attachments;
drop function message_has_attachment;
drop index messages_newest;
alter table messages
    drop column vector,
    drop column has_attachment;
drop function search_vector;
drop function search_scope;
drop function search_words;
drop function search_fold;
