/*
 * Sub-queries in the ON of a join that is no condition of WHERE (outer joins, and what stands below them).  A conjunct with sub-queries that
 * uses columns of one side alone is computed for the rows of that side, before the join, as one more column; ON tests that.  Where it uses columns
 * of both, the pairs of an inner join are filtered by it, and a left join is bound as a lateral one.
 */
#include "planner/bind/join.h"

static bool
is_column_ast(const AstExpr *e, void *context)
{
	(void)context;
	return e->kind == AST_COLUMN;
}

/* The condition over the rows of one side, with which sb->rows are then. */
static Status
bind_on_side(Binder *b, const AstRelation *relation, const AstExpr *on, Scope *scope, SelectBinder *sb, Expr **out, Error *err)
{
	AstSelect *ast = arena_new(b->arena, AstSelect);
	ExprBinder eb = {.binder = b, .scope = scope, .select = sb, .clause = CLAUSE_WHERE};

	ast->pos = relation->pos;
	ast->from = (AstRelation *)relation;
	sb->binder = b;
	sb->ast = ast;
	sb->scope = scope;
	sb->ctes = b->ctes;
	TRY(bind_condition(&eb, on, out, err));
	TRY(join_subqueries(sb, true, err));
	*out = place_subqueries(sb, *out);
	return OK;
}

/* The columns that `side` had before its sub-queries were joined, of `rows` that have them; and the condition, unless it is NULL. */
static void
add_condition(Binder *b, Logical **side, Logical *rows, Expr *condition)
{
	int			 n = (*side)->n_columns;
	Expr	   **exprs = arena_array(b->arena, Expr *, n + 1);
	const char **names = arena_array(b->arena, const char *, n + 1);

	for (int i = 0; i < n; i++) {
		exprs[i] = expr_column(b->arena, i, (*side)->columns[i].type, (*side)->columns[i].name);
		names[i] = (*side)->columns[i].name;
	}
	exprs[n] = condition;
	names[n] = "condition";
	*side = logical_project(b->arena, rows, exprs, names, n + (condition != NULL), (*side)->n_key);
}

static Status
refuse(const AstExpr *on, const Error *reason, Error *err)
{
	Error why = *reason;

	error_unsupported(err, "A sub-query in the ON of a RIGHT or FULL join can use columns of one side of the join, not of both. Put the sides of a RIGHT join "
						   "the other way round, or join with (SELECT ...) that has it as a column.");
	error_at_pos(err, on->pos);
	return error_hint(err, "As a condition of the right side alone: %s", why.message);
}

/* L LEFT JOIN r ON c is L LEFT JOIN LATERAL (SELECT * FROM r WHERE c) r ON TRUE, in which c may ask for anything. */
static bool
can_be_lateral(const Joining *j, const SelectBinder *outer)
{
	const AstRelation *right = j->relation->right;

	return outer == NULL && j->kind == JOIN_LEFT && (right->alias.text != NULL || right->kind == AST_RELATION_SOURCE) && right->n_column_aliases == 0 &&
		   right->kind != AST_RELATION_JOIN && j->relation->n_using == 0 && !j->relation->is_natural;
}

AstRelation *
join_as_lateral(Binder *b, const AstRelation *join)
{
	AstRelation	  *copy = arena_memdup(b->arena, join, sizeof *copy), *lateral = arena_new(b->arena, AstRelation);
	AstQuery	  *query = arena_new(b->arena, AstQuery);
	AstBody		  *body = arena_new(b->arena, AstBody);
	AstSelect	  *select = arena_new(b->arena, AstSelect);
	AstSelectItem *star = arena_new(b->arena, AstSelectItem);

	star->expr = arena_new(b->arena, AstExpr);
	*star->expr = (AstExpr){.kind = AST_STAR, .pos = join->pos};
	star->pos = query->pos = body->pos = select->pos = join->pos;
	select->items = star;
	select->n_items = 1;
	select->from = join->right;
	select->where = join->on;
	body->kind = AST_BODY_SELECT;
	body->select = select;
	query->body = body;
	*lateral = (AstRelation){.kind = AST_RELATION_QUERY, .pos = join->right->pos, .is_lateral = true, .query = query,
							 .alias = join->right->alias.text != NULL ? join->right->alias : join->right->name};
	copy->right = lateral;
	copy->on = arena_new(b->arena, AstExpr);
	*copy->on = (AstExpr){.kind = AST_BOOLEAN, .boolean = true, .pos = join->pos};
	return copy;
}

/* One conjunct: *is_left says where its value is, as the last column.  DONE: it is of neither side, and the join may be lateral. */
static Status
add_conjunct(Joining *j, const AstExpr *on, const SelectBinder *outer, bool *is_left, Error *err)
{
	Binder		*b = j->binder;
	SelectBinder of_left = {.rows = j->left}, of_right = {.rows = j->right};
	Expr		*left = NULL, *right = NULL;
	Error		 left_err = {0}, right_err = {0};
	bool		 fits_right = bind_on_side(b, j->relation->right, on, j->right_scope, &of_right, &right, &right_err) == OK;
	bool		 fits_left = (!fits_right || ast_any(on, is_column_ast, NULL)) &&
							 bind_on_side(b, j->relation->left, on, j->left_scope, &of_left, &left, &left_err) == OK;

	if (!fits_right && !fits_left)
		return can_be_lateral(j, outer) ? DONE : refuse(on, &right_err, err);
	if (fits_right && fits_left) {
		error_user(err, "A column in %s is ambiguous: both sides of the join have one of that name. Write the side in front of it.", ast_text(b, j->right_scope, on));
		return error_at_pos(err, on->pos);
	}
	*is_left = fits_left;
	if (fits_left)
		add_condition(b, &j->left, of_left.rows, left);
	else
		add_condition(b, &j->right, of_right.rows, right);
	return OK;
}

Status
join_on_subqueries(Joining *j, const AstExpr **on, const SelectBinder *outer, OnConditions *out, Error *err)
{
	Binder		*b = j->binder;
	AstExpr		*moved = NULL;
	AstConjuncts list = {0};

	*out = (OnConditions){0};
	if (*on == NULL || !b->standard || !b->is_bounded || j->relation->is_asof)
		return OK;
	*on = on_without_subqueries(b, (AstExpr *)*on, &moved);
	if (moved == NULL)
		return OK;
	if (j->kind == JOIN_INNER) {
		out->of_pairs = moved;
		out->rest = *on;
		return OK;
	}
	ast_conjuncts(b->arena, moved, &list);
	out->is_left = arena_array(b->arena, bool, list.n);
	out->columns = arena_array(b->arena, int, list.n);
	for (int i = 0; i < list.n; i++) {
		Status status = add_conjunct(j, list.items[i], outer, &out->is_left[i], err);

		if (status != OK)
			return status;
		out->columns[i] = (out->is_left[i] ? j->left : j->right)->n_columns - 1;
	}
	out->n = list.n;
	return OK;
}

void
join_add_conditions(Joining *j, const OnConditions *conditions)
{
	Arena *arena = j->binder->arena;
	Expr **list = arena_array(arena, Expr *, conditions->n + 1);
	int	   n = 0;

	if (conditions->n == 0)
		return;
	if (j->residual != NULL)
		list[n++] = j->residual;
	for (int i = 0; i < conditions->n; i++)
		list[n++] = expr_column(arena, conditions->columns[i] + (conditions->is_left[i] ? 0 : j->left->n_columns), type_boolean, "condition");
	j->residual = expr_and(arena, list, n, j->binder->standard);
}

Status
join_filter_pairs(Joining *j, const OnConditions *conditions, Logical **rows, Scope *scope, Error *err)
{
	Binder		*b = j->binder;
	SelectBinder of_pairs = {.rows = *rows};
	AstRelation *pairs;
	Expr		*condition;

	if (conditions->of_pairs == NULL)
		return OK;
	/* The rows that it filters are those of the join without it. */
	pairs = arena_memdup(b->arena, j->relation, sizeof *pairs);
	pairs->on = (AstExpr *)conditions->rest;
	if (pairs->on == NULL)
		pairs->join = AST_JOIN_CROSS;
	TRY(bind_on_side(b, pairs, conditions->of_pairs, scope, &of_pairs, &condition, err));
	add_condition(b, rows, logical_filter(b->arena, of_pairs.rows, condition), NULL);
	return OK;
}
