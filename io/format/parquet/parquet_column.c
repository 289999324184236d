#include "io/format/parquet/parquet_column.h"

#include <stdlib.h>

#include "common/utf8.h"

void
column_reader_init(ColumnReader *c, Arena *arena, const ParquetNode *node, ParquetInput *input)
{
	*c = (ColumnReader){.node = node, .n_leaves = node->n_leaves, .leaves = arena_array(arena, PageReader, node->n_leaves)};
	for (int i = 0; i < c->n_leaves; i++)
		page_reader_init(&c->leaves[i], parquet_leaf(node, node->first_leaf + i), input);
}

void
column_reader_free(ColumnReader *c)
{
	for (int i = 0; i < c->n_leaves; i++)
		page_reader_free(&c->leaves[i]);
	free(c->native);
	free(c->codes);
}

int64_t
column_reader_bytes(const ColumnReader *c)
{
	int64_t bytes = (int64_t)c->native_bytes + (c->codes != NULL ? (int64_t)sizeof *c->codes * BATCH_ROWS : 0);

	for (int i = 0; i < c->n_leaves; i++)
		bytes += page_reader_bytes(&c->leaves[i]);
	return bytes;
}

Status
column_reader_open(ColumnReader *c, const ParquetRowGroup *group, int number, Error *err)
{
	for (int i = 0; i < c->n_leaves; i++) {
		const ParquetChunk *chunk = &group->chunks[c->node->first_leaf + i];

		TRY(page_reader_open(&c->leaves[i], chunk, number, err));
		if (c->leaves[i].leaf->max_repetition == 0 && chunk->n_values != group->n_rows)
			return page_damaged(&c->leaves[i], err, "it has %lld values for %lld rows", (long long)chunk->n_values, (long long)group->n_rows);
	}
	return OK;
}

/* ---- values of the current page ---- */

static StrView *
native_views(ColumnReader *c, int32_t n)
{
	size_t size = sizeof(StrView) * (size_t)n;

	if (size > c->native_bytes) {
		c->native = xrealloc(c->native, size);
		c->native_bytes = size;
	}
	return c->native;
}

static void
take_bits(PageReader *r, int32_t n, uint8_t *out)
{
	for (int32_t i = 0; i < n; i++, r->bit++)
		out[i] = r->at[r->bit >> 3] >> (r->bit & 7) & 1;
}

static Status
take_codes(PageReader *r, int32_t n, uint32_t *out, Error *err)
{
	uint32_t most = 0;

	if (!hybrid_read(&r->codes, out, n))
		return page_damaged(r, err, "codes are cut off");
	for (int32_t i = 0; i < n; i++)
		most = out[i] > most ? out[i] : most;
	if (n > 0 && most >= (uint32_t)r->dictionary->n_rows)
		return page_damaged(r, err, "code %u of a dictionary of %d", most, r->dictionary->n_rows);
	return OK;
}

static Status
too_few(const PageReader *r, Error *err)
{
	return page_damaged(r, err, "a page has fewer values than it says");
}

/* Values side by side, as they stand in the page: where they are. */
static Status
take_native(ColumnReader *c, PageReader *r, int32_t n, const void **out, Error *err)
{
	size_t size = (size_t)n * (size_t)r->leaf->width;

	switch (r->form) {
	case PAGE_FIXED:
		if (size > (size_t)(r->at_end - r->at))
			return too_few(r, err);
		*out = r->at;
		r->at += size;
		return OK;
	case PAGE_VIEWS:
		if (n > r->views_end - r->views)
			return too_few(r, err);
		*out = r->views;
		r->views += n;
		return OK;
	default:
		*out = native_views(c, n);
		return plain_texts(&r->at, r->at_end, n, c->native) ? OK : too_few(r, err);
	}
}

/* The next n values (not NULL) of the page, of the leaf's type. */
static Status
take_values(ColumnReader *c, PageReader *r, int32_t n, void *out, Arena *arena, Error *err)
{
	const ParquetNode *leaf = r->leaf;
	const void		  *from = NULL;
	int32_t			   bad = 0;

	if (n == 0)
		return OK;
	switch (r->form) {
	case PAGE_CODES:
		if (c->codes == NULL)
			c->codes = xmalloc(sizeof *c->codes * BATCH_ROWS);
		for (int32_t done = 0; done < n;) {
			int32_t take = n - done < BATCH_ROWS ? n - done : BATCH_ROWS;

			TRY(take_codes(r, take, c->codes, err));
			fixed_gather(type_width(leaf->type), r->dictionary->data, c->codes, take, (char *)out + (size_t)type_width(leaf->type) * (size_t)done);
			done += take;
		}
		return OK;
	case PAGE_BITS:
		if (r->bit + (uint64_t)n > (uint64_t)(r->at_end - r->at) * 8)
			return too_few(r, err);
		take_bits(r, n, out);
		return OK;
	case PAGE_BYTES:
		if (n > r->at_end - r->at)
			return too_few(r, err);
		memcpy(out, r->at, (size_t)n);
		r->at += n;
		return OK;
	case PAGE_TEXTS:
		if (leaf->convert == NULL)
			return plain_texts(&r->at, r->at_end, n, out) ? OK : too_few(r, err);
		break;
	default:
		break;
	}
	TRY(take_native(c, r, n, &from, err));
	if (leaf->convert == NULL)
		memcpy(out, from, (size_t)n * (size_t)type_width(leaf->type));
	else if (!leaf->convert(leaf, from, n, out, arena, &bad))
		return page_damaged(r, err, "a value is too large for %s", type_to_arena(leaf->type, arena));
	return OK;
}

/* STRING: all valid UTF-8 or an error; clears *is_ascii if it is not all ASCII. */
static Status
check_texts(const PageReader *r, const StrView *views, int32_t n, bool *is_ascii, Error *err)
{
	if (r->leaf->type->kind != TYPE_STRING)
		return OK;
	if (r->form == PAGE_CODES) {
		*is_ascii &= r->dictionary->is_ascii;
		return OK;
	}
	if (r->form == PAGE_TEXTS && r->is_ascii)
		return OK;
	for (int32_t i = 0; i < n; i++) {
		Str text = str_view_str(&views[i]);

		if (utf8_is_ascii(text))
			continue;
		*is_ascii = false;
		if (!utf8_validate(text))
			return page_damaged(r, err, "a text is not UTF-8");
	}
	return OK;
}

/* ---- leaves that are columns ---- */

/* Values stand at the front; moves each to its row and clears the rows that are NULL. */
static void
spread(void *data, size_t width, const uint64_t *validity, int64_t first, int32_t n, int32_t n_values)
{
	char   *base = (char *)data + width * (size_t)first;
	int32_t from = n_values;

	for (int32_t i = n - 1; i >= 0; i--) {
		if (bitmap_get(validity, first + i)) {
			if (--from == i)
				continue;
			memcpy(base + width * (size_t)i, base + width * (size_t)from, width);
		} else {
			memset(base + width * (size_t)i, 0, width);
		}
	}
}

static void
spread_codes(uint32_t *codes, const uint64_t *validity, int64_t first, int32_t n, int32_t n_values, uint32_t null_code)
{
	int32_t from = n_values;

	for (int32_t i = n - 1; i >= 0; i--)
		codes[i] = bitmap_get(validity, first + i) ? codes[--from] : null_code;
}

/* A batch of a leaf while it is filled. */
typedef struct LeafBatch {
	Vector	 *v;
	uint32_t *codes;		/* while all of it is codes of the dictionary; NULL: data is filled */
	bool	  has_nulls;
	int32_t	  n_valid;		/* rows of the piece at hand that are not NULL */
} LeafBatch;

/* Definition levels of n rows. */
static Status
take_definitions(PageReader *r, LeafBatch *b, int64_t first, int32_t n, Arena *arena, Error *err)
{
	b->n_valid = n;
	if (r->leaf->max_definition == 0 || hybrid_take_ones(&r->definition, n))
		return OK;
	if (!hybrid_read_bits(&r->definition, vector_need_validity(b->v, arena), first, n, &b->n_valid))
		return page_damaged(r, err, "levels are cut off");
	b->has_nulls |= b->n_valid < n;
	return OK;
}

/* The codes so far become values, because a page without codes follows. */
static void
batch_flatten(PageReader *r, LeafBatch *b, int32_t n)
{
	const Vector *dictionary = r->dictionary_with_null;

	fixed_gather(type_width(dictionary->type), dictionary->data, b->codes, n, b->v->data);
	b->v->is_ascii &= dictionary->is_ascii;
	b->codes = NULL;
}

static Status
take_piece(ColumnReader *c, PageReader *r, LeafBatch *b, int32_t done, int32_t n, Arena *arena, Error *err)
{
	size_t width = (size_t)type_width(b->v->type);
	char  *data = (char *)b->v->data + width * (size_t)done;
	bool   has_nulls;

	TRY(take_definitions(r, b, done, n, arena, err));
	has_nulls = b->n_valid < n;
	if (b->codes != NULL && r->form != PAGE_CODES)
		batch_flatten(r, b, done);
	if (b->codes != NULL) {
		TRY(take_codes(r, b->n_valid, b->codes + done, err));
		if (has_nulls)
			spread_codes(b->codes + done, b->v->validity, done, n, b->n_valid, (uint32_t)r->dictionary->n_rows);
	} else {
		TRY(take_values(c, r, b->n_valid, data, arena, err));
		if (type_is_text(b->v->type))
			TRY(check_texts(r, (const StrView *)data, b->n_valid, &b->v->is_ascii, err));
		if (has_nulls)
			spread(b->v->data, width, b->v->validity, done, n, b->n_valid);
	}
	r->left -= n;
	return OK;
}

static Status
need_page(PageReader *r, Error *err)
{
	int64_t skipped;

	while (r->left == 0)
		switch (page_reader_next(r, 0, &skipped, err)) {
		case FAILED:
			return FAILED;
		case DONE:
			return page_damaged(r, err, "it has fewer values than the row group has rows");
		case OK:
			break;
		}
	return OK;
}

/* A column without nesting: each row is an entry. */
static Status
read_flat(ColumnReader *c, int32_t n, Arena *arena, const Vector **out, Error *err)
{
	PageReader *r = &c->leaves[0];
	LeafBatch	b = {.v = vector_new_unset(arena, r->leaf->type, n)};

	TRY(need_page(r, err));
	b.v->is_ascii = b.v->type->kind == TYPE_STRING;
	if (r->form == PAGE_CODES && type_is_text(b.v->type))
		b.codes = arena_alloc(arena, sizeof *b.codes * (size_t)n);
	for (int32_t done = 0; done < n;) {
		int32_t take;

		TRY(need_page(r, err));
		take = n - done < r->left ? n - done : (int32_t)r->left;
		TRY(take_piece(c, r, &b, done, take, arena, err));
		done += take;
	}
	*out = b.v;
	if (b.codes != NULL)
		*out = vector_dictionary(arena, b.has_nulls ? r->dictionary_with_null : r->dictionary, b.codes, n);
	return OK;
}

/* ---- nested columns ---- */

/* Entries of a leaf for some rows, and its values one after the other. */
typedef struct LeafRows {
	int64_t	 n, capacity;		/* entries */
	uint8_t *repetitions, *definitions;
	Vector	*values;			/* FLAT; n_rows of them are filled */
	int64_t	 value;				/* the next one that is given out */
} LeafRows;

static void
values_reserve(Vector *v, Arena *arena, int32_t n)
{
	size_t width = (size_t)type_width(v->type);

	if (v->n_rows + n > v->capacity) {
		int32_t capacity = v->capacity * 2 > v->n_rows + n ? v->capacity * 2 : v->n_rows + n;
		void   *data = arena_alloc(arena, width * (size_t)capacity);

		if (v->n_rows > 0)
			memcpy(data, v->data, width * (size_t)v->n_rows);
		v->data = data;
		v->capacity = capacity;
	}
}

static void
entries_reserve(LeafRows *rows, Arena *arena, int64_t n)
{
	int64_t	 capacity = rows->capacity * 2 > rows->n + n ? rows->capacity * 2 : rows->n + n;
	uint8_t *repetitions, *definitions;

	if (rows->n + n <= rows->capacity)
		return;
	repetitions = arena_alloc(arena, (size_t)capacity);
	definitions = arena_alloc(arena, (size_t)capacity);
	if (rows->n > 0) {
		memcpy(repetitions, rows->repetitions, (size_t)rows->n);
		memcpy(definitions, rows->definitions, (size_t)rows->n);
	}
	rows->repetitions = repetitions;
	rows->definitions = definitions;
	rows->capacity = capacity;
}

/* Entries first .. end-1 of the page. */
static Status
take_entries(ColumnReader *c, PageReader *r, int64_t first, int64_t end, LeafRows *rows, Arena *arena, Error *err)
{
	size_t	width = (size_t)type_width(r->leaf->type);
	int64_t n_values = 0;
	char   *data;

	if (first == end)
		return OK;
	entries_reserve(rows, arena, end - first);
	memcpy(rows->repetitions + rows->n, r->repetitions + first, (size_t)(end - first));
	memcpy(rows->definitions + rows->n, r->definitions + first, (size_t)(end - first));
	for (int64_t i = first; i < end; i++)
		n_values += r->definitions[i] == r->leaf->max_definition;
	rows->n += end - first;
	values_reserve(rows->values, arena, (int32_t)n_values);
	data = (char *)rows->values->data + width * (size_t)rows->values->n_rows;
	TRY(take_values(c, r, (int32_t)n_values, data, arena, err));
	if (type_is_text(r->leaf->type))
		TRY(check_texts(r, (const StrView *)data, (int32_t)n_values, &rows->values->is_ascii, err));
	rows->values->n_rows += (int32_t)n_values;
	return OK;
}

/* n rows: up to the entry where the next one begins, which may stand on a later page. */
static Status
take_rows(ColumnReader *c, PageReader *r, int32_t n, LeafRows *rows, Arena *arena, Error *err)
{
	int32_t begun = 0;
	int64_t skipped;

	rows->values = vector_new_unset(arena, r->leaf->type, n);
	rows->values->n_rows = 0;
	rows->values->is_ascii = rows->values->type->kind == TYPE_STRING;
	for (;;) {
		int64_t first, end;
		bool	is_full = false;

		if (r->left == 0) {
			Status status = page_reader_next(r, 0, &skipped, err);

			if (status == FAILED)
				return FAILED;
			if (status == DONE)
				break;
		}
		first = r->level;
		for (end = first; end < first + r->left && !is_full; end += !is_full)
			if (r->repetitions[end] == 0 && begun++ == n)
				is_full = true;
		TRY(take_entries(c, r, first, end, rows, arena, err));
		r->left -= end - first;
		r->level = end;
		if (is_full)
			return OK;
	}
	return begun == n ? OK : page_damaged(r, err, "it has fewer rows than the row group");
}

/* Where the parts of a nested column are put together. */
typedef struct Assembly {
	ColumnReader *column;
	LeafRows	 *leaves;
	Arena		 *arena;
} Assembly;

/* An entry that stands for a slot of a node within lists of this repetition level, whose items are there from this definition. */
#define IS_SLOT(rows, i) ((rows)->repetitions[i] <= repeated && (rows)->definitions[i] >= defined)

static int32_t
count_slots(const LeafRows *rows, int repeated, int defined)
{
	int32_t n = 0;

	for (int64_t i = 0; i < rows->n; i++)
		n += IS_SLOT(rows, i);
	return n;
}

static Status assemble(Assembly *a, const ParquetNode *node, int repeated, int defined, int32_t n, Vector *out, Error *err);

static Status
disagree(Assembly *a, const ParquetNode *node, Error *err)
{
	return page_damaged(&a->column->leaves[node->first_leaf - a->column->node->first_leaf], err, "the levels of its parts don't agree");
}

static Status
assemble_leaf(Assembly *a, const ParquetNode *node, LeafRows *rows, int repeated, int defined, Vector *out)
{
	size_t		width = (size_t)type_width(out->type);
	const char *from = rows->values->data;
	char	   *to = out->data;
	int32_t		row = 0;

	out->is_ascii = rows->values->is_ascii;
	for (int64_t i = 0; i < rows->n; i++) {
		if (!IS_SLOT(rows, i))
			continue;
		if (rows->definitions[i] == node->max_definition)
			memcpy(to + width * (size_t)row, from + width * (size_t)rows->value++, width);
		else
			vector_set_null(out, a->arena, row);
		row++;
	}
	return OK;
}

static Status
assemble_struct(Assembly *a, const ParquetNode *node, const LeafRows *rows, int repeated, int defined, int32_t n, Vector *out, Error *err)
{
	int32_t row = 0;

	for (int64_t i = 0; i < rows->n; i++) {
		if (!IS_SLOT(rows, i))
			continue;
		if (rows->definitions[i] < node->defined)
			vector_set_null(out, a->arena, row);
		row++;
	}
	for (int k = 0; k < node->n_children; k++)
		TRY(assemble(a, &node->children[k], repeated, defined, n, &out->children[k], err));
	return OK;
}

static Status
assemble_list(Assembly *a, const ParquetNode *node, const LeafRows *rows, int repeated, int defined, Vector *out, Error *err)
{
	ListEntry *entries = out->data;
	int32_t	   row = -1;
	uint32_t   n_items = 0;

	for (int64_t i = 0; i < rows->n; i++) {
		if (IS_SLOT(rows, i)) {
			row++;
			entries[row] = (ListEntry){n_items, 0};
			if (rows->definitions[i] < node->defined)
				vector_set_null(out, a->arena, row);
		}
		if (rows->definitions[i] >= node->item_defined && rows->repetitions[i] <= node->item_repeated) {
			if (row < 0)
				return disagree(a, node, err);
			n_items++;
			entries[row].length++;
		}
	}
	vector_list_reserve(out, a->arena, n_items);
	for (int k = 0; k < node->n_children; k++)
		TRY(assemble(a, &node->children[k], node->item_repeated, node->item_defined, (int32_t)n_items, &out->children[k], err));
	return OK;
}

/* Fills `out`, which has n rows that are not NULL yet. */
static Status
assemble(Assembly *a, const ParquetNode *node, int repeated, int defined, int32_t n, Vector *out, Error *err)
{
	LeafRows *rows = &a->leaves[node->first_leaf - a->column->node->first_leaf];

	if (count_slots(rows, repeated, defined) != n)
		return disagree(a, node, err);
	switch (node->kind) {
	case PARQUET_LEAF:
		return assemble_leaf(a, node, rows, repeated, defined, out);
	case PARQUET_STRUCT:
		return assemble_struct(a, node, rows, repeated, defined, n, out, err);
	default:
		return assemble_list(a, node, rows, repeated, defined, out, err);
	}
}

static void
fill_levels_of_flat(const PageReader *r, LeafRows *rows, Arena *arena, const Vector *v, int32_t n)
{
	entries_reserve(rows, arena, n);
	rows->n = n;
	memset(rows->repetitions, 0, (size_t)n);
	for (int32_t i = 0; i < n; i++)
		rows->definitions[i] = (uint8_t)(vector_is_valid(v, i) ? r->leaf->max_definition : 0);
}

/* A required or optional leaf of a required struct has no levels of its own to speak of: read as if it were a column. */
static Status
take_flat_rows(ColumnReader *c, int leaf, int32_t n, LeafRows *rows, Arena *arena, Error *err)
{
	ColumnReader  one = {.node = c->leaves[leaf].leaf, .n_leaves = 1, .leaves = &c->leaves[leaf], .native = c->native,
						 .native_bytes = c->native_bytes, .codes = c->codes};
	const Vector *v;
	Status		  status = read_flat(&one, n, arena, &v, err);
	int32_t		  n_values = 0;

	c->native = one.native;
	c->native_bytes = one.native_bytes;
	c->codes = one.codes;
	TRY(status);
	fill_levels_of_flat(&c->leaves[leaf], rows, arena, v, n);
	rows->values = vector_new_unset(arena, v->type, n);
	rows->values->is_ascii = v->is_ascii;
	v = vector_flatten(arena, v);
	for (int32_t i = 0; i < n; i++)
		if (vector_is_valid(v, i)) {
			size_t width = (size_t)type_width(v->type);

			memcpy((char *)rows->values->data + width * (size_t)n_values++, (const char *)v->data + width * (size_t)i, width);
		}
	rows->values->n_rows = n_values;
	return OK;
}

static Status
read_nested(ColumnReader *c, int32_t n, Arena *arena, const Vector **out, Error *err)
{
	Assembly a = {.column = c, .leaves = arena_array(arena, LeafRows, c->n_leaves), .arena = arena};
	Vector	*v = vector_new(arena, c->node->type, n);

	for (int i = 0; i < c->n_leaves; i++) {
		const ParquetNode *leaf = c->leaves[i].leaf;

		if (leaf->max_repetition == 0 && leaf->max_definition <= 1)
			TRY(take_flat_rows(c, i, n, &a.leaves[i], arena, err));
		else
			TRY(take_rows(c, &c->leaves[i], n, &a.leaves[i], arena, err));
	}
	TRY(assemble(&a, c->node, 0, 0, n, v, err));
	*out = v;
	return OK;
}

static bool
is_flat(const ColumnReader *c)
{
	return c->node->kind == PARQUET_LEAF && c->node->max_definition <= 1 && c->node->max_repetition == 0;
}

Status
column_reader_read(ColumnReader *c, int32_t n, Arena *arena, const Vector **out, Error *err)
{
	for (int i = 0; i < c->n_leaves; i++)
		page_reader_recycle(&c->leaves[i]);
	return is_flat(c) ? read_flat(c, n, arena, out, err) : read_nested(c, n, arena, out, err);
}

Status
column_reader_skip(ColumnReader *c, int64_t n, Error *err)
{
	Arena		  scratch = {0};
	const Vector *ignored;
	Status		  status = OK;

	while (n > 0 && status == OK) {
		PageReader *r = &c->leaves[0];
		int64_t		skipped = 0;
		int32_t		take = n < BATCH_ROWS ? (int32_t)n : BATCH_ROWS;

		if (is_flat(c) && r->left == 0) {
			status = page_reader_next(r, n, &skipped, err);
			if (status == DONE)
				status = page_damaged(r, err, "it has fewer values than the row group has rows");
			n -= skipped;
			if (status != OK || skipped > 0)
				continue;
		}
		if (is_flat(c) && take > r->left)
			take = (int32_t)r->left;
		status = column_reader_read(c, take, &scratch, &ignored, err);
		arena_reset(&scratch);
		n -= take;
	}
	arena_free(&scratch);
	return status;
}
