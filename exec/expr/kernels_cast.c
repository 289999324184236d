/* CAST: which casts exist, nested types element by element, and the frame around the kernels. */
#include "exec/expr/bits.h"
#include "exec/expr/program_impl.h"

/* ---- which casts there are ---- */

static Status
no_cast(Arena *arena, const Type *from, const Type *to, Error *err)
{
	return error_user(err, "Cast of %s to %s is not supported", type_to_arena(from, arena), type_to_arena(to, arena));
}

static Status
struct_compile(Arena *arena, const Type *from, const Type *to, bool standard, Cast *out, Error *err)
{
	bool any = to->n_fields == 0;

	out->parts = arena_array(arena, Cast, to->n_fields);
	out->sources = arena_array(arena, int, to->n_fields);
	for (int i = 0; i < to->n_fields; i++) {
		out->sources[i] = type_field(from, str_of(to->fields[i].name));
		if (out->sources[i] < 0)
			continue;
		any = true;
		TRY(cast_compile(arena, from->fields[out->sources[i]].type, to->fields[i].type, standard, &out->parts[i], err));
	}
	if (!any)
		return no_cast(arena, from, to, err);
	return OK;
}

Status
cast_compile(Arena *arena, const Type *from, const Type *to, bool standard, Cast *out, Error *err)
{
	*out = (Cast){.from = from, .to = to, .standard = standard};
	if (from == to || from->kind == TYPE_NULL)
		return OK;
	if (from->kind == to->kind && type_is_nested(from)) {
		if (from->kind == TYPE_STRUCT)
			return struct_compile(arena, from, to, standard, out, err);
		out->parts = arena_array(arena, Cast, 2);
		if (from->kind == TYPE_ARRAY)
			return cast_compile(arena, from->element, to->element, standard, &out->parts[0], err);
		TRY(cast_compile(arena, from->key, to->key, standard, &out->parts[0], err));
		return cast_compile(arena, from->element, to->element, standard, &out->parts[1], err);
	}
	if (from->kind == TYPE_STRING || from->kind == TYPE_BYTES || to->kind == TYPE_STRING || to->kind == TYPE_BYTES)
		out->kernel = cast_text_kernel(from, to, standard);
	else
		out->kernel = cast_number_kernel(from, to, standard);
	return out->kernel != NULL ? OK : no_cast(arena, from, to, err);
}

/* ---- nested types ---- */

typedef struct PartCast {
	const Cast	 *cast;
	const Vector *in;
} PartCast;

static const Vector *
part_body(EvalFrame *frame, void *argument)
{
	const PartCast *part = argument;

	return vector_flatten(frame->context->scratch, cast_eval(part->cast, frame, part->in));
}

/* The elements of the rows that count are cast in a frame of their own; a failing element is NULL in ksqldb. */
static const Vector *
cast_list(const Cast *cast, EvalFrame *frame, const Vector *in)
{
	Arena			*arena = frame->context->scratch;
	const ListEntry *from = in->data;
	Vector			*out = vector_new_unset(arena, cast->to, frame->n_rows);
	ListEntry		*to = out->data;
	uint32_t		 n = 0;
	uint32_t		*index;
	uint32_t		*outer_row;

	out->validity = in->validity;
	for (int32_t i = 0; i < frame->n_rows; i++) {
		bool counts = (in->validity == NULL || bitmap_get(in->validity, i)) && row_is_active(frame, i);

		to[i] = (ListEntry){n, counts ? from[i].length : 0};
		n += to[i].length;
	}
	index = arena_alloc(arena, sizeof *index * n);
	outer_row = arena_alloc(arena, sizeof *outer_row * n);
	for (int32_t i = 0; i < frame->n_rows; i++) {
		for (uint32_t k = 0; k < to[i].length; k++) {
			index[to[i].offset + k] = from[i].offset + k;
			outer_row[to[i].offset + k] = (uint32_t)i;
		}
	}
	for (int c = 0; c < in->n_children; c++) {
		EvalFrame elements = {.context = frame->context, .batch = frame->batch, .n_rows = (int32_t)n, .outer = frame,
							  .outer_row = outer_row};
		PartCast  part = {&cast->parts[c], vector_gather(arena, &in->children[c], index, (int32_t)n, true)};
		bool	  is_guarded = !cast->standard && !(in->type->kind == TYPE_MAP && c == 0);

		out->children[c] = *frame_enter(&elements, is_guarded, part_body, &part);
	}
	return out;
}

static const Vector *
cast_struct(const Cast *cast, EvalFrame *frame, const Vector *in)
{
	EvalContext	   *context = frame->context;
	Arena		   *arena = context->scratch;
	const uint64_t *active = context->active;
	Vector		   *out = arena_new(arena, Vector);

	*out = (Vector){.type = cast->to, .form = VECTOR_FLAT, .n_rows = frame->n_rows, .capacity = frame->n_rows,
					.validity = in->validity, .n_children = cast->to->n_fields};
	out->children = arena_array(arena, Vector, cast->to->n_fields);
	if (in->validity != NULL) {
		uint64_t *counts = bitmap_new(arena, frame->n_rows);

		for (int64_t w = 0; w < bitmap_words(frame->n_rows); w++)
			counts[w] = in->validity[w] & (active != NULL ? active[w] : ~UINT64_C(0));
		context->active = counts;
	}
	for (int i = 0; i < cast->to->n_fields; i++) {
		const Vector *field;
		uint64_t	 *failed = context->failed;
		bool		  any_failed = context->any_failed;

		if (cast->sources[i] < 0) {
			out->children[i] = *vector_flatten(arena, vector_null(arena, cast->to->fields[i].type, frame->n_rows));
			continue;
		}
		if (!cast->standard)
			context->failed = NULL;
		field = vector_flatten(arena, cast_eval(&cast->parts[i], frame, &in->children[cast->sources[i]]));
		if (!cast->standard) {
			if (context->failed != NULL)
				field = vector_mask(arena, field, context->failed, frame->n_rows);
			context->failed = failed;
			context->any_failed = any_failed;
		}
		out->children[i] = *field;
	}
	context->active = active;
	return out;
}

/* ---- evaluation ---- */

const Vector *
cast_eval(const Cast *cast, EvalFrame *frame, const Vector *in)
{
	Arena  *arena = frame->context->scratch;
	Vector *out;

	if (cast->from == cast->to)
		return in;
	if (cast->from->kind == TYPE_NULL)
		return vector_null(arena, cast->to, frame->n_rows);
	if (in->form == VECTOR_CONSTANT && !vector_is_valid(in, 0))
		return vector_null(arena, cast->to, frame->n_rows);
	in = vector_flatten(arena, in);
	if (cast->kernel == NULL)
		return cast->to->kind == TYPE_STRUCT ? cast_struct(cast, frame, in) : cast_list(cast, frame, in);
	out = vector_new_unset(arena, cast->to, frame->n_rows);
	out->validity = in->validity;
	cast->kernel(cast, frame, in, out);
	return out;
}

const Vector *
eval_cast(const Node *node, EvalFrame *frame)
{
	return cast_eval(node->cast, frame, node_eval(node->args[0], frame));
}
