#include "io/format/parquet/parquet_writer.h"

#include <stdlib.h>

#include "data/decimal.h"
#include "io/format/parquet/parquet_codec.h"
#include "io/format/parquet/parquet_leaf_writer.h"

#define MAGIC "PAR1"
#define GROUP_BYTES_MAX ((size_t)256 << 20)	/* a row group ends before its rows are complete if it becomes so large */
#define LEVELS_MAX 250
#define CREATED_BY "sluice"

/* A column or a part of one, with its levels as the reader counts them (parquet_schema.h). */
typedef struct WriteNode WriteNode;
struct WriteNode {
	const char *name;
	const Type *type;
	bool		is_required;	/* keys of maps */
	int			defined;
	int			item_repeated;	/* ARRAY, MAP */
	int			n_children;
	WriteNode  *children;
	LeafWriter *leaf;			/* NULL: nested */
};

typedef struct WriteGroup {
	int64_t	   n_rows;
	LeafChunk *chunks;
} WriteGroup;

struct ParquetWriter {
	ParquetWriteSpec spec;
	Arena			 arena;			/* of the file: nodes, chunks */
	Arena			 scratch;		/* of a batch */
	WriteNode		*columns;
	int				 n_leaves;
	LeafWriter	   **leaves;
	const WriteNode **leaf_nodes;
	const char	  ***leaf_paths;	/* names from the root, NULL at the end */
	int64_t			 group_rows;
	int64_t			 n_rows;		/* of the row group at hand */
	int64_t			 n_total;
	int64_t			 offset;		/* bytes written */
	int				 n_groups, groups_capacity;
	WriteGroup		*groups;
	StrBuf			 out;
};

/* ---- types ---- */

/* How values of a type are stored: the closed table of writing. */
typedef struct LeafForm {
	ParquetPhysical physical;
	int				width;
	LeafOrder		order;
	int				converted;		/* ConvertedType, for readers of before 2017; -1: none */
	int				logical;		/* field of LogicalType; 0: none */
} LeafForm;

static LeafForm
leaf_form(const Type *type)
{
	switch (type->kind) {
	case TYPE_BOOLEAN:
		return (LeafForm){PARQUET_BOOLEAN, 1, LEAF_BOOLEAN, -1, 0};
	case TYPE_INTEGER:
		return (LeafForm){PARQUET_INT32, 4, LEAF_INT32, 17, 10};
	case TYPE_BIGINT:
		return (LeafForm){PARQUET_INT64, 8, LEAF_INT64, 18, 10};
	case TYPE_DOUBLE:
		return (LeafForm){PARQUET_DOUBLE, 8, LEAF_DOUBLE, -1, 0};
	case TYPE_DECIMAL:
		if (type->precision <= 9)
			return (LeafForm){PARQUET_INT32, 4, LEAF_INT32, 5, 5};
		if (type->precision <= 18)
			return (LeafForm){PARQUET_INT64, 8, LEAF_INT64, 5, 5};
		return (LeafForm){PARQUET_FIXED, 16, LEAF_DECIMAL, 5, 5};
	case TYPE_STRING:
		return (LeafForm){PARQUET_BYTE_ARRAY, 0, LEAF_BYTES, 0, 1};
	case TYPE_BYTES:
		return (LeafForm){PARQUET_BYTE_ARRAY, 0, LEAF_BYTES, -1, 0};
	case TYPE_DATE:
		return (LeafForm){PARQUET_INT32, 4, LEAF_INT32, 6, 6};
	case TYPE_TIME:
		return (LeafForm){PARQUET_INT32, 4, LEAF_INT32, -1, 7};
	case TYPE_TIMESTAMP:
		return (LeafForm){PARQUET_INT64, 8, LEAF_INT64, -1, 8};
	default:
		return (LeafForm){PARQUET_FIXED, 12, LEAF_UNORDERED, 21, 0};	/* INTERVAL */
	}
}

static void
store_decimal(Decimal value, char *to)
{
	for (int i = 15; i >= 0; i--, value >>= 8)
		to[i] = (char)value;
}

static Status
store_interval(Interval value, char *to, Error *err)
{
	uint32_t parts[3] = {(uint32_t)value.months, (uint32_t)value.days, (uint32_t)(value.micros / 1000)};

	if (value.months < 0 || value.days < 0 || value.micros < 0 || value.micros / 1000 > UINT32_MAX) {
		error_data(err, "An INTERVAL that is negative or longer than 49 days of hours cannot be written to Parquet");
		return error_hint(err, "CAST it to STRING");
	}
	memcpy(to, parts, sizeof parts);
	return OK;
}

/* One value as it stands in a page: where, and how long.  `room` has 16 bytes. */
static Status
store_value(const Vector *v, int64_t at, char *room, const void **from, size_t *length, Error *err)
{
	int32_t narrow;
	int64_t wide;
	Str		text;

	*from = room;
	switch (v->type->kind) {
	case TYPE_STRING:
	case TYPE_BYTES:
		text = str_view_str(&((const StrView *)v->data)[at]);
		*from = text.data;
		*length = text.length;
		return OK;
	case TYPE_DECIMAL:
		wide = (int64_t)((const Decimal *)v->data)[at];
		narrow = (int32_t)wide;
		*length = (size_t)leaf_form(v->type).width;
		if (*length == 16)
			store_decimal(((const Decimal *)v->data)[at], room);
		else
			memcpy(room, *length == 4 ? (const void *)&narrow : &wide, *length);
		return OK;
	case TYPE_INTERVAL:
		*length = 12;
		return store_interval(((const Interval *)v->data)[at], room, err);
	default:
		*length = (size_t)type_width(v->type);
		*from = (const char *)v->data + *length * (size_t)at;
		return OK;
	}
}

/* ---- making the tree ---- */

static int
count_leaves(const Type *type)
{
	int n = 0;

	switch (type->kind) {
	case TYPE_ARRAY:
		return count_leaves(type->element);
	case TYPE_MAP:
		return count_leaves(type->key) + count_leaves(type->element);
	case TYPE_STRUCT:
		for (int i = 0; i < type->n_fields; i++)
			n += count_leaves(type->fields[i].type);
		return n;
	default:
		return 1;
	}
}

typedef struct NodePath {
	const struct NodePath *outer;
	const char			  *name;
} NodePath;

static const char **
path_names(Arena *arena, const NodePath *path)
{
	int			 n = 0;
	const char **names;

	for (const NodePath *p = path; p != NULL; p = p->outer)
		n++;
	names = arena_array(arena, const char *, n + 1);
	for (const NodePath *p = path; p != NULL; p = p->outer)
		names[--n] = p->name;
	return names;
}

static Status make_node(ParquetWriter *w, const char *name, const Type *type, bool is_required, int definition, int repetition,
						const NodePath *outer, WriteNode *out, Error *err);

static Status
make_items(ParquetWriter *w, WriteNode *node, const char *group, const char *const *names, int n, int repetition, const NodePath *path, Error *err)
{
	const Type *types[2] = {node->type->kind == TYPE_MAP ? node->type->key : node->type->element, node->type->element};
	NodePath	middle = {path, group};

	node->item_repeated = repetition + 1;
	node->n_children = n;
	node->children = arena_array(&w->arena, WriteNode, n);
	for (int i = 0; i < n; i++)
		TRY(make_node(w, names[i], types[i], n == 2 && i == 0, node->defined + 1, repetition + 1, &middle, &node->children[i], err));
	return OK;
}

static Status
make_node(ParquetWriter *w, const char *name, const Type *type, bool is_required, int definition, int repetition, const NodePath *outer,
		  WriteNode *out, Error *err)
{
	static const char *const item[] = {"element"}, *const pair[] = {"key", "value"};
	NodePath				 path = {outer, name};
	LeafForm				 form;

	*out = (WriteNode){.name = name, .type = type, .is_required = is_required, .defined = definition + !is_required};
	if (out->defined > LEVELS_MAX || type->kind == TYPE_NULL || type->kind > TYPE_STRUCT)
		return error_unsupported(err, "Column `%s` has a type that Parquet has nothing for", name);
	switch (type->kind) {
	case TYPE_ARRAY:
		return make_items(w, out, "list", item, 1, repetition, &path, err);
	case TYPE_MAP:
		return make_items(w, out, "key_value", pair, 2, repetition, &path, err);
	case TYPE_STRUCT:
		out->n_children = type->n_fields;
		out->children = arena_array(&w->arena, WriteNode, type->n_fields + 1);
		for (int i = 0; i < type->n_fields; i++)
			TRY(make_node(w, type->fields[i].name, type->fields[i].type, false, out->defined, repetition, &path, &out->children[i], err));
		return OK;
	default:
		form = leaf_form(type);
		out->leaf = arena_new(&w->arena, LeafWriter);
		leaf_writer_init(out->leaf, form.physical, form.order, form.width, out->defined, repetition);
		w->leaf_nodes[w->n_leaves] = out;
		w->leaf_paths[w->n_leaves] = path_names(&w->arena, &path);
		w->leaves[w->n_leaves++] = out->leaf;
		return OK;
	}
}

Status
parquet_writer_new(const ParquetWriteSpec *spec, ParquetWriter **out, Error *err)
{
	ParquetWriter *w = xcalloc(1, sizeof *w);
	Status		   status = OK;
	int			   n = 0;

	w->spec = *spec;
	w->group_rows = spec->group_rows > 0 ? spec->group_rows : PARQUET_GROUP_ROWS;
	for (int c = 0; c < spec->n_columns; c++)
		n += count_leaves(spec->columns[c].type);
	w->columns = arena_array(&w->arena, WriteNode, spec->n_columns + 1);
	w->leaves = arena_array(&w->arena, LeafWriter *, n + 1);
	w->leaf_nodes = arena_array(&w->arena, const WriteNode *, n + 1);
	w->leaf_paths = arena_array(&w->arena, const char **, n + 1);
	TRY_OUT(parquet_codec_check(spec->codec, "The file", err));
	for (int c = 0; c < spec->n_columns; c++)
		TRY_OUT(make_node(w, spec->columns[c].name, spec->columns[c].type, false, 0, 0, NULL, &w->columns[c], err));
	strbuf_add_text(&w->out, MAGIC);
out:
	if (status != OK) {
		parquet_writer_free(w);
		w = NULL;
	}
	*out = w;
	return status;
}

void
parquet_writer_free(ParquetWriter *w)
{
	if (w == NULL)
		return;
	for (int i = 0; i < w->n_leaves; i++)
		leaf_writer_free(w->leaves[i]);
	free(w->groups);
	strbuf_free(&w->out);
	arena_free(&w->scratch);
	arena_free(&w->arena);
	free(w);
}

/* ---- rows ---- */

static void
write_nulls(const WriteNode *node, int repetition, int definition)
{
	if (node->leaf != NULL)
		leaf_writer_add_nulls(node->leaf, repetition, definition, 1);
	for (int k = 0; k < node->n_children; k++)
		write_nulls(&node->children[k], repetition, definition);
}

static Status write_value(const WriteNode *node, const Vector *v, int64_t at, int repetition, int definition, Error *err);

static Status
write_items(const WriteNode *node, const Vector *v, ListEntry entry, int repetition, Error *err)
{
	if (entry.length == 0)
		write_nulls(node, repetition, node->defined);
	for (uint32_t i = 0; i < entry.length; i++)
		for (int k = 0; k < node->n_children; k++)
			TRY(write_value(&node->children[k], &v->children[k], entry.offset + i, i == 0 ? repetition : node->item_repeated, node->defined + 1, err));
	return OK;
}

/* Row `at` of a FLAT vector.  definition: the level that is reached without it. */
static Status
write_value(const WriteNode *node, const Vector *v, int64_t at, int repetition, int definition, Error *err)
{
	char		room[16];
	const void *from;
	size_t		length;

	if (v->validity != NULL && !bitmap_get(v->validity, at)) {
		if (node->is_required)
			return error_data(err, "A MAP has a NULL key, which Parquet has no place for");
		write_nulls(node, repetition, definition);
		return OK;
	}
	if (node->leaf != NULL) {
		TRY(store_value(v, at, room, &from, &length, err));
		leaf_writer_add(node->leaf, repetition, from, length);
		return OK;
	}
	if (node->type->kind != TYPE_STRUCT)
		return write_items(node, v, ((const ListEntry *)v->data)[at], repetition, err);
	for (int k = 0; k < node->n_children; k++)
		TRY(write_value(&node->children[k], &v->children[k], at, repetition, node->defined, err));
	return OK;
}

/* A column whose rows are entries: levels at once, then the values. */
static Status
write_leaf(const WriteNode *node, const Vector *v, int32_t n, Error *err)
{
	char		room[16];
	const void *from;
	size_t		length;
	bool		is_plain = v->validity == NULL && node->leaf->width == type_width(v->type) && v->type->kind != TYPE_DECIMAL;

	leaf_writer_add_levels(node->leaf, v->validity, n);
	if (is_plain) {
		leaf_writer_add_values(node->leaf, v->data, n);
		return OK;
	}
	for (int32_t i = 0; i < n; i++) {
		if (v->validity != NULL && !bitmap_get(v->validity, i))
			continue;
		TRY(store_value(v, i, room, &from, &length, err));
		leaf_writer_add_value(node->leaf, from, length);
	}
	return OK;
}

static Status
write_column(ParquetWriter *w, const WriteNode *node, const Vector *v, int32_t first, int32_t n, Error *err)
{
	if (first > 0 || n < v->n_rows)
		v = vector_slice(&w->scratch, v, first, n);
	v = vector_flatten(&w->scratch, v);
	if (node->leaf != NULL)
		return write_leaf(node, v, n, err);
	for (int32_t i = 0; i < n; i++)
		TRY(write_value(node, v, i, 0, 0, err));
	return OK;
}

static Status
put_out(ParquetWriter *w, Error *err)
{
	Status status = w->spec.write(w->spec.context, strbuf_str(&w->out), err);

	w->offset += (int64_t)w->out.length;
	strbuf_clear(&w->out);
	return status;
}

static Status
flush_group(ParquetWriter *w, Error *err)
{
	WriteGroup *group;

	if (w->n_rows == 0)
		return OK;
	grow_array(w->groups, w->n_groups, w->groups_capacity);
	group = &w->groups[w->n_groups++];
	*group = (WriteGroup){.n_rows = w->n_rows, .chunks = arena_array(&w->arena, LeafChunk, w->n_leaves + 1)};
	for (int i = 0; i < w->n_leaves; i++) {
		TRY(leaf_writer_flush(w->leaves[i], w->spec.codec, w->offset + (int64_t)w->out.length, &w->arena, &w->out, &group->chunks[i], err));
		TRY(put_out(w, err));
	}
	w->n_total += w->n_rows;
	w->n_rows = 0;
	return OK;
}

static bool
group_is_full(const ParquetWriter *w)
{
	size_t bytes = 0;

	for (int i = 0; i < w->n_leaves; i++)
		bytes += leaf_writer_bytes(w->leaves[i]);
	return w->n_rows >= w->group_rows || bytes >= GROUP_BYTES_MAX;
}

Status
parquet_writer_add(ParquetWriter *w, const Batch *rows, Error *err)
{
	for (int32_t done = 0; done < rows->n_rows;) {
		int64_t room = w->group_rows - w->n_rows;
		int32_t n = rows->n_rows - done < room ? rows->n_rows - done : (int32_t)room;

		for (int c = 0; c < w->spec.n_columns; c++)
			TRY(write_column(w, &w->columns[c], rows->columns[c], done, n, err));
		arena_reset(&w->scratch);
		w->n_rows += n;
		done += n;
		if (group_is_full(w))
			TRY(flush_group(w, err));
	}
	return OK;
}

int64_t
parquet_writer_allocated(const ParquetWriter *w)
{
	size_t bytes = w->out.capacity + w->scratch.size_bytes;

	for (int i = 0; i < w->n_leaves; i++)
		bytes += leaf_writer_allocated(w->leaves[i]);
	return (int64_t)bytes;
}

Status
parquet_writer_shrink(ParquetWriter *w, Error *err)
{
	TRY(flush_group(w, err));
	for (int i = 0; i < w->n_leaves; i++)
		leaf_writer_shrink(w->leaves[i]);
	strbuf_free(&w->out);
	arena_free(&w->scratch);
	return OK;
}

/* ---- the footer ---- */

static void
put_unit_milliseconds(ThriftWriter *t, int id)
{
	thrift_put_struct(t, id);
	thrift_put_struct(t, 1);
	thrift_end(t);
	thrift_end(t);
}

static void
put_logical(ThriftWriter *t, const Type *type, int logical)
{
	if (logical == 0)
		return;
	thrift_put_struct(t, 10);
	thrift_put_struct(t, logical);
	switch (type->kind) {
	case TYPE_INTEGER:
	case TYPE_BIGINT:
		thrift_put_byte(t, 1, type->kind == TYPE_INTEGER ? 32 : 64);
		thrift_put_bool(t, 2, true);
		break;
	case TYPE_DECIMAL:
		thrift_put_int(t, 1, THRIFT_I32, type->scale);
		thrift_put_int(t, 2, THRIFT_I32, type->precision);
		break;
	case TYPE_TIME:
	case TYPE_TIMESTAMP:
		/* Not adjusted to UTC: TIMESTAMP and TIME have no zone, as in SQL.  ConvertedType has no word for that. */
		thrift_put_bool(t, 1, false);
		put_unit_milliseconds(t, 2);
		break;
	default:
		break;
	}
	thrift_end(t);
	thrift_end(t);
}

static void
put_group_element(ThriftWriter *t, const char *name, int repetition, int n_children, int converted, int logical)
{
	thrift_begin(t);
	if (repetition >= 0)
		thrift_put_int(t, 3, THRIFT_I32, repetition);
	thrift_put_binary(t, 4, str_of(name));
	thrift_put_int(t, 5, THRIFT_I32, n_children);
	if (converted >= 0)
		thrift_put_int(t, 6, THRIFT_I32, converted);
	if (logical > 0) {
		thrift_put_struct(t, 10);
		thrift_put_struct(t, logical);
		thrift_end(t);
		thrift_end(t);
	}
	thrift_end(t);
}

static void
put_leaf_element(ThriftWriter *t, const WriteNode *node)
{
	LeafForm form = leaf_form(node->type);

	thrift_begin(t);
	thrift_put_int(t, 1, THRIFT_I32, form.physical);
	if (form.physical == PARQUET_FIXED)
		thrift_put_int(t, 2, THRIFT_I32, form.width);
	thrift_put_int(t, 3, THRIFT_I32, node->is_required ? PARQUET_REQUIRED : PARQUET_OPTIONAL);
	thrift_put_binary(t, 4, str_of(node->name));
	if (form.converted >= 0)
		thrift_put_int(t, 6, THRIFT_I32, form.converted);
	if (node->type->kind == TYPE_DECIMAL) {
		thrift_put_int(t, 7, THRIFT_I32, node->type->scale);
		thrift_put_int(t, 8, THRIFT_I32, node->type->precision);
	}
	put_logical(t, node->type, form.logical);
	thrift_end(t);
}

/* Writes a node and what is below; returns how many elements that were.  With t NULL it only counts. */
static int
put_element(ThriftWriter *t, const WriteNode *node)
{
	int n = 1, repetition = node->is_required ? PARQUET_REQUIRED : PARQUET_OPTIONAL;

	if (node->leaf != NULL) {
		if (t != NULL)
			put_leaf_element(t, node);
		return 1;
	}
	switch (node->type->kind) {
	case TYPE_ARRAY:
	case TYPE_MAP:
		n++;
		if (t != NULL) {
			bool is_map = node->type->kind == TYPE_MAP;

			put_group_element(t, node->name, repetition, 1, is_map ? 1 : 3, is_map ? 2 : 3);
			put_group_element(t, is_map ? "key_value" : "list", PARQUET_REPEATED, node->n_children, -1, 0);
		}
		break;
	default:
		if (t != NULL)
			put_group_element(t, node->name, repetition, node->n_children, -1, 0);
		break;
	}
	for (int k = 0; k < node->n_children; k++)
		n += put_element(t, &node->children[k]);
	return n;
}

static void
put_schema(const ParquetWriter *w, ThriftWriter *t)
{
	int n = 1;

	for (int c = 0; c < w->spec.n_columns; c++)
		n += put_element(NULL, &w->columns[c]);
	thrift_put_list(t, 2, THRIFT_STRUCT, (uint32_t)n);
	put_group_element(t, "schema", -1, w->spec.n_columns, -1, 0);
	for (int c = 0; c < w->spec.n_columns; c++)
		put_element(t, &w->columns[c]);
}

static void
put_statistics(ThriftWriter *t, const LeafChunk *chunk)
{
	thrift_put_struct(t, 12);
	thrift_put_int(t, 3, THRIFT_I64, chunk->n_nulls);
	if (chunk->has_range) {
		thrift_put_binary(t, 5, chunk->max);
		thrift_put_binary(t, 6, chunk->min);
		thrift_put_bool(t, 7, true);
		thrift_put_bool(t, 8, true);
	}
	thrift_end(t);
}

static void
put_encodings(ThriftWriter *t, const LeafChunk *chunk)
{
	bool has_dictionary = chunk->dictionary_offset >= 0;

	thrift_put_list(t, 2, THRIFT_I32, has_dictionary ? 3 : 2);
	thrift_add_int(t, PARQUET_RLE);
	thrift_add_int(t, PARQUET_PLAIN);
	if (has_dictionary)
		thrift_add_int(t, PARQUET_RLE_DICTIONARY);
}

/*
 * Whether readers can be told which of the chunk's pages have what: rows are entries, and every page that has a value has a range.
 */
static bool
has_page_index(const LeafWriter *leaf, const LeafChunk *chunk)
{
	for (int i = 0; i < chunk->n_pages; i++)
		if (!chunk->pages[i].has_range && chunk->pages[i].n_nulls < chunk->pages[i].n_entries)
			return false;
	return leaf->max_repetition == 0 && chunk->n_pages > 0;
}

static void
put_column_index(ThriftWriter *t, const LeafChunk *chunk)
{
	uint32_t n = (uint32_t)chunk->n_pages;

	thrift_begin(t);
	thrift_put_list(t, 1, THRIFT_TRUE, n);
	for (uint32_t i = 0; i < n; i++)
		strbuf_add_char(t->out, chunk->pages[i].has_range ? THRIFT_FALSE : THRIFT_TRUE);
	thrift_put_list(t, 2, THRIFT_BINARY, n);
	for (uint32_t i = 0; i < n; i++)
		thrift_add_binary(t, chunk->pages[i].min);
	thrift_put_list(t, 3, THRIFT_BINARY, n);
	for (uint32_t i = 0; i < n; i++)
		thrift_add_binary(t, chunk->pages[i].max);
	thrift_put_int(t, 4, THRIFT_I32, 0);	/* BoundaryOrder: not said */
	thrift_put_list(t, 5, THRIFT_I64, n);
	for (uint32_t i = 0; i < n; i++)
		thrift_add_int(t, chunk->pages[i].n_nulls);
	thrift_end(t);
}

static void
put_offset_index(ThriftWriter *t, const LeafChunk *chunk)
{
	thrift_begin(t);
	thrift_put_list(t, 1, THRIFT_STRUCT, (uint32_t)chunk->n_pages);
	for (int i = 0; i < chunk->n_pages; i++) {
		thrift_begin(t);
		thrift_put_int(t, 1, THRIFT_I64, chunk->pages[i].offset);
		thrift_put_int(t, 2, THRIFT_I32, chunk->pages[i].size_bytes);
		thrift_put_int(t, 3, THRIFT_I64, chunk->pages[i].first_entry);
		thrift_end(t);
	}
	thrift_end(t);
}

/* The indexes stand between the last row group and the footer, which says where. */
static void
put_page_indexes(ParquetWriter *w, ThriftWriter *t, LeafChunk *chunk)
{
	chunk->column_index_offset = w->offset + (int64_t)w->out.length;
	put_column_index(t, chunk);
	chunk->offset_index_offset = w->offset + (int64_t)w->out.length;
	put_offset_index(t, chunk);
	chunk->offset_index_end = w->offset + (int64_t)w->out.length;
}

static void
put_chunk(const ParquetWriter *w, ThriftWriter *t, const LeafChunk *chunk, int leaf)
{
	uint32_t n_names = 0;

	while (w->leaf_paths[leaf][n_names] != NULL)
		n_names++;
	thrift_begin(t);
	thrift_put_int(t, 2, THRIFT_I64, 0);
	thrift_put_struct(t, 3);
	thrift_put_int(t, 1, THRIFT_I32, w->leaves[leaf]->physical);
	put_encodings(t, chunk);
	thrift_put_list(t, 3, THRIFT_BINARY, n_names);
	for (uint32_t i = 0; i < n_names; i++)
		thrift_add_binary(t, str_of(w->leaf_paths[leaf][i]));
	thrift_put_int(t, 4, THRIFT_I32, w->spec.codec);
	thrift_put_int(t, 5, THRIFT_I64, chunk->n_entries);
	thrift_put_int(t, 6, THRIFT_I64, chunk->plain_bytes);
	thrift_put_int(t, 7, THRIFT_I64, chunk->size_bytes);
	thrift_put_int(t, 9, THRIFT_I64, chunk->offset);
	if (chunk->dictionary_offset >= 0)
		thrift_put_int(t, 11, THRIFT_I64, chunk->dictionary_offset);
	put_statistics(t, chunk);
	thrift_end(t);
	if (chunk->column_index_offset > 0) {
		thrift_put_int(t, 4, THRIFT_I64, chunk->offset_index_offset);
		thrift_put_int(t, 5, THRIFT_I32, chunk->offset_index_end - chunk->offset_index_offset);
		thrift_put_int(t, 6, THRIFT_I64, chunk->column_index_offset);
		thrift_put_int(t, 7, THRIFT_I32, chunk->offset_index_offset - chunk->column_index_offset);
	}
	thrift_end(t);
}

static void
put_group(const ParquetWriter *w, ThriftWriter *t, const WriteGroup *group)
{
	int64_t plain = 0, size = 0;

	for (int i = 0; i < w->n_leaves; i++) {
		plain += group->chunks[i].plain_bytes;
		size += group->chunks[i].size_bytes;
	}
	thrift_begin(t);
	thrift_put_list(t, 1, THRIFT_STRUCT, (uint32_t)w->n_leaves);
	for (int i = 0; i < w->n_leaves; i++)
		put_chunk(w, t, &group->chunks[i], i);
	thrift_put_int(t, 2, THRIFT_I64, plain);
	thrift_put_int(t, 3, THRIFT_I64, group->n_rows);
	thrift_put_int(t, 6, THRIFT_I64, size);
	thrift_end(t);
}

Status
parquet_writer_finish(ParquetWriter *w, Error *err)
{
	ThriftWriter t = {.out = &w->out};
	size_t		 begin;
	uint32_t	 length;

	TRY(flush_group(w, err));
	for (int g = 0; g < w->n_groups; g++)
		for (int i = 0; i < w->n_leaves; i++)
			if (has_page_index(w->leaves[i], &w->groups[g].chunks[i]))
				put_page_indexes(w, &t, &w->groups[g].chunks[i]);
	begin = w->out.length;
	thrift_begin(&t);
	thrift_put_int(&t, 1, THRIFT_I32, 2);
	put_schema(w, &t);
	thrift_put_int(&t, 3, THRIFT_I64, w->n_total);
	thrift_put_list(&t, 4, THRIFT_STRUCT, (uint32_t)w->n_groups);
	for (int g = 0; g < w->n_groups; g++)
		put_group(w, &t, &w->groups[g]);
	thrift_put_binary(&t, 6, STR(CREATED_BY));
	/* minimum and maximum are in the order of each column's type: said once a leaf */
	thrift_put_list(&t, 7, THRIFT_STRUCT, (uint32_t)w->n_leaves);
	for (int i = 0; i < w->n_leaves; i++) {
		thrift_begin(&t);
		thrift_put_struct(&t, 1);
		thrift_end(&t);
		thrift_end(&t);
	}
	thrift_end(&t);
	length = (uint32_t)(w->out.length - begin);
	strbuf_add(&w->out, &length, sizeof length);
	strbuf_add_text(&w->out, MAGIC);
	return put_out(w, err);
}
