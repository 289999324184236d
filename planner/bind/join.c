/*
 * Joins.  Continuous: streaming operators on re-keyed inputs, with ksqlDB's rules of which sides join how and which
 * column becomes the key.  Bounded: hash joins.
 */
#include <stdio.h>

#include "planner/bind/join.h"

static const char *
join_words(AstJoinKind kind)
{
	static const char *const words[] = {"[INNER] JOIN", "LEFT [OUTER] JOIN", "RIGHT [OUTER] JOIN", "[FULL] OUTER JOIN",
										"CROSS JOIN",	"SEMI JOIN",		 "ANTI JOIN"};

	return words[kind];
}

static JoinKind
kind_of(AstJoinKind kind)
{
	static const JoinKind kinds[] = {JOIN_INNER, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_CROSS, JOIN_SEMI, JOIN_ANTI};

	return kinds[kind];
}

/* ---- scopes ---- */

void
scope_append(Binder *b, Scope *to, const Scope *from, int shift)
{
	ScopeSource *sources = arena_array(b->arena, ScopeSource, to->n_sources + from->n_sources + 1);

	if (to->n_sources > 0)
		memcpy(sources, to->sources, sizeof *sources * (size_t)to->n_sources);
	if (from->n_sources > 0)
		memcpy(sources + to->n_sources, from->sources, sizeof *sources * (size_t)from->n_sources);
	for (int i = 0; i < from->n_columns; i++) {
		ScopeColumn c = from->columns[i];

		c.index += shift;
		c.source += to->n_sources;
		scope_add(b->arena, to, c);
	}
	to->sources = sources;
	to->n_sources += from->n_sources;
}

static void
print_names(Binder *b, Scope *scope, char separator)
{
	for (int i = 0; i < scope->n_columns; i++) {
		ScopeColumn *c = &scope->columns[i];

		c->print_name = c->qualifier != NULL ? arena_printf(b->arena, "%s%c%s", c->qualifier, separator, c->name) : c->name;
	}
}

static Scope *
scope_of_both(Joining *j)
{
	Binder *b = j->binder;
	Scope  *scope = scope_new(b->arena);

	scope_append(b, scope, j->left_scope, 0);
	scope_append(b, scope, j->right_scope, j->left->n_columns);
	scope->is_join = true;
	print_names(b, scope, '.');
	return scope;
}

static Status
check_repeats(Joining *j, Error *err)
{
	Binder			  *b = j->binder;
	const ScopeSource *r = j->right_scope->n_sources > 0 ? &j->right_scope->sources[0] : NULL;

	for (int k = 0; k < j->right_scope->n_sources; k++)
		for (int i = 0; i < j->left_scope->n_sources; i++) {
			const ScopeSource *l = &j->left_scope->sources[i];

			r = &j->right_scope->sources[k];
			if (!b->standard && l->source != NULL && l->source == r->source) {
				if (j->left_scope->n_sources > 1)
					error_user(err, "N-way joins do not support multiple occurrences of the same source. Source: '%s'.", r->source->name);
				else
					error_user(err, "Can not join '%s' to '%s': self joins are not yet supported.", l->source->name, r->source->name);
				return error_at_pos(err, j->relation->pos);
			}
			if (l->source != NULL && l->source == r->source)
				b->needs_single_rows = true;
			if (l->alias != NULL && r->alias != NULL && strcmp(l->alias, r->alias) == 0) {
				error_user(err, "Two sources of the query have the name `%s`. Give one of them an alias.", l->alias);
				return error_at_pos(err, j->relation->right->pos);
			}
		}
	return OK;
}

static bool
has_outer_columns(const Scope *scope)
{
	for (int i = 0; i < scope->n_columns; i++)
		if (scope->columns[i].outer_column != 0)
			return true;
	return false;
}

/* Whether a row of such a side belongs to the outer row is tested behind the join, where a row of NULLs belongs to none. */
static Status
check_derived(Joining *j, Error *err)
{
	bool keeps_left = j->kind == JOIN_LEFT || j->kind == JOIN_FULL, keeps_right = j->kind == JOIN_RIGHT || j->kind == JOIN_FULL;

	if ((keeps_left && has_outer_columns(j->right_scope)) || (keeps_right && has_outer_columns(j->left_scope))) {
		error_unsupported(err, "A query in FROM that uses columns further out cannot stand on the padded side of an outer join.");
		return error_at_pos(err, j->relation->pos);
	}
	return OK;
}

/* ---- which side an expression speaks of ---- */

typedef struct Sides {
	int	 split;
	bool left, right, other;
} Sides;

static bool
note_side(const Expr *e, void *data)
{
	Sides *s = data;

	if (e->kind != EXPR_COLUMN)
		return false;
	if (e->index >= REF_AGGREGATE)
		s->other = true;
	else if (e->index < s->split)
		s->left = true;
	else
		s->right = true;
	return false;
}

static Sides
sides_of(const Expr *e, int split)
{
	Sides s = {.split = split};

	expr_any(e, note_side, &s);
	return s;
}

typedef struct SourceSet {
	const Scope *scope;
	uint64_t	 bits;
} SourceSet;

static bool
note_source(const Expr *e, void *data)
{
	SourceSet *s = data;

	if (e->kind == EXPR_COLUMN)
		for (int i = 0; i < s->scope->n_columns; i++)
			if (s->scope->columns[i].index == e->index)
				s->bits |= UINT64_C(1) << (s->scope->columns[i].source & 63);
	return false;
}

static int
only_source(const Scope *scope, const Expr *e)
{
	SourceSet s = {scope, 0};

	expr_any(e, note_source, &s);
	if (s.bits == 0 || (s.bits & (s.bits - 1)) != 0)
		return -1;
	return __builtin_ctzll(s.bits);
}

/* ---- ON ---- */

static Status
add_pair(Joining *j, JoinPair pair, Error *err)
{
	Binder		*b = j->binder;
	JoinPair	*pairs = arena_array(b->arena, JoinPair, j->n_pairs + 1);
	const Type	*type;

	if (pair.left->type != pair.right->type) {
		type = b->standard ? common_type(true, pair.left->type, pair.right->type) : NULL;
		if (type == NULL) {
			error_user(err, "Invalid join condition: types don't match. Got %s{%s} = %s{%s}.", ast_text(b, j->both, pair.left_ast),
					   type_text(b, pair.left->type), ast_text(b, j->both, pair.right_ast), type_text(b, pair.right->type));
			return error_at_pos(err, j->relation->on != NULL ? j->relation->on->pos : j->relation->pos);
		}
		pair.left = expr_cast_to(b, pair.left, type);
		pair.right = expr_cast_to(b, pair.right, type);
	}
	if (type_has_map(pair.left->type) && !b->is_bounded) {
		const ScopeColumn *column = NULL;

		for (int i = 0; i < j->both->n_columns && pair.left->kind == EXPR_COLUMN; i++)
			if (j->both->columns[i].index == pair.left->index)
				column = &j->both->columns[i];
		return error_user(err,
						  "Map keys, including types that contain maps, are not supported as they may lead to unexpected behavior due to "
						  "inconsistent serialization. Key column name: `%s%s%s`. Column type: %s. See "
						  "https://github.com/confluentinc/ksql/issues/6621 for more.",
						  column != NULL && column->qualifier != NULL ? column->qualifier : "", column != NULL ? "_" : "",
						  column != NULL ? column->name : "ROWKEY", type_text(b, pair.left->type));
	}
	if (j->n_pairs > 0)
		memcpy(pairs, j->pairs, sizeof *pairs * (size_t)j->n_pairs);
	pairs[j->n_pairs++] = pair;
	j->pairs = pairs;
	return OK;
}

/* ksqlDB: exactly one equality, each side of exactly one source, one of them the new one. */
static Status
bind_on_strict(Joining *j, const AstExpr *on, Error *err)
{
	Binder		  *b = j->binder;
	ExprBinder	   eb = {.binder = b, .scope = j->both, .clause = CLAUSE_JOIN};
	int			   split = j->left->n_columns, first_right = j->left_scope->n_sources;
	const AstExpr *left_ast, *right_ast;
	Expr		  *left, *right;
	int			   ls, rs;

	if (on->kind == AST_BINARY && (on->op == AST_OP_AND || on->op == AST_OP_OR)) {
		error_user(err, "Invalid join condition: joins on multiple conditions are not yet supported. Got %s.", ast_text(b, j->both, on));
		return error_at_pos(err, on->pos);
	}
	if (on->kind != AST_BINARY || on->op != AST_OP_EQUAL) {
		error_user(err, "Unsupported join expression: %s. Only equality join criteria is supported.", ast_text(b, j->both, on));
		return error_at_pos(err, on->pos);
	}
	left_ast = on->left;
	right_ast = on->right;
	TRY(bind_expr(&eb, left_ast, &left, err));
	TRY(bind_expr(&eb, right_ast, &right, err));
	ls = only_source(j->both, left);
	rs = only_source(j->both, right);
	if (ls < 0 || rs < 0) {
		error_user(err,
				   "Invalid comparison expression '%s' in join '%s'. Each side of the join comparision must contain references from "
				   "exactly one source.",
				   ast_text(b, j->both, ls < 0 ? left_ast : right_ast), ast_text(b, j->both, on));
		return error_at_pos(err, on->pos);
	}
	if (ls == rs) {
		error_user(err,
				   "Invalid join condition: each side of the join must reference exactly one source and not the same source. Left side "
				   "references `%s` and right references `%s`",
				   j->both->sources[ls].alias, j->both->sources[rs].alias);
		return error_at_pos(err, on->pos);
	}
	if (ls < first_right && rs < first_right) {
		error_user(err,
				   "A join criteria is expected to reference the source (`%s`) in the FROM clause, instead the right source references "
				   "`%s` and the left source references `%s`",
				   j->right_scope->sources[0].alias, j->both->sources[rs].alias, j->both->sources[ls].alias);
		return error_at_pos(err, on->pos);
	}
	if (ls >= first_right) {
		Expr		  *swap = left;
		const AstExpr *swap_ast = left_ast;

		left = right;
		right = swap;
		left_ast = right_ast;
		right_ast = swap_ast;
	}
	return add_pair(j, (JoinPair){left, logical_shift(b->arena, right, -split), left_ast, right_ast}, err);
}

/* Standard: any condition; equalities between the sides become keys, the rest is tested on the pair. */
static Status
bind_on(Joining *j, const AstExpr *on, SelectBinder *outer, Error *err)
{
	Binder	  *b = j->binder;
	ExprBinder eb = {.binder = b, .scope = j->both, .clause = CLAUSE_JOIN};
	int		   split = j->left->n_columns, n = 0, capacity = 0, n_rest = 0;
	Expr	  *condition, **list = NULL, **rest;

	(void)outer;
	TRY(bind_condition(&eb, on, &condition, err));
	expr_conjuncts(b->arena, condition, &list, &n, &capacity);
	rest = arena_array(b->arena, Expr *, n + 1);
	for (int i = 0; i < n; i++) {
		Expr *e = list[i];
		Sides l, r;

		if (e->kind != EXPR_COMPARE || e->op != COMPARE_EQ) {
			rest[n_rest++] = e;
			continue;
		}
		l = sides_of(e->args[0], split);
		r = sides_of(e->args[1], split);
		if (l.left && !l.right && r.right && !r.left)
			TRY(add_pair(j, (JoinPair){e->args[0], logical_shift(b->arena, e->args[1], -split), on, on}, err));
		else if (l.right && !l.left && r.left && !r.right)
			TRY(add_pair(j, (JoinPair){e->args[1], logical_shift(b->arena, e->args[0], -split), on, on}, err));
		else
			rest[n_rest++] = e;
	}
	j->residual = expr_and(b->arena, rest, n_rest, b->standard);
	return OK;
}

/* USING (a, b) and NATURAL: pairs of equal names; afterwards one visible column each. */
static Status
bind_using(Joining *j, const char **names, int n, Error *err)
{
	Binder *b = j->binder;

	for (int i = 0; i < n; i++) {
		AstIdent		   none = {0}, name = {.text = names[i], .is_quoted = true, .pos = j->relation->pos};
		const ScopeColumn *l, *r;
		AstExpr			  *ast = arena_new(b->arena, AstExpr);

		TRY(scope_try(b, j->left_scope, none, name, &l, err));
		TRY(scope_try(b, j->right_scope, none, name, &r, err));
		if (l == NULL || r == NULL) {
			error_user(err, "Column `%s` of USING is not on the %s side of the join.", names[i], l == NULL ? "left" : "right");
			return error_at_pos(err, j->relation->pos);
		}
		ast->kind = AST_COLUMN;
		ast->name = name;
		ast->pos = j->relation->pos;
		TRY(add_pair(j, (JoinPair){expr_column(b->arena, l->index, l->type, l->name), expr_column(b->arena, r->index, r->type, r->name),
								   ast, ast},
					 err));
	}
	return OK;
}

static const char **
shared_names(Joining *j, int *n)
{
	const char **names = arena_array(j->binder->arena, const char *, j->left_scope->n_columns + 1);

	*n = 0;
	for (int i = 0; i < j->left_scope->n_columns; i++) {
		const ScopeColumn *l = &j->left_scope->columns[i];

		if (l->is_hidden)
			continue;
		for (int k = 0; k < j->right_scope->n_columns; k++)
			if (!j->right_scope->columns[k].is_hidden && name_matches(j->binder->standard, l->name, j->right_scope->columns[k].name, false)) {
				names[(*n)++] = l->name;
				break;
			}
	}
	return names;
}

/* ---- the joined scope ---- */

static void
finish_scope(Joining *j, Scope *scope, const Logical *node, int front, int left_shift, int right_shift)
{
	Binder *b = j->binder;

	(void)node;
	scope_append(b, scope, j->left_scope, front + left_shift);
	scope_append(b, scope, j->right_scope, right_shift);
	scope->is_join = true;
	print_names(b, scope, '_');
}

/* One visible column for each USING name. */
static Status
merge_using(Joining *j, Scope *scope, Logical **node, const char **names, int n, Error *err)
{
	Binder *b = j->binder;

	for (int i = 0; i < n; i++) {
		int at[2] = {-1, -1}, m = 0;
		ScopeColumn merged;

		for (int k = 0; k < scope->n_columns && m < 2; k++)
			if (!scope->columns[k].is_hidden && name_matches(b->standard, scope->columns[k].name, names[i], false))
				at[m++] = k;
		if (m < 2)
			continue;
		merged = scope->columns[j->kind == JOIN_RIGHT ? at[1] : at[0]];
		if (j->kind == JOIN_FULL) {
			int			 count = (*node)->n_columns;
			Expr	   **exprs = arena_array(b->arena, Expr *, count + 1);
			const char **columns = arena_array(b->arena, const char *, count + 1);
			ExprBinder	 eb = {.binder = b, .clause = CLAUSE_JOIN};
			Expr		*args[2];

			for (int c = 0; c < count; c++) {
				exprs[c] = expr_column(b->arena, c, (*node)->columns[c].type, (*node)->columns[c].name);
				columns[c] = (*node)->columns[c].name;
			}
			for (int s = 0; s < 2; s++)
				args[s] = exprs[scope->columns[at[s]].index];
			TRY(bind_function(&eb, "COALESCE", args, 2, j->relation->pos, &exprs[count], err));
			columns[count] = names[i];
			*node = logical_project(b->arena, *node, exprs, columns, count + 1, 0);
			merged.index = count;
			merged.type = exprs[count]->type;
		}
		scope->columns[at[0]].is_hidden = scope->columns[at[1]].is_hidden = true;
		merged.is_merged = true;
		merged.is_hidden = false;
		merged.qualifier = NULL;
		/* In the place of the left column, so that `*` has the usual order. */
		scope_add(b->arena, scope, merged);
		for (int k = scope->n_columns - 1; k > i; k--)
			scope->columns[k] = scope->columns[k - 1];
		scope->columns[i] = merged;
	}
	return OK;
}

/* ---- bounded ---- */

static const Type *const *
types_of(Binder *b, const Logical *node)
{
	const Type **types = arena_array(b->arena, const Type *, node->n_columns + 1);

	for (int i = 0; i < node->n_columns; i++)
		types[i] = node->columns[i].type;
	return types;
}

static Logical *
joined(Binder *b, LogicalKind kind, Logical *left, Logical *right, int front, const Column *front_columns, bool has_right)
{
	Logical *node = logical_new(b->arena, kind, left);
	Column	*columns = arena_array(b->arena, Column, front + left->n_columns + right->n_columns + 1);
	int		 n = front;

	if (front > 0)
		memcpy(columns, front_columns, sizeof *columns * (size_t)front);
	memcpy(columns + n, left->columns, sizeof *columns * (size_t)left->n_columns);
	n += left->n_columns;
	if (has_right) {
		memcpy(columns + n, right->columns, sizeof *columns * (size_t)right->n_columns);
		n += right->n_columns;
	}
	node->n_inputs = 2;
	node->inputs[1] = right;
	node->columns = columns;
	node->n_columns = n;
	node->n_key = front;
	return node;
}

/* Event time of a side: the greatest ROWTIME of its sources; NULL: it has none. */
static Expr *
side_time(Binder *b, const Scope *scope, int shift)
{
	Expr *time = NULL;

	for (int i = 0; i < scope->n_columns; i++) {
		const ScopeColumn *c = &scope->columns[i];
		Expr			  *column, *args[3], *compare, *pair[2];

		if (!c->is_hidden || strcmp(c->name, "ROWTIME") != 0)
			continue;
		column = expr_column(b->arena, c->index + shift, c->type, c->name);
		if (time == NULL) {
			time = column;
			continue;
		}
		pair[0] = time;
		pair[1] = column;
		compare = expr_new(b->arena, EXPR_COMPARE, type_boolean, arena_memdup(b->arena, pair, sizeof pair), 2);
		compare->op = COMPARE_GE;
		args[0] = compare;
		args[1] = time;
		args[2] = column;
		time = expr_new(b->arena, EXPR_CASE, type_bigint, arena_memdup(b->arena, args, sizeof args), 3);
	}
	return time;
}

static Expr *
time_compare(Binder *b, CompareOp op, Expr *a, Expr *c, int64_t plus)
{
	Expr *sum_args[2] = {c, expr_constant(b->arena, value_integer(type_bigint, plus))};
	Expr *sum = expr_new(b->arena, EXPR_ARITHMETIC, type_bigint, arena_memdup(b->arena, sum_args, sizeof sum_args), 2);
	Expr *args[2] = {a, sum};
	Expr *e = expr_new(b->arena, EXPR_COMPARE, type_boolean, arena_memdup(b->arena, args, sizeof args), 2);

	sum->op = ARITH_ADD;
	e->op = op;
	return e;
}

static Status
add_within(Joining *j, Error *err)
{
	Binder			*b = j->binder;
	const AstWithin *w = j->relation->within;
	Expr			*left = side_time(b, j->left_scope, 0), *right = side_time(b, j->right_scope, j->left->n_columns);
	Expr			*list[3];
	int64_t			 before, after;
	int				 n = 0;

	if (w == NULL)
		return OK;
	if (left == NULL || right == NULL) {
		error_user(err, "WITHIN needs event time on both sides of the join.");
		return error_at_pos(err, w->pos);
	}
	before = w->before.amount * ast_unit_ms(w->before.unit);
	after = w->after.amount * ast_unit_ms(w->after.unit);
	if (j->kind == JOIN_RIGHT) {
		Expr *swap = left;

		left = right;
		right = swap;
	}
	if (j->residual != NULL)
		list[n++] = j->residual;
	list[n++] = time_compare(b, COMPARE_GE, right, left, -before);
	list[n++] = time_compare(b, COMPARE_LE, right, left, after);
	j->residual = expr_and(b->arena, list, n, b->standard);
	return OK;
}

static CompareOp
mirrored(CompareOp op)
{
	return op == COMPARE_GE ? COMPARE_LE : op == COMPARE_GT ? COMPARE_LT : op == COMPARE_LE ? COMPARE_GE : COMPARE_GT;
}

/* ASOF: the one comparison of ON becomes the last pair; USING has it as its last column. */
static Status
find_asof_pair(Joining *j, Error *err)
{
	Binder	  *b = j->binder;
	Expr	 **list = NULL, *found = NULL;
	int		   n = 0, capacity = 0, split = j->left->n_columns;
	Sides	   l, r;

	if (j->relation->n_using > 0 && j->n_pairs > 0) {
		j->asof_op = COMPARE_GE;
		return OK;
	}
	if (j->residual != NULL)
		expr_conjuncts(b->arena, j->residual, &list, &n, &capacity);
	if (n == 1 && list[0]->kind == EXPR_COMPARE && list[0]->op != COMPARE_EQ && list[0]->op != COMPARE_NE) {
		l = sides_of(list[0]->args[0], split);
		r = sides_of(list[0]->args[1], split);
		if ((l.left && !l.right && r.right && !r.left) || (l.right && !l.left && r.left && !r.right))
			found = list[0];
	}
	if (found == NULL) {
		error_user(err, "The ON of an ASOF join needs one comparison (>=, >, <= or <) of a value of the left side with one of the right, beside "
						"equalities: ON a.key = b.key AND a.time >= b.time.");
		return error_at_pos(err, j->relation->on != NULL ? j->relation->on->pos : j->relation->pos);
	}
	j->residual = NULL;
	j->asof_op = l.left ? (CompareOp)found->op : mirrored((CompareOp)found->op);
	return add_pair(j, (JoinPair){found->args[l.left ? 0 : 1], logical_shift(b->arena, found->args[l.left ? 1 : 0], -split), j->relation->on,
								  j->relation->on}, err);
}

static Status
plan_hash_join(Joining *j, Logical **out, Scope *scope, Error *err)
{
	Binder		 *b = j->binder;
	JoinAsofSpec *asof = arena_new(b->arena, JoinAsofSpec);
	JoinHashSpec *spec = &asof->join;
	Expr		**left = arena_array(b->arena, Expr *, j->n_pairs + 1), **right = arena_array(b->arena, Expr *, j->n_pairs + 1);
	bool		  has_right = j->kind != JOIN_SEMI && j->kind != JOIN_ANTI;
	Logical		 *node;

	TRY(add_within(j, err));
	for (int i = 0; i < j->n_pairs; i++) {
		left[i] = j->pairs[i].left;
		right[i] = j->pairs[i].right;
	}
	spec->kind = j->kind == JOIN_CROSS && (j->n_pairs > 0 || j->residual != NULL) ? JOIN_INNER : j->kind;
	spec->n_keys = j->n_pairs;
	spec->left_keys = (const Expr *const *)left;
	spec->right_keys = (const Expr *const *)right;
	spec->residual = j->residual;
	spec->n_left = j->left->n_columns;
	spec->n_right = j->right->n_columns;
	spec->left_types = types_of(b, j->left);
	spec->right_types = types_of(b, j->right);
	asof->op = j->asof_op;
	node = joined(b, j->relation->is_asof ? LOGICAL_JOIN_ASOF : LOGICAL_JOIN_HASH, j->left, j->right, 0, NULL, has_right);
	node->is_table = false;
	node->window = (WindowSpec){0};
	node->spec = spec;
	for (int i = 0; i < j->left_scope->n_columns; i++)
		j->left_scope->columns[i].is_key = false;
	for (int i = 0; i < j->right_scope->n_columns; i++)
		j->right_scope->columns[i].is_key = false;
	scope_append(b, scope, j->left_scope, 0);
	if (has_right)
		scope_append(b, scope, j->right_scope, j->left->n_columns);
	scope->is_join = true;
	print_names(b, scope, '_');
	*out = node;
	return OK;
}

/* ---- continuous ---- */

static Logical *
rekey_side(Joining *j, Logical *side, bool is_left)
{
	Binder		 *b = j->binder;
	int			  n = j->n_pairs, total = n + side->n_columns;
	Expr		**exprs = arena_array(b->arena, Expr *, total + 1);
	const char	**names = arena_array(b->arena, const char *, total + 1);
	Logical		 *project;

	for (int i = 0; i < n; i++) {
		exprs[i] = is_left ? j->pairs[i].left : j->pairs[i].right;
		names[i] = "JOIN_KEY";
	}
	for (int i = 0; i < side->n_columns; i++) {
		exprs[n + i] = expr_column(b->arena, i, side->columns[i].type, side->columns[i].name);
		names[n + i] = side->columns[i].name;
	}
	project = logical_project(b->arena, side, exprs, names, total, n);
	((ProjectSpec *)project->spec)->drops_null_values = true;
	return exchange_by_key(b->arena, project, NULL_KEYS_ROUND);
}

static Status
check_windows(Joining *j, Error *err)
{
	WindowKind	l = j->left->window.kind, r = j->right->window.kind;
	const char *ln = j->left_scope->sources[0].alias, *rn = j->right_scope->sources[0].alias;

	if (l == WINDOW_NONE && r == WINDOW_NONE)
		return OK;
	if (l == WINDOW_NONE || r == WINDOW_NONE) {
		char left[64], right[64];

		snprintf(left, sizeof left, l == WINDOW_NONE ? "not" : "%s", window_kind_name(l));
		snprintf(right, sizeof right, r == WINDOW_NONE ? "not" : "%s", window_kind_name(r));
		return error_user(err, "Can not join windowed source to non-windowed source.\n`%s` is %s windowed\n`%s` is %s windowed", ln, left, rn,
						  right);
	}
	if ((l == WINDOW_SESSION) != (r == WINDOW_SESSION))
		return error_user(err,
						  "Incompatible windowed sources.\nLeft source: %s\nRight source: %s\nSession windowed sources can only be joined "
						  "to other session windowed sources, and may still not result in expected behaviour as session bounds must be an "
						  "exact match for the join to work\nHopping and tumbling windowed sources can only be joined to other hopping and "
						  "tumbling windowed sources",
						  window_kind_name(l), window_kind_name(r));
	return OK;
}

static Status
check_kinds(Joining *j, bool left_table, bool right_table, Error *err)
{
	Binder			  *b = j->binder;
	const AstRelation *r = j->relation;
	const char		  *ln = j->left_scope->sources[0].alias, *rn = j->right_scope->sources[0].alias;

	if (j->n_pairs == 1) {
		int s = only_source(j->both, j->pairs[0].left);

		if (s >= 0 && s < j->left_scope->n_sources)
			ln = j->both->sources[s].alias;
	}
	if (left_table && !right_table) {
		error_user(err, "Invalid join order: table-stream joins are not supported; only stream-table joins. Got %s %s %s.", ln,
				   join_words(r->join), rn);
		return error_at_pos(err, r->pos);
	}
	if (!left_table && !right_table && r->within == NULL) {
		error_user(err, "Invalid join condition: stream-stream joins require a WITHIN clause to be specified. Got %s %s %s.", ln,
				   join_words(r->join), rn);
		return error_at_pos(err, r->pos);
	}
	if (right_table && r->within != NULL) {
		error_user(err, "Invalid join condition: %s-table joins do not support WITHIN. Got %s %s %s WITHIN.",
				   left_table ? "table" : "stream", ln, join_words(r->join), rn);
		return error_at_pos(err, r->within->pos);
	}
	if (!left_table && right_table && j->kind != JOIN_INNER && j->kind != JOIN_LEFT) {
		if (j->kind == JOIN_FULL)
			error_user(err, "Invalid join type: full-outer join not supported for stream-table join. Got %s %s %s.", ln,
					   join_words(r->join), rn);
		else
			error_user(err, "Invalid join type encountered: %s. A stream-table join is INNER or LEFT. Got %s %s %s.",
					   j->kind == JOIN_RIGHT ? "RIGHT" : join_words(r->join), ln, join_words(r->join), rn);
		return error_at_pos(err, r->pos);
	}
	(void)b;
	return OK;
}

static Status
plan_foreign_join(Joining *j, Logical **out, Scope *scope, Error *err)
{
	Binder			*b = j->binder;
	JoinForeignSpec *spec = arena_new(b->arena, JoinForeignSpec);
	const Expr	   **foreign = arena_array(b->arena, const Expr *, j->n_pairs);
	Logical			*node;
	int				 n_key = j->left->n_key;

	if (j->kind == JOIN_RIGHT)
		return error_user(err, "RIGHT OUTER JOIN on a foreign key is not supported");
	if (j->kind == JOIN_FULL)
		return error_user(err, "Invalid join type: full-outer join not supported for foreign-key table-table join. Got %s %s %s.",
						  j->left_scope->sources[0].alias, join_words(j->relation->join), j->right_scope->sources[0].alias);
	if (j->left_scope->n_sources > 1)
		return error_user(err, "Invalid join condition: foreign-key table-table joins are not supported as part of n-way joins. Got %s = %s.",
						  ast_text(b, j->both, j->pairs[0].left_ast), ast_text(b, j->both, j->pairs[0].right_ast));
	if (j->left->window.kind != WINDOW_NONE || j->right->window.kind != WINDOW_NONE)
		return error_user(err, "Foreign-key joins of windowed tables are not supported.");
	for (int i = 0; i < j->n_pairs; i++)
		foreign[i] = j->pairs[i].left;
	spec->kind = j->kind;
	spec->n_key = n_key;
	spec->n_left = j->left->n_columns;
	spec->n_right = j->right->n_columns;
	spec->n_foreign = j->n_pairs;
	spec->foreign = foreign;
	spec->left_types = types_of(b, j->left);
	spec->right_types = types_of(b, j->right);
	node = joined(b, LOGICAL_JOIN_FOREIGN, j->left, j->right, n_key, j->left->columns, true);
	node->is_table = true;
	node->spec = spec;
	for (int i = 0; i < j->right_scope->n_columns; i++)
		j->right_scope->columns[i].is_key = false;
	finish_scope(j, scope, node, n_key, 0, n_key + j->left->n_columns);
	*out = join_residual(b, node, j->residual, j->kind, j->left, n_key, j->right, n_key + j->left->n_columns);
	return OK;
}

/* Puts the pairs in the order of the table's key columns; false if they are not exactly its key. */
static bool
order_by_key(Joining *j)
{
	JoinPair *ordered = arena_array(j->binder->arena, JoinPair, j->n_pairs + 1);

	if (j->n_pairs != j->right->n_key)
		return false;
	for (int k = 0; k < j->right->n_key; k++) {
		bool found = false;

		for (int i = 0; i < j->n_pairs && !found; i++)
			if (is_column(j->pairs[i].right, k)) {
				ordered[k] = j->pairs[i];
				found = true;
			}
		if (!found)
			return false;
	}
	j->pairs = ordered;
	return true;
}

static Status
check_partitions(Joining *j, bool left_moves, bool right_moves, Error *err)
{
	const CatalogSource *l = j->left_scope->sources[0].source, *r = j->right_scope->sources[0].source;

	/* Standard: what does not lie alike is exchanged. */
	if (j->binder->standard || left_moves || right_moves || l == NULL || r == NULL || l->topic == NULL || r->topic == NULL || l->n_partitions == 0 ||
		r->n_partitions == 0 || l->n_partitions == r->n_partitions || j->left_scope->n_sources > 1)
		return OK;
	return error_user(err,
					  "Can't join `%s` with `%s` since the number of partitions don't match. `%s` partitions = %d; `%s` partitions = %d. "
					  "Please repartition either one so that the number of partitions match.",
					  l->name, r->name, l->name, l->n_partitions, r->name, r->n_partitions);
}

static Status
plan_stream_join(Joining *j, Logical **out, Scope *scope, Error *err)
{
	Binder	   *b = j->binder;
	bool		left_table = j->left->is_table, right_table = j->right->is_table;
	bool		left_own, right_own;
	int			n_left_scope = j->left_scope->n_columns, n_key, left_shift, right_shift;
	Logical	   *left, *right, *node;
	Column	   *front;
	const char *l_text, *r_text;

	if (j->kind > JOIN_FULL) {
		error_unsupported(err, "%s is not supported in continuous queries.", join_words(j->relation->join));
		return error_at_pos(err, j->relation->pos);
	}
	if (j->n_pairs == 0) {
		error_user(err, "A join in a continuous query needs an equality between the two sides.");
		return error_at_pos(err, j->relation->pos);
	}
	TRY(check_kinds(j, left_table, right_table, err));
	TRY(check_windows(j, err));
	if (j->residual != NULL && push_join_residual(b, j->kind, &j->left, &j->right, &j->residual, err) != OK)
		return error_at_pos(err, j->relation->pos);
	left = j->left;
	right = j->right;
	l_text = ast_text(b, j->both, j->pairs[0].left_ast);
	r_text = ast_text(b, j->both, j->pairs[0].right_ast);
	if (right_table && !order_by_key(j)) {
		if (left_table)
			error_user(err,
					   "Invalid join condition: table-table joins require to join on the primary key of the right input table. Got %s = "
					   "%s.",
					   l_text, r_text);
		else
			error_user(err, "Invalid join condition: stream-table joins require to join on the table's primary key. Got %s = %s.", l_text,
					   r_text);
		return error_at_pos(err, j->relation->on != NULL ? j->relation->on->pos : j->relation->pos);
	}
	left_own = join_is_own_key(j, j->left_scope, left, true);
	right_own = right_table || join_is_own_key(j, j->right_scope, right, false);
	if (left_table && right_table && !left_own)
		return plan_foreign_join(j, out, scope, err);
	if ((!left_own && left->window.kind != WINDOW_NONE) || (!right_own && right->window.kind != WINDOW_NONE))
		return error_user(err, b->standard ? "A windowed source can only be joined on its own key."
										   : "Implicit repartitioning of windowed sources is not supported. See "
											 "https://github.com/confluentinc/ksql/issues/4385.");
	TRY(check_partitions(j, !left_own, !right_own, err));
	n_key = j->n_pairs;
	if (!left_own)
		left = rekey_side(j, left, true);
	if (!right_own)
		right = rekey_side(j, right, false);
	/* Of two sides that lie differently one moves to where the other one lies, if that is a topic's rows. */
	if (!left_own && right_own)
		exchange_follows(left, right);
	else if (left_own && !right_own)
		exchange_follows(right, left);
	if (left_own && right_own && !rows_are_placed_alike(left, right)) {
		Logical *moved = exchange_by_key(b->arena, left, NULL_KEYS_ROUND);

		left = exchange_follows(moved, right) ? moved : left;
	}
	if (!rows_are_placed_alike(left, right)) {
		left = left_own ? exchange_by_key(b->arena, left, NULL_KEYS_ROUND) : left;
		right = right_own ? exchange_by_key(b->arena, right, NULL_KEYS_ROUND) : right;
	}
	front = arena_array(b->arena, Column, n_key + 1);
	for (int i = 0; i < n_key; i++)
		front[i] = (Column){"JOIN_KEY", left->columns[i].type};
	left_shift = n_key + (left_own ? 0 : n_key);
	right_shift = n_key + left->n_columns + (right_own ? 0 : n_key);
	if (!left_table && !right_table) {
		JoinWindowSpec	*spec = arena_new(b->arena, JoinWindowSpec);
		const AstWithin *w = j->relation->within;

		spec->kind = j->kind;
		spec->n_key = n_key;
		spec->n_left = left->n_columns;
		spec->n_right = right->n_columns;
		spec->before_ms = w->before.amount * ast_unit_ms(w->before.unit);
		spec->after_ms = w->after.amount * ast_unit_ms(w->after.unit);
		spec->has_grace = w->grace.is_set;
		spec->grace_ms = join_grace(w);
		spec->is_windowed = left->window.kind != WINDOW_NONE;
		spec->is_session = left->window.kind == WINDOW_SESSION;
		if (j->residual != NULL && j->kind != JOIN_INNER) {
			spec->residual = join_place_residual(b, j->left, left_shift - n_key, j->right, right_shift - n_key, j->residual);
			j->residual = NULL;
		}
		spec->left_types = types_of(b, left);
		spec->right_types = types_of(b, right);
		node = joined(b, LOGICAL_JOIN_WINDOW, left, right, n_key, front, true);
		node->spec = spec;
	} else {
		JoinTableSpec *spec = arena_new(b->arena, JoinTableSpec);

		spec->kind = j->kind;
		spec->n_key = n_key;
		spec->n_left = left->n_columns;
		spec->n_right = right->n_columns;
		spec->is_windowed = right->window.kind != WINDOW_NONE;
		spec->is_session = right->window.kind == WINDOW_SESSION;
		spec->left_types = types_of(b, left);
		spec->right_types = types_of(b, right);
		node = joined(b, left_table ? LOGICAL_JOIN_TABLE_TABLE : LOGICAL_JOIN_STREAM_TABLE, left, right, n_key, front, true);
		node->spec = spec;
	}
	node->is_table = left_table;
	finish_scope(j, scope, node, 0, left_shift, right_shift);
	join_note_key_exprs(j, scope, left_own, right_own, left_shift, right_shift);
	if (n_key > 1)
		join_mark_keys(j, scope, node, left_shift, right_shift);
	else
		join_mark_key(j, scope, node, left_own, right_own && right->n_key == 1, n_left_scope, left_shift, right_shift);
	*out = join_residual(b, node, j->residual, j->kind, j->left, left_shift, j->right, right_shift);
	return OK;
}

/* ---- the whole ---- */

Status
bind_join(Binder *b, const AstRelation *relation, SelectBinder *outer, Logical **out, Scope *scope, Error *err)
{
	Joining		 j = {.binder = b, .relation = relation, .kind = kind_of(relation->join)};
	const char **names = NULL;
	const AstExpr *on = relation->on;
	OnConditions conditions;
	int			 n_names = 0;
	Status		 status;

	if (relation->right->kind == AST_RELATION_QUERY && relation->right->is_lateral && b->is_bounded)
		return bind_lateral_join(b, relation, out, scope, err);
	if (relation->right->kind == AST_RELATION_FUNCTION && b->standard)
		return bind_function_join(b, relation, outer, out, scope, err);
	j.left_scope = scope_new(b->arena);
	j.right_scope = scope_new(b->arena);
	TRY(bind_relation(b, relation->left, outer, &j.left, j.left_scope, err));
	TRY(bind_relation(b, relation->right, outer, &j.right, j.right_scope, err));
	TRY(check_repeats(&j, err));
	TRY(check_derived(&j, err));
	if (relation->is_asof && (!b->is_bounded || (j.kind != JOIN_INNER && j.kind != JOIN_LEFT))) {
		if (b->is_bounded)
			error_user(err, "An ASOF join is [INNER] or LEFT. For RIGHT put its sides the other way round.");
		else
			error_unsupported(err, "An ASOF join is not kept up to date in a continuous query. Join the stream with a table: that has its row as of now.");
		return error_at_pos(err, relation->pos);
	}
	status = join_on_subqueries(&j, &on, outer, &conditions, err);
	if (status == DONE)
		return bind_lateral_join(b, join_as_lateral(b, relation), out, scope, err);
	TRY(status);
	j.both = scope_of_both(&j);
	if (relation->is_natural)
		names = shared_names(&j, &n_names);
	else if (relation->n_using > 0) {
		names = arena_array(b->arena, const char *, relation->n_using);
		for (int i = 0; i < relation->n_using; i++)
			names[n_names++] = bind_name(b->context, relation->using[i]);
	}
	if (n_names > 0)
		TRY(bind_using(&j, names, n_names, err));
	else if (on != NULL) {
		if (b->standard)
			TRY(bind_on(&j, on, outer, err));
		else
			TRY(bind_on_strict(&j, on, err));
	} else if (!b->standard) {
		error_user(err, "A join needs a condition: ON a = b.");
		return error_at_pos(err, relation->pos);
	}
	join_add_conditions(&j, &conditions);
	if (relation->is_asof)
		TRY(find_asof_pair(&j, err));
	if (b->is_bounded)
		TRY(plan_hash_join(&j, out, scope, err));
	else
		TRY(plan_stream_join(&j, out, scope, err));
	TRY(join_filter_pairs(&j, &conditions, out, scope, err));
	if (n_names > 0)
		TRY(merge_using(&j, scope, out, names, n_names, err));
	return OK;
}
