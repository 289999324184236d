/* Keys of results: which columns of the select list are the key, and in which place. */
#include "planner/bind/select.h"

typedef struct KeySlot {
	int			 n_choices;
	int			*columns;			/* of the rows before the projection */
	const char **names;				/* as messages name them */
	const char  *print_name;
} KeySlot;

static void
add_names(StrBuf *out, const char *const *names, int n, const char *last)
{
	for (int i = 0; i < n; i++)
		strbuf_printf(out, "%s%s", i == 0 ? "" : i == n - 1 ? last : ", ", names[i]);
}

static bool
is_foreign_join(const Logical *rows)
{
	while (rows->kind == LOGICAL_FILTER)
		rows = rows->inputs[0];
	return rows->kind == LOGICAL_JOIN_FOREIGN;
}

static Status
key_missing(SelectBinder *sb, const KeySlot *slots, const bool *is_missing, int n, bool is_synthetic, Error *err)
{
	Binder		*b = sb->binder;
	const char **names = arena_array(b->arena, const char *, 64);
	StrBuf		 list = {0}, example = {0};
	const char  *what;
	int			 m = 0;
	bool		 is_join = sb->scope->is_join && sb->ast->n_group_by == 0 && sb->ast->n_partition_by == 0;

	for (int i = 0; i < sb->rows->n_front && i < n && b->standard; i++)
		if (is_missing[i])
			return error_user(err, "The rows of %s need the key `%s` of the table that they come from, which the sub-query or view does not select. "
								   "Select it there and here.", b->sink_name, sb->rows->columns[i].name);
	if (is_foreign_join(sb->rows) && is_join) {
		for (int i = 0; i < n; i++)
			if (is_missing[i])
				return error_user(err,
								  "Primary key column missing in projection. For foreign-key table-table joins, the projection must "
								  "include all primary key columns from the left input table (`%s`). Missing column: `%s`.",
								  sb->scope->sources[0].alias, sb->rows->columns[i].name);
	}
	for (int i = 0; i < n && m < 60; i++)
		if (is_missing[i])
			for (int j = 0; j < slots[i].n_choices && m < 60; j++)
				names[m++] = slots[i].names[j];
	what = is_join						 ? "join expression"
		   : sb->ast->n_group_by > 0	 ? "grouping expression"
		   : sb->ast->n_partition_by > 0 ? "partitioning expression"
										 : "key column";
	add_names(&list, names, m, is_join ? " or " : " and ");
	if (is_join)
		strbuf_add_text(&example, names[0]);
	else
		add_names(&example, names, m, ", ");
	error_user(err,
			   "Key missing from projection (ie, SELECT). See https://cnfl.io/2LV7ouS.\n"
			   "The query used to build `%s` must include the %s%s %s in its projection (eg, SELECT %s...).%s",
			   b->sink_name, what, m > 1 ? "s" : "", strbuf_text(&list), strbuf_text(&example),
			   is_synthetic ? "\nROWKEY was added as a synthetic key column because the join criteria did not match any source column. "
							  "This expression must be included in the projection and may be aliased."
							: "");
	strbuf_free(&list);
	strbuf_free(&example);
	return FAILED;
}

static Status
key_repeated(SelectBinder *sb, const char *print_name, const SelectList *list, const int *at, int n, Error *err)
{
	Binder		*b = sb->binder;
	const char **names = arena_array(b->arena, const char *, n);
	StrBuf		 text = {0};

	for (int i = 0; i < n; i++) {
		names[i] = list->columns[at[i]].name;
		if (sb->ast->n_group_by > 0)
			names[i] = arena_printf(b->arena, "`%s`", names[i]);
	}
	/* ksqlDB sorts the aliases of a join's and partition's key. */
	if (sb->ast->n_group_by == 0)
		for (int i = 0; i < n; i++)
			for (int j = i + 1; j < n; j++)
				if (strcmp(names[j], names[i]) < 0) {
					const char *swap = names[i];

					names[i] = names[j];
					names[j] = swap;
				}
	add_names(&text, names, n, " and ");
	if (sb->ast->n_group_by > 0)
		error_user(err, "The projection contains a key column more than once: %s.\nEach key column must only be in the projection once. "
						"If you intended to copy the key into the value, then consider using the AS_VALUE function to indicate which "
						"key reference should be copied.",
				   strbuf_text(&text));
	else
		error_user(err, "The projection contains a key column (`%s`) more than once, aliased as: %s.\nEach key column must only be in "
						"the projection once. If you intended to copy the key into the value, then consider using the AS_VALUE function "
						"to indicate which key reference should be copied.",
				   print_name, strbuf_text(&text));
	strbuf_free(&text);
	return FAILED;
}

/* The column of the scope at a place of the row, as the query would name it. */
static const char *
scope_name(const SelectBinder *sb, int index)
{
	for (int i = 0; i < sb->scope->n_columns; i++) {
		const ScopeColumn *c = &sb->scope->columns[i];

		if (c->index == index)
			return c->qualifier != NULL ? arena_printf(sb->binder->arena, "%s.%s", c->qualifier, c->name) : c->name;
	}
	return "ROWKEY";
}

static KeySlot *
key_slots(SelectBinder *sb, int *n_out)
{
	Binder		  *b = sb->binder;
	const Logical *rows = sb->rows;
	KeySlot		  *slots = arena_array(b->arena, KeySlot, rows->n_key + 1);
	int			   viable = 0;

	*n_out = rows->n_key;
	for (int i = 0; i < rows->n_key; i++) {
		slots[i].n_choices = 1;
		slots[i].columns = arena_array(b->arena, int, 1);
		slots[i].names = arena_array(b->arena, const char *, 1);
		slots[i].columns[0] = i;
		slots[i].names[0] = slots[i].print_name = rows->columns[i].name;
	}
	if (!sb->scope->is_join || sb->ast->n_group_by > 0 || sb->ast->n_partition_by > 0 || rows->n_key == 0)
		return slots;
	for (int k = 0; k < rows->n_key && sb->scope->n_keys == rows->n_key; k++) {
		const ScopeKey *key = &sb->scope->keys[k];

		slots[k].n_choices = key->n;
		slots[k].columns = arena_memdup(b->arena, key->columns, sizeof key->columns);
		slots[k].names = arena_array(b->arena, const char *, key->n);
		for (int c = 0; c < key->n; c++)
			slots[k].names[c] = scope_name(sb, key->columns[c]);
	}
	if (sb->scope->n_keys > 0)
		return slots;
	/* Joins: the columns known to equal the key, in order; marked in the scope. */
	for (int i = 0; i < sb->scope->n_columns; i++)
		viable += sb->scope->columns[i].is_key;
	if (rows->n_key == 1 && viable > 0) {
		int n = 0;

		slots[0].columns = arena_array(b->arena, int, viable);
		slots[0].names = arena_array(b->arena, const char *, viable);
		for (int i = 0; i < sb->scope->n_columns; i++) {
			const ScopeColumn *c = &sb->scope->columns[i];

			if (!c->is_key)
				continue;
			slots[0].columns[n] = c->index;
			slots[0].names[n++] = c->qualifier != NULL ? arena_printf(b->arena, "%s.%s", c->qualifier, c->name) : c->name;
		}
		slots[0].n_choices = n;
	} else {
		/* A foreign-key join keeps the left table's key columns. */
		for (int i = 0; i < sb->scope->n_columns; i++) {
			const ScopeColumn *c = &sb->scope->columns[i];

			for (int k = 0; k < rows->n_key; k++)
				if (c->is_key && strcmp(c->name, rows->columns[k].name) == 0) {
					slots[k].columns[0] = c->index;
					slots[k].names[0] = c->name;
				}
		}
	}
	return slots;
}

/* Puts the key columns in front of the list; *n_key tells how many there are. */
Status
resolve_result_keys(SelectBinder *sb, SelectList *list, int *n_key, Error *err)
{
	Binder	   *b = sb->binder;
	int			n;
	KeySlot	   *slots = key_slots(sb, &n);
	bool	   *missing = arena_array(b->arena, bool, n + 1);
	int		   *chosen = arena_array(b->arena, int, n + 1);
	int		   *at = arena_array(b->arena, int, list->n + 1);
	bool	   *is_key = arena_array(b->arena, bool, list->n + 1);
	bool		any_missing = false, is_synthetic = false;
	SelectList	ordered = {.sb = sb};

	for (int k = 0; k < n; k++) {
		bool found = false;

		for (int c = 0; c < slots[k].n_choices && !found; c++) {
			int m = 0;

			for (int i = 0; i < list->n; i++)
				if (list->columns[i].expr->kind == EXPR_COLUMN && list->columns[i].expr->index == slots[k].columns[c])
					at[m++] = i;
			if (m == 0)
				continue;
			if (m > 1) {
				const char *print = slots[k].print_name;

				if (sb->scope->is_join && sb->ast->n_group_by == 0 && sb->ast->n_partition_by == 0)
					for (int i = 0; i < sb->scope->n_columns; i++)
						if (sb->scope->columns[i].index == slots[k].columns[c] && sb->scope->columns[i].print_name != NULL)
							print = sb->scope->columns[i].print_name;
				return key_repeated(sb, print, list, at, m, err);
			}
			chosen[k] = at[0];
			is_key[at[0]] = true;
			found = true;
		}
		if (!found) {
			missing[k] = any_missing = true;
			is_synthetic |= slots[k].n_choices == 1 && strncmp(slots[k].names[0], "ROWKEY", 6) == 0 && sb->scope->is_join;
		}
	}
	if (any_missing)
		return key_missing(sb, slots, missing, n, is_synthetic, err);
	for (int k = 0; k < n; k++) {
		BoundColumn *c = select_list_add(&ordered, list->columns[chosen[k]]);

		/* A join's key has its value also where the selected side is missing. */
		c->expr = expr_column(b->arena, k, sb->rows->columns[k].type, c->name);
	}
	for (int i = 0; i < list->n; i++)
		if (!is_key[i])
			select_list_add(&ordered, list->columns[i]);
	*n_key = n;
	list->columns = ordered.columns;
	if (list->n == n && !b->standard)
		return error_user(err, "The projection contains no value columns.");
	return OK;
}

int
visible_result_keys(const SelectBinder *sb, const SelectList *list, int n_visible)
{
	int n = 0;

	/* Leading columns that are the rows' key, in order: what a client may call the key. */
	while (n < sb->rows->n_key && n < n_visible && list->columns[n].expr->kind == EXPR_COLUMN && list->columns[n].expr->index == n)
		n++;
	return n;
}

Status
keep_inner_keys(SelectBinder *sb, SelectList *list, int *n_key, bool *has_all, Error *err)
{
	int		 n;
	KeySlot *slots = key_slots(sb, &n);

	*n_key = 0;
	*has_all = false;
	for (int k = 0; k < n; k++) {
		int m = 0;

		for (int c = 0; c < slots[k].n_choices && m == 0; c++)
			for (int i = 0; i < list->n; i++)
				m += list->columns[i].expr->kind == EXPR_COLUMN && list->columns[i].expr->index == slots[k].columns[c];
		if (m != 1)
			return OK;
	}
	*has_all = true;
	return resolve_result_keys(sb, list, n_key, err);
}

/* Which columns of a pull query's answer are key columns of the table, window bounds included. */
void
mark_pull_keys(SelectBinder *sb, const SelectList *list)
{
	bool *is_key = arena_array(sb->binder->arena, bool, list->n + 1);

	for (int i = 0; i < list->n; i++) {
		const Expr *e = list->columns[i].expr;

		is_key[i] = e->kind == EXPR_COLUMN && (e->index < sb->rows->n_key || strcmp(e->name, "WINDOWSTART") == 0 ||
											   strcmp(e->name, "WINDOWEND") == 0);
	}
	sb->binder->is_key = is_key;
}
