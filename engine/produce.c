/*
 * Rows of a stream or table made into records of its topic, and records that come ready made (datagen).
 */
#include "engine/engine_impl.h"

#include <stdlib.h>

#include "data/key.h"

#define PRODUCER_ROWS 10000		/* of one commit */

Status
row_producer_init(RowProducer *producer, StatementContext *context, const CatalogSource *target, Error *err)
{
	const TopicSpec *spec;

	*producer = (RowProducer){.target = target};
	TRY(engine_topic(context->engine, target->topic, &producer->topic, err));
	if (producer->topic == NULL)
		return error_fatal(err, "The topic %s of %s does not exist any more", target->topic, target->name);
	TRY(bind_topic(&context->planner, target, &spec, err));
	TRY(spec->key.format->encoder_new(context->arena, &spec->key, &producer->key, err));
	TRY(spec->value.format->encoder_new(context->arena, &spec->value, &producer->value, err));
	producer->n_partitions = producer->topic->config.n_partitions;
	producer->n_keyless = (int64_t)(context->engine->env->random(context->engine->env) % (uint64_t)producer->n_partitions);
	return OK;
}

Status
row_producer_add(RowProducer *producer, TopicUnit *unit, const Vector *const *columns, int32_t row, Time time, Error *err)
{
	Record record = {.timestamp = time};
	int	   partition;

	strbuf_clear(&producer->key_bytes);
	strbuf_clear(&producer->value_bytes);
	TRY(producer->key->encode(producer->key, columns, row, &producer->key_bytes, &record.key_is_null, err));
	TRY(producer->value->encode(producer->value, columns + producer->target->schema->n_key, row, &producer->value_bytes,
								&record.value_is_null, err));
	record.key = strbuf_str(&producer->key_bytes);
	record.value = strbuf_str(&producer->value_bytes);
	partition = record.key_is_null ? (int)(producer->n_keyless++ % producer->n_partitions)
								   : key_partition(record.key, producer->n_partitions);
	topic_unit_append(unit, producer->topic, partition, &record);
	return OK;
}

void
row_producer_free(RowProducer *producer)
{
	strbuf_free(&producer->key_bytes);
	strbuf_free(&producer->value_bytes);
}

/* ---- ready-made records ---- */

struct EngineProducer {
	Engine	   *engine;
	Topic	   *topic;
	TopicUnit  *unit;
	int			n_partitions;
	int			n_waiting;
};

Status
engine_producer_open(Engine *engine, const char *topic, EngineProducer **out, Error *err)
{
	TopicConfig		config = {.n_partitions = 1, .retention_ms = -1};
	EngineProducer *producer;
	Topic		   *handle;

	TRY(engine_need_store(engine, err));
	TRY(topics_find(engine->topics, str_of(topic), &handle, err));
	if (handle == NULL)
		TRY(topics_create(engine->topics, str_of(topic), &config, &handle, err));
	producer = xcalloc(1, sizeof *producer);
	*producer = (EngineProducer){.engine = engine, .topic = handle, .unit = topics_unit_new(engine->topics),
								 .n_partitions = handle->config.n_partitions};
	*out = producer;
	return OK;
}

Status
engine_producer_flush(EngineProducer *producer, Error *err)
{
	if (producer->n_waiting == 0)
		return OK;
	TRY(topic_unit_commit(producer->unit, err));
	topic_unit_clear(producer->unit);
	producer->n_waiting = 0;
	return OK;
}

Status
engine_producer_add(EngineProducer *producer, Time timestamp, Str key, Str value, Error *err)
{
	topic_unit_append(producer->unit, producer->topic, key_partition(key, producer->n_partitions),
					  &(Record){.timestamp = timestamp, .key = key, .value = value});
	return ++producer->n_waiting >= PRODUCER_ROWS ? engine_producer_flush(producer, err) : OK;
}

void
engine_producer_close(EngineProducer *producer)
{
	if (producer == NULL)
		return;
	topic_unit_free(producer->unit);
	free(producer);
}
