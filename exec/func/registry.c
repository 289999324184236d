/* Every family of functions, one line a file.  The rows in the families are the only registration of a function. */
#include "exec/func/agg_impl.h"
#include "exec/func/func.h"
#include "exec/func/kernel.h"

const ScalarFunction *const scalar_families[] = {
	scalar_math_functions,
	scalar_decimal_functions,
	scalar_string_functions,
	scalar_text_functions,
	scalar_mask_functions,
	scalar_bytes_functions,
	scalar_regex_functions,
	scalar_array_functions,
	scalar_map_functions,
	scalar_lambda_functions,
	scalar_json_functions,
	scalar_date_functions,
	scalar_calendar_functions,
	scalar_time_format_functions,
	scalar_url_functions,
	scalar_null_functions,
	NULL,
};

const Aggregate *const aggregate_families[] = {
	basic_aggregates,
	extreme_aggregates,
	collect_aggregates,
	topk_aggregates,
	stat_aggregates,
	quantile_aggregates,
	text_aggregates,
	NULL,
};

const TableFunction *const table_function_families[] = {
	table_functions,
	NULL,
};
