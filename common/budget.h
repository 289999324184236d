#ifndef SLUICE_COMMON_BUDGET_H
#define SLUICE_COMMON_BUDGET_H

/*
 * Memory budgets: whatever grows with user data is reserved here before it is allocated, so that a query that wants
 * too much fails with an error and the program lives.  Thread safe.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "common/status.h"

typedef struct MemoryBudget MemoryBudget;
struct MemoryBudget {
	_Atomic int64_t used_bytes;
	_Atomic int64_t most_bytes;		/* that were used at once so far */
	int64_t			limit_bytes;	/* 0: no limit of its own */
	MemoryBudget   *whole;			/* of which this is a part, and whose limit counts too; NULL: none.  A whole is no part */
};

/* Reserves; FAILED (ERROR_FATAL, with the remedy) when the limit would be passed, and then nothing is reserved. */
Status budget_reserve(MemoryBudget *budget, int64_t size_bytes, const char *what, Error *err);
/* Reserves even beyond the limit: the little without which nothing could be written out. */
void   budget_take(MemoryBudget *budget, int64_t size_bytes);
void   budget_release(MemoryBudget *budget, int64_t size_bytes);

/* The one that has the limit: the whole of a part without one. */
static inline const MemoryBudget *
budget_in_force(const MemoryBudget *budget)
{
	return budget != NULL && budget->limit_bytes == 0 && budget->whole != NULL ? budget->whole : budget;
}

#endif
