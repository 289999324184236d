#ifndef SLUICE_EXEC_OP_ROW_STORE_H
#define SLUICE_EXEC_OP_ROW_STORE_H

/*
 * Rows that an operator keeps, as columns: each one is a single FLAT vector that grows, so that a row is a number and any
 * selection of rows goes out as dictionaries over the columns without a copy.
 *
 * Everything is copied in, long text too.  The column vectors are stable until the next append; several threads may
 * read them meanwhile.
 */
#include "common/budget.h"
#include "data/batch.h"

typedef struct RowStore {
	int			  n_columns;	/* 0 until the first rows if the store was not given types */
	Vector		**columns;
	Vector		 *lists;		/* nested types: a list whose elements are the column */
	uint64_t	  n_rows;
	int64_t		  capacity;
	Arena		  arena;		/* long text and nested values */
	Arena		 *taken;		/* of merged stores */
	int			  n_taken;
	int			  taken_capacity;
	MemoryBudget *budget;
	const char	 *what;			/* for the error when the budget is exhausted */
	int64_t		  reserved_bytes;
	int64_t		  free_bytes;	/* reserved even beyond the limit; 0 unless the owner writes rows out when they are too many */
} RowStore;

void row_store_init(RowStore *store, MemoryBudget *budget, const char *what);
void row_store_free(RowStore *store);

/* Makes the columns; not needed if the first append may tell the types. */
void row_store_set_types(RowStore *store, const Type *const *types, int n_columns);

/*
 * Adds the rows index[0..n) (NULL: the first n) of some columns.  FAILED: the budget is exhausted; n_rows tells
 * whether these rows are kept all the same.
 */
Status row_store_append(RowStore *store, const Vector *const *columns, int n_columns, const uint32_t *index, int32_t n,
						Error *err);

/* What will be reserved when there are n rows more, without their long text. */
int64_t row_store_bytes_with(const RowStore *store, int64_t n);

/* The same with `text_bytes` of long text and nested values, if the store has such columns. */
int64_t row_store_bytes_with_text(const RowStore *store, int64_t n, int64_t text_bytes);

/* Adds all rows of another store behind the own ones; the other is empty then. */
Status row_store_take(RowStore *store, RowStore *other, Error *err);

/* Keeps the rows index[0..n), in that order, and forgets the others.  FAILED: nothing has changed. */
Status row_store_keep(RowStore *store, const uint32_t *index, int64_t n, Error *err);

/* The rows index[0..n) of columns first .. first+n_columns-1 as dictionaries; borrows index. */
void row_store_select(const RowStore *store, Arena *arena, const uint32_t *index, int32_t n, int first, int n_columns,
					  const Vector **out);

#endif
