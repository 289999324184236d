#ifndef SLUICE_EXEC_STATE_STATE_H
#define SLUICE_EXEC_STATE_STATE_H

/*
 * State of operators: where it is kept durably (StateBackend), and an ordered map in memory that writes itself through
 * (StateTable).
 *
 * All state of a task is in memory while it runs.  An operator loads its state when it opens and hands what has changed
 * to the backend in flush(), so that it commits with the epoch; between flushes the backend knows nothing.
 * One thread at a time, the task's.
 */
#include "common/budget.h"
#include "common/str.h"

/* Borrowed key and value; OK to go on, DONE to stop early, FAILED. */
typedef Status (*StateVisitor)(void *context, Str key, Str value, Error *err);

/*
 * Durable state of one task (query and partition), implemented above this layer.  `op_id` is Op.id; `table` numbers the
 * tables of one operator from 0 (a join has one for each side).
 */
typedef struct StateBackend StateBackend;
struct StateBackend {
	/* Every committed row of a table in order of key bytes. */
	Status (*scan)(StateBackend *backend, int op_id, int table, StateVisitor visit, void *context, Error *err);
	/* Changes, which commit with the current epoch; bytes are copied.  Only called from within flush(). */
	void (*put)(StateBackend *backend, int op_id, int table, Str key, Str value);
	void (*remove)(StateBackend *backend, int op_id, int table, Str key);
};

/* ---- an ordered map from bytes to bytes ---- */

typedef struct StateTable StateTable;

/*
 * An empty table.  backend NULL: not durable.  Otherwise its committed rows are loaded.  Memory is reserved from `budget`
 * (NULL: unlimited); `what` names it when that fails.
 */
Status state_table_open(StateBackend *backend, int op_id, int table, MemoryBudget *budget, const char *what,
						StateTable **out, Error *err);
void state_table_close(StateTable *table);		/* NULL is ignored */

int64_t state_table_count(const StateTable *table);

/* The value of a key, borrowed until the table changes.  False: there is none. */
bool state_table_get(const StateTable *table, Str key, Str *value);

/* Adds or replaces; copies both.  Fails only when the budget is exhausted.  key and value may be borrowed from the table. */
Status state_table_put(StateTable *table, Str key, Str value, Error *err);

/* False: there was none. */
bool state_table_remove(StateTable *table, Str key);

/* Removes the keys from `from` (inclusive) to `to` (exclusive; empty: to the end).  Returns how many. */
int64_t state_table_remove_range(StateTable *table, Str from, Str to);

/*
 * Walks in order of key bytes (memcmp, then length) from the first key >= `from`.  The table must not change meanwhile,
 * except that values of existing keys may be replaced.  What next gives is borrowed until the table changes.
 *
 *	for (StateCursor c = state_table_seek(t, from); state_cursor_next(&c, &key, &value);)
 */
typedef struct StateCursor {
	const StateTable *table;
	const void		 *leaf;
	int				  position;
} StateCursor;

StateCursor state_table_seek(const StateTable *table, Str from);
bool		state_cursor_next(StateCursor *cursor, Str *key, Str *value);

/* Hands all changes since the last flush to the backend, in order of key.  For Op flush(). */
void state_table_flush(StateTable *table);

#endif
