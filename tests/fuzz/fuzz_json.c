/*
 * Decodes arbitrary bytes as JSON records of a schema with every type; what can be read is written, and what is written
 * must read back to the same text.
 *
 *	`make fuzz` looks for inputs; tests/fuzz/replay runs the ones that are kept
 */
#include <stdio.h>
#include <stdlib.h>

#include "io/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
round_trip(const FormatSpec *spec, Str payload, StrBuf *out)
{
	Arena	 arena = {0};
	Decoder *decoder;
	Encoder *encoder;
	Error	 err;
	bool	 is_null = false, is_read;
	Vector **columns = arena_array(&arena, Vector *, spec->n_columns);

	if (spec->format->decoder_new(&arena, spec, &decoder, &err) != OK || spec->format->encoder_new(&arena, spec, &encoder, &err) != OK)
		abort();
	for (int i = 0; i < spec->n_columns; i++)
		columns[i] = vector_new(&arena, spec->columns[i].type, 2);
	is_read = decoder->decode(decoder, payload, &arena, columns, 1, &is_null, &err) == OK && !is_null;
	if (is_read && encoder->encode(encoder, (const Vector *const *)columns, 1, out, &is_null, &err) != OK)
		abort();
	arena_free(&arena);
	return is_read;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char text[] = "`A` INTEGER, `B` BIGINT, `C` DOUBLE, `D` DECIMAL(20, 4), `E` STRING, `F` BYTES, `G` BOOLEAN, `H` TIMESTAMP, "
							   "`I` DATE, `J` TIME, `K` ARRAY<STRUCT<`X` INTEGER, `Y` STRING>>, `L` MAP<STRING, ARRAY<BIGINT>>";
	Arena			  arena = {0};
	const Schema	 *schema;
	Error			  err;
	FormatSpec		  spec = {.format = format_find(STR("JSON")), .is_wrapped = true};
	StrBuf			  first = {0}, second = {0};

	if (schema_parse(&arena, str_of(text), &schema, &err) != OK)
		abort();
	spec.columns = schema->columns;
	spec.n_columns = schema->n_columns;
	if (round_trip(&spec, str_make((const char *)data, size), &first) &&
		(!round_trip(&spec, strbuf_str(&first), &second) || !str_equal(strbuf_str(&first), strbuf_str(&second))))
		abort();
	strbuf_free(&first);
	strbuf_free(&second);
	arena_free(&arena);
	return 0;
}
