/* Scopes: which columns a name may mean. */
#include "planner/bind/bind.h"

Scope *
scope_new(Arena *arena)
{
	return arena_new(arena, Scope);
}

ScopeColumn *
scope_add(Arena *arena, Scope *scope, ScopeColumn column)
{
	arena_grow(arena, scope->columns, scope->n_columns, scope->capacity);
	scope->columns[scope->n_columns] = column;
	return &scope->columns[scope->n_columns++];
}

static bool
column_qualifies(bool standard, const ScopeColumn *c, const char *qualifier, bool exact)
{
	if (qualifier == NULL)
		return true;
	return c->qualifier != NULL && name_matches(standard, c->qualifier, qualifier, exact);
}

/*
 * Candidates in the order of preference: real columns before pseudo columns, exact names before others.  Within the first
 * class that has any, more than one is ambiguous.
 */
Status
scope_try(Binder *binder, const Scope *scope, AstIdent qualifier, AstIdent name, const ScopeColumn **out, Error *err)
{
	bool		standard = binder->standard;
	const char *qualifier_name = bind_name(binder->context, qualifier);
	const char *column_name = bind_name(binder->context, name);

	*out = NULL;
	for (int pass = 0; pass < 4; pass++) {
		bool			   exact = (pass & 1) == 0;
		bool			   hidden = pass >= 2;
		const ScopeColumn *found = NULL;
		int				   n_found = 0;

		if (!exact && !standard)
			continue;
		for (int i = 0; i < scope->n_columns; i++) {
			const ScopeColumn *c = &scope->columns[i];

			if (c->is_hidden != hidden || !name_matches(standard, c->name, column_name, exact) ||
				!column_qualifies(standard, c, qualifier_name, false))
				continue;
			/* A merged column of USING wins over the sides' own when it is not qualified. */
			if (c->is_merged && qualifier_name == NULL) {
				*out = c;
				return OK;
			}
			n_found++;
			if (found == NULL)
				found = c;
			else if (n_found == 2) {
				if (standard)
					error_user(err, "Column `%s` is ambiguous. It could be `%s.%s` or `%s.%s`.", column_name,
							   found->qualifier != NULL ? found->qualifier : "", found->name, c->qualifier != NULL ? c->qualifier : "",
							   c->name);
				else
					error_user(err, "Exception while preparing statement: Line: %d, Col: %d: Column '%s' is ambiguous. Could be %s.%s or %s.%s.",
							   name.pos.line, name.pos.column, column_name, found->qualifier != NULL ? found->qualifier : "", found->name, c->qualifier != NULL ? c->qualifier : "",
							   c->name);
				return error_at_pos(err, name.pos);
			}
		}
		if (found != NULL) {
			*out = found;
			return OK;
		}
	}
	return OK;
}

static bool
scope_has_source(Binder *binder, const Scope *scope, const char *name)
{
	for (int i = 0; i < scope->n_sources; i++)
		if (scope->sources[i].alias != NULL && name_matches(binder->standard, scope->sources[i].alias, name, false))
			return true;
	return false;
}

static Status
column_unknown(ExprBinder *eb, const AstExpr *e, Error *err)
{
	Binder		*binder = eb->binder;
	const Scope *scope = eb->scope;
	const char	*name = bind_name(binder->context, e->name);
	const char	*qualifier = bind_name(binder->context, e->qualifier);
	const char	*full = qualifier != NULL ? arena_printf(binder->arena, "%s.%s", qualifier, name) : name;

	if (qualifier != NULL && !scope_has_source(binder, scope, qualifier)) {
		if (binder->standard)
			error_user(err, "`%s` is not the name or alias of a source of this query.", qualifier);
		else
			error_user(err, "Failed to prepare statement: '%s' is not a valid stream/table name or alias.", qualifier);
		return error_at_pos(err, e->qualifier.pos);
	}
	if (!binder->standard) {
		if ((eb->clause == CLAUSE_WHERE || eb->clause == CLAUSE_HAVING) && eb->select != NULL && eb->select->has_window &&
			name_is_pseudo(name))
			error_user(err, "Error in %s expression: Unknown column %s.", clause_name(eb->clause), name);
		else if (eb->clause == CLAUSE_PARTITION_BY)
			error_user(err,
					   "Line: %d, Col: %d: PARTITION BY column '%s' cannot be resolved. '%s' must be a column in the source schema since "
					   "PARTITION BY is applied on the input.",
					   e->pos.line, e->pos.column, full, full);
		else
			error_user(err, "Line: %d, Col: %d: %s column '%s' cannot be resolved.", e->pos.line, e->pos.column,
					   clause_name(eb->clause), full);
	} else {
		const char **names = arena_array(binder->arena, const char *, scope->n_columns + 1);
		const char	*near;
		int			 n = 0;

		for (int i = 0; i < scope->n_columns; i++)
			if (!scope->columns[i].is_hidden)
				names[n++] = scope->columns[i].name;
		near = str_nearest(name, names, n);
		if (near != NULL)
			error_user(err, "Unknown column `%s`. Did you mean `%s`?", full, near);
		else
			error_user(err, "Unknown column `%s`.", full);
	}
	return error_at_pos(err, e->pos);
}

Status
scope_find(ExprBinder *eb, const AstExpr *e, const ScopeColumn **out, Error *err)
{
	TRY(scope_try(eb->binder, eb->scope, e->qualifier, e->name, out, err));
	if (*out == NULL)
		return column_unknown(eb, e, err);
	return OK;
}
