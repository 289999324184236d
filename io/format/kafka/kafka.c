/* The formats KAFKA (one bare value, as Kafka's own serialisers write it) and NONE (no columns at all). */
#include "common/utf8.h"
#include "io/format/format_impl.h"

static Status
kafka_check(const FormatSpec *spec, Error *err)
{
	StrBuf columns = {0};
	Status status = OK;

	if (spec->n_columns > 1) {
		format_print_columns(spec, &columns);
		status = format_refuse(spec, err, "The 'KAFKA' format only supports a single field. Got: [%s]", strbuf_text(&columns));
		strbuf_free(&columns);
		return status;
	}
	if (spec->n_columns == 0)
		return OK;
	switch (spec->columns[0].type->kind) {
	case TYPE_INTEGER:
	case TYPE_BIGINT:
	case TYPE_DOUBLE:
	case TYPE_STRING:
	case TYPE_BYTES:
		return OK;
	default:
		return format_refuse(spec, err, "The 'KAFKA' format does not support type '%s'", type_kind_word(spec->columns[0].type));
	}
}

static Status
none_check(const FormatSpec *spec, Error *err)
{
	StrBuf columns = {0};

	if (spec->n_columns == 0)
		return OK;
	format_print_columns(spec, &columns);
	format_refuse(spec, err, "The 'NONE' format can only be used when no columns are defined. Got: [%s]", strbuf_text(&columns));
	strbuf_free(&columns);
	return FAILED;
}

static Status
kafka_decode(Decoder *decoder, Str payload, Arena *arena, Vector *const *columns, int32_t row, bool *is_null, Error *err)
{
	const FormatSpec *spec = decoder->spec;
	uint32_t		  u32;
	uint64_t		  u64;

	*is_null = false;
	if (spec->n_columns == 0 || columns[0] == NULL)
		return OK;

	Vector	   *v = columns[0];
	const char *type = type_kind_word(v->type);

	row_set_valid(v, row);
	switch (v->type->kind) {
	case TYPE_INTEGER:
		if (payload.length != 4)
			return error_data(err, "Size of data received by the decoder of %s is not 4: it has %zu bytes", type, payload.length);
		memcpy(&u32, payload.data, 4);
		((int32_t *)v->data)[row] = (int32_t)__builtin_bswap32(u32);
		return OK;
	case TYPE_BIGINT:
	case TYPE_DOUBLE:
		if (payload.length != 8)
			return error_data(err, "Size of data received by the decoder of %s is not 8: it has %zu bytes", type, payload.length);
		memcpy(&u64, payload.data, 8);
		u64 = __builtin_bswap64(u64);
		memcpy((char *)v->data + (size_t)row * 8, &u64, 8);
		return OK;
	case TYPE_STRING:
		if (!utf8_is_ascii(payload) && !utf8_validate(payload)) {
			StrBuf repaired = {0};

			utf8_add_repaired(&repaired, payload);
			payload = str_make(arena_memdup(arena, strbuf_text(&repaired), repaired.length), repaired.length);
			strbuf_free(&repaired);
		}
		row_set_text(v, row, payload);
		return OK;
	case TYPE_BYTES:
		row_set_text(v, row, payload);
		return OK;
	default:
		return error_unsupported(err, "The 'KAFKA' format does not support type '%s'", type);
	}
}

static Status
kafka_encode(Encoder *encoder, const Vector *const *columns, int32_t row, StrBuf *out, bool *is_null, Error *err)
{
	uint32_t u32;
	uint64_t u64;

	*is_null = encoder->spec->n_columns == 0 || !vector_is_valid(columns[0], row);
	if (*is_null)
		return OK;

	const Vector *v = vector_base(columns[0]);
	int64_t		  at = vector_at(columns[0], row);

	switch (v->type->kind) {
	case TYPE_INTEGER:
		u32 = __builtin_bswap32((uint32_t)((const int32_t *)v->data)[at]);
		strbuf_add(out, &u32, 4);
		return OK;
	case TYPE_BIGINT:
	case TYPE_DOUBLE:
		memcpy(&u64, (const char *)v->data + (size_t)at * 8, 8);
		u64 = __builtin_bswap64(u64);
		strbuf_add(out, &u64, 8);
		return OK;
	case TYPE_STRING:
	case TYPE_BYTES:
		strbuf_add_str(out, str_view_str(&((const StrView *)v->data)[at]));
		return OK;
	default:
		return error_data(err, "The 'KAFKA' format does not support type '%s'", type_kind_word(v->type));
	}
}

static Status
kafka_decoder_new(Arena *arena, const FormatSpec *spec, Decoder **out, Error *err)
{
	Decoder *self = arena_new(arena, Decoder);

	(void)err;
	*self = (Decoder){.spec = spec, .decode = kafka_decode};
	*out = self;
	return OK;
}

static Status
kafka_encoder_new(Arena *arena, const FormatSpec *spec, Encoder **out, Error *err)
{
	Encoder *self = arena_new(arena, Encoder);

	(void)err;
	*self = (Encoder){.spec = spec, .encode = kafka_encode};
	*out = self;
	return OK;
}

const Format format_kafka = {
	.name = "KAFKA",
	.flags = FORMAT_KEY | FORMAT_VALUE | FORMAT_UNWRAP,
	.check = kafka_check,
	.decoder_new = kafka_decoder_new,
	.encoder_new = kafka_encoder_new,
};

const Format format_none = {
	.name = "NONE",
	.flags = FORMAT_KEY | FORMAT_VALUE,
	.check = none_check,
	.decoder_new = kafka_decoder_new,
	.encoder_new = kafka_encoder_new,
};
