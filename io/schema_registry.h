#ifndef SLUICE_IO_SCHEMA_REGISTRY_H
#define SLUICE_IO_SCHEMA_REGISTRY_H

/*
 * A Schema Registry: versioned schemas of subjects ("<topic>-key", "<topic>-value"), each with an id that is unique over all
 * subjects.  Behind the interface is a memory (schema_registry_new_memory) or, some day, a server.  Thread safe.  What it hands
 * out never changes and lives as long as the registry.
 */
#include "common/arena.h"
#include "common/str.h"

typedef enum SchemaKind { SCHEMA_AVRO, SCHEMA_JSON, SCHEMA_PROTOBUF } SchemaKind;

/* A schema that the text of another one imports (PROTOBUF). */
typedef struct SchemaReference {
	const char *name;
	const char *text;
} SchemaReference;

typedef struct RegisteredSchema {
	int			id;
	SchemaKind	kind;
	const char *text;
	int			n_references;
	const SchemaReference *references;
} RegisteredSchema;

typedef struct SchemaRegistry SchemaRegistry;
struct SchemaRegistry {
	/* The newest version of the subject becomes this text; a text that the subject has keeps its id. */
	Status (*put)(SchemaRegistry *registry, const char *subject, const RegisteredSchema *schema, int *id, Error *err);
	/* DONE: there is none. */
	Status (*by_id)(SchemaRegistry *registry, int id, const RegisteredSchema **out, Error *err);
	Status (*latest)(SchemaRegistry *registry, const char *subject, const RegisteredSchema **out, Error *err);
	void (*close)(SchemaRegistry *registry);
};

/* Schemas live and die with it.  In `put` an id > 0 of `schema` is taken as it is. */
SchemaRegistry *schema_registry_new_memory(void);

const char *schema_kind_name(SchemaKind kind);

#endif
