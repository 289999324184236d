#ifndef SLUICE_IO_FORMAT_FORMAT_IMPL_H
#define SLUICE_IO_FORMAT_FORMAT_IMPL_H

/* Shared by the formats: the rows of the table, refusals, and filling rows of vectors.  Not for use outside of io/. */
#include "io/format.h"

extern const Format format_none, format_delimited, format_kafka, format_json, format_json_sr, format_avro,
	format_protobuf, format_protobuf_nosr;

/* Fails with ksqlDB's sentence about a schema that the format cannot carry; the reason comes behind it. */
Status format_refuse(const FormatSpec *spec, Error *err, const char *reason, ...) PRINTF_LIKE(3, 4);

/* "`ID` BIGINT KEY, `V` STRING": the columns of the spec. */
void format_print_columns(const FormatSpec *spec, StrBuf *out);

/* The bare name of a type without parameters: "ARRAY", "DECIMAL". */
const char *type_kind_word(const Type *type);

/* Marks row `row` as not NULL (a row may be filled again after a failed record). */
static inline void
row_set_valid(Vector *v, int32_t row)
{
	if (v->validity != NULL)
		bitmap_set(v->validity, row);
}

/* Marks row `row` as NULL, the fields of a STRUCT too. */
static inline void
row_set_null(Vector *v, Arena *arena, int32_t row)
{
	if (v->validity == NULL)
		vector_need_validity(v, arena);
	bitmap_clear(v->validity, row);
	if (v->type->kind == TYPE_STRUCT)
		for (int i = 0; i < v->n_children; i++)
			row_set_null(&v->children[i], arena, row);
}

static inline void
row_set_text(Vector *v, int32_t row, Str text)
{
	((StrView *)v->data)[row] = str_view_make(text.data, text.length);
}

#endif
