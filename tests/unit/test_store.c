/* The store: units are all or nothing, across failures, kills and processes; readers see what is committed. */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/store.h"

static char	 directory[256];
static Error err;

#define ok(call) ck_assert_msg((call) == OK, "%s: %s", #call, err.message)

static void
set_up(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(directory, sizeof directory, "%s/sluice-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	memset(&err, 0, sizeof err);
}

static void
tear_down(void)
{
	static const char *const names[] = {"lock", "sluice.db", "sluice.db-wal", "sluice.db-shm"};
	char					 path[300];

	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

/* Loop tests run everything on a directory (1) and in memory (0). */
static Store *
open_store(int on_disk)
{
	Store *store = NULL;

	ok(store_open(on_disk ? directory : NULL, NULL, NULL, &store, &err));
	return store;
}

static StoreTopic *
make_topic(Store *store, const char *name, int n_partitions)
{
	StoreTopicConfig config = {.n_partitions = n_partitions, .retention_ms = -1};
	StoreTopic		*topic = NULL;

	ok(store_topic_create(store, str_of(name), &config, &topic, &err));
	return topic;
}

static void
append(StoreUnit *unit, StoreTopic *topic, int partition, Time timestamp, const char *key, const char *value)
{
	Record record = {.timestamp = timestamp, .key = str_of(key), .key_is_null = key == NULL, .value = str_of(value),
					 .value_is_null = value == NULL};

	store_unit_append(unit, topic, partition, &record);
}

static void
append_many(Store *store, StoreTopic *topic, int partition, int n)
{
	StoreUnit *unit = store_unit_new(store);

	for (int i = 0; i < n; i++) {
		char text[32];

		snprintf(text, sizeof text, "value %d", i);
		append(unit, topic, partition, 1000 + i, "k", text);
	}
	ok(store_commit(store, unit, &err));
	store_unit_free(unit);
}

#define ck_str(s, text) ck_assert_msg(str_equal((s), str_of(text)), "'%.*s' is not '%s'", (int)(s).length, (s).data, text)

START_TEST(records_round_trip)
{
	Store		*store = open_store(_i);
	StoreTopic	*topic = make_topic(store, "t", 2);
	StoreUnit	*unit = store_unit_new(store);
	RecordHeader headers[] = {{STR("h1"), STR("v1"), false}, {STR("h2"), {"", 0}, true}, {STR(""), STR(""), false}};
	Record		 with_headers = {.timestamp = INT64_MIN, .key = STR(""), .value = STR("\0x"), .headers = headers, .n_headers = 3};
	StoreRecords records = {0};
	Record		*r;

	append(unit, topic, 1, 5, NULL, "a");
	append(unit, topic, 1, -3, "k", NULL);
	append(unit, topic, 1, INT64_MAX, "", "");
	store_unit_append(unit, topic, 1, &with_headers);
	append(unit, topic, 0, 7, "other", "partition");
	ck_assert_int_eq(store_unit_base_offset(unit, topic, 1), -1);
	ok(store_commit(store, unit, &err));
	ck_assert_int_eq(store_unit_base_offset(unit, topic, 1), 0);
	store_unit_clear(unit);
	append(unit, topic, 1, 9, "second", "unit");
	ok(store_commit(store, unit, &err));
	ck_assert_int_eq(store_unit_base_offset(unit, topic, 1), 4);
	store_unit_free(unit);

	/* Twice: from the memory of the writer, then from the file. */
	for (int round = 0; round <= _i; round++) {
		ck_assert_int_eq(store_topic_begin_offset(store, topic, 1), 0);
		ck_assert_int_eq(store_topic_end_offset(store, topic, 1), 5);
		ok(store_topic_read(store, topic, 1, 0, 0, 0, &records, &err));
		if (records.n_records < 5) {	/* a fetch may end with a chunk */
			ck_assert_int_ge(records.n_records, 4);
			ck_assert_int_eq(records.next_offset, records.n_records);
		}
		r = records.records;
		ck_assert(r[0].offset == 0 && r[0].timestamp == 5 && r[0].key_is_null && !r[0].value_is_null && r[0].partition == 1);
		ck_str(r[0].value, "a");
		ck_assert(r[1].timestamp == -3 && !r[1].key_is_null && r[1].value_is_null && r[1].value.length == 0);
		ck_assert(r[2].timestamp == INT64_MAX && !r[2].key_is_null && !r[2].value_is_null && r[2].value.length == 0);
		ck_assert(r[3].timestamp == INT64_MIN && r[3].n_headers == 3 && r[3].value.length == 2);
		ck_str(r[3].headers[0].key, "h1");
		ck_str(r[3].headers[0].value, "v1");
		ck_assert(r[3].headers[1].value_is_null && !r[3].headers[2].value_is_null);
		ck_assert_int_eq(store_topic_read(store, topic, 1, 5, 0, 0, &records, &err), DONE);
		ck_assert_int_eq(records.n_records, 0);
		if (_i && round == 0) {
			store_records_free(&records);
			store_close(store);
			store = open_store(1);
			topic = store_topic_find(store, STR("t"));
			ck_assert_ptr_nonnull(topic);
		}
	}
	store_records_free(&records);
	store_close(store);
}
END_TEST

/* Every way to cut a fetch gives every record once, in order. */
START_TEST(fetches_of_any_size)
{
	Store		*store = open_store(_i > 0);
	StoreTopic	*topic = make_topic(store, "t", 1);
	StoreRecords records = {0};
	const int	 sizes[] = {1, 7, 1000, 2048, 5000, 0};

	append_many(store, topic, 0, 5000);
	append_many(store, topic, 0, 1);
	append_many(store, topic, 0, 3000);
	if (_i == 2) {
		store_close(store);
		store = open_store(1);
		topic = store_topic_find(store, STR("t"));
	}
	for (int s = 0; s < 6; s++) {
		int64_t offset = 0;
		Status	status;

		while ((status = store_topic_read(store, topic, 0, offset, sizes[s], s == 4 ? 100 : 0, &records, &err)) == OK) {
			ck_assert_int_gt(records.n_records, 0);
			ck_assert(sizes[s] == 0 || records.n_records <= sizes[s]);
			for (int i = 0; i < records.n_records; i++) {
				int64_t n = offset < 5000 ? offset : offset == 5000 ? 0 : offset - 5001;
				char	text[32];

				ck_assert_int_eq(records.records[i].offset, offset);
				ck_assert_int_eq(records.records[i].timestamp, 1000 + n);
				snprintf(text, sizeof text, "value %d", (int)n);
				ck_str(records.records[i].value, text);
				offset++;
			}
			ck_assert_int_eq(records.next_offset, offset);
		}
		ck_assert_int_eq(status, DONE);
		ck_assert_int_eq(offset, 8001);
	}
	ok(store_topic_read(store, topic, 0, 4321, 3, 0, &records, &err));
	ck_assert_int_eq(records.records[0].offset, 4321);
	ck_assert_int_eq(records.n_records, 3);
	store_records_free(&records);
	store_close(store);
}
END_TEST

START_TEST(state_is_a_sorted_map)
{
	Store	  *store = open_store(_i);
	StoreUnit *unit = store_unit_new(store);
	int64_t	   a, b, again;
	StrBuf	   value = {0};
	StoreScan *scan;
	Str		   k, v;
	int		   n = 0;

	ok(store_state_open(store, STR("q1"), STR("agg"), &a, &err));
	ok(store_state_open(store, STR("q2"), STR("agg"), &b, &err));
	ok(store_state_open(store, STR("q1"), STR("agg"), &again, &err));
	ck_assert(a != b && a == again);
	store_unit_put(unit, a, 0, STR("m"), STR("1"));
	store_unit_put(unit, a, 0, STR("b"), STR("first"));
	store_unit_put(unit, a, 0, STR("b"), STR("second"));
	store_unit_put(unit, a, 0, STR("gone"), STR("x"));
	store_unit_delete(unit, a, 0, STR("gone"));
	store_unit_put(unit, a, 0, STR(""), STR(""));
	store_unit_put(unit, a, 1, STR("b"), STR("p1"));
	store_unit_put(unit, b, 0, STR("b"), STR("other"));
	ok(store_commit(store, unit, &err));
	ok(store_state_get(store, a, 0, STR("b"), &value, &err));
	ck_str(strbuf_str(&value), "second");
	ok(store_state_get(store, a, 0, STR(""), &value, &err));
	ck_assert_int_eq(value.length, 0);
	ok(store_state_get(store, a, 1, STR("b"), &value, &err));
	ck_str(strbuf_str(&value), "p1");
	ck_assert_int_eq(store_state_get(store, a, 0, STR("gone"), &value, &err), DONE);

	store_unit_clear(unit);
	for (int i = 0; i < 20000; i++) {
		char key[32];

		snprintf(key, sizeof key, "k%05d", i * 7919 % 20000);
		store_unit_put(unit, b, 0, str_of(key), str_of(key + 1));
	}
	ok(store_commit(store, unit, &err));
	scan = store_scan_open(store, b, 0, &(StoreRange){.from = STR("k"), .prefix = STR("k1")});
	while (store_scan_next(scan, &k, &v, &err) == OK) {
		char key[32];

		snprintf(key, sizeof key, "k%05d", 10000 + n++);
		ck_str(k, key);
		ck_str(v, key + 1);
	}
	ck_assert_int_eq(n, 10000);
	store_scan_close(scan);
	scan = store_scan_open(store, b, 0, &(StoreRange){.from = STR("k00005"), .to = STR("k00007"), .from_is_exclusive = true});
	ok(store_scan_next(scan, &k, &v, &err));
	ck_str(k, "k00006");
	ck_assert_int_eq(store_scan_next(scan, &k, &v, &err), DONE);
	store_scan_close(scan);

	store_unit_clear(unit);
	store_unit_delete_range(unit, b, 0, STR("k00010"), STR("k"  "19999"));
	store_unit_put(unit, b, 0, STR("k00011"), STR("back"));
	ok(store_commit(store, unit, &err));
	n = 0;
	scan = store_scan_open(store, b, 0, NULL);
	while (store_scan_next(scan, &k, &v, &err) == OK)
		n++;
	store_scan_close(scan);
	ck_assert_int_eq(n, 1 + 10 + 1 + 1);

	store_unit_clear(unit);
	store_unit_position(unit, STR("q2"), STR("in"), 0, 5);
	store_unit_drop_query(unit, STR("q2"));
	ok(store_commit(store, unit, &err));
	ck_assert_int_eq(store_state_get(store, b, 0, STR("b"), &value, &err), DONE);
	ok(store_state_get(store, a, 0, STR("b"), &value, &err));
	store_unit_free(unit);
	strbuf_free(&value);
	store_close(store);
}
END_TEST

static Status
count_commands(void *context, int64_t sequence, Str command, Error *e)
{
	int64_t *last = context;
	char	 text[32];

	(void)e;
	ck_assert_int_gt(sequence, *last);
	*last = sequence;
	snprintf(text, sizeof text, "command %d", (int)sequence);
	ck_str(command, text);
	return OK;
}

START_TEST(commands_meta_positions)
{
	Store	  *store = open_store(_i);
	StoreUnit *unit = store_unit_new(store);
	int64_t	   sequence = 0, last = 0, offset = 0;
	StrBuf	   value = {0};

	ok(store_command_append(store, STR("command 1"), &sequence, &err));
	ck_assert_int_eq(sequence, 1);
	for (int i = 2; i <= 600; i++) {
		char text[32];

		snprintf(text, sizeof text, "command %d", i);
		store_unit_command(unit, str_of(text));
	}
	store_unit_meta(unit, STR("a"), STR("1"));
	store_unit_meta(unit, STR("b"), STR("2"));
	store_unit_position(unit, STR("q"), STR("in"), 3, 77);
	ok(store_commit(store, unit, &err));
	ck_assert_int_eq(store_unit_sequence(unit, 598), 600);
	store_unit_clear(unit);
	store_unit_meta(unit, STR("a"), (Str){NULL, 0});
	ok(store_commit(store, unit, &err));
	if (_i) {
		store_close(store);
		store = open_store(1);
	}
	ok(store_command_scan(store, 0, count_commands, &last, &err));
	ck_assert_int_eq(last, 600);
	ck_assert_int_eq(store_meta_get(store, STR("a"), &value, &err), DONE);
	ok(store_meta_get(store, STR("b"), &value, &err));
	ck_str(strbuf_str(&value), "2");
	ok(store_position_get(store, STR("q"), STR("in"), 3, &offset, &err));
	ck_assert_int_eq(offset, 77);
	ck_assert_int_eq(store_position_get(store, STR("q"), STR("in"), 2, &offset, &err), DONE);
	strbuf_free(&value);
	store_unit_free(unit);
	store_close(store);
}
END_TEST

static Time
late_now(const Env *env)
{
	(void)env;
	return 100000;
}

START_TEST(topics_come_and_go)
{
	Env				 env = env_real;
	Store			*store;
	StoreTopic		*topic, *second, **list;
	StoreTopicConfig config = {.n_partitions = 1, .retention_ms = 10000};
	StoreRecords	 records = {0};
	StoreUnit		*unit;
	Arena			 arena = {0};
	int64_t			 offset;

	env.now = late_now;
	ok(store_open(_i ? directory : NULL, NULL, &env, &store, &err));
	topic = make_topic(store, "zeta", 3);
	ck_assert_int_eq(store_topic_create(store, STR("zeta"), &config, &second, &err), FAILED);
	ck_assert_int_eq(err.class, ERROR_USER);
	ck_assert_ptr_nonnull(strstr(err.message, "zeta"));
	ok(store_topic_create(store, STR("alpha"), &config, &second, &err));
	ck_assert_int_eq(store_topic_list(store, &arena, &list), 2);
	ck_assert(list[0] == second && list[1] == topic);

	/* Retention: chunks with only old records go, offsets stay. */
	append_many(store, second, 0, 10);
	unit = store_unit_new(store);
	append(unit, second, 0, 50000, "old", "1");
	append(unit, second, 0, 95000, "new", "2");
	ok(store_commit(store, unit, &err));
	ok(store_topic_offset_at(store, second, 0, 1005, &offset, &err));
	ck_assert_int_eq(offset, 5);
	ok(store_topic_offset_at(store, second, 0, 2000, &offset, &err));
	ck_assert_int_eq(offset, 10);
	ok(store_topic_offset_at(store, second, 0, 99999, &offset, &err));
	ck_assert_int_eq(offset, 12);
	ok(store_enforce_retention(store, &err));
	ck_assert_int_eq(store_topic_begin_offset(store, second, 0), 10);
	ok(store_topic_read(store, second, 0, 0, 0, 0, &records, &err));
	ck_assert_int_eq(records.n_records, 2);
	ck_assert_int_eq(records.records[0].offset, 10);
	store_unit_clear(unit);
	store_unit_trim(unit, second, 0, 1000);
	ok(store_commit(store, unit, &err));
	ck_assert_int_eq(store_topic_begin_offset(store, second, 0), 12);
	if (_i) {
		store_records_free(&records);
		store_close(store);
		ok(store_open(directory, NULL, &env, &store, &err));
		second = store_topic_find(store, STR("alpha"));
		topic = store_topic_find(store, STR("zeta"));
		ck_assert_int_eq(store_topic_config(store, topic).n_partitions, 3);
		ck_assert_int_eq(store_topic_config(store, second).retention_ms, 10000);
	}
	ck_assert_int_eq(store_topic_begin_offset(store, second, 0), 12);
	ck_assert_int_eq(store_topic_end_offset(store, second, 0), 12);
	append_many(store, second, 0, 1);
	ck_assert_int_eq(store_topic_end_offset(store, second, 0), 13);

	/* Drop, and the same name again: nothing of the old one is seen. */
	ok(store_topic_drop(store, second, &err));
	ck_assert_ptr_null(store_topic_find(store, STR("alpha")));
	ck_assert_int_eq(store_topic_read(store, second, 0, 0, 0, 0, &records, &err), FAILED);
	store_unit_free(unit);
	unit = store_unit_new(store);
	append(unit, second, 0, 1, "k", "v");
	append(unit, topic, 0, 1, "k", "v");
	ck_assert_int_eq(store_commit(store, unit, &err), FAILED);
	ck_assert_int_eq(store_topic_end_offset(store, topic, 0), 0);
	config.n_partitions = 2;
	ok(store_topic_create(store, STR("alpha"), &config, &second, &err));
	ck_assert_int_eq(store_topic_end_offset(store, second, 0), 0);
	ck_assert_int_eq(store_topic_read(store, second, 0, 0, 0, 0, &records, &err), DONE);
	config.retention_ms = -1;
	ok(store_topic_alter(store, second, &config, &err));
	ck_assert_int_eq(store_topic_config(store, second).retention_ms, -1);
	config.n_partitions = 4;
	ck_assert_int_eq(store_topic_alter(store, second, &config, &err), FAILED);
	store_unit_free(unit);
	store_records_free(&records);
	arena_free(&arena);
	store_close(store);
}
END_TEST

/* --------------------------------------------------------------------------------------------- failing on demand -- */

typedef struct Faults {
	const char *name;
	int			skip;		/* so many calls pass first; < 0: none fails */
} Faults;

static bool
faults_fault(const Env *env, const char *name)
{
	Faults *faults = env->context;

	return faults->skip >= 0 && strcmp(name, faults->name) == 0 && faults->skip-- == 0;
}

START_TEST(failed_units_leave_nothing)
{
	static const char *const points[] = {"store.write", "store.commit", "store.full"};
	Faults		 faults = {"", -1};
	Env			 env = env_real;
	Store		*store;
	StoreTopic	*topic;
	StoreUnit	*unit;
	StrBuf		 value = {0};
	StoreRecords records = {0};
	int64_t		 state, offset;

	env.fault = faults_fault;
	env.context = &faults;
	ok(store_open(_i ? directory : NULL, NULL, &env, &store, &err));
	topic = make_topic(store, "t", 1);
	ok(store_state_open(store, STR("q"), STR("s"), &state, &err));
	append_many(store, topic, 0, 3);
	unit = store_unit_new(store);
	append(unit, topic, 0, 1, "k", "v");
	store_unit_put(unit, state, 0, STR("k"), STR("v"));
	store_unit_position(unit, STR("q"), STR("in"), 0, 1);
	store_unit_command(unit, STR("c"));
	for (int i = 0; i < 3; i++) {
		faults = (Faults){points[i], 0};
		ck_assert_int_eq(store_commit(store, unit, &err), FAILED);
		ck_assert_int_eq(err.class, ERROR_FATAL);
		ck_assert_int_ne(err.hint[0], '\0');
		if (i == 2)
			ck_assert_ptr_nonnull(strstr(err.message, "No space"));
		faults.skip = -1;
		ck_assert_int_eq(store_topic_end_offset(store, topic, 0), 3);
		ck_assert_int_eq(store_topic_read(store, topic, 0, 3, 0, 0, &records, &err), DONE);
		ck_assert_int_eq(store_state_get(store, state, 0, STR("k"), &value, &err), DONE);
		ck_assert_int_eq(store_position_get(store, STR("q"), STR("in"), 0, &offset, &err), DONE);
	}
	/* The same unit again, now that the trouble is over. */
	ok(store_commit(store, unit, &err));
	ck_assert_int_eq(store_unit_base_offset(unit, topic, 0), 3);
	ck_assert_int_eq(store_unit_sequence(unit, 0), 1);
	ok(store_state_get(store, state, 0, STR("k"), &value, &err));
	faults = (Faults){"store.read", 0};
	ck_assert_int_eq(store_state_get(store, state, 0, STR("k"), &value, &err), FAILED);
	store_unit_free(unit);
	store_records_free(&records);
	strbuf_free(&value);
	store_close(store);
}
END_TEST

typedef struct Outcomes {
	pthread_mutex_t lock;
	pthread_cond_t	changed;
	int				n_ok, n_failed;
} Outcomes;

static void
outcome(void *context, StoreUnit *unit, Status status, const Error *e)
{
	Outcomes *outcomes = context;

	(void)e;
	store_unit_free(unit);
	pthread_mutex_lock(&outcomes->lock);
	*(status == OK ? &outcomes->n_ok : &outcomes->n_failed) += 1;
	pthread_cond_signal(&outcomes->changed);
	pthread_mutex_unlock(&outcomes->lock);
}

/* One unit of a batch is wrong: it fails alone. */
START_TEST(bad_unit_fails_alone)
{
	Store	   *store = open_store(_i);
	StoreTopic *topic = make_topic(store, "t", 1), *dropped = make_topic(store, "d", 1);
	Outcomes	outcomes = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0};

	ok(store_topic_drop(store, dropped, &err));
	for (int i = 0; i < 200; i++) {
		StoreUnit *unit = store_unit_new(store);

		append(unit, topic, 0, i, "k", "v");
		if (i % 10 == 0)
			append(unit, dropped, 0, i, "k", "v");
		store_submit(store, unit, outcome, &outcomes);
	}
	pthread_mutex_lock(&outcomes.lock);
	while (outcomes.n_ok + outcomes.n_failed < 200)
		pthread_cond_wait(&outcomes.changed, &outcomes.lock);
	pthread_mutex_unlock(&outcomes.lock);
	ck_assert_int_eq(outcomes.n_ok, 180);
	ck_assert_int_eq(store_topic_end_offset(store, topic, 0), 180);
	store_close(store);
}
END_TEST

/* --------------------------------------------------------------------------------------------- the world outside -- */

START_TEST(second_process_is_refused)
{
	Store *store = open_store(1), *second = NULL;
	char   pid[32];
	int	   child_status;
	pid_t  child;

	ck_assert_int_eq(store_open(directory, NULL, NULL, &second, &err), FAILED);
	child = fork();
	if (child == 0) {
		Status status = store_open(directory, NULL, NULL, &second, &err);

		snprintf(pid, sizeof pid, "pid %d)", (int)getppid());
		_exit(status == FAILED && err.class == ERROR_USER && strstr(err.message, pid) != NULL && err.hint[0] ? 0 : 1);
	}
	waitpid(child, &child_status, 0);
	ck_assert_int_eq(child_status, 0);
	store_close(store);
	store = open_store(1);
	store_close(store);
}
END_TEST

static void
write_at(const char *name, long offset, const char *bytes, size_t length)
{
	char path[300];
	int	 fd;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, bytes, length, offset), (ssize_t)length);
	close(fd);
}

START_TEST(damaged_files_are_refused)
{
	char		 garbage[16384];
	char		 path[300];
	Store		*store;
	StoreTopic	*topic;
	StoreRecords records = {0};
	struct stat	 before, after;
	Status		 status = OK;

	/* Not a database at all. */
	memset(garbage, 'g', sizeof garbage);
	write_at("sluice.db", 0, garbage, sizeof garbage);
	ck_assert_int_eq(store_open(directory, NULL, NULL, &store, &err), FAILED);
	ck_assert_ptr_null(store);
	ck_assert_int_eq(err.class, ERROR_FATAL);
	ck_assert_ptr_nonnull(strstr(err.message, "sluice.db"));
	ck_assert_int_ne(err.hint[0], '\0');
	snprintf(path, sizeof path, "%s/sluice.db", directory);
	ck_assert(stat(path, &after) == 0 && after.st_size == sizeof garbage);
	unlink(path);

	/* Damage in the middle: found when read, and nothing is deleted. */
	store = open_store(1);
	topic = make_topic(store, "t", 1);
	for (int i = 0; i < 40; i++)
		append_many(store, topic, 0, 2000);
	store_close(store);
	ck_assert_int_eq(stat(path, &before), 0);
	for (long offset = 16384 * 12; offset + 16384 < before.st_size; offset += 16384)
		write_at("sluice.db", offset, garbage, sizeof garbage);
	memset(&err, 0, sizeof err);
	if (store_open(directory, NULL, NULL, &store, &err) == OK) {
		topic = store_topic_find(store, STR("t"));
		for (int64_t offset = 0; status == OK; offset = records.next_offset)
			status = store_topic_read(store, topic, 0, offset, 0, 0, &records, &err);
		ck_assert_int_eq(status, FAILED);
		ck_assert_int_eq(store_check(store, &err), FAILED);
		store_records_free(&records);
		store_close(store);
	}
	ck_assert_ptr_nonnull(strstr(err.message, "sluice.db"));
	ck_assert_int_eq(err.class, ERROR_FATAL);
	ck_assert(stat(path, &after) == 0 && after.st_size >= before.st_size);
}
END_TEST

START_TEST(newer_and_foreign_files_are_refused)
{
	Store *store = open_store(1);

	store_close(store);
	write_at("sluice.db", 60, "\0\0\3\350", 4);		/* user_version 1000 */
	ck_assert_int_eq(store_open(directory, NULL, NULL, &store, &err), FAILED);
	ck_assert_int_eq(err.class, ERROR_USER);
	ck_assert_ptr_nonnull(strstr(err.message, "newer version"));
	write_at("sluice.db", 68, "\0\0\0\1", 4);		/* application_id */
	ck_assert_int_eq(store_open(directory, NULL, NULL, &store, &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.message, "not one of sluice"));
	ck_assert_int_eq(store_open("/proc/nowhere/at/all", NULL, NULL, &store, &err), FAILED);
	ck_assert_int_eq(err.class, ERROR_USER);
}
END_TEST

/* A child writes epochs as fast as it can and is killed; what is left must be whole epochs. */
static void
write_epochs(int told)
{
	Store	   *store = open_store(1);
	StoreTopic *topic = store_topic_find(store, STR("out"));
	int64_t		state, epoch = 0;
	StoreUnit  *unit = store_unit_new(store);

	if (topic == NULL)
		topic = make_topic(store, "out", 1);
	ok(store_state_open(store, STR("q"), STR("s"), &state, &err));
	store_position_get(store, STR("q"), STR("in"), 0, &epoch, &err);
	for (;;) {
		char text[32];

		store_unit_clear(unit);
		epoch++;
		snprintf(text, sizeof text, "%lld", (long long)epoch);
		for (int i = 0; i < 100; i++) {
			char key[32];

			append(unit, topic, 0, epoch, "k", text);
			snprintf(key, sizeof key, "key %d", i);
			store_unit_put(unit, state, 0, str_of(key), str_of(text));
		}
		store_unit_position(unit, STR("q"), STR("in"), 0, epoch);
		ok(store_commit(store, unit, &err));
		ck_assert_int_eq(write(told, "", 1), 1);
	}
}

START_TEST(kill_leaves_whole_epochs)
{
	int64_t before = 0;

	for (int round = 0; round < 6; round++) {
		Store		*store;
		StoreTopic	*topic;
		StoreRecords records = {0};
		StrBuf		 value = {0};
		int64_t		 state, epoch = 0, n = 0;
		int			 told[2];
		char		 one;
		pid_t		 child;

		ck_assert_int_eq(pipe(told), 0);
		child = fork();
		if (child == 0)
			write_epochs(told[1]);
		/* At first at any moment, then when something was committed. */
		if (round >= 3)
			ck_assert_int_eq(read(told[0], &one, 1), 1);
		usleep(60000 + 37000 * (useconds_t)round);
		kill(child, SIGKILL);
		close(told[0]);
		close(told[1]);
		waitpid(child, NULL, 0);
		store = open_store(1);
		topic = store_topic_find(store, STR("out"));
		if (topic == NULL || store_position_get(store, STR("q"), STR("in"), 0, &epoch, &err) != OK) {
			store_close(store);
			continue;	/* killed before the first epoch */
		}
		ck_assert_int_ge(epoch, before);
		before = epoch;
		ck_assert_int_eq(store_topic_end_offset(store, topic, 0), epoch * 100);
		while (store_topic_read(store, topic, 0, n, 0, 0, &records, &err) == OK) {
			for (int i = 0; i < records.n_records; i++)
				ck_assert_int_eq(records.records[i].timestamp, 1 + n++ / 100);
		}
		ck_assert_int_eq(n, epoch * 100);
		ok(store_state_open(store, STR("q"), STR("s"), &state, &err));
		for (int i = 0; i < 100; i++) {
			char key[32];

			snprintf(key, sizeof key, "key %d", i);
			ok(store_state_get(store, state, 0, str_of(key), &value, &err));
			ck_assert_int_eq(atoll(strbuf_text(&value)), epoch);
		}
		ok(store_check(store, &err));
		store_records_free(&records);
		strbuf_free(&value);
		store_close(store);
	}
	ck_assert_int_gt(before, 0);
}
END_TEST

/* --------------------------------------------------------------------------------------------------- concurrency -- */

#define N_EPOCHS 150
#define EPOCH_RECORDS 200

typedef struct Shared {
	Store	   *store;
	StoreTopic *topic;
	int64_t		state;
	_Atomic int n_calls;
} Shared;

static void *
writer_thread(void *context)
{
	Shared	  *shared = context;
	StoreUnit *unit = store_unit_new(shared->store);
	Error	   e;

	for (int epoch = 1; epoch <= N_EPOCHS; epoch++) {
		char text[32];

		store_unit_clear(unit);
		snprintf(text, sizeof text, "%d", epoch);
		for (int i = 0; i < EPOCH_RECORDS; i++)
			append(unit, shared->topic, 0, epoch, NULL, text);
		store_unit_put(unit, shared->state, 0, STR("epoch"), str_of(text));
		if (store_commit(shared->store, unit, &e) != OK)
			abort();
	}
	store_unit_free(unit);
	return NULL;
}

static void *
tail_thread(void *context)
{
	Shared		*shared = context;
	StoreRecords records = {0};
	StrBuf		 value = {0};
	int64_t		 offset = 0;
	Error		 e;

	while (offset < 2 * N_EPOCHS * EPOCH_RECORDS) {
		uint64_t seen = store_append_count(shared->store);
		Status	 status = store_topic_read(shared->store, shared->topic, 0, offset, 333, 0, &records, &e);

		if (status == FAILED)
			abort();
		if (status == DONE) {
			store_append_wait(shared->store, seen, 1000);
			continue;
		}
		for (int i = 0; i < records.n_records; i++) {
			if (records.records[i].offset != offset++)
				abort();
		}
		if (store_state_get(shared->store, shared->state, 0, STR("epoch"), &value, &e) == FAILED)
			abort();
	}
	store_records_free(&records);
	strbuf_free(&value);
	return NULL;
}

static void
count_call(void *context)
{
	((Shared *)context)->n_calls++;
}

START_TEST(readers_beside_writers)
{
	StoreOptions options = {.tail_cache_bytes = _i == 1 ? 1 : 0};	/* 1: nearly everything comes from the file */
	Shared		 shared = {0};
	pthread_t	 threads[4];
	int			 id;

	ok(store_open(_i ? directory : NULL, &options, NULL, &shared.store, &err));
	shared.topic = make_topic(shared.store, "t", 1);
	ok(store_state_open(shared.store, STR("q"), STR("s"), &shared.state, &err));
	id = store_listen(shared.store, shared.topic, count_call, &shared);
	ck_assert(!store_append_wait(shared.store, store_append_count(shared.store), 5));
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, i < 2 ? writer_thread : tail_thread, &shared);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_gt(shared.n_calls, 0);
	store_unlisten(shared.store, id);
	ck_assert_int_eq(store_topic_end_offset(shared.store, shared.topic, 0), 2 * N_EPOCHS * EPOCH_RECORDS);
	store_close(shared.store);
}
END_TEST

/* ---- a position that can be seen stands behind records that can be read ---- */

#define N_POSITIONS 3000

static void *
position_thread(void *argument)
{
	Shared	  *shared = argument;
	StoreUnit *unit = store_unit_new(shared->store);
	Record	   record = {.value = STR("v")};
	Error	   failure;

	for (int64_t i = 1; i <= N_POSITIONS; i++) {
		store_unit_append(unit, shared->topic, 0, &record);
		store_unit_position(unit, STR("q"), STR("in"), 0, i);
		if (store_commit(shared->store, unit, &failure) != OK)
			break;
		store_unit_clear(unit);
	}
	store_unit_free(unit);
	return NULL;
}

START_TEST(positions_are_not_ahead_of_records)
{
	Shared	  shared = {.store = open_store(_i)};
	pthread_t writer;
	int64_t	  position = 0;

	shared.topic = make_topic(shared.store, "t", 1);
	pthread_create(&writer, NULL, position_thread, &shared);
	while (position < N_POSITIONS)
		if (store_position_get(shared.store, STR("q"), STR("in"), 0, &position, &err) == OK)
			ck_assert_int_ge(store_topic_end_offset(shared.store, shared.topic, 0), position);
	pthread_join(writer, NULL);
	store_close(shared.store);
}
END_TEST

START_TEST(memory_store_is_quick_to_make)
{
	clock_t start = clock();

	for (int i = 0; i < 100; i++)
		store_close(open_store(0));
	ck_assert_int_lt((clock() - start) / 100, 500 * (CLOCKS_PER_SEC / 1000000));
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("store");
	TCase	*tcase = tcase_create("store");
	SRunner *runner;
	int		 n_failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, records_round_trip, 0, 2);
	tcase_add_loop_test(tcase, fetches_of_any_size, 0, 3);
	tcase_add_loop_test(tcase, state_is_a_sorted_map, 0, 2);
	tcase_add_loop_test(tcase, commands_meta_positions, 0, 2);
	tcase_add_loop_test(tcase, topics_come_and_go, 0, 2);
	tcase_add_loop_test(tcase, failed_units_leave_nothing, 0, 2);
	tcase_add_loop_test(tcase, bad_unit_fails_alone, 0, 2);
	tcase_add_test(tcase, second_process_is_refused);
	tcase_add_test(tcase, damaged_files_are_refused);
	tcase_add_test(tcase, newer_and_foreign_files_are_refused);
	tcase_add_test(tcase, kill_leaves_whole_epochs);
	tcase_add_loop_test(tcase, readers_beside_writers, 0, 3);
	tcase_add_loop_test(tcase, positions_are_not_ahead_of_records, 0, 2);
	tcase_add_test(tcase, memory_store_is_quick_to_make);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed > 0;
}
