/*
 * Statistics: deviations, correlation and regression, SUM_LIST, PRODUCT; medians and quantiles; distinct counts.
 *
 * STDDEV_* of ksqldb keep sum, count and M2 (Youngs and Cramer) in doubles; CORRELATION keeps running sums, as the
 * reference, so that results agree to the last digit.  The standard rows use Welford's update.
 */
#include <math.h>
#include <stdlib.h>

#include "exec/func/agg_impl.h"

/* ---- ksqldb: STDDEV_SAMPLE, STDDEV_SAMP (which gives the variance) ---- */

/* sum: integers wrap in the argument's type; a double for DOUBLE. */
typedef struct Deviation {
	int64_t int_sum;
	double	sum;
	int64_t n;
	double	m2;
} Deviation;

#define DEVIATION(kind, T, SUM, ADD, SUB)                                                                             \
	static void kind##_add(Deviation *s, T x)                                                                         \
	{                                                                                                                 \
		s->n++;                                                                                                       \
		s->SUM = ADD;                                                                                                 \
		if (s->n > 1) {                                                                                               \
			double d = (double)s->n * (double)x - (double)s->SUM;                                                     \
                                                                                                                      \
			s->m2 += d * d / (double)(s->n * (s->n - 1));                                                             \
		}                                                                                                             \
	}                                                                                                                 \
	static void kind##_sub(Deviation *s, T x)                                                                         \
	{                                                                                                                 \
		if (s->n > 1) {                                                                                               \
			double d = (double)s->n * (double)x - (double)s->SUM;                                                     \
                                                                                                                      \
			s->m2 -= d * d / (double)(s->n * (s->n - 1));                                                             \
		}                                                                                                             \
		s->SUM = SUB;                                                                                                 \
		s->n--;                                                                                                       \
	}                                                                                                                 \
	AGG_STEP1(kind##_step, T, Deviation, kind##_add(s, x))                                                            \
	AGG_RETRACT1(kind##_retract, T, Deviation, kind##_sub(s, x))

DEVIATION(dev_int32, int32_t, int_sum, (int32_t)((uint32_t)s->int_sum + (uint32_t)x), (int32_t)((uint32_t)s->int_sum - (uint32_t)x))
DEVIATION(dev_int64, int64_t, int_sum, (int64_t)((uint64_t)s->int_sum + (uint64_t)x), (int64_t)((uint64_t)s->int_sum - (uint64_t)x))
DEVIATION(dev_double, double, sum, s->sum + x, s->sum - x)

/* The means of integers are divided as integers, as the reference does. */
AGG_MERGE(dev_int_merge, Deviation, {
	if (s->n > 0 && o->n > 0) {
		double d = (double)(o->int_sum / o->n - s->int_sum / s->n);

		s->m2 += o->m2 + d * d * (double)(s->n * o->n) / (double)(s->n + o->n);
	} else {
		s->m2 += o->m2;
	}
	s->int_sum += o->int_sum;
	s->n += o->n;
})
AGG_MERGE(dev_double_merge, Deviation, {
	if (s->n > 0 && o->n > 0) {
		double d = o->sum / (double)o->n - s->sum / (double)s->n;

		s->m2 += o->m2 + d * d * (double)(s->n * o->n) / (double)(s->n + o->n);
	} else {
		s->m2 += o->m2;
	}
	s->sum += o->sum;
	s->n += o->n;
})
AGG_RESULT(dev_variance_result, Deviation, ((double *)out->data)[row] = s->n < 2 ? 0 : s->m2 / (double)(s->n - 1))
AGG_RESULT(dev_sample_result, Deviation, ((double *)out->data)[row] = s->n < 2 ? 0 : sqrt(s->m2 / (double)(s->n - 1)))

/* ---- two arguments ---- */

/* x and y of a row as doubles, whatever number types they are. */
static double
number_at(const Vector *v, int32_t i)
{
	switch (v->type->kind) {
	case TYPE_INTEGER:
		return arg_int32(v, i);
	case TYPE_BIGINT:
		return (double)arg_int64(v, i);
	default:
		return arg_double(v, i);
	}
}

#define AGG_STEP2(name, STATE, add)                                                                                   \
	static Status name##_step(const AggregateCall *call, char *const *states, uint32_t offset,                        \
							  const Vector *const *args, int32_t n_rows, const uint64_t *skip, Vector *results)       \
	{                                                                                                                 \
		for (int32_t i = 0; i < n_rows; i++) {                                                                        \
			STATE *s = (STATE *)(states[i] + offset);                                                                 \
                                                                                                                      \
			if (!agg_skips(skip, i) && arg_valid(args[0], i) && arg_valid(args[1], i))                                \
				add(s, number_at(args[0], i), number_at(args[1], i), 1);                                              \
			agg_note(call, s, results, i);                                                                            \
		}                                                                                                             \
		return OK;                                                                                                    \
	}                                                                                                                 \
	static Status name##_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t i)        \
	{                                                                                                                 \
		(void)call;                                                                                                   \
		if (arg_valid(args[0], i) && arg_valid(args[1], i))                                                           \
			add((STATE *)state, number_at(args[0], i), number_at(args[1], i), -1);                                    \
		return OK;                                                                                                    \
	}

typedef struct Sums {
	double	x, y, xx, yy, xy;
	int64_t n;
} Sums;

static void
sums_add(Sums *s, double x, double y, int sign)
{
	s->x += sign * x;
	s->y += sign * y;
	s->xx += sign * (x * x);
	s->yy += sign * (y * y);
	s->xy += sign * (x * y);
	s->n += sign;
}

AGG_STEP2(correlation, Sums, sums_add)
AGG_MERGE(correlation_merge, Sums,
		  (s->x += o->x, s->y += o->y, s->xx += o->xx, s->yy += o->yy, s->xy += o->xy, s->n += o->n))
AGG_RESULT(correlation_result, Sums, {
	double n = (double)s->n;

	double r = (n * s->xy - s->x * s->y) / sqrt((n * s->xx - s->x * s->x) * (n * s->yy - s->y * s->y));

	((double *)out->data)[row] = isnan(r) ? NAN : r;
})

/* Means and centred sums: numerically stable. */
typedef struct Pairs {
	int64_t n;
	double	mean_x, mean_y, xx, yy, xy;
} Pairs;

static void
pairs_add(Pairs *s, double x, double y, int sign)
{
	double dx, dy;

	if (sign < 0 && s->n == 1) {
		*s = (Pairs){0};
		return;
	}
	if (sign > 0) {
		s->n++;
		dx = x - s->mean_x;
		dy = y - s->mean_y;
		s->mean_x += dx / (double)s->n;
		s->mean_y += dy / (double)s->n;
		s->xx += dx * (x - s->mean_x);
		s->yy += dy * (y - s->mean_y);
		s->xy += dx * (y - s->mean_y);
	} else {
		double mean_x = (s->mean_x * (double)s->n - x) / (double)(s->n - 1);
		double mean_y = (s->mean_y * (double)s->n - y) / (double)(s->n - 1);

		s->n--;
		s->xx -= (x - mean_x) * (x - s->mean_x);
		s->yy -= (y - mean_y) * (y - s->mean_y);
		s->xy -= (x - mean_x) * (y - s->mean_y);
		s->mean_x = mean_x;
		s->mean_y = mean_y;
	}
}

AGG_STEP2(pairs, Pairs, pairs_add)
AGG_MERGE(pairs_merge, Pairs, {
	int64_t n = s->n + o->n;

	if (o->n > 0) {
		double dx = o->mean_x - s->mean_x;
		double dy = o->mean_y - s->mean_y;
		double w = (double)s->n * (double)o->n / (double)n;

		s->xx += o->xx + dx * dx * w;
		s->yy += o->yy + dy * dy * w;
		s->xy += o->xy + dx * dy * w;
		s->mean_x += dx * (double)o->n / (double)n;
		s->mean_y += dy * (double)o->n / (double)n;
		s->n = n;
	}
})

/* One argument: the same with y = 0. */
static void
moments_add(Pairs *s, double x)
{
	double dx;

	s->n++;
	dx = x - s->mean_x;
	s->mean_x += dx / (double)s->n;
	s->xx += dx * (x - s->mean_x);
}

AGG_STEP1(moments_step, double, Pairs, moments_add(s, x))
AGG_RETRACT1(moments_retract, double, Pairs, pairs_add(s, x, 0, -1))

#define NULLABLE(name, is_null, value)                                                                                \
	AGG_RESULT(name, Pairs, {                                                                                         \
		if (is_null)                                                                                                  \
			vector_set_null(out, arena, row);                                                                         \
		else                                                                                                          \
			((double *)out->data)[row] = (value);                                                                     \
	})

/* One root loses less than two, but the product may leave the range of DOUBLE.  Rounding must not lead beyond 1. */
static double
correlation(const Pairs *s)
{
	double product = s->xx * s->yy;
	double r = s->xy / (product > 0 && isfinite(product) ? sqrt(product) : sqrt(s->xx) * sqrt(s->yy));

	return r > 1 ? 1 : r < -1 ? -1 : r;
}

NULLABLE(var_samp_result, s->n < 2, s->xx / (double)(s->n - 1))
NULLABLE(var_pop_result, s->n < 1, s->xx / (double)s->n)
NULLABLE(stddev_samp_result, s->n < 2, sqrt(s->xx / (double)(s->n - 1)))
NULLABLE(stddev_pop_result, s->n < 1, sqrt(s->xx / (double)s->n))
NULLABLE(corr_result, s->n < 1 || s->xx <= 0 || s->yy <= 0, correlation(s))
NULLABLE(covar_samp_result, s->n < 2, s->xy / (double)(s->n - 1))
NULLABLE(covar_pop_result, s->n < 1, s->xy / (double)s->n)
/* SQL puts the dependent variable first: x is the second argument. */
NULLABLE(regr_slope_result, s->n < 1 || s->yy <= 0, s->xy / s->yy)
NULLABLE(regr_intercept_result, s->n < 1 || s->yy <= 0, s->mean_x - s->xy / s->yy * s->mean_y)
NULLABLE(regr_r2_result, s->n < 1 || s->yy <= 0, s->xx <= 0 ? 1.0 : s->xy * s->xy / (s->xx * s->yy))

/* ---- PRODUCT ---- */

typedef struct Product {
	double	product;
	int64_t n;
} Product;

AGG_STEP1(product_step, double, Product, (s->product = s->n == 0 ? x : s->product * x, s->n++))
AGG_MERGE(product_merge, Product, {
	if (o->n > 0)
		s->product = s->n == 0 ? o->product : s->product * o->product;
	s->n += o->n;
})
AGG_RESULT(product_result, Product, {
	if (s->n == 0)
		vector_set_null(out, arena, row);
	else
		((double *)out->data)[row] = s->product;
})

/* ---- SUM_LIST ---- */

typedef union ListSum {
	int64_t integer;
	double	number;
} ListSum;

static void
list_add(ListSum *s, const Vector *v, int64_t at, int sign)
{
	const Vector   *elements = &v->children[0];
	const ListEntry list = ((const ListEntry *)v->data)[at];

	for (uint32_t k = list.offset; k < list.offset + list.length; k++) {
		if (elements->validity != NULL && !bitmap_get(elements->validity, k))
			continue;
		switch (elements->type->kind) {
		case TYPE_INTEGER:
			s->integer = (int32_t)((uint32_t)s->integer + (uint32_t)(sign * (int64_t)((const int32_t *)elements->data)[k]));
			break;
		case TYPE_BIGINT:
			s->integer = (int64_t)((uint64_t)s->integer +
								   (uint64_t)sign * (uint64_t)((const int64_t *)elements->data)[k]);
			break;
		default:
			s->number += sign * ((const double *)elements->data)[k];
			break;
		}
	}
}

static Status
sum_list_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args,
			  int32_t n_rows, const uint64_t *skip, Vector *results)
{
	for (int32_t i = 0; i < n_rows; i++) {
		ListSum *s = (ListSum *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(args[0], i))
			list_add(s, args[0], arg_index(args[0], i), 1);
		agg_note(call, s, results, i);
	}
	return OK;
}

static Status
sum_list_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t i)
{
	(void)call;
	if (arg_valid(args[0], i))
		list_add(state, args[0], arg_index(args[0], i), -1);
	return OK;
}

AGG_MERGE(sum_list_int_merge, ListSum, s->integer = (int64_t)((uint64_t)s->integer + (uint64_t)o->integer))
AGG_MERGE(sum_list_double_merge, ListSum, s->number += o->number)
AGG_RESULT(sum_list_int32_result, ListSum, ((int32_t *)out->data)[row] = (int32_t)s->integer)
AGG_RESULT(sum_list_int64_result, ListSum, ((int64_t *)out->data)[row] = s->integer)
AGG_RESULT(sum_list_double_result, ListSum, ((double *)out->data)[row] = s->number)

/* ---- MEDIAN, QUANTILE ---- */

typedef struct Numbers {
	double	*values;
	uint64_t n;
	uint64_t capacity;
	double	 fraction;
} Numbers;

static void
numbers_add(const AggregateCall *call, Numbers *s, double x)
{
	if (s->n == s->capacity) {
		uint64_t capacity = s->capacity == 0 ? 8 : s->capacity * 2;

		*call->used_bytes += (int64_t)((capacity - s->capacity) * sizeof *s->values);
		s->values = xrealloc(s->values, capacity * sizeof *s->values);
		s->capacity = capacity;
	}
	s->values[s->n++] = x;
}

static Status
numbers_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
			 const uint64_t *skip, Vector *results)
{
	for (int32_t i = 0; i < n_rows; i++) {
		Numbers *s = (Numbers *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(args[0], i)) {
			numbers_add(call, s, arg_double(args[0], i));
			s->fraction = call->n_args > 1 ? (arg_valid(args[1], i) ? arg_double(args[1], i) : NAN) : 0.5;
		}
		agg_note(call, s, results, i);
	}
	return OK;
}

static Status
numbers_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t i)
{
	Numbers *s = state;

	(void)call;
	if (arg_valid(args[0], i))
		for (uint64_t k = s->n; k-- > 0;)
			if (s->values[k] == arg_double(args[0], i)) {
				s->values[k] = s->values[--s->n];
				break;
			}
	return OK;
}

static void
numbers_merge(const AggregateCall *call, void *into, const void *from)
{
	const Numbers *o = from;

	for (uint64_t k = 0; k < o->n; k++)
		numbers_add(call, into, o->values[k]);
	if (o->n > 0)
		((Numbers *)into)->fraction = o->fraction;
}

/* NaN is greatest. */
static inline bool
double_less(double a, double b)
{
	return a < b || (b != b && a == a);
}

/* Puts the k-th value in order into its place, smaller ones before it (Hoare's selection). */
static double
select_nth(double *values, uint64_t n, uint64_t k)
{
	uint64_t low = 0, high = n - 1;

	while (low < high) {
		double	 pivot = values[low + (high - low) / 2];
		uint64_t i = low, j = high;

		for (;;) {
			while (double_less(values[i], pivot))
				i++;
			while (double_less(pivot, values[j]))
				j--;
			if (i >= j)
				break;
			{
				double swap = values[i];

				values[i++] = values[j];
				values[j--] = swap;
			}
		}
		/* values[low..j] <= pivot <= values[j + 1..high] */
		if (k <= j)
			high = j;
		else
			low = j + 1;
	}
	return values[k];
}

static void
quantile_result(const Numbers *s, Vector *out, int32_t row, Arena *arena, bool is_discrete)
{
	double	*values, at, result;
	uint64_t k;

	if (s->n == 0 || !(s->fraction >= 0 && s->fraction <= 1)) {
		vector_set_null(out, arena, row);
		return;
	}
	/* A copy, not in the arena: a batch of results may hold all values of the input. */
	values = xmalloc(s->n * sizeof *values);
	memcpy(values, s->values, s->n * sizeof *values);
	if (is_discrete) {
		k = (uint64_t)ceil(s->fraction * (double)s->n);
		result = select_nth(values, s->n, k > 0 ? k - 1 : 0);
	} else {
		at = s->fraction * (double)(s->n - 1);
		k = (uint64_t)floor(at);
		result = select_nth(values, s->n, k);
		if (at > (double)k) {
			/* The next one is the least of those behind. */
			double next = values[k + 1];

			for (uint64_t i = k + 2; i < s->n; i++)
				if (double_less(values[i], next))
					next = values[i];
			result += (next - result) * (at - (double)k);
		}
	}
	((double *)out->data)[row] = result;
	free(values);
}

AGG_RESULT(quantile_cont_result, Numbers, quantile_result(s, out, row, arena, false))
AGG_RESULT(quantile_disc_result, Numbers, quantile_result(s, out, row, arena, true))

static void
numbers_save(const AggregateCall *call, const void *state, StrBuf *out)
{
	const Numbers *s = state;

	(void)call;
	strbuf_add(out, &s->fraction, sizeof s->fraction);
	strbuf_add(out, s->values, s->n * sizeof *s->values);
}

static Status
numbers_load(const AggregateCall *call, Str bytes, void *state)
{
	Numbers *s = state;

	if (bytes.length % 8 != 0 || bytes.length < 8)
		return error_fatal(call->err, "The stored state of %s is damaged", call->function->name);
	memcpy(&s->fraction, bytes.data, 8);
	for (size_t at = 8; at < bytes.length; at += 8) {
		double x;

		memcpy(&x, bytes.data + at, 8);
		numbers_add(call, s, x);
	}
	return OK;
}

static void
numbers_destroy(const AggregateCall *call, void *state)
{
	Numbers *s = state;

	*call->used_bytes -= (int64_t)(s->capacity * sizeof *s->values);
	free(s->values);
	*s = (Numbers){0};
}

/* ---- more numbers than memory holds: sorted, those at one or two places are picked ---- */

enum { PART_NUMBERS = 4096 };

static bool
numbers_save_part(const AggregateCall *call, const void *state, size_t *at, StrBuf *out)
{
	const Numbers *s = state;
	uint64_t	   n = s->n - *at < PART_NUMBERS ? s->n - *at : PART_NUMBERS;

	(void)call;
	if (n == 0)
		return false;
	strbuf_add(out, &s->fraction, sizeof s->fraction);
	strbuf_add(out, s->values + *at, n * sizeof *s->values);
	*at += n;
	return true;
}

static int32_t
numbers_entries(const AggregateCall *call, const void *state, size_t *at, int64_t first, Arena *arena, const Vector **columns)
{
	const Numbers *s = state;
	int32_t		   n = (int32_t)(s->n - *at < BATCH_ROWS ? s->n - *at : BATCH_ROWS);
	Vector		  *v = arena_new(arena, Vector);

	(void)call, (void)first;
	*v = (Vector){.type = type_double, .form = VECTOR_FLAT, .n_rows = n, .capacity = n, .data = n > 0 ? s->values + *at : NULL};
	columns[0] = v;
	*at += (size_t)n;
	return n;
}

static void
numbers_forget(const AggregateCall *call, void *state)
{
	Numbers *s = state;

	*call->used_bytes -= (int64_t)(s->capacity * sizeof *s->values);
	free(s->values);
	*s = (Numbers){.fraction = s->fraction};
}

typedef struct PickedNumbers {
	int64_t place, next;	/* that are wanted */
	int64_t seen;
	double	weight;			/* of the second one */
	double	values[2];
} PickedNumbers;

static bool
quantile_is_discrete(const AggregateCall *call)
{
	return call->function->result == quantile_disc_result;
}

static void
numbers_begin(const AggregateCall *call, const void *state, void *scratch, int64_t n)
{
	const Numbers *s = state;
	PickedNumbers *picked = scratch;
	double		   fraction = s->fraction >= 0 && s->fraction <= 1 ? s->fraction : 0, at;

	if (quantile_is_discrete(call)) {
		int64_t k = (int64_t)ceil(fraction * (double)n);

		picked->place = picked->next = k > 0 ? k - 1 : 0;
		return;
	}
	at = fraction * (double)(n - 1);
	picked->place = (int64_t)floor(at);
	picked->weight = at - (double)picked->place;
	picked->next = picked->weight > 0 ? picked->place + 1 : picked->place;
}

static void
numbers_take(const AggregateCall *call, void *state, void *scratch, const Vector *const *columns, int32_t first, int32_t n)
{
	PickedNumbers *picked = scratch;
	const double  *values = (const double *)columns[0]->data + first;

	(void)call, (void)state;
	if (picked->place >= picked->seen && picked->place < picked->seen + n)
		picked->values[0] = values[picked->place - picked->seen];
	if (picked->next >= picked->seen && picked->next < picked->seen + n)
		picked->values[1] = values[picked->next - picked->seen];
	picked->seen += n;
}

/* The state of the one number that is the result. */
static void
numbers_end(const AggregateCall *call, void *state, void *scratch)
{
	const PickedNumbers *picked = scratch;
	double				 result = picked->values[0];

	if (picked->weight > 0)
		result += (picked->values[1] - result) * picked->weight;
	numbers_add(call, state, result);
}

static const AggregateReduction numbers_reduction = {
	.n_columns = 1,
	.save_part = numbers_save_part,
	.entries = numbers_entries,
	.forget = numbers_forget,
	.scratch_size = sizeof(PickedNumbers),
	.begin = numbers_begin,
	.take = numbers_take,
	.end = numbers_end,
};

/* ---- distinct counts: HyperLogLog of 2^14 registers, exact until there are many ---- */

enum {
	HLL_BITS = 14,
	HLL_REGISTERS = 1 << HLL_BITS,
	HLL_EXACT = 512,
};

typedef struct Hll {
	uint64_t *hashes;		/* distinct ones, in a table of `capacity`, 0: free; NULL once there are registers */
	uint8_t	 *registers;
	uint32_t  n;
	uint32_t  capacity;
} Hll;

static void
register_add(Hll *s, uint64_t hash)
{
	uint32_t at = (uint32_t)(hash >> (64 - HLL_BITS));
	uint64_t rest = hash << HLL_BITS;
	uint8_t	 rank = (uint8_t)(rest == 0 ? 64 - HLL_BITS + 1 : __builtin_clzll(rest) + 1);

	if (rank > s->registers[at])
		s->registers[at] = rank;
}

static void
hll_add(const AggregateCall *call, Hll *s, uint64_t hash)
{
	uint32_t i;

	if (s->registers != NULL) {
		register_add(s, hash);
		return;
	}
	hash += hash == 0;
	if (s->n * 2 >= s->capacity) {
		uint32_t  old_capacity = s->capacity;
		uint64_t *old = s->hashes;

		if (s->n >= HLL_EXACT) {
			*call->used_bytes += HLL_REGISTERS - (int64_t)(s->capacity * sizeof *s->hashes);
			s->registers = xcalloc(HLL_REGISTERS, 1);
			for (uint32_t k = 0; k < s->capacity; k++)
				if (s->hashes[k] != 0)
					register_add(s, s->hashes[k]);
			register_add(s, hash);
			free(s->hashes);
			s->hashes = NULL;
			s->capacity = 0;
			return;
		}
		s->capacity = s->capacity == 0 ? 8 : s->capacity * 2;
		*call->used_bytes += (int64_t)((s->capacity - old_capacity) * sizeof *s->hashes);
		s->hashes = xcalloc(s->capacity, sizeof *s->hashes);
		s->n = 0;
		for (uint32_t k = 0; k < old_capacity; k++)
			if (old[k] != 0)
				hll_add(call, s, old[k]);
		free(old);
	}
	for (i = (uint32_t)hash & (s->capacity - 1); s->hashes[i] != 0; i = (i + 1) & (s->capacity - 1))
		if (s->hashes[i] == hash)
			return;
	s->hashes[i] = hash;
	s->n++;
}

static Status
hll_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
		 const uint64_t *skip, Vector *results)
{
	uint64_t *hashes = arena_alloc(call->arena, sizeof *hashes * (size_t)(n_rows + 1));

	vector_hash(args[0], n_rows, hashes, false);
	for (int32_t i = 0; i < n_rows; i++) {
		Hll *s = (Hll *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(args[0], i))
			hll_add(call, s, hashes[i]);
		agg_note(call, s, results, i);
	}
	return OK;
}

static void
hll_merge(const AggregateCall *call, void *into, const void *from)
{
	const Hll *o = from;
	Hll		  *s = into;

	if (o->registers == NULL) {
		for (uint32_t k = 0; k < o->capacity; k++)
			if (o->hashes[k] != 0)
				hll_add(call, s, o->hashes[k]);
		return;
	}
	if (s->registers == NULL) {
		uint64_t *hashes = s->hashes;
		uint32_t  capacity = s->capacity;

		*call->used_bytes += HLL_REGISTERS - (int64_t)(capacity * sizeof *hashes);
		*s = (Hll){.registers = xcalloc(HLL_REGISTERS, 1)};
		for (uint32_t k = 0; k < capacity; k++)
			if (hashes[k] != 0)
				register_add(s, hashes[k]);
		free(hashes);
	}
	for (int k = 0; k < HLL_REGISTERS; k++)
		if (o->registers[k] > s->registers[k])
			s->registers[k] = o->registers[k];
}

static int64_t
hll_estimate(const Hll *s)
{
	const double m = HLL_REGISTERS;
	double		 sum = 0, estimate;
	int			 n_zero = 0;

	if (s->registers == NULL)
		return s->n;
	for (int k = 0; k < HLL_REGISTERS; k++) {
		sum += ldexp(1, -s->registers[k]);
		n_zero += s->registers[k] == 0;
	}
	estimate = 0.7213 / (1 + 1.079 / m) * m * m / sum;
	/* Below 2.5 m the number of empty registers says more. */
	if (estimate <= 2.5 * m && n_zero > 0)
		estimate = m * log(m / n_zero);
	return (int64_t)llround(estimate);
}

AGG_RESULT(hll_result, Hll, ((int64_t *)out->data)[row] = hll_estimate(s))

static void
hll_save(const AggregateCall *call, const void *state, StrBuf *out)
{
	const Hll *s = state;

	(void)call;
	if (s->registers != NULL) {
		strbuf_add_char(out, 'R');
		strbuf_add(out, s->registers, HLL_REGISTERS);
		return;
	}
	strbuf_add_char(out, 'H');
	for (uint32_t k = 0; k < s->capacity; k++)
		if (s->hashes[k] != 0)
			strbuf_add(out, &s->hashes[k], sizeof s->hashes[k]);
}

static Status
hll_load(const AggregateCall *call, Str bytes, void *state)
{
	Hll *s = state;

	if (bytes.length == HLL_REGISTERS + 1 && bytes.data[0] == 'R') {
		s->registers = xmalloc(HLL_REGISTERS);
		memcpy(s->registers, bytes.data + 1, HLL_REGISTERS);
		*call->used_bytes += HLL_REGISTERS;
		return OK;
	}
	if (bytes.length % 8 != 1 || bytes.data[0] != 'H')
		return error_fatal(call->err, "The stored state of %s is damaged", call->function->name);
	for (size_t at = 1; at < bytes.length; at += 8) {
		uint64_t hash;

		memcpy(&hash, bytes.data + at, 8);
		hll_add(call, s, hash);
	}
	return OK;
}

static void
hll_destroy(const AggregateCall *call, void *state)
{
	Hll *s = state;

	*call->used_bytes -= (s->registers != NULL ? HLL_REGISTERS : 0) + (int64_t)(s->capacity * sizeof *s->hashes);
	free(s->hashes);
	free(s->registers);
	*s = (Hll){0};
}

/* ---- rows ---- */

#define DEVIATION_ROWS(sql, kind, merge_)                                                                             \
	{.name = "STDDEV_SAMPLE", .signature = "(" sql ") -> DOUBLE", .state_size = sizeof(Deviation),                    \
	 .step = kind##_step, .retract = kind##_retract, .merge = merge_, .result = dev_sample_result,                    \
	 .dialect = FUNCTION_KSQLDB, .description = "Sample standard deviation; 0 for fewer than two values."},           \
	{.name = "STDDEV_SAMP", .signature = "(" sql ") -> DOUBLE", .state_size = sizeof(Deviation),                      \
	 .step = kind##_step, .retract = kind##_retract, .merge = merge_, .result = dev_variance_result,                  \
	 .dialect = FUNCTION_KSQLDB, .flags = FUNC_DEPRECATED,                                                            \
	 .description = "Sample variance, by the name that the reference gives it; use STDDEV_SAMPLE."}

#define CORRELATION_ROW(x, y)                                                                                         \
	{.name = "CORRELATION", .signature = "(" x ", " y ") -> DOUBLE", .state_size = sizeof(Sums),                      \
	 .step = correlation_step, .retract = correlation_retract, .merge = correlation_merge,                            \
	 .result = correlation_result, .description = "Pearson's correlation coefficient."}

#define SUM_LIST_ROW(sql, merge_, result_)                                                                            \
	{.name = "SUM_LIST", .signature = "(ARRAY<" sql ">) -> " sql, .state_size = sizeof(ListSum),                      \
	 .step = sum_list_step, .retract = sum_list_retract, .merge = merge_, .result = result_,                          \
	 .description = "Sum of all elements of the arrays."}

#define MOMENTS(name_, result_, text)                                                                                 \
	{.name = name_, .signature = "(DOUBLE) -> DOUBLE", .state_size = sizeof(Pairs), .step = moments_step,             \
	 .retract = moments_retract, .merge = pairs_merge, .result = result_, .dialect = FUNCTION_STANDARD,               \
	 .description = text}

#define PAIRS(name_, result_, text)                                                                                   \
	{.name = name_, .signature = "(DOUBLE, DOUBLE) -> DOUBLE", .state_size = sizeof(Pairs), .step = pairs_step,       \
	 .retract = pairs_retract, .merge = pairs_merge, .result = result_, .dialect = FUNCTION_STANDARD,                 \
	 .description = text}

#define NUMBERS(name_, signature_, result_, text)                                                                     \
	{.name = name_, .signature = signature_, .state_size = sizeof(Numbers), .step = numbers_step,                     \
	 .retract = numbers_retract, .merge = numbers_merge, .result = result_, .save = numbers_save,                     \
	 .load = numbers_load, .destroy = numbers_destroy, .reduction = &numbers_reduction, .dialect = FUNCTION_STANDARD,           \
	 .description = text}

#define HLL(name_, which)                                                                                             \
	{.name = name_, .signature = "(ANY) -> BIGINT", .state_size = sizeof(Hll), .step = hll_step, .merge = hll_merge,  \
	 .result = hll_result, .save = hll_save, .load = hll_load, .destroy = hll_destroy, .dialect = which,              \
	 .description = "Approximate number of distinct values (HyperLogLog, about 1 % of error)."}

const Aggregate stat_aggregates[] = {
	DEVIATION_ROWS("INTEGER", dev_int32, dev_int_merge),
	DEVIATION_ROWS("BIGINT", dev_int64, dev_int_merge),
	DEVIATION_ROWS("DOUBLE", dev_double, dev_double_merge),
	CORRELATION_ROW("INTEGER", "INTEGER"),
	CORRELATION_ROW("BIGINT", "BIGINT"),
	CORRELATION_ROW("DOUBLE", "DOUBLE"),
	SUM_LIST_ROW("INTEGER", sum_list_int_merge, sum_list_int32_result),
	SUM_LIST_ROW("BIGINT", sum_list_int_merge, sum_list_int64_result),
	SUM_LIST_ROW("DOUBLE", sum_list_double_merge, sum_list_double_result),
	HLL("COUNT_DISTINCT", FUNCTION_BOTH),
	HLL("APPROX_COUNT_DISTINCT", FUNCTION_STANDARD),

	MOMENTS("STDDEV", stddev_samp_result, "Sample standard deviation; NULL for fewer than two values."),
	MOMENTS("STDDEV_SAMP", stddev_samp_result, "Sample standard deviation; NULL for fewer than two values."),
	MOMENTS("STDDEV_SAMPLE", stddev_samp_result, "Sample standard deviation; NULL for fewer than two values."),
	MOMENTS("STDDEV_POP", stddev_pop_result, "Standard deviation of the whole population."),
	MOMENTS("VARIANCE", var_samp_result, "Sample variance; NULL for fewer than two values."),
	MOMENTS("VAR_SAMP", var_samp_result, "Sample variance; NULL for fewer than two values."),
	MOMENTS("VAR_POP", var_pop_result, "Variance of the whole population."),
	PAIRS("CORR", corr_result, "Pearson's correlation coefficient; NULL if either side does not vary."),
	PAIRS("COVAR_POP", covar_pop_result, "Covariance of the whole population."),
	PAIRS("COVAR_SAMP", covar_samp_result, "Sample covariance."),
	PAIRS("REGR_SLOPE", regr_slope_result, "Slope of the least squares line of (Y, X)."),
	PAIRS("REGR_INTERCEPT", regr_intercept_result, "Y-intercept of the least squares line of (Y, X)."),
	PAIRS("REGR_R2", regr_r2_result, "Square of the correlation of (Y, X)."),
	NUMBERS("MEDIAN", "(DOUBLE) -> DOUBLE", quantile_cont_result, "Middle value, interpolated."),
	NUMBERS("QUANTILE", "(DOUBLE, DOUBLE) -> DOUBLE", quantile_disc_result,
			"The first value with at least the given fraction of the values at or below it."),
	NUMBERS("QUANTILE_DISC", "(DOUBLE, DOUBLE) -> DOUBLE", quantile_disc_result,
			"The first value with at least the given fraction of the values at or below it."),
	NUMBERS("QUANTILE_CONT", "(DOUBLE, DOUBLE) -> DOUBLE", quantile_cont_result,
			"Value at the given fraction of the order, interpolated."),
	NUMBERS("PERCENTILE", "(DOUBLE, DOUBLE) -> DOUBLE", quantile_cont_result,
			"Value at the given fraction of the order, interpolated."),
	{.name = "PRODUCT", .signature = "(DOUBLE) -> DOUBLE", .state_size = sizeof(Product), .step = product_step,
	 .merge = product_merge, .result = product_result, .dialect = FUNCTION_STANDARD,
	 .description = "Product of the values."},
	{.name = NULL},
};
