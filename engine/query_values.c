/* The rows of a query that another one must know to be planned: run at once, kept in memory. */
#include "engine/engine_impl.h"

#define VALUES_MAX 100000		/* rows: those who ask want names of columns, or a number */

typedef struct Capture {
	ResultSink	 sink;
	ResultSink	*outer;
	Arena		*arena;
	QueryValues *out;
	int			 capacity;
} Capture;

static Status
capture_begin(ResultSink *sink, const ResultHeader *header, Error *err)
{
	Capture *self = (Capture *)sink;
	Schema	*schema = arena_memdup(self->arena, header->schema, sizeof *schema);

	(void)err;
	schema->columns = arena_memdup(self->arena, schema->columns, sizeof *schema->columns * (size_t)(schema->n_columns + 1));
	self->out->schema = schema;
	return OK;
}

static Status
capture_rows(ResultSink *sink, const Batch *rows, Error *err)
{
	Capture		*self = (Capture *)sink;
	QueryValues *out = self->out;
	int			 n = rows->n_columns;

	if (out->n_rows + rows->n_rows > VALUES_MAX)
		return error_user(err, "A query that this one needs to be planned gives more than %d rows.", VALUES_MAX);
	if (out->n_rows + rows->n_rows > self->capacity) {
		int	   capacity = (out->n_rows + rows->n_rows) * 2;
		Value *values = arena_array(self->arena, Value, capacity * n);

		if (out->n_rows > 0)
			memcpy(values, out->values, sizeof *values * (size_t)(out->n_rows * n));
		out->values = values;
		self->capacity = capacity;
	}
	for (int32_t r = 0; r < rows->n_rows; r++, out->n_rows++)
		for (int c = 0; c < n; c++)
			out->values[out->n_rows * n + c] = value_copy(self->arena, vector_get(rows->columns[c], r, self->arena));
	return OK;
}

/* What it could not read or compute, the query around it most often says too; not always. */
static void
capture_end(ResultSink *sink, const ResultEnd *end)
{
	Capture *self = (Capture *)sink;

	if (end->bad_example != NULL)
		self->outer->message(self->outer, arena_printf(self->arena, "While this query was planned: %s", end->bad_example), true);
}

static void
capture_progress(ResultSink *sink, const RunProgress *progress)
{
	Capture *self = (Capture *)sink;

	if (self->outer->progress != NULL)
		self->outer->progress(self->outer, progress);
}

Status
engine_query_values(PlannerContext *planner, const AstQuery *query, QueryValues *out, Error *err)
{
	StatementContext *context = planner->statement;
	StatementContext  inner = *context;
	Capture			  capture = {.sink = {.begin = capture_begin, .rows = capture_rows, .end = capture_end, .progress = capture_progress},
								 .outer = context->sink, .arena = planner->arena, .out = out};

	*out = (QueryValues){0};
	inner.sink = &capture.sink;
	inner.logical_text = inner.optimized_text = NULL;
	TRY(select_run(&inner, query, err));
	return out->schema != NULL ? OK : error_bug(err, "a query without columns");
}
