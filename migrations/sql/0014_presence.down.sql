drop function presence_of;
drop function viewer_is_client;
