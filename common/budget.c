#include "common/budget.h"

static void
note_most(MemoryBudget *budget, int64_t used)
{
	int64_t most = atomic_load_explicit(&budget->most_bytes, memory_order_relaxed);

	while (used > most && !atomic_compare_exchange_weak_explicit(&budget->most_bytes, &most, used, memory_order_relaxed, memory_order_relaxed))
		continue;
}

static Status
reserve_one(MemoryBudget *budget, int64_t size_bytes, const char *what, Error *err)
{
	int64_t used = atomic_fetch_add(&budget->used_bytes, size_bytes) + size_bytes;
	if (budget->limit_bytes == 0 || used <= budget->limit_bytes) {
		note_most(budget, used);
		return OK;
	}
	atomic_fetch_sub(&budget->used_bytes, size_bytes);
	error_fatal(err, "Out of memory for %s: %lld MB are in use and the limit is %lld MB", what,
				(long long)((used - size_bytes) >> 20), (long long)(budget->limit_bytes >> 20));
	return error_hint(err, "Raise it with SET 'memory.limit'='...', or make the query keep less.");
}

Status
budget_reserve(MemoryBudget *budget, int64_t size_bytes, const char *what, Error *err)
{
	if (budget == NULL)
		return OK;
	TRY(reserve_one(budget, size_bytes, what, err));
	if (budget->whole == NULL || reserve_one(budget->whole, size_bytes, what, err) == OK)
		return OK;
	atomic_fetch_sub(&budget->used_bytes, size_bytes);
	return FAILED;
}

void
budget_take(MemoryBudget *budget, int64_t size_bytes)
{
	for (; budget != NULL; budget = budget->whole)
		note_most(budget, atomic_fetch_add(&budget->used_bytes, size_bytes) + size_bytes);
}

void
budget_release(MemoryBudget *budget, int64_t size_bytes)
{
	for (; budget != NULL; budget = budget->whole)
		atomic_fetch_sub(&budget->used_bytes, size_bytes);
}
