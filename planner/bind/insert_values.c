/*
 * INSERT INTO ... VALUES: names resolved, values evaluated and converted to the columns' types.
 */
#include <ctype.h>
#include <strings.h>

#include "planner/bind/bind.h"

/* Where a value of the statement goes: a column of the schema, or ROWTIME. */
enum { TO_ROWTIME = -1 };

static Status
find_target(PlannerContext *context, const AstIdent *name, const CatalogSource **out, Error *err)
{
	const char *stored = bind_name(context, *name);
	Error		ignored;

	*out = catalog_source(context->catalog, str_of(stored));
	if (*out == NULL && context->standard && bind_source_name(context, *name, out, &ignored) == OK)
		return OK;
	if (*out != NULL)
		return OK;
	error_user(err, "Cannot insert values into an unknown stream/table: `%s`", stored);
	for (int i = 0; i < catalog_n_sources(context->catalog); i++) {
		const char *other = catalog_source_at(context->catalog, i)->name;
		bool		is_upper = true;

		if (strcasecmp(other, stored) != 0)
			continue;
		for (const char *c = other; *c != '\0'; c++)
			is_upper = is_upper && !islower((unsigned char)*c);
		error_user(err, is_upper ? "Cannot insert values into an unknown stream/table: `%s`\nDid you mean %s? Hint: try removing double quotes from the source name."
								 : "Cannot insert values into an unknown stream/table: `%s`\nDid you mean \"%s\"? Hint: wrap the source name in double quotes to make it case-sensitive.",
				   stored, other);
	}
	return error_at(err, name->pos.line, name->pos.column, name->pos.length);
}

static Status
check_target(const CatalogSource *target, Error *err)
{
	const char *kind = target->kind == ENTITY_TABLE ? "table" : "stream";

	if (target->kind == ENTITY_VIEW)
		return error_user(err, "Cannot insert values into the view %s", target->name);
	if (target->is_read_only)
		return error_user(err, "Cannot insert values into read-only %s: %s", kind, target->name);
	if (target->topic == NULL)
		return error_user(err, "Cannot insert values into %s: it is a file", target->name);
	if (target->window.kind != WINDOW_NONE)
		return error_user(err, "Cannot insert values into windowed %s!", kind);
	return OK;
}

Status
bind_insert_target(PlannerContext *context, AstIdent name, const CatalogSource **out, Error *err)
{
	TRY(find_target(context, &name, out, err));
	return check_target(*out, err);
}

static int
find_column(PlannerContext *context, const CatalogSource *target, const char *name)
{
	int column = schema_find(target->schema, str_of(name));

	for (int i = 0; column < 0 && context->standard && i < target->schema->n_columns; i++)
		if (strcasecmp(target->schema->columns[i].name, name) == 0)
			column = i;
	return column;
}

/* Maps the listed names to columns. */
static Status
bind_listed(PlannerContext *context, const AstInsert *insert, const CatalogSource *target, int *to, Error *err)
{
	for (int i = 0; i < insert->n_columns; i++) {
		const AstIdent *ident = &insert->columns[i];
		const char	   *name = bind_name(context, *ident);

		to[i] = find_column(context, target, name);
		if (to[i] >= 0)
			continue;
		if (strcasecmp(name, "ROWTIME") == 0) {
			to[i] = TO_ROWTIME;
			continue;
		}
		if (strcasecmp(name, "ROWPARTITION") == 0 || strcasecmp(name, "ROWOFFSET") == 0)
			return error_user(err, "Inserting into column `%s` is not allowed.", name);
		for (int h = 0; h < target->n_headers; h++)
			if (strcmp(target->headers[h].name, name) == 0)
				return error_user(err, "Cannot insert into HEADER columns: %s", name);
		error_user(err, "Column name `%s` does not exist.", name);
		return error_at(err, ident->pos.line, ident->pos.column, ident->pos.length);
	}
	return OK;
}

static void
add_names(PlannerContext *context, const AstInsert *insert, const CatalogSource *target, StrBuf *out)
{
	int n = insert->n_columns > 0 ? insert->n_columns : target->schema->n_columns;

	for (int i = 0; i < n; i++) {
		strbuf_add_text(out, i > 0 ? ", " : "");
		if (insert->n_columns > 0)
			strbuf_add_text(out, bind_name(context, insert->columns[i]));
		else
			strbuf_printf(out, "`%s`", target->schema->columns[i].name);
	}
}

static Status
check_count(PlannerContext *context, const AstInsert *insert, const CatalogSource *target, const AstValuesRow *row, int expected, Error *err)
{
	Binder binder = {.context = context, .arena = context->arena, .standard = context->standard};
	StrBuf names = {0}, values = {0};

	if (row->n_values == expected)
		return OK;
	add_names(context, insert, target, &names);
	for (int i = 0; i < row->n_values; i++)
		strbuf_printf(&values, "%s%s", i > 0 ? ", " : "", ast_text(&binder, NULL, row->values[i]));
	if (context->standard)
		error_user(err, "%d values are given for the %d columns %s of %s.", row->n_values, expected, strbuf_text(&names), target->name);
	else if (insert->n_columns > 0)
		error_user(err, "Failed to prepare statement: Expected number columns and values to match: [%s], [%s]", strbuf_text(&names),
				   strbuf_text(&values));
	else
		error_user(err, "Failed to insert values into '%s'. Expected a value for each column. Expected Columns: [%s]. Got [%s]",
				   target->name, strbuf_text(&names), strbuf_text(&values));
	strbuf_free(&names);
	strbuf_free(&values);
	return error_at(err, row->pos.line, row->pos.column, row->pos.length);
}

/* ksqlDB says of every value that is refused for which source it was. */
static Status
bind_value(PlannerContext *context, const CatalogSource *target, const AstExpr *ast, const Type *type, const char *field, Value *out,
		   Error *err)
{
	Status status = bind_constant(context, ast, type, field, out, err);
	Error  cause;

	if (status != FAILED || context->standard || strncmp(err->message, "Failed to prepare", strlen("Failed to prepare")) == 0)
		return status;
	cause = *err;
	error_user(err, "Failed to insert values into '%s'. %.3500s", target->name, cause.message);
	error_at(err, cause.line, cause.column, cause.length);
	return cause.hint[0] != '\0' ? error_hint(err, "%s", cause.hint) : FAILED;
}

/* Whoever wrote values in the order of the declaration is told the order that counts. */
static Status
hint_order(PlannerContext *context, const AstInsert *insert, const CatalogSource *target, Error *err)
{
	StrBuf names = {0};

	if (insert->n_columns > 0 || target->schema->n_key == 0 || err->hint[0] != '\0')
		return FAILED;
	add_names(context, insert, target, &names);
	error_hint(err, "Without a list of columns values stand for the key columns, then the others: %s", strbuf_text(&names));
	strbuf_free(&names);
	return FAILED;
}

static Status
bind_row(PlannerContext *context, const AstInsert *insert, const CatalogSource *target, const AstValuesRow *ast, const int *to, int n,
		 InsertRow *row, Error *err)
{
	const Schema *schema = target->schema;

	row->target = target;
	row->values = arena_array(context->arena, Value, schema->n_columns + 1);
	for (int c = 0; c < schema->n_columns; c++)
		row->values[c] = value_null(schema->columns[c].type);
	TRY(check_count(context, insert, target, ast, n, err));
	for (int i = 0; i < n; i++) {
		const Column *column = to[i] >= 0 ? &schema->columns[to[i]] : NULL;
		Value		  value;

		if (to[i] == TO_ROWTIME) {
			TRY(bind_value(context, target, ast->values[i], type_bigint, "ROWTIME", &value, err));
			if (!value.is_null) {
				row->has_time = true;
				row->time = value.integer;
			}
		} else if (bind_value(context, target, ast->values[i], column->type, column->name, &row->values[to[i]], err) != OK)
			return hint_order(context, insert, target, err);
	}
	for (int c = 0; target->kind == ENTITY_TABLE && c < schema->n_key; c++)
		if (row->values[c].is_null)
			return error_user(err, "Failed to insert values into '%s'. Value for primary key column(s) `%s` is required for tables", target->name,
							  schema->columns[c].name);
	return OK;
}

Status
bind_insert_values(PlannerContext *context, const AstStatement *statement, InsertRow **rows, int *n_rows, Error *err)
{
	const AstInsert		*insert = &statement->insert;
	const CatalogSource *target;
	int					*to;
	int					 n;

	TRY(bind_insert_target(context, insert->name, &target, err));
	n = insert->n_columns > 0 ? insert->n_columns : target->schema->n_columns;
	to = arena_array(context->arena, int, n + 1);
	if (insert->n_columns > 0)
		TRY(bind_listed(context, insert, target, to, err));
	else {
		if (target->n_headers > 0) {
			StrBuf names = {0};

			for (int h = 0; h < target->n_headers; h++)
				strbuf_printf(&names, "%s%s", h > 0 ? ", " : "", target->headers[h].name);
			error_user(err, "Cannot insert into HEADER columns: %s", strbuf_text(&names));
			strbuf_free(&names);
			return FAILED;
		}
		for (int i = 0; i < n; i++)
			to[i] = i;
	}
	if (insert->n_rows > 1 && !context->standard)
		return error_user(err, "INSERT INTO ... VALUES takes exactly one row");
	*rows = arena_array(context->arena, InsertRow, insert->n_rows);
	*n_rows = insert->n_rows;
	for (int i = 0; i < insert->n_rows; i++)
		TRY(bind_row(context, insert, target, &insert->rows[i], to, n, &(*rows)[i], err));
	return OK;
}
