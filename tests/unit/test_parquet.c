/* Parquet's encodings: what was written is read back, bytes that are cut off are refused. */
#include <check.h>
#include <stdlib.h>

#include "io/format/parquet/parquet_codec.h"
#include "io/format/parquet/parquet_decode.h"
#include "io/format/parquet/parquet_leaf_writer.h"
#include "io/format/parquet/thrift.h"

static uint64_t seed = 42;

static uint32_t
next_random(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return below > 0 ? (uint32_t)(seed >> 33) % below : 0;
}

/* Numbers of `width` bits in runs of random length. */
static void
fill(uint32_t *values, int32_t n, int width)
{
	uint32_t mask = width == 32 ? UINT32_MAX : (1u << width) - 1;

	for (int32_t i = 0; i < n;) {
		int32_t	 run = next_random(3) == 0 ? (int32_t)next_random(40) + 1 : 1;
		uint32_t value = (next_random(UINT32_MAX) ^ next_random(UINT32_MAX) << 16) & mask;

		for (; run > 0 && i < n; run--)
			values[i++] = value;
	}
}

/* The decoder may read behind the bytes. */
static const uint8_t *
padded(StrBuf *buf)
{
	static const char zeros[PARQUET_PAD];

	strbuf_add(buf, zeros, sizeof zeros);
	return (const uint8_t *)buf->data;
}

START_TEST(runs_and_groups)
{
	uint32_t values[3000], back[3000];

	for (int width = 1; width <= 32; width++)
		for (int round = 0; round < 20; round++) {
			int32_t n = (int32_t)next_random(3000) + 1;
			StrBuf	out = {0};
			Hybrid	h;
			size_t	length;

			fill(values, n, width);
			hybrid_write(&out, values, n, width);
			length = out.length;
			hybrid_init(&h, padded(&out), length, width);
			/* in pieces, of which some are passed over */
			for (int32_t i = 0; i < n;) {
				int32_t take = (int32_t)next_random(50) + 1;

				take = take < n - i ? take : n - i;
				if (next_random(4) == 0) {
					ck_assert(hybrid_skip(&h, take));
					memcpy(back + i, values + i, sizeof *back * (size_t)take);
				} else
					ck_assert(hybrid_read(&h, back + i, take));
				i += take;
			}
			ck_assert_mem_eq(values, back, sizeof *values * (size_t)n);
			/* half of the bytes are not enough */
			hybrid_init(&h, (const uint8_t *)out.data, length / 2, width);
			ck_assert(n < 64 || !hybrid_read(&h, back, n));
			strbuf_free(&out);
		}
}
END_TEST

START_TEST(levels_as_bits)
{
	uint32_t values[2000];
	uint64_t bits[40];

	for (int round = 0; round < 200; round++) {
		int32_t n = (int32_t)next_random(1900) + 1, first = (int32_t)next_random(100), n_set = 0, expected = 0, more = 0;
		StrBuf	out = {0};
		Hybrid	h;
		size_t	length;

		fill(values, n, 1);
		hybrid_write(&out, values, n, 1);
		length = out.length;
		hybrid_init(&h, padded(&out), length, 1);
		memset(bits, 0xff, sizeof bits);
		ck_assert(hybrid_read_bits(&h, bits, first, n / 2, &n_set));
		ck_assert(hybrid_read_bits(&h, bits, first + n / 2, n - n / 2, &more));
		for (int32_t i = 0; i < n; i++) {
			ck_assert_int_eq(bitmap_get(bits, first + i), values[i] != 0);
			expected += values[i] != 0;
		}
		ck_assert_int_eq(n_set + more, expected);
		for (int32_t i = 0; i < first; i++)
			ck_assert(bitmap_get(bits, i));
		strbuf_free(&out);
	}
}
END_TEST

START_TEST(delta_examples)
{
	/* 1, 2, 3, 4, 5 and 7, 5, 3, 1, 2, 3, 4, 5: the examples of the format's description, blocks of 128 with 4 miniblocks */
	static const uint8_t ascending[PARQUET_PAD + 16] = {0x80, 0x01, 4, 5, 2, 2, 0, 0, 0, 0};
	static const uint8_t mixed[PARQUET_PAD + 64] = {0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0};
	int64_t wide[16], n_read;
	int32_t narrow[16];
	size_t	used;

	ck_assert(delta_read_int64(ascending, 10, wide, 16, &n_read, &used));
	ck_assert_int_eq(n_read, 5);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(wide[i], i + 1);
	ck_assert(delta_read_int32(mixed, 18, narrow, 16, &n_read, &used));
	ck_assert_int_eq(n_read, 8);
	ck_assert_int_eq(narrow[0], 7);
	ck_assert_int_eq(narrow[3], 1);
	ck_assert_int_eq(narrow[7], 5);
	ck_assert(!delta_read_int32(mixed, 18, narrow, 7, &n_read, &used));
	ck_assert(!delta_read_int32(mixed, 3, narrow, 16, &n_read, &used));
}
END_TEST

START_TEST(codecs)
{
	static const ParquetCodec all[] = {PARQUET_UNCOMPRESSED, PARQUET_SNAPPY, PARQUET_GZIP, PARQUET_ZSTD, PARQUET_LZ4_RAW};
	char text[5000], back[5000];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + next_random(i % 1000 < 500 ? 2 : 26));
	for (size_t c = 0; c < sizeof all / sizeof all[0]; c++) {
		StrBuf out = {0};
		Error  err;

		ck_assert_msg(parquet_compress(all[c], str_make(text, sizeof text), &out, &err) == OK, "%s", err.message);
		ck_assert(parquet_decompress(all[c], strbuf_str(&out), back, sizeof back));
		ck_assert_mem_eq(text, back, sizeof text);
		ck_assert(!parquet_decompress(all[c], strbuf_str(&out), back, sizeof back - 1));
		ck_assert(!parquet_decompress(all[c], str_make(out.data, out.length / 2), back, sizeof back));
		strbuf_free(&out);
	}
}
END_TEST

START_TEST(thrift)
{
	StrBuf		 out = {0};
	ThriftWriter w = {.out = &out};
	ThriftReader r;
	ThriftField	 field = {0};
	ThriftType	 element;

	thrift_begin(&w);
	thrift_put_int(&w, 1, THRIFT_I64, INT64_MIN);
	thrift_put_bool(&w, 30, true);
	thrift_put_list(&w, 31, THRIFT_BINARY, 20);
	for (int i = 0; i < 20; i++)
		thrift_add_binary(&w, STR("text"));
	thrift_put_struct(&w, 32);
	thrift_put_byte(&w, 3, 200);
	thrift_end(&w);
	thrift_end(&w);
	r = (ThriftReader){.pos = (uint8_t *)out.data, .end = (uint8_t *)out.data + out.length};
	ck_assert(thrift_field(&r, &field) && field.id == 1);
	ck_assert_int_eq(thrift_int(&r), INT64_MIN);
	ck_assert(thrift_field(&r, &field) && field.id == 30 && field.type == THRIFT_TRUE);
	ck_assert(thrift_field(&r, &field) && field.id == 31);
	ck_assert_int_eq(thrift_list(&r, &element), 20);
	for (int i = 0; i < 20; i++)
		ck_assert(str_equal(thrift_binary(&r), STR("text")));
	ck_assert(thrift_field(&r, &field) && field.id == 32);
	thrift_skip(&r, field.type);
	ck_assert(!thrift_field(&r, &field));
	ck_assert(!r.failed);
	/* every prefix fails, and ends */
	for (size_t n = 0; n < out.length; n++) {
		r = (ThriftReader){.pos = (uint8_t *)out.data, .end = (uint8_t *)out.data + n};
		field = (ThriftField){0};
		while (thrift_field(&r, &field))
			thrift_skip(&r, field.type);
		ck_assert(r.failed);
	}
	strbuf_free(&out);
}
END_TEST

int
main(void)
{
	Suite	*suite = suite_create("parquet");
	TCase	*all = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int		 n_failed;

	suite_add_tcase(suite, all);
	tcase_add_test(all, runs_and_groups);
	tcase_add_test(all, levels_as_bits);
	tcase_add_test(all, delta_examples);
	tcase_add_test(all, codecs);
	tcase_add_test(all, thrift);
	srunner_run_all(runner, CK_NORMAL);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
