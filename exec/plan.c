#include "exec/plan.h"

#include <stdio.h>

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

static void
explain_measures(const Op *op, StrBuf *out)
{
	strbuf_printf(out, " (rows in %lld, out %lld", (long long)op->rows_in, (long long)op->rows_out);
	if (op->nanos > 0)
		strbuf_printf(out, ", %.1f ms", (double)op->nanos / 1e6);
	if (op->state_rows > 0)
		strbuf_printf(out, ", state %lld rows", (long long)op->state_rows);
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

static void
explain_node(const PlanNode *node, int depth, Op *const *ops, int n_ops, StrBuf *out)
{
	strbuf_add_repeat(out, ' ', (size_t)depth * 2);
	spec_explain(node->op, node->spec, out);
	for (int i = 0; i < n_ops; i++)
		if (ops[i] != NULL && ops[i]->id == node->id)
			explain_measures(ops[i], out);
	strbuf_add_char(out, '\n');
	for (int i = 0; i < node->n_inputs; i++)
		explain_node(node->inputs[i], depth + 1, ops, n_ops, out);
}

void
plan_explain(const Plan *plan, Op *const *ops, int n_ops, StrBuf *out)
{
	strbuf_printf(out, "%s\n", plan->is_bounded ? "Bounded plan" : "Continuous plan");
	explain_node(plan->root, 1, ops, n_ops, out);
}
