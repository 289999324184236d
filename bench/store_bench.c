/*
 * How fast the store is: appends, fetches, state.  Build and run:
 *	cc -O2 -std=c17 -D_GNU_SOURCE -I. -o build/store_bench bench/store_bench.c store/*.c common/{arena,env,budget,hash,status,str}.c \
 *		-lsqlite3 -lxxhash -lm -pthread && build/store_bench DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>

#include "store/store.h"

#define CHECK(call)                                         \
	do {                                                    \
		if ((call) != OK) {                                 \
			fprintf(stderr, "%s: %s\n", #call, err.message); \
			exit(1);                                        \
		}                                                   \
	} while (0)

static Error err;

static double
seconds(void)
{
	return (double)nanos_now() / 1e9;
}

static void
report(const char *what, double n, double start)
{
	double spent = seconds() - start;

	printf("%-44s %8.3f s %10.0f /s\n", what, spent, n / spent);
}

static void
bench_records(Store *store, int n_units, int n_per_unit)
{
	StoreTopicConfig config = {.n_partitions = 1, .retention_ms = -1};
	StoreTopic		*topic;
	StoreUnit		*unit = store_unit_new(store);
	StoreRecords	 records = {0};
	char			 value[128];
	double			 start;
	int64_t			 n = 0, offset = 0;

	CHECK(store_topic_create(store, STR("t"), &config, &topic, &err));
	memset(value, 'x', sizeof value);
	start = seconds();
	for (int u = 0; u < n_units; u++) {
		store_unit_clear(unit);
		for (int i = 0; i < n_per_unit; i++) {
			char   key[16];
			int	   length = snprintf(key, sizeof key, "%d", i);
			Record record = {.timestamp = 1700000000000 + n, .key = {key, (size_t)length}, .value = {value, 100}};

			store_unit_append(unit, topic, 0, &record);
			n++;
		}
		store_unit_position(unit, STR("q"), STR("in"), 0, n);
		CHECK(store_commit(store, unit, &err));
	}
	report("append 110-byte records", (double)n, start);
	start = seconds();
	while (store_topic_read(store, topic, 0, offset, 4096, 0, &records, &err) == OK)
		offset = records.next_offset;
	report("fetch all", (double)offset, start);
	if (offset != n)
		printf("fetched %lld of %lld\n", (long long)offset, (long long)n);
	store_records_free(&records);
	store_unit_free(unit);
}

static void
bench_state(Store *store, int n_keys, int n_rounds)
{
	StoreUnit *unit = store_unit_new(store);
	int64_t	   id;
	double	   start;
	StoreScan *scan;
	Str		   key, value;
	int64_t	   n = 0;

	CHECK(store_state_open(store, STR("q"), STR("s"), &id, &err));
	for (int round = 0; round < n_rounds; round++) {
		start = seconds();
		store_unit_clear(unit);
		for (int i = 0; i < n_keys; i++) {
			char bytes[8];
			uint64_t x = __builtin_bswap64((uint64_t)i * (round == 0 ? 1 : 7919) % (uint64_t)n_keys);

			memcpy(bytes, &x, 8);
			store_unit_put(unit, id, 0, (Str){bytes, 8}, STR("0123456789012345678901234567890123456789"));
			if (i % 65536 == 65535) {
				CHECK(store_commit(store, unit, &err));
				store_unit_clear(unit);
			}
		}
		CHECK(store_commit(store, unit, &err));
		report(round == 0 ? "put new state in order of key" : "put state, keys all over", n_keys, start);
	}
	start = seconds();
	scan = store_scan_open(store, id, 0, NULL);
	while (store_scan_next(scan, &key, &value, &err) == OK)
		n++;
	store_scan_close(scan);
	report("scan state", (double)n, start);
	store_unit_free(unit);
}

static void
bench_commits(Store *store, int n)
{
	StoreUnit *unit = store_unit_new(store);
	double	   start = seconds();

	for (int i = 0; i < n; i++) {
		store_unit_clear(unit);
		store_unit_position(unit, STR("q"), STR("in"), 0, i);
		CHECK(store_commit(store, unit, &err));
	}
	report("commits of one position", n, start);
	store_unit_free(unit);
}

int
main(int argc, char **argv)
{
	const char *directory = argc > 1 ? argv[1] : NULL;
	double		start = seconds();
	Store	   *store;

	CHECK(store_open(directory, NULL, NULL, &store, &err));
	report(directory != NULL ? "open a directory" : "open in memory", 1, start);
	bench_commits(store, 5000);
	bench_records(store, 200, 20000);
	bench_state(store, 1000000, 2);
	start = seconds();
	store_close(store);
	report("close", 1, start);
	return 0;
}
