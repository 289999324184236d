#include <stdlib.h>

#include "common/base64.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/json_text.h"
#include "data/time_text.h"
#include "shell/print/printer.h"

static void
time_type_print(const Value *value, StrBuf *out)
{
	char   text[TIME_TEXT_MAX];
	size_t n = 0;

	switch (value->type->kind) {
	case TYPE_DATE:
		n = date_print((int32_t)value->integer, text);
		break;
	case TYPE_TIME:
		n = time_print_sql((int32_t)value->integer, text);
		break;
	default:
		n = timestamp_print_sql(value->integer, text);
	}
	strbuf_add(out, text, n);
}

static void
interval_text(Interval v, StrBuf *out)
{
	int64_t seconds = v.micros / 1000000;
	size_t	start = out->length;

	if (v.months / 12 != 0)
		strbuf_printf(out, "%d year%s ", v.months / 12, v.months / 12 == 1 ? "" : "s");
	if (v.months % 12 != 0)
		strbuf_printf(out, "%d month%s ", v.months % 12, v.months % 12 == 1 ? "" : "s");
	if (v.days != 0)
		strbuf_printf(out, "%d day%s ", v.days, v.days == 1 ? "" : "s");
	if (v.micros != 0 || out->length == start) {
		strbuf_printf(out, "%s%02lld:%02lld:%02lld", v.micros < 0 ? "-" : "", (long long)(llabs(seconds) / 3600), (long long)(llabs(seconds) / 60 % 60),
					  (long long)(llabs(seconds) % 60));
		if (v.micros % 1000000 != 0) {
			strbuf_printf(out, ".%06lld", llabs(v.micros % 1000000));
			while (out->data[out->length - 1] == '0')
				out->data[--out->length] = '\0';
		}
	} else
		out->data[--out->length] = '\0';
}

void
value_print_json(const Value *value, StrBuf *out)
{
	StrBuf text = {0};

	if (value->is_null) {
		strbuf_add_text(out, "null");
		return;
	}
	switch (value->type->kind) {
	case TYPE_ARRAY:
		strbuf_add_char(out, '[');
		for (uint32_t i = 0; i < value->n_items; i++) {
			if (i > 0)
				strbuf_add_char(out, ',');
			value_print_json(&value->items[i], out);
		}
		strbuf_add_char(out, ']');
		return;
	case TYPE_MAP:
	case TYPE_STRUCT: {
		bool is_map = value->type->kind == TYPE_MAP;

		strbuf_add_char(out, '{');
		for (uint32_t i = 0; i < value->n_items; i++) {
			strbuf_clear(&text);
			if (is_map)
				value_print(&value->items[2 * i], false, &text);
			else
				strbuf_add_text(&text, value->type->fields[i].name);
			if (i > 0)
				strbuf_add_char(out, ',');
			json_write_string(out, strbuf_str(&text));
			strbuf_add_char(out, ':');
			value_print_json(is_map ? &value->items[2 * i + 1] : &value->items[i], out);
		}
		strbuf_add_char(out, '}');
		break;
	}
	case TYPE_BOOLEAN:
	case TYPE_INTEGER:
	case TYPE_BIGINT:
	case TYPE_DECIMAL:
		value_print(value, false, out);
		break;
	case TYPE_DOUBLE: {
		char number[NUMBER_TEXT_MAX];

		strbuf_add(out, number, double_print_json(value->number, number));
		break;
	}
	default:
		value_print(value, false, &text);
		json_write_string(out, strbuf_str(&text));
	}
	strbuf_free(&text);
}

void
value_print(const Value *value, bool nested, StrBuf *out)
{
	char number[DECIMAL_TEXT_MAX];

	(void)nested;
	if (value->is_null) {
		strbuf_add_text(out, "NULL");
		return;
	}
	switch (value->type->kind) {
	case TYPE_BOOLEAN:
		strbuf_add_text(out, value->boolean ? "true" : "false");
		return;
	case TYPE_INTEGER:
	case TYPE_BIGINT:
		int64_add_text(out, value->integer);
		return;
	case TYPE_DOUBLE:
		strbuf_add(out, number, double_print_sql(value->number, number));
		return;
	case TYPE_DECIMAL:
		strbuf_add(out, number, decimal_print(value->decimal, value->type->scale, number));
		return;
	case TYPE_STRING:
		strbuf_add_str(out, value->text);
		return;
	case TYPE_BYTES:
		base64_add_encoded(out, value->text);
		return;
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_TIMESTAMP:
		time_type_print(value, out);
		return;
	case TYPE_INTERVAL:
		interval_text(value->interval, out);
		return;
	default:
		value_print_json(value, out);
	}
}
