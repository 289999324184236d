/*
 * INSERT INTO ... VALUES: one record, produced at once; and PRINT, which shows a topic's records raw.
 */
#include "engine/engine_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "data/json_text.h"
#include "io/connector/embedded/kept_row.h"

const Vector *const *
row_vectors(Arena *arena, const Schema *schema, const Value *values)
{
	const Vector **columns = arena_array(arena, const Vector *, schema->n_columns + 1);

	for (int c = 0; c < schema->n_columns; c++) {
		Vector *v = vector_new(arena, schema->columns[c].type, 1);

		if (values[c].is_null)
			vector_set_null(v, arena, 0);
		else
			vector_set(v, arena, 0, &values[c]);
		columns[c] = v;
	}
	return columns;
}

static Status
produce_row(StatementContext *context, const InsertRow *row, TopicUnit *unit, Error *err)
{
	const Vector *const *columns = row_vectors(context->arena, row->target->schema, row->values);
	Time				 time = row->has_time ? row->time : env_now(context->engine->env);
	RowProducer			 producer;
	Status				 status = row_producer_init(&producer, context, row->target, err);

	if (status == OK)
		status = row_producer_add(&producer, unit, columns, 0, time, err);
	row_producer_free(&producer);
	return status;
}

Status
insert_values_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	Engine				  *engine = context->engine;
	const CatalogSnapshot *snapshot = catalog_snapshot(engine->catalog);
	TopicUnit			  *unit = NULL;
	InsertRow			  *rows;
	int					   n_rows;
	Status				   status = OK;

	planner_context_init(&context->planner, engine, context->arena, snapshot, context->session->settings, context->standard);
	if (!settings_bool(context->session->settings, "ksql.insert.into.values.enabled")) {
		status = error_user(err, "The server has disabled INSERT INTO ... VALUES functionality. "
							"To enable it, restart your ksqlDB server with 'ksql.insert.into.values.enabled'=true");
		goto out;
	}
	TRY_OUT(bind_insert_values(&context->planner, statement, &rows, &n_rows, err));
	if (engine->is_sandbox)
		goto out;
	unit = topics_unit_new(engine->topics);
	for (int i = 0; i < n_rows; i++)
		TRY_OUT(produce_row(context, &rows[i], unit, err));
	TRY_OUT(topic_unit_commit(unit, err));
	if (context->session->hooks != NULL && context->session->hooks->produced != NULL)
		TRY_OUT(context->session->hooks->produced(context->session->hooks, rows[0].target->topic, err));
out:
	topic_unit_free(unit);
	catalog_release(snapshot);
	return status;
}

/* ---- PRINT ---- */

static bool
is_printable_text(Str s)
{
	for (size_t i = 0; i < s.length; i++)
		if ((unsigned char)s.data[i] < ' ' && s.data[i] != '\t' && s.data[i] != '\n' && s.data[i] != '\r')
			return false;
	return true;
}

static const char *
guess_format(Str bytes, Arena *arena)
{
	JsonValue json;

	if (bytes.length > 0 && is_printable_text(bytes) && json_parse_quiet(arena, bytes, 0, &json))
		return "JSON";
	if (is_printable_text(bytes) && bytes.length != 4 && bytes.length != 8)
		return "KAFKA_STRING";
	if (bytes.length == 4)
		return is_printable_text(bytes) ? "KAFKA_STRING" : "KAFKA_INT";
	if (bytes.length == 8)
		return is_printable_text(bytes) ? "KAFKA_STRING" : "KAFKA_BIGINT";
	return "UNRECOGNISED_BYTES";
}

static void
print_bytes(Str bytes, bool is_null, Arena *arena, StrBuf *out)
{
	const char *format;
	int64_t		number = 0;

	if (is_null) {
		strbuf_add_text(out, "<null>");
		return;
	}
	format = guess_format(bytes, arena);
	if (strcmp(format, "JSON") == 0 || strcmp(format, "KAFKA_STRING") == 0) {
		strbuf_add_str(out, bytes);
		return;
	}
	if (strncmp(format, "KAFKA_", 6) == 0) {
		for (size_t i = 0; i < bytes.length; i++)
			number = (int64_t)((uint64_t)number << 8 | (unsigned char)bytes.data[i]);
		strbuf_printf(out, "%lld", (long long)(bytes.length == 4 ? (int32_t)number : number));
		return;
	}
	strbuf_add_text(out, "0x");
	for (size_t i = 0; i < bytes.length; i++)
		strbuf_printf(out, "%02X", (unsigned char)bytes.data[i]);
}

static void
print_record(const Record *record, int partition, Arena *arena, StrBuf *out)
{
	time_t	  seconds = (time_t)(record->timestamp / 1000);
	struct tm tm;
	char	  text[64];

	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y/%m/%d %H:%M:%S", &tm);
	strbuf_printf(out, "rowtime: %s.%03d Z, key: ", text, (int)(record->timestamp % 1000));
	print_bytes(record->key, record->key_is_null, arena, out);
	strbuf_add_text(out, ", value: ");
	print_bytes(record->value, record->value_is_null, arena, out);
	strbuf_printf(out, ", partition: %d", partition);
}

/* Lines are what PRINT is for, so they are a result and not a message. */
static void
print_line(StatementContext *context, StrBuf *line)
{
	JsonValue value = {.kind = JSON_STRING, .text = strbuf_str(line)};

	context->sink->entity(context->sink, &(Entity){.kind = "print", .value = &value});
}

typedef struct PrintState {
	Topic		*topic;
	TopicReader *reader;
	int			 n_partitions;
	int64_t		*offsets;
	TopicRecords records;
	int64_t		 n_seen;
	int64_t		 n_printed;
	bool		 has_header;
} PrintState;

static Status
print_new_records(StatementContext *context, const AstPrint *print, PrintState *state, bool *is_done, Error *err)
{
	for (int p = 0; p < state->n_partitions && !*is_done; p++) {
		Status status = topic_reader_fetch(state->reader, p, state->offsets[p], 1000, 0, &state->records, err);

		if (status == FAILED)
			return FAILED;
		if (status == DONE)
			continue;
		for (int i = 0; i < state->records.n_records && !*is_done; i++) {
			const Record *record = &state->records.records[i];
			Arena		  arena = {0};
			StrBuf		  line = {0};

			if (!state->has_header) {
				state->has_header = true;
				strbuf_printf(&line, "Key format: %s", record->key_is_null ? "¯\\_(ツ)_/¯ - no data processed" : guess_format(record->key, &arena));
				print_line(context, &line);
				strbuf_clear(&line);
				strbuf_printf(&line, "Value format: %s", record->value_is_null ? "¯\\_(ツ)_/¯ - no data processed" : guess_format(record->value, &arena));
				print_line(context, &line);
				strbuf_clear(&line);
			}
			if (print->interval <= 1 || state->n_seen++ % print->interval == 0) {
				print_record(record, p, &arena, &line);
				print_line(context, &line);
				*is_done = print->limit >= 0 && ++state->n_printed >= print->limit;
			}
			strbuf_free(&line);
			arena_free(&arena);
		}
		state->offsets[p] = state->records.next_offset;
	}
	return OK;
}

Status
print_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstPrint *print = &statement->print;
	Engine		   *engine = context->engine;
	PrintState		state = {0};
	bool			is_done = false;
	bool			earliest = print->from_beginning || context->standard
							   || (settings_text(context->session->settings, "auto.offset.reset") != NULL
								   && strcmp(settings_text(context->session->settings, "auto.offset.reset"), "earliest") == 0);
	Status			status = OK;

	TRY(engine_topic(engine, print->topic.text, &state.topic, err));
	if (state.topic == NULL) {
		error_user(err, "Could not find topic '%s'", print->topic.text);
		return error_hint(err, "SHOW TOPICS lists the topics; their names are case-sensitive.");
	}
	state.n_partitions = state.topic->config.n_partitions;
	state.offsets = arena_array(context->arena, int64_t, state.n_partitions);
	for (int p = 0; p < state.n_partitions; p++) {
		int64_t begin, end;

		TRY(topics_ends(engine->topics, state.topic, p, &begin, &end, err));
		state.offsets[p] = earliest ? begin : end;
	}
	TRY(topic_reader_open(engine->topics, state.topic, &state.reader, err));
	while (!is_done && !context->session->interrupted && status == OK) {
		uint64_t seen = topics_append_count(engine->topics);

		status = print_new_records(context, print, &state, &is_done, err);
		if (status == OK && !is_done)
			topics_append_wait(engine->topics, seen, 100);
	}
	topic_records_free(&state.records);
	topic_reader_close(state.reader);
	if (status == OK && !is_done && context->session->interrupted)
		return error_set(err, ERROR_INTERRUPTED, "Topic printing ceased");
	return status;
}
