/*
 * COPY: the rows of a query or source into a file, and those of a file into a stream or table.  Both are a SELECT whose rows go
 * somewhere else than to the client.
 */
#include "engine/engine_impl.h"
#include "engine/select_impl.h"

#include <stdlib.h>
#include <strings.h>

#include "io/connector/file/partition_writer.h"
#include "planner/bind/properties.h"

#define COPY_ROWS 50000		/* of one commit */

/* Parses a query that this file wrote. */
static Status
parse_query(StatementContext *context, const char *sql, const AstQuery **out, Error *err)
{
	AstStatementList list;

	TRY(parser_parse(context->arena, str_of(sql), (ParserOptions){.is_ksqldb = !context->standard}, &list, err));
	*out = list.items[0]->query;
	return OK;
}

static Status
refuse_option(const AstProperty *property, Error *err)
{
	error_user(err, "Unknown option %s of COPY", property->name);
	error_hint(err, "Options are FORMAT, DELIMITER, HEADER, NULL, COMPRESSION, ROW_GROUP_SIZE, PARTITION_BY.");
	return error_at(err, property->pos.line, property->pos.column, property->pos.length);
}

/* ---- TO ---- */

typedef struct CopyTo {
	ResultSink	  sink;
	ResultSink	 *outer;
	Arena		 *arena;
	FileWriteSpec spec;
	FileWriter	 *writer;
	/* PARTITION_BY */
	const AstProperty *partition_by;
	PartitionWriteSpec partition_spec;
	PartitionWriter *partition_writer;
	int64_t		  n_rows;
	int64_t		  n_failed;		/* rows that could not be read, or have NULL where they could not be computed */
	const char	 *failed_example;
} CopyTo;

/* The columns that PARTITION_BY names: one, or a list. */
static Status
to_keys(CopyTo *self, const Schema *schema, Arena *arena, Error *err)
{
	const AstExpr *value = self->partition_by->value;
	int			   n = value->kind == AST_ARRAY ? value->n_args : 1;
	int			  *keys = arena_array(arena, int, n + 1);

	for (int k = 0; k < n; k++) {
		const char *name = property_text(value->kind == AST_ARRAY ? value->args[k] : value);

		keys[k] = -1;
		for (int c = 0; name != NULL && c < schema->n_columns && keys[k] < 0; c++)
			if (strcasecmp(schema->columns[c].name, name) == 0)
				keys[k] = c;
		if (keys[k] < 0) {
			error_user(err, "PARTITION_BY: there is no column `%s` in what is copied", name != NULL ? name : "?");
			return error_at(err, self->partition_by->pos.line, self->partition_by->pos.column, self->partition_by->pos.length);
		}
	}
	self->partition_spec = (PartitionWriteSpec){.file = self->spec, .n_keys = n, .keys = keys};
	return OK;
}

static Status
to_begin(ResultSink *sink, const ResultHeader *header, Error *err)
{
	CopyTo *self = (CopyTo *)sink;

	self->spec.n_columns = header->schema->n_columns;
	self->spec.columns = header->schema->columns;
	if (self->partition_by == NULL)
		return file_writer_open(&self->spec, &self->writer, err);
	TRY(to_keys(self, header->schema, self->arena, err));
	return partition_writer_open(&self->partition_spec, &self->partition_writer, err);
}

static Status
to_rows(ResultSink *sink, const Batch *rows, Error *err)
{
	CopyTo *self = (CopyTo *)sink;

	self->n_rows += rows->n_rows;
	return self->partition_writer != NULL ? partition_writer_add(self->partition_writer, rows, err) : file_writer_add(self->writer, rows, err);
}

static void
to_end(ResultSink *sink, const ResultEnd *end)
{
	CopyTo *self = (CopyTo *)sink;

	self->n_failed = end->bad_rows + end->failed_rows;
	self->failed_example = end->bad_example != NULL ? arena_strdup(self->arena, end->bad_example) : NULL;
}

/* What there is to say when all is written. */
static void
to_tell(const CopyTo *self, ResultSink *sink, const char *text)
{
	const char *first = self->failed_example != NULL ? self->failed_example : "";

	sink->message(sink, text, false);
	if (self->n_failed > 0)
		sink->message(sink, arena_printf(self->arena, "%lld row%s could not be read or computed%s%s", (long long)self->n_failed, self->n_failed == 1 ? "" : "s",
										 *first != '\0' ? "; the first: " : "", first), true);
}

static void
to_progress(ResultSink *sink, const RunProgress *progress)
{
	CopyTo *self = (CopyTo *)sink;

	if (self->outer->progress != NULL)
		self->outer->progress(self->outer, progress);
}

static Status
to_options(const AstCopy *copy, CopyTo *to, Error *err)
{
	FileWriteSpec *spec = &to->spec;

	for (int i = 0; i < copy->n_properties; i++) {
		const AstProperty *p = &copy->properties[i];
		const char		  *value = property_text(p->value);

		if (strcasecmp(p->name, "PARTITION_BY") == 0) {
			to->partition_by = p;
			continue;
		}
		if (value == NULL)
			return error_user(err, "Option %s of COPY needs a literal", p->name);
		if (strcasecmp(p->name, "FORMAT") == 0)
			spec->format = value;
		else if (strcasecmp(p->name, "COMPRESSION") == 0)
			spec->compression = value;
		else if (strcasecmp(p->name, "ROW_GROUP_SIZE") == 0) {
			char *end;

			spec->group_rows = strtoll(value, &end, 10);
			if (*value == '\0' || *end != '\0' || spec->group_rows < 1)
				return error_user(err, "ROW_GROUP_SIZE must be a number of rows, got '%s'", value);
		} else if (strcasecmp(p->name, "HEADER") == 0)
			spec->no_header = strcasecmp(value, "false") == 0;
		else if (strcasecmp(p->name, "NULL") == 0)
			spec->null_text = value;
		else if (strcasecmp(p->name, "DELIMITER") == 0 || strcasecmp(p->name, "VALUE_DELIMITER") == 0) {
			if (strcmp(value, "\\t") != 0 && strlen(value) != 1)
				return error_user(err, "DELIMITER must be one character, got '%s'", value);
			spec->delimiter = strcmp(value, "\\t") == 0 ? '\t' : value[0];
		} else
			return refuse_option(p, err);
	}
	return OK;
}

static Status
copy_to(StatementContext *context, const AstCopy *copy, Error *err)
{
	CopyTo			 to = {.sink = {.begin = to_begin, .rows = to_rows, .end = to_end, .progress = to_progress}, .outer = context->sink,
						   .arena = context->arena, .spec = {.access = context->engine->file_access, .path = copy->path}};
	StatementContext inner = *context;
	MemoryBudget	 budget = {.limit_bytes = select_memory_limit(context)};
	const AstQuery	*query = copy->query;
	Status			 status;

	TRY(to_options(copy, &to, err));
	if (query == NULL) {
		StrBuf sql = {0};

		strbuf_add_text(&sql, copy->n_columns == 0 ? "SELECT *" : "SELECT ");
		for (int i = 0; i < copy->n_columns; i++) {
			strbuf_add_text(&sql, i > 0 ? ", " : "");
			strbuf_add_quoted(&sql, str_of(copy->columns[i].text), '`');
		}
		strbuf_add_text(&sql, " FROM ");
		strbuf_add_quoted(&sql, str_of(copy->name.text), '`');
		strbuf_add_char(&sql, ';');
		status = parse_query(context, strbuf_text(&sql), &query, err);
		strbuf_free(&sql);
		if (status != OK)
			return status;
	}
	inner.sink = &to.sink;
	inner.budget = to.spec.budget = &budget;
	status = select_run(&inner, query, err);
	if (status == OK && to.partition_by != NULL) {
		int n_files;

		TRY(partition_writer_commit(to.partition_writer, &n_files, err));
		to_tell(&to, context->sink, arena_printf(context->arena, "Copied %lld rows to %d files in '%s'", (long long)to.n_rows, n_files, copy->path));
		return OK;
	}
	partition_writer_abort(to.partition_writer);
	if (status == OK)
		status = file_writer_commit(to.writer, err);
	else
		file_writer_abort(to.writer);
	if (status == OK)
		to_tell(&to, context->sink, arena_printf(context->arena, "Copied %lld rows to '%s'", (long long)to.n_rows, copy->path));
	return status;
}

/* ---- FROM ---- */

typedef struct CopyFrom {
	ResultSink		  sink;
	ResultSink		 *outer;
	StatementContext *context;
	RowProducer		  producer;
	TopicUnit		 *unit;
	bool			  has_time;			/* the file's TIMESTAMP option gives it */
	const int		 *column_of;		/* by column of the target: the query's, or -1 */
	int64_t			  n_rows;
	int64_t			  n_waiting;
	int64_t			  n_bad;
} CopyFrom;

static Status
from_begin(ResultSink *sink, const ResultHeader *header, Error *err)
{
	(void)sink;
	(void)header;
	(void)err;
	return OK;
}

static Status
from_commit(CopyFrom *self, Error *err)
{
	TRY(topic_unit_commit(self->unit, err));
	topic_unit_clear(self->unit);
	self->n_waiting = 0;
	return OK;
}

static Status
from_rows(ResultSink *sink, const Batch *rows, Error *err)
{
	CopyFrom	  *self = (CopyFrom *)sink;
	const Schema  *schema = self->producer.target->schema;
	Arena		   arena = {0};
	const Vector **columns = arena_array(&arena, const Vector *, schema->n_columns + 1);
	Time		   now = env_now(self->context->engine->env);
	Status		   status = OK;

	for (int c = 0; c < schema->n_columns; c++)
		columns[c] = self->column_of[c] >= 0
						 ? vector_flatten(&arena, rows->columns[self->column_of[c]])
						 : vector_flatten(&arena, vector_constant(&arena, &(Value){.type = schema->columns[c].type, .is_null = true}, rows->n_rows));
	for (int32_t i = 0; i < rows->n_rows && status == OK; i++)
		status = row_producer_add(&self->producer, self->unit, columns, i,
								  self->has_time && rows->event_time != NULL ? rows->event_time[i] : now, err);
	arena_free(&arena);
	self->n_rows += rows->n_rows;
	self->n_waiting += rows->n_rows;
	return status == OK && self->n_waiting >= COPY_ROWS ? from_commit(self, err) : status;
}

static void
from_end(ResultSink *sink, const ResultEnd *end)
{
	CopyFrom *self = (CopyFrom *)sink;

	self->n_bad = end->bad_rows + end->failed_rows;
	if (self->n_bad > 0)
		self->outer->message(self->outer, arena_printf(self->context->arena, "%lld rows could not be read and were left out; the first: %s",
							 (long long)self->n_bad, end->bad_example != NULL ? end->bad_example : "?"), true);
}

/* Which of the target's columns the file has: those that are listed, or all. */
static Status
from_columns(StatementContext *context, const AstCopy *copy, const CatalogSource *target, int *column_of, StrBuf *names,
			 StrBuf *schema, Error *err)
{
	int n = 0;

	for (int c = 0; c < target->schema->n_columns; c++)
		column_of[c] = -1;
	for (int i = 0; i < (copy->n_columns > 0 ? copy->n_columns : target->schema->n_columns); i++) {
		int at = copy->n_columns > 0 ? -1 : i;

		for (int c = 0; c < target->schema->n_columns && at < 0; c++)
			if (strcasecmp(target->schema->columns[c].name, copy->columns[i].text) == 0)
				at = c;
		if (at < 0) {
			error_user(err, "Column name `%s` of %s is unknown", copy->columns[i].text, target->name);
			return error_at(err, copy->columns[i].pos.line, copy->columns[i].pos.column, copy->columns[i].pos.length);
		}
		strbuf_add_text(names, n > 0 ? ", " : "");
		strbuf_add_text(schema, n > 0 ? ", " : "");
		strbuf_add_quoted(names, str_of(target->schema->columns[at].name), '`');
		strbuf_add_quoted(schema, str_of(target->schema->columns[at].name), '`');
		strbuf_printf(schema, " %s", type_to_arena(target->schema->columns[at].type, context->arena));
		column_of[at] = n++;
	}
	return OK;
}

static Status
from_query(StatementContext *context, const AstCopy *copy, CopyFrom *from, const CatalogSource *target, const AstQuery **out, Error *err)
{
	StrBuf names = {0}, schema = {0}, sql = {0};
	bool   has_schema = false;
	int	  *column_of = arena_array(context->arena, int, target->schema->n_columns + 1);
	Status status = from_columns(context, copy, target, column_of, &names, &schema, err);

	from->column_of = column_of;
	strbuf_printf(&sql, "SELECT %s FROM ", strbuf_text(&names));
	strbuf_add_quoted(&sql, str_of(copy->path), '\'');
	strbuf_add_text(&sql, " WITH (");
	for (int i = 0; i < copy->n_properties; i++) {
		const char *value = property_text(copy->properties[i].value);

		has_schema = has_schema || strcasecmp(copy->properties[i].name, "SCHEMA") == 0;
		from->has_time = from->has_time || strcasecmp(copy->properties[i].name, "TIMESTAMP") == 0;
		strbuf_printf(&sql, "%s%s=", i > 0 ? ", " : "", copy->properties[i].name);
		strbuf_add_quoted(&sql, str_of(value != NULL ? value : ""), '\'');
	}
	if (!has_schema) {
		strbuf_printf(&sql, "%sSCHEMA=", copy->n_properties > 0 ? ", " : "");
		strbuf_add_quoted(&sql, str_of(strbuf_text(&schema)), '\'');
	}
	strbuf_add_text(&sql, ");");
	if (status == OK)
		status = parse_query(context, strbuf_text(&sql), out, err);
	strbuf_free(&names);
	strbuf_free(&schema);
	strbuf_free(&sql);
	return status;
}

static Status
copy_from(StatementContext *context, const AstCopy *copy, Error *err)
{
	CopyFrom			   from = {.sink = {.begin = from_begin, .rows = from_rows, .end = from_end}, .outer = context->sink, .context = context};
	StatementContext	   inner = *context;
	const CatalogSnapshot *snapshot;
	const CatalogSource	  *target;
	const AstQuery		  *query;
	Status				   status = OK;

	TRY(engine_need_store(context->engine, err));
	snapshot = catalog_snapshot(context->engine->catalog);
	planner_context_init(&context->planner, context->engine, context->arena, snapshot, context->session->settings, context->standard);
	target = catalog_source(snapshot, str_of(bind_name(&context->planner, copy->name)));
	if (target == NULL) {
		error_user(err, "%s does not exist.", copy->name.text);
		error_hint(err, "COPY ... FROM writes into a stream or table that was created before.");
		status = error_at(err, copy->name.pos.line, copy->name.pos.column, copy->name.pos.length);
		goto out;
	}
	if (target->topic == NULL || target->is_read_only) {
		status = error_user(err, "Cannot copy into %s: it has no topic to write to", target->name);
		goto out;
	}
	TRY_OUT(row_producer_init(&from.producer, context, target, err));
	TRY_OUT(from_query(context, copy, &from, target, &query, err));
	from.unit = topics_unit_new(context->engine->topics);
	inner.sink = &from.sink;
	status = select_run(&inner, query, err);
	if (status == FAILED) {
		/* The place in the query above would say nothing. */
		error_at(err, copy->path_pos.line, copy->path_pos.column, copy->path_pos.length);
		goto out;
	}
	TRY_OUT(from_commit(&from, err));
	context->sink->message(context->sink, arena_printf(context->arena, "Copied %lld rows into %s", (long long)from.n_rows, target->name), false);
out:
	if (status != OK && from.n_rows > from.n_waiting)
		error_hint(err, "%lld rows were written before that", (long long)(from.n_rows - from.n_waiting));
	topic_unit_free(from.unit);
	row_producer_free(&from.producer);
	catalog_release(snapshot);
	return status;
}

Status
copy_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	return statement->copy.is_from ? copy_from(context, &statement->copy, err) : copy_to(context, &statement->copy, err);
}
