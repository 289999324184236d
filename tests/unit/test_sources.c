/* io/connector: topics, kept rows and values as sources. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/connector.h"
#include "io/connector/embedded/kept_row.h"
#include "store/store.h"

static Arena	 arena;
static Store	*store;
static int		 n_bad;
static char		 last_reason[512];

static void
note_bad(BadRecordLog *log, const char *input, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	(void)log;
	(void)raw;
	n_bad++;
	snprintf(last_reason, sizeof last_reason, "%s/%d/%lld %s", input, partition, (long long)offset, reason);
}

static BadRecordLog bad_log = {.report = note_bad};

static void
setup(void)
{
	Error err = {0};

	arena = (Arena){0};
	n_bad = 0;
	ck_assert_msg(store_open(NULL, NULL, NULL, &store, &err) == OK, "%s", err.message);
}

static void
teardown(void)
{
	store_close(store);
	arena_free(&arena);
}

static const Column columns[] = {{"K", NULL}, {"A", NULL}, {"B", NULL}};
static TopicSpec	topic;

static TopicSpec *
make_topic(WindowKind window, int64_t size_ms)
{
	Column *all = arena_memdup(&arena, columns, sizeof columns);

	all[0].type = type_string;
	all[1].type = type_integer;
	all[2].type = type_string;
	topic = (TopicSpec){.name = "t", .n_partitions = 2, .window = window, .window_size_ms = size_ms};
	topic.key = (FormatSpec){.format = format_find(STR("KAFKA")), .n_columns = 1, .columns = all, .is_key = true};
	topic.value = (FormatSpec){.format = format_find(STR("JSON")), .n_columns = 2, .columns = all + 1, .is_wrapped = true};
	return &topic;
}

static void
append(StoreTopic *t, int partition, Time time, Str key, const char *value, const RecordHeader *headers, int n_headers)
{
	StoreUnit *unit = store_unit_new(store);
	Record	   record = {.timestamp = time, .key = key, .headers = headers, .n_headers = n_headers, .value_is_null = value == NULL};
	Error	   err = {0};

	record.key_is_null = key.data == NULL;
	if (value != NULL)
		record.value = str_of(value);
	store_unit_append(unit, t, partition, &record);
	ck_assert_msg(store_commit(store, unit, &err) == OK, "%s", err.message);
	store_unit_free(unit);
}

static StoreTopic *
create_topic(void)
{
	StoreTopicConfig config = {.n_partitions = 2, .retention_ms = -1};
	StoreTopic		*t;
	Error			 err = {0};

	ck_assert_int_eq(store_topic_create(store, STR("t"), &config, &t, &err), OK);
	return t;
}

START_TEST(topic_rows)
{
	StoreTopic	 *t = create_topic();
	RecordHeader  header = {.key = STR("h"), .value = STR("v")};
	TopicSpec	 *spec_topic = make_topic(WINDOW_NONE, 0);
	SourceSpec	  spec = {.kind = SOURCE_TOPIC, .name = "t", .n_columns = 3, .columns = topic.key.columns, .n_key = 1, .topic = spec_topic, .wants_headers = true};
	SourceContext context = {.env = &env_real, .topics = topics_embedded_new(store), .store = store, .bad_records = &bad_log, .is_bounded = true};
	Source		 *source, *clone;
	Batch		 *b;
	Error		  err = {0};

	append(t, 0, 10, STR("k1"), "{\"A\":1,\"B\":\"a text longer than twelve\"}", &header, 1);
	append(t, 0, 20, STR("k2"), "{\"A\":true}", NULL, 0);
	append(t, 0, 30, (Str){0}, NULL, NULL, 0);
	append(t, 1, 40, STR("k3"), "{\"a\":3}", NULL, 0);
	ck_assert_msg(source_open(&arena, &spec, &context, &source, &err) == OK, "%s", err.message);
	ck_assert_int_eq(source->n_partitions, 2);
	append(t, 0, 50, STR("late"), "{}", NULL, 0);
	ck_assert_int_eq(source->type->head_time(source, 0), 10);
	ck_assert_int_eq(source->type->head_time(source, 1), 40);
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &b, &err), OK);
	ck_assert_int_eq(b->n_rows, 2);
	ck_assert_int_eq(b->event_time[0], 10);
	ck_assert_int_eq(b->offset[1], 2);
	ck_assert_int_eq(batch_row_kind(b, 0), ROW_INSERT);
	ck_assert_int_eq(batch_row_kind(b, 1), ROW_INSERT_NULL);
	ck_assert(!vector_is_valid(b->columns[0], 1) && !vector_is_valid(b->columns[1], 1));
	ck_assert_int_eq(((int32_t *)b->columns[1]->data)[0], 1);
	ck_assert_uint_eq(((StrView *)b->columns[2]->data)[0].length, 25);
	ck_assert_int_eq(vector_get(b->headers, 0, &arena).n_items, 1);
	ck_assert_int_eq(vector_get(b->headers, 1, &arena).n_items, 0);
	ck_assert_int_eq(n_bad, 1);
	ck_assert_ptr_nonnull(strstr(last_reason, "t/0/1 "));
	ck_assert_int_eq(source->type->position(source, 0), 3);
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &b, &err), DONE);
	ck_assert_int_eq(source_clone(&arena, source, &clone, &err), OK);
	ck_assert_int_eq(clone->type->read(clone, 0, 100, &arena, &b, &err), DONE);
	ck_assert_int_eq(clone->type->read(clone, 1, 100, &arena, &b, &err), OK);
	ck_assert_int_eq(((int32_t *)b->columns[1]->data)[0], 3);
	source_close(clone);
	source_close(source);
	context.is_bounded = false;
	spec.from_latest = true;
	ck_assert_int_eq(source_open(&arena, &spec, &context, &source, &err), OK);
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &b, &err), OK);
	ck_assert_ptr_null(b);
	append(t, 0, 60, STR("k"), "{}", NULL, 0);
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &b, &err), OK);
	ck_assert_ptr_nonnull(b);
	ck_assert_int_eq(source->type->seek(source, 0, 0, &err), OK);
	ck_assert_int_eq(source->type->read(source, 0, 1, &arena, &b, &err), OK);
	ck_assert_int_eq(b->offset[0], 0);
	source_close(source);
}
END_TEST

START_TEST(windowed_topic)
{
	StoreTopic	 *t = create_topic();
	TopicSpec	 *spec_topic = make_topic(WINDOW_TUMBLING, 500);
	SourceSpec	  spec = {.kind = SOURCE_TOPIC, .name = "t", .n_columns = 1, .columns = topic.key.columns, .n_key = 1, .topic = spec_topic};
	SourceContext context = {.env = &env_real, .topics = topics_embedded_new(store), .store = store, .bad_records = &bad_log, .is_bounded = true};
	StrBuf		  key = {0};
	Source		 *source;
	Batch		 *b;
	Error		  err = {0};

	strbuf_add_text(&key, "k");
	window_key_encode(&key, false, 1000, 1500);
	append(t, 0, 10, strbuf_str(&key), "{}", NULL, 0);
	append(t, 0, 10, STR("short"), "{}", NULL, 0);
	ck_assert_int_eq(source_open(&arena, &spec, &context, &source, &err), OK);
	ck_assert_int_eq(source->type->read(source, 0, 100, &arena, &b, &err), OK);
	ck_assert_int_eq(b->n_rows, 1);
	ck_assert_int_eq(b->window_start[0], 1000);
	ck_assert_int_eq(b->window_end[0], 1500);
	ck_assert_int_eq(n_bad, 1);
	source_close(source);
	strbuf_free(&key);
}
END_TEST

START_TEST(kept_rows)
{
	TopicSpec	 *spec_topic = make_topic(WINDOW_NONE, 0);
	Column		  wanted[] = {topic.key.columns[0], topic.key.columns[2]};
	static const int index[] = {0, 2};
	SourceSpec	  spec = {.kind = SOURCE_TABLE_STATE, .name = "T", .table_name = "T", .n_columns = 2, .columns = wanted,
						  .source_index = index, .n_key = 1, .topic = spec_topic};
	SourceContext context = {.env = &env_real, .topics = topics_embedded_new(store), .store = store, .is_bounded = true};
	StoreUnit	 *unit = store_unit_new(store);
	int64_t		  state_id;
	Source		 *source;
	Batch		 *b;
	Error		  err = {0};
	StrBuf		  key = {0}, value = {0}, from = {0};

	ck_assert_int_eq(store_state_open(store, STR(KEPT_ROWS_OWNER), STR("T"), &state_id, &err), OK);
	for (int i = 0; i < 3; i++) {
		Value		  k = value_text(type_string, i == 0 ? STR("a") : i == 1 ? STR("b") : STR("c"));
		Value		  a = value_integer(type_integer, i), text = value_text(type_string, STR("the value of this row"));
		const Vector *vectors[] = {vector_constant(&arena, &k, 1), vector_constant(&arena, &a, 1), vector_constant(&arena, &text, 1)};

		strbuf_clear(&key);
		strbuf_clear(&value);
		kept_row_encode_key(vectors, 1, 0, false, 0, 0, &key);
		kept_row_encode_value(vectors + 1, 2, 0, 100 + i, &value);
		if (i == 1)
			strbuf_add_str(&from, strbuf_str(&key));
		store_unit_put(unit, state_id, 0, strbuf_str(&key), strbuf_str(&value));
	}
	ck_assert_int_eq(store_commit(store, unit, &err), OK);
	store_unit_free(unit);
	ck_assert_int_eq(source_open(&arena, &spec, &context, &source, &err), OK);
	ck_assert_int_eq(source->n_partitions, 1);
	ck_assert_int_eq(source->type->read(source, 0, 2, &arena, &b, &err), OK);
	ck_assert_int_eq(b->n_rows, 2);
	ck_assert_int_eq(b->event_time[1], 101);
	ck_assert(str_equal(vector_get(b->columns[1], 1, &arena).text, STR("the value of this row")));
	ck_assert_int_ne(source->type->read(source, 0, 2, &arena, &b, &err), FAILED);
	ck_assert_int_eq(b->n_rows, 1);
	source_close(source);

	StateRange range = {.from = strbuf_str(&from)};

	spec.ranges = &range;
	spec.n_ranges = 1;
	ck_assert_int_eq(source_open(&arena, &spec, &context, &source, &err), OK);
	ck_assert_int_ne(source->type->read(source, 0, 10, &arena, &b, &err), FAILED);
	ck_assert_int_eq(b->n_rows, 2);
	source_close(source);
	strbuf_free(&key);
	strbuf_free(&value);
	strbuf_free(&from);
}
END_TEST

START_TEST(values)
{
	Value		  rows[] = {value_integer(type_integer, 1), value_null(type_string), value_integer(type_integer, 2), value_text(type_string, STR("x"))};
	Column		  two[] = {{"A", type_integer}, {"B", type_string}};
	SourceSpec	  spec = {.kind = SOURCE_VALUES, .n_columns = 2, .columns = two, .values = rows, .n_values = 2};
	SourceContext context = {.env = &env_real};
	Source		 *source;
	Batch		 *b;
	Error		  err = {0};

	ck_assert_int_eq(source_open(&arena, &spec, &context, &source, &err), OK);
	ck_assert_int_eq(source->type->read(source, 0, 10, &arena, &b, &err), OK);
	ck_assert_int_eq(b->n_rows, 2);
	ck_assert(!vector_is_valid(b->columns[1], 0) && vector_is_valid(b->columns[1], 1));
	ck_assert_int_eq(source->type->read(source, 0, 10, &arena, &b, &err), DONE);
	source_close(source);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("sources");
	TCase	*cases = tcase_create("all");
	SRunner *runner;
	int		 n_failed;

	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, topic_rows);
	tcase_add_test(cases, windowed_topic);
	tcase_add_test(cases, kept_rows);
	tcase_add_test(cases, values);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
