/* Temporary files: what is read is what was written; every I/O point can fail, and says so. */
#include "common/spill.h"

#include <check.h>
#include <stdlib.h>

#include "exec/op/spill_rows.h"

static bool
fault_named(const Env *env, const char *name)
{
	return strcmp(env->context, name) == 0;
}

typedef struct Fixture {
	Env			 env;
	MemoryBudget budget;
	SpillSpace	 space;
	SpillFile	*file;
	Error		 err;
} Fixture;

static void
fixture_init(Fixture *f, const char *fault)
{
	*f = (Fixture){.env = env_real, .budget = {.limit_bytes = 1 << 20}};
	f->env.context = (void *)(uintptr_t)fault;
	f->env.fault = fault_named;
	f->space = (SpillSpace){.env = &f->env, .directory = "/tmp", .budget = &f->budget, .n_sharers = 1};
}

/* Block i: of many sizes, some of which compress. */
static Str
block_make(char *bytes, size_t i)
{
	size_t length = 1 + i * i * 97 % 70000;

	for (size_t b = 0; b < length; b++)
		bytes[b] = (char)(i % 2 == 0 ? i : (b * 2654435761u + i * 40503u) >> 11);
	return str_make(bytes, length);
}

START_TEST(blocks_come_back)
{
	enum { N = 60 };
	Fixture		f;
	char	   *bytes = xmalloc(70001);
	int64_t		places[N], plain = 0;
	SpillBuffer buffer = {0};

	fixture_init(&f, "");
	ck_assert(spill_open(&f.space, &f.file, &f.err) == OK);
	for (size_t i = 0; i < N; i++) {
		Str block = block_make(bytes, i);

		places[i] = spill_end(f.file);
		plain += (int64_t)block.length;
		ck_assert(spill_write(f.file, block, &f.err) == OK);
	}
	ck_assert_int_eq(spill_plain_bytes(f.file), plain);
	for (size_t i = N; i-- > 0;) {
		int64_t at = places[i];
		Str		block = block_make(bytes, i), read;

		ck_assert(spill_read(f.file, &at, &buffer, &read, &f.err) == OK);
		ck_assert(str_equal(block, read));
		ck_assert_int_eq(at, i + 1 < N ? places[i + 1] : spill_end(f.file));
	}
	spill_buffer_free(&buffer);
	spill_close(f.file);
	free(bytes);
}
END_TEST

static Status
write_until_it_fails(Fixture *f)
{
	char  *bytes = xmalloc(70001);
	Status status = OK;

	for (size_t i = 0; i < 200 && status == OK; i++)
		status = spill_write(f->file, block_make(bytes, 2 * i + 1), &f->err);
	free(bytes);
	return status;
}

START_TEST(faults_are_told)
{
	static const char *const faults[][2] = {{"spill.full", "No room for temporary files in `/tmp`"}, {"spill.write", "cannot be written"}};
	Fixture f;

	fixture_init(&f, "spill.open");
	ck_assert(spill_open(&f.space, &f.file, &f.err) == FAILED);
	ck_assert_ptr_nonnull(strstr(f.err.message, "no temporary file can be made in `/tmp`"));
	ck_assert_ptr_nonnull(strstr(f.err.hint, "temp.directory"));
	for (int i = 0; i < 2; i++) {
		fixture_init(&f, faults[i][0]);
		ck_assert(spill_open(&f.space, &f.file, &f.err) == OK);
		ck_assert(write_until_it_fails(&f) == FAILED);
		ck_assert_ptr_nonnull(strstr(f.err.message, faults[i][1]));
		spill_close(f.file);
	}
}
END_TEST

START_TEST(a_file_that_cannot_be_read)
{
	Fixture		f;
	SpillBuffer buffer = {0};
	int64_t		at = 0;
	Str			read;

	fixture_init(&f, "spill.read");
	ck_assert(spill_open(&f.space, &f.file, &f.err) == OK);
	ck_assert(spill_write(f.file, STR("a block"), &f.err) == OK);
	ck_assert(spill_read(f.file, &at, &buffer, &read, &f.err) == FAILED);
	ck_assert_ptr_nonnull(strstr(f.err.message, "cannot be read"));
	f.env.context = (void *)(uintptr_t)"";
	at = spill_end(f.file);
	ck_assert(spill_read(f.file, &at, &buffer, &read, &f.err) == FAILED);
	ck_assert_ptr_nonnull(strstr(f.err.message, "shorter"));
	spill_buffer_free(&buffer);
	spill_close(f.file);
}
END_TEST

/* One column of each kind, with NULLs; every other row of them, and then backwards through an index. */
START_TEST(rows_come_back)
{
	enum { N = 130 };
	const Type *types[5];
	Vector	   *columns[5];
	Arena		arena = {0};
	StrBuf		block = {0};
	uint32_t	index[N];

	types[0] = type_bigint;
	types[1] = type_string;
	types[2] = type_boolean;
	types[3] = type_array(type_string);
	types[4] = type_double;
	for (int c = 0; c < 5; c++)
		columns[c] = vector_new(&arena, types[c], N);
	for (int i = 0; i < N; i++) {
		Value text = {.type = type_string, .text = str_of(arena_printf(&arena, "%.*s%d", i % 40, "a text that is longer than what is inline", i))};
		Value list = {.type = types[3], .items = &text, .n_items = (uint32_t)i % 2};

		index[i] = (uint32_t)(N - 1 - i);
		((int64_t *)columns[0]->data)[i] = i * 1000003;
		((uint8_t *)columns[2]->data)[i] = i % 2;
		((double *)columns[4]->data)[i] = i / 8.0;
		vector_set(columns[1], &arena, i, &text);
		vector_set(columns[3], &arena, i, &list);
		for (int c = 0; c < 5; c++)
			if ((i + c) % 7 == 0)
				vector_set_null(columns[c], &arena, i);
	}
	for (int pass = 0; pass < 2; pass++) {
		const Vector *read[5];
		int32_t		  n;
		Error		  err;

		strbuf_clear(&block);
		spill_rows_encode((const Vector *const *)columns, 5, pass == 0 ? NULL : index, N, &block);
		ck_assert(spill_rows_decode(types, 5, strbuf_str(&block), &arena, read, &n, &err) == OK);
		ck_assert_int_eq(n, N);
		for (int c = 0; c < 5; c++)
			for (int i = 0; i < N; i++)
				ck_assert(vector_rows_equal(columns[c], pass == 0 ? i : N - 1 - i, read[c], i));
		for (size_t cut = 0; cut < block.length; cut += 16)
			ck_assert(spill_rows_decode(types, 5, str_make(block.data, cut), &arena, read, &n, &err) == FAILED);
	}
	strbuf_free(&block);
	arena_free(&arena);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("spill");
	TCase	*tests = tcase_create("spill");
	SRunner *runner = srunner_create(suite);
	int		 n_failed;

	tcase_add_test(tests, blocks_come_back);
	tcase_add_test(tests, faults_are_told);
	tcase_add_test(tests, a_file_that_cannot_be_read);
	tcase_add_test(tests, rows_come_back);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed > 0;
}
