#include "io/format/json/json_encode.h"

#include "common/base64.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/json_text.h"
#include "data/time_text.h"
#include "io/format/format_impl.h"

static void
add_name(StrBuf *out, const char *name, bool is_first)
{
	strbuf_add_char(out, is_first ? '{' : ',');
	json_write_string(out, str_of(name));
	strbuf_add_char(out, ':');
}

static void
add_iso(StrBuf *out, char *text, size_t length)
{
	strbuf_add_char(out, '"');
	strbuf_add(out, text, length);
	strbuf_add_char(out, '"');
}

/* Row `i` of the data itself (i is not mapped through a form any more). */
static Status
encode_flat(const Vector *v, int64_t i, const JsonStyle *style, StrBuf *out, Error *err)
{
	char		text[TIME_TEXT_MAX > NUMBER_TEXT_MAX ? TIME_TEXT_MAX : NUMBER_TEXT_MAX];
	const Type *type = v->type;

	if (v->validity != NULL && !bitmap_get(v->validity, i)) {
		strbuf_add(out, "null", 4);
		return OK;
	}
	switch (type->kind) {
	case TYPE_BOOLEAN:
		if (((const uint8_t *)v->data)[i])
			strbuf_add(out, "true", 4);
		else
			strbuf_add(out, "false", 5);
		return OK;
	case TYPE_INTEGER:
		strbuf_add(out, text, int64_print(((const int32_t *)v->data)[i], text));
		return OK;
	case TYPE_BIGINT:
		strbuf_add(out, text, int64_print(((const int64_t *)v->data)[i], text));
		return OK;
	case TYPE_DATE:
		if (style->iso_times)
			add_iso(out, text, date_print(((const int32_t *)v->data)[i], text));
		else
			strbuf_add(out, text, int64_print(((const int32_t *)v->data)[i], text));
		return OK;
	case TYPE_TIME:
		if (style->iso_times)
			add_iso(out, text, time_print_sql(((const int32_t *)v->data)[i], text));
		else
			strbuf_add(out, text, int64_print(((const int32_t *)v->data)[i], text));
		return OK;
	case TYPE_TIMESTAMP:
		if (style->iso_times)
			add_iso(out, text, timestamp_print_sql(((const int64_t *)v->data)[i], text));
		else
			strbuf_add(out, text, int64_print(((const int64_t *)v->data)[i], text));
		return OK;
	case TYPE_DOUBLE:
		strbuf_add(out, text, double_print_json(((const double *)v->data)[i], text));
		return OK;
	case TYPE_DECIMAL:
		decimal_add_text(out, ((const Decimal *)v->data)[i], type->scale);
		return OK;
	case TYPE_STRING:
		json_write_string(out, str_view_str(&((const StrView *)v->data)[i]));
		return OK;
	case TYPE_BYTES:
		strbuf_add_char(out, '"');
		base64_add_encoded(out, str_view_str(&((const StrView *)v->data)[i]));
		strbuf_add_char(out, '"');
		return OK;
	case TYPE_ARRAY: {
		ListEntry list = ((const ListEntry *)v->data)[i];

		strbuf_add_char(out, '[');
		for (uint32_t k = 0; k < list.length; k++) {
			if (k > 0)
				strbuf_add_char(out, ',');
			TRY(encode_flat(&v->children[0], list.offset + k, style, out, err));
		}
		strbuf_add_char(out, ']');
		return OK;
	}
	case TYPE_MAP: {
		ListEntry list = ((const ListEntry *)v->data)[i];

		if (type->key->kind != TYPE_STRING)
			return error_data(err, "JSON only supports MAP types with STRING keys");
		strbuf_add_char(out, '{');
		for (uint32_t k = 0; k < list.length; k++) {
			if (k > 0)
				strbuf_add_char(out, ',');
			if (v->children[0].validity != NULL && !bitmap_get(v->children[0].validity, list.offset + k))
				strbuf_add(out, "\"null\"", 6);
			else
				json_write_string(out, str_view_str(&((const StrView *)v->children[0].data)[list.offset + k]));
			strbuf_add_char(out, ':');
			TRY(encode_flat(&v->children[1], list.offset + k, style, out, err));
		}
		strbuf_add_char(out, '}');
		return OK;
	}
	case TYPE_STRUCT:
		for (int k = 0; k < type->n_fields; k++) {
			add_name(out, type->fields[k].name, k == 0);
			TRY(encode_flat(&v->children[k], i, style, out, err));
		}
		strbuf_add_text(out, type->n_fields > 0 ? "}" : "{}");
		return OK;
	default:
		return error_data(err, "Values of type %s cannot be written as JSON", type_kind_word(type));
	}
}

Status
json_encode_value(const Vector *v, int64_t row, const JsonStyle *style, StrBuf *out, Error *err)
{
	return encode_flat(vector_base(v), vector_at(v, row), style, out, err);
}

Str
json_encode_name(Arena *arena, const char *name, bool is_first)
{
	StrBuf text = {0};
	Str	   copy;

	add_name(&text, name, is_first);
	copy = str_make(arena_memdup(arena, strbuf_text(&text), text.length), text.length);
	strbuf_free(&text);
	return copy;
}

Status
json_encode_record(const Column *columns, const Vector *const *vectors, int n_columns, int64_t row,
				   const JsonStyle *style, StrBuf *out, Error *err)
{
	for (int i = 0; i < n_columns; i++) {
		add_name(out, columns[i].name, i == 0);
		TRY(json_encode_value(vectors[i], row, style, out, err));
	}
	strbuf_add_text(out, n_columns > 0 ? "}" : "{}");
	return OK;
}
