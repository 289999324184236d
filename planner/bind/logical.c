/* Making logical nodes. */
#include "planner/bind/bind.h"

Logical *
logical_new(Arena *arena, LogicalKind kind, Logical *input)
{
	Logical *node = arena_new(arena, Logical);

	node->kind = kind;
	node->estimated_rows = -1;
	if (input != NULL) {
		node->n_inputs = 1;
		node->inputs[0] = input;
		node->n_columns = input->n_columns;
		node->columns = input->columns;
		node->n_key = input->n_key;
		node->n_front = input->n_front;
		node->is_table = input->is_table;
		node->window = input->window;
		node->estimated_rows = input->estimated_rows;
	}
	return node;
}

Logical *
logical_input(const Logical *node, int i)
{
	return node->more_inputs != NULL ? node->more_inputs[i] : node->inputs[i];
}

void
logical_set_input(Logical *node, int i, Logical *input)
{
	if (node->more_inputs != NULL)
		node->more_inputs[i] = input;
	else
		node->inputs[i] = input;
}

bool
logical_any(Logical *node, bool (*test)(Logical *node, void *context), void *context)
{
	if (test(node, context))
		return true;
	for (int i = 0; i < node->n_inputs; i++)
		if (logical_any(logical_input(node, i), test, context))
			return true;
	return false;
}

Logical *
logical_filter(Arena *arena, Logical *input, Expr *condition)
{
	Logical	   *node = logical_new(arena, LOGICAL_FILTER, input);
	FilterSpec *spec = arena_new(arena, FilterSpec);

	spec->condition = condition;
	spec->is_table = input->is_table;
	spec->n_key = input->n_key;
	spec->is_windowed = input->window.kind != WINDOW_NONE;
	spec->is_session = input->window.kind == WINDOW_SESSION;
	spec->retention_ms = input->window.retention_ms;
	node->spec = spec;
	node->estimated_rows = input->estimated_rows < 0 ? -1 : input->estimated_rows / 3;
	return node;
}

Logical *
logical_project(Arena *arena, Logical *input, Expr *const *exprs, const char *const *names, int n, int n_key)
{
	Logical		*node = logical_new(arena, LOGICAL_PROJECT, input);
	ProjectSpec *spec = arena_new(arena, ProjectSpec);
	Column		*columns = arena_array(arena, Column, n + 1);

	for (int i = 0; i < n; i++)
		columns[i] = (Column){names[i], exprs[i]->type};
	spec->n_columns = n;
	spec->n_key = n_key;
	spec->columns = (const Expr *const *)exprs;
	spec->names = names;
	node->n_columns = n;
	node->columns = columns;
	node->n_key = n_key;
	node->n_front = 0;
	node->spec = spec;
	return node;
}

/* Groups by all columns, dropped when they are empty. */
Logical *
logical_distinct_table(Arena *arena, Logical *input)
{
	Logical		  *node = logical_new(arena, LOGICAL_AGGREGATE, input);
	AggregateSpec *spec = arena_new(arena, AggregateSpec);
	int			   front = input->n_front, n = input->n_columns - front;
	Expr		 **keys = arena_array(arena, Expr *, n + 1);
	Column		  *columns = arena_array(arena, Column, n + 1);

	for (int i = 0; i < n; i++) {
		columns[i] = input->columns[front + i];
		keys[i] = expr_column(arena, front + i, columns[i].type, columns[i].name);
	}
	spec->n_keys = n;
	spec->keys = (const Expr *const *)keys;
	spec->emit = AGGREGATE_CHANGES;
	spec->is_table = true;
	spec->n_input_key = input->n_key;
	spec->drops_empty_groups = true;
	node->n_columns = node->n_key = n;
	node->columns = columns;
	node->n_front = 0;
	node->window = (WindowSpec){0};
	node->spec = spec;
	return node;
}

const char *
logical_kind_name(LogicalKind kind)
{
	static const char *const names[] = {"Scan",		  "Filter",		 "Project",			 "FlatMap",		   "Exchange",
										"Materialise", "Expire",	  "Aggregate",	 "JoinHash",		 "JoinWindow",	   "JoinStreamTable",
										"JoinTableTable", "JoinForeign", "JoinSemi",	 "WindowFunction", "Sort",		   "TopN",			 "Limit",
										"Distinct",	  "SetOp",		 "Union",			 "Sink",		   "Result"};

	return names[kind];
}

static Expr *
shift_column(const Expr *e, void *context)
{
	struct {
		Arena *arena;
		int	   by;
	} *shift = context;

	if (e->kind != EXPR_COLUMN || e->index >= REF_AGGREGATE)
		return NULL;
	return expr_column(shift->arena, e->index + shift->by, e->type, e->name);
}

Expr *
logical_shift(Arena *arena, const Expr *e, int by)
{
	struct {
		Arena *arena;
		int	   by;
	} shift = {arena, by};

	return by == 0 ? (Expr *)e : expr_transform(arena, e, shift_column, &shift);
}
