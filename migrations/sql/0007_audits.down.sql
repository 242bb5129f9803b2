drop table audits;
