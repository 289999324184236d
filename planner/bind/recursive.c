/*
 * WITH RECURSIVE r AS (base UNION [ALL] step): the step reads r, which stands for the rows of the iteration before.  Both branches become
 * plans of their own, which exec/task/recursion.c runs one after the other; r itself is a scan.  Bounded queries only.
 */
#include "planner/bind/bind.h"

enum { WIDENINGS = 8 };		/* INTEGER to DOUBLE takes three */

static Logical *
recursive_scan(Binder *b, const RecursiveSpec *spec, const Column *columns, bool is_working)
{
	Logical		*node = logical_new(b->arena, LOGICAL_SCAN, NULL);
	LogicalScan *scan = arena_new(b->arena, LogicalScan);
	ScanColumn	*origins = arena_array(b->arena, ScanColumn, spec->n_columns + 1);

	for (int i = 0; i < spec->n_columns; i++)
		origins[i].source_index = i;
	scan->name = spec->name;
	scan->columns = origins;
	scan->recursive = spec;
	scan->is_working = is_working;
	node->n_columns = spec->n_columns;
	node->columns = columns;
	node->spec = scan;
	node->estimated_rows = -1;
	return node;
}

Logical *
bind_working(Binder *b, const CteEntry *entry)
{
	return recursive_scan(b, entry->working, entry->columns, true);
}

static Status
bind_branch(Binder *b, const AstQuery *query, const AstBody *body, int number, Logical **out, Error *err)
{
	AstQuery *branch = arena_new(b->arena, AstQuery);
	int		  outer = b->branch;
	Status	  status;

	branch->pos = query->pos;
	branch->body = (AstBody *)body;
	b->branch = number;
	status = bind_inner_query(b, branch, NULL, NULL, out, err);
	b->branch = outer;
	return status;
}

static Status
plan_branch(Binder *b, Logical *rows, int number, const Plan **out, Error *err)
{
	int			outer = b->branch;
	Logical	   *result;
	ResultSpec *spec = arena_new(b->arena, ResultSpec);
	Plan	   *plan;

	b->branch = number;
	result = logical_new(b->arena, LOGICAL_RESULT, place_ctes(b, rows));
	b->branch = outer;
	spec->n_columns = rows->n_columns;
	result->spec = spec;
	TRY(plan_part(b, result, &plan, err));
	*out = plan;
	return OK;
}

static Logical *
cast_columns(Binder *b, Logical *rows, const Column *columns)
{
	Expr	   **exprs = arena_array(b->arena, Expr *, rows->n_columns + 1);
	const char **names = arena_array(b->arena, const char *, rows->n_columns + 1);

	for (int i = 0; i < rows->n_columns; i++) {
		exprs[i] = expr_cast_to(b, expr_column(b->arena, i, rows->columns[i].type, rows->columns[i].name), columns[i].type);
		names[i] = columns[i].name;
	}
	return logical_project(b->arena, rows, exprs, names, rows->n_columns, 0);
}

/* Widens the columns to what the step gives; *changed: the step is bound again, over the wider ones. */
static Status
widen_columns(Binder *b, const AstQuery *query, const Logical *step, Column *columns, int n, bool *changed, Error *err)
{
	*changed = false;
	if (step->n_columns != n) {
		error_user(err, "Both sides of the UNION of a recursive query need the same number of columns, not %d and %d.", n, step->n_columns);
		return error_at_pos(err, query->pos);
	}
	for (int i = 0; i < n; i++) {
		const Type *type = common_type(true, columns[i].type, step->columns[i].type);

		if (type == NULL) {
			error_user(err, "Column %d of the recursive query is %s, but %s in its recursive part.", i + 1, type_text(b, columns[i].type),
					   type_text(b, step->columns[i].type));
			return error_at_pos(err, query->pos);
		}
		*changed |= type != columns[i].type;
		columns[i].type = type;
	}
	return OK;
}

/* The step, over columns as wide as it makes them itself; *out NULL: it does not read the query. */
static Status
bind_step(Binder *b, CteEntry *entry, int branch, RecursiveSpec *spec, Column *columns, Logical **out, Error *err)
{
	const AstQuery *query = entry->cte->query;
	bool			changed = true;

	for (int i = 0; changed; i++) {
		CteEntry *self = arena_memdup(b->arena, entry, sizeof *entry), *ctes = b->ctes;
		Column	 *seen = arena_memdup(b->arena, columns, sizeof *columns * (size_t)(spec->n_columns + 1));
		Status	  status;

		self->working = spec;
		self->columns = seen;
		self->next = ctes;
		self->n_uses = 0;
		b->ctes = self;
		status = bind_branch(b, query, query->body->right, branch, out, err);
		b->ctes = ctes;
		TRY(status);
		if (self->n_uses == 0) {
			*out = NULL;
			return OK;
		}
		if (i == WIDENINGS)
			return error_user(err, "The types of recursive query %s grow with every iteration. CAST its columns.", spec->name);
		TRY(widen_columns(b, query, *out, columns, spec->n_columns, &changed, err));
	}
	return OK;
}

static Status
bind_union(Binder *b, CteEntry *entry, Logical **out, Error *err)
{
	const AstQuery *query = entry->cte->query;
	RecursiveSpec  *spec = arena_new(b->arena, RecursiveSpec);
	Logical		   *base, *step;
	Column		   *columns;
	int				branch = ++b->n_branches;

	TRY(bind_branch(b, query, query->body->left, branch, &base, err));
	columns = arena_array(b->arena, Column, base->n_columns + 1);
	for (int i = 0; i < base->n_columns; i++) {
		columns[i] = base->columns[i];
		if (columns[i].type->kind == TYPE_NULL)
			columns[i].type = type_string;
		if (i < entry->cte->n_columns)
			columns[i].name = bind_name(b->context, entry->cte->columns[i]);
	}
	spec->name = bind_name(b->context, entry->cte->name);
	spec->n_columns = base->n_columns;
	spec->is_all = query->body->is_all;
	TRY(bind_step(b, entry, branch, spec, columns, &step, err));
	if (step == NULL)
		return OK;
	if (query->n_order_by > 0 || query->limit != NULL || query->offset != NULL) {
		error_user(err, "ORDER BY and LIMIT of a recursive query belong to the query that reads it.");
		return error_at_pos(err, query->pos);
	}
	TRY(plan_branch(b, cast_columns(b, base, columns), branch, &spec->base, err));
	TRY(plan_branch(b, cast_columns(b, step, columns), branch, &spec->step, err));
	*out = recursive_scan(b, spec, columns, false);
	return OK;
}

Status
bind_recursive(Binder *b, CteEntry *entry, Logical **out, Error *err)
{
	const AstQuery *query = entry->cte->query;
	CteEntry	   *ctes = b->ctes;
	Status			status;

	*out = NULL;
	if (query->body->kind != AST_BODY_SET || query->body->set_op != AST_UNION || query->body->is_by_name)
		return OK;
	bind_ctes(b, query);
	status = bind_union(b, entry, out, err);
	b->ctes = ctes;
	return status;
}
