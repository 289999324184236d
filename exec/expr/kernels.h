#ifndef SLUICE_EXEC_EXPR_KERNELS_H
#define SLUICE_EXEC_EXPR_KERNELS_H

/* Loops that kernels are made of.  Include in kernel files only: it asks the compiler for vector code. */
#include "exec/expr/bits.h"
#include "exec/expr/program_impl.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

/*
 * r[i] = op(p, q) for all rows, where p and q are the operands of row i; one loop for each combination of forms so that
 * the compiler can vectorise.  Both operands CONSTANT does not occur.
 */
#define BINARY_LOOP(TA, TB, TR, op)                           \
	do {                                                      \
		const TA *restrict x_ = a->data;                      \
		const TB *restrict y_ = b->data;                      \
		TR *restrict r_ = out->data;                          \
		int32_t n_ = frame->n_rows;                           \
                                                              \
		if (a->form == VECTOR_CONSTANT) {                     \
			const TA p = x_[0];                               \
                                                              \
			for (int32_t i = 0; i < n_; i++) {                \
				const TB q = y_[i];                           \
                                                              \
				r_[i] = (op);                             \
			}                                                 \
		} else if (b->form == VECTOR_CONSTANT) {              \
			const TB q = y_[0];                               \
                                                              \
			for (int32_t i = 0; i < n_; i++) {                \
				const TA p = x_[i];                           \
                                                              \
				r_[i] = (op);                             \
			}                                                 \
		} else {                                              \
			for (int32_t i = 0; i < n_; i++) {                \
				const TA p = x_[i];                           \
				const TB q = y_[i];                           \
                                                              \
				r_[i] = (op);                             \
			}                                                 \
		}                                                     \
	} while (0)

/* Row i of an operand that is FLAT or CONSTANT. */
#define OPERAND(T, v, i) (((const T *)(v)->data)[(v)->form == VECTOR_CONSTANT ? 0 : (i)])

/* True when row i of the result counts: kernels that can fail ask before they look at a row. */
static inline bool
row_counts(const EvalFrame *frame, const Vector *out, int32_t i)
{
	return (out->validity == NULL || bitmap_get(out->validity, i)) && row_is_active(frame, i);
}

#endif
