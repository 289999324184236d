/* data/key: key bytes, row bytes, partitions. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "data/key.h"

static Arena arena;

static Str
key_of(Value v)
{
	StrBuf buf = {0};
	Str	   key;

	key_encode_value(&v, &buf);
	key = str_make(arena_memdup(&arena, buf.data, buf.length), buf.length);
	strbuf_free(&buf);
	return key;
}

static Value
text(const char *s, size_t n)
{
	return value_text(type_string, str_make(s, n));
}

START_TEST(round_trip)
{
	const Type *map_type = type_map(type_string, type_integer);
	const Type *array_type = type_array(type_string);
	TypeField	fields[] = {{"A", type_bigint}, {"B", type_double}};
	const Type *struct_type = type_struct(fields, 2);
	Value		values[] = {
		value_null(type_string), text("", 0), text("a", 1), text("a\0b\0", 4), text("a longer text than inline", 25),
		value_integer(type_integer, -5), value_integer(type_bigint, INT64_MIN), value_boolean(true), value_double(-1.5),
		value_integer(type_date, -3), value_integer(type_timestamp, 1700000000000),
		{.type = type_decimal(30, 2), .decimal = -(((Decimal)1 << 90) + 7)},
		{.type = array_type, .n_items = 2, .items = (Value[]){text("x", 1), value_null(type_string)}},
		{.type = map_type, .n_items = 1, .items = (Value[]){text("x", 1), value_integer(type_integer, 3)}},
		{.type = struct_type, .n_items = 2, .items = (Value[]){value_integer(type_bigint, 1), value_null(type_double)}},
		{.type = type_interval, .interval = {1, -2, 3}},
	};
	Error err;

	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		Str	   key = key_of(values[i]);
		size_t at = 0;
		Value  out;
		const Vector *v = vector_constant(&arena, &values[i], 1);
		const Vector *columns[] = {v, v};
		const Type *types[] = {values[i].type, values[i].type};
		Value  row[2];
		StrBuf buf = {0};

		ck_assert_int_eq(key_decode(values[i].type, key, &at, &arena, &out, &err), OK);
		ck_assert_uint_eq(at, key.length);
		ck_assert(value_equal(&out, &values[i]));
		for (size_t n = 0; n < key.length; n++) {
			at = 0;
			ck_assert_int_eq(key_decode(values[i].type, str_make(key.data, n), &at, &arena, &out, &err), FAILED);
		}
		row_encode(columns, 2, 0, &buf);
		ck_assert_int_eq(row_decode(types, 2, strbuf_str(&buf), &arena, row, &err), OK);
		ck_assert(value_equal(&row[1], &values[i]));
		strbuf_clear(&buf);
		key_encode(columns, 2, 0, &buf);
		ck_assert_uint_eq(buf.length, 2 * key.length);
		ck_assert_mem_eq(buf.data, key.data, key.length);
		strbuf_free(&buf);
	}
}
END_TEST

START_TEST(canonical_and_ordered)
{
	const Type *map_type = type_map(type_string, type_integer);
	Value		one = value_integer(type_integer, 1), two = value_integer(type_integer, 2);
	Value		a = {.type = map_type, .n_items = 2, .items = (Value[]){text("x", 1), one, text("y", 1), two}};
	Value		b = {.type = map_type, .n_items = 2, .items = (Value[]){text("y", 1), two, text("x", 1), one}};

	ck_assert(str_equal(key_of(a), key_of(b)));
	ck_assert(str_equal(key_of(value_double(0.0)), key_of(value_double(-0.0))));
	ck_assert_int_lt(str_compare(key_of(one), key_of(two)), 0);
	ck_assert_int_gt(str_compare(key_of(value_integer(type_integer, -1)), key_of(two)), 0);
	ck_assert_int_lt(str_compare(key_of(text("a", 1)), key_of(text("ab", 2))), 0);
	ck_assert_int_lt(str_compare(key_of(text("a", 1)), key_of(text("a\0", 2))), 0);
	ck_assert_int_lt(str_compare(key_of(text("a\0", 2)), key_of(text("a\1", 2))), 0);
}
END_TEST

/* Known hashes of Kafka's Utils.murmur2, positive, modulo n. */
START_TEST(partitions)
{
	static const struct {
		const char *key;
		int32_t		hash;
	} cases[] = {
		{"21", -973932308}, {"foobar", -790332482}, {"a-little-bit-long-string", -985981536},
		{"a-little-bit-longer-string", -1486304829}, {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
		{"abc", 479470107},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_int_eq(key_partition(str_of(cases[i].key), 1000000007),
						 (int32_t)(((uint32_t)cases[i].hash & 0x7fffffff) % 1000000007));
	ck_assert_int_eq(key_partition(STR(""), 1), 0);
}
END_TEST

/* The order of the bytes is that of the values, whichever way round, also with what follows them. */
START_TEST(bytes_in_the_order_of_values)
{
	const Type *array = type_array(type_string);
	Value		a = text("a", 1), b = text("b", 1), null = value_null(type_string);
	Value		lists[][4] = {
		{value_integer(type_bigint, INT64_MIN), value_integer(type_bigint, -1), value_integer(type_bigint, 0), value_integer(type_bigint, INT64_MAX)},
		{value_double(-INFINITY), value_double(-0.5), value_double(0), value_double(NAN)},
		{text("", 0), text("a", 1), text("a\0", 2), text("a\0b", 3)},
		{text("a", 1), text("a\x01", 2), text("aa", 2), text("\xc3\xbc", 2)},
		{value_boolean(false), value_boolean(false), value_boolean(true), value_boolean(true)},
		{{.type = type_decimal(30, 2), .decimal = -((Decimal)1 << 90)}, {.type = type_decimal(30, 2), .decimal = -1},
		 {.type = type_decimal(30, 2), .decimal = 0}, {.type = type_decimal(30, 2), .decimal = (Decimal)1 << 70}},
		{{.type = array}, {.type = array, .n_items = 1, .items = &a}, {.type = array, .n_items = 2, .items = (Value[]){a, b}},
		 {.type = array, .n_items = 1, .items = &null}},
	};

	for (size_t l = 0; l < sizeof lists / sizeof *lists; l++)
		for (int way = 0; way < 4; way++)
			for (int i = 0; i < 5; i++)
				for (int j = 0; j < 5; j++) {
					bool   descending = way & 1, nulls_first = way >> 1 & 1;
					Value  missing = value_null(lists[l][0].type), *x = i < 4 ? &lists[l][i] : &missing, *y = j < 4 ? &lists[l][j] : &missing;
					StrBuf p = {0}, q = {0};
					int	   wanted, got;

					order_encode(vector_constant(&arena, x, 1), 0, descending, nulls_first, &arena, &p);
					order_encode(vector_constant(&arena, y, 1), 0, descending, nulls_first, &arena, &q);
					if (x->is_null || y->is_null)
						wanted = ((int)x->is_null - (int)y->is_null) * (nulls_first ? -1 : 1);
					else
						wanted = value_compare(x, y, false) * (descending ? -1 : 1);
					/* What comes behind decides between equal ones only. */
					strbuf_add_char(&p, (char)0xff);
					strbuf_add_char(&q, 0);
					got = str_compare(strbuf_str(&p), strbuf_str(&q));
					ck_assert_msg(wanted == 0 ? got > 0 : (got > 0) == (wanted > 0), "list %zu, %d and %d, way %d", l, i, j, way);
					strbuf_free(&p);
					strbuf_free(&q);
				}
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("key");
	TCase	*tc = tcase_create("all");
	SRunner *runner;
	int		 failed;

	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, canonical_and_ordered);
	tcase_add_test(tc, partitions);
	tcase_add_test(tc, bytes_in_the_order_of_values);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&arena);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
