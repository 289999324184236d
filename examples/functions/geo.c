/*
 * Functions for sluice in C: a distance, a text, an aggregate with undo.
 *
 *	cc -shared -fPIC -O2 -I/usr/local/include -o geo.so geo.c -lm
 *
 *	CREATE FUNCTION distance_km(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE) RETURNS DOUBLE LANGUAGE C AS './geo.so';
 *	CREATE FUNCTION initials(name STRING) RETURNS STRING LANGUAGE C AS './geo.so';
 *	CREATE FUNCTION weighted_mean(value DOUBLE, weight DOUBLE) RETURNS DOUBLE LANGUAGE C AS './geo.so';
 */
#include <math.h>
#include <sluice_function.h>
#include <string.h>

#define EARTH_KM 6371.0088
#define RADIANS (3.14159265358979323846 / 180)

/* ---- distance_km: one loop over a column; a row that makes no sense fails by itself ---- */

static int
distance_km_rows(const SluiceCall *call, const SluiceColumn *args, int n_args, int32_t n_rows, SluiceResult *out)
{
	double *result = out->data;

	(void)n_args;
	for (int32_t i = 0; i < n_rows; i++) {
		double lat1 = sluice_double(&args[0], i) * RADIANS, lon1 = sluice_double(&args[1], i) * RADIANS;
		double lat2 = sluice_double(&args[2], i) * RADIANS, lon2 = sluice_double(&args[3], i) * RADIANS;
		double a = sin((lat2 - lat1) / 2), b = sin((lon2 - lon1) / 2);

		if (fabs(lat1) > 90 * RADIANS || fabs(lat2) > 90 * RADIANS) {
			call->fail_row(call, i, "a latitude is between -90 and 90");
			continue;
		}
		result[i] = 2 * EARTH_KM * asin(sqrt(a * a + cos(lat1) * cos(lat2) * b * b));
	}
	return 0;
}

const SluiceFunction distance_km = {SLUICE_FUNCTION_HEAD, "(DOUBLE, DOUBLE, DOUBLE, DOUBLE) -> DOUBLE",
									"The distance of two places on Earth in kilometres.", SLUICE_NULL_IN, distance_km_rows, NULL};

/* ---- initials: makes text; looks at NULL itself ---- */

static int
initials_rows(const SluiceCall *call, const SluiceColumn *args, int n_args, int32_t n_rows, SluiceResult *out)
{
	SluiceText *result = out->data;

	(void)n_args;
	for (int32_t i = 0; i < n_rows; i++) {
		SluiceText name;
		char	  *text;
		size_t	   n = 0;

		if (sluice_is_null(&args[0], i)) {
			sluice_set_null(out, i);
			continue;
		}
		name = sluice_text(&args[0], i);
		text = call->allocate(call, name.length);
		for (size_t at = 0; at < name.length; at++) {
			int begins = at == 0 || name.data[at - 1] == ' ';

			/* A letter of several bytes is taken whole. */
			for (; begins && at < name.length && name.data[at] != ' '; at++) {
				text[n++] = name.data[at];
				begins = at + 1 < name.length && ((unsigned char)name.data[at + 1] & 0xc0) == 0x80;
			}
		}
		result[i] = (SluiceText){text, n};
	}
	return 0;
}

const SluiceFunction initials = {SLUICE_FUNCTION_HEAD, "(STRING) -> STRING", "The first letters of the words of a name.", 0,
								 initials_rows, NULL};

/* ---- weighted_mean: an aggregate ---- */

typedef struct Mean {
	double	sum;
	double	weight;
	int64_t n;
} Mean;

static void
mean_add(Mean *mean, const SluiceColumn *args, int32_t row, int sign)
{
	if (sluice_is_null(&args[0], row) || sluice_is_null(&args[1], row))
		return;
	mean->sum += sign * sluice_double(&args[0], row) * sluice_double(&args[1], row);
	mean->weight += sign * sluice_double(&args[1], row);
	mean->n += sign;
}

static int
mean_step(const SluiceCall *call, void *const *states, const SluiceColumn *args, int n_args, int32_t first, int32_t n_rows)
{
	(void)n_args;
	for (int32_t i = 0; i < n_rows; i++) {
		if (!sluice_is_null(&args[1], first + i) && sluice_double(&args[1], first + i) < 0) {
			call->fail(call, "a weight is not negative");
			return 1;
		}
		mean_add(states[i], args, first + i, 1);
	}
	return 0;
}

static int
mean_undo(const SluiceCall *call, void *state, const SluiceColumn *args, int n_args, int32_t row)
{
	(void)call, (void)n_args;
	mean_add(state, args, row, -1);
	return 0;
}

static void
mean_merge(void *into, const void *from)
{
	Mean	   *mean = into;
	const Mean *other = from;

	mean->sum += other->sum;
	mean->weight += other->weight;
	mean->n += other->n;
}

static void
mean_result(const SluiceCall *call, const void *state, SluiceResult *out, int32_t row)
{
	const Mean *mean = state;

	(void)call;
	if (mean->n == 0 || mean->weight == 0)
		sluice_set_null(out, row);
	else
		((double *)out->data)[row] = mean->sum / mean->weight;
}

static const SluiceAggregate mean_aggregate = {sizeof(SluiceAggregate), sizeof(Mean), NULL, mean_step, mean_undo, mean_merge, mean_result};

const SluiceFunction weighted_mean = {SLUICE_FUNCTION_HEAD, "(DOUBLE, DOUBLE) -> DOUBLE", "The mean of values with weights.", 0, NULL,
									  &mean_aggregate};
