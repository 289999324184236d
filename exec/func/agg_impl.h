#ifndef SLUICE_EXEC_FUNC_AGG_IMPL_H
#define SLUICE_EXEC_FUNC_AGG_IMPL_H

/* What the files of aggregates share: the loops of step. */
#include "exec/func/func.h"

static inline bool
agg_skips(const uint64_t *skip, int64_t i)
{
	return skip != NULL && bitmap_get(skip, i);
}

/* The result of row i, where every change is wanted. */
static inline void
agg_note(const AggregateCall *call, const void *state, Vector *results, int32_t i)
{
	if (results != NULL)
		call->function->result(call, state, results, i, call->arena);
}

/*
 * Defines step for an aggregate of one argument that ignores NULL.  `body` sees the value `x` and the state `s`.
 * The loop without NULLs is apart, and so is that of one group, where the state stays in registers.
 */
#define AGG_STEP1(name, T, STATE, body)                                                                               \
	static Status name(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args,    \
					   int32_t n_rows, const uint64_t *skip, Vector *results)                                         \
	{                                                                                                                 \
		const Vector *v = args[0];                                                                                    \
		const T		 *data = v->data;                                                                                 \
		int64_t		  step_ = v->form == VECTOR_CONSTANT ? 0 : 1;                                                     \
                                                                                                                      \
		if (skip == NULL && v->validity == NULL && results == NULL && call->is_single && n_rows > 0) {                \
			STATE  local = *(STATE *)(states[0] + offset);                                                            \
			STATE *s = &local;                                                                                        \
                                                                                                                      \
			if (step_ == 1)                                                                                           \
				for (int32_t i = 0; i < n_rows; i++) {                                                                \
					T x = data[i];                                                                                    \
					body;                                                                                             \
				}                                                                                                     \
			else                                                                                                      \
				for (int32_t i = 0; i < n_rows; i++) {                                                                \
					T x = data[0];                                                                                    \
					body;                                                                                             \
				}                                                                                                     \
			*(STATE *)(states[0] + offset) = local;                                                                   \
			return OK;                                                                                                \
		}                                                                                                             \
		if (skip == NULL && v->validity == NULL && results == NULL) {                                                 \
			for (int32_t i = 0; i < n_rows; i++) {                                                                    \
				STATE *s = (STATE *)(states[i] + offset);                                                             \
				T	   x = data[i * step_];                                                                           \
				body;                                                                                                 \
			}                                                                                                         \
			return OK;                                                                                                \
		}                                                                                                             \
		for (int32_t i = 0; i < n_rows; i++) {                                                                        \
			STATE *s = (STATE *)(states[i] + offset);                                                                 \
                                                                                                                      \
			if (!agg_skips(skip, i) && arg_valid(v, i)) {                                                             \
				T x = data[i * step_];                                                                                \
				body;                                                                                                 \
			}                                                                                                         \
			agg_note(call, s, results, i);                                                                            \
		}                                                                                                             \
		return OK;                                                                                                    \
	}

/* The same for one row taken back. */
#define AGG_RETRACT1(name, T, STATE, body)                                                                            \
	static Status name(const AggregateCall *call, void *state, const Vector *const *args, int32_t i)                  \
	{                                                                                                                 \
		const Vector *v = args[0];                                                                                    \
		STATE		 *s = state;                                                                                      \
                                                                                                                      \
		(void)call;                                                                                                   \
		if (arg_valid(v, i)) {                                                                                        \
			T x = ((const T *)v->data)[arg_index(v, i)];                                                              \
			body;                                                                                                     \
		}                                                                                                             \
		return OK;                                                                                                    \
	}

#define AGG_MERGE(name, STATE, body)                                                                                  \
	static void name(const AggregateCall *call, void *into, const void *from)                                         \
	{                                                                                                                 \
		STATE		*s = into;                                                                                        \
		const STATE *o = from;                                                                                        \
                                                                                                                      \
		(void)call;                                                                                                   \
		body;                                                                                                         \
	}

/* `body` writes row `row` of `out`. */
#define AGG_RESULT(name, STATE, body)                                                                                 \
	static void name(const AggregateCall *call, const void *state, Vector *out, int32_t row, Arena *arena)            \
	{                                                                                                                 \
		const STATE *s = state;                                                                                       \
                                                                                                                      \
		(void)call, (void)arena;                                                                                      \
		body;                                                                                                         \
	}

/* ---- families ---- */
extern const Aggregate basic_aggregates[];
extern const Aggregate extreme_aggregates[];
extern const Aggregate collect_aggregates[];
extern const Aggregate topk_aggregates[];
extern const Aggregate stat_aggregates[];
extern const Aggregate quantile_aggregates[];
extern const Aggregate text_aggregates[];

/* Result type: that of the first argument. */
const Type *agg_resolve_same(const Type *const *args, int n_args, const Value *constants, Error *err);

#endif
