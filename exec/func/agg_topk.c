/*
 * TOPK and TOPKDISTINCT: the k greatest values, or rows by their first argument.  The state is a Bag whose entries are kept
 * in descending order; of equal values the earlier stands first.
 */
#include "exec/func/agg_bag.h"

static int64_t
topk_k(const AggregateCall *call)
{
	const Value *k = &call->constants[call->n_args - 1];

	return k->type != NULL && !k->is_null ? k->integer : 0;
}

/* Puts a row where it belongs, if it is among the k greatest. */
static void
topk_offer(const AggregateCall *call, Bag *s, Str row, bool is_distinct)
{
	bool	 ksqldb_order = call->function->dialect != FUNCTION_STANDARD;
	int64_t	 k = topk_k(call);
	Arena	 arena = {0};
	BagEntry entry, last = {.at = SIZE_MAX}, candidate = {.row = row};
	size_t	 place = s->length;
	Value	*mine, *theirs;

	if (k <= 0)
		return;
	mine = arena_array(&arena, Value, call->n_args);
	theirs = arena_array(&arena, Value, call->n_args);
	bag_values(call, &candidate, call->n_args - 1, &arena, mine);
	for (size_t at = 0; bag_next(s, &at, &entry); last = entry) {
		int order;

		bag_values(call, &entry, call->n_args - 1, &arena, theirs);
		order = value_compare(&mine[0], &theirs[0], ksqldb_order);
		if (is_distinct && order == 0)
			goto out;
		if (order > 0) {
			place = entry.at;
			break;
		}
	}
	if (place == s->length && s->n >= (uint64_t)k)
		goto out;
	bag_insert(call, s, place, 0, row);
	while (s->n > (uint64_t)k) {
		for (size_t at = 0; bag_next(s, &at, &entry);)
			last = entry;
		bag_remove(s, last.at);
	}
out:
	arena_free(&arena);
}

static Status
topk_take(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
		  const uint64_t *skip, Vector *results, bool is_distinct)
{
	StrBuf buf = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		Bag *s = (Bag *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(args[0], i)) {
			strbuf_clear(&buf);
			bag_encode(args, call->n_args - 1, i, &buf);
			topk_offer(call, s, strbuf_str(&buf), is_distinct);
		}
		agg_note(call, s, results, i);
	}
	strbuf_free(&buf);
	return OK;
}

static Status
topk_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
		  const uint64_t *skip, Vector *results)
{
	return topk_take(call, states, offset, args, n_rows, skip, results, false);
}

static Status
topk_distinct_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args,
				   int32_t n_rows, const uint64_t *skip, Vector *results)
{
	return topk_take(call, states, offset, args, n_rows, skip, results, true);
}

static void
topk_merge(const AggregateCall *call, void *into, const void *from)
{
	BagEntry entry;

	for (size_t at = 0; bag_next(from, &at, &entry);)
		topk_offer(call, into, entry.row, false);
}

static void
topk_distinct_merge(const AggregateCall *call, void *into, const void *from)
{
	BagEntry entry;

	for (size_t at = 0; bag_next(from, &at, &entry);)
		topk_offer(call, into, entry.row, true);
}

static void
topk_result(const AggregateCall *call, const void *state, Vector *out, int32_t row, Arena *arena)
{
	bag_list_result(call, state, out, row, arena);
}

/* Rows of several columns are STRUCTs. */
static void
topk_struct_result(const AggregateCall *call, const void *state, Vector *out, int32_t row, Arena *arena)
{
	const Bag *s = state;
	Value	   list = {.type = call->result_type};
	BagEntry   entry;
	int		   n = call->n_args - 1;

	list.items = arena_alloc(arena, sizeof *list.items * (s->n + 1));
	for (size_t at = 0; bag_next(s, &at, &entry);) {
		Value item = {.type = call->result_type->element, .n_items = (uint32_t)n};

		item.items = arena_array(arena, Value, n);
		bag_values(call, &entry, n, arena, item.items);
		list.items[list.n_items++] = item;
	}
	vector_set(out, arena, row, &list);
}

static const Type *
topk_struct_resolve(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	Arena		arena = {0};
	TypeField  *fields = arena_array(&arena, TypeField, n_args);
	const Type *type;

	(void)constants, (void)err;
	for (int a = 0; a < n_args - 1; a++) {
		fields[a].type = args[a];
		fields[a].name = a == 0 ? "sort_col" : arena_printf(&arena, "col%d", a - 1);
	}
	type = type_array(type_struct(fields, n_args - 1));
	arena_free(&arena);
	return type;
}

static const Type *
topk_list_resolve(const Type *const *args, int n_args, const Value *constants, Error *err)
{
	(void)n_args, (void)constants, (void)err;
	return type_array(args[0]);
}

static Status
topk_check(const Value *constants, int n_args, Error *err)
{
	const Value *k = &constants[n_args - 1];

	if (k->type == NULL)
		return error_user(err, "Parameter %d must be a constant, but was expression", n_args);
	if (k->is_null || k->integer < 1)
		return error_user(err, "The number of values to keep must be 1 or greater");
	return OK;
}

#define TOPK_TEXT "The k greatest values, in descending order; with more columns, rows by the first."
#define TOPK_DISTINCT_TEXT "The k greatest distinct values, in descending order."
#define TOPK(sql)                                                                                                     \
	{.name = "TOPK", .signature = "(" sql ", INTEGER) -> ARRAY<" sql ">", BAG_STATE, .step = topk_step,               \
	 .merge = topk_merge, .result = topk_result, .check = topk_check, .description = TOPK_TEXT},                      \
	{.name = "TOPK", .signature = "(" sql ", ANY, ANY..., INTEGER) -> = rows", BAG_STATE, .step = topk_step,          \
	 .merge = topk_merge, .result = topk_struct_result, .resolve = topk_struct_resolve, .check = topk_check,          \
	 .description = TOPK_TEXT}
#define TOPK_DISTINCT(sql)                                                                                            \
	{.name = "TOPKDISTINCT", .signature = "(" sql ", INTEGER) -> = list", BAG_STATE, .step = topk_distinct_step,      \
	 .merge = topk_distinct_merge, .result = topk_result, .resolve = topk_list_resolve, .check = topk_check,          \
	 .description = TOPK_DISTINCT_TEXT}

const Aggregate topk_aggregates[] = {
	TOPK("INTEGER"),
	TOPK("BIGINT"),
	TOPK("DOUBLE"),
	TOPK("STRING"),
	TOPK_DISTINCT("INTEGER"),
	TOPK_DISTINCT("BIGINT"),
	TOPK_DISTINCT("DOUBLE"),
	TOPK_DISTINCT("DECIMAL"),
	TOPK_DISTINCT("STRING"),
	TOPK_DISTINCT("BYTES"),
	TOPK_DISTINCT("DATE"),
	TOPK_DISTINCT("TIME"),
	TOPK_DISTINCT("TIMESTAMP"),
	{.name = NULL},
};
