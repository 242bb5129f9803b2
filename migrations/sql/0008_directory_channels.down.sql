drop table placements;
drop table directory_channels;
