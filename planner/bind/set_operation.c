/*
 * UNION, INTERSECT and EXCEPT.
 *
 * Continuous: UNION of streams is a stream.  UNION of tables is a table whose rows are named by the branch they come from and their
 * key there.  To be the key of a result it must be visible: a column that is another constant in each branch, and
 * the keys, in equal places.
 */
#include "planner/bind/bind.h"

static Logical *
cast_columns(Binder *b, Logical *input, const int *order, const Type *const *types, const Column *names, int n)
{
	Expr	   **exprs = arena_array(b->arena, Expr *, n + 1);
	const char **column_names = arena_array(b->arena, const char *, n + 1);

	for (int i = 0; i < n; i++) {
		int at = order != NULL ? order[i] : i;

		column_names[i] = names[i].name;
		if (at < 0)
			exprs[i] = expr_constant(b->arena, value_null(types[i]));
		else
			exprs[i] = expr_cast_to(b, expr_column(b->arena, at, input->columns[at].type, input->columns[at].name), types[i]);
	}
	return logical_project(b->arena, input, exprs, column_names, n, 0);
}

static int
column_by_name(const Logical *node, const char *name)
{
	for (int i = 0; i < node->n_columns; i++)
		if (str_equal_nocase(str_of(node->columns[i].name), str_of(name)))
			return i;
	return -1;
}

/* ---- continuous ---- */

typedef struct Branches {
	int				n, capacity;
	const AstBody **bodies;
	Logical		  **plans;
} Branches;

/* The branches of a chain of UNIONs: ALL of ALL, or any of a UNION that drops repeated rows anyway. */
static void
gather(Arena *arena, const AstBody *body, const AstBody *top, Branches *out)
{
	while (body->kind == AST_BODY_QUERY && body->query->n_ctes == 0 && body->query->n_order_by == 0 && body->query->limit == NULL &&
		   body->query->offset == NULL)
		body = body->query->body;
	if (body->kind == AST_BODY_SET && body->set_op == AST_UNION && body->is_by_name == top->is_by_name &&
		(body->is_all || !top->is_all)) {
		gather(arena, body->left, top, out);
		gather(arena, body->right, top, out);
		return;
	}
	arena_grow(arena, out->bodies, out->n, out->capacity);
	out->bodies[out->n++] = body;
}

static int
visible(const Logical *plan)
{
	return plan->n_columns - plan->n_front;
}

/* Names and types of the result; order[i * n + c]: where column c is in branch i (-1: missing), behind the front. */
static Status
union_columns(Binder *b, const AstBody *body, const Branches *branches, Column **columns, int *n_columns, int **order, Error *err)
{
	const Logical *first = branches->plans[0];
	int			   n = visible(first), most = 0;

	for (int i = 0; i < branches->n; i++)
		most += visible(branches->plans[i]);
	*columns = arena_array(b->arena, Column, most + 1);
	memcpy(*columns, first->columns + first->n_front, sizeof **columns * (size_t)n);
	for (int i = 1; i < branches->n && body->is_by_name; i++)
		for (int c = 0; c < visible(branches->plans[i]); c++) {
			const Column *column = &branches->plans[i]->columns[branches->plans[i]->n_front + c];
			bool		  is_known = false;

			for (int k = 0; k < n; k++)
				is_known |= str_equal_nocase(str_of((*columns)[k].name), str_of(column->name));
			if (!is_known)
				(*columns)[n++] = *column;
		}
	*order = arena_array(b->arena, int, branches->n * n + 1);
	for (int i = 0; i < branches->n; i++) {
		const Logical *plan = branches->plans[i];

		if (!body->is_by_name && visible(plan) != n) {
			error_user(err, "Both sides of UNION must have the same number of columns: %d and %d.", n, visible(plan));
			return error_at_pos(err, body->pos);
		}
		for (int c = 0; c < n; c++) {
			int			at = body->is_by_name ? column_by_name(plan, (*columns)[c].name) : plan->n_front + c;
			const Type *type = at >= 0 ? common_type(true, (*columns)[c].type, plan->columns[at].type) : (*columns)[c].type;

			if (type == NULL) {
				error_user(err, "Column %d of UNION is %s on the left and %s on the right.", c + 1, type_text(b, (*columns)[c].type),
						   type_text(b, plan->columns[at].type));
				return error_at_pos(err, body->pos);
			}
			(*columns)[c].type = type;
			(*order)[i * n + c] = at;
		}
	}
	*n_columns = n;
	return OK;
}

static Logical *
union_of(Binder *b, Logical *const *inputs, int n)
{
	Logical *node = logical_new(b->arena, LOGICAL_UNION, inputs[0]);

	node->n_inputs = n;
	node->more_inputs = arena_memdup(b->arena, inputs, sizeof *inputs * (size_t)n);
	for (int i = 0; i < n && i < 2; i++)
		node->inputs[i] = inputs[i];
	return node;
}

/* A branch's columns as the result has them, behind `front` that the caller has put into exprs. */
static Logical *
branch_project(Binder *b, Logical *input, const int *order, const Column *columns, int n, Expr **exprs, const char **names, int front,
			   int n_key)
{
	for (int c = 0; c < n; c++) {
		names[front + c] = columns[c].name;
		exprs[front + c] = order[c] < 0 ? expr_constant(b->arena, value_null(columns[c].type))
										: expr_cast_to(b, expr_column(b->arena, order[c], input->columns[order[c]].type, input->columns[order[c]].name),
													   columns[c].type);
	}
	return logical_project(b->arena, input, exprs, names, front + n, n_key);
}

static Logical *
union_streams(Binder *b, const Branches *branches, const int *order, const Column *columns, int n)
{
	Logical **inputs = arena_array(b->arena, Logical *, branches->n);
	int		  n_key = branches->plans[0]->n_key;

	for (int i = 1; i < branches->n; i++)
		n_key = branches->plans[i]->n_key == n_key ? n_key : 0;
	for (int i = 0; i < branches->n; i++)
		inputs[i] = branch_project(b, branches->plans[i], order + i * n, columns, n, arena_array(b->arena, Expr *, n + 1),
								   arena_array(b->arena, const char *, n + 1), 0, n_key);
	return union_of(b, inputs, branches->n);
}

/* What a column always is; NULL: it varies. */
static const Value *
constant_of(const Logical *plan, int column)
{
	while (plan->kind == LOGICAL_PROJECT || plan->kind == LOGICAL_FILTER) {
		const Expr *e;

		if (plan->kind == LOGICAL_PROJECT) {
			e = ((const ProjectSpec *)plan->spec)->columns[column];
			while (e->kind == EXPR_CAST)
				e = e->args[0];
			if (e->kind == EXPR_CONSTANT)
				return e->constant.is_null ? NULL : &e->constant;
			if (e->kind != EXPR_COLUMN)
				return NULL;
			column = e->index;
		}
		plan = plan->inputs[0];
	}
	return NULL;
}

/* A visible column that is another constant in each branch; -1: there is none. */
static int
find_discriminator(const Branches *branches, const int *order, int n)
{
	for (int c = 0; c < n; c++) {
		bool differs = true;

		for (int i = 0; i < branches->n && differs; i++) {
			const Value *v = order[i * n + c] < 0 ? NULL : constant_of(branches->plans[i], order[i * n + c]);

			differs = v != NULL;
			for (int j = 0; j < i && differs; j++) {
				const Value *w = constant_of(branches->plans[j], order[j * n + c]);

				differs = v->type == w->type && value_compare(v, w, false) != 0;
			}
		}
		if (differs)
			return c;
	}
	return -1;
}

/* Keys of one number and types, which then share their columns; else each branch has columns of its own. */
static bool
keys_are_alike(const Branches *branches)
{
	const Logical *first = branches->plans[0];

	for (int i = 1; i < branches->n; i++) {
		const Logical *plan = branches->plans[i];

		if (plan->n_key != first->n_key)
			return false;
		for (int k = 0; k < plan->n_key; k++)
			if (plan->columns[k].type != first->columns[k].type)
				return false;
	}
	return true;
}

/*
 * What names the branch, and the key there, then the columns.  A branch is named by column `named` (-1: by its number), for a deleted row has no
 * other columns than those of the key.
 */
static Status
union_tables(Binder *b, const AstBody *body, const Branches *branches, const int *order, const Column *columns, int n, int named, Logical **out,
			 Error *err)
{
	Logical **inputs = arena_array(b->arena, Logical *, branches->n);
	bool	  alike = keys_are_alike(branches);
	int		  front = 1;

	for (int i = 0; i < branches->n; i++)
		front += alike && i > 0 ? 0 : branches->plans[i]->n_key;
	for (int i = 0; i < branches->n; i++) {
		Logical		*plan = branches->plans[i];
		Expr	   **exprs = arena_array(b->arena, Expr *, front + n + 1);
		const char **names = arena_array(b->arena, const char *, front + n + 1);
		int			 c = 1;

		if (plan->window.kind != WINDOW_NONE) {
			error_user(err, "UNION of windowed tables is not kept up to date.");
			return error_at_pos(err, body->pos);
		}
		exprs[0] = named < 0 ? expr_constant(b->arena, value_integer(type_integer, i))
							 : expr_cast_to(b, expr_constant(b->arena, *constant_of(plan, order[i * n + named])), columns[named].type);
		names[0] = named < 0 ? "BRANCH" : columns[named].name;
		for (int j = 0; j < branches->n && !alike; j++)
			for (int k = 0; k < branches->plans[j]->n_key; k++, c++) {
				const Column *key = &branches->plans[j]->columns[k];

				exprs[c] = j == i ? expr_column(b->arena, k, key->type, key->name) : expr_constant(b->arena, value_null(key->type));
				names[c] = key->name;
			}
		for (int k = 0; k < plan->n_key && alike; k++) {
			exprs[1 + k] = expr_column(b->arena, k, plan->columns[k].type, plan->columns[k].name);
			names[1 + k] = plan->columns[k].name;
		}
		inputs[i] = branch_project(b, plan, order + i * n, columns, n, exprs, names, front, front);
	}
	*out = union_of(b, inputs, branches->n);
	(*out)->n_front = front;
	return OK;
}

/* The visible column that shows key column k in every branch; -1: there is none. */
static int
find_key(const Branches *branches, const int *order, int n, int k)
{
	for (int c = 0; c < n; c++) {
		bool shows = true;

		for (int i = 0; i < branches->n && shows; i++) {
			const Logical *plan = branches->plans[i];
			const Expr	  *e = order[i * n + c] < 0 || plan->kind != LOGICAL_PROJECT ? NULL : ((const ProjectSpec *)plan->spec)->columns[order[i * n + c]];

			shows = e != NULL && expr_equal(e, ((const ProjectSpec *)plan->spec)->columns[k]);
		}
		if (shows)
			return c;
	}
	return -1;
}

static Logical *
reordered(Binder *b, Logical *input, const int *order, const char *const *given, int n, int n_key)
{
	Expr	   **exprs = arena_array(b->arena, Expr *, n + 1);
	const char **names = arena_array(b->arena, const char *, n + 1);

	for (int i = 0; i < n; i++) {
		exprs[i] = expr_column(b->arena, order[i], input->columns[order[i]].type, input->columns[order[i]].name);
		names[i] = given[i];
	}
	return logical_project(b->arena, input, exprs, names, n, n_key);
}

/* The union of tables as the outermost query: with its key visible, or, for a client, as it is. */
static Status
union_result(Binder *b, const AstBody *body, const Branches *branches, const int *order, int n, int named, Logical **rows, Error *err)
{
	int	 front = (*rows)->n_front;
	const Column *columns = (*rows)->columns + front;
	const char	**names = arena_array(b->arena, const char *, n + 1);
	int *places = arena_array(b->arena, int, n + 1), *shown = arena_array(b->arena, int, front + 1);
	int	 m = 0;

	shown[0] = named;
	for (int k = 1; k < front; k++)
		shown[k] = keys_are_alike(branches) ? find_key(branches, order, n, k - 1) : -1;
	for (int k = 0; k < front && b->is_persistent; k++) {
		if (shown[k] < 0) {
			error_user(err, "Rows of several tables may have the same key. Select the key of each, in the same place, and a constant that tells the "
							"tables apart, such as SELECT 'a' AS source, id, ... UNION ALL SELECT 'b', id, ...: together they are the key of the "
							"result.");
			return error_at_pos(err, body->pos);
		}
		names[m] = columns[shown[k]].name;
		places[m++] = k;
	}
	for (int c = 0; c < n; c++) {
		int place = front + c;

		/* A deleted row has its key alone: it is shown from there. */
		for (int k = 0; k < front; k++)
			if (shown[k] == c)
				place = b->is_persistent ? -1 : k;
		if (place < 0)
			continue;
		names[m] = columns[c].name;
		places[m++] = place;
	}
	*rows = reordered(b, *rows, places, names, m, b->is_persistent ? front : m);
	return OK;
}

/* Equal rows are one. */
static Logical *
union_distinct(Binder *b, Logical *rows)
{
	Logical		 *node;
	DistinctSpec *spec;

	if (rows->is_table)
		return logical_distinct_table(b->arena, rows);
	node = logical_new(b->arena, LOGICAL_DISTINCT, rows);
	spec = arena_new(b->arena, DistinctSpec);
	spec->n_columns = rows->n_columns;
	spec->keeps_state = true;
	node->spec = spec;
	return node;
}

static Status
bind_branches(Binder *b, const AstQuery *query, const AstBody *body, Branches *branches, Error *err)
{
	AstQuery plain = {.pos = query->pos, .emit = query->emit};

	gather(b->arena, body, body, branches);
	branches->plans = arena_array(b->arena, Logical *, branches->n);
	for (int i = 0; i < branches->n; i++) {
		if (branches->bodies[i]->kind == AST_BODY_VALUES) {
			error_user(err, "VALUES have no event time: a continuous query cannot read them.");
			return error_at_pos(err, body->pos);
		}
		TRY(bind_body(b, &plain, branches->bodies[i], NULL, NULL, &branches->plans[i], err));
		if (branches->plans[i]->is_table == branches->plans[0]->is_table)
			continue;
		error_user(err, "UNION of a stream and a table: the one has events, the other rows that change. Make both streams or both tables.");
		return error_at_pos(err, body->pos);
	}
	return OK;
}

static Status
bind_continuous_union(Binder *b, const AstQuery *query, const AstBody *body, Logical **out, Error *err)
{
	Branches branches = {0};
	Column	*columns;
	int		*order, n = 0;
	Status	 status;

	if (body->set_op != AST_UNION) {
		error_unsupported(err, "%s is not kept up to date in a continuous query. Use %s (query) of the rows' key.",
						  body->set_op == AST_EXCEPT ? "EXCEPT" : "INTERSECT", body->set_op == AST_EXCEPT ? "NOT IN" : "IN");
		return error_at_pos(err, body->pos);
	}
	b->in_set++;
	status = bind_branches(b, query, body, &branches, err);
	b->in_set--;
	TRY(status);
	TRY(union_columns(b, body, &branches, &columns, &n, &order, err));
	if (!branches.plans[0]->is_table)
		*out = union_streams(b, &branches, order, columns, n);
	else {
		int named = find_discriminator(&branches, order, n);

		TRY(union_tables(b, body, &branches, order, columns, n, named, out, err));
		if (body->is_all && b->depth == 0 && b->in_set == 0)
			TRY(union_result(b, body, &branches, order, n, named, out, err));
	}
	if (!body->is_all)
		*out = union_distinct(b, *out);
	return OK;
}

/* ---- the whole ---- */

/* A branch of a sub-query: with an active domain its values stand behind its columns, as those of every branch. */
static Status
bind_branch(Binder *b, const AstQuery *plain, const AstBody *body, SelectBinder *outer, const BoundSubquery *correlated, BoundSubquery **own,
			Logical **out, Error *err)
{
	Domain *d = correlated != NULL ? correlated->domain : NULL;

	*own = NULL;
	if (d == NULL)
		return bind_body(b, plain, body, NULL, NULL, out, err);
	*own = subquery_new(b);
	(*own)->domain = d;
	(*own)->is_mark = true;
	TRY(bind_body(b, plain, body, outer, *own, out, err));
	if (d->is_active ? (*own)->n_keys == d->n_joined : (*own)->n_keys == 0 && (*own)->residual == NULL)
		return OK;
	d->is_wanted = !d->is_active;
	error_unsupported(err, "VALUES beside a query that uses columns of the query around it. Write SELECT.");
	return error_at_pos(err, body->pos);
}

/* The values of the domain are the last columns of both branches, and so of what is made of them. */
static void
take_domain(Binder *b, const BoundSubquery *branch, const Logical *rows, BoundSubquery *correlated)
{
	correlated->null_safe = true;
	correlated->n_keys = correlated->n_hidden = branch->n_keys;
	for (int i = 0; i < branch->n_keys; i++) {
		int at = rows->n_columns - branch->n_keys + i;

		correlated->left_keys[i] = branch->left_keys[i];
		correlated->right_keys[i] = expr_column(b->arena, at, rows->columns[at].type, rows->columns[at].name);
	}
}

Status
bind_set_operation(Binder *b, const AstQuery *query, const AstBody *body, SelectBinder *outer, BoundSubquery *correlated, Logical **out,
				   Error *err)
{
	static const char *const names[] = {"UNION", "INTERSECT", "EXCEPT"};
	AstQuery				 plain = {.pos = query->pos, .emit = query->emit};
	Logical					*left, *right, *node;
	BoundSubquery			*left_sub, *right_sub;
	const Type			   **types;
	Column					*columns;
	int						*left_order = NULL, *right_order = NULL;
	int						 n;

	if (!b->is_bounded && !b->standard && !(body->set_op == AST_UNION && body->is_all)) {
		error_unsupported(err, "%s%s is not supported in continuous queries yet; UNION ALL is.", names[body->set_op],
						  body->is_all ? " ALL" : "");
		return error_at_pos(err, body->pos);
	}
	if (!b->is_bounded && b->standard)
		return bind_continuous_union(b, query, body, out, err);
	TRY(bind_branch(b, &plain, body->left, outer, correlated, &left_sub, &left, err));
	TRY(bind_branch(b, &plain, body->right, outer, correlated, &right_sub, &right, err));
	n = left->n_columns;
	if (body->is_by_name && domain_is_active(correlated))
		return error_unsupported(err, "UNION BY NAME in a sub-query that uses outer columns. Write the columns in one order.");
	if (body->is_by_name) {
		columns = arena_array(b->arena, Column, left->n_columns + right->n_columns + 1);
		left_order = arena_array(b->arena, int, left->n_columns + right->n_columns + 1);
		right_order = arena_array(b->arena, int, left->n_columns + right->n_columns + 1);
		for (int i = 0; i < n; i++) {
			columns[i] = left->columns[i];
			left_order[i] = i;
			right_order[i] = column_by_name(right, columns[i].name);
		}
		for (int i = 0; i < right->n_columns; i++)
			if (column_by_name(left, right->columns[i].name) < 0) {
				columns[n] = right->columns[i];
				left_order[n] = -1;
				right_order[n++] = i;
			}
	} else {
		if (left->n_columns != right->n_columns) {
			error_user(err, "Both sides of %s must have the same number of columns: %d and %d.", names[body->set_op], left->n_columns,
					   right->n_columns);
			return error_at_pos(err, body->pos);
		}
		columns = arena_memdup(b->arena, left->columns, sizeof *columns * (size_t)(n + 1 > 1 ? n : 1));
	}
	types = arena_array(b->arena, const Type *, n + 1);
	for (int i = 0; i < n; i++) {
		int			l = left_order != NULL ? left_order[i] : i, r = right_order != NULL ? right_order[i] : i;
		const Type *lt = l >= 0 ? left->columns[l].type : right->columns[r].type;
		const Type *rt = r >= 0 ? right->columns[r].type : lt;

		types[i] = common_type(true, lt, rt);
		if (types[i] == NULL) {
			error_user(err, "Column %d of %s is %s on the left and %s on the right.", i + 1, names[body->set_op], type_text(b, lt),
					   type_text(b, rt));
			return error_at_pos(err, body->pos);
		}
		columns[i].type = types[i];
	}
	left = cast_columns(b, left, left_order, types, columns, n);
	right = cast_columns(b, right, right_order, types, columns, n);
	node = logical_new(b->arena, body->set_op == AST_UNION ? LOGICAL_UNION : LOGICAL_SET, left);
	node->n_inputs = 2;
	node->inputs[1] = right;
	node->n_key = 0;
	node->is_table = false;
	node->window = (WindowSpec){0};
	if (body->set_op != AST_UNION) {
		SetOpSpec *spec = arena_new(b->arena, SetOpSpec);

		spec->is_except = body->set_op == AST_EXCEPT;
		spec->all = body->is_all;
		node->spec = spec;
	} else if (!body->is_all) {
		Logical		 *distinct = logical_new(b->arena, LOGICAL_DISTINCT, node);
		DistinctSpec *spec = arena_new(b->arena, DistinctSpec);

		spec->n_columns = n;
		distinct->spec = spec;
		node = distinct;
	}
	if (domain_is_active(correlated))
		take_domain(b, left_sub, node, correlated);
	*out = node;
	return OK;
}
