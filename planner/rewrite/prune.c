/*
 * Delivers only the columns that are used.  Goes down with the set of wanted output columns of a node and comes back with
 * where each of them is now (-1: gone).  Keys of tables and of whatever re-keys or joins always stay.
 */
#include "planner/bind/bind.h"

typedef struct Remap {
	Arena	  *arena;
	const int *map;
} Remap;

static Expr *
remap_column(const Expr *e, void *data)
{
	Remap *r = data;

	if (e->kind != EXPR_COLUMN || r->map[e->index] == e->index)
		return NULL;
	return expr_column(r->arena, r->map[e->index], e->type, e->name);
}

static Expr *
remap(Arena *arena, const Expr *e, const int *map)
{
	Remap r = {arena, map};

	return e == NULL ? NULL : expr_transform(arena, e, remap_column, &r);
}

static const Expr *const *
remap_list(Arena *arena, const Expr *const *list, int n, const int *map)
{
	const Expr **out = arena_array(arena, const Expr *, n + 1);

	for (int i = 0; i < n; i++)
		out[i] = remap(arena, list[i], map);
	return out;
}

static void
use(const Expr *e, bool *used)
{
	if (e != NULL)
		expr_columns_used(e, used);
}

static void
use_first(bool *used, int n)
{
	for (int i = 0; i < n; i++)
		used[i] = true;
}

static int *prune(RewriteContext *context, Logical *node, bool *used);

static bool *
wants(RewriteContext *context, const Logical *node)
{
	return arena_array(context->arena, bool, node->n_columns + 1);
}

/* Makes the node's columns those with keep set; gives the map. */
static int *
keep_columns(RewriteContext *context, Logical *node, const bool *keep)
{
	Column *columns = arena_array(context->arena, Column, node->n_columns + 1);
	int	   *map = arena_array(context->arena, int, node->n_columns + 1);
	int		n = 0, n_key = 0;

	for (int i = 0; i < node->n_columns; i++) {
		map[i] = -1;
		if (!keep[i])
			continue;
		if (i < node->n_key)
			n_key++;
		columns[n] = node->columns[i];
		map[i] = n++;
	}
	node->columns = columns;
	node->n_columns = n;
	node->n_key = n_key;
	return map;
}

static int *
prune_scan(RewriteContext *context, Logical *node, bool *used)
{
	LogicalScan *spec = node->spec;
	ScanColumn	*columns = arena_array(context->arena, ScanColumn, node->n_columns + 1);
	int			 n = 0, total = node->n_columns;
	int			*map;
	bool		 any_key = node->is_table;

	use(spec->timestamp, used);
	for (int i = 0; i < node->n_key; i++)
		any_key |= used[i];
	if (any_key)
		use_first(used, node->n_key);
	if (spec->values != NULL || spec->n_values > 0) {
		/* The values are laid out row by row for all columns: keep them. */
		use_first(used, node->n_columns);
	}
	for (int i = 0; i < total; i++)
		if (used[i])
			columns[n++] = spec->columns[i];
	map = keep_columns(context, node, used);
	spec->columns = columns;
	spec->timestamp = remap(context->arena, spec->timestamp, map);
	return map;
}

static int *
prune_project(RewriteContext *context, Logical *node, bool *used)
{
	ProjectSpec *spec = node->spec;
	Logical		*input = node->inputs[0];
	bool		*below = wants(context, input);
	const Expr **exprs = arena_array(context->arena, const Expr *, spec->n_columns + 1);
	const char **names = arena_array(context->arena, const char *, spec->n_columns + 1);
	bool		*nulls = NULL;
	int			*map, *out;
	int			 n = 0, total = spec->n_columns;

	if (node->is_table)
		use_first(used, node->n_key);
	for (int i = 0; i < total; i++)
		if (used[i])
			use(spec->columns[i], below);
	map = prune(context, input, below);
	if (spec->key_is_null_for_null_value != NULL)
		nulls = arena_array(context->arena, bool, spec->n_key + 1);
	for (int i = 0; i < total; i++) {
		if (!used[i])
			continue;
		if (nulls != NULL && i < spec->n_key)
			nulls[n] = spec->key_is_null_for_null_value[i];
		exprs[n] = remap(context->arena, spec->columns[i], map);
		names[n++] = spec->names[i];
	}
	out = keep_columns(context, node, used);
	spec->columns = exprs;
	spec->names = names;
	spec->n_columns = n;
	spec->n_key = node->n_key;
	spec->key_is_null_for_null_value = nulls;
	return out;
}

static int *
prune_aggregate(RewriteContext *context, Logical *node)
{
	AggregateSpec *spec = node->spec;
	Logical		  *input = node->inputs[0];
	bool		  *below = wants(context, input);
	AggregateItem *items = arena_array(context->arena, AggregateItem, spec->n_items + 1);
	int			  *map, *out = arena_array(context->arena, int, node->n_columns + 1);

	if (spec->n_items > 0)
		memcpy(items, spec->items, sizeof *items * (size_t)spec->n_items);
	for (int i = 0; i < spec->n_keys; i++)
		use(spec->keys[i], below);
	for (int i = 0; i < spec->n_items; i++) {
		for (int j = 0; j < items[i].n_args; j++)
			use(items[i].args[j], below);
		use(items[i].filter, below);
		for (int j = 0; j < items[i].n_order_by; j++)
			use(items[i].order_by[j], below);
	}
	if (spec->is_table)
		use_first(below, spec->n_input_key);
	map = prune(context, input, below);
	spec->keys = remap_list(context->arena, spec->keys, spec->n_keys, map);
	for (int i = 0; i < spec->n_items; i++) {
		items[i].args = remap_list(context->arena, items[i].args, items[i].n_args, map);
		items[i].filter = remap(context->arena, items[i].filter, map);
		items[i].order_by = remap_list(context->arena, items[i].order_by, items[i].n_order_by, map);
	}
	spec->items = items;
	for (int i = 0; i < node->n_columns; i++)
		out[i] = i;
	return out;
}

static int *
prune_flat_map(RewriteContext *context, Logical *node, bool *used)
{
	FlatMapSpec *spec = node->spec;
	Logical		*input = node->inputs[0];
	int			 n_in = input->n_columns;
	bool		*below = wants(context, input);
	FlatMapItem *items = arena_memdup(context->arena, spec->items, sizeof *items * (size_t)spec->n_items);
	int			*map;

	for (int i = 0; i < n_in; i++)
		below[i] = used[i];
	for (int i = 0; i < spec->n_items; i++)
		for (int j = 0; j < items[i].n_args; j++)
			use(items[i].args[j], below);
	map = prune(context, input, below);
	for (int i = 0; i < spec->n_items; i++) {
		items[i].args = remap_list(context->arena, items[i].args, items[i].n_args, map);
		used[n_in + i] = true;
	}
	for (int i = 0; i < n_in; i++)
		used[i] = map[i] >= 0;
	spec->items = items;
	return keep_columns(context, node, used);
}

static const SortKey *
remap_sort(Arena *arena, const SortKey *keys, int n, const int *map)
{
	SortKey *out = arena_memdup(arena, keys, sizeof *out * (size_t)(n > 0 ? n : 1));

	for (int i = 0; i < n; i++)
		out[i].expr = remap(arena, keys[i].expr, map);
	return out;
}

static int *
prune_window_function(RewriteContext *context, Logical *node, bool *used)
{
	WindowFunctionSpec *spec = node->spec;
	Logical			   *input = node->inputs[0];
	int					n_in = input->n_columns;
	bool			   *below = wants(context, input);
	WindowFunctionItem *items = arena_memdup(context->arena, spec->items, sizeof *items * (size_t)spec->n_items);
	int				   *map;

	for (int i = 0; i < n_in; i++)
		below[i] = used[i];
	for (int i = 0; i < spec->n_partition; i++)
		use(spec->partition[i], below);
	for (int i = 0; i < spec->n_order; i++)
		use(spec->order[i].expr, below);
	for (int i = 0; i < spec->n_items; i++) {
		for (int j = 0; j < items[i].n_args; j++)
			use(items[i].args[j], below);
		for (int j = 0; j < items[i].aggregate.n_args; j++)
			use(items[i].aggregate.args[j], below);
		use(items[i].aggregate.filter, below);
	}
	map = prune(context, input, below);
	spec->partition = remap_list(context->arena, spec->partition, spec->n_partition, map);
	spec->order = remap_sort(context->arena, spec->order, spec->n_order, map);
	for (int i = 0; i < spec->n_items; i++) {
		items[i].args = remap_list(context->arena, items[i].args, items[i].n_args, map);
		items[i].aggregate.args = remap_list(context->arena, items[i].aggregate.args, items[i].aggregate.n_args, map);
		items[i].aggregate.filter = remap(context->arena, items[i].aggregate.filter, map);
		used[n_in + i] = true;
	}
	spec->items = items;
	for (int i = 0; i < n_in; i++)
		used[i] = map[i] >= 0;
	return keep_columns(context, node, used);
}

static const Type *const *
types_of(RewriteContext *context, const Logical *node)
{
	const Type **types = arena_array(context->arena, const Type *, node->n_columns + 1);

	for (int i = 0; i < node->n_columns; i++)
		types[i] = node->columns[i].type;
	return types;
}

/* Output columns: n_front key columns (streaming joins), all left, all right (if has_right). */
static int *
join_output(RewriteContext *context, Logical *node, int n_front, int n_left, int n_right, bool has_right, const int *left,
			const int *right)
{
	Logical *l = node->inputs[0], *r = node->inputs[1];
	Column	*columns = arena_array(context->arena, Column, n_front + l->n_columns + r->n_columns + 1);
	int		*map = arena_array(context->arena, int, node->n_columns + 1);

	for (int i = 0; i < n_front; i++) {
		columns[i] = node->columns[i];
		map[i] = i;
	}
	for (int i = 0; i < n_left; i++) {
		map[n_front + i] = left[i] < 0 ? -1 : n_front + left[i];
		if (left[i] >= 0)
			columns[n_front + left[i]] = node->columns[n_front + i];
	}
	for (int i = 0; i < n_right && has_right; i++) {
		map[n_front + n_left + i] = right[i] < 0 ? -1 : n_front + l->n_columns + right[i];
		if (right[i] >= 0)
			columns[n_front + l->n_columns + right[i]] = node->columns[n_front + n_left + i];
	}
	node->columns = columns;
	node->n_columns = n_front + l->n_columns + (has_right ? r->n_columns : 0);
	return map;
}

static int *
prune_hash(RewriteContext *context, Logical *node, bool *used)
{
	JoinHashSpec *spec = node->spec;
	Logical		 *l = node->inputs[0], *r = node->inputs[1];
	bool		 *left_used = wants(context, l), *right_used = wants(context, r);
	bool		 *both = arena_array(context->arena, bool, spec->n_left + spec->n_right + 1);
	bool		  has_right = spec->kind != JOIN_SEMI && spec->kind != JOIN_ANTI;
	int			 *left, *right, *joined;
	int			  n_left = spec->n_left, n_right = spec->n_right;

	use(spec->residual, both);
	for (int i = 0; i < n_left; i++)
		left_used[i] = used[i] || both[i];
	for (int i = 0; i < n_right; i++)
		right_used[i] = (has_right && used[n_left + i]) || both[n_left + i];
	for (int i = 0; i < spec->n_keys; i++) {
		use(spec->left_keys[i], left_used);
		use(spec->right_keys[i], right_used);
	}
	left = prune(context, l, left_used);
	right = prune(context, r, right_used);
	spec->left_keys = remap_list(context->arena, spec->left_keys, spec->n_keys, left);
	spec->right_keys = remap_list(context->arena, spec->right_keys, spec->n_keys, right);
	joined = arena_array(context->arena, int, n_left + n_right + 1);
	for (int i = 0; i < n_left; i++)
		joined[i] = left[i];
	for (int i = 0; i < n_right; i++)
		joined[n_left + i] = right[i] < 0 ? -1 : l->n_columns + right[i];
	spec->residual = remap(context->arena, spec->residual, joined);
	spec->n_left = l->n_columns;
	spec->n_right = r->n_columns;
	spec->left_types = types_of(context, l);
	spec->right_types = types_of(context, r);
	return join_output(context, node, 0, n_left, n_right, has_right, left, right);
}

static int *
prune_stream_join(RewriteContext *context, Logical *node, bool *used, int n_key, int n_right_key)
{
	Logical *l = node->inputs[0], *r = node->inputs[1];
	bool	*left_used = wants(context, l), *right_used = wants(context, r);
	int		 n_left = l->n_columns, n_right = r->n_columns;
	int		*left, *right;

	for (int i = 0; i < n_left; i++)
		left_used[i] = used[n_key + i];
	for (int i = 0; i < n_right; i++)
		right_used[i] = used[n_key + n_left + i];
	use_first(left_used, n_key);
	use_first(right_used, n_right_key);
	if (node->kind == LOGICAL_JOIN_FOREIGN) {
		JoinForeignSpec *spec = node->spec;

		for (int i = 0; i < spec->n_foreign; i++)
			use(spec->foreign[i], left_used);
	}
	if (node->kind == LOGICAL_JOIN_WINDOW && ((JoinWindowSpec *)node->spec)->residual != NULL) {
		bool *both = arena_array(context->arena, bool, n_left + n_right + 1);

		use(((JoinWindowSpec *)node->spec)->residual, both);
		for (int i = 0; i < n_left + n_right; i++)
			if (both[i])
				(i < n_left ? left_used : right_used)[i < n_left ? i : i - n_left] = true;
	}
	left = prune(context, l, left_used);
	right = prune(context, r, right_used);
	switch (node->kind) {
	case LOGICAL_JOIN_WINDOW: {
		JoinWindowSpec *spec = node->spec;
		int			   *joined = arena_array(context->arena, int, n_left + n_right + 1);

		for (int i = 0; i < n_left + n_right; i++)
			joined[i] = i < n_left ? left[i] : right[i - n_left] < 0 ? -1 : l->n_columns + right[i - n_left];
		spec->residual = remap(context->arena, spec->residual, joined);
		spec->n_left = l->n_columns;
		spec->n_right = r->n_columns;
		spec->left_types = types_of(context, l);
		spec->right_types = types_of(context, r);
		break;
	}
	case LOGICAL_JOIN_FOREIGN: {
		JoinForeignSpec *spec = node->spec;

		spec->foreign = remap_list(context->arena, spec->foreign, spec->n_foreign, left);
		spec->n_left = l->n_columns;
		spec->n_right = r->n_columns;
		spec->left_types = types_of(context, l);
		spec->right_types = types_of(context, r);
		break;
	}
	default: {
		JoinTableSpec *spec = node->spec;

		spec->n_left = l->n_columns;
		spec->n_right = r->n_columns;
		spec->left_types = types_of(context, l);
		spec->right_types = types_of(context, r);
		break;
	}
	}
	return join_output(context, node, n_key, n_left, n_right, true, left, right);
}

static int *pass(RewriteContext *context, Logical *node, bool *used);

/* The right side gives its join keys, and its own key where it is a table. */
static int *
prune_semi(RewriteContext *context, Logical *node, bool *used)
{
	JoinSemiSpec *spec = node->spec;
	Logical		 *right = node->inputs[1];
	bool		 *right_used = wants(context, right);
	int			 *map;

	for (int i = 0; i < spec->n_keys; i++) {
		use(spec->left_keys[i], used);
		use(spec->right_keys[i], right_used);
	}
	use_first(used, spec->n_left_key);
	use_first(right_used, spec->n_right_key);
	map = prune(context, right, right_used);
	spec->right_keys = remap_list(context->arena, spec->right_keys, spec->n_keys, map);
	map = pass(context, node, used);
	spec->left_keys = remap_list(context->arena, spec->left_keys, spec->n_keys, map);
	spec->n_left = node->n_columns;
	spec->left_types = types_of(context, node);
	return map;
}

/* Nodes that hand on their input's columns. */
static int *
pass(RewriteContext *context, Logical *node, bool *used)
{
	Logical *input = node->inputs[0];
	int		*map = prune(context, input, used);
	bool	*keep = arena_array(context->arena, bool, node->n_columns + 1);

	for (int i = 0; i < node->n_columns; i++)
		keep[i] = map[i] >= 0;
	return keep_columns(context, node, keep);
}

static int *
prune(RewriteContext *context, Logical *node, bool *used)
{
	int *map;

	switch (node->kind) {
	case LOGICAL_SCAN:
		return prune_scan(context, node, used);
	case LOGICAL_FILTER: {
		FilterSpec *spec = node->spec;

		use(spec->condition, used);
		if (spec->is_table)
			use_first(used, spec->n_key);
		map = pass(context, node, used);
		spec->condition = remap(context->arena, spec->condition, map);
		return map;
	}
	case LOGICAL_PROJECT:
		return prune_project(context, node, used);
	case LOGICAL_FLAT_MAP:
		return prune_flat_map(context, node, used);
	case LOGICAL_EXCHANGE:
		use_first(used, ((ExchangeSpec *)node->spec)->n_key);
		return pass(context, node, used);
	case LOGICAL_EXPIRE:
		use_first(used, ((ExpireSpec *)node->spec)->n_key);
		return pass(context, node, used);
	case LOGICAL_MATERIALISE:
		use_first(used, ((MaterialiseSpec *)node->spec)->n_key);
		return pass(context, node, used);
	case LOGICAL_AGGREGATE:
		return prune_aggregate(context, node);
	case LOGICAL_JOIN_HASH:
	case LOGICAL_JOIN_ASOF:		/* its spec begins with the hash join's */
		return prune_hash(context, node, used);
	case LOGICAL_JOIN_WINDOW: {
		int n_key = ((JoinWindowSpec *)node->spec)->n_key;

		return prune_stream_join(context, node, used, n_key, n_key);
	}
	case LOGICAL_JOIN_STREAM_TABLE:
	case LOGICAL_JOIN_TABLE_TABLE: {
		int n_key = ((JoinTableSpec *)node->spec)->n_key;

		return prune_stream_join(context, node, used, n_key, n_key);
	}
	case LOGICAL_JOIN_FOREIGN: {
		JoinForeignSpec *spec = node->spec;

		return prune_stream_join(context, node, used, spec->n_key, spec->n_foreign);
	}
	case LOGICAL_WINDOW_FUNCTION:
		return prune_window_function(context, node, used);
	case LOGICAL_SORT: {
		SortSpec *spec = node->spec;

		for (int i = 0; i < spec->n_keys; i++)
			use(spec->keys[i].expr, used);
		map = pass(context, node, used);
		spec->keys = remap_sort(context->arena, spec->keys, spec->n_keys, map);
		return map;
	}
	case LOGICAL_TOP_N: {
		TopNSpec *spec = node->spec;

		for (int i = 0; i < spec->n_keys; i++)
			use(spec->keys[i].expr, used);
		use_first(used, spec->n_key);
		map = pass(context, node, used);
		spec->keys = remap_sort(context->arena, spec->keys, spec->n_keys, map);
		spec->n_columns = node->n_columns;
		spec->types = types_of(context, node);
		return map;
	}
	case LOGICAL_JOIN_SEMI:
		return prune_semi(context, node, used);
	case LOGICAL_LIMIT:
		return pass(context, node, used);
	case LOGICAL_UNION: {
		bool *keep = arena_array(context->arena, bool, node->n_columns + 1);

		for (int i = 0; i < node->n_inputs; i++) {
			Logical *input = logical_input(node, i);
			bool	*copy = arena_memdup(context->arena, used, sizeof *used * (size_t)(node->n_columns + 1));

			map = prune(context, input, copy);
			for (int c = 0; c < node->n_columns; c++)
				keep[c] = map[c] >= 0;
		}
		return keep_columns(context, node, keep);
	}
	case LOGICAL_DISTINCT:
	case LOGICAL_SINK:
	case LOGICAL_RESULT:
	case LOGICAL_KEEP:
		use_first(used, node->n_columns);
		return pass(context, node, used);
	case LOGICAL_SET:
		map = arena_array(context->arena, int, node->n_columns + 1);
		for (int i = 0; i < node->n_inputs; i++) {
			bool *all = wants(context, node);

			use_first(all, node->n_columns);
			prune(context, logical_input(node, i), all);
		}
		for (int c = 0; c < node->n_columns; c++)
			map[c] = c;
		return map;
	}
	return NULL;
}

Logical *
rewrite_prune(RewriteContext *context, Logical *root)
{
	bool *used = wants(context, root);

	use_first(used, root->n_columns);
	prune(context, root, used);
	return root;
}
