/* Keys of continuous joins: whether a side has its join key already, and which columns of the joined rows are the key. */
#include "planner/bind/join.h"

/* True when `e` is a column that is known to equal the (only) key column of the side. */
static bool
is_key_of(const Scope *scope, const Logical *side, const Expr *e)
{
	if (side->n_key != 1)
		return false;
	for (int i = 0; i < scope->n_key_exprs; i++)
		if (expr_equal(scope->key_exprs[i], e))
			return true;
	if (e->kind != EXPR_COLUMN)
		return false;
	if (e->index == 0)
		return true;
	for (int i = 0; i < scope->n_columns; i++)
		if (scope->columns[i].is_key && scope->columns[i].index == e->index)
			return true;
	return false;
}

/* What equals the key of the joined rows: what equalled the sides' keys, if they were kept, and the two sides of ON. */
void
join_note_key_exprs(Joining *j, Scope *scope, bool left_kept, bool right_kept, int left_shift, int right_shift)
{
	Arena *arena = j->binder->arena;
	Scope *l = j->left_scope, *r = j->right_scope;
	Expr **list = arena_array(arena, Expr *, l->n_key_exprs + r->n_key_exprs + 2);
	int	   n = 0;

	if (j->n_pairs != 1 || j->kind == JOIN_FULL)
		return;
	for (int i = 0; i < l->n_key_exprs && left_kept; i++)
		list[n++] = logical_shift(arena, l->key_exprs[i], left_shift);
	list[n++] = logical_shift(arena, j->pairs[0].left, left_shift);
	for (int i = 0; i < r->n_key_exprs && right_kept; i++)
		list[n++] = logical_shift(arena, r->key_exprs[i], right_shift);
	list[n++] = logical_shift(arena, j->pairs[0].right, right_shift);
	scope->key_exprs = list;
	scope->n_key_exprs = n;
}

bool
join_is_own_key(const Joining *j, const Scope *scope, const Logical *side, bool is_left)
{
	if (j->n_pairs == 1)
		return is_key_of(scope, side, is_left ? j->pairs[0].left : j->pairs[0].right);
	if (j->n_pairs != side->n_key)
		return false;
	for (int i = 0; i < j->n_pairs; i++)
		if (!is_column(is_left ? j->pairs[i].left : j->pairs[i].right, i))
			return false;
	return true;
}

static const char *
synthetic_name(Binder *b, const Scope *scope)
{
	const char *name = "ROWKEY";

	for (int n = 1;; n++) {
		bool taken = false;

		for (int i = 0; i < scope->n_columns; i++)
			taken |= strcmp(scope->columns[i].name, name) == 0;
		if (!taken)
			return name;
		name = arena_printf(b->arena, "ROWKEY_%d", n);
	}
}

/* A key that no column equals has a column of its own, in front of the others. */
static void
add_synthetic_key(Joining *j, Scope *scope, const Logical *node, int k, int place)
{
	Binder	   *b = j->binder;
	ScopeColumn key = {.name = synthetic_name(b, scope), .type = node->columns[k].type, .index = k, .is_key = true, .source = -1};

	key.print_name = key.name;
	scope_add(b->arena, scope, key);
	for (int i = scope->n_columns - 1; i > place; i--)
		scope->columns[i] = scope->columns[i - 1];
	scope->columns[place] = key;
	((Column *)node->columns)[k].name = key.name;
}

/* Of several keys: what ON equals each with, or a column of its own. */
void
join_mark_keys(Joining *j, Scope *scope, const Logical *node, int left_shift, int right_shift)
{
	int n_synthetic = 0;

	scope->n_keys = j->n_pairs;
	scope->keys = arena_array(j->binder->arena, ScopeKey, j->n_pairs);
	for (int i = 0; i < scope->n_columns; i++)
		scope->columns[i].is_key = false;
	for (int k = 0; k < j->n_pairs; k++) {
		ScopeKey   *key = &scope->keys[k];
		const Expr *sides[2] = {j->pairs[k].left, j->pairs[k].right};

		for (int s = 0; s < 2 && j->kind != JOIN_FULL; s++)
			if (sides[s]->kind == EXPR_COLUMN)
				key->columns[key->n++] = sides[s]->index + (s == 0 ? left_shift : right_shift);
		if (key->n == 0) {
			add_synthetic_key(j, scope, node, k, n_synthetic++);
			key->columns[key->n++] = k;
		}
	}
}

/* Keeps is_key on the columns known equal to the join key; a key that no column equals gets a name of its own. */
void
join_mark_key(Joining *j, Scope *scope, const Logical *node, bool left_kept, bool right_kept, int n_left_columns, int left_shift,
			int right_shift)
{
	bool	any = false;
	int		l = j->n_pairs == 1 && j->pairs[0].left->kind == EXPR_COLUMN ? j->pairs[0].left->index + left_shift : -1;
	int		r = j->n_pairs == 1 && j->pairs[0].right->kind == EXPR_COLUMN ? j->pairs[0].right->index + right_shift : -1;

	for (int i = 0; i < scope->n_columns; i++) {
		ScopeColumn *c = &scope->columns[i];
		bool		 is_left = i < n_left_columns;

		if (j->kind == JOIN_FULL) {
			c->is_key = false;
			continue;
		}
		c->is_key = (c->is_key && (is_left ? left_kept : right_kept)) || (is_left ? c->index == l : c->index == r);
		any |= c->is_key;
	}
	if (!any && j->n_pairs == 1 && j->n_pairs == node->n_key)
		add_synthetic_key(j, scope, node, 0, 0);
}
