/*
 * The DELIMITED format: one CSV record a payload, by RFC 4180 with the delimiter of the spec, without a line end.
 * The number of fields must be the number of columns; an empty field is NULL for every type.
 */
#include "common/base64.h"
#include "common/utf8.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "io/format/format_impl.h"

static Status
delimited_check(const FormatSpec *spec, Error *err)
{
	for (int i = 0; i < spec->n_columns; i++) {
		const Type *type = spec->columns[i].type;

		if (type_is_nested(type) || type->kind == TYPE_INTERVAL)
			return format_refuse(spec, err, "The 'DELIMITED' format does not support type '%s', column: `%s`",
								 type_kind_word(type), spec->columns[i].name);
	}
	return OK;
}

/* ---- reading ---- */

typedef struct DelimitedDecoder {
	Decoder base;
	Str	   *fields;		/* n_columns */
} DelimitedDecoder;

/* One field from *p on; *p ends at the delimiter, the line end or the end. */
static Status
scan_field(const char **p, const char *end, char delimiter, Arena *arena, Str *out, Error *err)
{
	const char *q = *p;

	if (q < end && *q == '"') {
		const char *begin = ++q;
		bool		has_doubled = false;

		for (;; q++) {
			if (q >= end)
				return error_data(err, "Not a valid DELIMITED record: a quoted field does not end");
			if (*q != '"')
				continue;
			if (q + 1 < end && q[1] == '"') {
				has_doubled = true;
				q++;
				continue;
			}
			break;
		}
		*out = str_make(begin, (size_t)(q - begin));
		if (has_doubled) {
			char *copy = arena_alloc(arena, out->length), *to = copy;

			for (const char *s = begin; s < q; s++) {
				*to++ = *s;
				if (*s == '"')
					s++;
			}
			*out = str_make(copy, (size_t)(to - copy));
		}
		q++;
		while (q < end && (*q == ' ' || *q == '\t') && *q != delimiter)
			q++;
		if (q < end && *q != delimiter && *q != '\n' && *q != '\r')
			return error_data(err, "Not a valid DELIMITED record: '%c' stands between a closing quote and the delimiter", *q);
	} else {
		while (q < end && *q != delimiter && *q != '\n' && *q != '\r')
			q++;
		*out = str_make(*p, (size_t)(q - *p));
	}
	*p = q;
	return OK;
}

static Status
fail_field(const Column *column, Str text, const char *why, Error *err)
{
	StrBuf type = {0};

	type_print(column->type, &type);
	error_data(err, "Can't read \"%.*s\" as %s, column: `%s`%s%s", (int)(text.length > 200 ? 200 : text.length), text.data,
			   strbuf_text(&type), column->name, why != NULL ? ": " : "", why != NULL ? why : "");
	strbuf_free(&type);
	return FAILED;
}

static Status
convert_field(const FormatSpec *spec, const Column *column, Str text, Arena *arena, Vector *v, int32_t row, Error *err)
{
	const Type *type = column->type;
	Error		reason = {0};

	switch (type->kind) {
	case TYPE_BOOLEAN:
		((uint8_t *)v->data)[row] = str_equal_nocase(text, STR("true"));
		return OK;
	case TYPE_INTEGER:
		if (!int32_parse(text, &((int32_t *)v->data)[row]))
			return fail_field(column, text, NULL, err);
		return OK;
	case TYPE_BIGINT:
		if (!int64_parse(text, &((int64_t *)v->data)[row]))
			return fail_field(column, text, NULL, err);
		return OK;
	case TYPE_TIMESTAMP:
		if (!int64_parse(text, &((int64_t *)v->data)[row]) &&
			!(spec->standard && timestamp_parse_sql(text, &((int64_t *)v->data)[row], &reason) == OK))
			return fail_field(column, text, NULL, err);
		return OK;
	case TYPE_DATE:
		if (!int32_parse(text, &((int32_t *)v->data)[row]) &&
			!(spec->standard && date_parse_sql(text, &((int32_t *)v->data)[row], &reason) == OK))
			return fail_field(column, text, NULL, err);
		return OK;
	case TYPE_TIME: {
		int32_t ms;

		if (!int32_parse(text, &ms) && !(spec->standard && time_parse_sql(text, &ms, &reason) == OK))
			return fail_field(column, text, NULL, err);
		if (ms < 0 || ms >= MS_PER_DAY)
			return fail_field(column, text, "a time is 0 to 86399999 milliseconds of the day", err);
		((int32_t *)v->data)[row] = ms;
		return OK;
	}
	case TYPE_DOUBLE:
		if (!double_parse(text, DOUBLE_JAVA_ANY, &((double *)v->data)[row]))
			return fail_field(column, text, NULL, err);
		return OK;
	case TYPE_DECIMAL: {
		DecimalShape shape = {type->precision, type->scale};
		Decimal		 value;
		DecimalCode	 code = decimal_parse(text, shape, DECIMAL_EXACT, &value);

		if (code != DECIMAL_OK) {
			decimal_error(code, shape, &reason);
			return fail_field(column, text, reason.message, err);
		}
		((Decimal *)v->data)[row] = value;
		return OK;
	}
	case TYPE_STRING:
		if (!utf8_is_ascii(text) && !utf8_validate(text)) {
			StrBuf repaired = {0};

			utf8_add_repaired(&repaired, text);
			text = str_make(arena_memdup(arena, strbuf_text(&repaired), repaired.length), repaired.length);
			strbuf_free(&repaired);
		}
		row_set_text(v, row, text);
		return OK;
	case TYPE_BYTES: {
		StrBuf bytes = {0};

		if (!base64_add_decoded(&bytes, text)) {
			strbuf_free(&bytes);
			return fail_field(column, text, "it is not Base64", err);
		}
		row_set_text(v, row, str_make(arena_memdup(arena, strbuf_text(&bytes), bytes.length), bytes.length));
		strbuf_free(&bytes);
		return OK;
	}
	default:
		return error_unsupported(err, "The 'DELIMITED' format does not support type '%s'", type_kind_word(type));
	}
}

static Status
delimited_decode(Decoder *decoder, Str payload, Arena *arena, Vector *const *columns, int32_t row, bool *is_null, Error *err)
{
	DelimitedDecoder *self = (DelimitedDecoder *)decoder;
	const FormatSpec *spec = decoder->spec;
	const char		 *p = payload.data, *end = p + payload.length;
	int				  n = 0;

	*is_null = false;
	while (p < end && (*p == '\n' || *p == '\r'))
		p++;
	if (p >= end)
		return error_data(err, "No fields in record: the payload is empty, %d columns are declared", spec->n_columns);
	for (;;) {
		Str field;

		TRY(scan_field(&p, end, spec->delimiter, arena, &field, err));
		if (n < spec->n_columns)
			self->fields[n] = field;
		n++;
		if (p >= end || *p != spec->delimiter)
			break;
		p++;
	}
	if (n != spec->n_columns)
		return error_data(err, "Unexpected field count, csvFields: %d, schemaFields: %d", n, spec->n_columns);
	for (int i = 0; i < n; i++) {
		if (columns[i] == NULL)
			continue;
		if (self->fields[i].length == 0) {
			row_set_null(columns[i], arena, row);
			continue;
		}
		row_set_valid(columns[i], row);
		TRY(convert_field(spec, &spec->columns[i], self->fields[i], arena, columns[i], row, err));
	}
	return OK;
}

static FormatSpec *
spec_with_delimiter(Arena *arena, const FormatSpec *spec)
{
	FormatSpec *copy = arena_memdup(arena, spec, sizeof *spec);

	if (copy->delimiter == '\0')
		copy->delimiter = ',';
	return copy;
}

static Status
delimited_decoder_new(Arena *arena, const FormatSpec *spec, Decoder **out, Error *err)
{
	DelimitedDecoder *self = arena_new(arena, DelimitedDecoder);

	(void)err;
	self->base = (Decoder){.spec = spec_with_delimiter(arena, spec), .decode = delimited_decode};
	self->fields = arena_array(arena, Str, spec->n_columns > 0 ? spec->n_columns : 1);
	*out = &self->base;
	return OK;
}

/* ---- writing ---- */

static bool
is_ascii_alnum(char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z');
}

/* The rules of Apache commons-csv in its minimal mode. */
static bool
needs_quotes(Str text, char delimiter, bool is_first)
{
	if (text.length == 0)
		return is_first;

	unsigned char first = (unsigned char)text.data[0];

	if (is_first && !is_ascii_alnum((char)first))
		return true;
	if (first <= '#' || (unsigned char)text.data[text.length - 1] <= ' ')
		return true;
	for (size_t i = 0; i < text.length; i++)
		if (text.data[i] == delimiter || text.data[i] == '"' || text.data[i] == '\n' || text.data[i] == '\r')
			return true;
	return false;
}

static void
add_field(StrBuf *out, Str text, char delimiter, bool is_first)
{
	if (!needs_quotes(text, delimiter, is_first)) {
		strbuf_add_str(out, text);
		return;
	}
	strbuf_add_char(out, '"');
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] == '"')
			strbuf_add_char(out, '"');
		strbuf_add_char(out, text.data[i]);
	}
	strbuf_add_char(out, '"');
}

static Status
delimited_encode(Encoder *encoder, const Vector *const *columns, int32_t row, StrBuf *out, bool *is_null, Error *err)
{
	const FormatSpec *spec = encoder->spec;
	char			  text[DECIMAL_TEXT_MAX];

	/* a single NULL key column is a null key */
	*is_null = spec->is_key && spec->n_columns == 1 && !vector_is_valid(columns[0], row);
	if (*is_null)
		return OK;
	for (int i = 0; i < spec->n_columns; i++) {
		const Vector *v = vector_base(columns[i]);
		int64_t		  at = vector_at(columns[i], row);
		Str			  field = {text, 0};

		if (i > 0)
			strbuf_add_char(out, spec->delimiter);
		if (!vector_is_valid(columns[i], row))
			continue;
		switch (v->type->kind) {
		case TYPE_BOOLEAN:
			field = ((const uint8_t *)v->data)[at] ? STR("true") : STR("false");
			break;
		case TYPE_INTEGER:
		case TYPE_DATE:
		case TYPE_TIME:
			field.length = int64_print(((const int32_t *)v->data)[at], text);
			break;
		case TYPE_BIGINT:
		case TYPE_TIMESTAMP:
			field.length = int64_print(((const int64_t *)v->data)[at], text);
			break;
		case TYPE_DOUBLE:
			field.length = double_print_java(((const double *)v->data)[at], text);
			break;
		case TYPE_DECIMAL:
			field.length = decimal_print(((const Decimal *)v->data)[at], v->type->scale, text);
			break;
		case TYPE_STRING:
			field = str_view_str(&((const StrView *)v->data)[at]);
			break;
		case TYPE_BYTES: {
			StrBuf encoded = {0};

			base64_add_encoded(&encoded, str_view_str(&((const StrView *)v->data)[at]));
			add_field(out, strbuf_str(&encoded), spec->delimiter, i == 0);
			strbuf_free(&encoded);
			continue;
		}
		default:
			return error_data(err, "The 'DELIMITED' format does not support type '%s'", type_kind_word(v->type));
		}
		add_field(out, field, spec->delimiter, i == 0);
	}
	return OK;
}

static Status
delimited_encoder_new(Arena *arena, const FormatSpec *spec, Encoder **out, Error *err)
{
	Encoder *self = arena_new(arena, Encoder);

	(void)err;
	*self = (Encoder){.spec = spec_with_delimiter(arena, spec), .encode = delimited_encode};
	*out = self;
	return OK;
}

const Format format_delimited = {
	.name = "DELIMITED",
	.flags = FORMAT_KEY | FORMAT_VALUE | FORMAT_MULTI_COLUMN | FORMAT_UNWRAP | FORMAT_DELIMITER,
	.check = delimited_check,
	.decoder_new = delimited_decoder_new,
	.encoder_new = delimited_encoder_new,
};
