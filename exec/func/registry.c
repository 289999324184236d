/* Every family of functions, one line a file.  The rows in the families are the only registration of a function. */
#include "exec/func/agg_impl.h"
#include "exec/func/func.h"
#include "exec/func/kernel.h"

const ScalarFunction *const scalar_families[] = {
	scalar_math_functions,
	scalar_bits_functions,
	scalar_decimal_functions,
	scalar_string_functions,
	scalar_text_functions,
	scalar_mask_functions,
	scalar_bytes_functions,
	scalar_regex_functions,
	scalar_array_functions,
	scalar_list_functions,
	scalar_map_functions,
	scalar_lambda_functions,
	scalar_json_functions,
	scalar_date_functions,
	scalar_calendar_functions,
	scalar_time_format_functions,
	scalar_interval_functions,
	scalar_print_functions,
	scalar_url_functions,
	scalar_null_functions,
	NULL,
};

/* ksqlDB's names of what they are for, in the same order. */
static const char *const scalar_categories[] = {
	"MATHEMATICAL",
	"MATHEMATICAL",
	"MATHEMATICAL",
	"STRING",
	"STRING",
	"STRING",
	"OTHERS",
	"REGULAR EXPRESSION",
	"ARRAY",
	"ARRAY",
	"MAP",
	"LAMBDA",
	"JSON",
	"DATE / TIME",
	"DATE / TIME",
	"DATE / TIME",
	"DATE / TIME",
	"STRING",
	"URL",
	"CONDITIONAL",
};

_Static_assert(sizeof scalar_categories / sizeof *scalar_categories + 1 == sizeof scalar_families / sizeof *scalar_families, "a family has no category");

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

const char *
scalar_category(const ScalarFunction *function)
{
	for (int i = 0; scalar_families[i] != NULL; i++)
		for (const ScalarFunction *f = scalar_families[i]; f->name != NULL; f++)
			if (f == function)
				return scalar_categories[i];
	return "OTHERS";
}
