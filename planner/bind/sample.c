/*
 * USING SAMPLE and TABLESAMPLE.  A percentage keeps each row by chance; a number of rows keeps the first so many in an order by chance,
 * which needs no more memory than the sample.  With REPEATABLE the chance is a hash of the row's number and the seed.
 */
#include <stdlib.h>

#include "planner/bind/bind.h"

/* The chance of a row: a number that is spread evenly over 0 to 1. */
static Status
chance(ExprBinder *eb, const AstSample *sample, int n_columns, Expr **out, Error *err)
{
	enum { PARTS = 1000003 };
	Binder *b = eb->binder;
	Expr   *args[2], *hash, *parts[2];

	if (!sample->has_seed)
		return bind_function(eb, "RANDOM", args, 0, sample->pos, out, err);
	args[0] = expr_column(b->arena, n_columns, type_bigint, "NUMBER");
	args[1] = expr_constant(b->arena, value_integer(type_bigint, sample->seed));
	TRY(bind_function(eb, "HASH", args, 2, sample->pos, &hash, err));
	parts[0] = hash;
	parts[1] = expr_constant(b->arena, value_integer(type_bigint, PARTS));
	TRY(bind_function(eb, "MOD", parts, 2, sample->pos, &hash, err));
	TRY(bind_function(eb, "ABS", &hash, 1, sample->pos, &hash, err));
	parts[0] = expr_cast_to(b, hash, type_double);
	parts[1] = expr_constant(b->arena, value_double(PARTS));
	*out = expr_new(b->arena, EXPR_ARITHMETIC, type_double, arena_memdup(b->arena, parts, sizeof parts), 2);
	(*out)->op = ARITH_DIV;
	(*out)->standard = true;
	return OK;
}

static Logical *
keep_by_chance(Binder *b, Logical *rows, const AstSample *sample, Expr *number)
{
	Expr *args[2] = {number, expr_constant(b->arena, value_double(strtod(sample->amount, NULL) / 100))}, *condition;

	condition = expr_new(b->arena, EXPR_COMPARE, type_boolean, arena_memdup(b->arena, args, sizeof args), 2);
	condition->op = COMPARE_LT;
	condition->standard = true;
	return logical_filter(b->arena, rows, condition);
}

static Logical *
keep_number(Binder *b, Logical *rows, const AstSample *sample, Expr *number)
{
	Logical	 *node = logical_new(b->arena, LOGICAL_SORT, rows);
	SortSpec *sort = arena_new(b->arena, SortSpec);
	SortKey	 *key = arena_new(b->arena, SortKey);

	key->expr = number;
	sort->n_keys = 1;
	sort->keys = key;
	sort->n_rows = strtoll(sample->amount, NULL, 10);
	node->spec = sort;
	return node;
}

Status
plan_sample(Binder *b, const AstSample *sample, Logical **rows, Error *err)
{
	ExprBinder eb = {.binder = b, .clause = CLAUSE_WHERE};
	Logical	  *input = *rows, *node = input;
	int		   n = input->n_columns;
	Expr	  *number;

	if (!b->is_bounded || !b->standard) {
		error_unsupported(err, b->standard ? "A sample is not kept up to date in a continuous query. Use WHERE RANDOM() < 0.1."
										   : "Samples are SQL of the standard dialect.");
		return error_at_pos(err, sample->pos);
	}
	if (sample->has_seed) {
		/* the numbers are those of the file, however many threads read it */
		b->needs_order = true;
		node = number_rows(b, node, NULL, 0, NULL, 0);
	}
	TRY(chance(&eb, sample, n, &number, err));
	node = sample->is_percent ? keep_by_chance(b, node, sample, number) : keep_number(b, node, sample, number);
	if (sample->has_seed)
		node = keep_first_columns(b, node, n);
	node->n_front = input->n_front;
	node->estimated_rows = sample->is_percent ? input->estimated_rows : strtoll(sample->amount, NULL, 10);
	*rows = node;
	return OK;
}
