#ifndef SLUICE_EXEC_FUNC_SERIES_H
#define SLUICE_EXEC_FUNC_SERIES_H

/* GENERATE_SERIES and RANGE as kernels of scalar functions, which make arrays; series.c has them as rows of FROM too. */
#include "exec/func/kernel.h"

bool generate_series(const ScalarCall *call, int32_t row, const Value *args, Value *out);
bool range_series(const ScalarCall *call, int32_t row, const Value *args, Value *out);
/* GENERATE_SERIES from a time to another, the end included; RANGE leaves it out. */
bool time_series(const ScalarCall *call, int32_t row, const Value *args, Value *out);

#endif
