#ifndef SLUICE_CATALOG_CATALOG_H
#define SLUICE_CATALOG_CATALOG_H

/*
 * What exists: streams, tables, views, types, persistent queries.
 *
 * The catalog is the fold of the command log.  Readers take an immutable snapshot (counted); the one writer (the engine, under
 * its lock) makes a changed copy and publishes it.  All texts and specs of an entry live in the entry's own arena, which
 * lives as long as any snapshot holds it.
 */
#include "common/setting.h"
#include "data/schema.h"
#include "data/window.h"

typedef enum EntityKind { ENTITY_STREAM, ENTITY_TABLE, ENTITY_VIEW } EntityKind;

/* One side's serialisation as declared; the planner makes the FormatSpec of io/ from it. */
typedef struct CatalogFormat {
	const char *format;				/* "JSON", upper case */
	bool		is_wrapped;			/* resolved: the single column stands in an envelope */
	bool		wrap_given;			/* WRAP_SINGLE_VALUE was written (or set by a setting) */
	char		delimiter;			/* 0: the format's default */
	int			schema_id;
	const char *schema_full_name;
	const char *nullable_representation;
} CatalogFormat;

typedef struct CatalogHeaderColumn {
	const char *name;
	const char *header;				/* HEADER('h'): h; NULL: HEADERS */
	const Type *type;
	int			at;					/* it was declared before this column of the schema */
} CatalogHeaderColumn;

typedef struct CatalogSource {
	const char	 *name;				/* as stored */
	EntityKind	  kind;
	bool		  is_read_only;		/* CREATE SOURCE ... */
	const Schema *schema;			/* key columns first, then value columns; no header columns */
	int			  n_headers;
	const CatalogHeaderColumn *headers;	/* in order of declaration */
	/* Topic source. */
	const char	 *topic;			/* NULL: a file or a view */
	int			  n_partitions;
	int			  n_replicas;
	int64_t		  retention_ms;		/* -1: default */
	int64_t		  ttl_ms;			/* of a query's table: rows end when they have rested so long; 0: never */
	CatalogFormat key_format;
	CatalogFormat value_format;
	WindowSpec	  window;			/* kind NONE: not windowed.  Declared: kind and size; of a query's sink: all of it */
	const char	 *timestamp_column;	/* NULL: record time */
	const char	 *timestamp_format;
	/* File source: WITH (PATH='...'): a FileSpec of io/, kept as the option texts. */
	const char	 *path;
	int			  n_file_options;
	const char *const *file_options;	/* name, value, name, value, ... */
	bool		  follow;
	/* VIEW: its query. */
	const char	 *view_sql;
	/* Where it comes from. */
	const char	 *sql;				/* the statement */
	const char	 *query_id;			/* query that was created with it (CSAS, CTAS, CST); NULL: none */
	bool		  standard;			/* dialect that it was created under */
	bool		  is_materialised;	/* the engine keeps its rows: bounded queries read them (CTAS, SOURCE TABLE) */
} CatalogSource;

typedef enum QueryKind { QUERY_CREATE_STREAM, QUERY_CREATE_TABLE, QUERY_INSERT, QUERY_SOURCE_TABLE } QueryKind;

typedef struct CatalogQuery {
	const char		*id;			/* CSAS_X_3 */
	QueryKind		 kind;
	const char		*sql;
	const char		*sink;			/* source name that it writes; NULL: QUERY_SOURCE_TABLE */
	int				 n_sources;
	const char *const *sources;		/* names that it reads */
	bool			 standard;
	int				 n_properties;	/* settings frozen with it: pairs of name, value */
	const char *const *properties;	/* 2 * n_properties texts */
	uint64_t		 fingerprint;	/* of the stateful operators of its plan */
	bool			 is_paused;
} CatalogQuery;

typedef struct CatalogType {
	const char *name;
	const Type *type;
} CatalogType;

typedef struct CatalogSnapshot CatalogSnapshot;
typedef struct Catalog Catalog;

Catalog *catalog_new(void);
void	 catalog_free(Catalog *catalog);

/* The current state; released by the caller.  Thread safe. */
const CatalogSnapshot *catalog_snapshot(Catalog *catalog);
void				   catalog_release(const CatalogSnapshot *snapshot);

/* Look-up: exact; NULL if there is none.  Results live as long as the snapshot. */
const CatalogSource *catalog_source(const CatalogSnapshot *snapshot, Str name);
const CatalogType	*catalog_type(const CatalogSnapshot *snapshot, Str name);
const CatalogQuery	*catalog_query(const CatalogSnapshot *snapshot, Str id);

/* All entries, in order of creation. */
int catalog_n_sources(const CatalogSnapshot *snapshot);
const CatalogSource *catalog_source_at(const CatalogSnapshot *snapshot, int i);
int catalog_n_types(const CatalogSnapshot *snapshot);
const CatalogType *catalog_type_at(const CatalogSnapshot *snapshot, int i);
int catalog_n_queries(const CatalogSnapshot *snapshot);
const CatalogQuery *catalog_query_at(const CatalogSnapshot *snapshot, int i);

/* ---- changes: each copies what it is given and publishes a new snapshot.  One thread at a time. ---- */
void catalog_put_source(Catalog *catalog, const CatalogSource *source);		/* adds or replaces in place */
void catalog_put_type(Catalog *catalog, const CatalogType *type);
void catalog_put_query(Catalog *catalog, const CatalogQuery *query);
bool catalog_drop_source(Catalog *catalog, Str name);
bool catalog_drop_type(Catalog *catalog, Str name);
bool catalog_drop_query(Catalog *catalog, Str id);

#endif
