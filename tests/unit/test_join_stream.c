/*
 * The streaming joins.  Scripts of rows are pushed one by one, in runs of rows of one side, and with a restart from stored
 * state after each row; all must give the same.  Random scripts are compared with plain models too.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "exec/op/join_stream.h"
#include "exec/state/state.h"
#include "exec/task/task.h"

/* ---- stored state: a sorted list would do, so does an unsorted one that is sorted when read ---- */

typedef struct Entry {
	int	 table;
	char *key, *value;
	size_t key_length, value_length;
} Entry;

typedef struct Store {
	StateBackend base;
	Entry		*entries;
	int			 n, capacity;
} Store;

static int
entry_compare(const void *a, const void *b)
{
	const Entry *x = a, *y = b;

	if (x->table != y->table)
		return x->table - y->table;
	return str_compare(str_make(x->key, x->key_length), str_make(y->key, y->key_length));
}

static Status
store_scan(StateBackend *base, int op_id, int table, StateVisitor visit, void *context, Error *err)
{
	Store *store = (Store *)base;

	(void)op_id;
	if (store->n > 0)
		qsort(store->entries, (size_t)store->n, sizeof *store->entries, entry_compare);
	for (int i = 0; i < store->n; i++) {
		Entry *e = &store->entries[i];

		if (e->table == table)
			TRY(visit(context, str_make(e->key, e->key_length), str_make(e->value, e->value_length), err));
	}
	return OK;
}

static void
store_remove(StateBackend *base, int op_id, int table, Str key)
{
	Store *store = (Store *)base;

	(void)op_id;
	for (int i = 0; i < store->n; i++) {
		Entry *e = &store->entries[i];

		if (e->table != table || !str_equal(key, str_make(e->key, e->key_length)))
			continue;
		free(e->key);
		free(e->value);
		*e = store->entries[--store->n];
		return;
	}
}

static char *
copy_bytes(Str s)
{
	char *copy = xmalloc(s.length + 1);

	if (s.length > 0)
		memcpy(copy, s.data, s.length);
	return copy;
}

static void
store_put(StateBackend *base, int op_id, int table, Str key, Str value)
{
	Store *store = (Store *)base;

	store_remove(base, op_id, table, key);
	grow_array(store->entries, store->n, store->capacity);
	store->entries[store->n++] = (Entry){table, copy_bytes(key), copy_bytes(value), key.length, value.length};
}

static void
store_free(Store *store)
{
	for (int i = 0; i < store->n; i++) {
		free(store->entries[i].key);
		free(store->entries[i].value);
	}
	free(store->entries);
}

/* ---- an operator with a collector behind it ---- */

typedef struct Collector {
	Op	   op;
	StrBuf *text;
} Collector;

static Status
collector_push(Op *op, int port, const Batch *in, Error *err)
{
	(void)port, (void)err;
	batch_print(in, ((Collector *)op)->text);
	return OK;
}

static const OpType collector_type = {.name = "Collector", .size = sizeof(Collector), .ports = 1, .push = collector_push};

typedef struct Rig {
	const OpType *type;
	const void	 *spec;
	Store		  store;
	Task		  task;
	Op			 *op;
	Collector	  collector;
	OpOutput	  output;
	StrBuf		  text;
} Rig;

static void
rig_open(Rig *rig)
{
	Error error = {0};

	task_init(&rig->task, NULL);
	rig->task.services.state = &rig->store.base;
	rig->op = xcalloc(1, rig->type->size);
	rig->op->type = rig->type;
	rig->op->spec = rig->spec;
	rig->op->task = &rig->task;
	rig->op->n_inputs = 2;
	rig->op->n_outputs = 1;
	rig->output = (OpOutput){&rig->collector.op, 0};
	rig->op->outputs = &rig->output;
	rig->collector = (Collector){.op = {.type = &collector_type, .task = &rig->task, .n_inputs = 1}, .text = &rig->text};
	ck_assert_msg(op_open(rig->op, &error) == OK, "%s", error.message);
}

static void
rig_close(Rig *rig)
{
	op_close(rig->op);
	free(rig->op);
	task_free(&rig->task);
}

/* ---- scripts: "L + 1 a 10; R - 1 . 20": side, kind (+ 0 ^ -), key, value, time[, window start, end] ---- */

typedef struct Line {
	int		port;
	RowKind kind;
	bool	has_key;
	int64_t key;
	char	value[40];
	bool	has_value;
	int64_t time;
	bool	has_window;
	int64_t window[2];
} Line;

static int
parse_script(const char *script, Line *lines)
{
	int n = 0;

	while (*script != '\0') {
		char  side, kind, key[24];
		Line *line = &lines[n];
		int	  used = 0, more = 0;

		*line = (Line){0};
		ck_assert_msg(sscanf(script, " %c %c %23s %39s %ld%n", &side, &kind, key, line->value, &line->time, &used) == 5, "%s",
					  script);
		script += used;
		if (sscanf(script, " %ld %ld%n", &line->window[0], &line->window[1], &more) == 2) {
			line->has_window = true;
			script += more;
		}
		line->port = side == 'R';
		line->kind = kind == '+' ? ROW_INSERT : kind == '0' ? ROW_INSERT_NULL : kind == '^' ? ROW_UPSERT : ROW_DELETE;
		line->has_key = strcmp(key, ".") != 0;
		line->key = atoll(key);
		line->has_value = strcmp(line->value, ".") != 0 && !row_kind_is_null(line->kind);
		while (*script == ';' || *script == ' ' || *script == '\n')
			script++;
		n++;
	}
	return n;
}

static void
rig_push(Rig *rig, const Line *lines, int n)
{
	Arena	 arena = {0};
	Batch	*in = batch_new(&arena, 2, n);
	Vector	*key = vector_new(&arena, type_bigint, n);
	/* A foreign key join's left value is its foreign key. */
	const Type *type = rig->type == &op_join_foreign && lines[0].port == 0 ? type_bigint : type_string;
	Vector	*value = vector_new(&arena, type, n);
	int64_t *time = arena_array(&arena, int64_t, n);
	int64_t *start = arena_array(&arena, int64_t, n);
	int64_t *end = arena_array(&arena, int64_t, n);
	uint8_t *kind = arena_array(&arena, uint8_t, n);
	Error	 error = {0};

	for (int i = 0; i < n; i++) {
		Value k = value_integer(type_bigint, lines[i].key);
		Value v = type == type_bigint ? value_integer(type, atoll(lines[i].value)) : value_text(type, str_of(lines[i].value));

		k.is_null = !lines[i].has_key;
		v.is_null = !lines[i].has_value;
		vector_set(key, &arena, i, &k);
		vector_set(value, &arena, i, &v);
		time[i] = lines[i].time;
		start[i] = lines[i].window[0];
		end[i] = lines[i].window[1];
		kind[i] = (uint8_t)lines[i].kind;
	}
	in->columns[0] = key;
	in->columns[1] = value;
	in->event_time = time;
	in->row_kind = kind;
	if (lines[0].has_window) {
		in->window_start = start;
		in->window_end = end;
	}
	ck_assert_msg(op_push(rig->op, lines[0].port, in, &error) == OK, "%s", error.message);
	arena_free(&arena);
}

typedef enum Mode { ONE_BY_ONE, IN_RUNS, RESTARTED, N_MODES } Mode;

/* Everything that a script gives; to be freed.  `ends`: both inputs come to their end. */
static char *
run_lines(const OpType *type, const void *spec, const Line *lines, int n, bool ends, Mode mode)
{
	Rig	  rig = {.type = type, .spec = spec, .store.base = {store_scan, store_put, store_remove}};
	Error error = {0};
	char *text;

	rig_open(&rig);
	for (int i = 0, next; i < n; i = next) {
		for (next = i + 1; mode == IN_RUNS && next < n && next - i < BATCH_ROWS && lines[next].port == lines[i].port;)
			next++;
		rig_push(&rig, &lines[i], next - i);
		if (mode == RESTARTED) {
			ck_assert_int_eq(op_flush(rig.op, &error), OK);
			rig_close(&rig);
			rig_open(&rig);
		}
	}
	if (ends)
		for (int port = 0; port < 2; port++) {
			ck_assert_int_eq(op_advance(rig.op, port, INT64_MAX, &error), OK);
			ck_assert_int_eq(op_finish(rig.op, port, &error), OK);
		}
	rig_close(&rig);
	store_free(&rig.store);
	text = xstrdup(strbuf_text(&rig.text));
	strbuf_free(&rig.text);
	return text;
}

static void
check_script(const OpType *type, const void *spec, const char *script, bool ends, const char *expected)
{
	Line lines[64];
	int	 n = parse_script(script, lines);

	for (Mode mode = 0; mode < N_MODES; mode++) {
		char *text = run_lines(type, spec, lines, n, ends, mode);

		ck_assert_msg(strcmp(text, expected) == 0, "mode %d\n%s\ngave\n%swanted\n%s", mode, script, text, expected);
		free(text);
	}
}

/* Compares the modes with each other; gives the output. */
static char *
check_modes(const OpType *type, const void *spec, const Line *lines, int n)
{
	char *first = run_lines(type, spec, lines, n, true, ONE_BY_ONE);

	for (Mode mode = 1; mode < N_MODES; mode++) {
		char *text = run_lines(type, spec, lines, n, true, mode);

		ck_assert_msg(strcmp(text, first) == 0, "mode %d\n%s\nbut one by one\n%s", mode, text, first);
		free(text);
	}
	return first;
}

static const Type *const *
two_types(void)
{
	static const Type *types[2];

	types[0] = type_bigint;
	types[1] = type_string;
	return types;
}

static JoinWindowSpec
window_spec(JoinKind kind, int64_t before, int64_t after, int64_t grace, bool has_grace)
{
	return (JoinWindowSpec){.kind = kind, .n_key = 1, .n_left = 2, .n_right = 2, .before_ms = before, .after_ms = after,
							.grace_ms = grace, .has_grace = has_grace, .left_types = two_types(), .right_types = two_types()};
}

static JoinTableSpec
table_spec(JoinKind kind)
{
	return (JoinTableSpec){.kind = kind, .n_key = 1, .n_left = 2, .n_right = 2, .left_types = two_types(),
						   .right_types = two_types()};
}

/* ---- stream-stream ---- */

START_TEST(window_without_grace_is_eager)
{
	JoinWindowSpec left = window_spec(JOIN_LEFT, 10, 10, 1000, false);
	JoinWindowSpec inner = window_spec(JOIN_INNER, 10, 10, 1000, false);
	JoinWindowSpec full = window_spec(JOIN_FULL, 10, 10, 1000, false);
	const char	  *script = "L + 1 a 10; R + 1 b 15; R + 2 c 16; L + 1 d 26; L + . e 27; L 0 1 . 28; R + . f 29";

	check_script(&op_join_window, &left, script, true,
				 "+ 1 1 'a' . . @10\n+ 1 1 'a' 1 'b' @15\n+ 1 1 'd' . . @26\n+ . . 'e' . . @27\n");
	check_script(&op_join_window, &inner, script, true, "+ 1 1 'a' 1 'b' @15\n");
	check_script(&op_join_window, &full, script, true,
				 "+ 1 1 'a' . . @10\n+ 1 1 'a' 1 'b' @15\n+ 2 . . 2 'c' @16\n+ 1 1 'd' . . @26\n"
				 "+ . . 'e' . . @27\n+ . . . . 'f' @29\n");
}
END_TEST

START_TEST(window_with_grace_holds)
{
	JoinWindowSpec left = window_spec(JOIN_LEFT, 10, 10, 5, true);
	JoinWindowSpec full = window_spec(JOIN_FULL, 10, 10, 5, true);

	/* Matched rows are not padded; others when stream time passes time + 10 + 5, or at the end. */
	check_script(&op_join_window, &left, "L + 1 a 10; R + 1 b 15; L + 2 c 16; L + 3 d 31; L + 4 e 32", false,
				 "+ 1 1 'a' 1 'b' @15\n+ 2 2 'c' . . @16\n");
	check_script(&op_join_window, &left, "L + 2 c 16; L + 1 d 20", true, "+ 2 2 'c' . . @16\n+ 1 1 'd' . . @20\n");
	/* Too late to be held: padded at once. */
	check_script(&op_join_window, &left, "R + 9 x 100; L + 1 a 89; L + 2 b 90", false, "+ 1 1 'a' . . @89\n");
	/* By time, left before right, key. */
	check_script(&op_join_window, &full, "R + 2 b 10; L + 3 c 10; L + 1 a 10; R + 7 d 9; L + 8 e 50", false,
				 "+ 7 . . 7 'd' @9\n+ 1 1 'a' . . @10\n+ 3 3 'c' . . @10\n+ 2 . . 2 'b' @10\n");
	/* A late row does not release, and finds what is held. */
	check_script(&op_join_window, &left, "L + 1 a 10; R + . x 30; R + 1 b 12", true, "+ 1 1 'a' 1 'b' @12\n");
}
END_TEST

START_TEST(window_order_and_reach)
{
	JoinWindowSpec inner = window_spec(JOIN_INNER, 2, 5, 100, false);
	JoinWindowSpec right = window_spec(JOIN_RIGHT, 2, 5, 100, false);
	JoinWindowSpec short_horizon = window_spec(JOIN_INNER, 10, 10, 0, true);

	/* By rising time, equal ones by arrival, whatever the order of arrival. */
	check_script(&op_join_window, &inner, "R + 1 c 14; R + 1 a 10; R + 1 b 10; R + 1 x 16; R + 1 y 7; L + 1 l 10", true,
				 "+ 1 1 'l' 1 'a' @10\n+ 1 1 'l' 1 'b' @10\n+ 1 1 'l' 1 'c' @14\n");
	check_script(&op_join_window, &inner, "L + 1 a 10; R + 1 b 8; R + 1 c 15; R + 1 d 16; R + 1 e 7", true,
				 "+ 1 1 'a' 1 'b' @10\n+ 1 1 'a' 1 'c' @15\n");
	/* RIGHT: relative to the right row. */
	check_script(&op_join_window, &right, "R + 1 a 10; L + 1 b 8; L + 1 c 15; L + 1 d 16; L + 1 e 7", true,
				 "+ 1 . . 1 'a' @10\n+ 1 1 'b' 1 'a' @10\n+ 1 1 'c' 1 'a' @15\n");
	/* Visible: time >= greatest - horizon + 1. */
	check_script(&op_join_window, &short_horizon, "R + 1 a 10; R + 1 b 11; R + 2 z 30; L + 1 l 15", true,
				 "+ 1 1 'l' 1 'b' @15\n");
}
END_TEST

START_TEST(window_of_windowed_keys)
{
	JoinWindowSpec time = window_spec(JOIN_LEFT, 10, 10, 100, false);
	JoinWindowSpec session;

	time.is_windowed = true;
	session = time;
	session.is_session = true;
	check_script(&op_join_window, &time, "L + 1 a 10 0 20; R + 1 b 15 0 30; R + 1 c 15 10 30", true,
				 "+ 1 1 'a' . . [0 20) @10\n+ 1 1 'a' 1 'b' [0 20) @15\n");
	check_script(&op_join_window, &session, "R + 1 b 15 0 30; R + 1 c 15 0 20; L + 1 a 10 0 20; L + 1 d 10 0 31", true,
				 "+ 1 1 'a' 1 'c' [0 20) @15\n+ 1 1 'd' . . [0 31) @10\n");
}
END_TEST

/* ---- with tables ---- */

START_TEST(stream_table)
{
	JoinTableSpec inner = table_spec(JOIN_INNER), left = table_spec(JOIN_LEFT);
	const char	 *script = "L + 1 a 10; R ^ 1 x 20; L + 1 b 5; R - 1 . 6; L + 1 c 7; L + . d 8; L 0 1 . 9; R ^ 2 y 1; L + 2 e 30";

	check_script(&op_join_stream_table, &inner, script, true, "+ 1 1 'b' 1 'x' @5\n+ 2 2 'e' 2 'y' @30\n");
	check_script(&op_join_stream_table, &left, script, true,
				 "+ 1 1 'a' . . @10\n+ 1 1 'b' 1 'x' @5\n+ 1 1 'c' . . @7\n+ . . 'd' . . @8\n"
				 "+ 2 2 'e' 2 'y' @30\n");
}
END_TEST

START_TEST(table_table)
{
	JoinTableSpec inner = table_spec(JOIN_INNER), left = table_spec(JOIN_LEFT), full = table_spec(JOIN_FULL),
				  right = table_spec(JOIN_RIGHT);
	const char	 *script = "L ^ 1 a 10; R ^ 1 x 20; L ^ 1 b 15; R - 1 . 21; R - 1 . 22; L - 1 . 23; L - 1 . 24; R ^ 1 y 25; L ^ 1 c 1;"
						   "L - 1 . 2; R - 1 . 3";

	check_script(&op_join_table_table, &inner, script, true,
				 "^ 1 1 'a' 1 'x' @20\n^ 1 1 'b' 1 'x' @20\n- 1 1 . 1 . @21\n- 1 1 . 1 . @22\n"
				 "^ 1 1 'c' 1 'y' @25\n- 1 1 . 1 . @25\n");
	check_script(&op_join_table_table, &left, script, true,
				 "^ 1 1 'a' . . @10\n^ 1 1 'a' 1 'x' @20\n^ 1 1 'b' 1 'x' @20\n^ 1 1 'b' . . @21\n"
				 "^ 1 1 'b' . . @22\n- 1 1 . 1 . @23\n^ 1 1 'c' 1 'y' @25\n- 1 1 . 1 . @25\n");
	check_script(&op_join_table_table, &right, script, true,
				 "^ 1 1 'a' 1 'x' @20\n^ 1 1 'b' 1 'x' @20\n- 1 1 . 1 . @21\n- 1 1 . 1 . @22\n"
				 "^ 1 . . 1 'y' @25\n^ 1 1 'c' 1 'y' @25\n^ 1 . . 1 'y' @25\n- 1 1 . 1 . @3\n");
	check_script(&op_join_table_table, &full, script, true,
				 "^ 1 1 'a' . . @10\n^ 1 1 'a' 1 'x' @20\n^ 1 1 'b' 1 'x' @20\n^ 1 1 'b' . . @21\n"
				 "^ 1 1 'b' . . @22\n- 1 1 . 1 . @23\n^ 1 . . 1 'y' @25\n^ 1 1 'c' 1 'y' @25\n"
				 "^ 1 . . 1 'y' @25\n- 1 1 . 1 . @3\n");
}
END_TEST

static JoinForeignSpec
foreign_spec(Arena *arena, JoinKind kind)
{
	static const Type  *left_types[2];
	static const Expr  *foreign[1];

	left_types[0] = left_types[1] = type_bigint;
	foreign[0] = expr_column(arena, 1, type_bigint, "F");
	return (JoinForeignSpec){.kind = kind, .n_key = 1, .n_left = 2, .n_right = 2, .n_foreign = 1, .foreign = foreign,
							 .left_types = left_types, .right_types = two_types()};
}

START_TEST(foreign_key)
{
	Arena			arena = {0};
	JoinForeignSpec inner = foreign_spec(&arena, JOIN_INNER), left = foreign_spec(&arena, JOIN_LEFT);
	const char	   *script = "L ^ 3 7 10; L ^ 1 7 11; L ^ 2 8 12; R ^ 7 x 20; R ^ 7 y 5; R ^ 9 z 6; L ^ 1 9 1; L ^ 1 8 2;"
							 "L ^ 4 . 3; R - 7 . 30; R - 7 . 31";

	check_script(&op_join_foreign, &inner, script, true,
				 "^ 1 1 7 7 'x' @20\n^ 3 3 7 7 'x' @20\n^ 1 1 7 7 'y' @5\n^ 3 3 7 7 'y' @5\n^ 1 1 9 9 'z' @6\n"
				 "- 1 1 . . . @2\n- 3 3 . . . @30\n- 3 3 . . . @31\n");
	check_script(&op_join_foreign, &left, script, true,
				 "^ 3 3 7 . . @10\n^ 1 1 7 . . @11\n^ 2 2 8 . . @12\n^ 1 1 7 7 'x' @20\n^ 3 3 7 7 'x' @20\n^ 1 1 7 7 'y' @5\n"
				 "^ 3 3 7 7 'y' @5\n^ 1 1 9 9 'z' @6\n^ 1 1 8 . . @2\n^ 4 4 . . . @3\n^ 3 3 7 . . @30\n^ 3 3 7 . . @31\n");
	/* Foreign keys that become NULL and come back; deletes. */
	script = "R ^ 7 x 50; L ^ 1 7 10; L ^ 1 . 20; L ^ 1 . 21; L ^ 1 7 60; L - 1 . 30; L - 1 . 31; L ^ 2 . 32; L - 2 . 33;"
			 "L ^ 3 8 34; L - 3 . 35";
	check_script(&op_join_foreign, &inner, script, true,
				 "^ 1 1 7 7 'x' @50\n- 1 1 . . . @50\n^ 1 1 7 7 'x' @60\n- 1 1 . . . @50\n- 3 3 . . . @35\n");
	check_script(&op_join_foreign, &left, script, true,
				 "^ 1 1 7 7 'x' @50\n^ 1 1 . . . @20\n^ 1 1 . . . @21\n^ 1 1 7 7 'x' @60\n- 1 1 . . . @30\n"
				 "^ 2 2 . . . @32\n- 2 2 . . . @33\n^ 3 3 8 . . @34\n- 3 3 . . . @35\n");
	arena_free(&arena);
}
END_TEST

/* ---- random scripts ---- */

enum { N_RANDOM = 400 };

static void
random_lines(Line *lines, int n, bool is_table[2], bool numeric_left)
{
	int64_t now = 100;

	for (int i = 0; i < n; i++) {
		Line *line = &lines[i];

		*line = (Line){.port = rand() % 5 < 2, .key = rand() % 6, .has_key = true, .has_value = true};
		if (i > 0 && rand() % 3 > 0)
			line->port = lines[i - 1].port;
		now += rand() % 5 == 0 ? rand() % 12 : 0;
		line->time = now - (rand() % 3 == 0 ? rand() % 25 : 0);
		line->kind = is_table[line->port] ? (rand() % 4 == 0 ? ROW_DELETE : ROW_UPSERT) : ROW_INSERT;
		if (!is_table[line->port] && rand() % 20 == 0)
			line->kind = ROW_INSERT_NULL;
		if (!is_table[line->port] && rand() % 20 == 0)
			line->has_key = false;
		line->has_value = !row_kind_is_null(line->kind) && rand() % 9 != 0;
		if (numeric_left && line->port == 0)
			snprintf(line->value, sizeof line->value, "%d", rand() % 6);
		else
			snprintf(line->value, sizeof line->value, "%s%d", rand() % 2 == 0 ? "v" : "a value that is not short ", i);
	}
}

static void
model_value(const Line *line, StrBuf *out)
{
	if (line == NULL)
		strbuf_add_text(out, " . .");
	else {
		line->has_key ? strbuf_printf(out, " %ld", line->key) : strbuf_add_text(out, " .");
		line->has_value ? strbuf_printf(out, " '%s'", line->value) : strbuf_add_text(out, " .");
	}
}

static void
model_emit(const Line *left, const Line *right, StrBuf *out)
{
	const Line *any = left != NULL ? left : right;
	int64_t		time = left == NULL ? right->time : right == NULL || left->time > right->time ? left->time : right->time;

	any->has_key ? strbuf_printf(out, "+ %ld", any->key) : strbuf_add_text(out, "+ .");
	model_value(left, out);
	model_value(right, out);
	strbuf_printf(out, " @%ld\n", time);
}

/* Held rows that are due, lowest (time, side, key, arrival) first. */
static void
model_release(const JoinWindowSpec *spec, const int64_t *ahead, const Line *lines, bool *held, int n, int64_t now, StrBuf *out)
{
	for (;;) {
		int best = -1;

		for (int i = 0; i < n; i++) {
			const Line *a = &lines[i], *b = &lines[best < 0 ? 0 : best];

			if (!held[i] || (now != INT64_MAX && a->time + ahead[a->port] + spec->grace_ms >= now))
				continue;
			if (best < 0 || a->time < b->time || (a->time == b->time && (a->port < b->port ||
				(a->port == b->port && a->key < b->key))))
				best = i;
		}
		if (best < 0)
			return;
		held[best] = false;
		model_emit(lines[best].port == 0 ? &lines[best] : NULL, lines[best].port == 1 ? &lines[best] : NULL, out);
	}
}

/* The stream-stream join written down as its definition, over the whole history. */
static char *
model_window(const JoinWindowSpec *spec, const Line *lines, int n)
{
	int		base = spec->kind == JOIN_RIGHT;
	int64_t back[2], ahead[2], greatest[2] = {INT64_MIN, INT64_MIN}, now = INT64_MIN;
	int64_t horizon = spec->before_ms + spec->after_ms + spec->grace_ms;
	bool	kept[N_RANDOM] = {0}, held[N_RANDOM] = {0}, done[N_RANDOM];
	bool	pads[2] = {spec->kind == JOIN_LEFT || spec->kind == JOIN_FULL, spec->kind == JOIN_RIGHT || spec->kind == JOIN_FULL};
	bool	holds = spec->has_grace && spec->kind != JOIN_INNER;
	StrBuf	out = {0};

	back[base] = ahead[!base] = spec->before_ms;
	ahead[base] = back[!base] = spec->after_ms;
	for (int i = 0; i < n; i++) {
		const Line *r = &lines[i];
		int			x = r->port, o = !x;
		bool		matched = false;

		now = r->time > now ? r->time : now;
		if (r->kind == ROW_INSERT_NULL)
			continue;
		if (!r->has_key) {
			if (pads[x])
				model_emit(x == 0 ? r : NULL, x == 1 ? r : NULL, &out);
			continue;
		}
		if (holds && r->time == now)
			model_release(spec, ahead, lines, held, i, now, &out);
		memset(done, 0, sizeof done);
		for (;;) {
			int best = -1;

			for (int k = 0; k < i; k++)
				if (kept[k] && !done[k] && lines[k].port == o && lines[k].key == r->key && lines[k].time >= r->time - back[x] &&
					lines[k].time <= r->time + ahead[x] && lines[k].time >= greatest[o] - horizon + 1 &&
					(best < 0 || lines[k].time < lines[best].time))
					best = k;
			if (best < 0)
				break;
			done[best] = matched = true;
			held[best] = false;
			model_emit(x == 0 ? r : &lines[best], x == 1 ? r : &lines[best], &out);
		}
		if (!matched && pads[x]) {
			if (!holds || r->time + ahead[x] < now)
				model_emit(x == 0 ? r : NULL, x == 1 ? r : NULL, &out);
			else
				held[i] = true;
		}
		if (greatest[x] == INT64_MIN || r->time >= greatest[x] - horizon + 1) {
			kept[i] = true;
			greatest[x] = r->time > greatest[x] ? r->time : greatest[x];
		}
	}
	model_release(spec, ahead, lines, held, n, INT64_MAX, &out);
	char *text = xstrdup(strbuf_text(&out));

	strbuf_free(&out);
	return text;
}

START_TEST(window_agrees_with_model)
{
	static Line lines[N_RANDOM];

	srand(7);
	for (int round = 0; round < 40; round++) {
		JoinWindowSpec spec = window_spec((JoinKind)(round % 4), rand() % 12, rand() % 12, rand() % 20, rand() % 2);
		char		  *text, *model;

		random_lines(lines, N_RANDOM, (bool[2]){false, false}, false);
		text = check_modes(&op_join_window, &spec, lines, N_RANDOM);
		model = model_window(&spec, lines, N_RANDOM);
		ck_assert_msg(strcmp(text, model) == 0, "round %d: gave\n%s\nwanted\n%s", round, text, model);
		free(text);
		free(model);
	}
}
END_TEST

START_TEST(tables_agree_in_all_modes)
{
	static Line lines[N_RANDOM];
	Arena		arena = {0};

	srand(11);
	for (int round = 0; round < 10; round++)
		for (JoinKind kind = JOIN_INNER; kind <= JOIN_FULL; kind++) {
			JoinTableSpec	spec = table_spec(kind);
			JoinForeignSpec foreign = foreign_spec(&arena, kind);

			random_lines(lines, N_RANDOM, (bool[2]){true, true}, false);
			free(check_modes(&op_join_table_table, &spec, lines, N_RANDOM));
			if (kind > JOIN_LEFT)
				continue;
			random_lines(lines, N_RANDOM, (bool[2]){false, true}, false);
			free(check_modes(&op_join_stream_table, &spec, lines, N_RANDOM));
			random_lines(lines, N_RANDOM, (bool[2]){true, true}, true);
			free(check_modes(&op_join_foreign, &foreign, lines, N_RANDOM));
		}
	arena_free(&arena);
}
END_TEST

/* More output than a batch holds, from one row; and what is beyond the horizon is given back. */
START_TEST(window_many_rows)
{
	enum { N = 5000 };
	JoinWindowSpec spec = window_spec(JOIN_LEFT, 10, 10, 100000, true);
	Line		  *lines = xcalloc(3 * N, sizeof *lines);
	char		  *text;
	int			   n_lines = 0;

	for (int i = 0; i < N; i++) {
		lines[i] = (Line){.port = 0, .key = 1, .has_key = true, .time = 100, .has_value = true};
		snprintf(lines[i].value, sizeof lines[i].value, "a value that is long %d", i);
	}
	lines[N] = (Line){.port = 1, .key = 2, .has_key = true, .time = 100, .has_value = true, .value = "x"};
	lines[N + 1] = (Line){.port = 1, .key = 3, .has_key = true, .time = 500000, .has_value = true, .value = "y"};
	text = run_lines(&op_join_window, &spec, lines, N + 2, true, IN_RUNS);
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++) {
		char expected[64];

		snprintf(expected, sizeof expected, "+ 1 1 'a value that is long %d' . . @100\n", n_lines++);
		ck_assert(strncmp(p + 1 - strlen(expected), expected, strlen(expected)) == 0);
	}
	ck_assert_int_eq(n_lines, N);
	free(text);

	Rig rig = {.type = &op_join_window, .spec = &spec, .store.base = {store_scan, store_put, store_remove}};

	spec.grace_ms = 0;
	rig_open(&rig);
	for (int i = 0; i < 3 * N; i++) {
		lines[i] = (Line){.port = i % 2, .key = i, .has_key = true, .time = i, .has_value = true, .value = "v"};
		rig_push(&rig, &lines[i], 1);
		ck_assert_int_lt(rig.op->state_rows, 2200);
	}
	rig_close(&rig);
	store_free(&rig.store);
	strbuf_free(&rig.text);
	free(lines);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("join_stream");
	TCase	*tcase = tcase_create("join_stream");
	SRunner *runner;
	int		 n_failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, window_without_grace_is_eager);
	tcase_add_test(tcase, window_with_grace_holds);
	tcase_add_test(tcase, window_order_and_reach);
	tcase_add_test(tcase, window_of_windowed_keys);
	tcase_add_test(tcase, stream_table);
	tcase_add_test(tcase, table_table);
	tcase_add_test(tcase, foreign_key);
	tcase_add_test(tcase, window_agrees_with_model);
	tcase_add_test(tcase, tables_agree_in_all_modes);
	tcase_add_test(tcase, window_many_rows);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? 0 : 1;
}
