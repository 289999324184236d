/* The JSON format of records: a check of the columns, a decoder and an encoder around json_decode and json_encode. */
#include "io/format/format_impl.h"
#include "io/format/json/json_decode.h"
#include "io/format/json/json_encode.h"

/* Several columns, or one in its envelope: an object. */
static bool
is_record(const FormatSpec *spec)
{
	return spec->n_columns != 1 || spec->is_wrapped;
}

static bool
has_other_map(const Type *type)
{
	switch (type->kind) {
	case TYPE_MAP:
		return type->key->kind != TYPE_STRING || has_other_map(type->element);
	case TYPE_ARRAY:
		return has_other_map(type->element);
	case TYPE_STRUCT:
		for (int i = 0; i < type->n_fields; i++)
			if (has_other_map(type->fields[i].type))
				return true;
		return false;
	default:
		return false;
	}
}

static Status
json_check(const FormatSpec *spec, Error *err)
{
	for (int i = 0; i < spec->n_columns; i++) {
		if (has_other_map(spec->columns[i].type))
			return format_refuse(spec, err, "JSON only supports MAP types with STRING keys");
		if (spec->columns[i].type->kind == TYPE_INTERVAL)
			return format_refuse(spec, err, "The 'JSON' format does not support type 'INTERVAL', column: `%s`", spec->columns[i].name);
	}
	return OK;
}

typedef struct JsonDecoder {
	Decoder	  base;
	JsonPlan *plan;
} JsonDecoder;

static Status
json_decode(Decoder *decoder, Str payload, Arena *arena, Vector *const *columns, int32_t row, bool *is_null, Error *err)
{
	JsonDecoder *self = (JsonDecoder *)decoder;
	JsonReader	 reader = {
		  .cursor = {payload.data, payload.data + payload.length, payload.data},
		  .arena = arena,
		  .is_lenient = decoder->spec->standard,
	  };

	*is_null = false;
	if (json_skip_space(&reader.cursor) == 'n') {
		if (!json_scan_word(&reader.cursor, "null", 4))
			return error_data(err, "Not valid JSON: unexpected 'n' at byte %zu", (size_t)(reader.cursor.p - reader.cursor.start));
		*is_null = true;
		for (int i = 0; i < decoder->spec->n_columns; i++)
			if (columns[i] != NULL)
				row_set_null(columns[i], arena, row);
		return OK;
	}
	if (is_record(decoder->spec))
		return json_decode_record(&reader, self->plan, columns, row, err);
	if (columns[0] == NULL)
		return OK;
	return json_decode_value(&reader, self->plan, columns[0], row, err);
}

static Status
json_decoder_new(Arena *arena, const FormatSpec *spec, Decoder **out, Error *err)
{
	JsonDecoder *self = arena_new(arena, JsonDecoder);

	(void)err;
	self->base = (Decoder){.spec = spec, .decode = json_decode};
	self->plan = is_record(spec) ? json_plan_record(arena, spec->columns, spec->n_columns)
								 : json_plan_value(arena, spec->columns[0].type);
	*out = &self->base;
	return OK;
}

typedef struct JsonEncoder {
	Encoder	base;
	Str	   *names;		/* with what stands around them */
} JsonEncoder;

static Status
json_encode(Encoder *encoder, const Vector *const *columns, int32_t row, StrBuf *out, bool *is_null, Error *err)
{
	static const JsonStyle style = {0};
	const FormatSpec	  *spec = encoder->spec;

	*is_null = false;
	if (is_record(spec)) {
		const Str *names = ((JsonEncoder *)encoder)->names;

		for (int i = 0; i < spec->n_columns; i++) {
			strbuf_add_str(out, names[i]);
			TRY(json_encode_value(columns[i], row, &style, out, err));
		}
		strbuf_add_text(out, spec->n_columns > 0 ? "}" : "{}");
		return OK;
	}
	if (!vector_is_valid(columns[0], row)) {
		*is_null = true;
		return OK;
	}
	return json_encode_value(columns[0], row, &style, out, err);
}

static Status
json_encoder_new(Arena *arena, const FormatSpec *spec, Encoder **out, Error *err)
{
	JsonEncoder *self = arena_new(arena, JsonEncoder);

	(void)err;
	self->base = (Encoder){.spec = spec, .encode = json_encode};
	self->names = arena_array(arena, Str, spec->n_columns + 1);
	for (int i = 0; i < spec->n_columns; i++)
		self->names[i] = json_encode_name(arena, spec->columns[i].name, i == 0);
	*out = &self->base;
	return OK;
}

const Format format_json = {
	.name = "JSON",
	.flags = FORMAT_KEY | FORMAT_VALUE | FORMAT_MULTI_COLUMN | FORMAT_NESTED | FORMAT_WRAP | FORMAT_UNWRAP,
	.check = json_check,
	.decoder_new = json_decoder_new,
	.encoder_new = json_encoder_new,
};
