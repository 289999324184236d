#ifndef SLUICE_EXEC_OP_AGGREGATE_SESSION_H
#define SLUICE_EXEC_OP_AGGREGATE_SESSION_H

/* Shared by aggregate_session.c (session windows) and aggregate_session_spill.c (those of a bounded plan that memory does not hold). */
#include "exec/op/aggregate_impl.h"

typedef struct Session {
	Time	 start;
	Time	 end;
	bool	 is_stored;		/* durable state has it, under these bounds */
	bool	 is_unsaved;	/* in the list of changes */
	bool	 is_changed;	/* compaction: in the list to emit */
	bool	 was_emitted;	/* downstream knows it under these bounds */
	bool	 is_dead;		/* merged away or expired; freed when no list has it */
	Group	*group;
} Session;

_Static_assert(sizeof(Session) % 16 == 0, "states behind it are aligned");

/* In a group's record. */
typedef struct SessionList {
	Session **items;
	uint32_t  n;
	uint32_t  capacity;
} SessionList;

typedef struct HeapEntry {
	Time	 end;
	Time	 start;
	uint32_t group;
} HeapEntry;

typedef struct Tombstone {
	Group *group;
	Time   start;
	Time   end;
} Tombstone;

struct Sessions {
	HeapEntry  *heap;
	uint32_t	n_heap;
	uint32_t	heap_capacity;
	Time		newest_end;
	Time		next_sweep;
	Session	  **changed;		/* compaction */
	uint32_t	n_changed;
	uint32_t	changed_capacity;
	Tombstone  *tombstones;
	uint32_t	n_tombstones;
	uint32_t	tombstone_capacity;
	Session	  **unsaved;		/* durable */
	uint32_t	n_unsaved;
	uint32_t	unsaved_capacity;
	int64_t		n_sessions;
	bool		has_empty_groups;
	struct SessionSpill *spill;	/* NULL: all must be in memory */
};

static inline SessionList *
group_sessions(const AggregateOp *self, const Group *group)
{
	return (SessionList *)((char *)group + self->groups.state_offset);
}

Session *session_new(AggregateOp *self, Group *group, Time start, Time end);
/* Puts a session into its group; those that it meets become one with it, in order of time, what was there first.  */
void	 session_join(AggregateOp *self, Group *group, Session *session);
/* Frees all sessions and groups. */
void	 sessions_forget(AggregateOp *self);
/* AGGREGATE_AT_END: all sessions, group by group. */
Status	 sessions_emit_all(AggregateOp *self, Error *err);

/* ---- more than memory holds ---- */

void   session_spill_open(AggregateOp *self);
void   session_spill_close(AggregateOp *self);
/* Before rows are taken: *is_taken: they were written to be taken later. */
Status session_spill_rows(AggregateOp *self, const PushData *data, bool *is_taken, Error *err);
bool   session_spill_must_merge(const AggregateOp *self, const AggregateOp *other);
Status session_spill_merge(AggregateOp *self, AggregateOp *other, Error *err);
bool   session_has_spilled(const AggregateOp *self);
/* Emits all, a partition after the other. */
Status session_spill_finish(AggregateOp *self, Error *err);

#endif
