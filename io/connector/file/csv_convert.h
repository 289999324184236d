#ifndef SLUICE_IO_CONNECTOR_FILE_CSV_CONVERT_H
#define SLUICE_IO_CONNECTOR_FILE_CSV_CONVERT_H

/*
 * The texts of one CSV column to a typed vector, one loop a type.
 *
 * Texts have 16 readable bytes before and behind them.  Text of a STRING vector borrows them.
 */
#include "data/vector.h"

typedef struct FieldRun {
	int32_t		   n;
	const char	 **at;
	uint32_t	  *length;
	const uint8_t *quoted;		/* per field: it stood in quotes, so an empty one is not NULL; NULL: none did */
} FieldRun;

typedef struct ConvertContext ConvertContext;
struct ConvertContext {
	Arena *arena;
	Str	   null_text;			/* unquoted text that means NULL, beside the empty field; length 0: none */
	bool   has_null_text;
	bool   is_ascii;			/* all texts are */
	bool   is_utf8;				/* all texts are known to be valid */
	/* A text that does not fit the type. */
	void (*fail)(ConvertContext *context, int32_t row, Str text, const char *why);
};

/* `v` is FLAT with room for run->n rows; its data need not be cleared. */
void csv_convert(ConvertContext *context, const FieldRun *run, Vector *v);

#endif
