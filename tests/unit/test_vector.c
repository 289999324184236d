/* data/: types, values, vectors, batches and schemas. */
#include <check.h>
#include <stdlib.h>

#include "data/batch.h"
#include "data/window.h"

static Arena arena;

static const Type *
type_of(const char *text)
{
	const Type *t = NULL;
	Error		err;

	ck_assert_msg(type_parse(str_of(text), &t, &err) == OK, "%s: %s", text, err.message);
	return t;
}

static Value
text(const char *s)
{
	return value_text(type_string, str_of(s));
}

static Vector *
integers(int n, const int *values, const char *nulls)
{
	Vector *v = vector_new(&arena, type_integer, n);

	for (int i = 0; i < n; i++) {
		((int32_t *)v->data)[i] = values[i];
		if (nulls != NULL && nulls[i] == 'n')
			vector_set_null(v, &arena, i);
	}
	return v;
}

START_TEST(types)
{
	static const char *const same[] = {
		"BOOLEAN", "DECIMAL(4, 2)", "ARRAY<STRUCT<`F` DECIMAL(4, 2), `g h` STRING>>", "MAP<STRING, ARRAY<BIGINT>>",
		"STRUCT< >", "STRUCT<`a``b` INTEGER>",
	};
	TypeField fields[] = {{"F", type_integer}};
	Error	  err;
	const Type *t;

	for (size_t i = 0; i < sizeof same / sizeof *same; i++)
		ck_assert_str_eq(type_to_arena(type_of(same[i]), &arena), same[i]);
	ck_assert_ptr_eq(type_of("int"), type_integer);
	ck_assert_ptr_eq(type_of("VARCHAR(20)"), type_string);
	ck_assert_ptr_eq(type_of("struct<f int>"), type_struct(fields, 1));
	ck_assert_ptr_eq(type_array(type_bigint), type_of("ARRAY < BIGINT >"));
	ck_assert_ptr_ne(type_decimal(4, 2), type_decimal(4, 1));
	for (int i = 1; i < 300; i++)
		ck_assert_ptr_eq(type_decimal(i, 1), type_decimal(i, 1));
	ck_assert_int_eq(type_parse(STR("FOO"), &t, &err), FAILED);
	ck_assert_ptr_nonnull(strstr(err.message, "FOO"));
	ck_assert_int_eq(type_parse(STR("DECIMAL"), &t, &err), FAILED);
	ck_assert_int_eq(type_parse(STR("DECIMAL(2, 3)"), &t, &err), FAILED);
	ck_assert_int_eq(type_parse(STR("ARRAY<INT"), &t, &err), FAILED);
	ck_assert(type_has_map(type_of("ARRAY<STRUCT<A MAP<STRING, INT>>>")));
	ck_assert(!type_has_map(type_of("ARRAY<INT>")));
}
END_TEST

START_TEST(forms)
{
	Vector		   *flat = integers(5, (int[]){10, 20, 30, 40, 50}, "..n..");
	const uint32_t	index[] = {4, 2, 0, 0};
	const uint32_t	again[] = {1, 3};
	Vector		   *dict = vector_dictionary(&arena, flat, index, 4);
	Vector		   *folded = vector_dictionary(&arena, dict, again, 2);
	const Vector   *copy = vector_flatten(&arena, dict);
	Value			seven = value_integer(type_integer, 7);
	Vector		   *constant = vector_constant(&arena, &seven, 100);
	uint64_t		h1[5], h2[5];

	ck_assert_int_eq(vector_get(dict, 0, &arena).integer, 50);
	ck_assert(!vector_is_valid(dict, 1));
	ck_assert_ptr_eq(folded->base, flat);
	ck_assert(!vector_is_valid(folded, 0));
	ck_assert_int_eq(vector_get(folded, 1, &arena).integer, 10);
	ck_assert_int_eq(copy->form, VECTOR_FLAT);
	for (int i = 0; i < 4; i++)
		ck_assert(vector_rows_equal(copy, i, dict, i));
	vector_hash(dict, 4, h1, false);
	vector_hash(copy, 4, h2, false);
	ck_assert_mem_eq(h1, h2, 4 * sizeof *h1);
	vector_hash(dict, 4, h1, true);
	vector_hash(copy, 4, h2, true);
	ck_assert_mem_eq(h1, h2, 4 * sizeof *h1);
	ck_assert_int_eq(vector_get(constant, 99, &arena).integer, 7);
	vector_hash(constant, 2, h1, false);
	ck_assert_uint_eq(h1[0], value_hash(&seven));
	ck_assert_ptr_ne(vector_slice(&arena, flat, 1, 3), flat);
	ck_assert(!vector_is_valid(vector_slice(&arena, flat, 1, 3), 1));
	ck_assert_int_eq(vector_get(vector_slice(&arena, flat, 1, 3), 2, &arena).integer, 40);
}
END_TEST

START_TEST(slices_of_bitmaps)
{
	Vector *v = vector_new(&arena, type_bigint, 300);

	for (int i = 0; i < 300; i++) {
		((int64_t *)v->data)[i] = i;
		if (i % 3 == 0)
			vector_set_null(v, &arena, i);
	}
	for (int first = 0; first < 130; first++) {
		Vector *slice = vector_slice(&arena, v, first, 300 - first);

		for (int i = 0; i < 300 - first; i++)
			ck_assert_int_eq(vector_is_valid(slice, i), (first + i) % 3 != 0);
	}
}
END_TEST

START_TEST(nested)
{
	const Type *type = type_of("ARRAY<STRUCT<A STRING, M MAP<STRING, INTEGER>>>");
	Vector	   *v = vector_new(&arena, type, 20);
	Vector	   *to = vector_new(&arena, type, 20);
	Vector	   *gathered;
	uint32_t	index[20];

	for (int i = 0; i < 20; i++) {
		Value entries[] = {text("key one"), value_integer(type_integer, i), text("a second, longer key"),
						   value_null(type_integer)};
		Value map = {.type = type->element->fields[1].type, .n_items = 2, .items = entries};
		Value fields[] = {text(i % 2 ? "short" : "a text that is long enough to be outside of the view"), map};
		Value record = {.type = type->element, .n_items = 2, .items = fields};
		Value none = value_null(type->element);
		Value list = {.type = type, .n_items = (uint32_t)(i % 4),
					  .items = (Value[]){record, none, record}};

		if (i == 7)
			list.is_null = true;
		vector_set(v, &arena, i, &list);
		index[19 - i] = (uint32_t)i;
	}
	ck_assert(!vector_is_valid(v, 7));
	for (int i = 0; i < 20; i++) {
		Value	 value = vector_get(v, i, &arena);
		Value	 copy = value_copy(&arena, value);
		uint64_t hash;
		Vector	*one = vector_constant(&arena, &value, 3);

		ck_assert(value_equal(&value, &copy));
		vector_hash(one, 1, &hash, false);
		ck_assert_uint_eq(value_hash(&value), hash);
		vector_copy_row(to, &arena, i, v, i);
		ck_assert(vector_rows_equal(to, i, v, i));
		ck_assert(vector_rows_equal(one, 2, v, i));
	}
	for (int share = 0; share < 2; share++) {
		gathered = vector_gather(&arena, v, index, 20, share);
		for (int i = 0; i < 20; i++)
			ck_assert(vector_rows_equal(gathered, i, v, 19 - i));
	}
	ck_assert(!vector_rows_equal(v, 1, v, 2));
	ck_assert_uint_eq(vector_get(v, 3, &arena).n_items, 3);
	ck_assert(vector_get(v, 3, &arena).items[1].is_null);
}
END_TEST

START_TEST(maps_have_no_order)
{
	const Type *type = type_of("MAP<STRING, INTEGER>");
	Value		one = value_integer(type_integer, 1), two = value_integer(type_integer, 2);
	Value		a = {.type = type, .n_items = 2, .items = (Value[]){text("x"), one, text("y"), two}};
	Value		b = {.type = type, .n_items = 2, .items = (Value[]){text("y"), two, text("x"), one}};
	Value		c = {.type = type, .n_items = 2, .items = (Value[]){text("y"), one, text("x"), two}};
	Vector	   *v = vector_new(&arena, type, 3);

	vector_set(v, &arena, 0, &a);
	vector_set(v, &arena, 1, &b);
	vector_set(v, &arena, 2, &c);
	ck_assert(value_equal(&a, &b));
	ck_assert_uint_eq(value_hash(&a), value_hash(&b));
	ck_assert(!value_equal(&a, &c));
	ck_assert(vector_rows_equal(v, 0, v, 1));
	ck_assert(!vector_rows_equal(v, 0, v, 2));
}
END_TEST

START_TEST(order)
{
	Value bmp = text("\xef\xbf\xbd"), beyond = text("\xf0\x9f\x98\x80");
	Value high = value_text(type_bytes, STR("\x80")), low = value_text(type_bytes, STR("\x01"));
	Value nan = value_double(0.0 / 0.0), zero = value_double(0.0), minus_zero = value_double(-0.0);

	ck_assert_int_lt(value_compare(&beyond, &bmp, true), 0);
	ck_assert_int_gt(value_compare(&beyond, &bmp, false), 0);
	ck_assert_int_lt(value_compare(&high, &low, true), 0);
	ck_assert_int_gt(value_compare(&high, &low, false), 0);
	ck_assert_int_gt(value_compare(&nan, &zero, true), 0);
	ck_assert(value_equal(&nan, &nan));
	ck_assert(value_equal(&zero, &minus_zero));
	ck_assert_uint_eq(value_hash(&zero), value_hash(&minus_zero));
}
END_TEST

START_TEST(batches)
{
	Vector	   *id = integers(4, (int[]){1, 2, 3, 4}, NULL);
	Vector	   *names = vector_new(&arena, type_string, 4);
	Batch	   *b = batch_new(&arena, 2, 4);
	int64_t		times[] = {100, 200, 300, 400};
	uint8_t		kinds[] = {ROW_INSERT, ROW_UPSERT, ROW_DELETE, ROW_AFTER};
	const uint32_t index[] = {3, 1};
	StrBuf		out = {0};
	Value		name = text("a name");

	for (int i = 0; i < 4; i++)
		vector_set(names, &arena, i, &name);
	vector_set_null(names, &arena, 2);
	b->columns[0] = id;
	b->columns[1] = names;
	b->event_time = times;
	b->row_kind = kinds;
	batch_print(batch_select(&arena, b, index, 2), &out);
	ck_assert_str_eq(strbuf_text(&out), "> 4 'a name' @400\n^ 2 'a name' @200\n");
	strbuf_clear(&out);
	batch_print(batch_copy(&arena, batch_slice(&arena, b, 1, 2)), &out);
	ck_assert_str_eq(strbuf_text(&out), "^ 2 'a name' @200\n- 3 . @300\n");
	strbuf_free(&out);
}
END_TEST

START_TEST(schemas)
{
	const char	 *printed = "`ID` BIGINT KEY, `K,2` STRING KEY, `V` STRUCT<`A` INTEGER, `B` DECIMAL(4, 2)>";
	const Schema *schema = NULL;
	StrBuf		  out = {0};
	Error		  err;

	ck_assert_msg(schema_parse(&arena, str_of(printed), &schema, &err) == OK, "%s", err.message);
	ck_assert_int_eq(schema->n_columns, 3);
	ck_assert_int_eq(schema->n_key, 2);
	ck_assert_int_eq(schema_find(schema, STR("V")), 2);
	ck_assert_int_eq(schema_find(schema, STR("v")), -1);
	schema_print(schema_copy(&arena, schema), &out);
	ck_assert_str_eq(strbuf_text(&out), printed);
	strbuf_free(&out);
	ck_assert_int_eq(schema_parse(&arena, STR(""), &schema, &err), OK);
	ck_assert_int_eq(schema->n_columns, 0);
}
END_TEST

START_TEST(windows)
{
	WindowSpec tumbling = {.kind = WINDOW_TUMBLING, .size_ms = 10, .advance_ms = 10};
	WindowSpec hopping = {.kind = WINDOW_HOPPING, .size_ms = 30, .advance_ms = 10};

	ck_assert_int_eq(window_first_start(&tumbling, 0), 0);
	ck_assert_int_eq(window_first_start(&tumbling, 9), 0);
	ck_assert_int_eq(window_first_start(&tumbling, 10), 10);
	ck_assert_int_eq(window_first_start(&hopping, 5), 0);
	ck_assert_int_eq(window_first_start(&hopping, 29), 0);
	ck_assert_int_eq(window_first_start(&hopping, 30), 10);
	ck_assert_int_eq(window_first_start(&hopping, 59), 30);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("vector");
	TCase	*tc = tcase_create("all");
	SRunner *runner;
	int		 failed;

	tcase_add_test(tc, types);
	tcase_add_test(tc, forms);
	tcase_add_test(tc, slices_of_bitmaps);
	tcase_add_test(tc, nested);
	tcase_add_test(tc, maps_have_no_order);
	tcase_add_test(tc, order);
	tcase_add_test(tc, batches);
	tcase_add_test(tc, schemas);
	tcase_add_test(tc, windows);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	arena_free(&arena);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
