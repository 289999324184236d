/* Values as text and as JSON, for functions that write values of any type. */
#include <math.h>
#include <stdlib.h>

#include "common/base64.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/json_text.h"
#include "data/time_text.h"
#include "exec/func/kernel.h"

bool
scalar_add_text(StrBuf *out, const Value *v, bool is_standard)
{
	char	text[TIME_TEXT_MAX];

	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		strbuf_add_text(out, v->boolean ? "true" : "false");
		return true;
	case TYPE_INTEGER:
	case TYPE_BIGINT:
		int64_add_text(out, v->integer);
		return true;
	case TYPE_DOUBLE:
		if (is_standard)
			double_add_sql(out, v->number);
		else
			double_add_java(out, v->number);
		return true;
	case TYPE_DECIMAL:
		decimal_add_text(out, v->decimal, v->type->scale);
		return true;
	case TYPE_STRING:
		strbuf_add_str(out, v->text);
		return true;
	case TYPE_BYTES:
		base64_add_encoded(out, v->text);
		return true;
	case TYPE_DATE:
		strbuf_add(out, text, date_print((int32_t)v->integer, text));
		return true;
	case TYPE_TIME:
		strbuf_add(out, text, is_standard ? time_print_sql((int32_t)v->integer, text) : time_print_ksql((int32_t)v->integer, text));
		return true;
	case TYPE_TIMESTAMP:
		strbuf_add(out, text, is_standard ? timestamp_print_sql(v->integer, text) : timestamp_print_ksql(v->integer, text));
		return true;
	default:
		return false;
	}
}

/* A member of an object on its way to be sorted. */
typedef struct Member {
	Str			 name;
	const Value *value;
} Member;

static int
member_compare(const void *a, const void *b)
{
	return utf8_compare_utf16(((const Member *)a)->name, ((const Member *)b)->name);
}

static void
add_object(StrBuf *out, const Value *v, bool is_standard)
{
	bool	is_map = v->type->kind == TYPE_MAP;
	Member *members = xcalloc(v->n_items > 0 ? v->n_items : 1, sizeof *members);
	StrBuf *keys = xcalloc(v->n_items > 0 ? v->n_items : 1, sizeof *keys);

	for (uint32_t i = 0; i < v->n_items; i++) {
		if (!is_map) {
			members[i] = (Member){str_of(v->type->fields[i].name), &v->items[i]};
			continue;
		}
		if (v->items[2 * i].is_null || !scalar_add_text(&keys[i], &v->items[2 * i], is_standard))
			strbuf_add_text(&keys[i], "null");
		members[i] = (Member){strbuf_str(&keys[i]), &v->items[2 * i + 1]};
	}
	qsort(members, v->n_items, sizeof *members, member_compare);
	strbuf_add_char(out, '{');
	for (uint32_t i = 0; i < v->n_items; i++) {
		if (i > 0)
			strbuf_add_char(out, ',');
		json_write_string(out, members[i].name);
		strbuf_add_char(out, ':');
		scalar_add_json(out, members[i].value, is_standard);
	}
	strbuf_add_char(out, '}');
	for (uint32_t i = 0; i < v->n_items; i++)
		strbuf_free(&keys[i]);
	free(keys);
	free(members);
}

void
scalar_add_json(StrBuf *out, const Value *v, bool is_standard)
{
	char	number[NUMBER_TEXT_MAX + 2];
	StrBuf	text = {0};

	if (v->is_null) {
		strbuf_add_text(out, "null");
		return;
	}
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
	case TYPE_INTEGER:
	case TYPE_BIGINT:
	case TYPE_DECIMAL:
		scalar_add_text(out, v, is_standard);
		return;
	case TYPE_DOUBLE:
		strbuf_add(out, number, double_print_json(v->number, number));
		return;
	case TYPE_ARRAY:
		strbuf_add_char(out, '[');
		for (uint32_t i = 0; i < v->n_items; i++) {
			if (i > 0)
				strbuf_add_char(out, ',');
			scalar_add_json(out, &v->items[i], is_standard);
		}
		strbuf_add_char(out, ']');
		return;
	case TYPE_MAP:
	case TYPE_STRUCT:
		add_object(out, v, is_standard);
		return;
	default:
		if (!scalar_add_text(&text, v, is_standard))
			strbuf_add_text(&text, "");
		json_write_string(out, strbuf_str(&text));
		strbuf_free(&text);
		return;
	}
}
