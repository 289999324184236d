/*
 * Sorting by a word a row: the first 8 bytes of the key's normalised form.  Words are sorted by radix; runs of equal words
 * are sorted by the next column (if the word says all of the value), by the next bytes of text, or by comparing values.
 */
#include "exec/op/sort_rows.h"

#include <stdlib.h>

enum {
	INSERTION_MAX = 24,		/* up to here insertion is the fastest */
	RADIX_MIN = 512,		/* from here the histograms pay off */
	TEXT_STEP = 7,			/* bytes of text in a word */
	TEXT_SKIP_MAX = 7 * 64,	/* behind these bytes whole values are compared */
};

typedef struct SortEntry {
	uint64_t prefix;
	uint32_t row;
	uint8_t	 rank;			/* where NULL stands: above the word */
	bool	 is_exact;		/* equal words are equal values */
} SortEntry;

typedef struct Sorter {
	const SortColumn *columns;
	int				  n_columns;
	int				  first;		/* comparisons begin with this column */
	SortEntry		 *spare;
} Sorter;

/* ---- comparing ---- */

static int
compare_double(double a, double b)
{
	if (a != a || b != b)
		return (a != a) - (b != b);
	return (a > b) - (a < b);
}

static int
compare_text(const StrView *a, const StrView *b)
{
	uint32_t n = a->length < b->length ? a->length : b->length;
	int		 order = n > 0 ? memcmp(str_view_data(a), str_view_data(b), n) : 0;

	return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static int
compare_nested(const Vector *a, int64_t i, const Vector *b, int64_t j, bool ksqldb_order)
{
	Arena arena = {0};
	Value x = vector_get(a, i, &arena), y = vector_get(b, j, &arena);
	int	  order = value_compare(&x, &y, ksqldb_order);

	arena_free(&arena);
	return order;
}

#define COMPARE(T) (((const T *)a->data)[i] > ((const T *)b->data)[j]) - (((const T *)a->data)[i] < ((const T *)b->data)[j])

int
sort_compare_values(const SortColumn *column, const Vector *a, int64_t i, const Vector *b, int64_t j)
{
	bool a_null = !vector_is_valid(a, i), b_null = !vector_is_valid(b, j);
	int	 order;

	if (a_null || b_null) {
		order = a_null - b_null;
		return column->nulls_first ? -order : order;
	}
	i = vector_at(a, i);
	j = vector_at(b, j);
	a = vector_base(a);
	b = vector_base(b);
	switch (a->type->kind) {
	case TYPE_BOOLEAN:
		order = COMPARE(uint8_t);
		break;
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		order = COMPARE(int32_t);
		break;
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
		order = COMPARE(int64_t);
		break;
	case TYPE_DECIMAL:
		order = COMPARE(Decimal);
		break;
	case TYPE_DOUBLE:
		order = compare_double(((const double *)a->data)[i], ((const double *)b->data)[j]);
		break;
	case TYPE_STRING:
	case TYPE_BYTES:
		if (!column->ksqldb_order) {
			order = compare_text(&((const StrView *)a->data)[i], &((const StrView *)b->data)[j]);
			break;
		}
		/* fall through */
	default:
		order = compare_nested(a, i, b, j, column->ksqldb_order);
		break;
	}
	return column->descending ? -(order > 0) + (order < 0) : order;
}

int
sort_compare_rows(const SortColumn *columns, int n_columns, uint32_t a, uint32_t b)
{
	for (int c = 0; c < n_columns; c++) {
		int order = sort_compare_values(&columns[c], columns[c].column, a, columns[c].column, b);

		if (order != 0)
			return order;
	}
	return 0;
}

static inline int
compare_entries(const Sorter *sorter, const SortEntry *a, const SortEntry *b)
{
	int first = sorter->first;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	if (a->is_exact && b->is_exact)
		first++;
	return sort_compare_rows(sorter->columns + first, sorter->n_columns - first, a->row, b->row);
}

static int
compare_for_qsort(const void *a, const void *b, void *context)
{
	int order = compare_entries(context, a, b);

	return order != 0 ? order : ((const SortEntry *)a)->row < ((const SortEntry *)b)->row ? -1 : 1;
}

/* ---- words ---- */

#define SIGN ((uint64_t)1 << 63)

static inline uint64_t
integer_word(int64_t x, bool *is_exact)
{
	*is_exact = true;
	return (uint64_t)x ^ SIGN;
}

static inline uint64_t
double_word(double d, bool *is_exact)
{
	uint64_t bits;

	*is_exact = true;
	if (d != d)
		return UINT64_MAX;
	if (d == 0)
		d = 0;
	memcpy(&bits, &d, sizeof bits);
	return (bits & SIGN) != 0 ? ~bits : bits | SIGN;
}

static inline uint64_t
decimal_word(Decimal d, bool *is_exact)
{
	*is_exact = d > INT64_MIN && d < INT64_MAX;
	return d <= INT64_MIN ? 0 : d >= INT64_MAX ? UINT64_MAX : (uint64_t)(int64_t)d ^ SIGN;
}

/* In UTF-8 the characters above U+FFFF sort last, in UTF-16 before U+E000. */
static inline uint8_t
utf16_lead(uint8_t c)
{
	return c >= 0xf0 && c <= 0xf4 ? c - 2 : c == 0xee || c == 0xef ? c + 5 : c;
}

/* The seven bytes behind the first `skip` ones, then how many there were, up to 8. */
static inline uint64_t
text_word(const StrView *view, uint32_t skip, TypeKind kind, bool ksqldb_order, bool *is_exact)
{
	const uint8_t *data = (const uint8_t *)str_view_data(view) + skip;
	uint32_t	   length = view->length - skip;
	uint32_t	   n = length < TEXT_STEP ? length : TEXT_STEP;
	uint64_t	   word = 0;

	*is_exact = length <= TEXT_STEP;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t c = data[i];

		if (ksqldb_order)
			c = kind == TYPE_BYTES ? c ^ 0x80 : utf16_lead(c);
		word |= (uint64_t)c << (56 - 8 * i);
	}
	return word | (length < 8 ? length : 8);
}

/* `skip`: bytes of text that were compared already; all rows have them. */
static inline SortEntry
entry_make(const SortColumn *column, const Vector *v, int64_t row, uint32_t skip)
{
	const Vector *base = vector_base(v);
	int64_t		  at = vector_at(v, row);
	SortEntry	  e = {.row = (uint32_t)row, .rank = 1, .is_exact = true};

	if (base->validity != NULL && !bitmap_get(base->validity, at)) {
		e.rank = column->nulls_first ? 0 : 2;
		return e;
	}
	switch (base->type->kind) {
	case TYPE_BOOLEAN:
		e.prefix = ((const uint8_t *)base->data)[at];
		break;
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		e.prefix = integer_word(((const int32_t *)base->data)[at], &e.is_exact);
		break;
	case TYPE_BIGINT:
	case TYPE_TIMESTAMP:
		e.prefix = integer_word(((const int64_t *)base->data)[at], &e.is_exact);
		break;
	case TYPE_DOUBLE:
		e.prefix = double_word(((const double *)base->data)[at], &e.is_exact);
		break;
	case TYPE_DECIMAL:
		e.prefix = decimal_word(((const Decimal *)base->data)[at], &e.is_exact);
		break;
	case TYPE_STRING:
	case TYPE_BYTES:
		e.prefix = text_word(&((const StrView *)base->data)[at], skip, base->type->kind, column->ksqldb_order, &e.is_exact);
		break;
	default:
		e.is_exact = false;
		break;
	}
	if (column->descending)
		e.prefix = ~e.prefix;
	return e;
}

void
sort_prefixes(const SortColumn *column, const Vector *v, int32_t n, uint64_t *prefixes, uint8_t *ranks)
{
	for (int32_t i = 0; i < n; i++) {
		SortEntry e = entry_make(column, v, i, 0);

		prefixes[i] = e.prefix;
		ranks[i] = e.rank;
	}
}

/* ---- sorting ---- */

static void
insertion_sort(const Sorter *sorter, SortEntry *entries, int64_t n)
{
	for (int64_t i = 1; i < n; i++) {
		SortEntry e = entries[i];
		int64_t	  at = i;

		while (at > 0 && compare_entries(sorter, &e, &entries[at - 1]) < 0) {
			entries[at] = entries[at - 1];
			at--;
		}
		entries[at] = e;
	}
}

static int
entry_digit(const SortEntry *e, int digit)
{
	return digit < 8 ? (int)(e->prefix >> (8 * digit) & 0xff) : e->rank;
}

/* By word and rank; stable. */
static void
radix_sort(SortEntry *entries, SortEntry *spare, int64_t n)
{
	int64_t (*counts)[256] = xcalloc(9, sizeof *counts);
	SortEntry *from = entries, *to = spare;

	for (int64_t i = 0; i < n; i++) {
		uint64_t prefix = entries[i].prefix;

		for (int d = 0; d < 8; d++)
			counts[d][prefix >> (8 * d) & 0xff]++;
		counts[8][entries[i].rank]++;
	}
	for (int d = 0; d < 9; d++) {
		int64_t	  *count = counts[d], at = 0;
		SortEntry *swap = from;

		if (count[entry_digit(&from[0], d)] == n)
			continue;
		for (int i = 0; i < 256; i++) {
			int64_t here = count[i];

			count[i] = at;
			at += here;
		}
		for (int64_t i = 0; i < n; i++)
			to[count[entry_digit(&from[i], d)]++] = from[i];
		from = to;
		to = swap;
	}
	if (from != entries)
		memcpy(entries, from, sizeof *entries * (size_t)n);
	free(counts);
}

static void
sort_entries(Sorter *sorter, SortEntry *entries, int64_t n, int first, uint32_t skip)
{
	const SortColumn *column = &sorter->columns[first];

	if (n <= 1 || first == sorter->n_columns)
		return;
	for (int64_t i = 0; i < n; i++)
		entries[i] = entry_make(column, column->column, entries[i].row, skip);
	sorter->first = first;
	if (n <= INSERTION_MAX) {
		insertion_sort(sorter, entries, n);
		return;
	}
	if (n < RADIX_MIN) {
		qsort_r(entries, (size_t)n, sizeof *entries, compare_for_qsort, sorter);
		return;
	}
	radix_sort(entries, sorter->spare, n);
	for (int64_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && entries[end].prefix == entries[i].prefix && entries[end].rank == entries[i].rank; end++)
			;
		if (end - i == 1)
			continue;
		if (entries[i].is_exact) {
			sort_entries(sorter, entries + i, end - i, first + 1, 0);
		} else if (type_is_text(column->column->type) && skip < TEXT_SKIP_MAX) {
			sort_entries(sorter, entries + i, end - i, first, skip + TEXT_STEP);
		} else {
			sorter->first = first;
			qsort_r(entries + i, (size_t)(end - i), sizeof *entries, compare_for_qsort, sorter);
		}
	}
}

void
sort_rows(const SortColumn *columns, int n_columns, uint32_t *rows, int64_t n)
{
	Sorter	   sorter = {.columns = columns, .n_columns = n_columns};
	SortEntry *entries;

	if (n <= 1 || n_columns == 0)
		return;
	entries = xmalloc(sizeof *entries * (size_t)n);
	if (n >= RADIX_MIN)
		sorter.spare = xmalloc(sizeof *entries * (size_t)n);
	for (int64_t i = 0; i < n; i++)
		entries[i].row = rows[i];
	sort_entries(&sorter, entries, n, 0, 0);
	for (int64_t i = 0; i < n; i++)
		rows[i] = entries[i].row;
	free(entries);
	free(sorter.spare);
}
