#include "io/format/parquet/parquet_schema.h"

#include "io/format/parquet/parquet_convert.h"

#define SCHEMA_DEPTH_MAX 60

typedef struct Walk {
	Arena			  *arena;
	const ParquetMeta *meta;
	const char		  *path;
	bool			   fold_names;
	int				   at;			/* next element */
	int				   n_leaves;	/* so far */
} Walk;

static Status read_node(Walk *w, int definition, int repetition, int depth, bool is_item, ParquetNode *out, Error *err);

static Status
damaged(const Walk *w, Error *err)
{
	return error_fatal(err, "'%s' is damaged: its schema is not a tree", w->path);
}

static const char *
node_name(Walk *w, const char *name)
{
	char *copy = arena_strdup(w->arena, name);

	for (char *p = copy; w->fold_names && *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p -= 'a' - 'A';
	return copy;
}

static Status
read_children(Walk *w, int n, int definition, int repetition, int depth, ParquetNode **out, Error *err)
{
	if (n < 0 || n > w->meta->n_elements - w->at)
		return damaged(w, err);
	*out = arena_array(w->arena, ParquetNode, n + 1);
	for (int i = 0; i < n; i++)
		TRY(read_node(w, definition, repetition, depth + 1, false, &(*out)[i], err));
	return OK;
}

static void
struct_type(Walk *w, ParquetNode *node)
{
	TypeField *fields = arena_array(w->arena, TypeField, node->n_children + 1);

	for (int i = 0; i < node->n_children; i++) {
		fields[i] = (TypeField){node->children[i].name, node->children[i].type};
		if (node->children[i].type == NULL) {
			node->why = node->children[i].why;
			return;
		}
	}
	if (node->n_children == 0)
		node->why = "a group without fields";
	else
		node->type = type_struct(fields, node->n_children);
}

static Status
read_struct(Walk *w, const ParquetElement *element, int definition, int repetition, int depth, ParquetNode *out, Error *err)
{
	out->kind = PARQUET_STRUCT;
	out->n_children = element->n_children;
	TRY(read_children(w, element->n_children, definition, repetition, depth, &out->children, err));
	struct_type(w, out);
	return OK;
}

/* The old two-level form: the repeated group is the item itself. */
static bool
is_two_level(const Walk *w, const ParquetElement *list, const ParquetElement *repeated)
{
	size_t n = strlen(list->name);

	if (repeated->physical != PARQUET_GROUP || repeated->n_children != 1)
		return true;
	if (&repeated[1] < w->meta->elements + w->meta->n_elements && repeated[1].repetition == PARQUET_REPEATED)
		return repeated->meaning == PARQUET_MEANS_NOTHING;
	return strcmp(repeated->name, "array") == 0 || (strncmp(repeated->name, list->name, n) == 0 && strcmp(repeated->name + n, "_tuple") == 0);
}

static Status
read_list(Walk *w, const ParquetElement *list, int definition, int repetition, int depth, ParquetNode *out, Error *err)
{
	const ParquetElement *repeated = &w->meta->elements[w->at];

	out->kind = PARQUET_LIST;
	out->n_children = 1;
	out->children = arena_array(w->arena, ParquetNode, 1);
	out->item_defined = definition + 1;
	out->item_repeated = repetition + 1;
	if (is_two_level(w, list, repeated)) {
		TRY(read_node(w, definition + 1, repetition + 1, depth + 1, true, &out->children[0], err));
	} else {
		w->at++;
		TRY(read_node(w, definition + 1, repetition + 1, depth + 1, false, &out->children[0], err));
	}
	out->why = out->children[0].why;
	if (out->children[0].type != NULL)
		out->type = type_array(out->children[0].type);
	return OK;
}

static Status
read_map(Walk *w, int definition, int repetition, int depth, ParquetNode *out, Error *err)
{
	out->kind = PARQUET_MAP;
	out->n_children = 2;
	out->item_defined = definition + 1;
	out->item_repeated = repetition + 1;
	w->at++;
	TRY(read_children(w, 2, definition + 1, repetition + 1, depth + 1, &out->children, err));
	out->why = out->children[0].why != NULL ? out->children[0].why : out->children[1].why;
	if (out->children[0].type != NULL && out->children[1].type != NULL)
		out->type = type_map(out->children[0].type, out->children[1].type);
	return OK;
}

/* A repeated field that no LIST stands around is a list of its values that is never NULL. */
static Status
read_bare_list(Walk *w, int definition, int repetition, int depth, ParquetNode *out, Error *err)
{
	out->kind = PARQUET_LIST;
	out->defined = definition;
	out->item_defined = definition + 1;
	out->item_repeated = repetition + 1;
	out->n_children = 1;
	out->children = arena_array(w->arena, ParquetNode, 1);
	TRY(read_node(w, definition + 1, repetition + 1, depth + 1, true, &out->children[0], err));
	out->name = out->children[0].name;
	out->why = out->children[0].why;
	if (out->children[0].type != NULL)
		out->type = type_array(out->children[0].type);
	return OK;
}

/* is_item: the element is the repeated field whose levels have been counted. */
static Status
read_node(Walk *w, int definition, int repetition, int depth, bool is_item, ParquetNode *out, Error *err)
{
	const ParquetElement *element = &w->meta->elements[w->at], *next = element + 1;
	bool				  has_next = w->at + 1 < w->meta->n_elements;
	Status				  status;

	if (w->at >= w->meta->n_elements || depth > SCHEMA_DEPTH_MAX)
		return damaged(w, err);
	out->first_leaf = w->n_leaves;
	if (element->repetition == PARQUET_REPEATED && !is_item) {
		status = read_bare_list(w, definition, repetition, depth, out, err);
		out->n_leaves = w->n_leaves - out->first_leaf;
		return status;
	}
	w->at++;
	out->name = node_name(w, element->name);
	definition += element->repetition == PARQUET_OPTIONAL;
	out->defined = definition;
	if (element->physical != PARQUET_GROUP) {
		out->kind = PARQUET_LEAF;
		out->max_definition = definition;
		out->max_repetition = repetition;
		parquet_leaf_type(out, element);
		w->n_leaves++;
	} else if (element->meaning == PARQUET_MEANS_LIST && element->n_children == 1 && has_next && next->repetition == PARQUET_REPEATED) {
		TRY(read_list(w, element, definition, repetition, depth, out, err));
	} else if (element->meaning == PARQUET_MEANS_MAP && element->n_children == 1 && has_next && next->repetition == PARQUET_REPEATED &&
			   next->n_children == 2) {
		TRY(read_map(w, definition, repetition, depth, out, err));
	} else {
		TRY(read_struct(w, element, definition, repetition, depth, out, err));
	}
	out->n_leaves = w->n_leaves - out->first_leaf;
	return OK;
}

Status
parquet_schema_read(Arena *arena, const ParquetMeta *meta, const char *path, bool fold_names, ParquetNode **columns, int *n_columns,
					Error *err)
{
	Walk w = {.arena = arena, .meta = meta, .path = path, .fold_names = fold_names, .at = 1};

	*n_columns = meta->elements[0].n_children;
	TRY(read_children(&w, *n_columns, 0, 0, 0, columns, err));
	return w.at == meta->n_elements ? OK : damaged(&w, err);
}

const ParquetNode *
parquet_leaf(const ParquetNode *node, int leaf)
{
	while (node->kind != PARQUET_LEAF) {
		const ParquetNode *child = node->children;

		while (leaf >= child->first_leaf + child->n_leaves)
			child++;
		node = child;
	}
	return node;
}

static bool
same_type(const Type *a, const Type *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->n_fields != b->n_fields)
		return false;
	switch (a->kind) {
	case TYPE_ARRAY:
		return same_type(a->element, b->element);
	case TYPE_MAP:
		return same_type(a->key, b->key) && same_type(a->element, b->element);
	case TYPE_STRUCT:
		for (int i = 0; i < a->n_fields; i++)
			if (strcasecmp(a->fields[i].name, b->fields[i].name) != 0 || !same_type(a->fields[i].type, b->fields[i].type))
				return false;
		return true;
	default:
		return false;
	}
}

bool
parquet_type_fits(const ParquetNode *node, const Type *type)
{
	return node->type != NULL && same_type(node->type, type);
}

bool
parquet_plain_value(const ParquetNode *leaf, Str bytes, Arena *arena, Value *out)
{
	StrView		view = str_view_make(bytes.data, bytes.length);
	const void *from = bytes.data;
	Vector	   *v;
	int32_t		bad;

	if (leaf->type == NULL || (leaf->width > 0 && bytes.length != (size_t)leaf->width))
		return false;
	if (leaf->physical == PARQUET_BOOLEAN && bytes.length != 1)
		return false;
	if (leaf->physical == PARQUET_BYTE_ARRAY)
		from = &view;
	v = vector_new(arena, leaf->type, 1);
	if (leaf->convert == NULL)
		memcpy(v->data, from, (size_t)type_width(leaf->type));
	else if (!leaf->convert(leaf, from, 1, v->data, arena, &bad))
		return false;
	*out = vector_get(v, 0, arena);
	/* short texts stand in the view itself */
	*out = value_copy(arena, *out);
	return true;
}
