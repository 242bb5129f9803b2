set local role backchannel_live;
alter function find_messages reset plan_cache_mode;
reset role;
