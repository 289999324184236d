/*
 * Decodes arbitrary bytes as records of AVRO, PROTOBUF_NOSR and PROTOBUF (the first byte chooses) with every type; what can be
 * read must be written without an error.
 *
 *	`make fuzz` looks for inputs; tests/fuzz/replay runs the ones that are kept
 */
#include <stdio.h>
#include <stdlib.h>

#include "io/format/wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char		 text[] = "`A` INTEGER, `B` BIGINT, `C` DOUBLE, `D` DECIMAL(20, 4), `E` STRING, `F` BYTES, `G` BOOLEAN, `H` TIMESTAMP, "
									  "`I` DATE, `J` TIME, `K` ARRAY<STRUCT<`X` INTEGER, `Y` STRING>>, `L` MAP<STRING, BIGINT>";
	static const char *const formats[] = {"AVRO", "PROTOBUF_NOSR", "PROTOBUF"};
	SchemaRegistry			*registry = schema_registry_new_memory();
	Arena					 arena = {0};
	const Schema			*schema;
	FormatSpec				 spec = {.is_wrapped = true, .registry = registry, .subject = "t-value"};
	Decoder					*decoder;
	Encoder					*encoder;
	Vector				   **columns;
	StrBuf					 payload = {0}, out = {0};
	bool					 is_null = false;
	Error					 err;

	if (size == 0 || schema_parse(&arena, str_of(text), &schema, &err) != OK)
		goto out;
	spec.format = format_find(str_of(formats[data[0] % 3]));
	spec.columns = schema->columns;
	spec.n_columns = schema->n_columns;
	if (spec.format->encoder_new(&arena, &spec, &encoder, &err) != OK || spec.format->decoder_new(&arena, &spec, &decoder, &err) != OK)
		abort();
	if (data[0] % 3 != 1)
		strbuf_add(&payload, "\0\0\0\0\1", 5);		/* the first schema of the registry */
	strbuf_add(&payload, data + 1, size - 1);
	columns = arena_array(&arena, Vector *, spec.n_columns);
	for (int i = 0; i < spec.n_columns; i++)
		columns[i] = vector_new(&arena, spec.columns[i].type, 2);
	if (decoder->decode(decoder, strbuf_str(&payload), &arena, columns, 1, &is_null, &err) == OK && !is_null
		&& encoder->encode(encoder, (const Vector *const *)columns, 1, &out, &is_null, &err) != OK)
		abort();
out:
	strbuf_free(&payload);
	strbuf_free(&out);
	arena_free(&arena);
	registry->close(registry);
	return 0;
}
