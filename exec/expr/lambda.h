#ifndef SLUICE_EXEC_EXPR_LAMBDA_H
#define SLUICE_EXEC_EXPR_LAMBDA_H

/* How kernels of higher-order functions call their lambda arguments. */
#include "exec/func/func.h"

/*
 * Evaluates lambda argument `arg` of the call over n_elements parameter rows at once.  parameters[p] is a FLAT or
 * CONSTANT vector of n_elements rows; outer_row[e] is the row of the call (in its batch) that element e belongs to, for
 * the columns and outer parameters that the body uses.  The result lives in call->arena.  A failing element fails its
 * outer row.
 */
Status eval_lambda(const ScalarCall *call, int arg, const Vector *const *parameters, int n_parameters,
				   const uint32_t *outer_row, int32_t n_elements, const Vector **out, Error *err);

#endif
