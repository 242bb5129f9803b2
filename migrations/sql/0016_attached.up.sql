-- Who sends a file tells the message that it has one, for the search: the trigger of the
-- table attachments acts with the sender's own rights.
grant update (has_attachment) on messages to backchannel_app;
