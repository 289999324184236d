/* The Schema Registry in memory: for tests of pipelines, which bring their schemas along. */
#include "io/schema_registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct Version Version;
struct Version {
	Version			*older;
	const char		*subject;
	RegisteredSchema schema;
};

typedef struct MemoryRegistry {
	SchemaRegistry	base;
	pthread_mutex_t lock;
	Arena			arena;
	Version		   *newest;
	int				last_id;
} MemoryRegistry;

const char *
schema_kind_name(SchemaKind kind)
{
	static const char *const names[] = {"AVRO", "JSON", "PROTOBUF"};

	return names[kind];
}

static const Version *
find_id(const MemoryRegistry *self, int id)
{
	const Version *v = self->newest;

	while (v != NULL && v->schema.id != id)
		v = v->older;
	return v;
}

static const Version *
find_text(const MemoryRegistry *self, const char *subject, const RegisteredSchema *schema)
{
	const Version *v = self->newest;

	while (v != NULL && ((subject != NULL && strcmp(v->subject, subject) != 0) || v->schema.kind != schema->kind
						 || strcmp(v->schema.text, schema->text) != 0))
		v = v->older;
	return v;
}

static Status
memory_put(SchemaRegistry *registry, const char *subject, const RegisteredSchema *schema, int *id, Error *err)
{
	MemoryRegistry *self = (MemoryRegistry *)registry;
	const Version  *same;
	Version		   *version;

	(void)err;
	pthread_mutex_lock(&self->lock);
	same = find_text(self, subject, schema);
	if (same != NULL && (schema->id == 0 || schema->id == same->schema.id)) {
		*id = same->schema.id;
		pthread_mutex_unlock(&self->lock);
		return OK;
	}
	version = arena_new(&self->arena, Version);
	version->older = self->newest;
	version->subject = arena_strdup(&self->arena, subject);
	version->schema = *schema;
	version->schema.text = arena_strdup(&self->arena, schema->text);
	if (schema->n_references > 0) {
		SchemaReference *references = arena_array(&self->arena, SchemaReference, schema->n_references);

		for (int i = 0; i < schema->n_references; i++) {
			references[i].name = arena_strdup(&self->arena, schema->references[i].name);
			references[i].text = arena_strdup(&self->arena, schema->references[i].text);
		}
		version->schema.references = references;
	}
	if (schema->id == 0) {
		/* The same text under another subject has the same id. */
		same = find_text(self, NULL, schema);
		if (same != NULL)
			version->schema.id = same->schema.id;
		else {
			do
				self->last_id++;
			while (find_id(self, self->last_id) != NULL);
			version->schema.id = self->last_id;
		}
	}
	self->newest = version;
	*id = version->schema.id;
	pthread_mutex_unlock(&self->lock);
	return OK;
}

static Status
memory_by_id(SchemaRegistry *registry, int id, const RegisteredSchema **out, Error *err)
{
	MemoryRegistry *self = (MemoryRegistry *)registry;
	const Version  *version;

	(void)err;
	pthread_mutex_lock(&self->lock);
	version = find_id(self, id);
	pthread_mutex_unlock(&self->lock);
	*out = version != NULL ? &version->schema : NULL;
	return version != NULL ? OK : DONE;
}

static Status
memory_latest(SchemaRegistry *registry, const char *subject, const RegisteredSchema **out, Error *err)
{
	MemoryRegistry *self = (MemoryRegistry *)registry;
	const Version  *version;

	(void)err;
	pthread_mutex_lock(&self->lock);
	version = self->newest;
	while (version != NULL && strcmp(version->subject, subject) != 0)
		version = version->older;
	pthread_mutex_unlock(&self->lock);
	*out = version != NULL ? &version->schema : NULL;
	return version != NULL ? OK : DONE;
}

static void
memory_close(SchemaRegistry *registry)
{
	MemoryRegistry *self = (MemoryRegistry *)registry;

	arena_free(&self->arena);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

SchemaRegistry *
schema_registry_new_memory(void)
{
	MemoryRegistry *self = xcalloc(1, sizeof *self);

	self->base = (SchemaRegistry){.put = memory_put, .by_id = memory_by_id, .latest = memory_latest, .close = memory_close};
	pthread_mutex_init(&self->lock, NULL);
	arena_init(&self->arena);
	return &self->base;
}
