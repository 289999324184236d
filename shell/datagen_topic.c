#include "shell/datagen_topic.h"

#include "engine/engine.h"

static Status
topic_write(void *context, Time timestamp, Str key, Str value, Error *err)
{
	return engine_producer_add(context, timestamp, key, value, err);
}

static Status
topic_flush(void *context, Error *err)
{
	return engine_producer_flush(context, err);
}

Status
datagen_topic_run(const DatagenOptions *options, const char *topic, const char *directory, Error *err)
{
	EngineOptions	engine_options = {.directory = directory != NULL ? directory : "./sluice-data"};
	EngineProducer *producer = NULL;
	Engine		   *engine = NULL;
	Status			status;

	TRY(engine_open(&engine_options, &engine, err));
	status = engine_producer_open(engine, topic, &producer, err);
	if (status == OK)
		status = datagen_run(options, &(DatagenSink){.write = topic_write, .flush = topic_flush, .context = producer}, err);
	engine_producer_close(producer);
	engine_close(engine);
	return status;
}
