drop function find_messages;
