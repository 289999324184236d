/*
 * Sub-queries in expressions become joins of the rows they are used with:
 *   a scalar one: LEFT, at most one match; its value is a column
 *   EXISTS, IN as a condition of WHERE: SEMI or ANTI
 *   EXISTS, IN elsewhere: LEFT with the distinct keys and a constant, which is not NULL where there is a match
 * Correlation: conditions of the sub-query's WHERE that name outer columns.  Equalities are join keys (and grouping
 * expressions of an aggregated sub-query); others are tested on each pair, for EXISTS and IN in WHERE only.  All else that a sub-query can do
 * with outer columns goes by its domain (domain.c).
 */
#include "planner/bind/bind.h"

/* ---- outer columns ---- */

static bool
is_outer(const Expr *e, void *context)
{
	(void)context;
	return e->kind == EXPR_COLUMN && ref_kind(e->index) == REF_OUTER;
}

static bool
is_inner(const Expr *e, void *context)
{
	(void)context;
	return e->kind == EXPR_COLUMN && ref_kind(e->index) != REF_OUTER;
}

bool
expr_has_outer(const Expr *e)
{
	return expr_any(e, is_outer, NULL);
}

static Expr *
outer_to_column(const Expr *e, void *context)
{
	if (!is_outer(e, NULL))
		return NULL;
	return expr_column(context, e->index & REF_INDEX, e->type, e->name);
}

/* Takes a condition of the sub-query's WHERE that names outer columns. */
Status
subquery_correlate(SelectBinder *sb, BoundSubquery *sub, Expr *condition, Error *err)
{
	Arena *arena = sb->binder->arena;

	if (condition->kind == EXPR_COMPARE && condition->op == COMPARE_EQ)
		for (int i = 0; i < 2; i++) {
			Expr *l = condition->args[i], *r = condition->args[1 - i];

			if (!expr_has_outer(l) || expr_any(l, is_inner, NULL) || expr_has_outer(r))
				continue;
			if (sub->n_keys == SUBQUERY_KEYS)
				return error_unsupported(err, "A sub-query with more than %d equalities to outer columns.", SUBQUERY_KEYS);
			sub->left_keys[sub->n_keys] = expr_transform(arena, l, outer_to_column, arena);
			sub->right_keys[sub->n_keys++] = r;
			return OK;
		}
	if (sub->residual == NULL)
		sub->residual = condition;
	else {
		Expr *both[2] = {sub->residual, condition};

		sub->residual = expr_and(arena, both, 2, sb->binder->standard);
	}
	return OK;
}

/* ---- binding ---- */

BoundSubquery *
subquery_new(Binder *b)
{
	BoundSubquery *sub = arena_new(b->arena, BoundSubquery);

	sub->left_keys = arena_array(b->arena, Expr *, SUBQUERY_KEYS + 8);
	sub->right_keys = arena_array(b->arena, Expr *, SUBQUERY_KEYS + 8);
	return sub;
}

/* is_test: a condition of WHERE by itself, which a continuous query can keep up to date. */
static Status
check_place(ExprBinder *eb, const AstExpr *e, bool is_test, Error *err)
{
	if (eb->select == NULL || eb->lambda != NULL || eb->clause == CLAUSE_JOIN) {
		error_unsupported(err, "Sub-queries are not supported in %s yet.", clause_name(eb->clause));
		return error_at_pos(err, e->pos);
	}
	if (!eb->binder->is_bounded && !eb->binder->standard) {
		error_unsupported(err, "Sub-queries in expressions are not supported in continuous queries. Use a join.");
		return error_at_pos(err, e->pos);
	}
	if (!eb->binder->is_bounded && !is_test) {
		error_unsupported(err, "A continuous query keeps sub-queries up to date only as conditions of WHERE by themselves: [NOT] IN (query) and "
							   "[NOT] EXISTS, joined by AND. Use a join for a value.");
		return error_at_pos(err, e->pos);
	}
	return OK;
}

static bool
is_needed_early(const ExprBinder *eb)
{
	return eb->in_aggregate || eb->clause == CLAUSE_WHERE || eb->clause == CLAUSE_GROUP_BY;
}

static Status
bind_inner(ExprBinder *eb, const AstQuery *query, BoundSubquery *sub, bool keeps_residual, Error *err)
{
	TRY(bind_correlated(eb->binder, query, eb->select, sub, keeps_residual, err));
	sub->is_early = is_needed_early(eb);
	return OK;
}

static bool
is_count(const AstQuery *query)
{
	const AstSelect *s = query->body->kind == AST_BODY_SELECT ? query->body->select : NULL;

	return s != NULL && s->n_items == 1 && s->n_group_by == 0 && s->items[0].expr->kind == AST_CALL &&
		   str_equal_nocase(str_of(s->items[0].expr->name.text), STR("COUNT"));
}

static Expr *
is_not_null(Binder *b, Expr *e)
{
	Expr *test = expr_new(b->arena, EXPR_IS_NULL, type_boolean, arena_memdup(b->arena, &e, sizeof e), 1);

	test->negated = true;
	return test;
}

/* `x IN (query)`: the item(s) are further keys. */
static Status
add_item_keys(ExprBinder *eb, const AstExpr *e, const AstExpr *item, BoundSubquery *sub, int n_visible, Error *err)
{
	Binder		   *b = eb->binder;
	AstExpr *const *items = item->kind == AST_ROW ? item->args : (AstExpr *const *)&item;
	int				n = item->kind == AST_ROW ? item->n_args : 1;

	if (n_visible != n) {
		error_user(err, "The sub-query must give %d column%s, not %d.", n, n == 1 ? "" : "s", n_visible);
		return error_at_pos(err, e->pos);
	}
	for (int i = 0; i < n && sub->n_keys < SUBQUERY_KEYS + 8; i++) {
		int			at = sub->plan->n_front + i;
		Expr	   *left, *right = expr_column(b->arena, at, sub->plan->columns[at].type, sub->plan->columns[at].name);
		const Type *type;

		TRY(bind_expr(eb, items[i], &left, err));
		if (left->kind == EXPR_CONSTANT && left->type->kind == TYPE_STRING && right->type->kind != TYPE_STRING)
			TRY(literal_to(b, left, right->type, &left, err));
		type = common_type(true, left->type, right->type);
		if (type == NULL) {
			error_user(err, "Cannot compare %s (%s) with the sub-query's column (%s).", ast_text(b, eb->scope, items[i]),
					   type_text(b, left->type), type_text(b, right->type));
			return error_at_pos(err, e->pos);
		}
		sub->left_keys[sub->n_keys] = expr_cast_to(b, left, type);
		sub->right_keys[sub->n_keys++] = expr_cast_to(b, right, type);
		/* Keys of the domain may be NULL on both sides; an item that is NULL equals none. */
		if (sub->null_safe)
			sub->plan = logical_filter(b->arena, sub->plan, is_not_null(b, right));
	}
	return OK;
}

static int
visible_columns(const BoundSubquery *sub)
{
	return sub->plan->n_columns - sub->plan->n_front - sub->n_hidden;
}

/* EXISTS and IN in any form: item NULL for EXISTS. */
static Status
bind_test(ExprBinder *eb, const AstExpr *e, const AstQuery *query, const AstExpr *item, bool is_test, BoundSubquery **out, Error *err)
{
	BoundSubquery *sub = subquery_new(eb->binder);

	TRY(check_place(eb, e, is_test, err));
	sub->is_mark = true;
	sub->is_exists = item == NULL;
	TRY(bind_inner(eb, query, sub, is_test, err));
	if (item != NULL)
		TRY(add_item_keys(eb, e, item, sub, visible_columns(sub), err));
	*out = sub;
	return OK;
}

static void
add_subquery(SelectBinder *sb, BoundSubquery *sub)
{
	arena_grow(sb->binder->arena, sb->subqueries, sb->n_subqueries, sb->subqueries_capacity);
	sb->subqueries[sb->n_subqueries++] = sub;
}

/* The value that the same text (an alias stands for it again) has got already; -1: none.  What is joined may lie before aggregation. */
static int
find_value(const SelectBinder *sb, const AstQuery *query)
{
	for (int i = 0; i < sb->n_subqueries; i++)
		if (sb->subqueries[i]->value_of == query && !sb->subqueries[i]->is_joined)
			return i;
	return -1;
}

Status
bind_subquery(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder		  *b = eb->binder;
	BoundSubquery *sub;
	const AstExpr *item = e->kind == AST_IN_QUERY ? e->arg : NULL;

	TRY(check_place(eb, e, false, err));
	if (e->kind == AST_QUERY_EXPR) {
		int known = find_value(eb->select, e->query);

		if (known >= 0) {
			sub = eb->select->subqueries[known];
			sub->is_early |= is_needed_early(eb);
			*out = expr_column(b->arena, REF_SUBQUERY + known, sub->type, sub->plan->columns[0].name);
			return OK;
		}
		sub = subquery_new(b);
		sub->value_of = e->query;
		TRY(bind_inner(eb, e->query, sub, false, err));
		if (visible_columns(sub) != 1) {
			error_user(err, "A sub-query used as a value must give one column, not %d.", visible_columns(sub));
			return error_at_pos(err, e->pos);
		}
		sub->kind = JOIN_LEFT;
		sub->single = true;
		sub->type = sub->plan->columns[0].type;
		sub->null_is_zero = is_count(e->query) && sub->n_keys > 0 && !sub->null_safe;
		*out = expr_column(b->arena, REF_SUBQUERY + eb->select->n_subqueries, sub->type, sub->plan->columns[0].name);
		add_subquery(eb->select, sub);
		return OK;
	}
	/* e->boolean: what bind_quantified asks for, whether there is an equal one. */
	if (e->kind == AST_QUANTIFIED || (e->kind == AST_IN_QUERY && !e->boolean && item->kind != AST_ROW))
		return bind_quantified(eb, e, out, err);
	TRY(bind_test(eb, e, e->query, item, false, &sub, err));
	sub->kind = JOIN_LEFT;
	sub->type = type_boolean;
	*out = expr_column(b->arena, REF_SUBQUERY + eb->select->n_subqueries, type_boolean, "EXISTS");
	add_subquery(eb->select, sub);
	if (e->is_negated) {
		*out = expr_new(b->arena, EXPR_NOT, type_boolean, arena_memdup(b->arena, out, sizeof *out), 1);
		(*out)->standard = true;
	}
	return OK;
}

/* A condition of WHERE that is a test by itself: SEMI or ANTI.  *out NULL: it is not. */
Status
bind_semi_join(ExprBinder *eb, const AstExpr *e, BoundSubquery **out, Error *err)
{
	bool		   negated = false;
	const AstExpr *item = NULL;
	int			   n_items;

	*out = NULL;
	while (e->kind == AST_UNARY && e->op == AST_OP_NOT) {
		negated = !negated;
		e = e->arg;
	}
	if (e->kind == AST_EXISTS || e->kind == AST_IN_QUERY) {
		negated ^= e->is_negated;
		item = e->kind == AST_IN_QUERY ? e->arg : NULL;
	} else if (e->kind == AST_QUANTIFIED && !e->is_all && e->op == AST_OP_EQUAL)
		item = e->left;
	else if (e->kind == AST_QUANTIFIED && e->is_all && e->op == AST_OP_NOT_EQUAL) {
		item = e->left;
		negated = !negated;
	} else
		return OK;
	TRY(bind_test(eb, e, e->query, item, true, out, err));
	n_items = item == NULL ? 0 : item->kind == AST_ROW ? item->n_args : 1;
	(*out)->kind = negated ? JOIN_ANTI : JOIN_SEMI;
	(*out)->null_aware = negated && item != NULL;
	/* NOT IN for each value of the outer columns: NULL counts within its own rows only, which the anti join does not know. */
	if ((*out)->null_aware && eb->binder->is_bounded && ((*out)->n_keys > n_items || (*out)->residual != NULL) && item->kind != AST_ROW)
		*out = NULL;
	return OK;
}

/* ---- in ON ---- */

static bool
is_subquery(const AstExpr *e, void *context)
{
	(void)context;
	return e->kind == AST_QUERY_EXPR || e->kind == AST_EXISTS || e->kind == AST_IN_QUERY || e->kind == AST_QUANTIFIED;
}

bool
ast_has_subquery(const AstExpr *e)
{
	return ast_any(e, is_subquery, NULL);
}

static AstExpr *
and_of(Binder *b, AstExpr *left, AstExpr *right)
{
	AstExpr *e;

	if (left == NULL || right == NULL)
		return left != NULL ? left : right;
	e = arena_new(b->arena, AstExpr);
	e->kind = AST_BINARY;
	e->op = AST_OP_AND;
	e->left = left;
	e->right = right;
	e->pos = left->pos;
	return e;
}

AstExpr *
on_without_subqueries(Binder *b, AstExpr *on, AstExpr **moved)
{
	if (on->kind == AST_BINARY && on->op == AST_OP_AND) {
		AstExpr *left = on_without_subqueries(b, on->left, moved);

		return and_of(b, left, on_without_subqueries(b, on->right, moved));
	}
	if (!ast_has_subquery(on))
		return on;
	*moved = and_of(b, *moved, on);
	return NULL;
}

/* Inner joins alone, from the outermost in: below an outer join a condition of ON is not one of WHERE. */
static const AstRelation *
relation_without(Binder *b, const AstRelation *relation, AstExpr **moved)
{
	AstRelation *copy;

	if (relation->kind != AST_RELATION_JOIN || (relation->join != AST_JOIN_INNER && relation->join != AST_JOIN_CROSS) || relation->is_asof)
		return relation;
	copy = arena_memdup(b->arena, relation, sizeof *relation);
	copy->left = (AstRelation *)relation_without(b, relation->left, moved);
	copy->right = (AstRelation *)relation_without(b, relation->right, moved);
	if (relation->on != NULL)
		copy->on = on_without_subqueries(b, relation->on, moved);
	if (relation->on != NULL && copy->on == NULL)
		copy->join = AST_JOIN_CROSS;
	return copy;
}

const AstSelect *
subqueries_of_on(Binder *b, const AstSelect *select)
{
	AstExpr			  *moved = NULL;
	const AstRelation *from;
	AstSelect		  *copy;

	if (!b->standard || !b->is_bounded || select->from == NULL || select->from->kind != AST_RELATION_JOIN)
		return select;
	from = relation_without(b, select->from, &moved);
	if (moved == NULL)
		return select;
	copy = arena_memdup(b->arena, select, sizeof *select);
	copy->from = (AstRelation *)from;
	copy->where = and_of(b, moved, select->where);
	return copy;
}

/* ---- joining ---- */

static const Type *const *
types_of(Binder *b, const Logical *node)
{
	const Type **types = arena_array(b->arena, const Type *, node->n_columns + 1);

	for (int i = 0; i < node->n_columns; i++)
		types[i] = node->columns[i].type;
	return types;
}

typedef struct ResidualPlacement {
	Arena *arena;
	int	   n_left;
} ResidualPlacement;

static Expr *
place_residual(const Expr *e, void *context)
{
	ResidualPlacement *p = context;

	if (e->kind != EXPR_COLUMN)
		return NULL;
	if (is_outer(e, NULL))
		return expr_column(p->arena, e->index & REF_INDEX, e->type, e->name);
	return expr_column(p->arena, e->index + p->n_left, e->type, e->name);
}

static Expr *
place_subquery(const Expr *e, void *context)
{
	SelectBinder  *sb = context;
	Arena		  *arena = sb->binder->arena;
	BoundSubquery *sub;
	Expr		  *column, *test, *args[3];

	if (e->kind != EXPR_COLUMN || ref_kind(e->index) != REF_SUBQUERY)
		return NULL;
	sub = sb->subqueries[e->index & REF_INDEX];
	if (!sub->is_joined)
		return NULL;
	column = expr_column(arena, sub->column, sub->type, e->name);
	if (!sub->is_mark && !sub->null_is_zero)
		return column;
	test = expr_new(arena, EXPR_IS_NULL, type_boolean, arena_memdup(arena, &column, sizeof column), 1);
	if (sub->is_mark) {
		test->negated = true;
		return test;
	}
	args[0] = test;
	args[1] = expr_constant(arena, value_integer(sub->type, 0));
	args[2] = column;
	return expr_new(arena, EXPR_CASE, sub->type, arena_memdup(arena, args, sizeof args), 3);
}

/* What is compared with a sub-query may be made of others, which come before it. */
static void
place_left_keys(SelectBinder *sb, BoundSubquery *sub)
{
	for (int i = 0; i < sub->n_keys; i++)
		sub->left_keys[i] = place_subqueries(sb, sub->left_keys[i]);
}

Logical *
join_subquery(SelectBinder *sb, Logical *left, const BoundSubquery *sub, Logical *right)
{
	Binder		 *b = sb->binder;
	JoinHashSpec *spec = arena_new(b->arena, JoinHashSpec);
	Logical		 *node = logical_new(b->arena, LOGICAL_JOIN_HASH, left);
	bool		  has_right = sub->kind != JOIN_SEMI && sub->kind != JOIN_ANTI;
	Column		 *columns = arena_array(b->arena, Column, left->n_columns + right->n_columns + 1);

	memcpy(columns, left->columns, sizeof *columns * (size_t)left->n_columns);
	if (has_right)
		memcpy(columns + left->n_columns, right->columns, sizeof *columns * (size_t)right->n_columns);
	spec->kind = sub->kind;
	spec->n_keys = sub->n_keys;
	spec->left_keys = (const Expr *const *)sub->left_keys;
	spec->right_keys = (const Expr *const *)sub->right_keys;
	if (sub->residual != NULL) {
		ResidualPlacement p = {b->arena, left->n_columns};

		spec->residual = expr_transform(b->arena, sub->residual, place_residual, &p);
	}
	spec->n_left = left->n_columns;
	spec->n_right = right->n_columns;
	spec->left_types = types_of(b, left);
	spec->right_types = types_of(b, right);
	spec->single = sub->single;
	spec->null_aware = sub->null_aware;
	spec->null_safe = sub->null_safe;
	node->n_inputs = 2;
	node->inputs[1] = right;
	node->columns = columns;
	node->n_columns = left->n_columns + (has_right ? right->n_columns : 0);
	node->n_key = 0;
	node->is_table = false;
	node->spec = spec;
	return node;
}

/* ---- continuous tests ---- */

static Status
check_continuous_test(const SelectBinder *sb, const BoundSubquery *sub, AstPos pos, Error *err)
{
	if (sub->residual != NULL)
		error_unsupported(err, "In a continuous query this sub-query can be related to outer columns by equality only.");
	else if (sub->null_aware && sub->n_keys > 1)
		error_unsupported(err, "NOT IN of several columns, or with conditions on outer columns, is not kept up to date. Use NOT EXISTS.");
	else if (!sb->rows->is_table && !sub->plan->is_table)
		error_unsupported(err, "A row of a stream could match a row of the other stream that comes at any later time, so all of them would have "
							   "to be kept for ever. Join the streams WITHIN a time, or test against a table (GROUP BY in the sub-query): then "
							   "rows are tested as they come.");
	else
		return OK;
	return error_at_pos(err, pos);
}

Status
join_test(SelectBinder *sb, BoundSubquery *sub, AstPos pos, Error *err)
{
	Binder		 *b = sb->binder;
	JoinSemiSpec *spec = arena_new(b->arena, JoinSemiSpec);
	Logical		 *left = sb->rows, *right = sub->plan, *node;

	place_left_keys(sb, sub);
	if (b->is_bounded) {
		sb->rows = join_subquery(sb, left, sub, right);
		return OK;
	}
	TRY(check_continuous_test(sb, sub, pos, err));
	node = logical_new(b->arena, LOGICAL_JOIN_SEMI, left);
	spec->is_anti = sub->kind == JOIN_ANTI;
	spec->null_aware = sub->null_aware;
	spec->n_keys = sub->n_keys;
	spec->left_keys = (const Expr *const *)sub->left_keys;
	spec->right_keys = (const Expr *const *)sub->right_keys;
	spec->left_is_table = left->is_table;
	spec->right_is_table = right->is_table;
	spec->n_left_key = left->is_table ? left->n_key : 0;
	spec->n_right_key = right->is_table ? right->n_key : 0;
	spec->left_is_windowed = left->is_table && left->window.kind != WINDOW_NONE;
	spec->right_is_windowed = right->is_table && right->window.kind != WINDOW_NONE;
	spec->left_is_session = left->window.kind == WINDOW_SESSION;
	spec->right_is_session = right->window.kind == WINDOW_SESSION;
	spec->left_retention_ms = left->window.retention_ms;
	spec->right_retention_ms = right->window.retention_ms;
	spec->n_left = left->n_columns;
	spec->left_types = types_of(b, left);
	node->n_inputs = 2;
	node->inputs[1] = right;
	node->spec = spec;
	sb->rows = node;
	return OK;
}

/* The distinct keys of a test, and TRUE. */
static Logical *
marks_of(SelectBinder *sb, BoundSubquery *sub)
{
	Binder		 *b = sb->binder;
	Expr		**exprs = arena_array(b->arena, Expr *, sub->n_keys + 1);
	const char	**names = arena_array(b->arena, const char *, sub->n_keys + 1);
	Logical		 *project, *distinct;
	DistinctSpec *spec = arena_new(b->arena, DistinctSpec);

	for (int i = 0; i < sub->n_keys; i++) {
		exprs[i] = sub->right_keys[i];
		names[i] = "KEY";
		sub->right_keys[i] = expr_column(b->arena, i, exprs[i]->type, "KEY");
	}
	exprs[sub->n_keys] = expr_constant(b->arena, value_boolean(true));
	names[sub->n_keys] = "MARK";
	project = logical_project(b->arena, sub->plan, exprs, names, sub->n_keys + 1, 0);
	spec->n_columns = sub->n_keys + 1;
	distinct = logical_new(b->arena, LOGICAL_DISTINCT, project);
	distinct->spec = spec;
	return distinct;
}

Status
join_subqueries(SelectBinder *sb, bool is_early, Error *err)
{
	(void)err;
	for (int i = 0; i < sb->n_subqueries; i++) {
		BoundSubquery *sub = sb->subqueries[i];
		Logical		  *right;

		if (sub->is_joined || (is_early && !sub->is_early))
			continue;
		place_left_keys(sb, sub);
		right = sub->is_mark ? marks_of(sb, sub) : sub->plan;
		sub->column = sb->rows->n_columns + (sub->is_mark ? sub->n_keys : 0);
		sb->rows = join_subquery(sb, sb->rows, sub, right);
		sub->is_joined = true;
	}
	return OK;
}

/* Replaces references to sub-queries that have been joined. */
Expr *
place_subqueries(SelectBinder *sb, const Expr *e)
{
	return sb->n_subqueries == 0 ? (Expr *)e : expr_transform(sb->binder->arena, e, place_subquery, sb);
}

void
place_subqueries_in_overs(SelectBinder *sb)
{
	if (sb->n_subqueries > 0)
		overs_transform(sb, place_subquery, sb);
}

static Expr *
note_early(const Expr *e, void *context)
{
	SelectBinder *sb = context;

	if (e->kind == EXPR_COLUMN && ref_kind(e->index) == REF_SUBQUERY) {
		BoundSubquery *sub = sb->subqueries[e->index & REF_INDEX];

		if (!sub->is_joined)
			sub->is_early = true;
		for (int i = 0; i < sub->n_keys && !sub->is_joined; i++)
			note_subqueries_early(sb, sub->left_keys[i]);
	}
	return NULL;
}

void
note_subqueries_early(SelectBinder *sb, const Expr *e)
{
	if (sb->n_subqueries > 0)
		expr_transform(sb->binder->arena, e, note_early, sb);
}

void
subqueries_transform(SelectBinder *sb, ExprVisit visit, void *context)
{
	for (int i = 0; i < sb->n_subqueries; i++) {
		BoundSubquery *sub = sb->subqueries[i];

		for (int k = 0; k < sub->n_keys && !sub->is_joined; k++)
			sub->left_keys[k] = expr_transform(sb->binder->arena, sub->left_keys[k], visit, context);
	}
}
