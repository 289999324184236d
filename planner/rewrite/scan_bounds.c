/*
 * Bounded queries over files: conditions that compare a column with constants are told to the source, which may leave out parts
 * of files that hold no such row.  The filter stays.
 *
 * Only comparisons whose outcome follows from the order of the values are taken: numbers and times whatever they are cast to (casts
 * to wider types keep the order), texts for equality and, where they are ordered by their bytes, for ranges.
 */
#include "exec/expr/program.h"
#include "planner/bind/bind.h"

typedef struct BoundList {
	RewriteContext *context;
	LogicalScan	   *scan;
	ScanBound	   *bounds;
	int				n, capacity;
} BoundList;

static bool
is_time(const Type *type)
{
	return type->kind == TYPE_DATE || type->kind == TYPE_TIMESTAMP || type->kind == TYPE_TIME;
}

/* The column under casts that keep its order; -1: something else. */
static int
bare_column(const LogicalScan *scan, const Expr *e, const Type **type)
{
	while (e->kind == EXPR_CAST) {
		const Type *from = e->args[0]->type, *to = e->type;
		bool		widens = type_is_number(from) && type_is_number(to) &&
					  (to->kind == TYPE_DOUBLE || (type_as_decimal(from) != NULL && type_as_decimal(to) != NULL &&
												   type_as_decimal(to)->scale >= type_as_decimal(from)->scale));

		if (!widens && !(from->kind == TYPE_DATE && to->kind == TYPE_TIMESTAMP))
			return -1;
		e = e->args[0];
	}
	*type = e->type;
	return e->kind == EXPR_COLUMN ? scan->columns[e->index].source_index : -1;
}

static bool
constant_of(BoundList *list, const Expr *e, Value *out)
{
	return expr_is_constant(e) && expr_eval_constant(list->context->arena, e, &env_real, out, &(Error){0}) == OK && !out->is_null;
}

static void
add_bound(BoundList *list, int column, BoundOp op, const Value *values, int n_values)
{
	if (list->n == list->capacity) {
		int		   capacity = list->capacity * 2 + 8;
		ScanBound *more = arena_array(list->context->arena, ScanBound, capacity);

		if (list->n > 0)
			memcpy(more, list->bounds, sizeof *more * (size_t)list->n);
		list->bounds = more;
		list->capacity = capacity;
	}
	list->bounds[list->n++] = (ScanBound){.column = column, .op = op, .n_values = n_values, .values = values};
}

/* Whether the order of the column's values decides a comparison with such a constant. */
static bool
is_ordered(const BoundList *list, const Type *column, const Type *constant, BoundOp op)
{
	if (type_is_number(column))
		return type_is_number(constant);
	if (is_time(column))
		return constant == column || (column->kind == TYPE_DATE && constant->kind == TYPE_TIMESTAMP);
	if (column != constant || (column->kind != TYPE_BOOLEAN && !type_is_text(column)))
		return false;
	/* the ksqldb dialect has an order of its own for texts */
	return op == BOUND_EQ || op == BOUND_IN || list->context->standard;
}

static void
take_compare(BoundList *list, const Expr *e)
{
	static const BoundOp ops[] = {[COMPARE_EQ] = BOUND_EQ, [COMPARE_LT] = BOUND_LT, [COMPARE_LE] = BOUND_LE, [COMPARE_GT] = BOUND_GT, [COMPARE_GE] = BOUND_GE};
	static const BoundOp turned[] = {[COMPARE_EQ] = BOUND_EQ, [COMPARE_LT] = BOUND_GT, [COMPARE_LE] = BOUND_GE, [COMPARE_GT] = BOUND_LT, [COMPARE_GE] = BOUND_LE};
	const Type			*type;
	Value				*value = arena_new(list->context->arena, Value);
	int					 column = bare_column(list->scan, e->args[0], &type);
	BoundOp				 op = e->op == COMPARE_NE ? BOUND_EQ : ops[e->op];
	const Expr			*constant = e->args[1];

	if (e->op == COMPARE_NE)
		return;
	if (column < 0) {
		column = bare_column(list->scan, e->args[1], &type);
		constant = e->args[0];
		op = turned[e->op];
	}
	if (column >= 0 && constant_of(list, constant, value) && is_ordered(list, type, value->type, op))
		add_bound(list, column, op, value, 1);
}

static void
take_in(BoundList *list, const Expr *e)
{
	const Type *type;
	int			column = bare_column(list->scan, e->args[0], &type), n = 0;
	Value	   *values = arena_array(list->context->arena, Value, e->n_args);

	if (column < 0 || e->negated)
		return;
	for (int i = 1; i < e->n_args; i++) {
		if (e->args[i]->kind == EXPR_CONSTANT && e->args[i]->constant.is_null)
			continue;
		if (!constant_of(list, e->args[i], &values[n]) || !is_ordered(list, type, values[n].type, BOUND_IN))
			return;
		n++;
	}
	add_bound(list, column, BOUND_IN, values, n);
}

static void
take_conjunct(BoundList *list, const Expr *e)
{
	const Type *type;
	int			column;

	switch (e->kind) {
	case EXPR_COMPARE:
		take_compare(list, e);
		break;
	case EXPR_IN:
		take_in(list, e);
		break;
	case EXPR_IS_NULL:
		column = bare_column(list->scan, e->args[0], &type);
		if (column >= 0)
			add_bound(list, column, e->negated ? BOUND_NOT_NULL : BOUND_IS_NULL, NULL, 0);
		break;
	default:
		break;
	}
}

static void
walk(RewriteContext *context, Logical *node)
{
	if (node->kind == LOGICAL_FILTER && node->inputs[0]->kind == LOGICAL_SCAN && ((LogicalScan *)node->inputs[0]->spec)->file != NULL) {
		BoundList		  list = {.context = context, .scan = node->inputs[0]->spec};
		const FilterSpec *filter = node->spec;
		Expr			**conjuncts = NULL;
		int				  n = 0, capacity = 0;

		expr_conjuncts(context->arena, (Expr *)filter->condition, &conjuncts, &n, &capacity);
		for (int i = 0; i < n; i++)
			take_conjunct(&list, conjuncts[i]);
		list.scan->bounds = list.bounds;
		list.scan->n_bounds = list.n;
	}
	for (int i = 0; i < node->n_inputs; i++)
		walk(context, logical_input(node, i));
}

Logical *
rewrite_scan_bounds(RewriteContext *context, Logical *root)
{
	if (context->is_bounded)
		walk(context, root);
	return root;
}
