/* Fields, subscripts and constructors of nested values; IN and LIKE. */
#include "common/like.h"
#include "exec/expr/bits.h"
#include "exec/expr/program_impl.h"

/* ---- taking apart ---- */

/* Field of a FLAT struct with the struct's own NULLs. */
static const Vector *
field_of_flat(Arena *arena, const Vector *v, int index, int32_t n_rows)
{
	const Vector *child = &v->children[index];
	Vector		 *out;
	uint64_t	 *bits;

	if (v->validity == NULL)
		return child;
	out = arena_memdup(arena, child, sizeof *child);
	out->capacity = out->n_rows;
	if (child->validity == NULL) {
		out->validity = v->validity;
		return out;
	}
	bits = bitmap_new(arena, n_rows);
	for (int64_t w = 0; w < bitmap_words(n_rows); w++)
		bits[w] = v->validity[w] & child->validity[w];
	out->validity = bits;
	return out;
}

const Vector *
eval_field(const Node *node, EvalFrame *frame)
{
	Arena		 *arena = frame->context->scratch;
	const Vector *v = node_eval(node->args[0], frame);
	const Vector *child;
	Vector		 *out;

	switch (v->form) {
	case VECTOR_FLAT:
		return field_of_flat(arena, v, node->expr->index, frame->n_rows);
	case VECTOR_CONSTANT:
		if (!vector_is_valid(v, 0))
			return vector_null(arena, node->type, frame->n_rows);
		out = arena_memdup(arena, &v->children[node->expr->index], sizeof *out);
		out->form = VECTOR_CONSTANT;
		out->n_rows = frame->n_rows;
		return out;
	case VECTOR_DICTIONARY:
		child = field_of_flat(arena, v->base, node->expr->index, v->base->n_rows);
		return vector_dictionary(arena, child, v->index, frame->n_rows);
	}
	return v;
}

/* Rows index[] of a FLAT child; rows that are clear in `found` are NULL (found NULL: all are there). */
static const Vector *
take_elements(EvalFrame *frame, const Vector *child, const uint32_t *index, const uint64_t *found)
{
	Arena  *arena = frame->context->scratch;
	Vector *out;

	if (found == NULL)
		return vector_dictionary(arena, child, index, frame->n_rows);
	if (child->n_rows == 0)
		return vector_null(arena, child->type, frame->n_rows);
	out = vector_gather(arena, child, index, frame->n_rows, true);
	vector_need_validity(out, arena);
	for (int64_t w = 0; w < bitmap_words(frame->n_rows); w++)
		out->validity[w] &= found[w];
	return out;
}

static bool
find_key(const Vector *map, ListEntry entry, const Vector *key, int64_t row, uint32_t *at)
{
	for (uint32_t k = 0; k < entry.length; k++) {
		if (vector_rows_equal(&map->children[0], entry.offset + k, key, row)) {
			*at = entry.offset + k;
			return true;
		}
	}
	return false;
}

const Vector *
eval_subscript(const Node *node, EvalFrame *frame)
{
	Arena		 *arena = frame->context->scratch;
	const Vector *v = node_eval(node->args[0], frame);
	const Vector *subscript = node_eval_simple(node->args[1], frame);
	const Vector *base = vector_base(v);
	bool		  is_map = v->type->kind == TYPE_MAP;
	uint32_t	 *index = arena_array(arena, uint32_t, frame->n_rows);
	uint64_t	 *found = bitmap_new(arena, frame->n_rows);
	bool		  all = true;

	bitmap_fill(found, frame->n_rows);
	for (int32_t i = 0; i < frame->n_rows; i++) {
		bool ok = false;

		if (vector_is_valid(v, i) && vector_is_valid(subscript, i)) {
			ListEntry entry = ((const ListEntry *)base->data)[vector_at(v, i)];

			if (is_map) {
				ok = find_key(base, entry, subscript, i, &index[i]);
			} else {
				int64_t n = subscript->type->kind == TYPE_INTEGER ? arg_int32(subscript, i) : arg_int64(subscript, i);

				n = n < 0 ? (int64_t)entry.length + n : n - 1;
				ok = n >= 0 && n < (int64_t)entry.length;
				index[i] = ok ? entry.offset + (uint32_t)n : 0;
			}
		}
		if (!ok) {
			bitmap_clear(found, i);
			all = false;
		}
	}
	return take_elements(frame, &base->children[is_map ? 1 : 0], index, all ? NULL : found);
}

/* ---- constructors ---- */

#define SCATTER(T)                                                                         \
	do {                                                                                   \
		T		*to = dst->data;                                                           \
		const T *from = base->data;                                                        \
                                                                                           \
		for (int32_t i = 0; i < n_rows; i++)                                               \
			to[(int64_t)i * stride + start] = from[vector_at(v, i)];                       \
	} while (0)

/* dst[i * stride + start] := v[i] */
static void
scatter(Arena *arena, Vector *dst, const Vector *v, int32_t n_rows, int32_t start, int32_t stride)
{
	const Vector *base = vector_base(v);

	if (type_is_nested(v->type) || v->type->kind == TYPE_NULL) {
		for (int32_t i = 0; i < n_rows; i++)
			vector_copy_row(dst, arena, (int64_t)i * stride + start, v, i);
		return;
	}
	switch (type_width(v->type)) {
	case 1:
		SCATTER(uint8_t);
		break;
	case 4:
		SCATTER(uint32_t);
		break;
	case 8:
		SCATTER(uint64_t);
		break;
	case 16:
		SCATTER(__int128);
		break;
	default:
		break;
	}
	if (base->validity != NULL)
		for (int32_t i = 0; i < n_rows; i++)
			if (!vector_is_valid(v, i))
				vector_set_null(dst, arena, (int64_t)i * stride + start);
}

/* A list vector whose rows have n_each elements; children[c] element k is args[k * step + c]. */
static Vector *
build_list(const Node *node, EvalFrame *frame, int n_each, int step)
{
	Arena	  *arena = frame->context->scratch;
	int32_t	   n = frame->n_rows;
	Vector	  *out = vector_new(arena, node->type, n);
	ListEntry *entries = out->data;

	vector_list_reserve(out, arena, (uint32_t)(n * n_each));
	for (int k = 0; k < n_each; k++)
		for (int c = 0; c < step; c++)
			scatter(arena, &out->children[c], node_eval(node->args[k * step + c], frame), n, k, n_each);
	for (int32_t i = 0; i < n; i++)
		entries[i] = (ListEntry){(uint32_t)(i * n_each), (uint32_t)n_each};
	return out;
}

const Vector *
eval_array(const Node *node, EvalFrame *frame)
{
	return build_list(node, frame, node->n_args, 1);
}

/* Of entries with equal keys the last one counts. */
static void
drop_duplicate_keys(Vector *map, Arena *arena, int32_t row)
{
	ListEntry *entry = &((ListEntry *)map->data)[row];
	Vector	  *keys = &map->children[0];
	uint32_t   n = 0;

	for (uint32_t k = 0; k < entry->length; k++) {
		uint32_t to = 0;

		while (to < n && !vector_rows_equal(keys, entry->offset + to, keys, entry->offset + k))
			to++;
		if (to != k) {
			vector_copy_row(keys, arena, entry->offset + to, keys, entry->offset + k);
			vector_copy_row(&map->children[1], arena, entry->offset + to, &map->children[1], entry->offset + k);
		}
		n += to == n;
	}
	entry->length = n;
}

const Vector *
eval_map(const Node *node, EvalFrame *frame)
{
	Vector *out = build_list(node, frame, node->n_args / 2, 2);

	if (node->n_args > 2)
		for (int32_t i = 0; i < frame->n_rows; i++)
			drop_duplicate_keys(out, frame->context->scratch, i);
	return out;
}

const Vector *
eval_struct(const Node *node, EvalFrame *frame)
{
	Arena  *arena = frame->context->scratch;
	Vector *out = arena_new(arena, Vector);

	*out = (Vector){.type = node->type, .form = VECTOR_FLAT, .n_rows = frame->n_rows, .capacity = frame->n_rows,
					.n_children = node->n_args};
	out->children = arena_array(arena, Vector, node->n_args);
	for (int k = 0; k < node->n_args; k++)
		out->children[k] = *vector_flatten(arena, node_eval(node->args[k], frame));
	return out;
}

/* ---- IN ---- */

#define IN_HASH_FROM 5		/* shorter lists are compared one by one */

typedef struct InList {
	BinaryKernel *equal;	/* one a list element: used where there is no set */
	bool		  has_null;
	/* Constants of the type of args[0], hashed: slots hold row + 1 of values. */
	Vector		 *values;
	uint32_t	 *slots;
	uint32_t	  mask;
} InList;

static void
in_add(InList *list, int32_t row)
{
	uint64_t hash;
	Vector	 one = *list->values;

	one.form = VECTOR_DICTIONARY;
	one.index = (const uint32_t[]){(uint32_t)row};
	one.base = list->values;
	vector_hash(&one, 1, &hash, false);
	for (uint32_t at = (uint32_t)hash & list->mask;; at = (at + 1) & list->mask) {
		if (list->slots[at] == 0) {
			list->slots[at] = (uint32_t)row + 1;
			return;
		}
		if (vector_rows_equal(list->values, (int64_t)list->slots[at] - 1, list->values, row))
			return;
	}
}

Status
in_compile(Arena *arena, Node *node, Error *err)
{
	InList *list = arena_new(arena, InList);
	bool	hashable = node->n_args - 1 >= IN_HASH_FROM && node->args[0]->type->kind != TYPE_DOUBLE;
	int32_t n = 0;

	list->equal = arena_array(arena, BinaryKernel, node->n_args);
	for (int k = 1; k < node->n_args; k++) {
		const Node *element = node->args[k];

		if (element->constant != NULL && !vector_is_valid(element->constant, 0)) {
			list->has_null = true;
			continue;
		}
		list->equal[k] = compare_kernel(COMPARE_EQ, node->args[0]->type, element->type, node->standard);
		if (list->equal[k] == NULL) {
			error_unsupported(err, "%s cannot be looked for in a list of %s", type_to_arena(node->args[0]->type, arena),
							  type_to_arena(element->type, arena));
			return error_at(err, node->expr->line, node->expr->column, 0);
		}
		hashable &= element->constant != NULL && element->type == node->args[0]->type;
	}
	node->state = list;
	if (!hashable)
		return OK;
	list->values = vector_new(arena, node->args[0]->type, node->n_args - 1);
	list->mask = 15;
	while (list->mask < (uint32_t)node->n_args * 2)
		list->mask = list->mask * 2 + 1;
	list->slots = arena_array(arena, uint32_t, list->mask + 1);
	for (int k = 1; k < node->n_args; k++) {
		if (list->equal[k] == NULL)
			continue;
		vector_copy_row(list->values, arena, n, node->args[k]->constant, 0);
		in_add(list, n++);
	}
	return OK;
}

static void
in_probe(const InList *list, EvalFrame *frame, const Vector *v, uint8_t *r)
{
	uint64_t *hashes = arena_alloc(frame->context->scratch, sizeof *hashes * (size_t)frame->n_rows);

	vector_hash(v, frame->n_rows, hashes, false);
	for (int32_t i = 0; i < frame->n_rows; i++) {
		uint32_t at = (uint32_t)hashes[i] & list->mask;

		r[i] = 0;
		for (; list->slots[at] != 0; at = (at + 1) & list->mask) {
			if (vector_rows_equal(v, i, list->values, (int64_t)list->slots[at] - 1)) {
				r[i] = 1;
				break;
			}
		}
	}
}

const Vector *
eval_in(const Node *node, EvalFrame *frame)
{
	const InList *list = node->state;
	Arena		 *arena = frame->context->scratch;
	const Vector *v = node_eval_simple(node->args[0], frame);
	Vector		 *out = vector_new(arena, type_boolean, frame->n_rows);
	Vector		 *one = vector_new_unset(arena, type_boolean, frame->n_rows);
	uint8_t		 *r = out->data;
	uint8_t		 *hit = one->data;
	int32_t		  n = frame->n_rows;
	uint64_t	 *unknown = NULL;	/* rows compared with NULL */

	if (v->form == VECTOR_CONSTANT && (v->validity != NULL || list->values == NULL))
		v = vector_flatten(arena, v);
	if (list->values != NULL) {
		in_probe(list, frame, v, r);
	} else {
		for (int k = 1; k < node->n_args; k++) {
			const Vector *element;

			if (list->equal[k] == NULL)
				continue;
			element = node_eval_simple(node->args[k], frame);
			if (element->form == VECTOR_CONSTANT && !vector_is_valid(element, 0))
				element = vector_flatten(arena, element);
			list->equal[k](node, frame, v, element, one);
			if (element->form == VECTOR_FLAT && element->validity != NULL) {
				if (unknown == NULL)
					unknown = arena_calloc(arena, sizeof *unknown * (size_t)bitmap_words(n > 0 ? n : 1));
				for (int64_t w = 0; w < bitmap_words(n); w++)
					unknown[w] |= ~element->validity[w];
				for (int32_t i = 0; i < n; i++)
					hit[i] &= (uint8_t)bitmap_get(element->validity, i);
			}
			for (int32_t i = 0; i < n; i++)
				r[i] |= hit[i];
		}
	}
	for (int32_t i = 0; i < n; i++) {
		bool valid = vector_is_valid(v, i);

		if (!valid)
			r[i] = 0;
		if (node->standard && (!valid || (!r[i] && (list->has_null || (unknown != NULL && bitmap_get(unknown, i))))))
			vector_set_null(out, arena, i);
		if (node->expr->negated)
			r[i] = !r[i];
	}
	return out;
}

/* ---- LIKE ---- */

typedef struct LikeState {
	const Like *constant;	/* compiled when the pattern is constant */
	int32_t		escape;
	LikeFlags	flags;
} LikeState;

Status
like_compile_node(Arena *arena, Node *node, Error *err)
{
	LikeState *state = arena_new(arena, LikeState);

	state->escape = node->expr->escape != 0 ? (unsigned char)node->expr->escape : LIKE_NO_ESCAPE;
	state->flags = node->standard ? LIKE_STANDARD : LIKE_KSQL;
	if (node->args[1]->constant != NULL && vector_is_valid(node->args[1]->constant, 0)) {
		Value pattern = vector_get(node->args[1]->constant, 0, arena);

		if (like_compile(arena, pattern.text, state->escape, state->flags, &state->constant, err) != OK)
			return error_at(err, node->expr->line, node->expr->column, 0);
	}
	node->state = state;
	return OK;
}

static void
like_rows(const Node *node, EvalFrame *frame, const Vector *v, const Vector *patterns, Vector *out)
{
	const LikeState *state = node->state;
	const Like		*like = state->constant;
	Str				 last = {0};
	uint8_t			*r = out->data;

	for (int32_t i = 0; i < frame->n_rows; i++) {
		r[i] = node->expr->negated;
		if ((out->validity != NULL && !bitmap_get(out->validity, i)) || !row_is_active(frame, i))
			continue;
		if (state->constant == NULL) {
			Str	  pattern = arg_str(patterns, i);
			Error err;

			if (like == NULL || !str_equal(pattern, last)) {
				last = pattern;
				if (like_compile(frame->context->scratch, pattern, state->escape, state->flags, &like, &err) != OK) {
					like = NULL;
					eval_fail(frame->context, i, "%s", err.message);
					continue;
				}
			}
		}
		r[i] = like_match(like, arg_str(v, i)) != node->expr->negated;
	}
}

const Vector *
eval_like(const Node *node, EvalFrame *frame)
{
	Arena		 *arena = frame->context->scratch;
	const Vector *v = node_eval_simple(node->args[0], frame);
	const Vector *pattern = node_eval_simple(node->args[1], frame);
	Vector		 *out;

	if ((v->form == VECTOR_CONSTANT && !vector_is_valid(v, 0)) ||
		(pattern->form == VECTOR_CONSTANT && !vector_is_valid(pattern, 0))) {
		for (int32_t i = 0; !node->standard && i < frame->n_rows; i++)
			eval_fail(frame->context, i, "LIKE with NULL");
		return vector_null(arena, type_boolean, frame->n_rows);
	}
	out = vector_new_unset(arena, type_boolean, frame->n_rows);
	out->validity = validity_of_two(arena, v, pattern, frame->n_rows);
	if (out->validity != NULL && !node->standard)
		for (int32_t i = 0; i < frame->n_rows; i++)
			if (!bitmap_get(out->validity, i))
				eval_fail(frame->context, i, "LIKE with NULL");
	like_rows(node, frame, v, pattern, out);
	return out;
}
