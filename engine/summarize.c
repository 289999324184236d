/*
 * SUMMARIZE: what the columns of a source, file or query hold.  It is one SELECT with several aggregates of every column, in one
 * pass; its single row is turned into a row for each column.
 */
#include "engine/engine_impl.h"

#include <math.h>

#include "data/decimal.h"
#include "parser/ast_print.h"
#include "planner/bind/properties.h"

/* What is asked of a column, and of which types.  The SQL has `%s` where the column stands. */
typedef enum Applies { ALL_TYPES, ORDERED_TYPES, NUMBER_TYPES } Applies;

typedef struct Measure {
	const char *name;
	const char *sql;
	Applies		applies;
	bool		is_number;		/* of the result: DOUBLE (BIGINT for counts); otherwise text */
} Measure;

static const Measure measures[] = {
	{"min", "CAST(MIN(%s) AS STRING)", ORDERED_TYPES, false},
	{"max", "CAST(MAX(%s) AS STRING)", ORDERED_TYPES, false},
	{"approx_unique", "APPROX_COUNT_DISTINCT(%s)", ORDERED_TYPES, true},
	{"avg", "AVG(%s)", NUMBER_TYPES, true},
	{"std", "STDDEV(CAST(%s AS DOUBLE))", NUMBER_TYPES, true},
	{"q25", "APPROX_QUANTILE(%s, ARRAY[0.25, 0.5, 0.75])", NUMBER_TYPES, true},		/* a list: the next two are in it */
	{"q50", NULL, NUMBER_TYPES, true},
	{"q75", NULL, NUMBER_TYPES, true},
	{"count", "COUNT(%s)", ALL_TYPES, true},
};

#define N_MEASURES ((int)(sizeof measures / sizeof measures[0]))

typedef struct Summary {
	ResultSink	  sink;
	ResultSink	 *outer;
	Arena		 *arena;
	const Schema *schema;		/* of what is summarized */
	Value		 *values;		/* the row; NULL: none came */
	ResultEnd	  end;
} Summary;

static Status
summary_begin(ResultSink *sink, const ResultHeader *header, Error *err)
{
	(void)sink;
	(void)header;
	(void)err;
	return OK;
}

static Status
summary_rows(ResultSink *sink, const Batch *rows, Error *err)
{
	Summary *self = (Summary *)sink;

	(void)err;
	self->values = arena_array(self->arena, Value, rows->n_columns + 1);
	for (int c = 0; c < rows->n_columns; c++)
		self->values[c] = value_copy(self->arena, vector_get(rows->columns[c], 0, self->arena));
	return OK;
}

static void
summary_end(ResultSink *sink, const ResultEnd *end)
{
	Summary *self = (Summary *)sink;

	self->end = *end;
	if (end->bad_example != NULL)
		self->end.bad_example = arena_strdup(self->arena, end->bad_example);
}

static void
summary_progress(ResultSink *sink, const RunProgress *progress)
{
	Summary *self = (Summary *)sink;

	if (self->outer->progress != NULL)
		self->outer->progress(self->outer, progress);
}

/* ---- the query ---- */

/* What stands behind FROM. */
static void
add_relation(const AstDescribe *describe, StrBuf *sql)
{
	if (describe->object == AST_OBJECT_FILE) {
		ast_print_string(sql, describe->path);
		for (int i = 0; i < describe->n_properties; i++) {
			const char *value = property_text(describe->properties[i].value);

			strbuf_printf(sql, "%s%s=", i == 0 ? " WITH (" : ", ", describe->properties[i].name);
			ast_print_string(sql, value != NULL ? value : "");
		}
		strbuf_add_text(sql, describe->n_properties > 0 ? ")" : "");
	} else if (describe->object == AST_OBJECT_STATEMENT) {
		strbuf_add_char(sql, '(');
		ast_print_query(sql, describe->query);
		strbuf_add_char(sql, ')');
	} else {
		ast_print_ident(sql, describe->name);
	}
}

static Status
parse_query(StatementContext *context, const char *sql, const AstQuery **out, Error *err)
{
	AstStatementList list;

	TRY(parser_parse(context->arena, str_of(arena_strdup(context->arena, sql)), (ParserOptions){.is_ksqldb = !context->standard}, &list, err));
	*out = list.items[0]->query;
	return OK;
}

/* The columns of what is summarized. */
static Status
find_schema(StatementContext *context, const char *relation, const Schema **out, Error *err)
{
	const CatalogSnapshot *snapshot = NULL;
	const AstQuery		  *query;
	Plan				  *plan;
	Status				   status = parse_query(context, arena_printf(context->arena, "SELECT * FROM %s s;", relation), &query, err);

	if (status == OK)
		status = select_plan(context, query, &snapshot, &plan, err);
	if (status == OK) {
		Schema *copy = arena_memdup(context->arena, plan->schema, sizeof *copy);

		copy->columns = arena_memdup(context->arena, plan->schema->columns, sizeof *copy->columns * (size_t)copy->n_columns);
		*out = copy;
	}
	catalog_release(snapshot);
	return status;
}

static bool
applies(const Measure *measure, const Type *type)
{
	switch (measure->applies) {
	case NUMBER_TYPES:
		return type_is_number(type);
	case ORDERED_TYPES:
		return !type_is_nested(type) && type->kind != TYPE_INTERVAL;
	default:
		return true;
	}
}

static void
add_measure(const Measure *measure, const Column *column, StrBuf *sql)
{
	const char *place = measure->sql != NULL ? strstr(measure->sql, "%s") : NULL;

	if (place == NULL || !applies(measure, column->type)) {
		strbuf_add_text(sql, "NULL");
		return;
	}
	/* BYTES cannot be shown as text */
	if (column->type->kind == TYPE_BYTES && !measure->is_number) {
		strbuf_add_text(sql, "NULL");
		return;
	}
	strbuf_add(sql, measure->sql, (size_t)(place - measure->sql));
	strbuf_add_quoted(sql, str_of(column->name), '`');
	strbuf_add_text(sql, place + 2);
}

static Status
make_query(StatementContext *context, const char *relation, const Schema *schema, const AstQuery **out, Error *err)
{
	StrBuf sql = {0};
	Status status;

	strbuf_add_text(&sql, "SELECT COUNT(*)");
	for (int c = 0; c < schema->n_columns; c++)
		for (int m = 0; m < N_MEASURES; m++) {
			strbuf_add_text(&sql, ", ");
			add_measure(&measures[m], &schema->columns[c], &sql);
		}
	strbuf_printf(&sql, " FROM %s s;", relation);
	status = parse_query(context, strbuf_text(&sql), out, err);
	strbuf_free(&sql);
	return status;
}

/* ---- the result ---- */

static double
number_of(const Value *v)
{
	return v->type->kind == TYPE_DOUBLE	   ? v->number
		   : v->type->kind == TYPE_DECIMAL ? decimal_to_double(v->decimal, v->type->scale)
										   : (double)v->integer;
}

static void
set_measure(const Value *from, Vector *to, Arena *arena, int32_t row)
{
	Value value = value_null(to->type);

	if (!from->is_null && to->type == type_string)
		value = value_text(type_string, from->text);
	else if (!from->is_null && to->type == type_bigint)
		value = value_integer(type_bigint, from->integer);
	else if (!from->is_null)
		value = value_double(number_of(from));
	vector_set(to, arena, row, &value);
}

static const Type *
measure_type(const Measure *measure)
{
	return !measure->is_number ? type_string
		   : strcmp(measure->name, "count") == 0 || strcmp(measure->name, "approx_unique") == 0 ? type_bigint : type_double;
}

/* The quantiles of a column came as a list. */
static void
spread_quantiles(Value *values)
{
	for (int m = 0; m < N_MEASURES; m++)
		if (values[m].type->kind == TYPE_ARRAY) {
			Value list = values[m];

			for (int k = 0; k < 3; k++)
				values[m + k] = list.is_null ? value_null(type_double) : list.items[k];
		}
}

/* A row a column, told as the rows of a query. */
static Status
tell_summary(StatementContext *context, Summary *summary, Error *err)
{
	Arena		*arena = context->arena;
	int			 n = N_MEASURES + 3, n_rows = summary->schema->n_columns;
	Column		*columns = arena_array(arena, Column, n);
	Schema		 schema = {.n_columns = n, .columns = columns};
	ResultHeader header = {.schema = &schema};
	Batch		*batch = batch_new(arena, n, n_rows);
	double		 n_all = summary->values != NULL ? (double)summary->values[0].integer : 0;
	Status		 status;

	columns[0] = (Column){.name = "column_name", .type = type_string};
	columns[1] = (Column){.name = "column_type", .type = type_string};
	for (int m = 0; m < N_MEASURES; m++)
		columns[m + 2] = (Column){.name = measures[m].name, .type = measure_type(&measures[m])};
	columns[n - 1] = (Column){.name = "null_percentage", .type = type_double};
	for (int c = 0; c < n; c++)
		batch->columns[c] = vector_new(arena, columns[c].type, n_rows);
	for (int r = 0; r < n_rows; r++) {
		const Column *column = &summary->schema->columns[r];
		Value		 *values = summary->values != NULL ? &summary->values[1 + r * N_MEASURES] : NULL;
		Value		  name = value_text(type_string, str_of(column->name)), type = value_text(type_string, str_of(type_to_arena(column->type, arena)));
		Value		  nulls = value_null(type_double);

		vector_set((Vector *)batch->columns[0], arena, r, &name);
		vector_set((Vector *)batch->columns[1], arena, r, &type);
		if (values != NULL)
			spread_quantiles(values);
		for (int m = 0; m < N_MEASURES; m++)
			set_measure(values != NULL ? &values[m] : &nulls, (Vector *)batch->columns[m + 2], arena, r);
		if (values != NULL && n_all > 0)
			nulls = value_double(round((n_all - (double)values[N_MEASURES - 1].integer) / n_all * 10000) / 100);
		vector_set((Vector *)batch->columns[n - 1], arena, r, &nulls);
	}
	TRY(summary->outer->begin(summary->outer, &header, err));
	status = n_rows > 0 ? summary->outer->rows(summary->outer, batch, err) : OK;
	if (status == FAILED)
		return FAILED;
	summary->end.n_rows = n_rows;
	summary->outer->end(summary->outer, &summary->end);
	return OK;
}

Status
summarize_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	Summary			 summary = {.sink = {.begin = summary_begin, .rows = summary_rows, .end = summary_end, .progress = summary_progress},
								.outer = context->sink, .arena = context->arena};
	StatementContext inner = *context;
	StrBuf			 text = {0};
	const char		*relation;
	const AstQuery	*query;

	add_relation(&statement->describe, &text);
	relation = arena_strdup(context->arena, strbuf_text(&text));
	strbuf_free(&text);
	inner.sink = &summary.sink;
	/* the functions that it needs are of this dialect */
	inner.standard = true;
	if (find_schema(&inner, relation, &summary.schema, err) != OK || make_query(&inner, relation, summary.schema, &query, err) != OK) {
		/* the place in the query above would say nothing */
		err->line = err->column = 0;
		return FAILED;
	}
	TRY(select_run(&inner, query, err));
	return tell_summary(context, &summary, err);
}
