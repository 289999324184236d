#ifndef SLUICE_PLANNER_BIND_SELECT_H
#define SLUICE_PLANNER_BIND_SELECT_H

/* What the files of one SELECT share: its list of columns on the way from the text to the projection. */
#include "planner/bind/bind.h"

typedef struct SelectList {
	SelectBinder *sb;
	int			  n, capacity;
	BoundColumn  *columns;
	int			  next_col;		/* KSQL_COL_n */
} SelectList;

/* ---- select_list.c ---- */
BoundColumn *select_list_add(SelectList *list, BoundColumn column);
bool		 select_list_has(const SelectList *list, const char *name);
/* KSQL_COL_n, without the numbers that the source's own columns use. */
const char *select_next_unnamed(SelectList *list);
/* The name of `s->f`: with a number where it is taken. */
const char *select_field_name(SelectList *list, const char *field);
Status bind_select_item(SelectList *list, ExprBinder *eb, const AstSelectItem *item, Error *err);
Status bind_select_items(SelectList *list, Error *err);
/* Names that are reserved or repeated. */
Status check_select_names(SelectBinder *sb, const SelectList *list, int n, Error *err);
/* Puts the clause in front of ksqlDB's sentences that have it there.  Returns FAILED. */
Status select_context(Binder *b, Clause clause, Error *err);

/* ---- columns.c ---- */
/* An item that has COLUMNS(...) in it: one for each column. */
Status bind_columns_item(SelectList *list, ExprBinder *eb, const AstSelectItem *item, Error *err);

/* ---- partition_by.c ---- */
Status plan_partition_by(SelectBinder *sb, SelectList *list, Error *err);

/* ---- order_by.c ---- */
/* Finds or adds the columns of the list that sort; *n_visible: those that the query shows. */
Status bind_select_order(SelectBinder *sb, const AstQuery *query, SelectList *list, SortKey **keys, int *n_visible, Error *err);
/* Of a bounded query. */
void   plan_select_order(SelectBinder *sb, const AstQuery *query, SelectList *list, SortKey *keys, int n_visible);

/* DISTINCT ON (...): its columns of the list, to which they are added; then the first row for each of their values in the query's order (and of
 * each value of the n_keys columns of a domain). */
Status bind_distinct_on(SelectBinder *sb, SelectList *list, int n_visible, int **columns, Error *err);
void   plan_distinct_on(SelectBinder *sb, const AstQuery *query, const int *columns, const SortKey *keys, int first_key, int n_keys);

/* ---- select_keys.c ---- */
/* Puts the key columns in front of the list; *n_key tells how many there are. */
Status resolve_result_keys(SelectBinder *sb, SelectList *list, int *n_key, Error *err);
/*
 * A sub-query or view in a continuous plan: its key columns come first when all are selected, once.
 */
Status keep_inner_keys(SelectBinder *sb, SelectList *list, int *n_key, bool *has_all, Error *err);
/* Leading columns that are the rows' key, in order: what a client may call the key. */
int visible_result_keys(const SelectBinder *sb, const SelectList *list, int n_visible);
/* Which columns of a pull query's answer are key columns of the table, window bounds included. */
void mark_pull_keys(SelectBinder *sb, const SelectList *list);

/* ---- select_result.c ---- */
/* The rest of a continuous SELECT, from the list to the rows: keys, DISTINCT, ORDER BY. */
Status plan_continuous_result(SelectBinder *sb, const AstQuery *query, SelectList *list, SortKey *sort, int n_visible,
							  BoundSubquery *correlated, Error *err);

#endif
