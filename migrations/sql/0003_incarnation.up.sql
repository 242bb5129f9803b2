-- Which life of the database this is: written by the servers, compared when they
-- (re)connect. A restore or a failover makes it another one, and with it every log.

create table incarnation (
    is_only  boolean primary key default true check (is_only),
    identity text    not null
);

-- Old events are trimmed by their time. They were appended in that order, so the
-- few pages of this index find them, and writing an event costs next to nothing.
create index events_occurred on events using brin (occurred_at) with (autosummarize = on);
