/*
 * The processing log: what persistent queries could not read or compute, as records of a topic that a stream makes
 * queryable.  Entries go into the unit of the query's epoch: they are committed with what they are about, or not at all.
 */
#include "engine/dead_letter.h"
#include "engine/engine_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base64.h"
#include "data/json_text.h"
#include "exec/op/scan.h"

#define LOG_TOPIC "ksql_processing_log"
#define LOG_RETENTION_MS "604800000"
#define MAX_ENTRIES 1000	/* of an epoch: a broken input must not become a bigger log */
#define MAX_RAW 4096		/* bytes of a record that are shown */

/* ksqlDB's columns. */
static const char declaration[] =
	"CREATE STREAM KSQL_PROCESSING_LOG (LOGGER STRING, LEVEL STRING, TIME BIGINT, MESSAGE STRUCT<`type` INT, "
	"`deserializationError` STRUCT<`target` STRING, `errorMessage` STRING, `recordB64` STRING, `cause` ARRAY<STRING>, `topic` STRING>, "
	"`recordProcessingError` STRUCT<`errorMessage` STRING, `record` STRING, `cause` ARRAY<STRING>>, "
	"`productionError` STRUCT<`errorMessage` STRING>, "
	"`serializationError` STRUCT<`target` STRING, `errorMessage` STRING, `record` STRING, `cause` ARRAY<STRING>, `topic` STRING>, "
	"`kafkaStreamsThreadError` STRUCT<`errorMessage` STRING, `threadName` STRING, `cause` ARRAY<STRING>>>) "
	"WITH (KAFKA_TOPIC='" LOG_TOPIC "', VALUE_FORMAT='JSON', PARTITIONS=1, RETENTION_MS=" LOG_RETENTION_MS ", TIMESTAMP='TIME');";

Status
processing_log_declare(Engine *engine, Error *err)
{
	StrBuf command = {0};
	Status status;

	if (engine->is_inline)
		return OK;
	/* As a command of the log: dialect, no settings, statement.  It is the engine's own and never written there. */
	strbuf_add(&command, "ksqldb\0", 8);
	strbuf_add_text(&command, declaration);
	status = ddl_replay(engine, strbuf_str(&command), err);
	strbuf_free(&command);
	/* Replayed commands make no topics. */
	return status == OK && !engine->on_kafka ? processing_log_create(engine, err) : status;
}

Status
processing_log_create(Engine *engine, Error *err)
{
	TopicConfig config = {.n_partitions = 1, .n_replicas = (int)settings_int(engine->settings, "ksql.internal.topic.replicas"),
						  .retention_ms = atoll(LOG_RETENTION_MS)};
	Topic	   *topic;

	TRY(engine_topic(engine, LOG_TOPIC, &topic, err));
	return topic != NULL ? OK : topics_create(engine->topics, str_of(LOG_TOPIC), &config, &topic, err);
}

static void
add_text_field(StrBuf *out, const char *name, Str text)
{
	strbuf_printf(out, "\"%s\":", name);
	json_write_string(out, text);
}

static void
log_append(Query *query, const char *logger, const char *level, Str message)
{
	Topic *topic = NULL;
	Time   now = env_now(query->engine->env);
	StrBuf value = {0};
	Error  ignored;

	if (engine_topic(query->engine, LOG_TOPIC, &topic, &ignored) == FAILED || topic == NULL)
		return;
	strbuf_add_text(&value, "{");
	add_text_field(&value, "LOGGER", str_of(logger));
	strbuf_printf(&value, ",\"LEVEL\":\"%s\",\"TIME\":%lld,\"MESSAGE\":", level, (long long)now);
	strbuf_add_str(&value, message);
	strbuf_add_text(&value, "}");
	topic_unit_append(query->unit, topic, 0, &(Record){.timestamp = now, .value = strbuf_str(&value), .key_is_null = true});
	strbuf_free(&value);
}

/* True if there is room for one more entry of this epoch; the last one says that there were more. */
static bool
log_has_room(Query *query, ProcessingError kind)
{
	query->bad_rows++;
	query->errors[kind]++;
	query->engine->counters.bad_rows++;
	query->engine->counters.errors[kind]++;
	if (query->is_log_reader)
		return false;
	if (query->n_log_entries++ < MAX_ENTRIES)
		return true;
	if (query->n_log_entries == MAX_ENTRIES + 1)
		log_append(query, "processing", "ERROR", STR("{\"type\":1,\"recordProcessingError\":{\"errorMessage\":"
				   "\"There were more errors in this epoch; they are left out of the log\",\"record\":null,\"cause\":[]}}"));
	return false;
}

static void
add_place(StrBuf *out, const char *where, int32_t partition, int64_t offset, const char *reason)
{
	const char *colon = strrchr(where, ':');

	/* Files name the line themselves. */
	if (offset < 0 || (colon != NULL && strspn(colon + 1, "0123456789") == strlen(colon + 1)))
		strbuf_printf(out, "%s: %s", where, reason);
	else
		strbuf_printf(out, "%s/%d/%lld: %s", where, partition, (long long)offset, reason);
}

static void
report_row(RowLog *log, const char *where, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	Query *query = (Query *)((char *)log - offsetof(Query, row_log));
	StrBuf message = {0};
	StrBuf text = {0};
	char   logger[256];

	dead_letters_add(query, partition, offset, "processing", reason, raw);
	if (!log_has_room(query, ERROR_PROCESSING))
		return;
	add_place(&text, where, partition, offset, reason);
	snprintf(logger, sizeof logger, "processing.%s.%s", query->id, where);
	strbuf_add_text(&message, "{\"type\":1,\"recordProcessingError\":{");
	add_text_field(&message, "errorMessage", strbuf_str(&text));
	strbuf_add_text(&message, ",\"record\":");
	if (raw.length > 0)
		json_write_string(&message, str_make(raw.data, raw.length < MAX_RAW ? raw.length : MAX_RAW));
	else
		strbuf_add_text(&message, "null");
	strbuf_add_text(&message, ",\"cause\":[]}}");
	log_append(query, logger, "ERROR", strbuf_str(&message));
	strbuf_free(&message);
	strbuf_free(&text);
}

static void
report_bad_record(BadRecordLog *log, const char *input, int32_t partition, int64_t offset, const char *reason, Str raw)
{
	Query *query = (Query *)((char *)log - offsetof(Query, bad_records));
	StrBuf message = {0};
	StrBuf text = {0};
	char   logger[256];

	if (query->fails_on_bad && query->bad_record[0] == '\0') {
		add_place(&text, input, partition, offset, reason);
		snprintf(query->bad_record, sizeof query->bad_record, "%s", strbuf_text(&text));
		strbuf_clear(&text);
	}
	dead_letters_add(query, partition, offset, "deserialization", reason, raw);
	if (!log_has_room(query, ERROR_DESERIALIZATION))
		return;
	add_place(&text, input, partition, offset, reason);
	snprintf(logger, sizeof logger, "processing.%s.Source.deserializer", query->id);
	strbuf_add_text(&message, "{\"type\":0,\"deserializationError\":{\"target\":\"value\",");
	add_text_field(&message, "errorMessage", strbuf_str(&text));
	strbuf_add_text(&message, ",\"recordB64\":\"");
	base64_add_encoded(&message, str_make(raw.data, raw.length < MAX_RAW ? raw.length : MAX_RAW));
	strbuf_add_text(&message, "\",\"cause\":[],");
	add_text_field(&message, "topic", str_of(input));
	strbuf_add_text(&message, "}}");
	log_append(query, logger, "ERROR", strbuf_str(&message));
	strbuf_free(&message);
	strbuf_free(&text);
}

void
processing_log_attach(Query *query)
{
	const Plan *plan = query->persistent.plan;

	query->row_log.report = report_row;
	query->bad_records.report = report_bad_record;
	query->fails_on_bad = settings_bool(query->settings, "ksql.fail.on.deserialization.error");
	/* A query that reads the log would log its own errors for ever. */
	for (int i = 0; i < plan->n_sources; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;

		if (source->kind == SOURCE_TOPIC && strcmp(source->topic->name, LOG_TOPIC) == 0)
			query->is_log_reader = true;
	}
}
