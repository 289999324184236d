/*
 * Sub-queries that use outer columns in any place, not only in equalities of their WHERE.
 *
 * The domain of a sub-query is the outer columns that it uses: D = the distinct values of these among the rows of the outer FROM.  The
 * sub-query is computed for all of them at once: its FROM is joined with D, its groups, windows and limits are taken for each value of D, and
 * D's columns become the keys by which its rows are joined to the outer ones, where NULL equals NULL.  An aggregate without GROUP BY keeps the
 * values of D for which it finds no rows.
 *
 *   SELECT t.a, (SELECT COUNT(*) + t.b FROM u WHERE u.a < t.a) FROM t
 *   D = SELECT DISTINCT a, b FROM t;  S = SELECT D.a, D.b, COUNT(u) + D.b FROM D LEFT JOIN u ON u.a < D.a GROUP BY D.a, D.b;  t JOIN S USING (a, b)
 *
 * After: Neumann and Kemper, Unnesting Arbitrary Queries (2015); D is bound from the outer FROM once more, so plans stay trees.
 *
 * Which columns a sub-query uses is known when it has been bound.  So it is bound without a domain, where equalities of WHERE are enough;
 * if they are not, again with the columns that were met; and again if more of them show up.
 */
#include "planner/bind/bind.h"

/* ---- which columns ---- */

/* The number of an outer column in the domain, to which it is added. */
static int
domain_place(Binder *b, Domain *d, int column)
{
	for (int i = 0; i < d->n; i++)
		if (d->columns[i] == column)
			return i;
	arena_grow(b->arena, d->columns, d->n, d->capacity);
	d->columns[d->n] = column;
	return d->n++;
}

/* Finds a column further out; *index is its place in the rows of scope's parent. */
static Status
find_further_out(Binder *b, const Scope *scope, const AstExpr *e, const ScopeColumn **out, int *index, Error *err)
{
	const Scope *parent;
	Domain		*d;
	int			 far, place;

	*out = NULL;
	if (scope->parent == NULL)
		return OK;
	parent = scope->parent->scope;
	TRY(scope_try(b, parent, e->qualifier, e->name, out, err));
	if (*out != NULL) {
		*index = (*out)->index;
		return OK;
	}
	d = parent->domain;
	TRY(find_further_out(b, parent, e, out, &far, err));
	if (*out == NULL || d == NULL) {
		*out = NULL;
		return OK;
	}
	place = domain_place(b, d, far);
	if (d->is_active && place < d->n_joined && parent->is_joined)
		*index = parent->domain_first + place;
	else {
		/* The parent is bound again, and this query with it. */
		d->is_wanted = true;
		*index = 0;
	}
	return OK;
}

Status
bind_outer_column(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	Binder			  *b = eb->binder;
	Domain			  *d = eb->scope->domain;
	const ScopeColumn *found;
	int				   index, place;

	*out = NULL;
	TRY(find_further_out(b, eb->scope, e, &found, &index, err));
	if (found == NULL || d == NULL)
		return OK;
	place = domain_place(b, d, index);
	if (!d->is_active) {
		if (eb->clause != CLAUSE_WHERE || eb->in_aggregate)
			d->is_wanted = true;
		*out = expr_column(b->arena, REF_OUTER + index, found->type, found->name);
	} else if (place < d->n_joined && eb->scope->is_joined)
		*out = expr_column(b->arena, eb->scope->domain_first + place, found->type, found->name);
	else if (place < d->n_joined) {
		error_unsupported(err, "FROM of a sub-query cannot use columns of the query around it here. Use LATERAL, or WHERE.");
		return error_at_pos(err, e->pos);
	}
	else {
		d->is_wanted = true;
		*out = expr_constant(b->arena, value_null(found->type));
	}
	return OK;
}

bool
domain_is_active(const BoundSubquery *sub)
{
	return sub != NULL && sub->domain != NULL && sub->domain->is_active;
}

Status
bind_correlated(Binder *b, const AstQuery *query, SelectBinder *outer, BoundSubquery *sub, bool keeps_residual, Error *err)
{
	Domain *d = arena_new(b->arena, Domain);
	Status	status;

	d->outer = outer;
	sub->domain = d;
	for (;;) {
		sub->n_keys = 0;
		sub->residual = NULL;
		sub->n_hidden = 0;
		d->is_wanted = false;
		d->n_joined = d->n;
		status = bind_inner_query(b, query, outer, sub, &sub->plan, err);
		if (sub->residual != NULL && !keeps_residual)
			d->is_wanted = true;
		if (!b->is_bounded || d->n == 0)
			return status;
		if (d->is_active ? !d->is_wanted : status == OK && !d->is_wanted && !sub->needs_domain)
			return status;
		if (d->n > SUBQUERY_KEYS)
			return error_unsupported(err, "A sub-query that uses more than %d outer columns.", SUBQUERY_KEYS);
		d->is_active = true;
	}
}

/* ---- its rows ---- */

static const Type *const *
types_of(Binder *b, const Logical *node)
{
	const Type **types = arena_array(b->arena, const Type *, node->n_columns + 1);

	for (int i = 0; i < node->n_columns; i++)
		types[i] = node->columns[i].type;
	return types;
}

static Expr *
column_of(Binder *b, const Logical *node, int i)
{
	return expr_column(b->arena, i, node->columns[i].type, node->columns[i].name);
}

typedef struct DomainJoin {
	JoinKind	kind;
	int			n_keys;
	Expr	  **left_keys, **right_keys;
	Expr	   *residual;		/* over both */
	bool		null_safe;
} DomainJoin;

static Logical *
join_rows(Binder *b, Logical *left, Logical *right, const DomainJoin *join)
{
	JoinHashSpec *spec = arena_new(b->arena, JoinHashSpec);
	Logical		 *node = logical_new(b->arena, LOGICAL_JOIN_HASH, left);
	Column		 *columns = arena_array(b->arena, Column, left->n_columns + right->n_columns + 1);

	memcpy(columns, left->columns, sizeof *columns * (size_t)left->n_columns);
	memcpy(columns + left->n_columns, right->columns, sizeof *columns * (size_t)right->n_columns);
	*spec = (JoinHashSpec){.kind = join->kind, .n_keys = join->n_keys, .left_keys = (const Expr *const *)join->left_keys,
						   .right_keys = (const Expr *const *)join->right_keys, .residual = join->residual, .n_left = left->n_columns,
						   .n_right = right->n_columns, .left_types = types_of(b, left), .right_types = types_of(b, right),
						   .null_safe = join->null_safe};
	node->n_inputs = 2;
	node->inputs[1] = right;
	node->columns = columns;
	node->n_columns = left->n_columns + right->n_columns;
	node->n_key = 0;
	node->is_table = false;
	node->window = (WindowSpec){0};
	node->spec = spec;
	return node;
}

static Status domain_rows(Binder *b, const Domain *d, Logical **out, Error *err);

/* The rows of a SELECT's FROM, bound once more. */
static Status
from_again(SelectBinder *sb, Logical **out, Error *err)
{
	Binder	 *b = sb->binder;
	CteEntry *ctes = b->ctes;
	Status	  status = OK;
	Logical	 *domain;

	if (sb->scope->domain != NULL && sb->scope->domain->is_active && sb->scope->domain_first == 0)
		return error_unsupported(err, "A sub-query beside a table function of outer columns cannot use columns of the query around it.");
	b->ctes = sb->ctes;
	if (sb->ast->from == NULL)
		*out = logical_one_row(b);
	else
		status = bind_relation(b, sb->ast->from, sb->scope->parent, out, scope_new(b->arena), err);
	b->ctes = ctes;
	TRY(status);
	if (sb->scope->domain == NULL || !sb->scope->domain->is_active)
		return OK;
	TRY(domain_rows(b, sb->scope->domain, &domain, err));
	*out = join_rows(b, *out, domain, &(DomainJoin){.kind = JOIN_CROSS});
	return OK;
}

/* The distinct values of the outer columns. */
static Status
domain_rows(Binder *b, const Domain *d, Logical **out, Error *err)
{
	Expr		**exprs = arena_array(b->arena, Expr *, d->n_joined + 1);
	const char	**names = arena_array(b->arena, const char *, d->n_joined + 1);
	DistinctSpec *spec = arena_new(b->arena, DistinctSpec);
	Logical		 *rows, *node;

	TRY(from_again(d->outer, &rows, err));
	for (int i = 0; i < d->n_joined; i++) {
		exprs[i] = column_of(b, rows, d->columns[i]);
		names[i] = rows->columns[d->columns[i]].name;
	}
	node = logical_new(b->arena, LOGICAL_DISTINCT, logical_project(b->arena, rows, exprs, names, d->n_joined, 0));
	spec->n_columns = d->n_joined;
	node->spec = spec;
	*out = node;
	return OK;
}

/* ---- in the SELECT of the sub-query ---- */

Status
domain_first(Binder *b, Scope *scope, Logical **out, Error *err)
{
	TRY(domain_rows(b, scope->domain, out, err));
	scope->domain_first = 0;
	scope->is_joined = true;
	return OK;
}

Status
domain_join(SelectBinder *sb, BoundSubquery *sub, Error *err)
{
	Binder		 *b = sb->binder;
	const Domain *d = sub->domain;
	Logical		 *domain;

	if (!sb->scope->is_joined) {
		TRY(domain_rows(b, d, &domain, err));
		sb->scope->domain_first = sb->rows->n_columns;
		sb->rows = join_rows(b, sb->rows, domain, &(DomainJoin){.kind = JOIN_CROSS});
		sb->scope->is_joined = true;
	}
	sub->null_safe = true;
	sub->n_keys = d->n_joined;
	for (int i = 0; i < d->n_joined; i++) {
		sub->left_keys[i] = column_of(b, d->outer->rows, d->columns[i]);
		sub->right_keys[i] = column_of(b, sb->rows, sb->scope->domain_first + i);
	}
	return OK;
}

/* ---- derived tables ---- */

Status
bind_derived(Binder *b, const AstRelation *relation, SelectBinder *outer, const char *alias, Logical **out, Scope *scope, Error *err)
{
	BoundSubquery *sub = subquery_new(b);
	int			   n;

	sub->is_mark = true;
	sub->needs_domain = true;
	TRY(bind_correlated(b, relation->query, outer, sub, false, err));
	*out = sub->plan;
	TRY(relation_of_query(b, *out, alias, relation->column_aliases, relation->n_column_aliases, relation->pos, scope, err));
	n = scope->n_columns - sub->n_hidden;
	for (int i = 0; i < sub->n_hidden; i++) {
		ScopeColumn *c = &scope->columns[n + i];

		c->is_hidden = true;
		c->qualifier = NULL;
		c->name = arena_printf(b->arena, "\1OUTER %d", i);
		c->outer_column = 1 + sub->domain->columns[i];
	}
	return OK;
}

/* Rows of derived tables belong to the values of the domain that they were computed for. */
void
domain_match_derived(SelectBinder *sb, Domain *d)
{
	Binder *b = sb->binder;

	for (int i = 0; i < sb->scope->n_columns; i++) {
		const ScopeColumn *c = &sb->scope->columns[i];
		Expr			  *args[2], *test;
		int				   place;

		if (c->outer_column == 0)
			continue;
		place = domain_place(b, d, c->outer_column - 1);
		if (!d->is_active || place >= d->n_joined) {
			d->is_wanted = true;
			continue;
		}
		args[0] = column_of(b, sb->rows, c->index);
		args[1] = column_of(b, sb->rows, sb->scope->domain_first + place);
		test = expr_new(b->arena, EXPR_DISTINCT_FROM, type_boolean, arena_memdup(b->arena, args, sizeof args), 2);
		test->negated = true;
		test->standard = true;
		sb->rows = logical_filter(b->arena, sb->rows, test);
	}
}

/* All columns of the rows, and one that is TRUE. */
static Logical *
with_mark(Binder *b, Logical *rows)
{
	int			 n = rows->n_columns;
	Expr	   **exprs = arena_array(b->arena, Expr *, n + 1);
	const char **names = arena_array(b->arena, const char *, n + 1);

	for (int i = 0; i < n; i++) {
		exprs[i] = column_of(b, rows, i);
		names[i] = rows->columns[i].name;
	}
	exprs[n] = expr_constant(b->arena, value_boolean(true));
	names[n] = "MATCHED";
	return logical_project(b->arena, rows, exprs, names, n + 1, 0);
}

/* Aggregates count the rows that are marked. */
static void
filter_items(SelectBinder *sb, int mark)
{
	Arena *arena = sb->binder->arena;
	Expr  *column = column_of(sb->binder, sb->rows, mark);
	Expr  *test = expr_new(arena, EXPR_IS_NULL, type_boolean, arena_memdup(arena, &column, sizeof column), 1);

	test->negated = true;
	for (int i = 0; i < sb->n_items; i++) {
		Expr *both[2] = {test, (Expr *)sb->items[i].filter};

		sb->items[i].filter = sb->items[i].filter == NULL ? test : expr_and(arena, both, 2, true);
	}
}

Status
domain_keep_empty(SelectBinder *sb, BoundSubquery *sub, Error *err)
{
	Binder		*b = sb->binder;
	int			 n = sb->rows->n_columns, first = sb->scope->domain_first, n_domain = sub->n_keys;
	Expr	   **exprs = arena_array(b->arena, Expr *, n + 1), **left = arena_array(b->arena, Expr *, n_domain + 1);
	Expr	   **right = arena_array(b->arena, Expr *, n_domain + 1);
	const char **names = arena_array(b->arena, const char *, n + 1);
	Logical		*domain, *joined;

	TRY(domain_rows(b, sub->domain, &domain, err));
	for (int i = 0; i < n_domain; i++) {
		left[i] = column_of(b, sb->rows, first + i);
		right[i] = column_of(b, domain, i);
	}
	joined = join_rows(b, with_mark(b, sb->rows), domain, &(DomainJoin){JOIN_RIGHT, n_domain, left, right, NULL, true});
	for (int i = 0; i <= n; i++) {
		exprs[i] = column_of(b, joined, i >= first && i < first + n_domain ? n + 1 + i - first : i);
		names[i] = joined->columns[i].name;
	}
	sb->rows = logical_project(b->arena, joined, exprs, names, n + 1, 0);
	filter_items(sb, n);
	return OK;
}

/* Rows number skip + 1 to skip + n for each value of the domain, which stands from `first_key` on. */
static Status
limit_each(SelectBinder *sb, const AstQuery *query, const BoundSubquery *sub, const SortKey *keys, int first_key, Error *err)
{
	Binder	*b = sb->binder;
	SortKey *order = arena_array(b->arena, SortKey, query->n_order_by + 1);
	Expr   **partition = arena_array(b->arena, Expr *, sub->n_keys + 1);
	int64_t	 n = INT64_MAX, skip = 0;

	if (query->limit_is_percent) {
		error_unsupported(err, "LIMIT PERCENT is not supported in a sub-query that uses columns of the query around it.");
		return error_at_pos(err, query->limit->pos);
	}
	if (query->limit != NULL)
		TRY(bind_count(b, query->limit, "LIMIT", &n, err));
	if (query->offset != NULL)
		TRY(bind_count(b, query->offset, "OFFSET", &skip, err));
	for (int i = 0; i < sub->n_keys; i++)
		partition[i] = column_of(b, sb->rows, first_key + i);
	for (int i = 0; i < query->n_order_by; i++) {
		order[i] = keys[i];
		order[i].expr = column_of(b, sb->rows, keys[i].expr->index);
	}
	sb->rows = rows_by_number(b, sb->rows, partition, sub->n_keys, order, query->n_order_by, skip == INT64_MAX ? 0 : skip, n);
	return OK;
}

Status
domain_finish(SelectBinder *sb, const AstQuery *query, BoundSubquery *sub, const SortKey *keys, int n_visible, int first_key, Error *err)
{
	Binder		*b = sb->binder;
	int			 n = n_visible + sub->n_keys;
	Expr	   **exprs = arena_array(b->arena, Expr *, n + 1);
	const char **names = arena_array(b->arena, const char *, n + 1);

	if ((query->limit != NULL || query->offset != NULL) && !sub->is_exists)
		TRY(limit_each(sb, query, sub, keys, first_key, err));
	for (int i = 0; i < n; i++) {
		exprs[i] = column_of(b, sb->rows, i < n_visible ? i : first_key + i - n_visible);
		names[i] = sb->rows->columns[exprs[i]->index].name;
	}
	sb->rows = logical_project(b->arena, sb->rows, exprs, names, n, 0);
	for (int i = 0; i < sub->n_keys; i++)
		sub->right_keys[i] = column_of(b, sb->rows, n_visible + i);
	sub->n_hidden = sub->n_keys;
	return OK;
}

/* ---- LATERAL ---- */

typedef struct LateralPlacement {
	Arena *arena;
	int	   n_left;
} LateralPlacement;

/* What is over outer columns and the sub-query's becomes an expression over both sides of the join. */
static Expr *
place_both(const Expr *e, void *context)
{
	LateralPlacement *p = context;

	if (e->kind != EXPR_COLUMN)
		return NULL;
	if (ref_kind(e->index) == REF_OUTER)
		return expr_column(p->arena, e->index & REF_INDEX, e->type, e->name);
	return expr_column(p->arena, e->index + p->n_left, e->type, e->name);
}

static Status
lateral_condition(Binder *b, const AstRelation *relation, const Scope *scope, const BoundSubquery *sub, int n_left, Expr **out, Error *err)
{
	LateralPlacement p = {b->arena, n_left};
	ExprBinder		 eb = {.binder = b, .scope = (Scope *)scope, .clause = CLAUSE_JOIN};
	Expr			*both[2];
	int				 n = 0;

	if (sub->residual != NULL)
		both[n++] = expr_transform(b->arena, sub->residual, place_both, &p);
	if (relation->on != NULL)
		TRY(bind_condition(&eb, relation->on, &both[n++], err));
	*out = n > 0 ? expr_and(b->arena, both, n, true) : NULL;
	return OK;
}

Status
bind_lateral_join(Binder *b, const AstRelation *relation, Logical **out, Scope *scope, Error *err)
{
	const AstRelation *right = relation->right;
	AstSelect		   from = {.from = relation->left};
	Scope			  *left_scope = scope_new(b->arena), *right_scope = scope_new(b->arena);
	BoundSubquery	  *sub = subquery_new(b);
	SelectBinder	   outer = {.binder = b, .ast = &from, .scope = left_scope, .ctes = b->ctes};
	DomainJoin		   join = {0};

	if ((relation->join != AST_JOIN_INNER && relation->join != AST_JOIN_LEFT && relation->join != AST_JOIN_CROSS) || relation->n_using > 0 ||
		relation->is_natural || relation->is_asof) {
		error_user(err, "A LATERAL sub-query is joined with CROSS JOIN, or with [LEFT] JOIN ... ON.");
		return error_at_pos(err, relation->pos);
	}
	TRY(bind_relation(b, relation->left, NULL, &outer.rows, left_scope, err));
	sub->is_mark = true;
	TRY(bind_correlated(b, right->query, &outer, sub, true, err));
	TRY(relation_of_query(b, sub->plan, right->alias.text != NULL ? bind_name(b->context, right->alias) : NULL, right->column_aliases,
						  right->n_column_aliases, right->pos, right_scope, err));
	right_scope->n_columns -= sub->n_hidden;
	scope_append(b, scope, left_scope, 0);
	scope_append(b, scope, right_scope, outer.rows->n_columns);
	scope->is_join = true;
	TRY(lateral_condition(b, relation, scope, sub, outer.rows->n_columns, &join.residual, err));
	join.kind = relation->join == AST_JOIN_LEFT ? JOIN_LEFT : sub->n_keys > 0 || join.residual != NULL ? JOIN_INNER : JOIN_CROSS;
	join.n_keys = sub->n_keys;
	join.left_keys = sub->left_keys;
	join.right_keys = sub->right_keys;
	join.null_safe = sub->null_safe;
	*out = join_rows(b, outer.rows, sub->plan, &join);
	return OK;
}
