#ifndef SLUICE_DATA_VECTOR_H
#define SLUICE_DATA_VECTOR_H

/*
 * One column of a batch: a type, a validity bitmap and data, in one of three forms.
 *
 *   FLAT        row i is at data[i]
 *   CONSTANT    every row is data[0] (and validity bit 0)
 *   DICTIONARY  row i is row index[i] of `base` (which is FLAT); validity is the base's
 *
 * Memory.  A vector owns nothing: header, data, bitmap, children and text live in the arena of whoever made it (a
 * batch's arena, an operator's scratch arena) and are valid during the push that hands it over.  Who wants to keep a
 * row copies it.  Vectors of a batch that was pushed are never changed; making another form makes a new header.
 *
 * Data by type:  BOOLEAN uint8_t (0, 1) - INTEGER, DATE, TIME int32_t - BIGINT, TIMESTAMP int64_t - DOUBLE double -
 * DECIMAL Decimal - INTERVAL Interval - STRING, BYTES StrView - ARRAY, MAP ListEntry into child vectors (ARRAY: 1; MAP:
 * keys, values) - STRUCT no data, one child per field with as many rows.  Children are always FLAT.
 * What stands in data where a row is NULL is undefined but initialised (kernels may compute on it).
 * STRING data is valid UTF-8.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/arena.h"
#include "common/str.h"
#include "data/type.h"
#include "data/value.h"

#define BATCH_ROWS 2048			/* the most rows of a batch */

/* Text of 12 bytes or less is inline; longer text has its first 4 bytes as a prefix for quick comparison. */
typedef struct StrView {
	uint32_t length;
	union {
		char inlined[12];
		struct {
			char		prefix[4];
			/* not aligned for a pointer on purpose: the view is 16 bytes */
			char		pointer[8];
		} far;
	};
} StrView;

#define STR_VIEW_INLINE 12

static inline const char *
str_view_data(const StrView *v)
{
	const char *p;

	if (v->length <= STR_VIEW_INLINE)
		return v->inlined;
	memcpy(&p, v->far.pointer, sizeof p);
	return p;
}

/* Borrows: long text is not copied, `data` must live as long as the view.  Short text is copied into the view. */
static inline StrView
str_view_make(const char *data, size_t length)
{
	StrView v = {.length = (uint32_t)length};

	if (length <= STR_VIEW_INLINE) {
		if (length > 0)
			memcpy(v.inlined, data, length);
	} else {
		memcpy(v.far.prefix, data, 4);
		memcpy(v.far.pointer, &data, sizeof data);
	}
	return v;
}

/* The text of a view; inline text is borrowed from *v itself. */
static inline Str
str_view_str(const StrView *v)
{
	return (Str){str_view_data(v), v->length};
}

static inline bool
str_view_equal(const StrView *a, const StrView *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a, 16);
	memcpy(y, b, 16);
	if (x[0] != y[0])
		return false;
	if (a->length <= STR_VIEW_INLINE)
		return x[1] == y[1];
	return x[1] == y[1] || memcmp(str_view_data(a), str_view_data(b), a->length) == 0;
}

typedef struct ListEntry {
	uint32_t offset;		/* first element in the child vector */
	uint32_t length;
} ListEntry;

typedef enum VectorForm { VECTOR_FLAT, VECTOR_CONSTANT, VECTOR_DICTIONARY } VectorForm;

typedef struct Vector Vector;
struct Vector {
	const Type	   *type;
	VectorForm		form;
	bool			is_ascii;		/* STRING: known to be ASCII in every row */
	int32_t			n_rows;			/* rows that exist (CONSTANT: rows that it stands for) */
	int32_t			capacity;		/* rows that data has room for (builders of children) */
	uint64_t	   *validity;		/* bit i set: row i is not NULL; NULL: no row is NULL */
	void		   *data;
	Vector		   *children;		/* array of child headers; see above */
	int32_t			n_children;
	const uint32_t *index;			/* DICTIONARY */
	const Vector   *base;			/* DICTIONARY */
};

/* ---- validity ---- */

static inline bool
bitmap_get(const uint64_t *bits, int64_t i)
{
	return (bits[i >> 6] >> (i & 63)) & 1;
}

static inline void
bitmap_set(uint64_t *bits, int64_t i)
{
	bits[i >> 6] |= (uint64_t)1 << (i & 63);
}

static inline void
bitmap_clear(uint64_t *bits, int64_t i)
{
	bits[i >> 6] &= ~((uint64_t)1 << (i & 63));
}

static inline int64_t
bitmap_words(int64_t n_bits)
{
	return (n_bits + 63) >> 6;
}

/* Index of row i in the data array (and validity) that really holds it. */
static inline int64_t
vector_at(const Vector *v, int64_t i)
{
	return v->form == VECTOR_FLAT ? i : v->form == VECTOR_CONSTANT ? 0 : (int64_t)v->index[i];
}

/* The vector that holds the data: itself, or a dictionary's base. */
static inline const Vector *
vector_base(const Vector *v)
{
	return v->form == VECTOR_DICTIONARY ? v->base : v;
}

static inline bool
vector_is_valid(const Vector *v, int64_t i)
{
	const Vector *base = vector_base(v);

	return base->validity == NULL || bitmap_get(base->validity, vector_at(v, i));
}

/* ---- making ---- */

/*
 * A FLAT vector of n_rows rows with data cleared to zero and no NULLs (validity NULL).  STRUCT gets its children of
 * n_rows; ARRAY and MAP get empty children that grow through vector_list_reserve.
 */
Vector *vector_new(Arena *arena, const Type *type, int32_t n_rows);
void	vector_init(Vector *v, Arena *arena, const Type *type, int32_t n_rows);	/* the same in place */

/* As vector_new, but data is not cleared: for kernels that write every row. */
Vector *vector_new_unset(Arena *arena, const Type *type, int32_t n_rows);

/* A CONSTANT NULL of any type. */
Vector *vector_null(Arena *arena, const Type *type, int32_t n_rows);

/* A CONSTANT vector that stands for n_rows rows of `value` (text is borrowed). */
Vector *vector_constant(Arena *arena, const Value *value, int32_t n_rows);

/* A DICTIONARY over `base` (a dictionary of a dictionary is folded; a constant stays one).  Borrows index and base. */
Vector *vector_dictionary(Arena *arena, const Vector *base, const uint32_t *index, int32_t n_rows);

/* Rows first .. first+n_rows-1 as a vector; shares the data where it can. */
Vector *vector_slice(Arena *arena, const Vector *v, int32_t first, int32_t n_rows);

/* The same rows as FLAT: v itself when it is FLAT already. */
const Vector *vector_flatten(Arena *arena, const Vector *v);

/* Makes sure that there is a bitmap (all valid at first) that can be written. */
uint64_t *vector_need_validity(Vector *v, Arena *arena);
void	  vector_set_null(Vector *v, Arena *arena, int64_t i);

/* Makes room for n more elements in the child(ren) of a list vector; returns the first new element's index. */
uint32_t vector_list_reserve(Vector *v, Arena *arena, uint32_t n_more);

/* ---- row-wise access, for results, constants and functions over nested types ---- */

/* Row i as a Value.  Text is borrowed from the vector; items of nested values are made in `arena`. */
Value vector_get(const Vector *v, int64_t i, Arena *arena);

/* Stores a value (of the vector's type) in row i of a FLAT vector.  Long text is copied into `arena`. */
void vector_set(Vector *v, Arena *arena, int64_t i, const Value *value);

/* Copies row `from` of src to row `to` of the FLAT dst of the same type, deeply, into `arena`. */
void vector_copy_row(Vector *dst, Arena *arena, int64_t to, const Vector *src, int64_t from);

/* to[i] = from[index[i]] of n values of `width` bytes: 1, 4, 8 or 16 (others: nothing).  The two do not overlap. */
void fixed_gather(int width, const void *from, const uint32_t *index, int32_t n, void *to);

/* The same of several arrays: to[i] = from[which[i]][index[i]]. */
void fixed_gather_many(int width, const void *const *from, const uint32_t *which, const uint32_t *index, int32_t n, void *to);

/* Gathers rows index[0..n) of src (any form) into a new FLAT vector; text is NOT copied when share_text. */
Vector *vector_gather(Arena *arena, const Vector *src, const uint32_t *index, int32_t n_rows, bool share_text);

/* hashes[i] = hash of row i, combined with what is there if `combine`.  NULLs hash alike.  Equal values of one type
 * hash alike whatever the form. */
void vector_hash(const Vector *v, int32_t n_rows, uint64_t *hashes, bool combine);

/* Equality of two rows; NULL equals NULL. */
bool vector_rows_equal(const Vector *a, int64_t i, const Vector *b, int64_t j);

#endif
