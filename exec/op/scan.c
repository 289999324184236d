#include "exec/op/scan.h"

typedef struct ScanOp {
	Op		 op;
	Program *timestamp;
} ScanOp;

static Status
scan_open(Op *op, Error *err)
{
	ScanOp		   *self = op_cast(ScanOp, op, &op_scan);
	const ScanSpec *spec = op->spec;

	if (spec->timestamp != NULL)
		TRY(program_compile(&op->arena, spec->timestamp, &self->timestamp, err));
	return OK;
}

static const Vector *
scan_int64_column(Arena *arena, const Type *type, const int64_t *values, int32_t n_rows)
{
	Vector *v = vector_new(arena, type, 0);

	if (values == NULL)
		return vector_constant(arena, &(Value){.type = type, .is_null = true}, n_rows);
	v->data = (void *)values;
	v->n_rows = n_rows;
	return v;
}

/* The value of the last header of each row that is named `name`. */
static const Vector *
scan_header(Arena *arena, const Batch *in, const char *name)
{
	Vector *out = vector_new(arena, type_bytes, in->n_rows);
	Str		wanted = str_of(name);

	for (int32_t i = 0; i < in->n_rows; i++) {
		Value headers = in->headers != NULL ? vector_get(in->headers, i, arena) : value_null(type_bytes);
		bool  found = false;

		for (uint32_t h = headers.is_null ? 0 : headers.n_items; h-- > 0 && !found;) {
			const Value *item = &headers.items[h];

			if (!item->is_null && !item->items[0].is_null && str_equal(item->items[0].text, wanted)) {
				vector_set(out, arena, i, &item->items[1]);
				found = true;
			}
		}
		if (!found)
			vector_set_null(out, arena, i);
	}
	return out;
}

static const Vector *
scan_pseudo(Arena *arena, const Batch *in, const PseudoColumn *pseudo)
{
	switch (pseudo->kind) {
	case PSEUDO_ROWTIME:
		return scan_int64_column(arena, type_bigint, in->event_time, in->n_rows);
	case PSEUDO_ROWOFFSET:
		return scan_int64_column(arena, type_bigint, in->offset, in->n_rows);
	case PSEUDO_WINDOWSTART:
		return scan_int64_column(arena, type_bigint, in->window_start, in->n_rows);
	case PSEUDO_WINDOWEND:
		return scan_int64_column(arena, type_bigint, in->window_end, in->n_rows);
	case PSEUDO_ROWPARTITION: {
		Vector *v = vector_new(arena, type_integer, in->n_rows);

		for (int32_t i = 0; i < in->n_rows && in->partition != NULL; i++)
			((int32_t *)v->data)[i] = in->partition[i];
		return v;
	}
	case PSEUDO_HEADERS:
		return in->headers;
	case PSEUDO_HEADER:
		return scan_header(arena, in, pseudo->name);
	}
	return NULL;
}

static bool
scan_key_is_null(const Batch *in, int n_key, int32_t row)
{
	for (int c = 0; c < n_key; c++)
		if (vector_is_valid(in->columns[c], row))
			return false;
	return true;
}

/* Turns records into a table's changes: null keys are left out, null values delete. */
static Batch *
scan_table_changes(Op *op, const Batch *in)
{
	const ScanSpec *spec = op->spec;
	Arena		   *arena = op_scratch(op);
	uint32_t	   *keep = arena_alloc(arena, sizeof *keep * (size_t)in->n_rows);
	uint8_t		   *kinds = arena_alloc(arena, (size_t)in->n_rows);
	int32_t			n = 0;
	Batch		   *out;

	for (int32_t i = 0; i < in->n_rows; i++) {
		if (spec->n_key > 0 && scan_key_is_null(in, spec->n_key, i)) {
			op_log_row(op, in, i, "A record of the table %s has no key", spec->alias);
			continue;
		}
		kinds[n] = row_kind_is_null(batch_row_kind(in, i)) ? ROW_DELETE : ROW_UPSERT;
		keep[n++] = (uint32_t)i;
	}
	out = n == in->n_rows ? batch_slice(arena, in, 0, n) : batch_select(arena, in, keep, n);
	out->row_kind = kinds;
	return out;
}

/* Sets the event time from the TIMESTAMP column and leaves out the rows that have none. */
static Status
scan_extract_time(ScanOp *self, const Batch *in, const Batch **out, Error *err)
{
	Op			   *op = &self->op;
	const ScanSpec *spec = op->spec;
	Arena		   *arena = op_scratch(op);
	const Vector   *times;
	int64_t		   *event_time = arena_alloc(arena, sizeof *event_time * (size_t)in->n_rows);
	uint32_t	   *keep = arena_alloc(arena, sizeof *keep * (size_t)in->n_rows);
	int32_t			n = 0;
	Batch		   *timed;

	TRY(program_eval(self->timestamp, op_services(op)->eval, in, &times, err));
	times = vector_flatten(arena, times);
	for (int32_t i = 0; i < in->n_rows; i++) {
		bool	is_null = row_kind_is_null(batch_row_kind(in, i));
		int64_t time = vector_is_valid(times, i) ? ((const int64_t *)times->data)[i] : -1;

		/* A record without a value has no column to take the time from; it keeps its own. */
		if (is_null && time < 0)
			time = in->event_time != NULL ? in->event_time[i] : 0;
		event_time[i] = time;
		if (time >= 0)
			keep[n++] = (uint32_t)i;
		else if (spec->fail_on_bad_time)
			return error_data(err, "Failed to extract the timestamp of a record of %s: it is NULL or negative", spec->alias);
		else
			op_log_row(op, in, i, "No valid timestamp could be taken from the record's TIMESTAMP column");
	}
	timed = batch_slice(arena, in, 0, in->n_rows);
	timed->event_time = event_time;
	*out = n == in->n_rows ? timed : batch_select(arena, timed, keep, n);
	return OK;
}

/* The input has the columns that the source delivers; pseudo columns are appended.  ROWTIME is after extraction, so
 * extraction comes first; the timestamp expression uses the source's columns only. */
static Status
scan_push(Op *op, int port, const Batch *in, Error *err)
{
	ScanOp		   *self = op_cast(ScanOp, op, &op_scan);
	const ScanSpec *spec = op->spec;
	Arena		   *arena = op_scratch(op);
	const Vector  **columns;
	int				n = spec->source->n_columns;
	Batch		   *out;

	(void)port;
	if (spec->timestamp != NULL)
		TRY(scan_extract_time(self, in, &in, err));
	if (spec->is_table)
		in = scan_table_changes(op, in);
	if (in->n_rows == 0)
		return OK;
	if (spec->n_pseudo == 0)
		return op_emit(op, in, err);
	columns = arena_alloc(arena, sizeof *columns * (size_t)(n + spec->n_pseudo));
	memcpy(columns, in->columns, sizeof *columns * (size_t)n);
	for (int p = 0; p < spec->n_pseudo; p++)
		columns[n + p] = scan_pseudo(arena, in, &spec->pseudo[p]);
	out = batch_with_columns(arena, in, columns, n + spec->n_pseudo);
	return op_emit(op, out, err);
}

static void
scan_explain(const void *spec, Explain *out)
{
	const ScanSpec *s = spec;

	explain_text(out, "from", s->source->name != NULL ? s->source->name : "values");
	if (s->alias != NULL && (s->source->name == NULL || strcmp(s->alias, s->source->name) != 0))
		explain_text(out, "as", s->alias);
	if (s->is_table)
		explain_text(out, "rows", "changes of a table");
	if (s->recursive != NULL)
		explain_text(out, "rows", s->is_working ? "of the iteration before" : "of all iterations");
	if (s->kept != NULL)
		explain_text(out, "rows", "computed once");
	if (s->source->n_ranges > 0)
		explain_int(out, "key look-ups", s->source->n_ranges);
	if (s->source->n_bounds > 0)
		explain_int(out, "bounds", s->source->n_bounds);
	if (s->n_join_filters > 0)
		explain_int(out, "join filters", s->n_join_filters);
	if (s->timestamp != NULL)
		explain_expr(out, "event time", s->timestamp);
}

const OpType op_scan = {
	.name = "Scan",
	.size = sizeof(ScanOp),
	.ports = 1,
	.open = scan_open,
	.push = scan_push,
	.is_parallel = true,
	.explain = scan_explain,
};
