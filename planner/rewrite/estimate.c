#include "planner/rewrite/estimate.h"

#include "planner/bind/bind.h"

double
condition_selectivity(const Expr *e)
{
	double s;

	switch (e->kind) {
	case EXPR_AND:
		s = 1;
		for (int i = 0; i < e->n_args; i++)
			s *= condition_selectivity(e->args[i]);
		return s;
	case EXPR_OR:
		s = 0;
		for (int i = 0; i < e->n_args; i++)
			s += condition_selectivity(e->args[i]);
		return s < 1 ? s : 1;
	case EXPR_NOT:
		s = 1 - condition_selectivity(e->args[0]);
		return s > 0.05 ? s : 0.05;
	case EXPR_COMPARE:
		return e->op == COMPARE_EQ ? 0.05 : e->op == COMPARE_NE ? 0.9 : 0.3;
	case EXPR_IN:
		s = 0.05 * (e->n_args - 1);
		s = s < 0.5 ? s : 0.5;
		return e->negated ? 1 - s : s;
	case EXPR_LIKE:
		return e->negated ? 0.9 : 0.1;
	case EXPR_IS_NULL:
		return e->negated ? 0.9 : 0.1;
	default:
		return 0.3;
	}
}

double
estimate_at_least_one(double rows)
{
	return rows < 1 ? 1 : rows;
}

static double
estimate_scan(const LogicalScan *scan)
{
	const FileSpec *file = scan->file;
	double			base;

	if (scan->kept != NULL)
		return logical_estimate(scan->kept->rows, &base);
	if (file == NULL || file->size_bytes <= 0)
		return scan->n_values > 0 ? scan->n_values : 1e5;
	if (file->n_rows > 0)
		return (double)file->n_rows;
	return (double)file->size_bytes / (8.0 * (file->n_columns > 0 ? file->n_columns : 1));
}

/*
 * A join on keys has |A| |B| / d rows, d the number of distinct keys: that of the side that has fewer.  A test keeps the share that the
 * tested rows' conditions leave of their keys.
 */
static double
estimate_join(const Logical *node, double *base)
{
	const JoinHashSpec *spec = node->spec;
	double				left = logical_estimate(node->inputs[0], base), right_base;
	double				right = logical_estimate(node->inputs[1], &right_base);
	double				share = right < right_base ? right / right_base : 1, distinct = *base < right_base ? *base : right_base;

	switch (spec->kind) {
	case JOIN_SEMI:
		return left * share;
	case JOIN_ANTI:
		return left * (share < 0.9 ? 1 - share : 0.1);
	default:
		break;
	}
	if (spec->n_keys == 0)
		return spec->single ? left : left * right;
	if (spec->kind == JOIN_INNER && node->estimated_rows > 0)
		return node->estimated_rows;
	if (spec->kind == JOIN_INNER)
		return left * right / distinct;
	return left > right ? left : right;
}

double
logical_estimate(const Logical *node, double *base)
{
	double rows;

	switch (node->kind) {
	case LOGICAL_SCAN:
		rows = *base = estimate_at_least_one(estimate_scan(node->spec));
		break;
	case LOGICAL_FILTER:
		rows = logical_estimate(node->inputs[0], base) * condition_selectivity(((const FilterSpec *)node->spec)->condition);
		break;
	case LOGICAL_AGGREGATE:
		rows = logical_estimate(node->inputs[0], base) / 4;
		*base = estimate_at_least_one(*base / 4);
		if (((const AggregateSpec *)node->spec)->n_keys == 0)
			rows = *base = 1;
		break;
	case LOGICAL_LIMIT: {
		double n = (double)((const LimitSpec *)node->spec)->n_rows;

		rows = logical_estimate(node->inputs[0], base);
		rows = rows < n ? rows : n;
		break;
	}
	case LOGICAL_JOIN_HASH:
		rows = estimate_join(node, base);
		break;
	case LOGICAL_UNION: {
		double other;

		rows = logical_estimate(logical_input(node, 0), base) + logical_estimate(logical_input(node, 1), &other);
		*base += other;
		break;
	}
	default:
		rows = node->n_inputs > 0 ? logical_estimate(logical_input(node, 0), base) : (*base = 1e5);
		break;
	}
	return estimate_at_least_one(rows);
}
