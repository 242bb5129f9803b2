-- Operations have PostgreSQL plan once for all. How far a search walks is to be planned for.
set local role backchannel_live;
alter function find_messages set plan_cache_mode = auto;
reset role;
