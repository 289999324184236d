/* Every family of functions, one line a file.  The rows in the families are the only registration of a function. */
#include "exec/func/func.h"

const ScalarFunction *const scalar_families[] = {
	NULL,
};

const Aggregate *const aggregate_families[] = {
	NULL,
};

const TableFunction *const table_function_families[] = {
	NULL,
};
