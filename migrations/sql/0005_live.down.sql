drop table devices;
drop table servers;
drop table presences;
drop table sidebars;
