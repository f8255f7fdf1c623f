# sqlite3: with reads and writes, with PRAGMA mmap_size, and in WAL mode, whose -shm file is a shared mapping.
sqlite3 a.db "create table t(a integer primary key, b text);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 3000) insert into t select x, 'row ' || x from c;
create index i on t(b); select count(*), sum(a) from t;"
sqlite3 a.db "pragma mmap_size = 10000000; update t set b = 'new ' || a where a % 3 = 0;
select b from t where a in (3, 4, 5); select count(*) from t where b like 'new%'; pragma integrity_check;"
sqlite3 a.db "pragma journal_mode = wal; insert into t values(-1, 'wal'); select min(a) from t;"
sqlite3 a.db "pragma mmap_size = 10000000; begin; delete from t where a > 1000; commit; select count(*) from t;
pragma wal_checkpoint(truncate); vacuum; pragma integrity_check;"
for n in 1 2 3 4; do
	sqlite3 -cmd '.timeout 20000' a.db "insert into t(b) select 'by ' || $n from t limit 50;" &
done
wait
sqlite3 a.db "select count(*) from t; select b, count(*) from t where b like 'by %' group by b;"
sqlite3 a.db "begin; insert into t values(99999, 'gone'); rollback; select count(*) from t where a = 99999;"
sqlite3 a.db "select b from t order by b" | md5sum; sqlite3 a.db .schema
sqlite3 a.db "pragma journal_mode = delete; pragma integrity_check;"
ls a.db*
