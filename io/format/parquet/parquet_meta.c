#include "io/format/parquet/parquet_meta.h"

#include "io/format/parquet/thrift.h"

#define SCHEMA_ELEMENTS_MAX 100000

/* ---- schema ---- */

static ParquetMeaning
meaning_of_converted(int converted)
{
	static const ParquetMeaning meanings[] = {
		PARQUET_MEANS_STRING,  PARQUET_MEANS_MAP,	  PARQUET_MEANS_MAP,		  PARQUET_MEANS_LIST,		  PARQUET_MEANS_ENUM,
		PARQUET_MEANS_DECIMAL, PARQUET_MEANS_DATE,	  PARQUET_MEANS_TIME_MS,	  PARQUET_MEANS_TIME_US,	  PARQUET_MEANS_TIMESTAMP_MS,
		PARQUET_MEANS_TIMESTAMP_US, PARQUET_MEANS_UINT, PARQUET_MEANS_UINT,		  PARQUET_MEANS_UINT32,		  PARQUET_MEANS_UINT64,
		PARQUET_MEANS_INT,	   PARQUET_MEANS_INT,	  PARQUET_MEANS_INT,		  PARQUET_MEANS_INT,		  PARQUET_MEANS_JSON,
		PARQUET_MEANS_BSON,	   PARQUET_MEANS_INTERVAL,
	};

	return converted >= 0 && converted < (int)(sizeof meanings / sizeof meanings[0]) ? meanings[converted] : PARQUET_MEANS_NOTHING;
}

/* TimeUnit, a union of empty structs: 1 milliseconds, 2 microseconds, 3 nanoseconds. */
static int
read_unit(ThriftReader *r)
{
	ThriftField field = {0};
	int			unit = 1;

	while (thrift_field(r, &field)) {
		unit = field.id >= 1 && field.id <= 3 ? field.id : unit;
		thrift_skip(r, field.type);
	}
	return unit;
}

/* TimeType and TimestampType: 1 isAdjustedToUTC, 2 unit. */
static int
read_time_type(ThriftReader *r)
{
	ThriftField field = {0};
	int			unit = 1;

	while (thrift_field(r, &field)) {
		if (field.id == 2 && field.type == THRIFT_STRUCT)
			unit = read_unit(r);
		else
			thrift_skip(r, field.type);
	}
	return unit - 1;
}

static ParquetMeaning
read_int_type(ThriftReader *r)
{
	ThriftField field = {0};
	int			bits = 64;
	bool		is_signed = true;

	while (thrift_field(r, &field)) {
		if (field.id == 1 && field.type == THRIFT_BYTE)
			bits = thrift_byte(r);
		else if (field.id == 2)
			is_signed = field.type == THRIFT_TRUE;
		else
			thrift_skip(r, field.type);
	}
	return is_signed ? PARQUET_MEANS_INT : bits == 64 ? PARQUET_MEANS_UINT64 : bits == 32 ? PARQUET_MEANS_UINT32 : PARQUET_MEANS_UINT;
}

static void
read_decimal_type(ThriftReader *r, ParquetElement *element)
{
	ThriftField field = {0};

	while (thrift_field(r, &field)) {
		if (field.id == 1 && field.type == THRIFT_I32)
			element->scale = (int)thrift_int(r);
		else if (field.id == 2 && field.type == THRIFT_I32)
			element->precision = (int)thrift_int(r);
		else
			thrift_skip(r, field.type);
	}
}

/* LogicalType: a union. */
static void
read_logical(ThriftReader *r, ParquetElement *element)
{
	static const ParquetMeaning plain[] = {
		[1] = PARQUET_MEANS_STRING, [2] = PARQUET_MEANS_MAP,   [3] = PARQUET_MEANS_LIST,  [4] = PARQUET_MEANS_ENUM, [6] = PARQUET_MEANS_DATE,
		[11] = PARQUET_MEANS_NULL,	[12] = PARQUET_MEANS_JSON, [13] = PARQUET_MEANS_BSON, [14] = PARQUET_MEANS_UUID, [15] = PARQUET_MEANS_FLOAT16,
	};
	ThriftField field = {0};

	while (thrift_field(r, &field)) {
		if (field.type != THRIFT_STRUCT) {
			thrift_skip(r, field.type);
		} else if (field.id == 5) {
			element->meaning = PARQUET_MEANS_DECIMAL;
			read_decimal_type(r, element);
		} else if (field.id == 7) {
			element->meaning = PARQUET_MEANS_TIME_MS + (ParquetMeaning)read_time_type(r);
		} else if (field.id == 8) {
			element->meaning = PARQUET_MEANS_TIMESTAMP_MS + (ParquetMeaning)read_time_type(r);
		} else if (field.id == 10) {
			element->meaning = read_int_type(r);
		} else {
			if (field.id > 0 && field.id < (int)(sizeof plain / sizeof plain[0]) && plain[field.id] != PARQUET_MEANS_NOTHING)
				element->meaning = plain[field.id];
			thrift_skip(r, THRIFT_STRUCT);
		}
	}
}

static void
read_element(ThriftReader *r, Arena *arena, ParquetElement *element)
{
	ThriftField	   field = {0};
	ParquetMeaning converted = PARQUET_MEANS_NOTHING;

	*element = (ParquetElement){.physical = PARQUET_GROUP, .name = ""};
	while (thrift_field(r, &field)) {
		bool is_int = field.type == THRIFT_I32;

		if (field.id == 1 && is_int)
			element->physical = (ParquetPhysical)thrift_int(r);
		else if (field.id == 2 && is_int)
			element->type_length = (int)thrift_int(r);
		else if (field.id == 3 && is_int)
			element->repetition = (ParquetRepetition)thrift_int(r);
		else if (field.id == 4 && field.type == THRIFT_BINARY)
			element->name = str_to_arena(arena, thrift_binary(r));
		else if (field.id == 5 && is_int)
			element->n_children = (int)thrift_int(r);
		else if (field.id == 6 && is_int)
			converted = meaning_of_converted((int)thrift_int(r));
		else if (field.id == 7 && is_int)
			element->scale = (int)thrift_int(r);
		else if (field.id == 8 && is_int)
			element->precision = (int)thrift_int(r);
		else if (field.id == 10 && field.type == THRIFT_STRUCT)
			read_logical(r, element);
		else
			thrift_skip(r, field.type);
	}
	if (element->meaning == PARQUET_MEANS_NOTHING)
		element->meaning = converted;
}

static void
read_schema(ThriftReader *r, Arena *arena, ParquetMeta *meta)
{
	ThriftType type;
	uint32_t   n = thrift_list(r, &type);

	if (type != THRIFT_STRUCT || n == 0 || n > SCHEMA_ELEMENTS_MAX) {
		r->failed = true;
		return;
	}
	meta->elements = arena_array(arena, ParquetElement, n);
	meta->n_elements = (int)n;
	for (uint32_t i = 0; i < n && !r->failed; i++) {
		read_element(r, arena, &meta->elements[i]);
		meta->n_leaves += i > 0 && meta->elements[i].physical != PARQUET_GROUP;
	}
}

/* ---- row groups ---- */

static Str
keep_binary(ThriftReader *r, Arena *arena)
{
	Str value = thrift_binary(r);

	/* an empty text is a value too: not NULL */
	return str_make(arena_memdup(arena, value.data, value.length), value.length);
}

static void
read_statistics(ThriftReader *r, Arena *arena, ParquetStatistics *out)
{
	ThriftField field = {0};
	Str			old_min = {0}, old_max = {0};

	out->is_exact_min = out->is_exact_max = true;
	while (thrift_field(r, &field)) {
		if (field.id == 1 && field.type == THRIFT_BINARY)
			old_max = keep_binary(r, arena);
		else if (field.id == 2 && field.type == THRIFT_BINARY)
			old_min = keep_binary(r, arena);
		else if (field.id == 3 && field.type == THRIFT_I64)
			out->null_count = thrift_int(r);
		else if (field.id == 5 && field.type == THRIFT_BINARY)
			out->max = keep_binary(r, arena);
		else if (field.id == 6 && field.type == THRIFT_BINARY)
			out->min = keep_binary(r, arena);
		else if (field.id == 7)
			out->is_exact_max = field.type == THRIFT_TRUE;
		else if (field.id == 8)
			out->is_exact_min = field.type == THRIFT_TRUE;
		else
			thrift_skip(r, field.type);
	}
	if (out->min.data == NULL && out->max.data == NULL && (old_min.data != NULL || old_max.data != NULL)) {
		out->min = old_min;
		out->max = old_max;
		out->is_old = true;
	}
}

static bool
is_dictionary(ParquetEncoding encoding)
{
	return encoding == PARQUET_PLAIN_DICTIONARY || encoding == PARQUET_RLE_DICTIONARY;
}

/* PageEncodingStats: whether all data pages are of dictionary codes. */
static bool
read_encoding_stats(ThriftReader *r)
{
	ThriftType element;
	uint32_t   n = thrift_list(r, &element);
	bool	   all = n > 0;

	for (uint32_t i = 0; i < n && !r->failed; i++) {
		ThriftField field = {0};
		int64_t		type = 0, encoding = 0, count = 0;

		while (thrift_field(r, &field)) {
			if (field.type != THRIFT_I32)
				thrift_skip(r, field.type);
			else if (field.id == 1)
				type = thrift_int(r);
			else if (field.id == 2)
				encoding = thrift_int(r);
			else
				count = thrift_int(r);
		}
		if ((type == PARQUET_PAGE_DATA || type == PARQUET_PAGE_DATA_V2) && count > 0)
			all &= is_dictionary((ParquetEncoding)encoding);
	}
	return all;
}

static void
read_chunk_meta(ThriftReader *r, Arena *arena, ParquetChunk *chunk)
{
	ThriftField field = {0};
	int64_t		data = 0, dictionary = 0;

	chunk->statistics.null_count = -1;
	while (thrift_field(r, &field)) {
		if (field.id == 1 && field.type == THRIFT_I32)
			chunk->physical = (ParquetPhysical)thrift_int(r);
		else if (field.id == 4 && field.type == THRIFT_I32)
			chunk->codec = (ParquetCodec)thrift_int(r);
		else if (field.id == 5 && field.type == THRIFT_I64)
			chunk->n_values = thrift_int(r);
		else if (field.id == 6 && field.type == THRIFT_I64)
			chunk->plain_bytes = thrift_int(r);
		else if (field.id == 7 && field.type == THRIFT_I64)
			chunk->size_bytes = thrift_int(r);
		else if (field.id == 9 && field.type == THRIFT_I64)
			data = thrift_int(r);
		else if (field.id == 11 && field.type == THRIFT_I64)
			dictionary = thrift_int(r);
		else if (field.id == 12 && field.type == THRIFT_STRUCT)
			read_statistics(r, arena, &chunk->statistics);
		else if (field.id == 13 && field.type == THRIFT_LIST)
			chunk->is_only_dictionary = read_encoding_stats(r);
		else if (field.id == 14 && field.type == THRIFT_I64)
			chunk->bloom_offset = thrift_int(r);
		else if (field.id == 15 && field.type == THRIFT_I32)
			chunk->bloom_length = thrift_int(r);
		else
			thrift_skip(r, field.type);
	}
	/* some writers set a dictionary offset of zero, or one behind the data, for none */
	chunk->offset = dictionary > 0 && dictionary < data ? dictionary : data;
}

static Status
read_chunk(ThriftReader *r, Arena *arena, const char *path, ParquetChunk *chunk, Error *err)
{
	ThriftField field = {0};
	bool		has_meta = false;

	while (thrift_field(r, &field)) {
		if (field.id == 1 && field.type == THRIFT_BINARY) {
			if (thrift_binary(r).length > 0)
				return error_unsupported(err, "'%s' keeps columns in other files, which is not supported", path);
		} else if (field.id == 3 && field.type == THRIFT_STRUCT) {
			read_chunk_meta(r, arena, chunk);
			has_meta = true;
		} else if (field.id == 4 && field.type == THRIFT_I64) {
			chunk->offset_index_offset = thrift_int(r);
		} else if (field.id == 5 && field.type == THRIFT_I32) {
			chunk->offset_index_length = thrift_int(r);
		} else if (field.id == 6 && field.type == THRIFT_I64) {
			chunk->column_index_offset = thrift_int(r);
		} else if (field.id == 7 && field.type == THRIFT_I32) {
			chunk->column_index_length = thrift_int(r);
		} else {
			thrift_skip(r, field.type);
		}
	}
	if (!has_meta && !r->failed)
		return error_unsupported(err, "'%s' is encrypted, which is not supported", path);
	return OK;
}

static Status
read_group(ThriftReader *r, Arena *arena, const char *path, const ParquetMeta *meta, ParquetRowGroup *group, Error *err)
{
	ThriftField field = {0};
	ThriftType	type;

	group->n_rows = -1;
	while (thrift_field(r, &field)) {
		if (field.id == 1 && field.type == THRIFT_LIST) {
			uint32_t n = thrift_list(r, &type);

			if (type != THRIFT_STRUCT || (int64_t)n != meta->n_leaves || group->chunks != NULL) {
				r->failed = true;
				return OK;
			}
			group->chunks = arena_array(arena, ParquetChunk, n + 1);
			for (uint32_t i = 0; i < n && !r->failed; i++)
				TRY(read_chunk(r, arena, path, &group->chunks[i], err));
		} else if (field.id == 3 && field.type == THRIFT_I64) {
			group->n_rows = thrift_int(r);
		} else {
			thrift_skip(r, field.type);
		}
	}
	r->failed |= group->chunks == NULL || group->n_rows < 0;
	return OK;
}

static Status
read_groups(ThriftReader *r, Arena *arena, const char *path, ParquetMeta *meta, Error *err)
{
	ThriftType type;
	uint32_t   n = thrift_list(r, &type);

	if ((n > 0 && type != THRIFT_STRUCT) || meta->groups != NULL || meta->elements == NULL) {
		r->failed = true;
		return OK;
	}
	meta->groups = arena_array(arena, ParquetRowGroup, n + 1);
	for (uint32_t i = 0; i < n && !r->failed; i++) {
		TRY(read_group(r, arena, path, meta, &meta->groups[i], err));
		meta->n_groups++;
	}
	return OK;
}

static bool
lies_within(int64_t offset, int64_t length, int64_t file_bytes)
{
	return offset > 0 && length > 0 && offset <= file_bytes && length <= file_bytes - offset;
}

/* Rows add up, and chunks lie within the file. */
static Status
check_groups(ParquetMeta *meta, int64_t file_bytes, const char *path, Error *err)
{
	int64_t n_rows = 0;

	for (int g = 0; g < meta->n_groups; g++) {
		ParquetRowGroup *group = &meta->groups[g];

		group->first_row = n_rows;
		if (__builtin_add_overflow(n_rows, group->n_rows, &n_rows))
			return error_fatal(err, "'%s' is damaged: its footer counts too many rows", path);
		for (int c = 0; c < meta->n_leaves; c++) {
			ParquetChunk *chunk = &group->chunks[c];

			if (chunk->offset < 0 || chunk->size_bytes < 0 || chunk->offset > file_bytes || chunk->size_bytes > file_bytes - chunk->offset)
				return error_fatal(err, "'%s' is damaged or cut off: column %d of row group %d lies outside of the file", path, c, g);
			if (!lies_within(chunk->column_index_offset, chunk->column_index_length, file_bytes) ||
				!lies_within(chunk->offset_index_offset, chunk->offset_index_length, file_bytes))
				chunk->column_index_offset = chunk->offset_index_offset = 0;
		}
	}
	if (n_rows != meta->n_rows)
		return error_fatal(err, "'%s' is damaged: its row groups have %lld rows, its footer says %lld", path, (long long)n_rows,
						   (long long)meta->n_rows);
	return OK;
}

Status
parquet_meta_read(Arena *arena, Str footer, int64_t file_bytes, const char *path, ParquetMeta **out, Error *err)
{
	ThriftReader r = {.pos = (const uint8_t *)footer.data, .end = (const uint8_t *)footer.data + footer.length};
	ThriftField	 field = {0};
	ParquetMeta *meta = arena_new(arena, ParquetMeta);

	*out = meta;
	while (thrift_field(&r, &field)) {
		if (field.id == 2 && field.type == THRIFT_LIST && meta->elements == NULL)
			read_schema(&r, arena, meta);
		else if (field.id == 3 && field.type == THRIFT_I64)
			meta->n_rows = thrift_int(&r);
		else if (field.id == 4 && field.type == THRIFT_LIST)
			TRY(read_groups(&r, arena, path, meta, err));
		else if (field.id == 6 && field.type == THRIFT_BINARY)
			meta->created_by = str_to_arena(arena, thrift_binary(&r));
		else
			thrift_skip(&r, field.type);
	}
	if (r.failed || meta->elements == NULL)
		return error_fatal(err, "'%s' is damaged: its footer cannot be read", path);
	return check_groups(meta, file_bytes, path, err);
}

/* ---- the page index ---- */

/* PageLocations: only where pages begin in the row group is of use. */
static void
read_locations(ThriftReader *r, ParquetPageEntry *pages)
{
	ThriftType element;
	uint32_t   n = thrift_list(r, &element);

	for (uint32_t i = 0; i < n && !r->failed; i++) {
		ThriftField field = {0};

		while (thrift_field(r, &field)) {
			if (field.id == 3 && field.type == THRIFT_I64)
				pages[i].first_row = thrift_int(r);
			else
				thrift_skip(r, field.type);
		}
	}
}

/* The OffsetIndex; NULL if it cannot be read. */
static ParquetPageEntry *
read_offset_index(Arena *arena, Str text, int *n_pages)
{
	ThriftReader	  r = {.pos = (const uint8_t *)text.data, .end = (const uint8_t *)text.data + text.length};
	ThriftField		  field = {0};
	ParquetPageEntry *pages = NULL;

	while (thrift_field(&r, &field)) {
		ThriftReader ahead = r;
		ThriftType	 element;

		if (field.id != 1 || field.type != THRIFT_LIST || pages != NULL) {
			thrift_skip(&r, field.type);
			continue;
		}
		*n_pages = (int)thrift_list(&ahead, &element);
		if (ahead.failed || element != THRIFT_STRUCT)
			return NULL;
		pages = arena_array(arena, ParquetPageEntry, *n_pages + 1);
		read_locations(&r, pages);
	}
	return r.failed ? NULL : pages;
}

/* One list of the ColumnIndex, which must have an element for each page. */
static void
read_index_list(ThriftReader *r, int id, ParquetPageEntry *pages, int n_pages, bool *is_null)
{
	ThriftType element;
	int		   n = (int)thrift_list(r, &element);

	if (n != n_pages)
		r->failed = true;
	for (int i = 0; i < n && !r->failed; i++) {
		if (id == 1)
			is_null[i] = thrift_byte(r) == THRIFT_TRUE;
		else if (id == 2)
			pages[i].statistics.min = thrift_binary(r);
		else if (id == 3)
			pages[i].statistics.max = thrift_binary(r);
		else
			pages[i].statistics.null_count = thrift_int(r);
	}
}

/* Which lists of the ColumnIndex were there, as bits of their numbers. */
static unsigned
read_column_index(ThriftReader *r, ParquetPageEntry *pages, int n_pages, bool *is_null)
{
	ThriftField field = {0};
	unsigned	there = 0;

	while (thrift_field(r, &field)) {
		if (field.type == THRIFT_LIST && (field.id <= 3 || field.id == 5)) {
			there |= 1u << field.id;
			read_index_list(r, field.id, pages, n_pages, is_null);
		} else {
			thrift_skip(r, field.type);
		}
	}
	return r->failed ? 0 : there;
}

/* Pages follow each other from the first row on. */
static bool
pages_add_up(ParquetPageEntry *pages, int n_pages, int64_t n_rows)
{
	if (n_pages == 0 || pages[0].first_row != 0)
		return false;
	for (int i = 0; i < n_pages; i++) {
		int64_t end = i + 1 < n_pages ? pages[i + 1].first_row : n_rows;

		if (end < pages[i].first_row || end > n_rows)
			return false;
		pages[i].n_rows = end - pages[i].first_row;
	}
	return true;
}

bool
parquet_page_index_read(Arena *arena, Str column_index, Str offset_index, int64_t n_rows, ParquetPageEntry **out, int *n_pages)
{
	ThriftReader	  r = {.pos = (const uint8_t *)column_index.data, .end = (const uint8_t *)column_index.data + column_index.length};
	ParquetPageEntry *pages = read_offset_index(arena, offset_index, n_pages);
	bool			 *is_null;
	unsigned		  there;

	if (pages == NULL || !pages_add_up(pages, *n_pages, n_rows))
		return false;
	is_null = arena_array(arena, bool, *n_pages);
	for (int i = 0; i < *n_pages; i++)
		pages[i].statistics.null_count = -1;
	there = read_column_index(&r, pages, *n_pages, is_null);
	if ((there & 0xe) != 0xe)
		return false;
	for (int i = 0; i < *n_pages; i++) {
		ParquetStatistics *s = &pages[i].statistics;

		if (is_null[i])
			*s = (ParquetStatistics){.null_count = pages[i].n_rows};
		else if (s->null_count == pages[i].n_rows)
			s->null_count = -1;	/* contradicts null_pages: not to be relied on */
	}
	*out = pages;
	return true;
}

/* ---- pages ---- */

/* DataPageHeader, DictionaryPageHeader and DataPageHeaderV2 differ in what their numbers mean. */
static void
read_page_numbers(ThriftReader *r, bool is_v2, ParquetPageHeader *out)
{
	ThriftField field = {0};
	int64_t		numbers[8] = {0};

	out->is_compressed = true;
	while (thrift_field(r, &field)) {
		if (field.type == THRIFT_I32 && field.id > 0 && field.id < 8)
			numbers[field.id] = thrift_int(r);
		else if (field.id == 7 && (field.type == THRIFT_TRUE || field.type == THRIFT_FALSE))
			out->is_compressed = field.type == THRIFT_TRUE;
		else
			thrift_skip(r, field.type);
	}
	out->n_values = numbers[1];
	if (is_v2) {
		out->encoding = (ParquetEncoding)numbers[4];
		out->definition_bytes = numbers[5];
		out->repetition_bytes = numbers[6];
		out->definition_encoding = out->repetition_encoding = PARQUET_RLE;
	} else {
		out->encoding = (ParquetEncoding)numbers[2];
		out->definition_encoding = (ParquetEncoding)numbers[3];
		out->repetition_encoding = (ParquetEncoding)numbers[4];
	}
}

bool
parquet_page_header_read(Str bytes, ParquetPageHeader *out, size_t *used)
{
	ThriftReader r = {.pos = (const uint8_t *)bytes.data, .end = (const uint8_t *)bytes.data + bytes.length};
	ThriftField	 field = {0};

	*out = (ParquetPageHeader){.plain_bytes = -1, .size_bytes = -1, .n_values = -1};
	while (thrift_field(&r, &field)) {
		if (field.id == 1 && field.type == THRIFT_I32)
			out->type = (ParquetPageType)thrift_int(&r);
		else if (field.id == 2 && field.type == THRIFT_I32)
			out->plain_bytes = thrift_int(&r);
		else if (field.id == 3 && field.type == THRIFT_I32)
			out->size_bytes = thrift_int(&r);
		else if ((field.id == 5 || field.id == 7 || field.id == 8) && field.type == THRIFT_STRUCT)
			read_page_numbers(&r, field.id == 8, out);
		else
			thrift_skip(&r, field.type);
	}
	*used = (size_t)(r.pos - (const uint8_t *)bytes.data);
	return !r.failed;
}
