/*
 * APPROX_QUANTILE by a t-digest (Dunning, Ertl: "Computing extremely accurate quantiles using t-digests", 2019, the merging variant):
 * the values as some two hundred clusters, small ones at both ends and large ones in the middle.  Memory does not grow with
 * the input; the place of a quantile in the order is off by less than 1 %, at the ends by far less.
 */
#include <math.h>
#include <stdlib.h>

#include "exec/func/agg_impl.h"

#define COMPRESSION 200.0
#define CLUSTERS 256			/* what merging leaves is less: COMPRESSION */
#define WAITING 1024			/* values that wait to be merged */
#define FRACTIONS_MAX 16

typedef struct Cluster {
	double mean, weight;
} Cluster;

/* What a state has in memory of its own. */
typedef struct DigestRoom {
	Cluster	 clusters[CLUSTERS];	/* in order */
	double	 waiting[WAITING];
	uint32_t n_clusters, n_waiting;
	double	 weight;				/* of the clusters */
	double	 min, max;
} DigestRoom;

typedef struct Digest {
	DigestRoom *room;			/* NULL: no value yet */
	int			n_fractions;	/* -1: one of them is NULL or none */
	double		fractions[FRACTIONS_MAX];
} Digest;

/* ---- the digest ---- */

/* A quicksort that ends in insertion, for numbers that are not NaN: calls of a comparison would cost more than all the rest. */
static void
sort_doubles(double *a, int n)
{
	while (n > 24) {
		double pivot = a[n / 2];
		int	   i = 0, j = n - 1;

		for (;; i++, j--) {
			double swap;

			while (a[i] < pivot)
				i++;
			while (pivot < a[j])
				j--;
			if (i >= j)
				break;
			swap = a[i];
			a[i] = a[j];
			a[j] = swap;
		}
		/* the smaller part first, the larger one in this loop */
		if (i < n - i) {
			sort_doubles(a, i);
			a += i;
			n -= i;
		} else {
			sort_doubles(a + i, n - i);
			n = i;
		}
	}
	for (int i = 1; i < n; i++) {
		double x = a[i];
		int	   j = i;

		for (; j > 0 && a[j - 1] > x; j--)
			a[j] = a[j - 1];
		a[j] = x;
	}
}

/* Up to which share of the weight a cluster may reach that begins at `q`: one step of the scale COMPRESSION / 2 pi * asin(2 q - 1). */
static double
cluster_limit(double q)
{
	double k = asin(2 * (q < 1 ? q : 1) - 1) + 2 * M_PI / COMPRESSION;

	return k >= M_PI / 2 ? 1 : (sin(k) + 1) / 2;
}

/* Puts neighbours together as long as they stay within the limit of where they begin. */
static uint32_t
merge_neighbours(Cluster *c, uint32_t n, double weight)
{
	uint32_t last = 0;
	double	 before = 0;		/* weight of clusters that are complete */
	double	 limit = cluster_limit(0) * weight;

	for (uint32_t i = 1; i < n; i++) {
		double together = c[last].weight + c[i].weight;

		if (before + together <= limit) {
			c[last].mean += (c[i].mean - c[last].mean) * c[i].weight / together;
			c[last].weight = together;
		} else {
			before += c[last].weight;
			limit = cluster_limit(before / weight) * weight;
			c[++last] = c[i];
		}
	}
	return n > 0 ? last + 1 : 0;
}

/* Clusters of two lists in order, made into as many as fit. */
static void
merge_clusters(DigestRoom *r, const Cluster *more, uint32_t n_more)
{
	Cluster	 all[CLUSTERS + WAITING];
	uint32_t i = 0, j = 0, n = 0;

	while (i < r->n_clusters || j < n_more) {
		all[n] = j == n_more || (i < r->n_clusters && r->clusters[i].mean <= more[j].mean) ? r->clusters[i++] : more[j++];
		n++;
	}
	for (j = 0; j < n_more; j++)
		r->weight += more[j].weight;
	n = merge_neighbours(all, n, r->weight);
	/* two neighbours are more than one step of the scale, so this does not happen; but nothing may be written behind the end */
	for (; n > CLUSTERS; n--) {
		Cluster *last = &all[n - 2], *over = &all[n - 1];

		last->mean += (over->mean - last->mean) * over->weight / (last->weight + over->weight);
		last->weight += over->weight;
	}
	memcpy(r->clusters, all, sizeof *all * n);
	r->n_clusters = n;
}

static void
take_waiting(DigestRoom *r)
{
	Cluster single[WAITING];

	sort_doubles(r->waiting, (int)r->n_waiting);
	for (uint32_t i = 0; i < r->n_waiting; i++)
		single[i] = (Cluster){r->waiting[i], 1};
	merge_clusters(r, single, r->n_waiting);
	r->n_waiting = 0;
}

static DigestRoom *
digest_room(const AggregateCall *call, Digest *s)
{
	if (s->room == NULL) {
		s->room = xmalloc(sizeof *s->room);
		*call->used_bytes += (int64_t)sizeof *s->room;
		s->room->n_clusters = s->room->n_waiting = 0;
		s->room->weight = 0;
		s->room->min = INFINITY;
		s->room->max = -INFINITY;
	}
	return s->room;
}

static inline void
digest_add(const AggregateCall *call, Digest *s, double x)
{
	DigestRoom *r = digest_room(call, s);

	if (isnan(x))
		return;
	if (r->n_waiting == WAITING)
		take_waiting(r);
	r->waiting[r->n_waiting++] = x;
	r->min = x < r->min ? x : r->min;
	r->max = x > r->max ? x : r->max;
}

/* The value at a fraction: between the middles of the two clusters around its place. */
static double
digest_quantile(const DigestRoom *r, double fraction)
{
	double place = fraction * r->weight, before = 0, last_middle = 0, last_mean = r->min;

	for (uint32_t i = 0; i < r->n_clusters; i++) {
		const Cluster *c = &r->clusters[i];
		double		   middle = before + c->weight / 2;

		if (place <= middle)
			return last_mean + (c->mean - last_mean) * (place - last_middle) / (middle - last_middle);
		before += c->weight;
		last_middle = middle;
		last_mean = c->mean;
	}
	return r->weight > last_middle ? last_mean + (r->max - last_mean) * (place - last_middle) / (r->weight - last_middle) : r->max;
}

/* ---- the aggregate ---- */

static void
take_fraction(Digest *s, const Vector *v, int32_t i)
{
	s->n_fractions = arg_valid(v, i) ? 1 : -1;
	if (s->n_fractions == 1)
		s->fractions[0] = arg_double(v, i);
}

static void
take_fractions(Digest *s, const Vector *v, int32_t i)
{
	const Vector *base = vector_base(v), *items = base->n_children > 0 ? &base->children[0] : NULL;
	ListEntry	  entry;

	s->n_fractions = -1;
	if (!arg_valid(v, i) || items == NULL)
		return;
	entry = ((const ListEntry *)base->data)[vector_at(v, i)];
	if (entry.length > FRACTIONS_MAX)
		return;
	for (uint32_t k = 0; k < entry.length; k++) {
		if (!vector_is_valid(items, entry.offset + k))
			return;
		s->fractions[k] = ((const double *)items->data)[entry.offset + k];
	}
	s->n_fractions = (int)entry.length;
}

static Status
digest_step(const AggregateCall *call, char *const *states, uint32_t offset, const Vector *const *args, int32_t n_rows,
			const uint64_t *skip, Vector *results)
{
	bool is_list = args[1]->type->kind == TYPE_ARRAY;

	for (int32_t i = 0; i < n_rows; i++) {
		Digest *s = (Digest *)(states[i] + offset);

		if (!agg_skips(skip, i) && arg_valid(args[0], i)) {
			/* the same for all rows: taken from the first */
			if (s->n_fractions == 0 && is_list)
				take_fractions(s, args[1], i);
			else if (s->n_fractions == 0)
				take_fraction(s, args[1], i);
			digest_add(call, s, arg_double(args[0], i));
		}
		agg_note(call, s, results, i);
	}
	return OK;
}

static void
digest_merge(const AggregateCall *call, void *into, const void *from)
{
	const Digest *o = from;
	Digest		 *s = into;
	DigestRoom	 *r;

	if (s->n_fractions == 0) {
		s->n_fractions = o->n_fractions;
		memcpy(s->fractions, o->fractions, sizeof s->fractions);
	}
	if (o->room == NULL)
		return;
	r = digest_room(call, s);
	for (uint32_t k = 0; k < o->room->n_waiting; k++)
		digest_add(call, s, o->room->waiting[k]);
	merge_clusters(r, o->room->clusters, o->room->n_clusters);
	r->min = o->room->min < r->min ? o->room->min : r->min;
	r->max = o->room->max > r->max ? o->room->max : r->max;
}

/* Whether there is a value to give: a copy with nothing waiting, because the state is not to be changed. */
static bool
digest_finish(const Digest *s, DigestRoom *out)
{
	if (s->room == NULL || s->n_fractions < 0 || s->room->n_clusters + s->room->n_waiting == 0)
		return false;
	for (int k = 0; k < s->n_fractions; k++)
		if (!(s->fractions[k] >= 0 && s->fractions[k] <= 1))
			return false;
	*out = *s->room;
	take_waiting(out);
	return true;
}

static void
digest_result(const AggregateCall *call, const void *state, Vector *out, int32_t row, Arena *arena)
{
	const Digest *s = state;
	DigestRoom	  room;

	(void)call;
	if (!digest_finish(s, &room))
		vector_set_null(out, arena, row);
	else
		((double *)out->data)[row] = digest_quantile(&room, s->fractions[0]);
}

static void
digest_list_result(const AggregateCall *call, const void *state, Vector *out, int32_t row, Arena *arena)
{
	const Digest *s = state;
	DigestRoom	  room;
	Value		  items[FRACTIONS_MAX], list = {.type = out->type, .items = items};

	(void)call;
	if (!digest_finish(s, &room)) {
		vector_set_null(out, arena, row);
		return;
	}
	list.n_items = (uint32_t)s->n_fractions;
	for (int k = 0; k < s->n_fractions; k++)
		items[k] = value_double(digest_quantile(&room, s->fractions[k]));
	vector_set(out, arena, row, &list);
}

typedef struct SavedDigest {
	int32_t	 n_fractions;
	uint32_t n_clusters, n_waiting;
	double	 fractions[FRACTIONS_MAX];
	double	 min, max;
} SavedDigest;

static void
digest_save(const AggregateCall *call, const void *state, StrBuf *out)
{
	const Digest	 *s = state;
	const DigestRoom *r = s->room;
	SavedDigest		  saved = {.n_fractions = s->n_fractions};

	(void)call;
	memcpy(saved.fractions, s->fractions, sizeof saved.fractions);
	if (r != NULL) {
		saved.n_clusters = r->n_clusters;
		saved.n_waiting = r->n_waiting;
		saved.min = r->min;
		saved.max = r->max;
	}
	strbuf_add(out, &saved, sizeof saved);
	if (r != NULL) {
		strbuf_add(out, r->clusters, sizeof *r->clusters * r->n_clusters);
		strbuf_add(out, r->waiting, sizeof *r->waiting * r->n_waiting);
	}
}

static Status
digest_load(const AggregateCall *call, Str bytes, void *state)
{
	Digest	   *s = state;
	SavedDigest saved;
	DigestRoom *r;

	if (bytes.length < sizeof saved)
		return error_fatal(call->err, "The stored state of %s is damaged", call->function->name);
	memcpy(&saved, bytes.data, sizeof saved);
	if (saved.n_clusters > CLUSTERS || saved.n_waiting > WAITING || saved.n_fractions > FRACTIONS_MAX ||
		bytes.length != sizeof saved + saved.n_clusters * sizeof(Cluster) + saved.n_waiting * sizeof(double))
		return error_fatal(call->err, "The stored state of %s is damaged", call->function->name);
	s->n_fractions = saved.n_fractions;
	memcpy(s->fractions, saved.fractions, sizeof s->fractions);
	if (saved.n_clusters + saved.n_waiting == 0)
		return OK;
	r = digest_room(call, s);
	memcpy(r->clusters, bytes.data + sizeof saved, saved.n_clusters * sizeof(Cluster));
	memcpy(r->waiting, bytes.data + sizeof saved + saved.n_clusters * sizeof(Cluster), saved.n_waiting * sizeof(double));
	r->n_clusters = saved.n_clusters;
	r->n_waiting = saved.n_waiting;
	r->min = saved.min;
	r->max = saved.max;
	for (uint32_t i = 0; i < r->n_clusters; i++)
		r->weight += r->clusters[i].weight;
	return OK;
}

static void
digest_destroy(const AggregateCall *call, void *state)
{
	Digest *s = state;

	*call->used_bytes -= s->room != NULL ? (int64_t)sizeof *s->room : 0;
	free(s->room);
	*s = (Digest){0};
}

#define DIGEST(signature_, result_, description_, example_, example_result_)                                                  \
	{.name = "APPROX_QUANTILE", .signature = signature_, .state_size = sizeof(Digest), .step = digest_step,                   \
	 .merge = digest_merge, .result = result_, .save = digest_save, .load = digest_load, .destroy = digest_destroy,           \
	 .dialect = FUNCTION_STANDARD, .description = description_, .example = example_, .example_result = example_result_}

const Aggregate quantile_aggregates[] = {
	DIGEST("(DOUBLE, DOUBLE) -> DOUBLE", digest_result, "Value at about the given fraction of the order, in memory that does not grow (t-digest).",
		   "APPROX_QUANTILE(x, 0.5) FROM (VALUES (1), (2), (3)) t(x)", "2.0"),
	DIGEST("(DOUBLE, ARRAY<DOUBLE>) -> ARRAY<DOUBLE>", digest_list_result, "Values at about the given fractions (16 at most).",
		   "APPROX_QUANTILE(x, ARRAY[0.0, 1.0]) FROM (VALUES (1), (2), (3)) t(x)", "[1.0,3.0]"),
	{.name = NULL},
};
