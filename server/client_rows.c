/*
 * Answers of queries: row objects, one a line between "[" and "]", become batches for a sink.
 */
#include <stdlib.h>

#include "data/json_build.h"
#include "engine/json_value.h"
#include "server/client_impl.h"

#define MOST_ROWS 1000			/* of a batch; what came in one piece is shown at once */

struct ClientRows {
	ResultSink	 *sink;
	StrBuf		  waiting;		/* of a line that is not complete */
	Arena		  arena;		/* of the query */
	Arena		  row_arena;	/* of the batch in hand */
	bool		  has_begun;
	const Schema *schema;
	Batch		 *batch;
	uint8_t		 *kinds;
	bool		  limit_reached;
	bool		  has_error;
	Error		  error;
	int64_t		  n_rows;
	Nanos		  started;
};

ClientRows *
client_rows_new(ResultSink *sink)
{
	ClientRows *rows = xcalloc(1, sizeof *rows);

	rows->sink = sink;
	rows->started = nanos_now();
	return rows;
}

void
client_rows_free(ClientRows *rows)
{
	strbuf_free(&rows->waiting);
	arena_free(&rows->row_arena);
	arena_free(&rows->arena);
	free(rows);
}

Status
client_error(Arena *arena, const JsonValue *object, int status, Error *err)
{
	const char *message = json_text_of(arena, object, "message");
	const char *hint = json_text_of(arena, object, "hint");
	size_t		n = message != NULL ? strlen(message) : 0, h = hint != NULL ? strlen(hint) : 0;

	if (message == NULL)
		return error_user(err, "The server answered with status %d", status);
	/* The message has the remedy at its end, for clients that know no hints. */
	if (h > 0 && n > h && strcmp(message + n - h, hint) == 0)
		n -= h + 1;
	error_user(err, "%.*s", (int)n, message);
	if (hint != NULL)
		error_hint(err, "%s", hint);
	if (json_int_of(object, "line") > 0)
		error_at(err, (int)json_int_of(object, "line"), (int)json_int_of(object, "column"), (int)json_int_of(object, "length"));
	return FAILED;
}

/* ---- the header ---- */

static Status
take_header(ClientRows *r, const JsonValue *header, Error *err)
{
	const char	*text = json_text_of(&r->arena, header, "schema");
	const char	*id = json_text_of(&r->arena, header, "queryId");
	Schema		*plain;
	ResultHeader result = {0};

	if (text == NULL)
		return error_user(err, "The server's answer has no schema");
	TRY(schema_parse(&r->arena, str_of(text), &r->schema, err));
	/* Columns stand as selected: KEY only says what is one. */
	plain = arena_memdup(&r->arena, r->schema, sizeof *r->schema);
	plain->n_key = 0;
	result.schema = plain;
	result.query_id = id != NULL ? id : "";
	result.is_pull = r->schema->n_key > 0;
	result.is_continuous = id != NULL && strncmp(id, "query_", 6) != 0 && !result.is_pull;
	result.is_table = true;
	r->has_begun = true;
	return r->sink->begin(r->sink, &result, err);
}

/* ---- rows ---- */

static void
new_batch(ClientRows *r)
{
	arena_reset(&r->row_arena);
	r->batch = batch_new(&r->row_arena, r->schema->n_columns, 0);
	r->kinds = arena_array(&r->row_arena, uint8_t, MOST_ROWS);
	for (int c = 0; c < r->schema->n_columns; c++)
		r->batch->columns[c] = vector_new(&r->row_arena, r->schema->columns[c].type, MOST_ROWS);
}

static Status
flush_batch(ClientRows *r, Error *err)
{
	Status status;

	if (r->batch == NULL || r->batch->n_rows == 0)
		return OK;
	r->batch->row_kind = r->kinds;
	for (int c = 0; c < r->schema->n_columns; c++)
		((Vector *)r->batch->columns[c])->n_rows = r->batch->n_rows;
	r->n_rows += r->batch->n_rows;
	status = r->sink->rows(r->sink, r->batch, err);
	r->batch = NULL;
	return status;
}

static Status
take_row(ClientRows *r, const JsonValue *row, Error *err)
{
	const JsonValue *columns = json_member(row, STR("columns"));
	int32_t			 at;

	if (!r->has_begun || columns == NULL || columns->kind != JSON_ARRAY || (int)columns->n != r->schema->n_columns)
		return error_user(err, "The server sent a row that does not fit its header");
	if (r->batch == NULL)
		new_batch(r);
	at = r->batch->n_rows++;
	r->kinds[at] = json_bool_of(row, "tombstone") ? ROW_DELETE : ROW_INSERT;
	for (int c = 0; c < r->schema->n_columns; c++) {
		Vector *v = (Vector *)r->batch->columns[c];
		Value	value;

		TRY(json_to_value(&r->row_arena, &columns->elements[c], v->type, &value, err));
		/* Texts point into the line, which goes. */
		value = value_copy(&r->row_arena, value);
		if (value.is_null)
			vector_set_null(v, &r->row_arena, at);
		else
			vector_set(v, &r->row_arena, at, &value);
	}
	return r->batch->n_rows >= MOST_ROWS ? flush_batch(r, err) : OK;
}

static Status
take_element(ClientRows *r, const JsonValue *element, Error *err)
{
	const JsonValue *value;
	const char		*message;

	if ((value = json_member(element, STR("row"))) != NULL)
		return take_row(r, value, err);
	if ((value = json_member(element, STR("header"))) != NULL)
		return take_header(r, value, err);
	if ((value = json_member(element, STR("errorMessage"))) != NULL) {
		r->has_error = true;
		client_error(&r->arena, value, 200, &r->error);
	}
	message = json_text_of(&r->arena, element, "finalMessage");
	r->limit_reached = r->limit_reached || (message != NULL && strcmp(message, "Limit Reached") == 0);
	return OK;
}

static Str
without_separator(Str line)
{
	line = str_trim(line);
	if (line.length > 0 && (line.data[0] == '[' || line.data[0] == ','))
		line = str_trim(str_make(line.data + 1, line.length - 1));
	return line;
}

/* One line: "[{...}," or "{...}," or "{...}]" or "]". */
static Status
take_line(ClientRows *r, Str line, Error *err)
{
	Arena	  arena = {0};
	JsonValue element;
	Status	  status = OK;

	line = without_separator(line);
	if (line.length > 0 && line.data[0] == '{') {
		status = json_parse(&arena, line, JSON_ALLOW_TRAILING, &element, err);
		if (status == OK)
			status = take_element(r, &element, err);
	}
	arena_free(&arena);
	return status;
}

/* The newest row of a live query: what ends its line comes with the next row, which may be long. */
static Status
take_last(ClientRows *r, Str *line, Error *err)
{
	Arena	  arena = {0};
	Str		  text = without_separator(*line);
	JsonValue element;
	Status	  status = OK;

	if (text.length > 0 && text.data[0] == '{' && text.data[text.length - 1] == '}' && json_parse_quiet(&arena, text, JSON_STRICT, &element)) {
		status = take_element(r, &element, err);
		*line = STR("");
	}
	arena_free(&arena);
	return status;
}

Status
client_rows_take(ClientRows *r, Str data, Error *err)
{
	Str	   rest;
	Status status = OK;

	strbuf_add_str(&r->waiting, data);
	rest = strbuf_str(&r->waiting);
	for (const char *newline; status == OK && (newline = memchr(rest.data, '\n', rest.length)) != NULL;) {
		status = take_line(r, str_make(rest.data, (size_t)(newline - rest.data)), err);
		rest = str_make(newline + 1, rest.length - (size_t)(newline + 1 - rest.data));
	}
	if (status == OK)
		status = take_last(r, &rest, err);
	memmove(r->waiting.data, rest.data, rest.length);
	r->waiting.length = rest.length;
	return status == OK ? flush_batch(r, err) : status;
}

Status
client_rows_end(ClientRows *r, Error *err)
{
	Status status = take_line(r, strbuf_str(&r->waiting), err);

	if (status == OK)
		status = flush_batch(r, err);
	if (r->has_begun) {
		ResultEnd end = {.n_rows = r->n_rows, .limit_reached = r->limit_reached, .seconds = (double)(nanos_now() - r->started) / 1e9};

		r->sink->end(r->sink, &end);
	}
	if (status != FAILED && r->has_error) {
		*err = r->error;
		return FAILED;
	}
	return status;
}
