#ifndef SLUICE_IO_CONNECTOR_FILE_CSV_CONVERT_H
#define SLUICE_IO_CONNECTOR_FILE_CSV_CONVERT_H

/*
 * The texts of one CSV column to a typed vector, one loop a type.
 *
 * Texts have 16 readable bytes before and behind them.  Text of a STRING vector borrows them.
 */
#include "data/time_text.h"
#include "data/vector.h"

/* Where the texts of n rows are: from base + begin[i * begin_step] + skip to base + end[i * end_step]; or, if `at` is set, there. */
typedef struct FieldRun {
	int32_t			n;
	const char	   *base;
	const uint32_t *begin, *end;
	uint32_t		begin_step, end_step, skip;
	const char	  **at;
	uint32_t	   *length;
	const uint8_t  *quoted;		/* per field: it stood in quotes, so an empty one is not NULL; NULL: none did */
} FieldRun;

static inline void
field_text(const FieldRun *run, int32_t i, const char **at, uint32_t *length)
{
	if (run->at == NULL) {
		uint32_t begin = run->begin[(size_t)i * run->begin_step] + run->skip;

		*at = run->base + begin;
		*length = run->end[(size_t)i * run->end_step] - begin;
	} else {
		*at = run->at[i];
		*length = run->length[i];
	}
}

typedef struct ConvertContext ConvertContext;
struct ConvertContext {
	Arena *arena;
	Str	   null_text;			/* unquoted text that means NULL, beside the empty field; length 0: none */
	bool   has_null_text;
	DateOrder date_order;		/* of dates that are not ISO's */
	bool   is_ascii;			/* all texts are */
	bool   is_utf8;				/* all texts are known to be valid */
	/* A text that does not fit the type. */
	void (*fail)(ConvertContext *context, int32_t row, Str text, const char *why);
};

/* `v` is FLAT with room for run->n rows; its data need not be cleared. */
void csv_convert(ConvertContext *context, const FieldRun *run, Vector *v);

#endif
