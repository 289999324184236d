#include "catalog/catalog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* One entry of any kind with its own memory, shared by the snapshots that hold it. */
typedef struct Entry {
	atomic_int	 references;
	Arena		 arena;
	const char	*name;
	const void	*value;
} Entry;

/* Entries in order of creation. */
typedef struct EntryList {
	int		n;
	Entry **entries;
} EntryList;

typedef enum ListKind { LIST_SOURCES, LIST_TYPES, LIST_QUERIES, N_LISTS } ListKind;

struct CatalogSnapshot {
	atomic_int references;
	EntryList  lists[N_LISTS];
};

struct Catalog {
	pthread_mutex_t	 lock;			/* of `current` */
	CatalogSnapshot *current;
};

static void
entry_release(Entry *entry)
{
	if (atomic_fetch_sub(&entry->references, 1) == 1) {
		Arena arena = entry->arena;

		arena_free(&arena);			/* the entry lies in it */
	}
}

static Entry *
entry_new(const char *name)
{
	Arena  arena = {0};
	Entry *entry = arena_new(&arena, Entry);

	entry->name = arena_strdup(&arena, name);
	atomic_init(&entry->references, 0);
	entry->arena = arena;
	return entry;
}

static CatalogSnapshot *
snapshot_copy(const CatalogSnapshot *from)
{
	CatalogSnapshot *copy = xcalloc(1, sizeof *copy);

	atomic_init(&copy->references, 1);
	for (int k = 0; from != NULL && k < N_LISTS; k++) {
		const EntryList *list = &from->lists[k];

		copy->lists[k].n = list->n;
		copy->lists[k].entries = xcalloc((size_t)list->n + 1, sizeof *list->entries);
		for (int i = 0; i < list->n; i++) {
			copy->lists[k].entries[i] = list->entries[i];
			atomic_fetch_add(&list->entries[i]->references, 1);
		}
	}
	return copy;
}

void
catalog_release(const CatalogSnapshot *snapshot)
{
	CatalogSnapshot *s = (CatalogSnapshot *)snapshot;

	if (s == NULL || atomic_fetch_sub(&s->references, 1) != 1)
		return;
	for (int k = 0; k < N_LISTS; k++) {
		for (int i = 0; i < s->lists[k].n; i++)
			entry_release(s->lists[k].entries[i]);
		free(s->lists[k].entries);
	}
	free(s);
}

Catalog *
catalog_new(void)
{
	Catalog *catalog = xcalloc(1, sizeof *catalog);

	pthread_mutex_init(&catalog->lock, NULL);
	catalog->current = snapshot_copy(NULL);
	return catalog;
}

void
catalog_free(Catalog *catalog)
{
	if (catalog == NULL)
		return;
	catalog_release(catalog->current);
	pthread_mutex_destroy(&catalog->lock);
	free(catalog);
}

const CatalogSnapshot *
catalog_snapshot(Catalog *catalog)
{
	CatalogSnapshot *snapshot;

	pthread_mutex_lock(&catalog->lock);
	snapshot = catalog->current;
	atomic_fetch_add(&snapshot->references, 1);
	pthread_mutex_unlock(&catalog->lock);
	return snapshot;
}

static int
list_find(const EntryList *list, Str name)
{
	for (int i = 0; i < list->n; i++)
		if (str_equal(str_of(list->entries[i]->name), name))
			return i;
	return -1;
}

static const void *
snapshot_find(const CatalogSnapshot *snapshot, ListKind kind, Str name)
{
	int i = list_find(&snapshot->lists[kind], name);

	return i >= 0 ? snapshot->lists[kind].entries[i]->value : NULL;
}

const CatalogSource *
catalog_source(const CatalogSnapshot *snapshot, Str name)
{
	return snapshot_find(snapshot, LIST_SOURCES, name);
}

const CatalogType *
catalog_type(const CatalogSnapshot *snapshot, Str name)
{
	return snapshot_find(snapshot, LIST_TYPES, name);
}

const CatalogQuery *
catalog_query(const CatalogSnapshot *snapshot, Str id)
{
	return snapshot_find(snapshot, LIST_QUERIES, id);
}

int
catalog_n_sources(const CatalogSnapshot *snapshot)
{
	return snapshot->lists[LIST_SOURCES].n;
}

const CatalogSource *
catalog_source_at(const CatalogSnapshot *snapshot, int i)
{
	return snapshot->lists[LIST_SOURCES].entries[i]->value;
}

int
catalog_n_types(const CatalogSnapshot *snapshot)
{
	return snapshot->lists[LIST_TYPES].n;
}

const CatalogType *
catalog_type_at(const CatalogSnapshot *snapshot, int i)
{
	return snapshot->lists[LIST_TYPES].entries[i]->value;
}

int
catalog_n_queries(const CatalogSnapshot *snapshot)
{
	return snapshot->lists[LIST_QUERIES].n;
}

const CatalogQuery *
catalog_query_at(const CatalogSnapshot *snapshot, int i)
{
	return snapshot->lists[LIST_QUERIES].entries[i]->value;
}

/* ---- changes ---- */

static void
catalog_publish(Catalog *catalog, CatalogSnapshot *snapshot)
{
	CatalogSnapshot *old;

	pthread_mutex_lock(&catalog->lock);
	old = catalog->current;
	catalog->current = snapshot;
	pthread_mutex_unlock(&catalog->lock);
	catalog_release(old);
}

static void
catalog_put(Catalog *catalog, ListKind kind, Entry *entry)
{
	CatalogSnapshot *next = snapshot_copy(catalog->current);
	EntryList		*list = &next->lists[kind];
	int				 i = list_find(list, str_of(entry->name));

	atomic_fetch_add(&entry->references, 1);
	if (i >= 0) {
		entry_release(list->entries[i]);
		list->entries[i] = entry;
	} else {
		list->entries = xrealloc(list->entries, sizeof *list->entries * (size_t)(list->n + 1));
		list->entries[list->n++] = entry;
	}
	catalog_publish(catalog, next);
}

static bool
catalog_drop(Catalog *catalog, ListKind kind, Str name)
{
	CatalogSnapshot *next;
	EntryList		*list;
	int				 i = list_find(&catalog->current->lists[kind], name);

	if (i < 0)
		return false;
	next = snapshot_copy(catalog->current);
	list = &next->lists[kind];
	entry_release(list->entries[i]);
	memmove(&list->entries[i], &list->entries[i + 1], sizeof *list->entries * (size_t)(list->n - i - 1));
	list->n--;
	catalog_publish(catalog, next);
	return true;
}

static const char *const *
texts_copy(Arena *arena, const char *const *texts, int n)
{
	const char **copy = arena_array(arena, const char *, n + 1);

	for (int i = 0; i < n; i++)
		copy[i] = arena_strdup(arena, texts[i]);
	return copy;
}

static CatalogFormat
format_copy(Arena *arena, CatalogFormat format)
{
	format.format = arena_strdup(arena, format.format);
	format.schema_full_name = arena_strdup(arena, format.schema_full_name);
	format.nullable_representation = arena_strdup(arena, format.nullable_representation);
	return format;
}

void
catalog_put_source(Catalog *catalog, const CatalogSource *source)
{
	Entry				*entry = entry_new(source->name);
	Arena				*arena = &entry->arena;
	CatalogSource		*copy = arena_memdup(arena, source, sizeof *source);
	CatalogHeaderColumn *headers = arena_array(arena, CatalogHeaderColumn, source->n_headers + 1);

	copy->name = entry->name;
	copy->schema = source->schema != NULL ? schema_copy(arena, source->schema) : NULL;
	for (int i = 0; i < source->n_headers; i++)
		headers[i] = (CatalogHeaderColumn){arena_strdup(arena, source->headers[i].name),
										   arena_strdup(arena, source->headers[i].header), source->headers[i].type,
										   source->headers[i].at};
	copy->headers = headers;
	copy->topic = arena_strdup(arena, source->topic);
	copy->key_format = format_copy(arena, source->key_format);
	copy->value_format = format_copy(arena, source->value_format);
	copy->timestamp_column = arena_strdup(arena, source->timestamp_column);
	copy->timestamp_format = arena_strdup(arena, source->timestamp_format);
	copy->path = arena_strdup(arena, source->path);
	copy->file_options = texts_copy(arena, source->file_options, 2 * source->n_file_options);
	copy->view_sql = arena_strdup(arena, source->view_sql);
	copy->sql = arena_strdup(arena, source->sql);
	copy->query_id = arena_strdup(arena, source->query_id);
	entry->value = copy;
	catalog_put(catalog, LIST_SOURCES, entry);
}

void
catalog_put_type(Catalog *catalog, const CatalogType *type)
{
	Entry		*entry = entry_new(type->name);
	CatalogType *copy = arena_memdup(&entry->arena, type, sizeof *type);

	copy->name = entry->name;
	entry->value = copy;
	catalog_put(catalog, LIST_TYPES, entry);
}

void
catalog_put_query(Catalog *catalog, const CatalogQuery *query)
{
	Entry		 *entry = entry_new(query->id);
	Arena		 *arena = &entry->arena;
	CatalogQuery *copy = arena_memdup(arena, query, sizeof *query);

	copy->id = entry->name;
	copy->sql = arena_strdup(arena, query->sql);
	copy->sink = arena_strdup(arena, query->sink);
	copy->sources = texts_copy(arena, query->sources, query->n_sources);
	copy->properties = texts_copy(arena, query->properties, 2 * query->n_properties);
	entry->value = copy;
	catalog_put(catalog, LIST_QUERIES, entry);
}

bool
catalog_drop_source(Catalog *catalog, Str name)
{
	return catalog_drop(catalog, LIST_SOURCES, name);
}

bool
catalog_drop_type(Catalog *catalog, Str name)
{
	return catalog_drop(catalog, LIST_TYPES, name);
}

bool
catalog_drop_query(Catalog *catalog, Str id)
{
	return catalog_drop(catalog, LIST_QUERIES, id);
}
