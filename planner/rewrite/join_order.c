/*
 * The order of inner joins in bounded plans.  The relations and conditions of a tree of inner and cross joins are taken
 * apart and joined anew, greedily: always the pair with the smallest estimated result (bushy trees come about by
 * themselves), the smaller side as build side; pairs without a condition last.
 *
 * Estimates: a join on keys has |A| |B| / d rows, d the number of distinct keys.  Columns that conditions make equal form
 * a class; its number of distinct values is that of the smallest relation that has one of them (the one of which it is
 * the key, mostly).  Several keys: the product, but no more than the smaller relation has rows.
 *
 * Semi and anti joins are first moved down to the relation that alone they speak of.
 */
#include "planner/bind/bind.h"
#include "planner/rewrite/estimate.h"

enum { RELATIONS_MAX = 32 };

typedef struct Relation {
	Logical *node;
	int		 first;				/* of its columns among all */
	double	 base_rows;			/* before its own conditions */
} Relation;

typedef struct Cluster {
	Logical *node;				/* NULL: merged away */
	uint32_t members;
	double	 rows;
	int		*position;			/* of each column of the whole; -1: not here */
} Cluster;

typedef struct Order {
	RewriteContext *context;
	int				n_columns;
	const Column   *columns;
	int				n;
	Relation		relations[RELATIONS_MAX];
	int				n_conditions, capacity;
	Expr		  **conditions;		/* over the columns of the whole */
	bool		   *is_applied;
	int			   *class_of;		/* of each column */
	double		   *distinct;		/* of each class */
} Order;

/* ---- taking apart ---- */

static bool
is_inner(const Logical *node)
{
	const JoinHashSpec *spec = node->spec;

	return node->kind == LOGICAL_JOIN_HASH && (spec->kind == JOIN_INNER || spec->kind == JOIN_CROSS) && !spec->single &&
		   !spec->null_safe && !spec->null_aware;
}

static int
count_relations(const Logical *node)
{
	if (node->kind == LOGICAL_FILTER && is_inner(node->inputs[0]))
		return count_relations(node->inputs[0]);
	return is_inner(node) ? count_relations(node->inputs[0]) + count_relations(node->inputs[1]) : 1;
}

static void
add_condition(Order *o, Expr *e)
{
	Arena *arena = o->context->arena;
	Expr **list = NULL;
	int	   n = 0, capacity = 0;

	expr_conjuncts(arena, e, &list, &n, &capacity);
	for (int i = 0; i < n; i++) {
		arena_grow(arena, o->conditions, o->n_conditions, o->capacity);
		o->conditions[o->n_conditions++] = list[i];
	}
}

static Expr *
make_equal(RewriteContext *context, const Expr *a, const Expr *b)
{
	Expr **args = arena_array(context->arena, Expr *, 2);
	Expr  *e;

	args[0] = (Expr *)a;
	args[1] = (Expr *)b;
	e = expr_new(context->arena, EXPR_COMPARE, type_boolean, args, 2);
	e->op = COMPARE_EQ;
	e->standard = context->standard;
	return e;
}

static Logical *order_joins(RewriteContext *context, Logical *node);

static void
take_apart(Order *o, Logical *node, int first)
{
	Arena *arena = o->context->arena;

	if (node->kind == LOGICAL_FILTER && is_inner(node->inputs[0])) {
		take_apart(o, node->inputs[0], first);
		add_condition(o, logical_shift(arena, ((FilterSpec *)node->spec)->condition, first));
		return;
	}
	if (is_inner(node)) {
		JoinHashSpec *spec = node->spec;
		int			  right = first + node->inputs[0]->n_columns;

		take_apart(o, node->inputs[0], first);
		take_apart(o, node->inputs[1], right);
		for (int i = 0; i < spec->n_keys; i++)
			add_condition(o, make_equal(o->context, logical_shift(arena, spec->left_keys[i], first),
										logical_shift(arena, spec->right_keys[i], right)));
		if (spec->residual != NULL)
			add_condition(o, logical_shift(arena, spec->residual, first));
		return;
	}
	{
		Relation *r = &o->relations[o->n++];

		r->node = order_joins(o->context, node);
		r->first = first;
		logical_estimate(r->node, &r->base_rows);
	}
}

static int
relation_of(const Order *o, int column)
{
	int i = o->n - 1;

	while (i > 0 && o->relations[i].first > column)
		i--;
	return i;
}

typedef struct Members {
	const Order *order;
	uint32_t	 bits;
} Members;

static bool
note_member(const Expr *e, void *context)
{
	Members *m = context;

	if (e->kind == EXPR_COLUMN)
		m->bits |= 1u << relation_of(m->order, e->index);
	return false;
}

static uint32_t
members_of(const Order *o, const Expr *e)
{
	Members m = {o, 0};

	expr_any(e, note_member, &m);
	return m.bits;
}

/* The column behind a widening cast, -1 if it is something else. */
static int
plain_column(const Expr *e)
{
	while (e->kind == EXPR_CAST)
		e = e->args[0];
	return e->kind == EXPR_COLUMN ? e->index : -1;
}

static void
find_classes(Order *o)
{
	Arena *arena = o->context->arena;
	bool   changed = true;

	o->class_of = arena_array(arena, int, o->n_columns + 1);
	o->distinct = arena_array(arena, double, o->n_columns + 1);
	for (int i = 0; i < o->n_columns; i++)
		o->class_of[i] = i;
	while (changed) {
		changed = false;
		for (int i = 0; i < o->n_conditions; i++) {
			const Expr *e = o->conditions[i];
			int			a, b;

			if (e->kind != EXPR_COMPARE || e->op != COMPARE_EQ)
				continue;
			a = plain_column(e->args[0]);
			b = plain_column(e->args[1]);
			if (a < 0 || b < 0 || o->class_of[a] == o->class_of[b])
				continue;
			if (o->class_of[a] < o->class_of[b])
				o->class_of[b] = o->class_of[a];
			else
				o->class_of[a] = o->class_of[b];
			changed = true;
		}
	}
	for (int i = 0; i < o->n_columns; i++) {
		double rows = o->relations[relation_of(o, i)].base_rows;
		double *d = &o->distinct[o->class_of[i]];

		if (*d == 0 || rows < *d)
			*d = rows;
	}
}

/* ---- putting together ---- */

static bool
is_key(const Order *o, const Expr *e, uint32_t left, uint32_t right, bool *swap)
{
	uint32_t a, b;

	if (e->kind != EXPR_COMPARE || e->op != COMPARE_EQ)
		return false;
	a = members_of(o, e->args[0]);
	b = members_of(o, e->args[1]);
	if (a == 0 || b == 0)
		return false;
	*swap = (a & ~right) == 0;
	return ((a & ~left) == 0 && (b & ~right) == 0) || ((b & ~left) == 0 && (a & ~right) == 0);
}

/* Rows of the join of two clusters; < 0: no condition connects them. */
static double
joined_rows(const Order *o, const Cluster *a, const Cluster *b)
{
	double distinct = 1, rows = a->rows * b->rows, limit_a = 0, limit_b = 0, other = 1;
	bool   is_connected = false;

	for (int i = 0; i < o->n_conditions; i++) {
		const Expr *e = o->conditions[i];
		uint32_t	m;
		bool		swap;

		if (o->is_applied[i])
			continue;
		m = members_of(o, e);
		if ((m & ~(a->members | b->members)) != 0 || (m & a->members) == 0 || (m & b->members) == 0)
			continue;
		if (is_key(o, e, a->members, b->members, &swap)) {
			int l = plain_column(e->args[swap ? 1 : 0]), r = plain_column(e->args[swap ? 0 : 1]);

			is_connected = true;
			if (l < 0 || r < 0) {
				distinct *= 100;
				continue;
			}
			distinct *= o->distinct[o->class_of[l]];
			limit_a = limit_a > 0 ? limit_a : o->relations[relation_of(o, l)].base_rows;
			limit_b = limit_b > 0 ? limit_b : o->relations[relation_of(o, r)].base_rows;
		} else
			other *= condition_selectivity(e);
	}
	if (!is_connected)
		return -1;
	if (limit_a > 0 && distinct > limit_a)
		distinct = limit_a;
	if (limit_b > 0 && distinct > limit_b)
		distinct = limit_b;
	return estimate_at_least_one(rows / distinct * other);
}

typedef struct Placing {
	Arena	  *arena;
	const int *position;
} Placing;

static Expr *
place_column(const Expr *e, void *context)
{
	Placing *p = context;

	return e->kind == EXPR_COLUMN ? expr_column(p->arena, p->position[e->index], e->type, e->name) : NULL;
}

static Expr *
place(Order *o, const Expr *e, const int *position)
{
	Placing p = {o->context->arena, position};

	return expr_transform(o->context->arena, e, place_column, &p);
}

static const Type *const *
types_of(Arena *arena, const Logical *node)
{
	const Type **types = arena_array(arena, const Type *, node->n_columns + 1);

	for (int i = 0; i < node->n_columns; i++)
		types[i] = node->columns[i].type;
	return types;
}

/* Joins b (build side) to a. */
static void
merge(Order *o, Cluster *a, Cluster *b, double rows)
{
	Arena		 *arena = o->context->arena;
	JoinHashSpec *spec = arena_new(arena, JoinHashSpec);
	Logical		 *node = logical_new(arena, LOGICAL_JOIN_HASH, a->node);
	const Expr	**left = arena_array(arena, const Expr *, o->n_conditions + 1);
	const Expr	**right = arena_array(arena, const Expr *, o->n_conditions + 1);
	Expr		**rest = arena_array(arena, Expr *, o->n_conditions + 1);
	Column		 *columns = arena_array(arena, Column, a->node->n_columns + b->node->n_columns + 1);
	int			 *position = arena_array(arena, int, o->n_columns + 1);
	int			  n_keys = 0, n_rest = 0, n_left = a->node->n_columns;

	for (int i = 0; i < o->n_columns; i++)
		position[i] = a->position[i] >= 0 ? a->position[i] : b->position[i] >= 0 ? n_left + b->position[i] : -1;
	for (int i = 0; i < o->n_conditions; i++) {
		Expr *e = o->conditions[i];
		bool  swap;

		if (o->is_applied[i] || (members_of(o, e) & ~(a->members | b->members)) != 0)
			continue;
		o->is_applied[i] = true;
		if (is_key(o, e, a->members, b->members, &swap)) {
			left[n_keys] = place(o, e->args[swap ? 1 : 0], a->position);
			right[n_keys++] = place(o, e->args[swap ? 0 : 1], b->position);
		} else
			rest[n_rest++] = place(o, e, position);
	}
	memcpy(columns, a->node->columns, sizeof *columns * (size_t)n_left);
	memcpy(columns + n_left, b->node->columns, sizeof *columns * (size_t)b->node->n_columns);
	spec->kind = n_keys > 0 ? JOIN_INNER : JOIN_CROSS;
	spec->n_keys = n_keys;
	spec->left_keys = left;
	spec->right_keys = right;
	spec->n_left = n_left;
	spec->n_right = b->node->n_columns;
	spec->left_types = types_of(arena, a->node);
	spec->right_types = types_of(arena, b->node);
	node->n_inputs = 2;
	node->inputs[1] = b->node;
	node->columns = columns;
	node->n_columns = n_left + b->node->n_columns;
	node->n_key = 0;
	node->is_table = false;
	node->window = (WindowSpec){0};
	node->spec = spec;
	node->estimated_rows = rows;
	if (n_rest > 0)
		node = logical_filter(arena, node, expr_and(arena, rest, n_rest, o->context->standard));
	a->node = node;
	a->members |= b->members;
	a->rows = rows;
	a->position = position;
	b->node = NULL;
}

static Logical *
put_together(Order *o)
{
	Arena	*arena = o->context->arena;
	Cluster *clusters = arena_array(arena, Cluster, o->n);
	Cluster *last = &clusters[0];

	o->is_applied = arena_array(arena, bool, o->n_conditions + 1);
	for (int i = 0; i < o->n; i++) {
		Cluster *c = &clusters[i];
		double	 base;

		c->node = o->relations[i].node;
		c->members = 1u << i;
		c->rows = logical_estimate(c->node, &base);
		c->position = arena_array(arena, int, o->n_columns + 1);
		for (int k = 0; k < o->n_columns; k++) {
			int at = k - o->relations[i].first;

			c->position[k] = at >= 0 && at < c->node->n_columns ? at : -1;
		}
	}
	/* Conditions on one relation that have come here (or on none) are filters of it. */
	for (int i = 0; i < o->n_conditions; i++) {
		uint32_t m = members_of(o, o->conditions[i]);
		int		 r = m == 0 ? 0 : __builtin_ctz(m);

		if ((m & (m - 1)) != 0 && m != 0)
			continue;
		o->is_applied[i] = true;
		clusters[r].node = logical_filter(arena, clusters[r].node, place(o, o->conditions[i], clusters[r].position));
		clusters[r].rows = estimate_at_least_one(clusters[r].rows * condition_selectivity(o->conditions[i]));
	}
	for (int step = 1; step < o->n; step++) {
		int	   best_a = -1, best_b = -1;
		double best = 0;
		bool   is_best_connected = false;

		for (int i = 0; i < o->n; i++)
			for (int k = i + 1; k < o->n; k++) {
				double rows;
				bool   connected;

				if (clusters[i].node == NULL || clusters[k].node == NULL)
					continue;
				rows = joined_rows(o, &clusters[i], &clusters[k]);
				connected = rows >= 0;
				if (!connected)
					rows = clusters[i].rows * clusters[k].rows;
				if (best_a < 0 || (connected && !is_best_connected) || (connected == is_best_connected && rows < best)) {
					best_a = i;
					best_b = k;
					best = rows;
					is_best_connected = connected;
				}
			}
		if (clusters[best_a].rows < clusters[best_b].rows) {
			int swap = best_a;

			best_a = best_b;
			best_b = swap;
		}
		merge(o, &clusters[best_a], &clusters[best_b], best);
		last = &clusters[best_a];
	}
	/* The columns in their old order. */
	{
		Expr	   **exprs = arena_array(arena, Expr *, o->n_columns + 1);
		const char **names = arena_array(arena, const char *, o->n_columns + 1);

		for (int i = 0; i < o->n_columns; i++) {
			exprs[i] = expr_column(arena, last->position[i], o->columns[i].type, o->columns[i].name);
			names[i] = o->columns[i].name;
		}
		return logical_project(arena, last->node, exprs, names, o->n_columns, 0);
	}
}

/* ---- semi and anti joins ---- */

typedef struct Span {
	int least, most;
} Span;

static bool
note_span(const Expr *e, void *context)
{
	Span *s = context;

	if (e->kind == EXPR_COLUMN) {
		if (e->index < s->least)
			s->least = e->index;
		if (e->index > s->most)
			s->most = e->index;
	}
	return false;
}

static bool
note_left_span(const Expr *e, void *context)
{
	struct {
		Span span;
		int	 n_left;
	} *s = context;

	if (e->kind == EXPR_COLUMN && e->index < s->n_left)
		note_span(e, &s->span);
	return false;
}

static Expr *
move_residual(Arena *arena, const Expr *e, int n_old, int n_new, int by)
{
	/* Left columns move by -by, right columns to behind the new left side. */
	Placing p = {arena, NULL};
	int	   *position = arena_array(arena, int, n_old + 4096);

	for (int i = 0; i < n_old + 4096; i++)
		position[i] = i < n_old ? i - by : i - n_old + n_new;
	p.position = position;
	return expr_transform(arena, e, place_column, &p);
}

/* A join that a test of its left side's rows may pass; of its right side's only if it is an inner one. */
static bool
is_passable(const Logical *node)
{
	const JoinHashSpec *spec = node->spec;

	return is_inner(node) || (node->kind == LOGICAL_JOIN_HASH && spec->kind == JOIN_LEFT);
}

/* The columns of the tested rows that a test speaks of. */
static Span
tested_columns(const JoinHashSpec *spec)
{
	struct {
		Span span;
		int	 n_left;
	} s = {{INT32_MAX, -1}, spec->n_left};

	for (int i = 0; i < spec->n_keys; i++)
		expr_any(spec->left_keys[i], note_span, &s.span);
	if (spec->residual != NULL)
		expr_any(spec->residual, note_left_span, &s);
	return s.span;
}

/* The relation below joins and filters to which a test can be moved. */
static const Logical *
test_target(const Logical *node, Span span)
{
	for (;;) {
		const JoinHashSpec *spec;

		if (node->kind == LOGICAL_FILTER && is_passable(node->inputs[0]))
			node = node->inputs[0];
		if (!is_passable(node))
			return node;
		spec = node->spec;
		if (span.most < 0 || (span.least < spec->n_left && span.most >= spec->n_left))
			return node;
		if (span.least >= spec->n_left) {
			if (!is_inner(node))
				return node;
			span.least -= spec->n_left;
			span.most -= spec->n_left;
			node = node->inputs[1];
		} else {
			node = node->inputs[0];
		}
	}
}

/* Against fewer rows than there are to test.  Otherwise joins come first, which leave less to be tested. */
static bool
is_cheap_test(const Logical *test)
{
	const Logical *target = test_target(test->inputs[0], tested_columns(test->spec));
	double		   base;

	return !is_passable(target) && logical_estimate(test->inputs[1], &base) <= logical_estimate(target, &base);
}

/* Moves a semi or anti join below joins and filters, to the side that its conditions name. */
static Logical *
sink_semi_join(RewriteContext *context, Logical *node)
{
	JoinHashSpec *spec = node->spec;
	Logical		 *input = node->inputs[0], *target;
	JoinHashSpec *below;
	Arena		 *arena = context->arena;
	const Expr  **keys;
	Span		  span = tested_columns(spec);
	int			  n_left, side, by;

	if (input->kind == LOGICAL_FILTER && is_passable(input->inputs[0])) {
		node->inputs[0] = input->inputs[0];
		node = sink_semi_join(context, node);
		input->inputs[0] = node;
		return input;
	}
	if (!is_passable(input))
		return node;
	below = input->spec;
	n_left = below->n_left;
	if (span.most < 0 || (span.least < n_left && span.most >= n_left))
		return node;
	side = span.least < n_left ? 0 : 1;
	by = side == 0 ? 0 : n_left;
	target = input->inputs[side];
	if (side == 1 && !is_inner(input))
		return node;
	keys = arena_array(arena, const Expr *, spec->n_keys + 1);
	for (int i = 0; i < spec->n_keys; i++)
		keys[i] = logical_shift(arena, spec->left_keys[i], -by);
	if (spec->residual != NULL)
		spec->residual = move_residual(arena, spec->residual, spec->n_left, target->n_columns, by);
	spec->left_keys = keys;
	spec->n_left = target->n_columns;
	spec->left_types = types_of(arena, target);
	node->inputs[0] = target;
	node->columns = target->columns;
	node->n_columns = target->n_columns;
	input->inputs[side] = sink_semi_join(context, node);
	return input;
}

static Logical *
sink_semi_joins(RewriteContext *context, Logical *node)
{
	for (int i = 0; i < node->n_inputs; i++)
		logical_set_input(node, i, sink_semi_joins(context, logical_input(node, i)));
	if (node->kind == LOGICAL_JOIN_HASH) {
		JoinHashSpec *spec = node->spec;

		if ((spec->kind == JOIN_SEMI || spec->kind == JOIN_ANTI) && !spec->null_aware && is_cheap_test(node))
			return sink_semi_join(context, node);
	}
	return node;
}

static Logical *
order_joins(RewriteContext *context, Logical *node)
{
	int n = count_relations(node);

	if (n >= 2 && n <= RELATIONS_MAX && (is_inner(node) || node->kind == LOGICAL_FILTER)) {
		Order *o = arena_new(context->arena, Order);

		o->context = context;
		o->n_columns = node->n_columns;
		o->columns = node->columns;
		take_apart(o, node, 0);
		find_classes(o);
		return put_together(o);
	}
	for (int i = 0; i < node->n_inputs; i++)
		logical_set_input(node, i, order_joins(context, logical_input(node, i)));
	return node;
}

Logical *
rewrite_join_order(RewriteContext *context, Logical *root)
{
	return context->is_bounded ? order_joins(context, sink_semi_joins(context, root)) : root;
}
