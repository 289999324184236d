/* Functions about NULL and about types as such.  Their kernels serve every type. */
#include "exec/func/kernel.h"

/* Copies one row of fixed width; nested types go through the deep copy. */
static void
copy_row(const ScalarCall *call, Vector *out, int32_t row, const Vector *from)
{
	int		width;

	if (type_is_nested(out->type)) {
		vector_copy_row(out, call->arena, row, from, row);
		return;
	}
	width = type_width(out->type);
	memcpy((char *)out->data + (size_t)row * (size_t)width,
		   (const char *)from->data + (size_t)arg_index(from, row) * (size_t)width, (size_t)width);
}

/* Rows of the first argument with the width known to the compiler, then holes filled from the others. */
#define COPY_ROWS(T)                                                     \
	do {                                                                 \
		const T *from_ = first->data;                                    \
		T		*to_ = out->data;                                        \
		int		 step_ = arg_step(first);                                \
                                                                         \
		for (int32_t i_ = 0; i_ < n_rows; i_++)                          \
			to_[i_] = from_[i_ * step_];                                 \
	} while (0)

static void
coalesce(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *first = call->args[0];

	if (!type_is_nested(out->type)) {
		switch (type_width(out->type)) {
		case 1:
			COPY_ROWS(uint8_t);
			break;
		case 4:
			COPY_ROWS(int32_t);
			break;
		case 8:
			COPY_ROWS(int64_t);
			break;
		default:
			COPY_ROWS(__int128);
			break;
		}
		out->is_ascii = first->is_ascii;
		if (first->validity == NULL)
			return;
	}
	for (int32_t i = 0; i < n_rows; i++) {
		int		a = 0;

		while (a < call->n_args && !arg_valid(call->args[a], i))
			a++;
		if (a == call->n_args)
			result_set_null(call, out, i);
		else if (a > 0 || type_is_nested(out->type))
			copy_row(call, out, i, call->args[a]);
	}
	for (int a = 1; a < call->n_args; a++)
		out->is_ascii = out->is_ascii && call->args[a]->is_ascii;
}

static void
null_if(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *x = call->args[0], *y = call->args[1];

	for (int32_t i = 0; i < n_rows; i++) {
		if (!arg_valid(x, i) || vector_rows_equal(x, i, y, i))
			result_set_null(call, out, i);
		else
			copy_row(call, out, i, x);
	}
	out->is_ascii = x->is_ascii;
}

/* IF(condition, then, else): NULL is not TRUE. */
static void
if_then_else(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const Vector *condition = call->args[0];

	for (int32_t i = 0; i < n_rows; i++) {
		bool		  holds = arg_valid(condition, i) && arg_bool(condition, i);
		const Vector *chosen = call->args[holds ? 1 : 2];

		if (arg_valid(chosen, i))
			copy_row(call, out, i, chosen);
		else
			result_set_null(call, out, i);
	}
	out->is_ascii = call->args[1]->is_ascii && call->args[2]->is_ascii;
}

static void
type_of(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	Str		text = str_of(type_to_arena(call->args[0]->type, call->arena));
	StrView view = str_view_make(text.data, text.length);

	for (int32_t i = 0; i < n_rows; i++)
		((StrView *)out->data)[i] = view;
	out->is_ascii = utf8_is_ascii(text);
}

static void
hash_any(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	uint64_t *hashes = arena_array(call->arena, uint64_t, n_rows > 0 ? n_rows : 1);

	for (int a = 0; a < call->n_args; a++)
		vector_hash(call->args[a], n_rows, hashes, a > 0);
	memcpy(out->data, hashes, sizeof(int64_t) * (size_t)n_rows);
}

#define COALESCE_TEXT "The first of its arguments that is not NULL."
#define IFNULL_TEXT "The value, or the alternative where the value is NULL."
#define IF_TEXT "The second argument where the first is TRUE, else the third."

const ScalarFunction scalar_null_functions[] = {
	FUNCTION("AS_VALUE", "(T) -> T", coalesce, 0, BOTH,
			 "The value unchanged: copies a key column into the value of a persistent query.", "AS_VALUE(7)", "7"),
	FUNCTION("COALESCE", "(T, T...) -> T", coalesce, 0, BOTH, COALESCE_TEXT, "COALESCE(NULL, 2, 3)", "2"),
	FUNCTION("HASH", "(ANY, ANY...) -> BIGINT", hash_any, 0, STANDARD,
			 "A 64-bit hash of its arguments; it may change between versions.", "HASH('a') = HASH('a')", "true"),
	FUNCTION("IF", "(BOOLEAN, T, T) -> T", if_then_else, 0, STANDARD, IF_TEXT, NULL, NULL),
	FUNCTION("IFNULL", "(T, T) -> T", coalesce, 0, BOTH, IFNULL_TEXT, "IFNULL(NULL, 2)", "2"),
	FUNCTION("IIF", "(BOOLEAN, T, T) -> T", if_then_else, 0, STANDARD, IF_TEXT, "IIF(1 < 2, 'yes', 'no')", "yes"),
	FUNCTION("NULLIF", "(T, T) -> T", null_if, 0, BOTH, "NULL where both are equal, else the first.", "NULLIF(5, 0)", "5"),
	FUNCTION("NVL", "(T, T) -> T", coalesce, 0, STANDARD, IFNULL_TEXT, "NVL(NULL, 2)", "2"),
	FUNCTION("TYPEOF", "(ANY) -> STRING", type_of, 0, STANDARD, "The type of its argument, as SQL writes it.",
			 "TYPEOF(1)", "INTEGER"),
	{.name = NULL},
};
