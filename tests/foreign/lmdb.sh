# LMDB: Debian's tools, and a program of ours on liblmdb, which maps the file writable too.
mkdir db; mdb_load db << END
VERSION=3
format=print
type=btree
HEADER=END
 key1
 value1
 key2
 value2
DATA=END
END
mdb_stat -e db | grep -v -i 'address\|page size\|Number of readers\|Max readers'
mdb_dump -p db
mkdir copy; mdb_copy -c db copy; mdb_dump -p copy | md5sum
/foreign/built/lmdb_own here 0
/foreign/built/lmdb_own there 1
mdb_stat here | grep Entries; mdb_dump there | md5sum; ls here
