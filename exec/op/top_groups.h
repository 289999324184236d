#ifndef SLUICE_EXEC_OP_TOP_GROUPS_H
#define SLUICE_EXEC_OP_TOP_GROUPS_H

/*
 * Which rows can be among the first n of their group in some order: for ROW_NUMBER() OVER (PARTITION BY .. ORDER BY ..) <= n.
 *
 * Keeps a heap of the n least words (sort_prefixes) of the first ORDER BY value for each group.  A row with a greater word comes behind n rows, and
 * is not needed; of rows with an equal word nothing is known, so they stay.  Not thread safe; a clone's groups know its own rows only.
 */
#include "exec/op/group_table.h"
#include "exec/op/op.h"
#include "exec/op/sort_rows.h"

enum { TOP_GROUPS_ROWS_MAX = 64 };		/* n: what a group keeps is n words of 16 bytes */

typedef struct TopGroups {
	GroupTable table;
	int		   n_rows;			/* n; 0: every row stays */
	int		   n_partition;
} TopGroups;

void top_groups_init(TopGroups *top, Op *op, int n_rows, const Expr *const *partition, int n_partition);
void top_groups_free(TopGroups *top);

/*
 * Leaves those of `in`'s n rows that may be needed in rows; gives how many.  `order`: how `values`, the first ORDER BY value of each row, are ordered;
 * values NULL: there is none.  When the budget has no room for the groups, every row stays from then on.
 */
int32_t top_groups_select(TopGroups *top, const Vector *const *partition, const SortColumn *order, const Vector *values, int32_t n,
						  uint32_t *rows, Arena *scratch);

#endif
