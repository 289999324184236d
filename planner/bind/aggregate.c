/*
 * GROUP BY and aggregate functions.
 *
 * Select items and HAVING have been bound over the rows of FROM, with REF_AGGREGATE for each aggregate call.  Here
 * sub-expressions equal to a grouping expression become that key column, and the references become result columns; any other
 * column that is left is the error "not part of GROUP BY".
 */
#include "exec/func/func.h"
#include "io/format.h"
#include "planner/bind/bind.h"

/* Arguments, overload and clauses of an aggregate call, of GROUP BY or OVER. */
Status
bind_aggregate_item(ExprBinder *eb, const AstExpr *e, AggregateItem *out, Error *err)
{
	Binder		 *b = eb->binder;
	FunctionArg	 *arguments = arena_array(b->arena, FunctionArg, e->n_args + 2);
	Value		 *constants = arena_array(b->arena, Value, e->n_args + 2);
	FunctionMatch match = {0};
	AggregateItem item = {0};
	const Aggregate *function;
	Expr		**args;
	int			  n = e->n_args;

	TRY(bind_children(eb, e->args, e->n_args, &args, err));
	for (int i = 0; i < n; i++) {
		arguments[i].type = args[i]->type;
		if (args[i]->kind == EXPR_CONSTANT)
			arguments[i].constant = args[i]->constant;
	}
	if (bind_resolve(b, FUNCTION_AGGREGATE, e->name.text, arguments, n, &match, err) != OK)
		return error_at_pos(err, e->pos);
	function = match.function;
	for (int i = 0; i < n; i++) {
		if (match.parameters != NULL && match.parameters[i] != NULL && match.parameters[i]->kind < TYPE_LAMBDA)
			args[i] = expr_cast_to(b, args[i], match.parameters[i]);
		if (args[i]->kind == EXPR_CONSTANT)
			constants[i] = args[i]->constant;
	}
	if (function->check != NULL && function->check(constants, n, err) != OK)
		return error_at_pos(err, e->pos);
	item.function = function;
	item.n_args = n;
	item.args = (const Expr *const *)args;
	item.constants = constants;
	item.type = match.result;
	item.distinct = e->is_distinct;
	if (e->filter != NULL) {
		Expr *filter;

		TRY(bind_condition(eb, e->filter, &filter, err));
		item.filter = filter;
	}
	if (e->n_order_by > 0) {
		const Expr **order = arena_array(b->arena, const Expr *, e->n_order_by);
		bool		*descending = arena_array(b->arena, bool, e->n_order_by), *nulls_first = arena_array(b->arena, bool, e->n_order_by);

		for (int i = 0; i < e->n_order_by; i++) {
			Expr *key;

			TRY(bind_expr(eb, e->order_by[i].expr, &key, err));
			order[i] = key;
			descending[i] = e->order_by[i].is_descending;
			nulls_first[i] = e->order_by[i].nulls == AST_NULLS_DEFAULT ? descending[i] : e->order_by[i].nulls == AST_NULLS_FIRST;
		}
		item.order_by = order;
		item.order_descending = descending;
		item.order_nulls_first = nulls_first;
		item.n_order_by = e->n_order_by;
	}
	*out = item;
	return OK;
}

/* The same call twice is computed once. */
static bool
item_equal(const AggregateItem *a, const AggregateItem *b)
{
	if (a->function != b->function || a->n_args != b->n_args || a->distinct != b->distinct || a->n_order_by > 0 || b->n_order_by > 0 ||
		(a->filter == NULL) != (b->filter == NULL) || a->type != b->type)
		return false;
	for (int i = 0; i < a->n_args; i++)
		if (!expr_equal(a->args[i], b->args[i]))
			return false;
	return a->filter == NULL || expr_equal(a->filter, b->filter);
}

Status
bind_aggregate_call(ExprBinder *outer, const AstExpr *e, Expr **out, Error *err)
{
	Binder		 *b = outer->binder;
	ExprBinder	  eb = *outer;
	SelectBinder *sb = outer->select;
	AggregateItem item = {0};

	if (outer->in_aggregate) {
		error_user(err, "Aggregate functions can not be nested: %s", ast_text(b, outer->scope, outer->aggregate));
		return error_at_pos(err, e->pos);
	}
	if (sb == NULL || outer->lambda != NULL || outer->clause == CLAUSE_WHERE || outer->clause == CLAUSE_GROUP_BY ||
		outer->clause == CLAUSE_PARTITION_BY || outer->clause == CLAUSE_JOIN || outer->clause == CLAUSE_VALUES) {
		char *name = arena_strdup(b->arena, e->name.text);

		for (char *p = name; *p != '\0'; p++)
			*p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
		if (outer->scope == NULL || (outer->clause == CLAUSE_WHERE && !b->standard && sb != NULL && sb->has_window))
		{
			Expr **args;

			TRY(bind_children(&eb, e->args, e->n_args, &args, err));
		}
		error_user(err, "%s does not support aggregate functions: %s is an aggregate function.", clause_name(outer->clause), name);
		return error_at_pos(err, e->pos);
	}
	if (b->is_pull) {
		error_user(err, "Pull queries don't support aggregate functions. See https://cnfl.io/queries for more info.\n"
						"Add EMIT CHANGES if you intended to issue a push query.");
		return error_at_pos(err, e->pos);
	}
	eb.in_aggregate = true;
	eb.aggregate = e;
	TRY(bind_aggregate_item(&eb, e, &item, err));
	for (int i = 0; i < sb->n_items; i++)
		if (item_equal(&sb->items[i], &item)) {
			*out = expr_column(b->arena, REF_AGGREGATE + i, item.type, e->name.text);
			return OK;
		}
	arena_grow(b->arena, sb->items, sb->n_items, sb->items_capacity);
	if (sb->items_capacity > 0) {
		const char **texts = arena_array(b->arena, const char *, sb->items_capacity);

		if (sb->n_items > 0)
			memcpy(texts, sb->item_texts, sizeof *texts * (size_t)sb->n_items);
		sb->item_texts = texts;
	}
	sb->items[sb->n_items] = item;
	sb->item_texts[sb->n_items] = ast_text(b, outer->scope, e);
	*out = expr_column(b->arena, REF_AGGREGATE + sb->n_items++, item.type, e->name.text);
	return OK;
}

/* ---- grouping expressions ---- */

typedef struct KeyList {
	SelectBinder *sb;
	BoundColumn  *columns;
	int			  n_columns;
	int			  n, capacity;
	Expr		**keys;
	const char  **texts;
	/* GROUPING SETS */
	uint64_t	 *sets;
	int			  n_sets;
} KeyList;

static int
key_add(KeyList *list, Expr *e, const char *text)
{
	Arena *arena = list->sb->binder->arena;

	for (int i = 0; i < list->n; i++)
		if (expr_equal(list->keys[i], e))
			return i;
	if (list->n == list->capacity) {
		int			 grown = list->capacity > 0 ? 2 * list->capacity : 8;
		Expr	   **keys = arena_array(arena, Expr *, grown);
		const char **texts = arena_array(arena, const char *, grown);

		if (list->n > 0) {
			memcpy(keys, list->keys, sizeof *keys * (size_t)list->n);
			memcpy(texts, list->texts, sizeof *texts * (size_t)list->n);
		}
		list->keys = keys;
		list->texts = texts;
		list->capacity = grown;
	}
	list->keys[list->n] = e;
	list->texts[list->n] = text;
	return list->n++;
}

/* A sub-query that stands in the select list too is computed once. */
static const BoundColumn *
select_item_with_subquery(KeyList *list, const AstExpr *e)
{
	Binder		*b = list->sb->binder;
	const Scope *scope = list->sb->scope;
	const char	*text = ast_text(b, scope, e);

	for (int i = 0; i < list->n_columns; i++)
		if (list->columns[i].ast != NULL && !list->columns[i].from_star && strcmp(ast_text(b, scope, list->columns[i].ast), text) == 0)
			return &list->columns[i];
	return NULL;
}

/* Standard: a position, or an alias of the select list that is no column of the source. */
static const BoundColumn *
select_item_of(KeyList *list, const AstExpr *e)
{
	Binder *b = list->sb->binder;

	if (!b->standard)
		return NULL;
	if (e->kind == AST_INTEGER && !e->has_parens && e->integer >= 1 && e->integer <= list->n_columns)
		return &list->columns[e->integer - 1];
	if (e->kind == AST_COLUMN && e->qualifier.text == NULL) {
		const ScopeColumn *column = NULL;
		Error			   ignored;

		if (scope_try(b, list->sb->scope, e->qualifier, e->name, &column, &ignored) != OK || (column != NULL && !column->is_hidden))
			return NULL;
		for (int i = 0; i < list->n_columns; i++)
			if (!list->columns[i].from_star && name_matches(true, list->columns[i].name, e->name.text, false))
				return &list->columns[i];
	}
	return ast_has_subquery(e) ? select_item_with_subquery(list, e) : NULL;
}

/* The window is part of the key anyway. */
static bool
is_window_bound(const Expr *e)
{
	return e->kind == EXPR_COLUMN && (ref_kind(e->index) == REF_WINDOW_START || ref_kind(e->index) == REF_WINDOW_END);
}

static Status
bind_key(KeyList *list, const AstExpr *e, bool may_repeat, int *out, Error *err)
{
	SelectBinder	  *sb = list->sb;
	Binder			  *b = sb->binder;
	ExprBinder		   eb = {.binder = b, .scope = sb->scope, .select = sb, .clause = CLAUSE_GROUP_BY};
	const BoundColumn *item = select_item_of(list, e);
	Expr			  *key;
	int				   before = list->n;

	if (item != NULL) {
		if (ast_has_aggregate(b, item->ast)) {
			error_user(err, "An aggregate cannot be grouped by: %s.", ast_text(b, sb->scope, item->ast));
			return error_at_pos(err, e->pos);
		}
		key = item->expr;
	} else if (b->standard && e->kind == AST_INTEGER && !e->has_parens) {
		error_user(err, "GROUP BY position %s is not in the select list (it has %d items).", e->text, list->n_columns);
		return error_at_pos(err, e->pos);
	} else
		TRY(bind_expr(&eb, e, &key, err));
	if (key->type->kind == TYPE_NULL) {
		if (!b->standard) {
			error_user(err, "GROUP BY does not support NULL.");
			return error_at_pos(err, e->pos);
		}
		key = expr_cast_to(b, key, type_string);
	}
	if (is_window_bound(key)) {
		*out = -1;
		return OK;
	}
	*out = key_add(list, key, ast_text(b, sb->scope, e));
	if (list->n == before && !may_repeat && !b->standard) {
		AstExpr			   copy = *e;
		const ScopeColumn *column = NULL;

		if (e->kind == AST_COLUMN)
			TRY(scope_try(b, sb->scope, e->qualifier, e->name, &column, err));
		if (column != NULL)
			error_user(err, "Duplicate GROUP BY expression: %s.%s", column->qualifier, column->name);
		else
			error_user(err, "Duplicate GROUP BY expression: %s", ast_text(b, sb->scope, &copy));
		return error_at_pos(err, e->pos);
	}
	return OK;
}

static Status
bind_set(KeyList *list, const AstGrouping *g, uint64_t *bits, Error *err)
{
	int key;

	*bits = 0;
	if (g->kind == AST_GROUP_EXPR) {
		TRY(bind_key(list, g->expr, true, &key, err));
		*bits = key >= 0 ? UINT64_C(1) << key : 0;
		return OK;
	}
	for (int i = 0; i < g->n_items; i++) {
		uint64_t part;

		TRY(bind_set(list, g->items[i], &part, err));
		*bits |= part;
	}
	return OK;
}

/* The sets of one element of GROUP BY. */
static Status
sets_of(KeyList *list, const AstGrouping *g, uint64_t **out, int *n_out, Error *err)
{
	Arena	 *arena = list->sb->binder->arena;
	uint64_t *parts = arena_array(arena, uint64_t, g->n_items + 1);
	int		  n = 0;

	switch (g->kind) {
	case AST_GROUP_ROLLUP:
		*out = arena_array(arena, uint64_t, g->n_items + 1);
		for (int i = 0; i < g->n_items; i++)
			TRY(bind_set(list, g->items[i], &parts[i], err));
		for (int i = g->n_items; i >= 0; i--) {
			uint64_t bits = 0;

			for (int j = 0; j < i; j++)
				bits |= parts[j];
			(*out)[n++] = bits;
		}
		break;
	case AST_GROUP_CUBE:
		if (g->n_items > 12) {
			error_user(err, "CUBE of more than 12 expressions.");
			return error_at_pos(err, g->pos);
		}
		*out = arena_array(arena, uint64_t, 1 << g->n_items);
		for (int i = 0; i < g->n_items; i++)
			TRY(bind_set(list, g->items[i], &parts[i], err));
		for (int mask = (1 << g->n_items) - 1; mask >= 0; mask--) {
			uint64_t bits = 0;

			for (int j = 0; j < g->n_items; j++)
				if (mask >> (g->n_items - 1 - j) & 1)
					bits |= parts[j];
			(*out)[n++] = bits;
		}
		break;
	case AST_GROUP_SETS: {
		int capacity = 0;

		*out = NULL;
		for (int i = 0; i < g->n_items; i++) {
			uint64_t *inner;
			int		  n_inner;

			TRY(sets_of(list, g->items[i], &inner, &n_inner, err));
			for (int j = 0; j < n_inner; j++) {
				arena_grow(arena, *out, n, capacity);
				(*out)[n++] = inner[j];
			}
		}
		break;
	}
	default:
		*out = arena_array(arena, uint64_t, 1);
		TRY(bind_set(list, g, &(*out)[0], err));
		n = 1;
		break;
	}
	*n_out = n;
	return OK;
}

static bool
has_sets(const AstGrouping *g)
{
	return g->kind == AST_GROUP_ROLLUP || g->kind == AST_GROUP_CUBE || g->kind == AST_GROUP_SETS;
}

static Status
bind_keys(KeyList *list, Error *err)
{
	SelectBinder	*sb = list->sb;
	Binder			*b = sb->binder;
	const AstSelect *ast = sb->ast;
	bool			 any_sets = false;
	int				 key;

	for (int i = 0; i < ast->n_group_by; i++)
		any_sets |= has_sets(ast->group_by[i]);
	if (any_sets && (!b->is_bounded || !b->standard)) {
		error_unsupported(err, "GROUPING SETS, ROLLUP and CUBE are supported in bounded queries of the standard dialect only.");
		return error_at_pos(err, ast->pos);
	}
	for (int i = 0; i < ast->n_group_by; i++) {
		const AstGrouping *g = ast->group_by[i];

		if (g->kind == AST_GROUP_ALL) {
			for (int c = 0; c < list->n_columns; c++)
				if (!is_window_bound(list->columns[c].expr) && (list->columns[c].from_star || !ast_has_aggregate(b, list->columns[c].ast)))
					key_add(list, list->columns[c].expr, list->columns[c].name);
			continue;
		}
		if (any_sets) {
			uint64_t *sets, *product;
			int		  n_sets, n = 0;

			TRY(sets_of(list, g, &sets, &n_sets, err));
			if (list->n > 62) {
				error_user(err, "GROUPING SETS of more than 62 expressions.");
				return error_at_pos(err, g->pos);
			}
			if (list->sets == NULL) {
				list->sets = sets;
				list->n_sets = n_sets;
				continue;
			}
			product = arena_array(b->arena, uint64_t, list->n_sets * n_sets);
			for (int x = 0; x < list->n_sets; x++)
				for (int y = 0; y < n_sets; y++)
					product[n++] = list->sets[x] | sets[y];
			list->sets = product;
			list->n_sets = n;
			continue;
		}
		if (g->kind == AST_GROUP_EXPR)
			TRY(bind_key(list, g->expr, false, &key, err));
		else
			for (int j = 0; j < g->n_items; j++)
				TRY(bind_key(list, g->items[j]->expr, false, &key, err));
	}
	return OK;
}

/* ---- putting references in their place ---- */

typedef struct Placement {
	SelectBinder *sb;
	KeyList		 *keys;
	int			  n_items;
	bool		  is_bad;		/* a column outside of grouping was found */
} Placement;

static Expr *
bigint_operation(Arena *arena, ArithmeticOp op, Expr *left, int64_t right)
{
	Expr *args[2] = {left, expr_constant(arena, value_integer(type_bigint, right))};
	Expr *e = expr_new(arena, EXPR_ARITHMETIC, type_bigint, arena_memdup(arena, args, sizeof args), 2);

	e->op = (int)op;
	e->standard = true;
	return e;
}

/* GROUPING(key): the bit of GROUPING_ID that says that the key is not part of the row's set. */
static Expr *
place_grouping(Placement *p, int number)
{
	Arena	   *arena = p->sb->binder->arena;
	const Expr *arg = p->sb->groupings[number];
	Expr	   *id = expr_column(arena, p->keys->n + p->n_items, type_bigint, "GROUPING_ID");

	for (int k = 0; k < p->keys->n; k++)
		if (expr_equal(p->keys->keys[k], arg)) {
			if (p->keys->n_sets == 0)
				return expr_constant(arena, value_integer(type_bigint, 0));
			return bigint_operation(arena, ARITH_MOD, bigint_operation(arena, ARITH_DIV, id, INT64_C(1) << k), 2);
		}
	p->is_bad = true;
	return NULL;
}

static Expr *
place_reference(const Expr *e, void *context)
{
	Placement *p = context;
	Arena	  *arena = p->sb->binder->arena;
	Expr	   bare = *e;

	/* A key as an argument is guarded, as a grouping expression it is not: the same expression. */
	bare.is_guarded = e->kind == EXPR_CAST && e->is_guarded;
	for (int i = 0; i < p->keys->n; i++)
		if (expr_equal(p->keys->keys[i], &bare))
			return expr_column(arena, i, e->type, e->name);
	if (e->kind != EXPR_COLUMN)
		return NULL;
	switch (ref_kind(e->index)) {
	case REF_AGGREGATE:
		return expr_column(arena, p->keys->n + (e->index & REF_INDEX), e->type, e->name);
	case REF_WINDOW_START:
		return expr_column(arena, p->keys->n + p->n_items, e->type, e->name);
	case REF_WINDOW_END:
		return expr_column(arena, p->keys->n + p->n_items + 1, e->type, e->name);
	case REF_GROUPING:
		return place_grouping(p, e->index & REF_INDEX);
	case 0:
		p->is_bad = true;
		return NULL;
	default:
		return NULL;
	}
}

/* Standard: MIN and MAX over a table keep all values, so that the next one is known when one goes. */
static void
keep_values(SelectBinder *sb)
{
	for (int i = 0; i < sb->n_items && sb->binder->standard; i++) {
		AggregateItem *item = &sb->items[i];

		item->keeps_greatest = strcmp(item->function->name, "MAX") == 0;
		item->keeps_values = item->n_args == 1 && (item->keeps_greatest || strcmp(item->function->name, "MIN") == 0);
	}
}

static bool
lacks_undo(const AggregateItem *item)
{
	return item->function->retract == NULL && !item->keeps_values;
}

static Status
check_table_functions(SelectBinder *sb, Error *err)
{
	StrBuf names = {0};
	int	   n = 0, n_bad = 0;

	for (int i = 0; i < sb->n_items; i++)
		n_bad += lacks_undo(&sb->items[i]);
	if (n_bad == 0)
		return OK;
	for (int i = 0; i < sb->n_items; i++) {
		if (!lacks_undo(&sb->items[i]))
			continue;
		strbuf_printf(&names, "%s%s", n == 0 ? "" : n == n_bad - 1 ? " and " : ", ", sb->items[i].function->name);
		n++;
	}
	error_user(err, "The aggregation function%s %s cannot be applied to a table source, only to a stream source.", n_bad > 1 ? "s" : "",
			   strbuf_text(&names));
	strbuf_free(&names);
	return FAILED;
}

/* Rows re-keyed by the grouping expressions: the keys, then all columns of the input. */
static Logical *
rekey_for_group(SelectBinder *sb, KeyList *list, Logical *input)
{
	Binder		*b = sb->binder;
	int			 n = list->n + input->n_columns;
	Expr	   **exprs = arena_array(b->arena, Expr *, n + 1);
	const char **names = arena_array(b->arena, const char *, n + 1);
	Logical	   *project;

	for (int i = 0; i < list->n; i++) {
		exprs[i] = list->keys[i];
		names[i] = list->texts[i];
	}
	for (int i = 0; i < input->n_columns; i++) {
		exprs[list->n + i] = expr_column(b->arena, i, input->columns[i].type, input->columns[i].name);
		names[list->n + i] = input->columns[i].name;
	}
	project = logical_project(b->arena, input, exprs, names, n, list->n);
	((ProjectSpec *)project->spec)->drops_null_values = true;
	return exchange_by_key(b->arena, project, b->standard ? NULL_KEYS_TOGETHER : NULL_KEYS_ROUND);
}

static void
shift_item(Binder *b, AggregateItem *item, int by)
{
	const Expr **args = arena_array(b->arena, const Expr *, item->n_args + 1);

	for (int i = 0; i < item->n_args; i++)
		args[i] = logical_shift(b->arena, item->args[i], by);
	item->args = args;
	if (item->filter != NULL)
		item->filter = logical_shift(b->arena, item->filter, by);
	if (item->n_order_by > 0) {
		const Expr **order = arena_array(b->arena, const Expr *, item->n_order_by);

		for (int i = 0; i < item->n_order_by; i++)
			order[i] = logical_shift(b->arena, item->order_by[i], by);
		item->order_by = order;
	}
}

static bool
keys_are_input_key(const KeyList *list, const Logical *input)
{
	if (list->n != input->n_key || list->n == 0)
		return false;
	for (int i = 0; i < list->n; i++)
		if (list->keys[i]->kind != EXPR_COLUMN || list->keys[i]->index != i)
			return false;
	return true;
}

static Status
check_no_group(SelectBinder *sb, BoundColumn *columns, int n_columns, Error *err)
{
	Binder *b = sb->binder;
	StrBuf	list = {0};

	(void)columns;
	(void)n_columns;
	if (!b->is_persistent || b->standard || sb->ast->n_group_by > 0)
		return OK;
	for (int i = 0; i < sb->n_items; i++)
		strbuf_printf(&list, "%s%s", i > 0 ? ", " : "", sb->item_texts[i]);
	error_user(err, "%s statement does not support aggregate function%s [%s] without a GROUP BY clause.", b->statement_kind,
			   sb->n_items > 1 ? "s" : "", strbuf_text(&list));
	strbuf_free(&list);
	return FAILED;
}

static Status
check_key_types(SelectBinder *sb, const KeyList *list, Error *err)
{
	Binder *b = sb->binder;

	for (int i = 0; i < list->n; i++)
		if (type_has_map(list->keys[i]->type) && (b->is_persistent || !b->is_bounded)) {
			const char *name = list->keys[i]->kind == EXPR_COLUMN ? list->keys[i]->name : "KSQL_COL_0";

			return error_user(err,
							  "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior "
							  "due to inconsistent serialization. Key column name: `%s`. Column type: %s. See "
							  "https://github.com/confluentinc/ksql/issues/6621 for more.",
							  name, type_text(b, list->keys[i]->type));
		}
	return OK;
}

/* The keys of a correlated sub-query are part of every grouping set. */
static void
add_extra_keys(SelectBinder *sb, KeyList *list)
{
	for (int i = 0; i < sb->n_extra_keys; i++) {
		int key = key_add(list, sb->extra_keys[i], "KEY");

		for (int k = 0; k < list->n_sets; k++)
			list->sets[k] |= UINT64_C(1) << key;
	}
}

/* Sub-queries that are grouped by are columns of the rows before they are grouped, wherever they stand. */
static Status
join_grouped_subqueries(SelectBinder *sb, KeyList *list, Expr **having, Error *err)
{
	for (int i = 0; i < list->n; i++)
		note_subqueries_early(sb, list->keys[i]);
	TRY(join_subqueries(sb, true, err));
	for (int i = 0; i < list->n; i++)
		list->keys[i] = place_subqueries(sb, list->keys[i]);
	for (int i = 0; i < list->n_columns; i++)
		list->columns[i].expr = place_subqueries(sb, list->columns[i].expr);
	if (*having != NULL)
		*having = place_subqueries(sb, *having);
	if (sb->qualify != NULL)
		sb->qualify = place_subqueries(sb, sb->qualify);
	place_subqueries_in_overs(sb);
	return OK;
}

Status
plan_aggregate(SelectBinder *sb, const AstQuery *query, BoundColumn *columns, int n_columns, Expr **having, Error *err)
{
	Binder		  *b = sb->binder;
	KeyList		   list = {.sb = sb, .columns = columns, .n_columns = n_columns};
	AggregateSpec *spec = arena_new(b->arena, AggregateSpec);
	Logical		  *input, *node;
	Placement	   placement = {.sb = sb, .keys = &list};
	Column		  *out;
	StrBuf		   bad = {0};
	bool		   group_is_key;
	int			   n;

	TRY(bind_keys(&list, err));
	add_extra_keys(sb, &list);
	TRY(join_grouped_subqueries(sb, &list, having, err));
	placement.n_items = sb->n_items;
	input = sb->rows;
	for (int i = 0; i < n_columns; i++) {
		placement.is_bad = false;
		columns[i].expr = expr_transform(b->arena, columns[i].expr, place_reference, &placement);
		if (placement.is_bad)
			strbuf_printf(&bad, "%s%s", bad.length > 0 ? ", " : "",
						  columns[i].from_star ? columns[i].name : ast_text(b, sb->scope, columns[i].ast));
	}
	if (bad.length > 0) {
		if (b->standard)
			error_user(err, "`%s` is neither grouped by nor an aggregate. Add it to GROUP BY, or use an aggregate such as MIN or MAX.",
					   strbuf_text(&bad));
		else
			error_user(err,
					   "Non-aggregate SELECT expression(s) not part of GROUP BY: %s\nEither add the column(s) to the GROUP BY or remove "
					   "them from the SELECT.",
					   strbuf_text(&bad));
		strbuf_free(&bad);
		for (int i = 0; i < n_columns; i++)
			if (columns[i].ast != NULL && columns[i].ast->kind != AST_STAR && err->line == 0 && n_columns == 1)
				error_at_pos(err, columns[i].pos);
		return FAILED;
	}
	placement.is_bad = false;
	overs_transform(sb, place_reference, &placement);
	subqueries_transform(sb, place_reference, &placement);
	if (sb->qualify != NULL)
		sb->qualify = expr_transform(b->arena, sb->qualify, place_reference, &placement);
	if (placement.is_bad)
		return error_user(err, "OVER, QUALIFY and sub-queries of a grouped query can only use grouping expressions and aggregates.");
	if (*having != NULL) {
		placement.is_bad = false;
		*having = expr_transform(b->arena, *having, place_reference, &placement);
		if (placement.is_bad) {
			error_user(err, "Non-aggregate HAVING expression not part of GROUP BY: %s\nEither add the column(s) to the GROUP BY or remove them from the HAVING.",
					   ast_text(b, sb->scope, sb->ast->having));
			return error_at_pos(err, sb->ast->having->pos);
		}
	}
	TRY(check_no_group(sb, columns, n_columns, err));
	TRY(check_key_types(sb, &list, err));
	if (sb->n_items == 0 && !b->standard) {
		if (!sb->has_window || list.n > 0)
			return error_user(err, "GROUP BY requires aggregate functions in either the SELECT or HAVING clause.");
	}
	if (sb->has_window && !b->standard && sb->ast->n_group_by == 0 && b->is_persistent)
		return error_user(err, "WINDOW clause requires a GROUP BY clause.");
	if (input->is_table && !b->is_bounded) {
		if (sb->has_window)
			return error_user(err, "WINDOW clause is only supported for streams, not for tables. Windowing not supported for table aggregations.");
		if (input->window.kind != WINDOW_NONE)
			return error_user(err, "KSQL does not support aggregations of windowed tables.");
		keep_values(sb);
		TRY(check_table_functions(sb, err));
	}
	if (query->emit == AST_EMIT_FINAL && !sb->has_window)
		return error_user(err, "EMIT FINAL is only supported for windowed aggregations.");
	if (sb->has_window && input->window.kind != WINDOW_NONE && !b->is_bounded)
		return error_user(err, "A windowed source cannot be aggregated into windows again.");

	group_is_key = keys_are_input_key(&list, input);
	spec->n_input_key = input->n_key;
	spec->is_table = input->is_table && !b->is_bounded;
	spec->input_is_windowed = group_is_key && input->window.kind != WINDOW_NONE && !sb->has_window;
	if (!b->is_bounded && !spec->is_table && !group_is_key) {
		input = rekey_for_group(sb, &list, input);
		for (int i = 0; i < sb->n_items; i++)
			shift_item(b, &sb->items[i], list.n);
		for (int i = 0; i < list.n; i++)
			list.keys[i] = expr_column(b->arena, i, input->columns[i].type, input->columns[i].name);
	}
	/* Rows without a key are in every partition of a topic, but they are one group. */
	if (!b->is_bounded && !spec->is_table && group_is_key && b->standard)
		input = exchange_by_key(b->arena, input, rows_are_placed(input) ? NULL_KEYS_MOVE : NULL_KEYS_TOGETHER);
	spec->n_keys = list.n;
	spec->keys = (const Expr *const *)list.keys;
	spec->n_items = sb->n_items;
	spec->items = sb->items;
	spec->window = sb->window;
	spec->emit = b->is_bounded ? AGGREGATE_AT_END : query->emit == AST_EMIT_FINAL ? AGGREGATE_FINAL : AGGREGATE_CHANGES;
	spec->drops_empty_groups = b->standard && spec->is_table && list.n > 0;
	spec->skips_null_keys = !b->standard;
	spec->has_late_rows = !b->is_bounded || (sb->has_window && sb->window.has_grace);
	if (b->is_bounded && spec->has_late_rows)
		b->needs_order = true;
	spec->loses_expired_windows = !b->standard;
	spec->n_grouping_sets = list.n_sets;
	spec->grouping_sets = list.sets;

	n = list.n + sb->n_items + (sb->has_window ? 2 : 0) + (list.n_sets > 0 ? 1 : 0);
	out = arena_array(b->arena, Column, n + 1);
	for (int i = 0; i < list.n; i++)
		out[i] = (Column){list.texts[i], list.keys[i]->type};
	for (int i = 0; i < sb->n_items; i++)
		out[list.n + i] = (Column){sb->item_texts[i], sb->items[i].type};
	if (sb->has_window) {
		out[list.n + sb->n_items] = (Column){"WINDOWSTART", type_bigint};
		out[list.n + sb->n_items + 1] = (Column){"WINDOWEND", type_bigint};
	}
	if (list.n_sets > 0)
		out[n - 1] = (Column){"GROUPING_ID", type_bigint};
	node = logical_new(b->arena, LOGICAL_AGGREGATE, input);
	node->n_columns = n;
	node->columns = out;
	node->n_key = list.n;
	node->is_table = !b->is_bounded;
	node->window = sb->has_window ? sb->window : spec->input_is_windowed ? input->window : (WindowSpec){0};
	node->spec = spec;
	node->estimated_rows = input->estimated_rows < 0 ? -1 : input->estimated_rows / 10;
	sb->rows = node;
	sb->has_group = true;
	sb->n_keys = list.n;
	sb->keys = list.keys;
	sb->key_names = list.texts;
	return OK;
}

/* GROUPING(a, b): a number of a bit an argument, the last one lowest. */
Status
bind_grouping(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder		 *b = eb->binder;
	SelectBinder *sb = eb->select;
	Expr		**args;

	if (sb == NULL || sb->ast->n_group_by == 0 || eb->in_aggregate || e->n_args < 1 || e->n_args > 31 ||
		(eb->clause != CLAUSE_SELECT && eb->clause != CLAUSE_HAVING && eb->clause != CLAUSE_ORDER_BY)) {
		error_user(err, "GROUPING takes grouping expressions, in SELECT, HAVING or ORDER BY of a query with GROUP BY.");
		return error_at_pos(err, e->pos);
	}
	TRY(bind_children(eb, e->args, e->n_args, &args, err));
	for (int i = 0; i < e->n_args; i++) {
		Expr *bit, *both[2];

		arena_grow(b->arena, sb->groupings, sb->n_groupings, sb->groupings_capacity);
		sb->groupings[sb->n_groupings] = args[i];
		bit = expr_column(b->arena, REF_GROUPING + sb->n_groupings++, type_bigint, "GROUPING");
		if (i == 0) {
			*out = bit;
			continue;
		}
		both[0] = bigint_operation(b->arena, ARITH_MUL, *out, 2);
		both[1] = bit;
		*out = expr_new(b->arena, EXPR_ARITHMETIC, type_bigint, arena_memdup(b->arena, both, sizeof both), 2);
		(*out)->op = ARITH_ADD;
		(*out)->standard = true;
	}
	return OK;
}
