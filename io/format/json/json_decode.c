#include "io/format/json/json_decode.h"

#include "common/base64.h"
#include "common/utf8.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/json_text.h"
#include "data/time_text.h"
#include "io/digits.h"
#include "io/format/format_impl.h"

#define ORDER_MAX 96	/* keys of an object whose places are remembered */
#define KEY_ROOM 48		/* bytes of a remembered key with its closing quote and colon */

/* A key of the last object: its text up to and with `":`, and which field it names (-1: none). */
typedef struct KnownKey {
	char	key[KEY_ROOM];
	uint8_t length;
	bool	is_exact;
	int16_t field;
} KnownKey;

typedef struct JsonField {
	Str		  name;
	JsonPlan *plan;
} JsonField;

struct JsonPlan {
	const Type *type;		/* NULL: a record */
	int			n_fields;
	JsonField  *fields;
	JsonPlan   *element;	/* of ARRAY and MAP */
	int			n_order;
	KnownKey   *order;
};

/* Where a value is, for messages; frames stand on the C stack. */
typedef struct Frame {
	const struct Frame *parent;
	const char		   *name;	/* NULL: an index */
	size_t				name_length;
	int64_t				index;
} Frame;

/* ---- plans ---- */

static JsonPlan *
plan_fields(Arena *arena, JsonPlan *plan, const TypeField *fields, int n)
{
	plan->n_fields = n;
	plan->fields = arena_array(arena, JsonField, n > 0 ? n : 1);
	plan->order = arena_alloc(arena, sizeof(KnownKey) * ORDER_MAX);
	for (int i = 0; i < n; i++) {
		plan->fields[i].name = str_of(fields[i].name);
		plan->fields[i].plan = json_plan_value(arena, fields[i].type);
	}
	return plan;
}

JsonPlan *
json_plan_record(Arena *arena, const Column *columns, int n_columns)
{
	return plan_fields(arena, arena_new(arena, JsonPlan), columns, n_columns);
}

JsonPlan *
json_plan_value(Arena *arena, const Type *type)
{
	JsonPlan *plan = arena_new(arena, JsonPlan);

	plan->type = type;
	if (type->kind == TYPE_STRUCT)
		plan_fields(arena, plan, type->fields, type->n_fields);
	else if (type->kind == TYPE_ARRAY || type->kind == TYPE_MAP)
		plan->element = json_plan_value(arena, type->element);
	return plan;
}

/* ---- errors ---- */

static void
frame_print(const Frame *frame, StrBuf *out)
{
	if (frame == NULL) {
		strbuf_add_char(out, '$');
		return;
	}
	frame_print(frame->parent, out);
	if (frame->name != NULL) {
		strbuf_add_char(out, '.');
		strbuf_add(out, frame->name, frame->name_length);
	} else {
		strbuf_printf(out, "[%lld]", (long long)frame->index);
	}
}

const char *
json_node_name(const JsonCursor *cursor)
{
	JsonCursor c = *cursor;
	Str		   number;
	bool	   is_integer;
	int64_t	   value;

	switch (json_skip_space(&c)) {
	case '"': return "TextNode";
	case '{': return "ObjectNode";
	case '[': return "ArrayNode";
	case 't':
	case 'f': return "BooleanNode";
	case 'n': return "NullNode";
	case '\0': return "MissingNode";
	}
	if (!json_scan_number(&c, &number, &is_integer))
		return "invalid JSON";
	if (!is_integer)
		return "DecimalNode";
	if (!int64_parse(number, &value))
		return "BigIntegerNode";
	return value >= INT32_MIN && value <= INT32_MAX ? "IntNode" : "LongNode";
}

/* `begin` is where the value begins.  (Cursors are not copied for this: reading one whole that was just written in part
 * stalls the processor.) */
static Status
fail_convert(const JsonReader *r, const char *begin, const Type *type, const Frame *frame, Error *err)
{
	StrBuf	   path = {0}, type_text = {0};
	JsonCursor at = {.p = begin, .end = r->cursor.end, .start = r->cursor.start};

	frame_print(frame, &path);
	type_print(type, &type_text);
	error_data(err, "Can't convert type. sourceType: %s, requiredType: %s, path: %s", json_node_name(&at),
			   strbuf_text(&type_text), strbuf_text(&path));
	strbuf_free(&path);
	strbuf_free(&type_text);
	return FAILED;
}

static Status
fail_value(Str text, const Type *type, const Frame *frame, const char *why, Error *err)
{
	StrBuf path = {0}, type_text = {0};

	frame_print(frame, &path);
	type_print(type, &type_text);
	error_data(err, "Can't read \"%.*s\" as %s%s%s, path: %s", (int)(text.length > 200 ? 200 : text.length), text.data,
			   strbuf_text(&type_text), why != NULL ? ": " : "", why != NULL ? why : "", strbuf_text(&path));
	strbuf_free(&path);
	strbuf_free(&type_text);
	return FAILED;
}

static Status
fail_syntax(const JsonCursor *c, Error *err)
{
	if (c->p >= c->end)
		return error_data(err, "Not valid JSON: it ends early, at byte %zu", (size_t)(c->end - c->start));
	unsigned char ch = (unsigned char)*c->p;

	if (ch >= 0x20 && ch < 0x7f)
		return error_data(err, "Not valid JSON: unexpected '%c' at byte %zu", ch, (size_t)(c->p - c->start));
	return error_data(err, "Not valid JSON: unexpected byte 0x%02x at byte %zu", ch, (size_t)(c->p - c->start));
}

/* ---- numbers ---- */

/* The integer part of a JSON number modulo 2^64: Java's longValue of a BigDecimal. */
static int64_t
number_to_int64_wrap(Str number)
{
	const char *p = number.data, *end = p + number.length;
	bool		is_negative = p < end && *p == '-';
	uint64_t	value = 0;
	int64_t		exponent = 0;
	const char *mark = p;

	if (is_negative)
		p++;
	while (mark < end && (*mark | 0x20) != 'e')
		mark++;
	if (mark < end) {
		bool is_minus = mark[1] == '-';

		for (const char *d = mark + 1 + (mark[1] == '-' || mark[1] == '+'); d < end && exponent < 100000; d++)
			exponent = exponent * 10 + (*d - '0');
		if (is_minus)
			exponent = -exponent;
	}
	/* digits before the point after shifting by the exponent */
	int64_t before = 0, seen = 0;

	for (const char *d = p; d < mark && *d != '.'; d++)
		before++;
	before += exponent;
	for (const char *d = p; d < mark && seen < before; d++) {
		if (*d == '.')
			continue;
		value = value * 10 + (uint64_t)(*d - '0');
		seen++;
	}
	/* 10^64 is a multiple of 2^64 */
	if (before - seen >= 64)
		value = 0;
	else
		for (; seen < before; seen++)
			value *= 10;
	return (int64_t)(is_negative ? -value : value);
}

/* Digits only, up to 18 of them: the common case.  False otherwise; the cursor has not moved then. */
static inline bool
scan_small_integer(JsonCursor *c, int64_t *out)
{
	const char *p = c->p, *end = c->end;
	uint64_t	value = 0;
	bool		is_negative = *p == '-';

	p += is_negative;

	const char *digits = p;

	if (end - p >= 24) {
		uint64_t word;
		unsigned n_digits;

		memcpy(&word, p, 8);
		n_digits = digits8_count(word);
		if (n_digits == 0)
			return false;
		value = digits8_parse_first(word, n_digits);
		p += n_digits;
		if (n_digits == 8) {
			static const uint32_t power10[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

			memcpy(&word, p, 8);
			n_digits = digits8_count(word);
			if (n_digits > 0) {
				value = value * power10[n_digits] + digits8_parse_first(word, n_digits);
				p += n_digits;
			}
		}
	}
	while (p < end && json_is_digit(*p))
		value = value * 10 + (uint64_t)(*p++ - '0');

	size_t n = (size_t)(p - digits);

	if (n == 0 || n > 18 || (*digits == '0' && n > 1))
		return false;
	if (p < end && (*p == '.' || (*p | 0x20) == 'e'))
		return false;
	c->p = p;
	*out = is_negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static inline Status
store_integer(const JsonReader *r, Vector *v, int32_t row, int64_t value, Str text, const Frame *frame, Error *err)
{
	switch (v->type->kind) {
	case TYPE_INTEGER:
		if (r->from_text && value != (int32_t)value)
			return fail_value(text, v->type, frame, "out of range", err);
		((int32_t *)v->data)[row] = (int32_t)value;
		return OK;
	case TYPE_DATE:
		if (value < INT32_MIN || value > INT32_MAX)
			return fail_value(text, v->type, frame, "out of range", err);
		((int32_t *)v->data)[row] = (int32_t)value;
		return OK;
	case TYPE_TIME:
		if (value < 0 || value >= MS_PER_DAY)
			return fail_value(text, v->type, frame, "a time is 0 to 86399999 milliseconds of the day", err);
		((int32_t *)v->data)[row] = (int32_t)value;
		return OK;
	default:
		((int64_t *)v->data)[row] = value;
		return OK;
	}
}

/* INTEGER, BIGINT and the time types from a string. */
static Status
integer_from_text(const JsonReader *r, Str text, Vector *v, int32_t row, const Frame *frame, Error *err)
{
	int64_t	   value;
	int32_t	   narrow;
	const Type *type = v->type;

	if (type->kind == TYPE_INTEGER) {
		if (!int32_parse(text, &narrow))
			return fail_value(text, type, frame, NULL, err);
		((int32_t *)v->data)[row] = narrow;
		return OK;
	}
	if (int64_parse(text, &value))
		return store_integer(r, v, row, value, text, frame, err);
	if (r->is_lenient) {
		Error ignored;

		switch (type->kind) {
		case TYPE_DATE:
			if (date_parse_sql(text, &narrow, &ignored) == OK)
				return store_integer(r, v, row, narrow, text, frame, err);
			break;
		case TYPE_TIME:
			if (time_parse_sql(text, &narrow, &ignored) == OK)
				return store_integer(r, v, row, narrow, text, frame, err);
			break;
		case TYPE_TIMESTAMP:
			if (timestamp_parse_sql(text, &value, &ignored) == OK)
				return store_integer(r, v, row, value, text, frame, err);
			break;
		default:
			break;
		}
	}
	return fail_value(text, type, frame, NULL, err);
}

/* ---- values ---- */

static Status decode_value(JsonReader *r, JsonPlan *plan, Vector *v, int32_t row, const Frame *frame, int depth, Error *err);

static Status
scan_text(JsonReader *r, Str *out, Error *err)
{
	JsonText	text;
	const char *begin = r->cursor.p;

	r->cursor.p++;
	if (!json_scan_string(&r->cursor, &text))
		return fail_syntax(&r->cursor, err);
	if (!json_text_decode(&text, r->arena, out))
		return error_data(err, "Not valid JSON: the text at byte %zu has a bad escape or is not UTF-8", (size_t)(begin - r->cursor.start));
	return OK;
}

static Status
scan_number(JsonReader *r, Str *out, bool *is_integer, Error *err)
{
	if (!json_scan_number(&r->cursor, out, is_integer))
		return fail_syntax(&r->cursor, err);
	return OK;
}

static Status
skip_value(JsonReader *r, Error *err)
{
	if (!json_skip_value(&r->cursor, 0))
		return fail_syntax(&r->cursor, err);
	return OK;
}

Status
json_value_as_text(JsonReader *r, StrBuf *out, Error *err)
{
	Str		   text;
	bool	   is_integer;
	const char *begin;
	bool	   is_first = true;

	switch (json_skip_space(&r->cursor)) {
	case '"':
		TRY(scan_text(r, &text, err));
		strbuf_add_str(out, text);
		return OK;
	case '{': {
		JsonValue object;

		begin = r->cursor.p;
		TRY(skip_value(r, err));
		text = str_make(begin, (size_t)(r->cursor.p - begin));
		if (!utf8_is_ascii(text) && !utf8_validate(text))
			return error_data(err, "Not valid JSON: the object at byte %zu is not UTF-8", (size_t)(begin - r->cursor.start));
		TRY(json_parse(r->arena, text, JSON_STRICT, &object, err));
		json_write(out, &object);
		return OK;
	}
	case '[':
		r->cursor.p++;
		strbuf_add_char(out, '[');
		if (json_skip_space(&r->cursor) == ']') {
			r->cursor.p++;
			strbuf_add_char(out, ']');
			return OK;
		}
		for (;;) {
			if (!is_first)
				strbuf_add_text(out, ", ");
			is_first = false;
			TRY(json_value_as_text(r, out, err));
			char ch = json_skip_space(&r->cursor);

			if (ch != ',' && ch != ']')
				return fail_syntax(&r->cursor, err);
			r->cursor.p++;
			if (ch == ']')
				break;
		}
		strbuf_add_char(out, ']');
		return OK;
	case 't':
	case 'f':
	case 'n':
		begin = r->cursor.p;
		TRY(skip_value(r, err));
		strbuf_add(out, begin, (size_t)(r->cursor.p - begin));
		return OK;
	default:
		TRY(scan_number(r, &text, &is_integer, err));
		strbuf_add_str(out, text);
		return OK;
	}
}

static Status
decode_string(JsonReader *r, char first, Vector *v, int32_t row, Error *err)
{
	Str text;

	if (first == '"') {
		JsonText	token;
		const char *begin = r->cursor.p;

		r->cursor.p++;
		if (!json_scan_string(&r->cursor, &token))
			return fail_syntax(&r->cursor, err);
		if (token.is_ascii && !token.is_escaped)
			text = token.raw;
		else if (!json_text_decode(&token, r->arena, &text))
			return error_data(err, "Not valid JSON: the text at byte %zu has a bad escape or is not UTF-8", (size_t)(begin - r->cursor.start));
	} else if (first == '{' || first == '[') {
		StrBuf buf = {0};
		Status status = json_value_as_text(r, &buf, err);

		if (status == OK)
			text = str_make(arena_memdup(r->arena, strbuf_text(&buf), buf.length), buf.length);
		strbuf_free(&buf);
		TRY(status);
	} else {
		const char *begin = r->cursor.p;

		TRY(skip_value(r, err));
		text = str_make(begin, (size_t)(r->cursor.p - begin));
	}
	row_set_text(v, row, text);
	return OK;
}

static Status
decode_integer(JsonReader *r, char first, Vector *v, int32_t row, const Frame *frame, Error *err)
{
	const char *begin = r->cursor.p;
	int64_t		value;
	Str			text;
	bool		is_integer;

	if (first == '"') {
		TRY(scan_text(r, &text, err));
		return integer_from_text(r, text, v, row, frame, err);
	}
	if (first == '-' || json_is_digit(first)) {
		if (scan_small_integer(&r->cursor, &value))
			return store_integer(r, v, row, value, str_make(begin, (size_t)(r->cursor.p - begin)), frame, err);
		TRY(scan_number(r, &text, &is_integer, err));
		if (r->from_text && (!is_integer || !int64_parse(text, &value)))
			return fail_value(text, v->type, frame, NULL, err);
		return store_integer(r, v, row, number_to_int64_wrap(text), text, frame, err);
	}
	return fail_convert(r, begin, v->type, frame, err);
}

static Status
decode_double(JsonReader *r, char first, Vector *v, int32_t row, const Frame *frame, Error *err)
{
	const char *begin = r->cursor.p;
	Str			text;
	bool		is_integer;
	double		value;

	if (first == '"') {
		TRY(scan_text(r, &text, err));
		if (!double_parse(text, DOUBLE_JAVA_ANY, &value))
			return fail_value(text, v->type, frame, NULL, err);
	} else if (first == '-' || json_is_digit(first)) {
		TRY(scan_number(r, &text, &is_integer, err));
		if (!double_parse(text, DOUBLE_STRICT, &value))
			return fail_value(text, v->type, frame, NULL, err);
	} else {
		return fail_convert(r, begin, v->type, frame, err);
	}
	((double *)v->data)[row] = value;
	return OK;
}

static Status
decode_decimal(JsonReader *r, char first, Vector *v, int32_t row, const Frame *frame, Error *err)
{
	const char	*begin = r->cursor.p;
	DecimalShape shape = {v->type->precision, v->type->scale};
	Str			 text;
	bool		 is_integer;
	Decimal		 value;
	DecimalCode	 code;

	if (first == '"')
		TRY(scan_text(r, &text, err));
	else if (first == '-' || json_is_digit(first))
		TRY(scan_number(r, &text, &is_integer, err));
	else
		return fail_convert(r, begin, v->type, frame, err);
	code = decimal_parse(text, shape, DECIMAL_EXACT, &value);
	if (code != DECIMAL_OK) {
		Error reason = {0};

		decimal_error(code, shape, &reason);
		return fail_value(text, v->type, frame, reason.message, err);
	}
	((Decimal *)v->data)[row] = value;
	return OK;
}

static Status
decode_bytes(JsonReader *r, char first, Vector *v, int32_t row, const Frame *frame, Error *err)
{
	const char *begin = r->cursor.p;
	StrBuf		bytes = {0};
	Str			text;

	if (first != '"')
		return fail_convert(r, begin, v->type, frame, err);
	TRY(scan_text(r, &text, err));
	if (!base64_add_decoded(&bytes, text)) {
		strbuf_free(&bytes);
		return fail_value(text, v->type, frame, "it is not Base64", err);
	}
	row_set_text(v, row, str_make(arena_memdup(r->arena, strbuf_text(&bytes), bytes.length), bytes.length));
	strbuf_free(&bytes);
	return OK;
}

static Status
decode_array(JsonReader *r, JsonPlan *plan, Vector *v, int32_t row, const Frame *frame, int depth, Error *err)
{
	Vector *child = &v->children[0];
	Frame	inner = {.parent = frame};
	uint32_t n = 0, first = (uint32_t)child->n_rows;

	r->cursor.p++;
	if (json_skip_space(&r->cursor) == ']') {
		r->cursor.p++;
	} else {
		for (;; n++) {
			inner.index = n;
			uint32_t at = vector_list_reserve(v, r->arena, 1);

			TRY(decode_value(r, plan->element, child, (int32_t)at, &inner, depth + 1, err));
			char ch = json_skip_space(&r->cursor);

			if (ch != ',' && ch != ']')
				return fail_syntax(&r->cursor, err);
			r->cursor.p++;
			if (ch == ']')
				break;
		}
		n++;
	}
	((ListEntry *)v->data)[row] = (ListEntry){first, n};
	return OK;
}

static Status
decode_map(JsonReader *r, JsonPlan *plan, Vector *v, int32_t row, const Frame *frame, int depth, Error *err)
{
	Vector	*keys = &v->children[0], *values = &v->children[1];
	uint32_t n = 0, first = (uint32_t)keys->n_rows;

	r->cursor.p++;
	if (json_skip_space(&r->cursor) == '}') {
		r->cursor.p++;
	} else {
		for (;;) {
			Str key;

			if (json_skip_space(&r->cursor) != '"')
				return fail_syntax(&r->cursor, err);
			TRY(scan_text(r, &key, err));
			if (json_skip_space(&r->cursor) != ':')
				return fail_syntax(&r->cursor, err);
			r->cursor.p++;

			StrView	 view = str_view_make(key.data, key.length);
			uint32_t at = first;
			Frame	 inner = {.parent = frame, .name = key.data, .name_length = key.length};

			/* of entries with one key the last one counts */
			while (at < first + n && !str_view_equal(&((StrView *)keys->data)[at], &view))
				at++;
			if (at == first + n) {
				vector_list_reserve(v, r->arena, 1);
				((StrView *)keys->data)[at] = view;
				row_set_valid(keys, (int32_t)at);
				n++;
			}
			TRY(decode_value(r, plan->element, values, (int32_t)at, &inner, depth + 1, err));
			char ch = json_skip_space(&r->cursor);

			if (ch != ',' && ch != '}')
				return fail_syntax(&r->cursor, err);
			r->cursor.p++;
			if (ch == '}')
				break;
		}
	}
	((ListEntry *)v->data)[row] = (ListEntry){first, n};
	return OK;
}

/* ---- objects with fields ---- */

static bool
upper_equal(Str json, Str column)
{
	if (json.length != column.length)
		return false;
	for (size_t i = 0; i < json.length; i++) {
		char ch = json.data[i];

		if (ch >= 'a' && ch <= 'z')
			ch -= 'a' - 'A';
		if (ch != column.data[i])
			return false;
	}
	return true;
}

/* The field of a key, -1 if it names none. */
static int
find_field(const JsonReader *r, const JsonPlan *plan, Str key, bool *is_exact)
{
	*is_exact = true;
	for (int i = 0; i < plan->n_fields; i++)
		if (str_equal(plan->fields[i].name, key))
			return i;
	*is_exact = false;
	for (int i = 0; i < plan->n_fields; i++)
		if (upper_equal(key, plan->fields[i].name))
			return i;
	if (r->is_lenient)
		for (int i = 0; i < plan->n_fields; i++)
			if (str_equal_nocase(key, plan->fields[i].name))
				return i;
	return -1;
}

static inline bool
bytes_equal(const char *a, const char *b, size_t n)
{
#ifdef __SSE2__
	if (n >= 16 && n <= 32) {
		__m128i x = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a), _mm_loadu_si128((const __m128i *)(const void *)b));
		__m128i y = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)(a + n - 16)),
								   _mm_loadu_si128((const __m128i *)(const void *)(b + n - 16)));

		return _mm_movemask_epi8(_mm_and_si128(x, y)) == 0xffff;
	}
#endif
	if (n >= 8 && n < 16) {
		uint64_t x, y, z, w;

		memcpy(&x, a, 8);
		memcpy(&y, b, 8);
		memcpy(&z, a + n - 8, 8);
		memcpy(&w, b + n - 8, 8);
		return ((x ^ y) | (z ^ w)) == 0;
	}
	if (n >= 4 && n < 8) {
		uint32_t x, y, z, w;

		memcpy(&x, a, 4);
		memcpy(&y, b, 4);
		memcpy(&z, a + n - 4, 4);
		memcpy(&w, b + n - 4, 4);
		return ((x ^ y) | (z ^ w)) == 0;
	}
	return memcmp(a, b, n) == 0;
}

/* Reads `"key":` as the k-th key of the object and finds its field; remembers it for the next object. */
static Status
read_key(JsonReader *r, JsonPlan *plan, int k, int *field, bool *is_exact, Error *err)
{
	JsonCursor *c = &r->cursor;

	if (k < plan->n_order) {
		const KnownKey *known = &plan->order[k];

		if ((size_t)(c->end - c->p) > known->length && bytes_equal(c->p, known->key, known->length)) {
			c->p += known->length;
			*field = known->field;
			*is_exact = known->is_exact;
			return OK;
		}
	}

	const char *begin = c->p;
	JsonText	token;
	Str			key;

	if (json_peek(c) != '"')
		return fail_syntax(c, err);
	c->p++;
	if (!json_scan_string(c, &token))
		return fail_syntax(c, err);
	if (!json_text_decode(&token, r->arena, &key))
		return error_data(err, "Not valid JSON: the field name at byte %zu has a bad escape or is not UTF-8", (size_t)(begin - c->start));
	*field = find_field(r, plan, key, is_exact);
	if (json_skip_space(c) != ':')
		return fail_syntax(c, err);
	c->p++;

	size_t length = (size_t)(c->p - begin);

	if (length <= KEY_ROOM && k < ORDER_MAX && k <= plan->n_order) {
		KnownKey *known = &plan->order[k];

		memcpy(known->key, begin, length);
		known->length = (uint8_t)length;
		known->field = (int16_t)*field;
		known->is_exact = *is_exact;
		if (k == plan->n_order)
			plan->n_order++;
	}
	return OK;
}

#define SEEN_WORDS 4

static Status
decode_object(JsonReader *r, JsonPlan *plan, Vector *const *columns, int32_t row, const Frame *frame, int depth, Error *err)
{
	JsonCursor *c = &r->cursor;
	uint64_t	seen_room[SEEN_WORDS], exact_room[SEEN_WORDS];
	uint64_t   *seen = seen_room, *exact = exact_room;
	int			n_words = (plan->n_fields + 63) / 64;
	int			n_missing = 0;		/* wanted fields not seen by their exact name */
	bool		is_lazy = r->is_lazy && depth == 0;

	if (n_words > SEEN_WORDS) {
		seen = arena_alloc(r->arena, (size_t)n_words * 8);
		exact = arena_alloc(r->arena, (size_t)n_words * 8);
	}
	for (int i = 0; i < n_words; i++)
		seen[i] = exact[i] = 0;
	if (is_lazy)
		for (int i = 0; i < plan->n_fields; i++)
			n_missing += columns[i] != NULL;

	c->p++;
	if (json_skip_space(c) == '}') {
		c->p++;
	} else {
		for (int k = 0;; k++) {
			int	 field = -1;
			bool is_exact = false;

			json_skip_space(c);
			TRY(read_key(r, plan, k, &field, &is_exact, err));
			if (field >= 0 && columns[field] != NULL && (is_exact || !bitmap_get(exact, field))) {
				Frame inner = {.parent = frame, .name = plan->fields[field].name.data, .name_length = plan->fields[field].name.length};

				TRY(decode_value(r, plan->fields[field].plan, columns[field], row, &inner, depth + 1, err));
				bitmap_set(seen, field);
				if (is_exact && !bitmap_get(exact, field)) {
					bitmap_set(exact, field);
					if (is_lazy && --n_missing == 0) {
						r->has_stopped = true;
						break;
					}
				}
			} else if (!json_skip_value(c, depth)) {
				return fail_syntax(c, err);
			}
			char ch = json_skip_space(c);

			if (ch != ',' && ch != '}')
				return fail_syntax(c, err);
			c->p++;
			if (ch == '}')
				break;
		}
	}
	for (int i = 0; i < plan->n_fields; i++)
		if (columns[i] != NULL && !bitmap_get(seen, i))
			row_set_null(columns[i], r->arena, row);
	return OK;
}

static Status
decode_struct(JsonReader *r, JsonPlan *plan, Vector *v, int32_t row, const Frame *frame, int depth, Error *err)
{
	Vector	*room[32];
	Vector **children = room;

	if (plan->n_fields > 32)
		children = arena_alloc(r->arena, sizeof(Vector *) * (size_t)plan->n_fields);
	for (int i = 0; i < plan->n_fields; i++)
		children[i] = &v->children[i];
	return decode_object(r, plan, children, row, frame, depth, err);
}

static Status
decode_value(JsonReader *r, JsonPlan *plan, Vector *v, int32_t row, const Frame *frame, int depth, Error *err)
{
	JsonCursor *c = &r->cursor;
	char		first = json_skip_space(c);

	if (first == 'n') {
		if (!json_scan_word(c, "null", 4))
			return fail_syntax(c, err);
		row_set_null(v, r->arena, row);
		return OK;
	}
	if (depth > JSON_DEPTH_MAX)
		return error_data(err, "The JSON value is nested more than %d levels deep", JSON_DEPTH_MAX);
	row_set_valid(v, row);
	switch (plan->type->kind) {
	case TYPE_STRING:
		return decode_string(r, first, v, row, err);
	case TYPE_BIGINT:
	case TYPE_INTEGER:
	case TYPE_TIMESTAMP:
	case TYPE_DATE:
	case TYPE_TIME:
		return decode_integer(r, first, v, row, frame, err);
	case TYPE_DOUBLE:
		return decode_double(r, first, v, row, frame, err);
	case TYPE_DECIMAL:
		return decode_decimal(r, first, v, row, frame, err);
	case TYPE_BOOLEAN:
		if (json_scan_word(c, "true", 4))
			((uint8_t *)v->data)[row] = 1;
		else if (json_scan_word(c, "false", 5))
			((uint8_t *)v->data)[row] = 0;
		else
			return fail_convert(r, c->p, plan->type, frame, err);
		return OK;
	case TYPE_BYTES:
		return decode_bytes(r, first, v, row, frame, err);
	case TYPE_ARRAY:
		if (first != '[')
			return fail_convert(r, c->p, plan->type, frame, err);
		return decode_array(r, plan, v, row, frame, depth, err);
	case TYPE_MAP:
		if (first != '{')
			return fail_convert(r, c->p, plan->type, frame, err);
		return decode_map(r, plan, v, row, frame, depth, err);
	case TYPE_STRUCT:
		if (first != '{')
			return fail_convert(r, c->p, plan->type, frame, err);
		return decode_struct(r, plan, v, row, frame, depth, err);
	default:
		return error_unsupported(err, "Values of type %s cannot be read from JSON", type_kind_word(plan->type));
	}
}

Status
json_decode_record(JsonReader *reader, JsonPlan *plan, Vector *const *columns, int32_t row, Error *err)
{
	if (json_skip_space(&reader->cursor) != '{')
		return error_data(err, "Can't convert type. sourceType: %s, requiredType: STRUCT, path: $", json_node_name(&reader->cursor));
	return decode_object(reader, plan, columns, row, NULL, 0, err);
}

Status
json_decode_value(JsonReader *reader, JsonPlan *plan, Vector *v, int32_t row, Error *err)
{
	return decode_value(reader, plan, v, row, NULL, 0, err);
}
