#include "io/format/parquet/parquet_leaf_writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "data/decimal.h"
#include "data/vector.h"
#include "io/format/parquet/parquet_codec.h"

#define DICTIONARY_BYTES_MAX ((size_t)1 << 20)
#define DICTIONARY_TRIAL 4096			/* entries after which a dictionary must have paid: two values for each */
#define PAGE_BYTES ((size_t)1 << 20)
#define PAGE_ROWS 20000					/* at most, so that what the page index says of pages is worth reading */
#define RANGE_BYTES_MAX 256				/* longer texts are not written as minimum or maximum */

/* ---- runs and groups ---- */

static void
put_varint(StrBuf *out, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		strbuf_add_char(out, (char)(n | 0x80));
	strbuf_add_char(out, (char)n);
}

static void
put_groups(StrBuf *out, const uint32_t *values, int64_t n, int width)
{
	int64_t	 n_groups = (n + 7) / 8;
	uint64_t bits = 0;
	int		 n_bits = 0;

	put_varint(out, (uint64_t)n_groups << 1 | 1);
	for (int64_t i = 0; i < n_groups * 8; i++) {
		bits |= (uint64_t)(i < n ? values[i] : 0) << n_bits;
		for (n_bits += width; n_bits >= 8; n_bits -= 8, bits >>= 8)
			strbuf_add_char(out, (char)bits);
	}
}

static void
put_run(StrBuf *out, uint32_t value, int64_t n, int width)
{
	put_varint(out, (uint64_t)n << 1);
	for (int i = 0; i < (width + 7) / 8; i++)
		strbuf_add_char(out, (char)(value >> (8 * i)));
}

/* Groups have eight values, so a run that begins within one fills it up first. */
void
hybrid_write(StrBuf *out, const uint32_t *values, int64_t n, int width)
{
	int64_t begin = 0;		/* of the values that wait to be packed */

	for (int64_t i = 0; i < n;) {
		int64_t end = i + 1, fill = (8 - (i - begin) % 8) % 8;

		while (end < n && values[end] == values[i])
			end++;
		if (end - i - fill >= 8) {
			if (i + fill > begin)
				put_groups(out, values + begin, i + fill - begin, width);
			put_run(out, values[i], end - i - fill, width);
			begin = end;
		}
		i = end;
	}
	if (begin < n)
		put_groups(out, values + begin, n - begin, width);
}

static int
bits_for(uint32_t most)
{
	return most == 0 ? 0 : 32 - __builtin_clz(most);
}

/* ---- life ---- */

static void
dictionary_begin(LeafWriter *leaf)
{
	leaf->has_dictionary = leaf->physical != PARQUET_BOOLEAN;
	strbuf_clear(&leaf->entries);
	leaf->n_codes = 0;
	if (!leaf->has_dictionary)
		return;
	if (leaf->buckets == NULL) {
		leaf->n_buckets = 1024;
		leaf->buckets = xmalloc(sizeof *leaf->buckets * leaf->n_buckets);
		leaf->starts = xmalloc(sizeof *leaf->starts * (leaf->n_buckets / 2 + 1));
	}
	memset(leaf->buckets, 0, sizeof *leaf->buckets * leaf->n_buckets);
}

void
leaf_writer_init(LeafWriter *leaf, ParquetPhysical physical, LeafOrder order, int width, int max_definition, int max_repetition)
{
	*leaf = (LeafWriter){.physical = physical, .order = order, .width = width, .max_definition = max_definition, .max_repetition = max_repetition};
	dictionary_begin(leaf);
}

void
leaf_writer_free(LeafWriter *leaf)
{
	strbuf_free(&leaf->values);
	strbuf_free(&leaf->entries);
	strbuf_free(&leaf->chunk_range.min);
	strbuf_free(&leaf->chunk_range.max);
	strbuf_free(&leaf->page_range.min);
	strbuf_free(&leaf->page_range.max);
	free(leaf->repetitions);
	free(leaf->definitions);
	free(leaf->starts);
	free(leaf->buckets);
	free(leaf->codes);
}

size_t
leaf_writer_bytes(const LeafWriter *leaf)
{
	return leaf->values.length + leaf->entries.length + (leaf->has_dictionary ? (size_t)leaf->n_values * 4 : 0) + (size_t)leaf->n_entries * 2;
}

size_t
leaf_writer_allocated(const LeafWriter *leaf)
{
	return leaf->values.capacity + leaf->entries.capacity + (size_t)leaf->codes_capacity * sizeof *leaf->codes + (size_t)leaf->capacity * 2 +
		   (size_t)leaf->n_buckets * (sizeof *leaf->buckets + sizeof *leaf->starts / 2);
}

void
leaf_writer_shrink(LeafWriter *leaf)
{
	assert(leaf->n_entries == 0);
	strbuf_free(&leaf->values);
	strbuf_free(&leaf->entries);
	free(leaf->codes);
	free(leaf->repetitions);
	free(leaf->definitions);
	free(leaf->buckets);
	free(leaf->starts);
	leaf->codes = leaf->buckets = leaf->starts = NULL;
	leaf->repetitions = leaf->definitions = NULL;
	leaf->codes_capacity = leaf->capacity = 0;
	leaf->n_buckets = 0;
	dictionary_begin(leaf);
}

/* ---- statistics ---- */

static int
compare_bytes(Str a, Str b)
{
	int order = memcmp(a.data, b.data, a.length < b.length ? a.length : b.length);

	return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

#define COMPARE_AS(T)                                 \
	{                                                 \
		T x, y;                                       \
                                                      \
		memcpy(&x, a.data, sizeof x);                 \
		memcpy(&y, b.data, sizeof y);                 \
		return (x > y) - (x < y);                     \
	}

static int
compare_values(LeafOrder order, Str a, Str b)
{
	switch (order) {
	case LEAF_BOOLEAN:
		COMPARE_AS(uint8_t)
	case LEAF_INT32:
		COMPARE_AS(int32_t)
	case LEAF_INT64:
		COMPARE_AS(int64_t)
	case LEAF_DOUBLE:
		COMPARE_AS(double)
	case LEAF_DECIMAL:
		/* big-endian: the first byte has the sign */
		if ((a.data[0] ^ b.data[0]) & 0x80)
			return (int8_t)a.data[0] < (int8_t)b.data[0] ? -1 : 1;
		return compare_bytes(a, b);
	default:
		return compare_bytes(a, b);
	}
}

static void
range_set(StrBuf *bound, Str value)
{
	strbuf_clear(bound);
	strbuf_add_str(bound, value);
}

static void
range_add(LeafRange *range, LeafOrder order, Str value)
{
	double x;

	if (order == LEAF_DOUBLE) {
		memcpy(&x, value.data, sizeof x);
		if (isnan(x))
			return;
	}
	if (!range->is_set || compare_values(order, value, strbuf_str(&range->min)) < 0)
		range_set(&range->min, value);
	if (!range->is_set || compare_values(order, value, strbuf_str(&range->max)) > 0)
		range_set(&range->max, value);
	range->is_set = true;
}

/* Zeros of both signs are equal: the range must have both. */
static void
range_finish(LeafRange *range, LeafOrder order)
{
	double x;

	if (order != LEAF_DOUBLE || !range->is_set)
		return;
	memcpy(&x, range->min.data, sizeof x);
	if (x == 0)
		memcpy(range->min.data, &(double){-0.0}, sizeof x);
	memcpy(&x, range->max.data, sizeof x);
	if (x == 0)
		memcpy(range->max.data, &(double){0.0}, sizeof x);
}

/* Copies the range to the arena; false: there is none, or it is too long. */
static bool
range_keep(const LeafRange *range, Arena *arena, Str *min, Str *max)
{
	if (!range->is_set || range->min.length > RANGE_BYTES_MAX || range->max.length > RANGE_BYTES_MAX)
		return false;
	*min = str_make(arena_memdup(arena, strbuf_text(&range->min), range->min.length), range->min.length);
	*max = str_make(arena_memdup(arena, strbuf_text(&range->max), range->max.length), range->max.length);
	return true;
}

/* ---- values ---- */

static void
plain_add(const LeafWriter *leaf, StrBuf *out, const void *value, size_t length)
{
	if (leaf->width == 0) {
		uint32_t n = (uint32_t)length;

		strbuf_add(out, &n, sizeof n);
	}
	strbuf_add(out, value, length);
}

static Str
entry_text(const LeafWriter *leaf, uint32_t code)
{
	const char *at = leaf->entries.data + leaf->starts[code];
	uint32_t	length;

	if (leaf->width > 0)
		return str_make(at, (size_t)leaf->width);
	memcpy(&length, at, sizeof length);
	return str_make(at + sizeof length, length);
}

/* The dictionary does not pay: its codes become values. */
static void
dictionary_give_up(LeafWriter *leaf)
{
	leaf->has_dictionary = false;
	for (int64_t i = 0; i < leaf->n_values; i++) {
		Str text = entry_text(leaf, leaf->codes[i]);

		plain_add(leaf, &leaf->values, text.data, text.length);
	}
	strbuf_clear(&leaf->entries);
}

static void
dictionary_grow(LeafWriter *leaf)
{
	leaf->n_buckets *= 2;
	free(leaf->buckets);
	leaf->buckets = xcalloc(leaf->n_buckets, sizeof *leaf->buckets);
	leaf->starts = xrealloc(leaf->starts, sizeof *leaf->starts * (leaf->n_buckets / 2 + 1));
	for (uint32_t code = 0; code < leaf->n_codes; code++) {
		Str		 text = entry_text(leaf, code);
		uint32_t at = (uint32_t)hash_bytes(text.data, text.length) & (leaf->n_buckets - 1);

		while (leaf->buckets[at] != 0)
			at = (at + 1) & (leaf->n_buckets - 1);
		leaf->buckets[at] = code + 1;
	}
}

/* The code of a value, perhaps a new one. */
static uint32_t
dictionary_code(LeafWriter *leaf, const void *value, size_t length)
{
	Str		 text = {value, length};
	uint32_t at = (uint32_t)hash_bytes(value, length) & (leaf->n_buckets - 1);

	for (; leaf->buckets[at] != 0; at = (at + 1) & (leaf->n_buckets - 1))
		if (str_equal(entry_text(leaf, leaf->buckets[at] - 1), text))
			return leaf->buckets[at] - 1;
	leaf->starts[leaf->n_codes] = (uint32_t)leaf->entries.length;
	plain_add(leaf, &leaf->entries, value, length);
	leaf->buckets[at] = ++leaf->n_codes;
	if (leaf->n_codes >= leaf->n_buckets / 2)
		dictionary_grow(leaf);
	return leaf->n_codes - 1;
}

void
leaf_writer_add_value(LeafWriter *leaf, const void *value, size_t length)
{
	if (!leaf->has_dictionary) {
		plain_add(leaf, &leaf->values, value, length);
		leaf->n_values++;
		return;
	}
	if (leaf->n_values == leaf->codes_capacity) {
		leaf->codes_capacity = leaf->codes_capacity > 0 ? leaf->codes_capacity * 2 : 4096;
		leaf->codes = xrealloc(leaf->codes, sizeof *leaf->codes * (size_t)leaf->codes_capacity);
	}
	leaf->codes[leaf->n_values] = dictionary_code(leaf, value, length);
	leaf->n_values++;
	if (leaf->entries.length > DICTIONARY_BYTES_MAX ||
		(leaf->n_codes >= DICTIONARY_TRIAL && (int64_t)leaf->n_codes * 2 > leaf->n_values))
		dictionary_give_up(leaf);
}

void
leaf_writer_add_values(LeafWriter *leaf, const void *values, int32_t n)
{
	const char *at = values;

	for (int32_t i = 0; i < n; i++, at += leaf->width)
		leaf_writer_add_value(leaf, at, (size_t)leaf->width);
}

/* ---- levels ---- */

static void
entries_reserve(LeafWriter *leaf, int64_t n)
{
	if (leaf->n_entries + n <= leaf->capacity)
		return;
	leaf->capacity = leaf->capacity * 2 > leaf->n_entries + n ? leaf->capacity * 2 : leaf->n_entries + n;
	leaf->repetitions = xrealloc(leaf->repetitions, (size_t)leaf->capacity);
	leaf->definitions = xrealloc(leaf->definitions, (size_t)leaf->capacity);
}

void
leaf_writer_add_nulls(LeafWriter *leaf, int repetition, int definition, int64_t n)
{
	entries_reserve(leaf, n);
	memset(leaf->repetitions + leaf->n_entries, repetition, (size_t)n);
	memset(leaf->definitions + leaf->n_entries, definition, (size_t)n);
	leaf->n_entries += n;
}

void
leaf_writer_add(LeafWriter *leaf, int repetition, const void *value, size_t length)
{
	leaf_writer_add_nulls(leaf, repetition, leaf->max_definition, 1);
	leaf_writer_add_value(leaf, value, length);
}

void
leaf_writer_add_levels(LeafWriter *leaf, const uint64_t *validity, int32_t n)
{
	int64_t first = leaf->n_entries;

	leaf_writer_add_nulls(leaf, 0, leaf->max_definition, n);
	for (int32_t i = 0; i < n && validity != NULL; i++)
		leaf->definitions[first + i] -= !bitmap_get(validity, i);
}

/* ---- pages ---- */

typedef struct PageSpan {
	int64_t entry, n_entries;
	int64_t value, n_values;
	size_t	byte, n_bytes;		/* of PLAIN values */
} PageSpan;

static size_t
plain_size(const LeafWriter *leaf, size_t at)
{
	uint32_t length;

	if (leaf->width > 0)
		return (size_t)leaf->width;
	memcpy(&length, leaf->values.data + at, sizeof length);
	return sizeof length + length;
}

/* The next page: whole rows, as many as make about a page full. */
static PageSpan
next_span(const LeafWriter *leaf, PageSpan last)
{
	PageSpan span = {.entry = last.entry + last.n_entries, .value = last.value + last.n_values, .byte = last.byte + last.n_bytes};
	size_t	 size = 0;
	int		 n_rows = 0;

	for (int64_t i = span.entry; i < leaf->n_entries; i++) {
		if (leaf->repetitions[i] == 0 && (size >= PAGE_BYTES || n_rows++ == PAGE_ROWS))
			break;
		span.n_entries++;
		size++;
		if (leaf->definitions[i] < leaf->max_definition)
			continue;
		span.n_values++;
		size += leaf->has_dictionary ? 2 : plain_size(leaf, span.byte + span.n_bytes);
		if (!leaf->has_dictionary)
			span.n_bytes += plain_size(leaf, span.byte + span.n_bytes);
	}
	return span;
}

static void
add_levels(StrBuf *page, const uint8_t *levels, int64_t n, int max)
{
	uint32_t *wide;
	size_t	  at = page->length;
	uint32_t  length = 0;

	if (max == 0)
		return;
	wide = xmalloc(sizeof *wide * (size_t)(n + 1));
	for (int64_t i = 0; i < n; i++)
		wide[i] = levels[i];
	strbuf_add(page, &length, sizeof length);
	hybrid_write(page, wide, n, bits_for((uint32_t)max));
	length = (uint32_t)(page->length - at - sizeof length);
	memcpy(page->data + at, &length, sizeof length);
	free(wide);
}

static void
add_booleans(StrBuf *page, const char *bytes, int64_t n)
{
	for (int64_t i = 0; i < n; i += 8) {
		uint8_t byte = 0;

		for (int64_t k = i; k < n && k < i + 8; k++)
			byte |= (uint8_t)(bytes[k] << (k - i));
		strbuf_add_char(page, (char)byte);
	}
}

static void
add_page_header(StrBuf *out, ParquetPageType type, size_t plain_bytes, size_t size_bytes, int64_t n_values, ParquetEncoding encoding)
{
	ThriftWriter w = {.out = out};

	thrift_begin(&w);
	thrift_put_int(&w, 1, THRIFT_I32, type);
	thrift_put_int(&w, 2, THRIFT_I32, (int64_t)plain_bytes);
	thrift_put_int(&w, 3, THRIFT_I32, (int64_t)size_bytes);
	thrift_put_struct(&w, type == PARQUET_PAGE_DICTIONARY ? 7 : 5);
	thrift_put_int(&w, 1, THRIFT_I32, n_values);
	thrift_put_int(&w, 2, THRIFT_I32, encoding);
	if (type == PARQUET_PAGE_DATA) {
		thrift_put_int(&w, 3, THRIFT_I32, PARQUET_RLE);
		thrift_put_int(&w, 4, THRIFT_I32, PARQUET_RLE);
	}
	thrift_end(&w);
	thrift_end(&w);
}

/* A page of the bytes in `page`; both sizes of the chunk grow. */
static Status
put_page(StrBuf *out, Str page, ParquetCodec codec, ParquetPageType type, int64_t n_values, ParquetEncoding encoding, LeafChunk *chunk, Error *err)
{
	StrBuf packed = {0};
	size_t before = out->length, header;
	Status status = parquet_compress(codec, page, &packed, err);

	if (status == OK) {
		add_page_header(out, type, page.length, packed.length, n_values, encoding);
		header = out->length - before;
		strbuf_add_str(out, strbuf_str(&packed));
		chunk->size_bytes += (int64_t)(out->length - before);
		chunk->plain_bytes += (int64_t)(header + page.length);
	}
	strbuf_free(&packed);
	return status;
}

static void
add_span(const LeafWriter *leaf, const PageSpan *span, int code_bits, StrBuf *page)
{
	add_levels(page, leaf->repetitions + span->entry, span->n_entries, leaf->max_repetition);
	add_levels(page, leaf->definitions + span->entry, span->n_entries, leaf->max_definition);
	if (leaf->has_dictionary) {
		strbuf_add_char(page, (char)code_bits);
		hybrid_write(page, leaf->codes + span->value, span->n_values, code_bits);
	} else if (leaf->physical == PARQUET_BOOLEAN) {
		add_booleans(page, leaf->values.data + span->value, span->n_values);
	} else if (span->n_bytes > 0) {
		strbuf_add(page, leaf->values.data + span->byte, span->n_bytes);
	}
}

/* Each entry of the dictionary that the page has is looked at once. */
static void
range_of_codes(const LeafWriter *leaf, const PageSpan *span, LeafRange *range)
{
	uint64_t *seen = xcalloc((size_t)leaf->n_codes / 64 + 1, sizeof *seen);

	for (int64_t i = span->value; i < span->value + span->n_values; i++) {
		uint32_t code = leaf->codes[i];

		if (seen[code / 64] >> (code % 64) & 1)
			continue;
		seen[code / 64] |= (uint64_t)1 << (code % 64);
		range_add(range, leaf->order, entry_text(leaf, code));
	}
	free(seen);
}

static void
range_of_values(const LeafWriter *leaf, const PageSpan *span, LeafRange *range)
{
	size_t prefix = leaf->width > 0 ? 0 : sizeof(uint32_t), size;

	for (size_t at = span->byte; at < span->byte + span->n_bytes; at += size) {
		size = plain_size(leaf, at);
		range_add(range, leaf->order, str_make(leaf->values.data + at + prefix, size - prefix));
	}
}

/* What the index says of the page that begins at `offset`; the chunk's range grows by the page's. */
static void
add_page_entry(LeafWriter *leaf, const PageSpan *span, int64_t offset, int64_t size_bytes, Arena *arena, LeafChunk *chunk)
{
	LeafPage  *page = &chunk->pages[chunk->n_pages++];
	LeafRange *range = &leaf->page_range;

	*page = (LeafPage){.offset = offset, .size_bytes = size_bytes, .first_entry = span->entry, .n_entries = span->n_entries,
					   .n_nulls = span->n_entries - span->n_values};
	range->is_set = false;
	if (leaf->order == LEAF_UNORDERED)
		return;
	if (leaf->has_dictionary)
		range_of_codes(leaf, span, range);
	else
		range_of_values(leaf, span, range);
	range_finish(range, leaf->order);
	page->has_range = range_keep(range, arena, &page->min, &page->max);
	if (range->is_set) {
		range_add(&leaf->chunk_range, leaf->order, strbuf_str(&range->min));
		range_add(&leaf->chunk_range, leaf->order, strbuf_str(&range->max));
	}
}

/* Room for the entry of one more page. */
static void
pages_reserve(LeafChunk *chunk, Arena *arena)
{
	LeafPage *more;

	/* 8, 16, 32, ... */
	if (chunk->n_pages != 0 && (chunk->n_pages < 8 || (chunk->n_pages & (chunk->n_pages - 1)) != 0))
		return;
	more = arena_array(arena, LeafPage, chunk->n_pages == 0 ? 8 : chunk->n_pages * 2);
	if (chunk->n_pages > 0)
		memcpy(more, chunk->pages, sizeof *more * (size_t)chunk->n_pages);
	chunk->pages = more;
}

static Status
put_pages(LeafWriter *leaf, ParquetCodec codec, int64_t offset, Arena *arena, StrBuf *out, LeafChunk *chunk, Error *err)
{
	size_t	 begin = out->length;
	/* a width of one at least: readers differ in what they take for none */
	int		 code_bits = leaf->n_codes > 2 ? bits_for(leaf->n_codes - 1) : 1;
	PageSpan span = {0};
	Status	 status = OK;
	StrBuf	 page = {0};

	if (leaf->has_dictionary) {
		chunk->dictionary_offset = offset;
		TRY(put_page(out, strbuf_str(&leaf->entries), codec, PARQUET_PAGE_DICTIONARY, leaf->n_codes, PARQUET_PLAIN, chunk, err));
	}
	chunk->offset = offset + (int64_t)(out->length - begin);
	do {
		size_t before = out->length;

		span = next_span(leaf, span);
		strbuf_clear(&page);
		add_span(leaf, &span, code_bits, &page);
		status = put_page(out, strbuf_str(&page), codec, PARQUET_PAGE_DATA, span.n_entries,
						  leaf->has_dictionary ? PARQUET_RLE_DICTIONARY : PARQUET_PLAIN, chunk, err);
		pages_reserve(chunk, arena);
		add_page_entry(leaf, &span, offset + (int64_t)(before - begin), (int64_t)(out->length - before), arena, chunk);
	} while (status == OK && span.entry + span.n_entries < leaf->n_entries);
	strbuf_free(&page);
	return status;
}

Status
leaf_writer_flush(LeafWriter *leaf, ParquetCodec codec, int64_t offset, Arena *arena, StrBuf *out, LeafChunk *chunk, Error *err)
{
	*chunk = (LeafChunk){.dictionary_offset = -1, .n_entries = leaf->n_entries, .n_nulls = leaf->n_entries - leaf->n_values};
	/* nothing but NULLs needs no dictionary */
	if (leaf->n_values == 0)
		leaf->has_dictionary = false;
	leaf->chunk_range.is_set = false;
	TRY(put_pages(leaf, codec, offset, arena, out, chunk, err));
	range_finish(&leaf->chunk_range, leaf->order);
	chunk->has_range = range_keep(&leaf->chunk_range, arena, &chunk->min, &chunk->max);
	leaf->n_entries = leaf->n_values = 0;
	strbuf_clear(&leaf->values);
	dictionary_begin(leaf);
	return OK;
}
