/* OVER: window functions over bounded rows, one operator for each PARTITION BY and ORDER BY. */
#include "planner/bind/bind.h"

typedef struct OverFunction {
	const char		  *name;
	WindowFunctionKind kind;
	int				   least, most;		/* arguments */
} OverFunction;

static const OverFunction over_functions[] = {
	{"ROW_NUMBER", WINDOW_FUNCTION_ROW_NUMBER, 0, 0},	  {"RANK", WINDOW_FUNCTION_RANK, 0, 0},
	{"DENSE_RANK", WINDOW_FUNCTION_DENSE_RANK, 0, 0},	  {"PERCENT_RANK", WINDOW_FUNCTION_PERCENT_RANK, 0, 0},
	{"CUME_DIST", WINDOW_FUNCTION_CUME_DIST, 0, 0},		  {"NTILE", WINDOW_FUNCTION_NTILE, 1, 1},
	{"LAG", WINDOW_FUNCTION_LAG, 1, 3},					  {"LEAD", WINDOW_FUNCTION_LEAD, 1, 3},
	{"FIRST_VALUE", WINDOW_FUNCTION_FIRST_VALUE, 1, 1},	  {"LAST_VALUE", WINDOW_FUNCTION_LAST_VALUE, 1, 1},
	{"FIRST", WINDOW_FUNCTION_FIRST_VALUE, 1, 1},		  {"LAST", WINDOW_FUNCTION_LAST_VALUE, 1, 1},
	{"NTH_VALUE", WINDOW_FUNCTION_NTH_VALUE, 2, 2},
};

static const AstOver *
named_over(SelectBinder *sb, AstIdent name)
{
	Binder *b = sb->binder;

	for (int i = 0; i < sb->ast->n_windows; i++)
		if (name_matches(b->standard, bind_name(b->context, sb->ast->windows[i].name), bind_name(b->context, name), false))
			return sb->ast->windows[i].over;
	return NULL;
}

/* The window with what it takes over from its base. */
static Status
resolve_over(SelectBinder *sb, const AstOver *over, AstOver *out, int depth, Error *err)
{
	const AstOver *base;
	AstOver		   parent;

	*out = *over;
	if (over->base.text == NULL)
		return OK;
	base = depth < 16 ? named_over(sb, over->base) : NULL;
	if (base == NULL) {
		error_user(err, "There is no window named `%s`. Declare it: WINDOW %s AS (...).", over->base.text, over->base.text);
		return error_at_pos(err, over->base.pos);
	}
	TRY(resolve_over(sb, base, &parent, depth + 1, err));
	if (out->n_partition_by == 0) {
		out->partition_by = parent.partition_by;
		out->n_partition_by = parent.n_partition_by;
	}
	if (out->n_order_by == 0) {
		out->order_by = parent.order_by;
		out->n_order_by = parent.n_order_by;
	}
	if (out->frame == AST_FRAME_NONE) {
		out->frame = parent.frame;
		out->start = parent.start;
		out->end = parent.end;
		out->exclude = parent.exclude;
	}
	return OK;
}

static FrameBound
bound_of(AstBoundKind kind)
{
	static const FrameBound bounds[] = {FRAME_UNBOUNDED_PRECEDING, FRAME_PRECEDING, FRAME_CURRENT_ROW, FRAME_FOLLOWING,
										FRAME_UNBOUNDED_FOLLOWING};

	return bounds[kind];
}

static FrameExclude
exclude_of(AstExclude exclude)
{
	static const FrameExclude excludes[] = {FRAME_EXCLUDE_NONE, FRAME_EXCLUDE_CURRENT_ROW, FRAME_EXCLUDE_GROUP, FRAME_EXCLUDE_TIES};

	return excludes[exclude];
}

static bool
counts_values(WindowFunctionKind kind)
{
	return kind == WINDOW_FUNCTION_LAG || kind == WINDOW_FUNCTION_LEAD || kind == WINDOW_FUNCTION_FIRST_VALUE ||
		   kind == WINDOW_FUNCTION_LAST_VALUE || kind == WINDOW_FUNCTION_NTH_VALUE;
}

static Status
bind_frame(ExprBinder *eb, const AstOver *over, WindowFunctionItem *item, Error *err)
{
	Expr *offset;

	item->exclude = exclude_of(over->exclude);
	if (over->frame == AST_FRAME_NONE) {
		item->unit = over->n_order_by > 0 ? FRAME_RANGE : FRAME_ROWS;
		item->start = FRAME_UNBOUNDED_PRECEDING;
		item->end = over->n_order_by > 0 ? FRAME_CURRENT_ROW : FRAME_UNBOUNDED_FOLLOWING;
		return OK;
	}
	item->unit = over->frame == AST_FRAME_ROWS ? FRAME_ROWS : over->frame == AST_FRAME_RANGE ? FRAME_RANGE : FRAME_GROUPS;
	item->start = bound_of(over->start.kind);
	item->end = bound_of(over->end.kind);
	if (over->start.offset != NULL) {
		TRY(bind_expr(eb, over->start.offset, &offset, err));
		item->start_offset = offset;
	}
	if (over->end.offset != NULL) {
		TRY(bind_expr(eb, over->end.offset, &offset, err));
		item->end_offset = offset;
	}
	if (over->frame == AST_FRAME_RANGE && (over->start.offset != NULL || over->end.offset != NULL) && over->n_order_by != 1) {
		error_user(err, "RANGE with an offset needs exactly one ORDER BY expression.");
		return error_at_pos(err, over->pos);
	}
	return OK;
}

static Status
bind_over_function(ExprBinder *eb, const AstExpr *e, const OverFunction *f, WindowFunctionItem *item, Error *err)
{
	Binder *b = eb->binder;
	Expr  **args;

	if (e->n_args < f->least || e->n_args > f->most) {
		error_user(err, "%s takes %d to %d arguments, not %d.", f->name, f->least, f->most, e->n_args);
		return error_at_pos(err, e->pos);
	}
	if (e->is_distinct || e->filter != NULL || (e->is_ignore_nulls && !counts_values(f->kind))) {
		error_user(err, "%s takes no %s.", f->name, e->is_distinct ? "DISTINCT" : e->filter != NULL ? "FILTER" : "IGNORE NULLS");
		return error_at_pos(err, e->pos);
	}
	item->ignore_nulls = e->is_ignore_nulls;
	TRY(bind_children(eb, e->args, e->n_args, &args, err));
	item->kind = f->kind;
	item->n_args = e->n_args;
	item->type = type_bigint;
	switch (f->kind) {
	case WINDOW_FUNCTION_PERCENT_RANK:
	case WINDOW_FUNCTION_CUME_DIST:
		item->type = type_double;
		break;
	case WINDOW_FUNCTION_NTILE:
		args[0] = expr_cast_to(b, args[0], type_bigint);
		break;
	case WINDOW_FUNCTION_LAG:
	case WINDOW_FUNCTION_LEAD:
	case WINDOW_FUNCTION_FIRST_VALUE:
	case WINDOW_FUNCTION_LAST_VALUE:
	case WINDOW_FUNCTION_NTH_VALUE:
		if (args[0]->type->kind == TYPE_NULL)
			args[0] = expr_cast_to(b, args[0], type_string);
		item->type = args[0]->type;
		if (e->n_args > 1)
			args[1] = expr_cast_to(b, args[1], type_bigint);
		if (e->n_args > 2) {
			const Type *type = common_type(true, args[0]->type, args[2]->type);

			if (type == NULL) {
				error_user(err, "The default of %s is %s, its value %s.", f->name, type_text(b, args[2]->type), type_text(b, item->type));
				return error_at_pos(err, e->pos);
			}
			item->type = type;
			args[0] = expr_cast_to(b, args[0], type);
			args[2] = expr_cast_to(b, args[2], type);
		}
		break;
	default:
		break;
	}
	item->args = (const Expr *const *)args;
	return OK;
}

Status
bind_over(ExprBinder *outer, const AstExpr *e, Expr **out, Error *err)
{
	Binder			   *b = outer->binder;
	SelectBinder	   *sb = outer->select;
	ExprBinder			eb = *outer;
	const OverFunction *function = NULL;
	OverItem			over = {0};
	AstOver				window;

	if (sb == NULL || outer->in_aggregate ||
		(outer->clause != CLAUSE_SELECT && outer->clause != CLAUSE_ORDER_BY && outer->clause != CLAUSE_QUALIFY)) {
		error_user(err, "OVER is not allowed in %s. Filter its result with QUALIFY, or in an outer SELECT.",
				   outer->in_aggregate ? "an aggregate" : clause_name(outer->clause));
		return error_at_pos(err, e->pos);
	}
	if (!b->is_bounded) {
		error_unsupported(err, "OVER is not supported in continuous queries.");
		return error_at_pos(err, e->pos);
	}
	TRY(resolve_over(sb, e->over, &window, 0, err));
	for (size_t i = 0; i < sizeof over_functions / sizeof over_functions[0]; i++)
		if (str_equal_nocase(str_of(over_functions[i].name), str_of(e->name.text)))
			function = &over_functions[i];
	if (function != NULL)
		TRY(bind_over_function(&eb, e, function, &over.item, err));
	else if (function_class_in(b->context->functions, str_of(e->name.text), b->standard) == FUNCTION_AGGREGATE) {
		over.item.kind = WINDOW_FUNCTION_AGGREGATE;
		TRY(bind_aggregate_item(&eb, e, &over.item.aggregate, err));
		over.item.type = over.item.aggregate.type;
	} else {
		error_user(err, "%s is not a window function or aggregate.", e->name.text);
		return error_at_pos(err, e->pos);
	}
	TRY(bind_frame(&eb, &window, &over.item, err));
	TRY(bind_children(&eb, window.partition_by, window.n_partition_by, &over.partition, err));
	over.n_partition = window.n_partition_by;
	/* The rows for each value of the domain are a query of their own. */
	if (eb.scope->domain != NULL && eb.scope->domain->is_active) {
		int	   n = eb.scope->domain->n_joined;
		Expr **partition = arena_array(b->arena, Expr *, over.n_partition + n + 1);

		if (over.n_partition > 0)
			memcpy(partition, over.partition, sizeof *partition * (size_t)over.n_partition);
		for (int i = 0; i < n; i++) {
			const Column *c = &sb->rows->columns[eb.scope->domain_first + i];

			partition[over.n_partition++] = expr_column(b->arena, eb.scope->domain_first + i, c->type, c->name);
		}
		over.partition = partition;
	}
	over.order = arena_array(b->arena, SortKey, window.n_order_by + 1);
	for (int i = 0; i < window.n_order_by; i++) {
		const AstOrderItem *item = &window.order_by[i];
		Expr			   *key;

		TRY(bind_expr(&eb, item->expr, &key, err));
		over.order[over.n_order++] = (SortKey){key, item->is_descending,
											   item->nulls == AST_NULLS_FIRST ||
												   (item->nulls == AST_NULLS_DEFAULT && item->is_descending)};
	}
	arena_grow(b->arena, sb->overs, sb->n_overs, sb->overs_capacity);
	sb->overs[sb->n_overs] = over;
	*out = expr_column(b->arena, REF_OVER + sb->n_overs++, over.item.type, e->name.text);
	return OK;
}

/* ---- planning ---- */

static const Expr *const *
transform_list(Arena *arena, const Expr *const *list, int n, ExprVisit visit, void *context)
{
	const Expr **out = arena_array(arena, const Expr *, n + 1);

	for (int i = 0; i < n; i++)
		out[i] = expr_transform(arena, list[i], visit, context);
	return out;
}

void
overs_transform(SelectBinder *sb, ExprVisit visit, void *context)
{
	Arena *arena = sb->binder->arena;

	for (int i = 0; i < sb->n_overs; i++) {
		OverItem *o = &sb->overs[i];

		o->partition = (Expr **)transform_list(arena, (const Expr *const *)o->partition, o->n_partition, visit, context);
		for (int k = 0; k < o->n_order; k++)
			o->order[k].expr = expr_transform(arena, o->order[k].expr, visit, context);
		o->item.args = transform_list(arena, o->item.args, o->item.n_args, visit, context);
		o->item.aggregate.args = transform_list(arena, o->item.aggregate.args, o->item.aggregate.n_args, visit, context);
		if (o->item.aggregate.filter != NULL)
			o->item.aggregate.filter = expr_transform(arena, o->item.aggregate.filter, visit, context);
	}
}

static bool
same_window(const OverItem *a, const OverItem *b)
{
	if (a->n_partition != b->n_partition || a->n_order != b->n_order)
		return false;
	for (int i = 0; i < a->n_partition; i++)
		if (!expr_equal(a->partition[i], b->partition[i]))
			return false;
	for (int i = 0; i < a->n_order; i++)
		if (!expr_equal(a->order[i].expr, b->order[i].expr) || a->order[i].descending != b->order[i].descending ||
			a->order[i].nulls_first != b->order[i].nulls_first)
			return false;
	return true;
}

Status
plan_overs(SelectBinder *sb, Error *err)
{
	Binder *b = sb->binder;
	bool   *is_done = arena_array(b->arena, bool, sb->n_overs + 1);

	(void)err;
	for (int i = 0; i < sb->n_overs; i++) {
		WindowFunctionSpec *spec;
		WindowFunctionItem *items;
		Logical			   *node, *input = sb->rows;
		Column			   *columns;
		int					n = 0;

		if (is_done[i])
			continue;
		spec = arena_new(b->arena, WindowFunctionSpec);
		items = arena_array(b->arena, WindowFunctionItem, sb->n_overs);
		columns = arena_array(b->arena, Column, input->n_columns + sb->n_overs);
		memcpy(columns, input->columns, sizeof *columns * (size_t)input->n_columns);
		for (int j = i; j < sb->n_overs; j++) {
			if (is_done[j] || !same_window(&sb->overs[i], &sb->overs[j]))
				continue;
			is_done[j] = true;
			sb->overs[j].column = input->n_columns + n;
			columns[input->n_columns + n] = (Column){"OVER", sb->overs[j].item.type};
			items[n++] = sb->overs[j].item;
		}
		spec->n_partition = sb->overs[i].n_partition;
		spec->partition = (const Expr *const *)sb->overs[i].partition;
		spec->n_order = sb->overs[i].n_order;
		spec->order = sb->overs[i].order;
		spec->n_items = n;
		spec->items = items;
		node = logical_new(b->arena, LOGICAL_WINDOW_FUNCTION, input);
		node->columns = columns;
		node->n_columns = input->n_columns + n;
		node->spec = spec;
		sb->rows = node;
	}
	return OK;
}

static Expr *
place_over(const Expr *e, void *context)
{
	SelectBinder *sb = context;

	if (e->kind == EXPR_COLUMN && ref_kind(e->index) == REF_OVER)
		return expr_column(sb->binder->arena, sb->overs[e->index & REF_INDEX].column, e->type, e->name);
	return NULL;
}

Expr *
place_overs(SelectBinder *sb, const Expr *e)
{
	return sb->n_overs == 0 ? (Expr *)e : expr_transform(sb->binder->arena, e, place_over, sb);
}

/* ---- rows by number ---- */

Logical *
number_rows(Binder *b, Logical *rows, Expr *const *partition, int n_partition, const SortKey *order, int n_order)
{
	Logical			   *node = logical_new(b->arena, LOGICAL_WINDOW_FUNCTION, rows);
	WindowFunctionSpec *spec = arena_new(b->arena, WindowFunctionSpec);
	WindowFunctionItem *item = arena_new(b->arena, WindowFunctionItem);
	Column			   *columns = arena_array(b->arena, Column, rows->n_columns + 1);

	*item = (WindowFunctionItem){.kind = WINDOW_FUNCTION_ROW_NUMBER, .type = type_bigint, .unit = FRAME_ROWS, .start = FRAME_UNBOUNDED_PRECEDING,
								 .end = FRAME_UNBOUNDED_FOLLOWING};
	*spec = (WindowFunctionSpec){.n_partition = n_partition, .n_order = n_order, .n_items = 1, .items = item};
	spec->partition = n_partition > 0 ? (const Expr *const *)partition : arena_new(b->arena, const Expr *);
	spec->order = n_order > 0 ? order : arena_new(b->arena, SortKey);
	memcpy(columns, rows->columns, sizeof *columns * (size_t)rows->n_columns);
	columns[rows->n_columns] = (Column){"NUMBER", type_bigint};
	node->columns = columns;
	node->n_columns = rows->n_columns + 1;
	node->spec = spec;
	return node;
}

Logical *
rows_by_number(Binder *b, Logical *rows, Expr *const *partition, int n_partition, const SortKey *order, int n_order, int64_t skip, int64_t n)
{
	Logical	   *node = number_rows(b, rows, partition, n_partition, order, n_order);
	Expr	   *number = expr_column(b->arena, rows->n_columns, type_bigint, "NUMBER"), *both[2];
	int64_t		last = n > INT64_MAX - skip ? INT64_MAX : n + skip;

	for (int i = 0; i < 2; i++) {
		Expr *args[2] = {number, expr_constant(b->arena, value_integer(type_bigint, i == 0 ? skip : last))};

		both[i] = expr_new(b->arena, EXPR_COMPARE, type_boolean, arena_memdup(b->arena, args, sizeof args), 2);
		both[i]->op = i == 0 ? COMPARE_GT : COMPARE_LE;
		both[i]->standard = true;
	}
	node = logical_filter(b->arena, node, expr_and(b->arena, both, 2, true));
	return keep_first_columns(b, node, rows->n_columns);
}
