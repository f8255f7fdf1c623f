/*
 * A writer and readers of one LMDB file: transactions, a cursor, an abort, processes;
 * with and without a writable map.
 */
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(call) do { int e = (call); if (e) { printf("%s: %s\n", #call, mdb_strerror(e)); exit(1); } } while (0)

static MDB_env *open_env(const char *folder, int writable_map)
{
	MDB_env *env;

	MUST(mdb_env_create(&env));
	MUST(mdb_env_set_mapsize(env, 64 << 20));
	MUST(mdb_env_open(env, folder, writable_map ? MDB_WRITEMAP : 0, 0644));
	return env;
}

static void put(MDB_env *env, int from, int to, int commit)
{
	MDB_txn *txn;
	MDB_dbi dbi;

	MUST(mdb_txn_begin(env, NULL, 0, &txn));
	MUST(mdb_dbi_open(txn, NULL, 0, &dbi));
	for (int i = from; i < to; i++) {
		char key[32], value[100];
		MDB_val k = { (size_t)snprintf(key, sizeof(key), "key %06d", i), key };
		MDB_val v = { (size_t)snprintf(value, sizeof(value), "value %d of a longer kind", i * 7), value };

		MUST(mdb_put(txn, dbi, &k, &v, 0));
	}
	if (commit)
		MUST(mdb_txn_commit(txn));
	else
		mdb_txn_abort(txn);
}

static void count(MDB_env *env)
{
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_cursor *cursor;
	MDB_val k, v;
	unsigned long nr = 0, sum = 0;

	MUST(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn));
	MUST(mdb_dbi_open(txn, NULL, 0, &dbi));
	MUST(mdb_cursor_open(txn, dbi, &cursor));
	while (mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == 0) {
		nr++;
		for (size_t i = 0; i < v.mv_size; i++)
			sum = sum * 31 + ((unsigned char *)v.mv_data)[i];
	}
	printf("%lu entries, sum %lu\n", nr, sum);
	fflush(stdout);
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
}

int main(int argc, char **argv)
{
	int writable_map = argc > 2 && atoi(argv[2]);

	mkdir(argv[1], 0755);
	for (int child = 0; child < 4; child++) {
		if (fork() == 0) {
			MDB_env *env = open_env(argv[1], writable_map);

			for (int part = 0; part < 5; part++)
				put(env, child * 1000 + part * 100, child * 1000 + part * 100 + 100, 1);
			mdb_env_close(env);
			_exit(0);
		}
	}
	for (int child = 0, status; child < 4; child++) {
		wait(&status);
		printf("writer ended with %d\n", status);
	}
	MDB_env *env = open_env(argv[1], writable_map);

	count(env);
	put(env, 100000, 101000, 0);
	count(env);
	MUST(mdb_env_sync(env, 1));
	mdb_env_close(env);
	return 0;
}
