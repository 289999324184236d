/*
 * Which side of a hash join becomes the table, for the joins whose sides are not free (inner joins are dealt with where they are
 * ordered): the one that is likely the smaller.  Outer joins are turned around, with the columns put back in their order; SEMI and
 * ANTI keep the tested rows in the table then and mark them.
 *
 * The last of the rules: those before see joins as they were written.
 */
#include "planner/bind/bind.h"
#include "planner/rewrite/estimate.h"

/* By how much the other side must be larger: a table of tested rows keeps all their columns. */
#define MARGIN 1.5

typedef struct Turned {
	Arena *arena;
	int	   n_left, n_right;		/* before */
} Turned;

static Expr *
turn_column(const Expr *e, void *context)
{
	Turned *t = context;

	if (e->kind != EXPR_COLUMN)
		return NULL;
	return expr_column(t->arena, e->index < t->n_left ? e->index + t->n_right : e->index - t->n_left, e->type, e->name);
}

/* Left becomes right, in the spec and the inputs. */
static void
turn(RewriteContext *context, Logical *join)
{
	JoinHashSpec *spec = join->spec, was = *spec;
	Turned		  turned = {context->arena, spec->n_left, spec->n_right};
	Logical		 *left = join->inputs[0];

	join->inputs[0] = join->inputs[1];
	join->inputs[1] = left;
	spec->left_keys = was.right_keys;
	spec->right_keys = was.left_keys;
	spec->n_left = was.n_right;
	spec->n_right = was.n_left;
	spec->left_types = was.right_types;
	spec->right_types = was.left_types;
	if (was.residual != NULL)
		spec->residual = expr_transform(context->arena, was.residual, turn_column, &turned);
}

/* An outer join the other way round, below a projection that gives its columns in their old order. */
static Logical *
turn_outer(RewriteContext *context, Logical *join)
{
	JoinHashSpec *spec = join->spec;
	int			  n = join->n_columns, n_left = spec->n_left, n_right = spec->n_right;
	Expr		**exprs = arena_array(context->arena, Expr *, n + 1);
	const char	**names = arena_array(context->arena, const char *, n + 1);
	Column		 *columns = arena_array(context->arena, Column, n + 1);

	turn(context, join);
	spec->kind = spec->kind == JOIN_LEFT ? JOIN_RIGHT : spec->kind == JOIN_RIGHT ? JOIN_LEFT : spec->kind;
	for (int i = 0; i < n; i++) {
		int at = i < n_left ? i + n_right : i - n_left;

		columns[at] = join->columns[i];
		exprs[i] = expr_column(context->arena, at, join->columns[i].type, join->columns[i].name);
		names[i] = join->columns[i].name;
	}
	join->columns = columns;
	return logical_project(context->arena, join, exprs, names, n, 0);
}

static Logical *
choose_side(RewriteContext *context, Logical *join)
{
	JoinHashSpec *spec = join->spec;
	double		  base, left, right;

	if (spec->n_keys == 0 || spec->null_aware || spec->single || spec->kind == JOIN_INNER || spec->kind == JOIN_CROSS)
		return join;
	left = logical_estimate(join->inputs[0], &base);
	right = logical_estimate(join->inputs[1], &base);
	if (left * MARGIN >= right)
		return join;
	if (spec->kind != JOIN_SEMI && spec->kind != JOIN_ANTI)
		return turn_outer(context, join);
	turn(context, join);
	spec->tests_build = true;
	return join;
}

static Logical *
walk(RewriteContext *context, Logical *node)
{
	for (int i = 0; i < node->n_inputs; i++)
		logical_set_input(node, i, walk(context, logical_input(node, i)));
	return node->kind == LOGICAL_JOIN_HASH ? choose_side(context, node) : node;
}

Logical *
rewrite_join_sides(RewriteContext *context, Logical *root)
{
	return context->is_bounded ? walk(context, root) : root;
}
