#ifndef SLUICE_EXEC_OP_AGGREGATE_IMPL_H
#define SLUICE_EXEC_OP_AGGREGATE_IMPL_H

/*
 * Shared by the files of the aggregate: aggregate.c (rows to groups, windows, emission), aggregate_item.c (one aggregate
 * with its FILTER, DISTINCT and ORDER BY), aggregate_session.c, aggregate_table.c (undo), aggregate_values.c (MIN and MAX with undo),
 * aggregate_state.c (durable), aggregate_spill*.c and aggregate_large.c (what memory does not hold; aggregate_spill.h).
 */
#include "exec/op/aggregate.h"
#include "exec/op/group_table.h"
#include "exec/state/expiry.h"

struct AggregateOp;

/* State of an ordered aggregate: its rows, each a 4-byte length and row_encode of arguments and sort keys. */
typedef struct OrderedState {
	char	*bytes;
	uint64_t length;
	uint64_t capacity;
	int64_t	 n_rows;
	char	*finished;	/* the function's own state, which has taken all rows in order; NULL: they are here */
} OrderedState;

/* One aggregate of the select list as it runs. */
typedef struct Item {
	struct AggregateOp	*owner;
	int					 number;
	const AggregateItem *spec;
	const Aggregate		*function;
	AggregateCall		 call;
	Program			   **args;
	Program				*filter;
	Program			   **order_by;
	uint32_t			 offset;		/* of the state, from what `states` points to */
	uint32_t			 state_size;
	uint32_t			 inner_size;	/* ordered: size of the function's own state */
	bool				 is_ordered;	/* keeps its rows and aggregates them, sorted, when the result is wanted */
	bool				 keeps_distinct; /* is_ordered, and each row is kept once: DISTINCT where states merge (sessions) */
	int64_t				 used_bytes;	/* by its states, outside of their records (not of sessions: AggregateOp has those) */
	GroupTable			*distinct;		/* (group, arguments) -> how many rows; NULL: not DISTINCT */
	StateTable			*values;		/* keeps_values; NULL: the function's own state is used */
	StrBuf				 value_key;
	StrBuf				 value_bytes;
	Group			   **unsaved;		/* durable: tuples to write at flush */
	uint32_t			 n_unsaved;
	uint32_t			 unsaved_capacity;
	StrBuf				 removed;		/* durable: keys of tuples to remove at flush: length, bytes, ... */
} Item;

/* Argument columns of an item for some rows: n_args, then the ORDER BY columns; FLAT or CONSTANT. */
typedef struct ItemInput {
	const Vector  **columns;
	const uint64_t *skip;	/* rows that FILTER leaves out; NULL: none */
} ItemInput;

/* merges_states: states of one group come together (sessions), so DISTINCT is a part of the state. */
Status item_open(Op *op, Item *item, const AggregateItem *spec, bool merges_states, int64_t *used_bytes, Error *err);
void   item_close(Item *item);

/* Evaluates arguments, filter and order over the whole batch. */
Status item_eval(const Item *item, EvalContext *eval, Arena *arena, const Batch *in, ItemInput *out, Error *err);

/* The rows index[0..n) of an input (NULL: the first n, as they are). */
void item_select(const Item *item, Arena *arena, const ItemInput *in, const uint32_t *index, int32_t n, ItemInput *out);

/* What the state's address must be a multiple of. */
uint32_t item_state_align(const Item *item);

int item_n_columns(const Item *item);

void   item_init(const Item *item, char *base);
void   item_destroy(const Item *item, char *base);
/* group_ids: numbers of the groups, for DISTINCT. */
Status item_step(Item *item, char *const *bases, const uint32_t *group_ids, const ItemInput *in, int32_t n, bool is_single,
				 Arena *arena, Vector *results, Error *err);
Status item_retract(Item *item, char *base, uint32_t group_id, const ItemInput *in, int32_t row, Arena *arena, Error *err);
void   item_merge(const Item *item, char *into, const char *from);
/* base: of items with keeps_values the group itself. */
Status item_result(Item *item, const char *base, Vector *out, int32_t row, Arena *arena, Error *err);
/* aggregate_values.c: one row more (by 1) or less (-1) in a group; the least or greatest value. */
Status values_change(Item *item, const Group *group, const ItemInput *in, int32_t row, int64_t by, Arena *arena, Error *err);
Status values_result(Item *item, const Group *group, Vector *out, int32_t row, Arena *arena, Error *err);
void   item_save(const Item *item, const char *base, StrBuf *out);
/* Writes the next part of an ordered state, of some KiB, as item_save would one of its own; *at is 0 at first.  false: there is none. */
bool   item_save_rows(const Item *item, const char *base, size_t *at, StrBuf *out);
/* Type of a column of item_eval. */
const Type *item_column_type(const Item *item, int c);
Status item_load(const Item *item, char *base, Str bytes, Error *err);

/* Forgets the DISTINCT tuples of groups that are dead (is_dead by group number). */
void   item_forget(Item *item, const bool *is_dead, uint32_t n_numbers);
/* Takes over another's DISTINCT tuples; map gives for its group numbers the groups here. */
Status item_merge_distinct(Item *item, const Item *other, Group *const *map, Arena *arena, Error *err);

/* The groups of one window start. */
typedef struct WindowBucket {
	Time	  start;
	uint32_t *groups;	/* numbers */
	uint32_t  n_groups;
	uint32_t  capacity;
} WindowBucket;

typedef struct AggregateOp AggregateOp;
struct AggregateOp {
	Op				 op;
	Program		   **keys;
	int				 n_slots;		/* keys, then the window, then the grouping set */
	int				 window_slot;	/* -1: none */
	int				 set_slot;		/* -1: none */
	Item			*items;
	bool			 has_distinct;
	GroupTable		 groups;
	uint32_t		 states_size;
	int64_t			 used_bytes;	/* by sessions, outside of their records */
	int64_t			 reserved_bytes;
	bool			 is_compacting;
	bool			 is_ended;		/* stream time is at its end */
	Time			 stream_time;

	Group		   **changed;		/* compaction: groups to emit at flush */
	uint32_t		 n_changed;
	uint32_t		 changed_capacity;

	Group		   **unsaved;		/* durable: groups to write at flush */
	uint32_t		 n_unsaved;
	uint32_t		 unsaved_capacity;
	StrBuf			 removed;		/* durable: keys to remove at flush: length, bytes, ... */
	Time			 saved_time;	/* durable: stream time as stored */

	/* Time windows, if windows close or expire: by rising start. */
	WindowBucket	*buckets;
	uint32_t		 n_buckets;
	uint32_t		 bucket_capacity;
	Time			 newest_start;	/* greatest window start stored so far */

	KeyTimer		 timer;			/* ttl_ms: groups by when they end; key bytes -> number */
	struct Sessions *sessions;
	struct AggregateSpill *spill;	/* groups that were written out; NULL: they never are */
	bool			 may_overdraw;	/* states are reserved beyond the budget until it is looked at before the next rows */
	StateTable		*rows;			/* is_table: source key -> group key and arguments of its row */
};

/* What is computed once for a pushed batch. */
typedef struct PushData {
	const Batch	   *in;
	const Vector  **keys;
	KeySlot		  **slots;			/* of the keys, for all rows */
	ItemInput	   *inputs;			/* of the items, for all rows */
	uint32_t	   *live;			/* rows that take part */
	int32_t			n_live;
	const int64_t  *times_before;	/* sessions, of rows that were kept: stream time before each; NULL: as it is */
} PushData;

/* Rows to be emitted. */
typedef struct OutRows {
	int32_t			n;
	const Vector  **keys;			/* n_keys */
	Vector		  **results;		/* n_items */
	int64_t		   *grouping;		/* NULL: no grouping sets */
	int64_t		   *time;
	int64_t		   *window_start;	/* NULL: not windowed */
	int64_t		   *window_end;
	uint8_t		   *kind;			/* NULL: INSERT */
	const Vector   *headers;
} OutRows;

Status aggregate_eval(AggregateOp *self, const Batch *in, PushData *out, Error *err);
Status aggregate_emit_rows(AggregateOp *self, const OutRows *rows, Error *err);
/* Emits the current rows of groups, in order, a batch at a time. */
Status aggregate_emit_groups(AggregateOp *self, Group *const *groups, uint32_t n, RowKind kind, Error *err);
Status aggregate_find(AggregateOp *self, KeySlot **columns, int32_t n, Group **groups, Error *err);
void   aggregate_group_changed(AggregateOp *self, Group *group);
Status aggregate_emit_changed(AggregateOp *self, Error *err);
void   aggregate_remove_group(AggregateOp *self, Group *group);
/* Reserves what the states have taken since the last time. */
Status aggregate_account(AggregateOp *self, Error *err);
/* Reserves for the values of an item; the error names it. */
Status item_reserve(const AggregateOp *self, const Item *item, int64_t bytes, Error *err);
Time   aggregate_window_end(const AggregateOp *self, Time start);

/* ---- TTL (aggregate_ttl.c) ---- */
Status aggregate_ttl_open(AggregateOp *self, Error *err);
/* These groups have had a row. */
Status aggregate_ttl_note(AggregateOp *self, Group *const *groups, int32_t n, Error *err);
/* Rows in runs between which groups end. */
Status aggregate_ttl_push(AggregateOp *self, const Batch *in, Status (*push)(AggregateOp *self, const Batch *in, Error *err), Error *err);
Status aggregate_ttl_advance(AggregateOp *self, Time time, Error *err);
/* Removes groups in order; they must have been emitted. */
void   aggregate_remove_groups(AggregateOp *self, Group *const *groups, uint32_t n);

/* ---- more than the budget holds (aggregate_spill.c) ---- */

void   aggregate_spill_open(AggregateOp *self);
void   aggregate_spill_close(AggregateOp *self);
bool   aggregate_has_spilled(const AggregateOp *self);
/* Before n rows are taken: writes out what is kept if there may not be room for those. */
Status aggregate_spill_make_room(AggregateOp *self, int32_t n, Error *err);
/* Whether two parts must be merged on disk; that: behind what `self` has comes what `other` has. */
bool   aggregate_spill_must_merge(const AggregateOp *self, const AggregateOp *other);
Status aggregate_spill_merge(AggregateOp *self, AggregateOp *other, Error *err);
/* Whether results are better made by way of the disk, though all that they are made of is in memory. */
bool   aggregate_spill_must_finish(const AggregateOp *self);
/* Emits all groups, a partition after the other. */
Status aggregate_spill_finish(AggregateOp *self, Error *err);
/* Emits all groups in memory. */
Status aggregate_emit_all(AggregateOp *self, Error *err);
/* Frees what the states own; they are not used again. */
void   aggregate_destroy_states(AggregateOp *self);

Status aggregate_session_open(AggregateOp *self, Error *err);
Status aggregate_session_push(AggregateOp *self, PushData *data, Error *err);
Status aggregate_session_advance(AggregateOp *self, Error *err);
Status aggregate_session_finish(AggregateOp *self, Error *err);
Status aggregate_session_flush(AggregateOp *self, Error *err);
Status aggregate_session_merge(AggregateOp *self, AggregateOp *other, Error *err);
void   aggregate_session_close(AggregateOp *self);

Status aggregate_table_open(AggregateOp *self, Error *err);
Status aggregate_table_push(AggregateOp *self, PushData *data, Error *err);
/* True of a group that is to be deleted: it has no rows (any more), and that counts. */
bool   aggregate_group_is_empty(const AggregateOp *self, const Group *group);

Status aggregate_state_load(AggregateOp *self, Error *err);
Status aggregate_state_flush(AggregateOp *self, Error *err);
/* Notes that the durable row of a group is to be removed. */
void   aggregate_state_removed(AggregateOp *self, const Group *group);

/* ---- pieces of durable state, for sessions ---- */

/* Key of a durable row: the group's key bytes, then the window (or 0, 0) and the grouping set. */
Status aggregate_state_key(AggregateOp *self, const Group *group, Time start, Time end, StrBuf *out, Error *err);
void   aggregate_state_remove_later(AggregateOp *self, Str key);
void   aggregate_state_put(AggregateOp *self, Str key, Time time, const char *base);
/* Hands over the removals noted and stream time; call before the puts. */
void   aggregate_state_flush_removed(AggregateOp *self);
Status aggregate_state_load_time(AggregateOp *self, Error *err);
/* The group (made if need be) and window of a durable row; *used: bytes of the key. */
Status aggregate_state_load_key(AggregateOp *self, Str key, Group **group, Time *start, Time *end, size_t *used, Error *err);
/* A tuple of DISTINCT has changed, or is about to be removed. */
void   aggregate_tuple_changed(Item *item, Group *tuple);
void   aggregate_tuple_removed(Item *item, Group *tuple);
Status aggregate_state_load_items(AggregateOp *self, Str value, Time *time, char *base, Error *err);

#endif
