/* STRING_AGG: text put together with separators. */
#include <stdlib.h>

#include "exec/func/agg_impl.h"

typedef struct Joined {
	char	*bytes;
	uint64_t length;
	uint64_t capacity;
	int64_t	 n;
} Joined;

static void
joined_add(const AggregateCall *call, Joined *s, Str text)
{
	if (s->length + text.length + 1 > s->capacity) {
		uint64_t capacity = (s->length + text.length) * 2 + 32;

		*call->used_bytes += (int64_t)(capacity - s->capacity);
		s->bytes = xrealloc(s->bytes, capacity);
		s->capacity = capacity;
	}
	if (text.length > 0)
		memcpy(s->bytes + s->length, text.data, text.length);
	s->length += text.length;
}

static Status
string_agg_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args,
				int32_t n_rows, const uint64_t *skip, Vector *results)
{
	for (int32_t i = 0; i < n_rows; i++) {
		Joined *s = (Joined *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(args[0], i)) {
			/* The separator of a row goes before its text. */
			if (s->n++ > 0)
				joined_add(call, s, call->n_args < 2 ? STR(",") : arg_valid(args[1], i) ? arg_str(args[1], i) : STR(""));
			joined_add(call, s, arg_str(args[0], i));
		}
		agg_note(call, s, results, i);
	}
	return OK;
}

/* The separator between two parts is that of a literal, as in every sensible call. */
static void
string_agg_merge(const AggregateCall *call, void *into, const void *from)
{
	const Joined *o = from;
	Joined		 *s = into;

	if (o->n == 0)
		return;
	if (s->n > 0) {
		const Value *separator = call->n_args > 1 ? &call->constants[1] : NULL;

		joined_add(call, s, separator == NULL || separator->type == NULL ? STR(",") : separator->is_null ? STR("")
																										 : separator->text);
	}
	joined_add(call, s, str_make(o->bytes, o->length));
	s->n += o->n;
}

AGG_RESULT(string_agg_result, Joined, {
	if (s->n == 0)
		vector_set_null(out, arena, row);
	else
		result_set_text(out, arena, row, str_make(s->bytes, s->length));
})

static void
joined_save(const AggregateCall *call, const void *state, StrBuf *out)
{
	const Joined *s = state;

	(void)call;
	strbuf_add(out, &s->n, sizeof s->n);
	strbuf_add(out, s->bytes, s->length);
}

static Status
joined_load(const AggregateCall *call, Str bytes, void *state)
{
	Joined *s = state;

	if (bytes.length < sizeof s->n)
		return error_fatal(call->err, "The stored state of %s is damaged", call->function->name);
	memcpy(&s->n, bytes.data, sizeof s->n);
	if (s->n > 0)
		joined_add(call, s, str_make(bytes.data + sizeof s->n, bytes.length - sizeof s->n));
	return OK;
}

static void
joined_destroy(const AggregateCall *call, void *state)
{
	Joined *s = state;

	*call->used_bytes -= (int64_t)s->capacity;
	free(s->bytes);
	*s = (Joined){0};
}

#define STRING_AGG(name_, signature_)                                                                                 \
	{.name = name_, .flags = FUNC_ORDERED, .signature = signature_, .state_size = sizeof(Joined), .step = string_agg_step,                   \
	 .merge = string_agg_merge, .result = string_agg_result, .save = joined_save, .load = joined_load,                \
	 .destroy = joined_destroy, .dialect = FUNCTION_STANDARD,                                                         \
	 .description = "The values that are not NULL, with separators (comma by default)."}

const Aggregate text_aggregates[] = {
	STRING_AGG("STRING_AGG", "(STRING) -> STRING"),
	STRING_AGG("STRING_AGG", "(STRING, STRING) -> STRING"),
	STRING_AGG("LISTAGG", "(STRING) -> STRING"),
	STRING_AGG("LISTAGG", "(STRING, STRING) -> STRING"),
	STRING_AGG("GROUP_CONCAT", "(STRING) -> STRING"),
	STRING_AGG("GROUP_CONCAT", "(STRING, STRING) -> STRING"),
	{.name = NULL},
};
