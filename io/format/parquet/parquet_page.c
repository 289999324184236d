#include "io/format/parquet/parquet_page.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/utf8.h"
#include "io/format/parquet/parquet_codec.h"

#define HEADER_BYTES ((size_t)4 << 10)		/* a page's header is mostly shorter; statistics in it may be longer */
#define PAGE_BYTES_MAX ((int64_t)1 << 30)
#define PAGE_DECODED_MAX ((int64_t)1 << 24)	/* values of a page that must be decoded at once: what is allocated for them comes from the file */

Status
page_damaged(const PageReader *r, Error *err, const char *format, ...)
{
	char	reason[512];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	return error_fatal(err, "'%s' is damaged: column `%s`, row group %d, near byte %lld: %s", r->input->path, r->leaf->name, r->group,
					   (long long)(r->offset - (int64_t)(r->raw_length - r->raw_pos)), reason);
}

/* ---- buffers ---- */

static void
buffers_free(PageBuffer *b)
{
	while (b != NULL) {
		PageBuffer *next = b->next;

		free(b->data);
		free(b);
		b = next;
	}
}

/* A buffer for n bytes with room behind it. */
static PageBuffer *
buffer_take(PageReader *r, size_t n)
{
	PageBuffer *b = r->spare;

	if (b != NULL)
		r->spare = b->next;
	else
		b = xcalloc(1, sizeof *b);
	if (b->capacity < n + PARQUET_PAD) {
		free(b->data);
		b->capacity = n + n / 4 + PARQUET_PAD;
		b->data = xmalloc(b->capacity);
	}
	memset(b->data + n, 0, PARQUET_PAD);
	b->next = NULL;
	return b;
}

static void
buffer_put(PageBuffer **list, PageBuffer *b)
{
	if (b != NULL) {
		b->next = *list;
		*list = b;
	}
}

static int64_t
buffers_bytes(const PageBuffer *b)
{
	int64_t bytes = 0;

	for (; b != NULL; b = b->next)
		bytes += (int64_t)(sizeof *b + b->capacity);
	return bytes;
}

int64_t
page_reader_bytes(const PageReader *r)
{
	return buffers_bytes(r->page) + buffers_bytes(r->retired) + buffers_bytes(r->spare) + buffers_bytes(r->dictionary_page) +
		   (int64_t)(r->raw_capacity + r->dictionary_arena.size_bytes + r->views_capacity * (sizeof *r->views + sizeof *r->lengths) + 2 * r->levels_capacity);
}

void
page_reader_recycle(PageReader *r)
{
	while (r->retired != NULL) {
		PageBuffer *b = r->retired;

		r->retired = b->next;
		buffer_put(&r->spare, b);
	}
}

void
page_reader_init(PageReader *r, const ParquetNode *leaf, ParquetInput *input)
{
	*r = (PageReader){.leaf = leaf, .input = input};
}

void
page_reader_free(PageReader *r)
{
	buffers_free(r->page);
	buffers_free(r->retired);
	buffers_free(r->spare);
	buffers_free(r->dictionary_page);
	arena_free(&r->dictionary_arena);
	free(r->raw);
	free(r->views_memory);
	free(r->lengths);
	free(r->repetitions);
	free(r->definitions);
}

Status
page_reader_open(PageReader *r, const ParquetChunk *chunk, int group, Error *err)
{
	TRY(parquet_codec_check(chunk->codec, r->input->path, err));
	buffer_put(&r->retired, r->page);
	buffer_put(&r->retired, r->dictionary_page);
	page_reader_recycle(r);
	arena_reset(&r->dictionary_arena);
	r->page = r->dictionary_page = NULL;
	r->dictionary = r->dictionary_with_null = NULL;
	r->chunk = chunk;
	r->group = group;
	r->offset = chunk->offset;
	r->end = chunk->offset + chunk->size_bytes;
	r->entries_left = chunk->n_values;
	r->raw_pos = r->raw_length = 0;
	r->left = r->level = 0;
	if (chunk->physical != r->leaf->physical)
		return page_damaged(r, err, "its physical type is not the schema's");
	return OK;
}

/* Makes n bytes of the file stand at raw + raw_pos, if the chunk has so many; *there: how many there are. */
static Status
raw_need(PageReader *r, size_t n, size_t *there, Error *err)
{
	size_t have = r->raw_length - r->raw_pos, more;

	*there = have;
	if (have >= n || r->offset >= r->end)
		return OK;
	more = n - have > r->input->block_bytes ? n - have : r->input->block_bytes;
	if ((int64_t)more > r->end - r->offset)
		more = (size_t)(r->end - r->offset);
	if (r->raw_pos > 0) {
		memmove(r->raw, r->raw + r->raw_pos, have);
		r->raw_pos = 0;
		r->raw_length = have;
	}
	if (have + more + PARQUET_PAD > r->raw_capacity) {
		r->raw_capacity = have + more + PARQUET_PAD;
		r->raw = xrealloc(r->raw, r->raw_capacity);
	}
	TRY(r->input->read(r->input, r->offset, more, r->raw + have, err));
	r->offset += (int64_t)more;
	r->raw_length += more;
	*there = r->raw_length;
	return OK;
}

/* ---- headers ---- */

static Status
page_too_large(const PageReader *r, const ParquetPageHeader *h, Error *err)
{
	error_fatal(err, "Out of memory for '%s': column `%s`, row group %d has a page of %lld MB, and the limit is %lld MB", r->input->path, r->leaf->name, r->group,
				(long long)(h->plain_bytes >> 20), (long long)(r->input->page_bytes_max >> 20));
	return error_hint(err, "Raise it with SET 'memory.limit'='...', or do not read the column");
}

static Status
read_header(PageReader *r, ParquetPageHeader *h, Error *err)
{
	size_t want = HEADER_BYTES, there, used;

	for (;; want *= 8) {
		TRY(raw_need(r, want, &there, err));
		if (parquet_page_header_read(str_make((char *)r->raw + r->raw_pos, there), h, &used))
			break;
		if (there < want)
			return page_damaged(r, err, "a page's header cannot be read");
	}
	r->raw_pos += used;
	if (h->size_bytes < 0 || h->plain_bytes < 0 || h->plain_bytes > PAGE_BYTES_MAX || h->size_bytes > PAGE_BYTES_MAX)
		return page_damaged(r, err, "a page of %lld bytes", (long long)h->size_bytes);
	if (r->input->page_bytes_max > 0 && (size_t)(h->plain_bytes > h->size_bytes ? h->plain_bytes : h->size_bytes) > r->input->page_bytes_max)
		return page_too_large(r, h, err);
	TRY(raw_need(r, (size_t)h->size_bytes, &there, err));
	if ((size_t)h->size_bytes > there)
		return page_damaged(r, err, "a page is cut off");
	if (h->n_values < 0 && h->type != PARQUET_PAGE_INDEX)
		return page_damaged(r, err, "a page without a number of values");
	return OK;
}

/* The page's bytes, decompressed; levels of V2 pages, which are never compressed, stand before the values all the same. */
static Status
decompress(PageReader *r, const ParquetPageHeader *h, PageBuffer **out, Error *err)
{
	int64_t		levels = h->type == PARQUET_PAGE_DATA_V2 ? h->definition_bytes + h->repetition_bytes : 0;
	const char *from = (const char *)r->raw + r->raw_pos;
	ParquetCodec codec = h->type == PARQUET_PAGE_DATA_V2 && !h->is_compressed ? PARQUET_UNCOMPRESSED : r->chunk->codec;

	if (h->definition_bytes < 0 || h->repetition_bytes < 0 || levels > h->size_bytes || levels > h->plain_bytes)
		return page_damaged(r, err, "levels that are longer than their page");
	*out = buffer_take(r, (size_t)h->plain_bytes);
	memcpy((*out)->data, from, (size_t)levels);
	r->raw_pos += (size_t)h->size_bytes;
	/* a page of NULLs may have nothing to decompress */
	if (h->size_bytes == levels && h->plain_bytes == levels)
		return OK;
	if (!parquet_decompress(codec, str_make(from + levels, (size_t)(h->size_bytes - levels)), (char *)(*out)->data + levels,
							(size_t)(h->plain_bytes - levels))) {
		buffer_put(&r->spare, *out);
		*out = NULL;
		return page_damaged(r, err, "a page cannot be decompressed (%s)", parquet_codec_name(codec));
	}
	return OK;
}

/* ---- the dictionary ---- */

bool
plain_texts(const uint8_t **at, const uint8_t *end, int64_t n, StrView *out)
{
	const uint8_t *p = *at;

	for (int64_t i = 0; i < n; i++) {
		uint32_t length;

		if (end - p < 4)
			return false;
		memcpy(&length, p, 4);
		p += 4;
		if (length > (size_t)(end - p))
			return false;
		out[i] = view_of_text(p, length);
		p += length;
	}
	*at = p;
	return true;
}

static Status
check_dictionary_texts(PageReader *r, Vector *v, Error *err)
{
	const StrView *views = v->data;

	v->is_ascii = true;
	for (int32_t i = 0; i < v->n_rows; i++) {
		Str text = str_view_str(&views[i]);

		if (utf8_is_ascii(text))
			continue;
		v->is_ascii = false;
		if (!utf8_validate(text))
			return page_damaged(r, err, "a text is not UTF-8");
	}
	return OK;
}

static void
add_null_entry(PageReader *r)
{
	Vector *v = arena_memdup(&r->dictionary_arena, r->dictionary, sizeof *v);

	/* data has room for it */
	memset((char *)v->data + (size_t)type_width(v->type) * (size_t)v->n_rows, 0, (size_t)type_width(v->type));
	v->n_rows++;
	v->capacity = v->n_rows;
	vector_set_null(v, &r->dictionary_arena, v->n_rows - 1);
	r->dictionary_with_null = v;
}

static Status
read_dictionary(PageReader *r, const ParquetPageHeader *h, Error *err)
{
	const ParquetNode *leaf = r->leaf;
	int64_t			   n = h->n_values;
	const uint8_t	  *data;
	const void		  *values;
	Vector			  *v;
	int32_t			   bad = 0;

	if (r->dictionary != NULL)
		return page_damaged(r, err, "a second dictionary");
	if (h->encoding != PARQUET_PLAIN && h->encoding != PARQUET_PLAIN_DICTIONARY)
		return page_damaged(r, err, "a dictionary of encoding %d", (int)h->encoding);
	TRY(decompress(r, h, &r->dictionary_page, err));
	data = r->dictionary_page->data;
	if (leaf->physical == PARQUET_BOOLEAN || n > h->plain_bytes / (leaf->width > 0 ? leaf->width : 4))
		return page_damaged(r, err, "a dictionary of %lld values is too short", (long long)n);
	v = vector_new_unset(&r->dictionary_arena, leaf->type, (int32_t)n + 1);
	v->n_rows = (int32_t)n;
	values = data;
	if (leaf->width == 0) {
		StrView *views = leaf->convert == NULL ? v->data : arena_alloc(&r->dictionary_arena, sizeof *views * (size_t)(n + 1));

		if (!plain_texts(&data, data + h->plain_bytes, n, views))
			return page_damaged(r, err, "a dictionary is cut off");
		values = views;
	}
	if (leaf->convert == NULL && leaf->width > 0)
		memcpy(v->data, values, (size_t)n * (size_t)leaf->width);
	else if (leaf->convert != NULL && !leaf->convert(leaf, values, (int32_t)n, v->data, &r->dictionary_arena, &bad))
		return page_damaged(r, err, "a value of the dictionary is too large for its type");
	if (leaf->type->kind == TYPE_STRING)
		TRY(check_dictionary_texts(r, v, err));
	r->dictionary = v;
	add_null_entry(r);
	return OK;
}

/* ---- levels ---- */

static int
bits_for(int level)
{
	return level == 0 ? 0 : 32 - __builtin_clz((unsigned)level);
}

static void
levels_reserve(PageReader *r, int64_t n)
{
	if ((size_t)n > r->levels_capacity) {
		r->levels_capacity = (size_t)n + (size_t)n / 4;
		r->repetitions = xrealloc(r->repetitions, r->levels_capacity + 1);
		r->definitions = xrealloc(r->definitions, r->levels_capacity + 1);
	}
}

/* Where one kind of level stands, and behind it.  V1 pages have its length before it. */
static bool
take_levels(const ParquetPageHeader *h, int64_t v2_bytes, int max, const uint8_t **at, const uint8_t *end, Hybrid *out)
{
	uint32_t length = (uint32_t)v2_bytes;

	if (h->type != PARQUET_PAGE_DATA_V2) {
		if (max == 0)
			return true;
		if (end - *at < 4)
			return false;
		memcpy(&length, *at, 4);
		*at += 4;
	}
	if (length > (size_t)(end - *at))
		return false;
	hybrid_init(out, *at, length, bits_for(max));
	*at += length;
	return true;
}

static Status
read_levels(PageReader *r, const ParquetPageHeader *h, const uint8_t **at, const uint8_t *end, Error *err)
{
	const ParquetNode *leaf = r->leaf;
	Hybrid			   repetition = {0};
	bool			   ok;

	if ((leaf->max_repetition > 0 && h->repetition_encoding != PARQUET_RLE) ||
		(leaf->max_definition > 0 && h->definition_encoding != PARQUET_RLE))
		return page_damaged(r, err, "levels in the old BIT_PACKED encoding are not supported");
	if (!take_levels(h, h->repetition_bytes, leaf->max_repetition, at, end, &repetition) ||
		!take_levels(h, h->definition_bytes, leaf->max_definition, at, end, &r->definition))
		return page_damaged(r, err, "levels are cut off");
	if (leaf->max_repetition == 0 && leaf->max_definition <= 1)
		return OK;
	if (h->n_values > PAGE_DECODED_MAX)
		return page_damaged(r, err, "a page of %lld values", (long long)h->n_values);
	if (leaf->max_repetition > 255 || leaf->max_definition > 255)
		return page_damaged(r, err, "it is nested too deeply");
	levels_reserve(r, h->n_values);
	ok = hybrid_read_bytes(&repetition, r->repetitions, (int32_t)h->n_values) &&
		 hybrid_read_bytes(&r->definition, r->definitions, (int32_t)h->n_values);
	for (int64_t i = 0; i < h->n_values && ok; i++)
		ok = r->repetitions[i] <= leaf->max_repetition && r->definitions[i] <= leaf->max_definition;
	r->level = 0;
	return ok ? OK : page_damaged(r, err, "levels cannot be read");
}

/* ---- values ---- */

static bool
has_high_bytes(const uint8_t *p, size_t n)
{
	uint64_t any = 0;
	size_t	 i = 0;

	for (; i + 32 <= n; i += 32) {
		uint64_t x[4];

		memcpy(x, p + i, 32);
		any |= x[0] | x[1] | x[2] | x[3];
	}
	for (; i < n; i++)
		any |= (uint64_t)p[i] << 56 | p[i];
	return (any & 0x8080808080808080) != 0;
}

static void
views_reserve(PageReader *r, int64_t n)
{
	if ((size_t)n > r->views_capacity) {
		r->views_capacity = (size_t)n + (size_t)n / 4;
		r->views_memory = xrealloc(r->views_memory, sizeof *r->views_memory * (r->views_capacity + 1));
		r->lengths = xrealloc(r->lengths, sizeof *r->lengths * (r->views_capacity + 1));
	}
	r->views = r->views_memory;
}

/* Delta and split encodings are decoded whole, into a page that looks like a PLAIN one.  n: how many values at most. */
static Status
values_decoded(PageReader *r, ParquetEncoding encoding, int64_t n, Error *err)
{
	const ParquetNode *leaf = r->leaf;
	size_t			   length = (size_t)(r->at_end - r->at), used = 0;
	PageBuffer		  *plain = buffer_take(r, (size_t)n * (size_t)leaf->width);
	int64_t			   n_read = n;
	bool			   ok = false;

	if (encoding == PARQUET_DELTA_BINARY_PACKED && leaf->physical == PARQUET_INT32) {
		ok = delta_read_int32(r->at, length, (int32_t *)plain->data, n, &n_read, &used);
	} else if (encoding == PARQUET_DELTA_BINARY_PACKED && leaf->physical == PARQUET_INT64) {
		ok = delta_read_int64(r->at, length, (int64_t *)plain->data, n, &n_read, &used);
	} else if (encoding == PARQUET_BYTE_STREAM_SPLIT && leaf->width > 0) {
		n_read = (int64_t)(length / (size_t)leaf->width);
		ok = n_read <= n && stream_split_read(r->at, length, leaf->width, plain->data, n_read);
	}
	buffer_put(&r->retired, r->page);
	r->page = plain;
	r->at = plain->data;
	r->at_end = plain->data + (size_t)(ok ? n_read : 0) * (size_t)leaf->width;
	r->form = PAGE_FIXED;
	return ok ? OK : page_damaged(r, err, "values of encoding %d cannot be read", (int)encoding);
}

static Status
views_decoded(PageReader *r, ParquetEncoding encoding, int64_t n, Error *err)
{
	size_t length = (size_t)(r->at_end - r->at);
	bool   ok;

	views_reserve(r, n);
	r->form = PAGE_VIEWS;
	if (encoding == PARQUET_DELTA_LENGTH_BYTE_ARRAY) {
		ok = delta_read_texts(r->at, length, r->lengths, r->views, n);
	} else {
		PageBuffer *made = buffer_take(r, 0);
		StrBuf		memory = {.data = (char *)made->data, .capacity = made->capacity};

		ok = delta_read_prefixed(r->at, length, r->lengths, r->views, n, &memory);
		made->data = (uint8_t *)memory.data;
		made->capacity = memory.capacity;
		buffer_put(&r->retired, r->page);
		r->page = made;
	}
	r->views_end = r->views + (ok ? n : 0);
	return ok ? OK : page_damaged(r, err, "texts of encoding %d cannot be read", (int)encoding);
}

/* FIXED values in DELTA_BYTE_ARRAY: put side by side. */
static Status
fixed_from_views(PageReader *r, int64_t n, Error *err)
{
	PageBuffer *plain;
	size_t		width = (size_t)r->leaf->width;

	TRY(views_decoded(r, PARQUET_DELTA_BYTE_ARRAY, n, err));
	plain = buffer_take(r, (size_t)n * width);
	for (int64_t i = 0; i < n; i++) {
		Str text = str_view_str(&r->views[i]);

		if (text.length != width) {
			buffer_put(&r->spare, plain);
			return page_damaged(r, err, "a value of %zu bytes instead of %zu", text.length, width);
		}
		memcpy(plain->data + (size_t)i * width, text.data, width);
	}
	buffer_put(&r->retired, r->page);
	r->page = plain;
	r->at = plain->data;
	r->at_end = plain->data + (size_t)n * width;
	r->form = PAGE_FIXED;
	return OK;
}

/* Booleans in runs, a byte each. */
static Status
booleans_from_runs(PageReader *r, int64_t n, Error *err)
{
	PageBuffer *plain = buffer_take(r, (size_t)n);
	uint32_t	length = 0;
	Hybrid		runs;
	bool		ok = r->at_end - r->at >= 4;

	if (ok) {
		memcpy(&length, r->at, 4);
		ok = length <= (size_t)(r->at_end - r->at - 4);
	}
	if (ok) {
		hybrid_init(&runs, r->at + 4, length, 1);
		ok = hybrid_read_bytes(&runs, plain->data, (int32_t)n);
	}
	buffer_put(&r->retired, r->page);
	r->page = plain;
	r->at = plain->data;
	r->at_end = plain->data + (ok ? n : 0);
	r->form = PAGE_BYTES;
	return ok ? OK : page_damaged(r, err, "booleans cannot be read");
}

static Status
codes_begin(PageReader *r, int64_t n_values, Error *err)
{
	if (r->dictionary == NULL)
		return page_damaged(r, err, "codes of a dictionary that is missing");
	if (r->at == r->at_end) {
		/* nothing but NULLs: not even a width */
		if (n_values > 0)
			return page_damaged(r, err, "codes are missing");
		hybrid_init(&r->codes, r->at, 0, 0);
	} else {
		if (*r->at > 32)
			return page_damaged(r, err, "codes of %d bits", *r->at);
		hybrid_init(&r->codes, r->at + 1, (size_t)(r->at_end - r->at - 1), *r->at);
	}
	r->form = PAGE_CODES;
	return OK;
}

/* How many values (not NULL) the page has; only asked where an encoding needs to know before. */
static Status
count_values(PageReader *r, const ParquetPageHeader *h, int64_t *out, Error *err)
{
	const ParquetNode *leaf = r->leaf;
	Hybrid			   definition = r->definition;
	uint64_t		  *bits;
	int32_t			   n_set = 0;
	bool			   ok;

	*out = h->n_values;
	if (h->n_values > PAGE_DECODED_MAX)
		return page_damaged(r, err, "a page of %lld values", (long long)h->n_values);
	if (leaf->max_definition == 0)
		return OK;
	if (leaf->max_repetition > 0 || leaf->max_definition > 1) {
		*out = 0;
		for (int64_t i = 0; i < h->n_values; i++)
			*out += r->definitions[i] == leaf->max_definition;
		return OK;
	}
	bits = xcalloc((size_t)bitmap_words(h->n_values) + 1, sizeof *bits);
	ok = hybrid_read_bits(&definition, bits, 0, (int32_t)h->n_values, &n_set);
	free(bits);
	*out = n_set;
	return ok ? OK : page_damaged(r, err, "levels cannot be read");
}

static Status
begin_values(PageReader *r, const ParquetPageHeader *h, Error *err)
{
	const ParquetNode *leaf = r->leaf;
	bool			   is_text = leaf->physical == PARQUET_BYTE_ARRAY;
	int64_t			   n;

	r->bit = 0;
	switch (h->encoding) {
	case PARQUET_PLAIN:
		r->form = is_text ? PAGE_TEXTS : leaf->physical == PARQUET_BOOLEAN ? PAGE_BITS : PAGE_FIXED;
		if (is_text)
			r->is_ascii = !has_high_bytes(r->at, (size_t)(r->at_end - r->at));
		return OK;
	case PARQUET_PLAIN_DICTIONARY:
	case PARQUET_RLE_DICTIONARY:
		return codes_begin(r, leaf->max_definition == 0 ? h->n_values : 0, err);
	case PARQUET_RLE:
		TRY(count_values(r, h, &n, err));
		if (leaf->physical == PARQUET_BOOLEAN)
			return booleans_from_runs(r, n, err);
		break;
	case PARQUET_DELTA_BINARY_PACKED:
	case PARQUET_BYTE_STREAM_SPLIT:
		TRY(count_values(r, h, &n, err));
		return values_decoded(r, h->encoding, n, err);
	case PARQUET_DELTA_LENGTH_BYTE_ARRAY:
	case PARQUET_DELTA_BYTE_ARRAY:
		TRY(count_values(r, h, &n, err));
		if (is_text)
			return views_decoded(r, h->encoding, n, err);
		if (leaf->physical == PARQUET_FIXED && h->encoding == PARQUET_DELTA_BYTE_ARRAY)
			return fixed_from_views(r, n, err);
		break;
	default:
		break;
	}
	return page_damaged(r, err, "encoding %d does not go with its type", (int)h->encoding);
}

static Status
begin_page(PageReader *r, const ParquetPageHeader *h, Error *err)
{
	PageBuffer *page;

	if (h->n_values > r->entries_left)
		return page_damaged(r, err, "pages have more values than the row group");
	TRY(decompress(r, h, &page, err));
	buffer_put(&r->retired, r->page);
	r->page = page;
	r->at = page->data;
	r->at_end = page->data + h->plain_bytes;
	TRY(read_levels(r, h, &r->at, r->at_end, err));
	TRY(begin_values(r, h, err));
	r->left = h->n_values;
	r->entries_left -= h->n_values;
	return OK;
}

Status
page_reader_next(PageReader *r, int64_t skip, int64_t *skipped, Error *err)
{
	ParquetPageHeader h;

	*skipped = 0;
	for (;;) {
		if (r->entries_left == 0)
			return DONE;
		if (r->raw_pos == r->raw_length && r->offset >= r->end)
			return page_damaged(r, err, "its pages end %lld values too early", (long long)r->entries_left);
		TRY(read_header(r, &h, err));
		switch (h.type) {
		case PARQUET_PAGE_DICTIONARY:
			TRY(read_dictionary(r, &h, err));
			break;
		case PARQUET_PAGE_DATA:
		case PARQUET_PAGE_DATA_V2:
			if (h.n_values > 0 && h.n_values <= skip && h.n_values <= r->entries_left && r->leaf->max_repetition == 0) {
				r->raw_pos += (size_t)h.size_bytes;
				r->entries_left -= h.n_values;
				*skipped = h.n_values;
				return OK;
			}
			if (h.n_values == 0) {
				r->raw_pos += (size_t)h.size_bytes;
				break;
			}
			return begin_page(r, &h, err);
		default:
			r->raw_pos += (size_t)h.size_bytes;
			break;
		}
	}
}
