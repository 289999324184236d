/*
 * CREATE OR REPLACE ... AS: which plans may take the place of a running one and go on with its state.  Filters and
 * projections may change, steps that keep state may not, and a query that joins may not change at all.
 */
#include "common/hash.h"
#include "exec/op/join_stream.h"
#include "planner/bind/bind.h"

static void
print_exprs(const Expr *const *exprs, int n, StrBuf *out)
{
	for (int i = 0; i < n; i++) {
		strbuf_add_char(out, ';');
		expr_print(exprs[i], out);
	}
}

static void
print_aggregate(const AggregateSpec *spec, StrBuf *out)
{
	print_exprs(spec->keys, spec->n_keys, out);
	for (int i = 0; i < spec->n_items; i++) {
		strbuf_printf(out, ";%s", spec->items[i].function->name);
		for (int k = 0; k < spec->items[i].n_args; k++)
			if (spec->items[i].args[k]->kind == EXPR_COLUMN)
				strbuf_printf(out, ",%s", spec->items[i].args[k]->name);
	}
	if (spec->window.kind != WINDOW_NONE)
		window_print(&spec->window, out);
}

static void
print_join(const PlanNode *node, StrBuf *out)
{
	if (node->op == &op_join_window) {
		const JoinWindowSpec *spec = node->spec;

		strbuf_printf(out, "%d %lld %lld %lld", spec->kind, (long long)spec->before_ms, (long long)spec->after_ms, (long long)spec->grace_ms);
	} else if (node->op == &op_join_foreign)
		strbuf_printf(out, "%d", ((const JoinForeignSpec *)node->spec)->kind);
	else if (node->op == &op_join_stream_table || node->op == &op_join_table_table)
		strbuf_printf(out, "%d", ((const JoinTableSpec *)node->spec)->kind);
}

static uint64_t
shape_of(const PlanNode *node, bool has_join, uint64_t h)
{
	StrBuf buf = {0};

	for (int i = 0; i < node->n_inputs; i++)
		h = shape_of(node->inputs[i], has_join, h);
	if (node->op == &op_exchange || node->op == &op_sink || (!has_join && (node->op == &op_filter || node->op == &op_project)))
		return h;
	strbuf_add_text(&buf, node->op->name);
	if (node->op == &op_filter)
		expr_print(((const FilterSpec *)node->spec)->condition, &buf);
	if (node->op == &op_project)
		print_exprs((const Expr *const *)((const ProjectSpec *)node->spec)->columns, ((const ProjectSpec *)node->spec)->n_columns, &buf);
	if (node->op == &op_scan)
		strbuf_add_text(&buf, ((const ScanSpec *)node->spec)->source->name);
	if (node->op == &op_aggregate)
		print_aggregate(node->spec, &buf);
	print_join(node, &buf);
	h = hash_combine(h, hash_bytes(strbuf_text(&buf), buf.length));
	strbuf_free(&buf);
	return h;
}

static uint64_t
plan_shape(const Plan *plan)
{
	return shape_of(plan->root, plan->n_sources > 1, 0x7e);
}

/* ---- what is told ---- */

static const PlanNode *
find_node(const PlanNode *node, const OpType *op)
{
	const PlanNode *found = node->op == op ? node : NULL;

	for (int i = 0; i < node->n_inputs && found == NULL; i++)
		found = find_node(node->inputs[i], op);
	return found;
}

/* The columns that reach an aggregation: those grouped by, then those of the aggregates' arguments. */
static const char *
columns_of(Arena *arena, const AggregateSpec *spec)
{
	StrBuf		text = {0};
	const char *copy;

	for (int i = 0; i < spec->n_keys + spec->n_items; i++) {
		const AggregateItem *item = i < spec->n_keys ? NULL : &spec->items[i - spec->n_keys];
		const Expr			*e = item == NULL ? spec->keys[i] : item->n_args > 0 ? item->args[0] : NULL;
		const char			*name = e == NULL ? "ROWTIME" : e->kind == EXPR_COLUMN ? e->name : NULL;
		const char			*quoted = name != NULL ? arena_printf(arena, "`%s`", name) : NULL;

		if (quoted != NULL && (text.length == 0 || strstr(strbuf_text(&text), quoted) == NULL))
			strbuf_printf(&text, "%s%s", text.length > 0 ? ", " : "", quoted);
	}
	copy = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	return copy;
}

static Status
refuse_aggregate(Arena *arena, const PlanNode *old_node, const PlanNode *new_node, Error *err)
{
	const AggregateSpec *old_spec = old_node->spec, *new_spec = new_node != NULL ? new_node->spec : NULL;
	const char			*a, *b;

	if (old_spec->window.kind != WINDOW_NONE)
		return error_user(err, "Upgrades not yet supported for StreamWindowedAggregate");
	if (old_spec->is_table)
		return error_user(err, "Upgrades not yet supported for TableAggregate");
	if (new_spec == NULL)
		return error_user(err, "Query is not upgradeable. The new query does not aggregate");
	a = columns_of(arena, old_spec);
	b = columns_of(arena, new_spec);
	if (strcmp(a, b) != 0)
		return error_user(err, "Query is not upgradeable. Plan step of type StreamAggregate must have matching columns not part of aggregate. "
							   "Values differ: [%s] vs. [%s]", a, b);
	return error_user(err, "Query is not upgradeable. Plan step of type StreamAggregate must have matching aggregations");
}

Status
plan_check_upgrade(Arena *arena, const Plan *old_plan, const Plan *new_plan, Error *err)
{
	static const struct {
		const OpType *op;
		const char	 *step;
	} joins[] = {{&op_join_window, "StreamStreamJoin"}, {&op_join_stream_table, "StreamTableJoin"},
				 {&op_join_table_table, "TableTableJoin"}, {&op_join_foreign, "ForeignKeyTableTableJoin"}};
	const PlanNode *old_node, *new_node;

	if (plan_shape(old_plan) == plan_shape(new_plan))
		return OK;
	for (size_t i = 0; i < sizeof joins / sizeof *joins; i++)
		if (find_node(old_plan->root, joins[i].op) != NULL)
			return error_user(err, "Upgrades not yet supported for %s", joins[i].step);
	old_node = find_node(old_plan->root, &op_aggregate);
	new_node = find_node(new_plan->root, &op_aggregate);
	if (old_node != NULL)
		return refuse_aggregate(arena, old_node, new_node, err);
	return error_user(err, "Query is not upgradeable. The part of the plan that keeps state, or its sources, would change");
}
