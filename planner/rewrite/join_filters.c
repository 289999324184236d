/*
 * Hash joins tell scans of their probe side which keys there are: the build side has ended before those scans begin.  A key is followed
 * down from the join to the columns of Parquet files that it is a copy of.
 *
 * What is followed is a column in whose rows the join takes no interest when it is NULL or not one of the keys.  Leaving out such rows
 * early must change no other row: it does not below filters, projections, DISTINCT, unions, aggregates that have the column as a key and joins of all
 * kinds (a row that loses its partner has NULL in the column then).  It would below LIMIT, top-n and OVER.
 */
#include "planner/bind/bind.h"

typedef struct Follow {
	RewriteContext *context;
	JoinHashSpec   *join;
	int				key;
} Follow;

/* The column behind casts between integers that change no value. */
static int
plain_column(const Expr *e)
{
	while (e->kind == EXPR_CAST && e->type->kind == TYPE_BIGINT && e->args[0]->type->kind == TYPE_INTEGER)
		e = e->args[0];
	return e->kind == EXPR_COLUMN && key_filter_takes(e->type) ? e->index : -1;
}

static void
add_filter(Follow *f, LogicalScan *scan, int column)
{
	int index = scan->columns[column].source_index;

	/* other formats are read whole anyway: a hash table is as quick as a filter */
	if (scan->file == NULL || scan->file->format == NULL || strcmp(scan->file->format, "PARQUET") != 0 || scan->timestamp != NULL || index < 0)
		return;
	arena_grow(f->context->arena, scan->join_filters, scan->n_join_filters, scan->join_filters_capacity);
	scan->join_filters[scan->n_join_filters++] = (ScanJoinFilter){.join = f->join, .key = f->key, .column = index};
	f->join->filter_keys |= (uint64_t)1 << f->key;
}

static void follow(Follow *f, Logical *node, int column);

static void
follow_join(Follow *f, Logical *node, int column)
{
	const JoinHashSpec *spec = node->spec;
	int					n_left = spec->tests_build ? 0 : spec->n_left;
	bool				is_left = column < n_left;

	if (!is_left && spec->single)
		return;
	column = is_left ? column : column - n_left;
	follow(f, node->inputs[is_left ? 0 : 1], column);
	if ((spec->kind != JOIN_INNER && spec->kind != JOIN_SEMI) || spec->null_safe || spec->single)
		return;
	/* the other side is joined on the same values */
	for (int k = 0; k < spec->n_keys; k++) {
		const Expr *here = is_left ? spec->left_keys[k] : spec->right_keys[k], *there = is_left ? spec->right_keys[k] : spec->left_keys[k];

		if (plain_column(here) == column && plain_column(there) >= 0)
			follow(f, node->inputs[is_left ? 1 : 0], plain_column(there));
	}
}

static void
follow(Follow *f, Logical *node, int column)
{
	const Expr *e = NULL;

	switch (node->kind) {
	case LOGICAL_SCAN:
		add_filter(f, node->spec, column);
		return;
	case LOGICAL_FILTER:
	case LOGICAL_SORT:
		if (node->kind == LOGICAL_FILTER || ((const SortSpec *)node->spec)->n_rows < 0)
			follow(f, node->inputs[0], column);
		return;
	case LOGICAL_DISTINCT:
		if (((const DistinctSpec *)node->spec)->n_columns == node->n_columns)
			follow(f, node->inputs[0], column);
		return;
	case LOGICAL_UNION:
		for (int i = 0; i < node->n_inputs; i++)
			follow(f, logical_input(node, i), column);
		return;
	case LOGICAL_PROJECT:
		e = ((const ProjectSpec *)node->spec)->columns[column];
		break;
	case LOGICAL_AGGREGATE: {
		const AggregateSpec *spec = node->spec;

		if (column < spec->n_keys && spec->window.kind == WINDOW_NONE && spec->n_grouping_sets == 0 && !spec->input_is_windowed)
			e = spec->keys[column];
		break;
	}
	case LOGICAL_JOIN_HASH:
		follow_join(f, node, column);
		return;
	default:
		return;
	}
	if (e != NULL && plain_column(e) >= 0)
		follow(f, node->inputs[0], plain_column(e));
}

/* Whether a node gives fewer rows than its scans for some reason: otherwise most keys of the other side are among its own. */
static bool
has_condition(const Logical *node)
{
	const JoinHashSpec *join = node->kind == LOGICAL_JOIN_HASH ? node->spec : NULL;

	if (node->kind == LOGICAL_FILTER || node->kind == LOGICAL_LIMIT || (node->kind == LOGICAL_SCAN && ((const LogicalScan *)node->spec)->n_values > 0))
		return true;
	if (join != NULL && (join->kind == JOIN_SEMI || join->kind == JOIN_ANTI))
		return true;
	for (int i = 0; i < node->n_inputs; i++)
		if (has_condition(logical_input(node, i)))
			return true;
	return false;
}

static void
walk(RewriteContext *context, Logical *node)
{
	if (node->kind == LOGICAL_JOIN_HASH) {
		JoinHashSpec *spec = node->spec;
		bool		  drops = spec->tests_build || spec->kind == JOIN_INNER || spec->kind == JOIN_RIGHT || spec->kind == JOIN_SEMI;

		for (int k = 0; k < spec->n_keys && k < 64 && drops && !spec->null_safe && !spec->single && has_condition(node->inputs[1]); k++) {
			Follow f = {context, spec, k};

			if (plain_column(spec->left_keys[k]) >= 0 && key_filter_takes(spec->right_keys[k]->type))
				follow(&f, node->inputs[0], plain_column(spec->left_keys[k]));
		}
	}
	for (int i = 0; i < node->n_inputs; i++)
		walk(context, logical_input(node, i));
}

Logical *
rewrite_join_filters(RewriteContext *context, Logical *root)
{
	if (context->is_bounded)
		walk(context, root);
	return root;
}
