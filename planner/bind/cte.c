/*
 * WITH.  A query that is used once stands where it is used, and conditions reach into it.  One that is used several times is computed
 * once and kept (exec/task/kept.c), if it is more than rows of sources with columns and conditions, which are cheaper to read again;
 * MATERIALIZED and NOT MATERIALIZED say so whatever it is.
 *
 * It is bound at its first use; every use is a scan of its rows.  How often it is used is known when all is bound: place_ctes.  Continuous
 * queries compute each use by itself.
 */
#include "planner/bind/bind.h"

void
bind_ctes(Binder *b, const AstQuery *query)
{
	for (int i = 0; i < query->n_ctes; i++) {
		CteEntry *entry = arena_new(b->arena, CteEntry);

		entry->cte = &query->ctes[i];
		entry->next = b->ctes;
		entry->is_recursive = query->is_recursive;
		entry->branch = b->branch;
		b->ctes = entry;
	}
}

static bool
is_not_deterministic(const Expr *e, void *context)
{
	(void)context;
	return e->kind == EXPR_CALL && (e->function->flags & FUNC_NOT_DETERMINISTIC) != 0;
}

/* More than reading a source. */
static bool
is_work(Logical *node, void *context)
{
	switch (node->kind) {
	case LOGICAL_SCAN:
		return ((const LogicalScan *)node->spec)->recursive != NULL;
	case LOGICAL_FILTER:
		return expr_any(((const FilterSpec *)node->spec)->condition, is_not_deterministic, context);
	case LOGICAL_PROJECT: {
		const ProjectSpec *spec = node->spec;

		for (int i = 0; i < spec->n_columns; i++)
			if (expr_any(spec->columns[i], is_not_deterministic, context))
				return true;
		return false;
	}
	case LOGICAL_UNION:
	case LOGICAL_MATERIALISE:
		return false;
	default:
		return true;
	}
}

static bool
is_kept(const Binder *b, const AstCte *cte, Logical *rows)
{
	if (b->inlines_ctes || !b->is_bounded || !b->standard || rows->window.kind != WINDOW_NONE || cte->materialized == AST_MATERIALIZED_NOT)
		return false;
	return cte->materialized == AST_MATERIALIZED_YES || logical_any(rows, is_work, NULL);
}

static KeptQuery *
keep(Binder *b, const CteEntry *entry, Logical *rows, bool is_of_iteration)
{
	KeptQuery *kept = arena_new(b->arena, KeptQuery);

	kept->spec.name = bind_name(b->context, entry->cte->name);
	kept->spec.is_of_iteration = is_of_iteration;
	kept->rows = rows;
	kept->branch = entry->branch;
	kept->is_needed = entry->cte->materialized == AST_MATERIALIZED_YES;
	kept->used = arena_array(b->arena, bool, rows->n_columns + 1);
	kept->previous = b->kept;
	b->kept = kept;
	return kept;
}

/* Looks to what is bound around it as the query itself would. */
static Logical *
kept_scan(Binder *b, KeptQuery *kept)
{
	const Logical *rows = kept->rows;
	Logical		  *node = logical_new(b->arena, LOGICAL_SCAN, NULL);
	LogicalScan	  *scan = arena_new(b->arena, LogicalScan);
	ScanColumn	  *origins = arena_array(b->arena, ScanColumn, rows->n_columns + 1);

	for (int i = 0; i < rows->n_columns; i++)
		origins[i].source_index = i;
	scan->name = kept->spec.name;
	scan->columns = origins;
	scan->kept = kept;
	node->n_columns = rows->n_columns;
	node->columns = rows->columns;
	node->n_key = rows->n_key;
	node->n_front = rows->n_front;
	node->is_table = rows->is_table;
	node->spec = scan;
	node->estimated_rows = rows->estimated_rows;
	return node;
}

static Status
bind_cte_rows(Binder *b, CteEntry *entry, Logical **out, Error *err)
{
	CteEntry *ctes = b->ctes;
	int		  n_working = b->n_working;
	Status	  status;

	if (entry->n_uses++ > 0)
		b->repeats_cte = true;
	*out = NULL;
	b->ctes = entry->next;
	status = entry->is_recursive ? bind_recursive(b, entry, out, err) : OK;
	if (status == OK && *out == NULL)
		status = bind_inner_query(b, entry->cte->query, NULL, NULL, out, err);
	b->ctes = ctes;
	TRY(status);
	if (is_kept(b, entry->cte, *out))
		entry->kept = keep(b, entry, *out, b->n_working > n_working);
	return OK;
}

Status
bind_cte(Binder *b, CteEntry *entry, const char *alias, const AstRelation *relation, Logical **out, Scope *scope, Error *err)
{
	const AstIdent *columns = entry->cte->columns;
	int				n = entry->cte->n_columns;

	if (entry->working != NULL) {
		entry->n_uses++;
		b->n_working++;
		*out = bind_working(b, entry);
	} else if (entry->kept == NULL)
		TRY(bind_cte_rows(b, entry, out, err));
	if (entry->kept != NULL) {
		*out = kept_scan(b, entry->kept);
		entry->kept->is_needed |= entry->branch != b->branch;
		b->n_working += entry->kept->spec.is_of_iteration;
	}
	if (relation->n_column_aliases > 0) {
		columns = relation->column_aliases;
		n = relation->n_column_aliases;
	}
	return relation_of_query(b, *out, alias, columns, n, relation->pos, scope, err);
}

/* ---- placing ---- */

static KeptQuery *
kept_of(const Logical *node)
{
	return node->kind == LOGICAL_SCAN ? ((const LogicalScan *)node->spec)->kept : NULL;
}

/* Uses, those of queries that are used included. */
static bool
count_use(Logical *node, void *context)
{
	KeptQuery *kept = kept_of(node);

	if (kept != NULL && kept->n_uses++ == 0)
		logical_any(kept->rows, count_use, context);
	return false;
}

static Logical *
place(Binder *b, Logical *node)
{
	KeptQuery *kept = kept_of(node);

	if (kept != NULL && kept->n_uses == 1 && !kept->is_needed && kept->branch == b->branch)
		return place(b, kept->rows);
	for (int i = 0; i < node->n_inputs; i++)
		logical_set_input(node, i, place(b, logical_input(node, i)));
	return node;
}

Logical *
place_ctes(Binder *b, Logical *root)
{
	for (KeptQuery *k = b->kept; k != NULL; k = k->previous)
		k->n_uses = 0;
	logical_any(root, count_use, NULL);
	for (KeptQuery *k = b->kept; k != NULL; k = k->previous)
		if (k->is_needed && k->n_uses++ == 0)
			logical_any(k->rows, count_use, NULL);
	root = place(b, root);
	for (KeptQuery *k = b->kept; k != NULL; k = k->previous)
		if (k->n_uses > 1 || k->is_needed)
			k->rows = place(b, k->rows);
	return root;
}

static bool
scans_kept(Logical *node, void *context)
{
	(void)context;
	return kept_of(node) != NULL;
}

static bool
uses_time(Logical *node, void *context)
{
	bool wants = node->kind == LOGICAL_JOIN_WINDOW || node->kind == LOGICAL_JOIN_STREAM_TABLE || node->kind == LOGICAL_JOIN_TABLE_TABLE ||
				 node->kind == LOGICAL_JOIN_FOREIGN ||
				 (node->kind == LOGICAL_AGGREGATE && ((const AggregateSpec *)node->spec)->window.kind != WINDOW_NONE);

	return wants && logical_any(node, scans_kept, context);
}

bool
ctes_need_time(Binder *b, Logical *root)
{
	if (logical_any(root, uses_time, NULL))
		return true;
	for (KeptQuery *k = b->kept; k != NULL; k = k->previous)
		if (logical_any(k->rows, uses_time, NULL))
			return true;
	return false;
}

void
print_ctes(Binder *b, StrBuf *out)
{
	for (KeptQuery *k = b->kept; k != NULL; k = k->previous)
		if (k->n_uses > 1 || k->is_needed) {
			strbuf_printf(out, "With %s, computed once\n", k->spec.name);
			logical_print(k->rows, out);
		}
}

/* ---- planning ---- */

static bool
note_read(Logical *node, void *context)
{
	KeptQuery		  *kept = kept_of(node);
	const LogicalScan *scan = node->spec;

	(void)context;
	if (kept == NULL)
		return false;
	kept->is_read = true;
	for (int i = 0; i < node->n_columns; i++)
		kept->used[scan->columns[i].source_index] = true;
	return false;
}

void
read_ctes(Binder *b, Logical *root)
{
	(void)b;
	logical_any(root, note_read, NULL);
}

/* The columns that are read, behind each other. */
static Logical *
stored_columns(Binder *b, KeptQuery *kept)
{
	const Logical *rows = kept->rows;
	Logical		  *end;
	KeepSpec	  *spec = arena_new(b->arena, KeepSpec);
	int			  *stored = arena_array(b->arena, int, rows->n_columns + 1);
	Expr		 **exprs = arena_array(b->arena, Expr *, rows->n_columns + 1);
	const char	 **names = arena_array(b->arena, const char *, rows->n_columns + 1);
	int			   n = 0;

	spec->types = arena_array(b->arena, const Type *, rows->n_columns + 1);
	for (int i = 0; i < rows->n_columns; i++) {
		stored[i] = n;
		if (!kept->used[i])
			continue;
		exprs[n] = expr_column(b->arena, i, rows->columns[i].type, rows->columns[i].name);
		spec->types[n] = rows->columns[i].type;
		names[n++] = rows->columns[i].name;
	}
	spec->n_columns = n;
	kept->spec.stored = stored;
	end = n < rows->n_columns ? logical_project(b->arena, kept->rows, exprs, names, n, 0) : kept->rows;
	end = logical_new(b->arena, LOGICAL_KEEP, end);
	end->spec = spec;
	return end;
}

static void
add_sources(Binder *b, Plan *plan, const Plan *part)
{
	PlanNode **sources = arena_array(b->arena, PlanNode *, plan->n_sources + part->n_sources + 1);

	if (plan->n_sources > 0)
		memcpy(sources, plan->sources, sizeof *sources * (size_t)plan->n_sources);
	if (part->n_sources > 0)
		memcpy(sources + plan->n_sources, part->sources, sizeof *sources * (size_t)part->n_sources);
	plan->sources = sources;
	plan->n_sources += part->n_sources;
}

Status
plan_ctes(Binder *b, Plan *plan, Error *err)
{
	/* the last ones first: what they read of those before them is known then */
	for (KeptQuery *k = b->kept; k != NULL; k = k->previous) {
		Plan *part;

		if (!k->is_read)
			continue;
		TRY(plan_part(b, stored_columns(b, k), &part, err));
		part->name = k->spec.name;
		k->spec.plan = part;
		add_sources(b, plan, part);
	}
	return OK;
}
