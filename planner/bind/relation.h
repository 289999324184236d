#ifndef SLUICE_PLANNER_BIND_RELATION_H
#define SLUICE_PLANNER_BIND_RELATION_H

/* What the files of FROM share: the columns of a scan on the way to a node and its scope. */
#include "planner/bind/bind.h"

typedef struct ScanBuilder {
	Binder	   *binder;
	int			n, capacity, column_capacity;
	ScanColumn *origins;
	Column	   *columns;
} ScanBuilder;

void scan_add(ScanBuilder *s, const char *name, const Type *type, int source_index, PseudoKind kind, const char *header);
/* ROWTIME and the others that every source has. */
void scan_add_pseudo(ScanBuilder *s, bool is_windowed);
/* Event time from a column (NULL: none), of text by a format (NULL: as CAST reads it). */
Status scan_timestamp(Binder *b, ScanBuilder *s, const char *column, const char *format, const Expr **out, Error *err);
Logical *scan_finish(Binder *b, ScanBuilder *s, LogicalScan *scan, int n_key, bool is_table);
void scope_of_scan(Binder *b, Scope *scope, const Logical *scan, const LogicalScan *spec, const char *alias);

/* ---- file_relation.c ---- */
Status bind_file_relation(Binder *b, const AstRelation *relation, SelectBinder *outer, Logical **out, Scope *scope, Error *err);

#endif
