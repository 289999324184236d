#include "exec/plan.h"

#include <stdio.h>
#include <stdlib.h>

#include "exec/op/scan.h"

struct Explain {
	StrBuf *out;
	int		n;			/* properties so far on this line */
};

static void
explain_name(Explain *out, const char *name)
{
	strbuf_add_text(out->out, out->n++ == 0 ? " [" : ", ");
	strbuf_add_text(out->out, name);
	strbuf_add_text(out->out, ": ");
}

void
explain_text(Explain *out, const char *name, const char *text)
{
	explain_name(out, name);
	strbuf_add_text(out->out, text);
}

void
explain_int(Explain *out, const char *name, int64_t value)
{
	explain_name(out, name);
	strbuf_printf(out->out, "%lld", (long long)value);
}

void
explain_expr(Explain *out, const char *name, const Expr *expr)
{
	explain_name(out, name);
	expr_print(expr, out->out);
}

void
explain_exprs(Explain *out, const char *name, Expr *const *exprs, int n)
{
	explain_name(out, name);
	for (int i = 0; i < n; i++) {
		if (i > 0)
			strbuf_add_text(out->out, ", ");
		expr_print(exprs[i], out->out);
	}
}

enum { SHOWN_BYTES = 50000 };		/* less is 0.0 MB */

static void
explain_measures(const Op *op, StrBuf *out)
{
	strbuf_printf(out, " (rows in %lld, out %lld", (long long)op->rows_in, (long long)op->rows_out);
	if (op->nanos > 0)
		strbuf_printf(out, ", %.1f ms", (double)op->nanos / 1e6);
	if (op->state_rows > 0)
		strbuf_printf(out, ", state %lld rows", (long long)op->state_rows);
	if (op->memory_bytes >= SHOWN_BYTES)
		strbuf_printf(out, ", memory %.1f MB", (double)op->memory_bytes / 1e6);
	if (op->spilled_bytes > 0)
		strbuf_printf(out, ", spilled %.1f MB", (double)op->spilled_bytes / 1e6);
	if (op->late_rows > 0)
		strbuf_printf(out, ", late %lld", (long long)op->late_rows);
	strbuf_add_char(out, ')');
}

void
spec_explain(const OpType *type, const void *spec, StrBuf *out)
{
	Explain explain = {.out = out};

	strbuf_add_text(out, type->name);
	if (type->explain != NULL && spec != NULL)
		type->explain(spec, &explain);
	if (explain.n > 0)
		strbuf_add_char(out, ']');
}

static const ScanSpec *
scan_of(const PlanNode *node)
{
	return node->op == &op_scan ? node->spec : NULL;
}

static void explain_branches(const RecursiveSpec *spec, int depth, StrBuf *out);

static void
explain_node(const PlanNode *node, int depth, Op *const *ops, int n_ops, StrBuf *out)
{
	const ScanSpec *scan = scan_of(node);

	strbuf_add_repeat(out, ' ', (size_t)depth * 2);
	spec_explain(node->op, node->spec, out);
	for (int i = 0; i < n_ops; i++)
		if (ops[i] != NULL && ops[i]->id == node->id)
			explain_measures(ops[i], out);
	strbuf_add_char(out, '\n');
	for (int i = 0; i < node->n_inputs; i++)
		explain_node(node->inputs[i], depth + 1, ops, n_ops, out);
	if (scan != NULL && scan->recursive != NULL && !scan->is_working)
		explain_branches(scan->recursive, depth + 1, out);
}

/* Their plans run once for each iteration: nothing is measured. */
static void
explain_branches(const RecursiveSpec *spec, int depth, StrBuf *out)
{
	const Plan *branches[] = {spec->base, spec->step};

	for (int i = 0; i < 2; i++) {
		strbuf_add_repeat(out, ' ', (size_t)depth * 2);
		strbuf_add_text(out, i == 0 ? "First\n" : "Each iteration\n");
		for (int n = 0; n < branches[i]->root->n_inputs; n++)
			explain_node(branches[i]->root->inputs[n], depth + 1, NULL, 0, out);
	}
}

typedef struct Seen {
	int				 n, capacity;
	const KeptSpec **specs;
} Seen;

/* Queries whose rows are kept, each once and before those that read it. */
static void
explain_kept(const PlanNode *node, Seen *seen, StrBuf *out)
{
	const ScanSpec *scan = scan_of(node);

	for (int i = 0; i < node->n_inputs; i++)
		explain_kept(node->inputs[i], seen, out);
	if (scan != NULL && scan->recursive != NULL && !scan->is_working) {
		explain_kept(scan->recursive->base->root, seen, out);
		explain_kept(scan->recursive->step->root, seen, out);
	}
	if (scan == NULL || scan->kept == NULL)
		return;
	for (int i = 0; i < seen->n; i++)
		if (seen->specs[i] == scan->kept)
			return;
	grow_array(seen->specs, seen->n, seen->capacity);
	seen->specs[seen->n++] = scan->kept;
	explain_kept(scan->kept->plan->root, seen, out);
	plan_explain(scan->kept->plan, NULL, 0, out);
}

void
plan_explain(const Plan *plan, Op *const *ops, int n_ops, StrBuf *out)
{
	Seen seen = {0};

	if (ops == NULL && plan->name == NULL)
		explain_kept(plan->root, &seen, out);
	free(seen.specs);
	if (plan->name != NULL)
		strbuf_printf(out, "With %s, computed once\n", plan->name);
	else
		strbuf_printf(out, "%s\n", plan->is_bounded ? "Bounded plan" : "Continuous plan");
	explain_node(plan->root, 1, ops, n_ops, out);
}
