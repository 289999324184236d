#include "engine/protobuf_rows.h"

#include "io/format/wire/wire.h"

#define MESSAGE_NAME "ConnectDefault1"		/* as ksqlDB's */

struct ProtobufRows {
	FormatSpec	spec;
	Encoder	   *encoder;
	const char *schema;
};

Status
protobuf_rows_new(Arena *arena, const Schema *schema, ProtobufRows **out, Error *err)
{
	ProtobufRows *rows = arena_new(arena, ProtobufRows);
	StrBuf		  text = {0};

	rows->spec = (FormatSpec){.format = format_find(STR("PROTOBUF_NOSR")), .n_columns = schema->n_columns, .columns = schema->columns, .is_wrapped = true};
	TRY(rows->spec.format->check(&rows->spec, err));
	TRY(rows->spec.format->encoder_new(arena, &rows->spec, &rows->encoder, err));
	protobuf_print(protobuf_of_columns(arena, schema->columns, schema->n_columns, MESSAGE_NAME, NULL), &text);
	rows->schema = arena_strdup(arena, strbuf_text(&text));
	strbuf_free(&text);
	*out = rows;
	return OK;
}

const char *
protobuf_rows_schema(const ProtobufRows *rows)
{
	return rows->schema;
}

Status
protobuf_rows_encode(ProtobufRows *rows, const Batch *batch, int32_t row, StrBuf *out, Error *err)
{
	bool is_null = false;

	return rows->encoder->encode(rows->encoder, batch->columns, row, out, &is_null, err);
}
