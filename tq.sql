select * from src offset 60000;
select * from src offset 60000;
create temp table w(k text);
copy w from program 'cut -d" " -f14,15 /proc/$PPID/stat';
select * from src offset 60000;
select * from src offset 60000;
select * from src offset 60000;
copy w from program 'cut -d" " -f14,15 /proc/$PPID/stat';
select 'ticks', max(split_part(k,' ',1)::int)-min(split_part(k,' ',1)::int), max(split_part(k,' ',2)::int)-min(split_part(k,' ',2)::int) from w;
