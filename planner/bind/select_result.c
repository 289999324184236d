/*
 * How a SELECT of a continuous query ends: projection, DISTINCT, and ORDER BY with LIMIT, over rows that may be a table's changes.
 *
 * An operator that keeps rows of a table must know them by their key, whether the query has selected it or not.  Where it has
 * not, the key's columns stand in front of the list (n_front of the plan), where no name reaches them.
 */
#include "planner/bind/select.h"

typedef struct Ending {
	SelectBinder   *sb;
	SelectList	   *list;
	const AstQuery *query;
	SortKey		   *sort;		/* expr: EXPR_COLUMN of a list column's number; NULL: no ORDER BY */
	int				n_visible;
	int				n_key;
	int				n_front;
} Ending;

static bool
is_outermost(const Binder *b)
{
	return b->depth == 0 && b->in_set == 0;
}

/* ---- keys ---- */

static void
add_front(Ending *e, BoundSubquery *correlated)
{
	SelectBinder *sb = e->sb;
	Arena		 *arena = sb->binder->arena;
	int			  n = sb->rows->n_key;
	SelectList	  all = {.sb = sb};

	for (int k = 0; k < n; k++) {
		const Column *c = &sb->rows->columns[k];

		select_list_add(&all, (BoundColumn){.name = c->name, .expr = expr_column(arena, k, c->type, c->name), .number = -1});
	}
	for (int i = 0; i < e->list->n; i++)
		select_list_add(&all, e->list->columns[i]);
	*e->list = all;
	e->n_front = e->n_key = n;
	e->n_visible += n;
	for (int i = 0; correlated != NULL && i < correlated->n_keys; i++)
		correlated->right_keys[i] = logical_shift(arena, correlated->right_keys[i], n);
	if (correlated != NULL && correlated->residual != NULL)
		correlated->residual = logical_shift(arena, correlated->residual, n);
}

/* Key columns to the front of what is visible; columns that only sort stay behind. */
static Status
resolve_visible(Ending *e, Error *err)
{
	SelectList hidden = *e->list;

	e->list->n = e->n_visible;
	TRY(resolve_result_keys(e->sb, e->list, &e->n_key, err));
	for (int i = e->n_visible; i < hidden.n; i++)
		select_list_add(e->list, hidden.columns[i]);
	return OK;
}

static int
find_pseudo(const Ending *e, const char *name)
{
	const Scope *scope = e->sb->scope;

	for (int i = 0; i < e->n_visible; i++) {
		const Expr *expr = e->list->columns[i].expr;

		for (int c = 0; c < scope->n_columns && expr->kind == EXPR_COLUMN; c++)
			if (scope->columns[c].is_hidden && scope->columns[c].index == expr->index && strcmp(scope->columns[c].name, name) == 0)
				return i;
	}
	return -1;
}

/* The first rows of a stream make a table, whose rows must have a key: their place in the topic is one. */
static Status
key_by_place(Ending *e, Error *err)
{
	int		   partition = find_pseudo(e, "ROWPARTITION"), offset = find_pseudo(e, "ROWOFFSET");
	SelectList ordered = {.sb = e->sb};

	if (partition < 0 || offset < 0 || e->sb->scope->is_join || e->sb->n_functions > 0) {
		error_user(err, "The first rows of a stream are a table, but a stream's rows have no key. Select ROWPARTITION AS p and ROWOFFSET AS o of a "
						"single source, which tell its rows apart, or make a table first: GROUP BY a key.");
		return error_at_pos(err, e->query->order_by[0].pos);
	}
	select_list_add(&ordered, e->list->columns[partition]);
	select_list_add(&ordered, e->list->columns[offset]);
	for (int i = 0; i < e->list->n; i++)
		if (i != partition && i != offset)
			select_list_add(&ordered, e->list->columns[i]);
	*e->list = ordered;
	e->n_key = 2;
	return OK;
}

static Status
choose_keys(Ending *e, BoundSubquery *correlated, Error *err)
{
	Binder		  *b = e->sb->binder;
	const Logical *rows = e->sb->rows;
	bool		   is_distinct = e->sb->ast->is_distinct;

	if (b->is_persistent && is_outermost(b) && !is_distinct) {
		if (e->sort != NULL && !rows->is_table)
			return key_by_place(e, err);
		return resolve_visible(e, err);
	}
	if (rows->is_table && (is_distinct || e->sort != NULL || correlated != NULL || b->in_set > 0)) {
		add_front(e, correlated);
		return OK;
	}
	if (b->depth > 0 && e->sort == NULL && correlated == NULL && b->in_set == 0 && !is_distinct) {
		bool has_all;

		TRY(keep_inner_keys(e->sb, e->list, &e->n_key, &has_all, err));
		if (!has_all && rows->is_table)
			add_front(e, NULL);
		return OK;
	}
	e->n_key = visible_result_keys(e->sb, e->list, e->n_visible);
	return OK;
}

/* ---- operators ---- */

static void
project_list(Ending *e)
{
	SelectBinder *sb = e->sb;
	Binder		 *b = sb->binder;
	SelectList	 *list = e->list;
	Expr		**exprs = arena_array(b->arena, Expr *, list->n + 1);
	const char	**names = arena_array(b->arena, const char *, list->n + 1);
	bool		  is_result = !b->is_persistent && is_outermost(b);
	bool		  is_last = e->sort == NULL && !sb->ast->is_distinct;
	bool		  shows_deletes = is_result && is_last && sb->rows->is_table;
	bool		 *is_computed = arena_array(b->arena, bool, list->n + 1);

	for (int i = 0; i < list->n; i++) {
		exprs[i] = list->columns[i].expr;
		names[i] = list->columns[i].name;
		is_computed[i] = exprs[i]->kind != EXPR_COLUMN;
	}
	/* Clients see the key of a deleted row wherever it stands in the list, and NULL for what is computed. */
	if (shows_deletes)
		e->n_key = list->n;
	sb->rows = logical_project(b->arena, sb->rows, exprs, names, list->n, e->n_key);
	if (shows_deletes)
		((ProjectSpec *)sb->rows->spec)->key_is_null_for_null_value = is_computed;
	sb->rows->n_front = e->n_front;
	if (is_result && !sb->rows->is_table)
		((ProjectSpec *)sb->rows->spec)->drops_null_values = true;
}

static void
plan_table_distinct(Ending *e)
{
	SelectBinder *sb = e->sb;
	int			  n = sb->rows->n_columns - e->n_front;

	sb->rows = logical_distinct_table(sb->binder->arena, sb->rows);
	for (int i = 0; i < n; i++)
		e->list->columns[i] = e->list->columns[e->n_front + i];
	e->list->n = n;
	e->n_visible -= e->n_front;
	e->n_front = 0;
	e->n_key = n;
}

static Status
plan_distinct(Ending *e, Error *err)
{
	SelectBinder *sb = e->sb;
	Logical		 *node;
	DistinctSpec *spec;

	if (sb->rows->window.kind != WINDOW_NONE) {
		error_user(err, "SELECT DISTINCT over windows: write a GROUP BY of the columns, and of the window.");
		return error_at_pos(err, sb->ast->pos);
	}
	if (sb->rows->is_table) {
		plan_table_distinct(e);
		return OK;
	}
	node = logical_new(sb->binder->arena, LOGICAL_DISTINCT, sb->rows);
	spec = arena_new(sb->binder->arena, DistinctSpec);
	spec->n_columns = e->list->n;
	spec->keeps_state = true;
	node->spec = spec;
	sb->rows = node;
	return OK;
}

static Status
plan_top(Ending *e, Error *err)
{
	SelectBinder *sb = e->sb;
	Binder		 *b = sb->binder;
	bool		  is_result = !b->is_persistent && is_outermost(b);
	int			  first = is_result ? e->n_front : 0, n = e->n_visible - first;
	Expr		**exprs = arena_array(b->arena, Expr *, n + 1);
	const char	**names = arena_array(b->arena, const char *, n + 1);

	for (int i = 0; i < e->query->n_order_by; i++)
		for (int at = 0, number = e->sort[i].expr->index; at < e->list->n; at++)
			if (e->list->columns[at].number == number) {
				e->sort[i].expr = expr_column(b->arena, at, e->list->columns[at].expr->type, e->list->columns[at].name);
				break;
			}
	TRY(plan_top_n(b, e->query, e->sort, e->n_key, &sb->rows, err));
	if (n == e->list->n)
		return OK;
	for (int i = 0; i < n; i++) {
		int at = first + i;

		/* A deleted row has its key alone: clients see it from there. */
		for (int k = 0; k < first && at == first + i; k++)
			if (expr_equal(e->list->columns[k].expr, e->list->columns[at].expr))
				at = k;
		exprs[i] = expr_column(b->arena, at, sb->rows->columns[at].type, sb->rows->columns[at].name);
		names[i] = e->list->columns[first + i].name;
	}
	sb->rows = logical_project(b->arena, sb->rows, exprs, names, n, is_result ? n : sb->rows->n_key);
	sb->rows->n_front = is_result ? 0 : e->n_front;
	return OK;
}

Status
plan_continuous_result(SelectBinder *sb, const AstQuery *query, SelectList *list, SortKey *sort, int n_visible, BoundSubquery *correlated,
					   Error *err)
{
	Ending e = {.sb = sb, .list = list, .query = query, .sort = sort, .n_visible = n_visible};

	if (sb->ast->is_distinct && !sb->binder->standard)
		return error_unsupported(err, "SELECT DISTINCT is not supported in continuous queries yet. Use GROUP BY.");
	for (int i = 0; i < list->n; i++)
		list->columns[i].number = i;
	TRY(choose_keys(&e, correlated, err));
	project_list(&e);
	if (sb->ast->is_distinct)
		TRY(plan_distinct(&e, err));
	return sort != NULL ? plan_top(&e, err) : OK;
}
