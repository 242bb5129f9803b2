drop index events_occurred;
drop table incarnation;
