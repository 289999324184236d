/* CAST to and from STRING and BYTES. */
#include "common/base64.h"
#include "common/utf8.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "exec/expr/interval.h"
#include "exec/expr/kernels.h"

/* ---- to text ---- */

/* A printer writes `n` bytes of row i to `text` (room for DECIMAL_TEXT_MAX). */
#define PRINTER(name, T, call)                                                           \
	static void name(const Cast *cast, EvalFrame *frame, const Vector *in, Vector *out)  \
	{                                                                                    \
		const T *x = in->data;                                                           \
		StrView *r = out->data;                                                          \
		char	 text[DECIMAL_TEXT_MAX];                                                 \
                                                                                         \
		(void)cast;                                                                      \
		for (int32_t i = 0; i < frame->n_rows; i++) {                                    \
			const T p = x[i];                                                            \
			size_t	n;                                                                   \
                                                                                         \
			r[i] = (StrView){0};                                                         \
			if (!row_counts(frame, out, i))                                              \
				continue;                                                                \
			n = (call);                                                                  \
			if (n > STR_VIEW_INLINE)                                                     \
				r[i] = str_view_make(arena_memdup(frame->context->scratch, text, n), n); \
			else                                                                         \
				r[i] = str_view_make(text, n);                                           \
		}                                                                                \
		out->is_ascii = true;                                                            \
	}

static size_t
boolean_print(bool b, char *text)
{
	memcpy(text, b ? "true" : "false", 5);
	return b ? 4 : 5;
}

PRINTER(boolean_to_text, uint8_t, boolean_print(p != 0, text))
PRINTER(int32_to_text, int32_t, int64_print(p, text))
PRINTER(int64_to_text, int64_t, int64_print(p, text))
PRINTER(decimal_to_text, Decimal, decimal_print(p, in->type->scale, text))
PRINTER(date_to_text, int32_t, date_print(p, text))
PRINTER(double_to_text_java, double, double_print_java(p, text))
PRINTER(double_to_text_sql, double, double_print_sql(p, text))
PRINTER(time_to_text_ksql, int32_t, time_print_ksql(p, text))
PRINTER(time_to_text_sql, int32_t, time_print_sql(p, text))
PRINTER(timestamp_to_text_ksql, int64_t, timestamp_print_ksql(p, text))
PRINTER(timestamp_to_text_sql, int64_t, timestamp_print_sql(p, text))
PRINTER(interval_to_text, Interval, interval_print(&p, text))

static void
bytes_to_text(const Cast *cast, EvalFrame *frame, const Vector *in, Vector *out)
{
	StrView *r = out->data;

	(void)cast;
	memcpy(r, in->data, sizeof *r * (size_t)frame->n_rows);
	for (int32_t i = 0; i < frame->n_rows; i++) {
		if (row_counts(frame, out, i) && !utf8_validate(str_view_str(&r[i]))) {
			r[i] = (StrView){0};
			eval_fail(frame->context, i, "Bytes are not valid UTF-8 text");
		}
	}
}

void
cast_add_text(const Value *v, bool standard, StrBuf *out)
{
	char text[DECIMAL_TEXT_MAX];

	if (v->is_null) {
		strbuf_add_text(out, standard ? "NULL" : "null");
		return;
	}
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		strbuf_add_text(out, v->boolean ? "true" : "false");
		break;
	case TYPE_INTEGER:
	case TYPE_BIGINT:
	case TYPE_UNIT:
		strbuf_add(out, text, int64_print(v->integer, text));
		break;
	case TYPE_DOUBLE:
		strbuf_add(out, text, standard ? double_print_sql(v->number, text) : double_print_java(v->number, text));
		break;
	case TYPE_DECIMAL:
		strbuf_add(out, text, decimal_print(v->decimal, v->type->scale, text));
		break;
	case TYPE_STRING:
		strbuf_add_str(out, v->text);
		break;
	case TYPE_BYTES:
		if (standard && utf8_validate(v->text))
			strbuf_add_str(out, v->text);
		else
			base64_add_encoded(out, v->text);
		break;
	case TYPE_DATE:
		strbuf_add(out, text, date_print((int32_t)v->integer, text));
		break;
	case TYPE_TIME:
		strbuf_add(out, text,
				   standard ? time_print_sql((int32_t)v->integer, text) : time_print_ksql((int32_t)v->integer, text));
		break;
	case TYPE_TIMESTAMP:
		strbuf_add(out, text, standard ? timestamp_print_sql(v->integer, text) : timestamp_print_ksql(v->integer, text));
		break;
	case TYPE_INTERVAL:
		strbuf_add(out, text, interval_print(&v->interval, text));
		break;
	case TYPE_ARRAY:
		strbuf_add_char(out, '[');
		for (uint32_t i = 0; i < v->n_items; i++) {
			if (i > 0)
				strbuf_add_text(out, ", ");
			cast_add_text(&v->items[i], standard, out);
		}
		strbuf_add_char(out, ']');
		break;
	case TYPE_MAP:
		strbuf_add_char(out, '{');
		for (uint32_t i = 0; i < v->n_items; i++) {
			if (i > 0)
				strbuf_add_text(out, ", ");
			cast_add_text(&v->items[2 * i], standard, out);
			strbuf_add_char(out, '=');
			cast_add_text(&v->items[2 * i + 1], standard, out);
		}
		strbuf_add_char(out, '}');
		break;
	case TYPE_STRUCT:
		strbuf_add_text(out, standard ? "{" : "Struct{");
		for (uint32_t i = 0; i < v->n_items; i++) {
			if (i > 0)
				strbuf_add_text(out, standard ? ", " : ",");
			strbuf_printf(out, standard ? "'%s': " : "%s=", v->type->fields[i].name);
			cast_add_text(&v->items[i], standard, out);
		}
		strbuf_add_char(out, '}');
		break;
	case TYPE_NULL:
	case TYPE_LAMBDA:
		strbuf_add_text(out, "null");
		break;
	}
}

static void
nested_to_text(const Cast *cast, EvalFrame *frame, const Vector *in, Vector *out)
{
	Arena	*arena = frame->context->scratch;
	StrView *r = out->data;
	StrBuf	 buf = {0};

	for (int32_t i = 0; i < frame->n_rows; i++) {
		Value v;

		r[i] = (StrView){0};
		if (!row_counts(frame, out, i))
			continue;
		v = vector_get(in, i, arena);
		strbuf_clear(&buf);
		cast_add_text(&v, cast->standard, &buf);
		r[i] = str_view_make(buf.length > STR_VIEW_INLINE ? arena_memdup(arena, buf.data, buf.length) : strbuf_text(&buf),
							 buf.length);
	}
	strbuf_free(&buf);
}

/* ---- from text ---- */

static Str
trim_view(const StrView *view)
{
	return str_trim(str_view_str(view));
}

/* `...` sets r[i] from the untrimmed text `s` and fails with FAIL. */
#define PARSER(name, T, ...)                                                             \
	static void name(const Cast *cast, EvalFrame *frame, const Vector *in, Vector *out)  \
	{                                                                                    \
		const StrView *x = in->data;                                                     \
		T			  *r = out->data;                                                    \
		Error		   err;                                                              \
                                                                                         \
		(void)cast;                                                                      \
		(void)err;                                                                       \
		for (int32_t i = 0; i < frame->n_rows; i++) {                                    \
			Str s;                                                                       \
                                                                                         \
			memset(&r[i], 0, sizeof r[i]);                                               \
			if (!row_counts(frame, out, i))                                              \
				continue;                                                                \
			s = str_view_str(&x[i]);                                                     \
			__VA_ARGS__                                                                  \
		}                                                                                \
	}

#define BAD_TEXT(type_name)                                                                                  \
	eval_fail(frame->context, i, "Invalid text for %s: '%.*s'", type_name, s.length < 100 ? (int)s.length : 100, s.data)

PARSER(text_to_int32, int32_t, {
	if (!int32_parse(str_trim(s), &r[i]))
		BAD_TEXT("INTEGER");
})

PARSER(text_to_int64, int64_t, {
	if (!int64_parse(str_trim(s), &r[i]))
		BAD_TEXT("BIGINT");
})

PARSER(text_to_double_ksql, double, {
	if (!double_parse(str_trim(s), DOUBLE_JAVA, &r[i]))
		BAD_TEXT("DOUBLE");
})

PARSER(text_to_double_sql, double, {
	if (!double_parse(s, DOUBLE_SQL, &r[i]))
		BAD_TEXT("DOUBLE");
})

PARSER(text_to_decimal, Decimal, {
	DecimalShape shape = {cast->to->precision, cast->to->scale};
	DecimalCode	 code = decimal_parse(str_trim(s), shape, DECIMAL_HALF_UP, &r[i]);

	if (code == DECIMAL_MALFORMED) {
		BAD_TEXT("DECIMAL");
	} else if (code != DECIMAL_OK) {
		r[i] = 0;
		decimal_error(code, shape, &err);
		eval_fail(frame->context, i, "%s", err.message);
	}
})

/* A non-empty prefix of `true` or `yes`, in any case; all else is FALSE. */
static bool
is_prefix_nocase(Str s, Str word)
{
	return s.length > 0 && s.length <= word.length && str_equal_nocase(s, str_make(word.data, s.length));
}

PARSER(text_to_boolean_ksql, uint8_t, {
	s = trim_view(&x[i]);
	r[i] = is_prefix_nocase(s, STR("true")) || is_prefix_nocase(s, STR("yes"));
})

/* PostgreSQL: unique prefixes of true, false, yes, no, on, off; 1 and 0. */
PARSER(text_to_boolean_sql, uint8_t, {
	Str word = trim_view(&x[i]);

	if (is_prefix_nocase(word, STR("true")) || is_prefix_nocase(word, STR("yes")) || str_equal(word, STR("1")) ||
		str_equal_nocase(word, STR("on")))
		r[i] = 1;
	else if (!is_prefix_nocase(word, STR("false")) && !is_prefix_nocase(word, STR("no")) && !str_equal(word, STR("0")) &&
			 !(word.length > 1 && is_prefix_nocase(word, STR("off"))))
		BAD_TEXT("BOOLEAN");
})

#define TIME_PARSER(name, T, function, prepared)                      \
	PARSER(name, T, {                                                 \
		if (function(prepared, &r[i], &err) != OK) {                  \
			r[i] = 0;                                                 \
			eval_fail(frame->context, i, "%s", err.message);          \
		}                                                             \
	})

TIME_PARSER(text_to_date_ksql, int32_t, date_parse_ksql, s)
TIME_PARSER(text_to_time_ksql, int32_t, time_parse_ksql, s)
TIME_PARSER(text_to_timestamp_ksql, int64_t, timestamp_parse_ksql, s)
TIME_PARSER(text_to_date_sql, int32_t, date_parse_sql, s)
TIME_PARSER(text_to_time_sql, int32_t, time_parse_sql, s)
TIME_PARSER(text_to_timestamp_sql, int64_t, timestamp_parse_sql, s)

PARSER(text_to_interval, Interval, {
	if (interval_parse(s, &r[i], &err) != OK)
		eval_fail(frame->context, i, "%s", err.message);
})

/* ksqldb: base64. */
static void
text_to_bytes_ksql(const Cast *cast, EvalFrame *frame, const Vector *in, Vector *out)
{
	const StrView *x = in->data;
	StrView		  *r = out->data;
	StrBuf		   buf = {0};

	(void)cast;
	for (int32_t i = 0; i < frame->n_rows; i++) {
		r[i] = (StrView){0};
		if (!row_counts(frame, out, i))
			continue;
		strbuf_clear(&buf);
		if (!base64_add_decoded(&buf, str_view_str(&x[i]))) {
			eval_fail(frame->context, i, "Invalid base64 text");
			continue;
		}
		r[i] = str_view_make(buf.length > STR_VIEW_INLINE ? arena_memdup(frame->context->scratch, buf.data, buf.length)
														  : strbuf_text(&buf),
							 buf.length);
	}
	strbuf_free(&buf);
}

/* standard: the UTF-8 bytes of the text. */
static void
text_to_bytes_sql(const Cast *cast, EvalFrame *frame, const Vector *in, Vector *out)
{
	(void)cast;
	memcpy(out->data, in->data, sizeof(StrView) * (size_t)frame->n_rows);
}

/* ---- choice ---- */

static CastKernel
kernel_to_text(const Type *from, bool standard)
{
	switch (from->kind) {
	case TYPE_BOOLEAN:
		return boolean_to_text;
	case TYPE_INTEGER:
		return int32_to_text;
	case TYPE_BIGINT:
		return int64_to_text;
	case TYPE_DOUBLE:
		return standard ? double_to_text_sql : double_to_text_java;
	case TYPE_DECIMAL:
		return decimal_to_text;
	case TYPE_BYTES:
		return standard ? bytes_to_text : NULL;
	case TYPE_DATE:
		return date_to_text;
	case TYPE_TIME:
		return standard ? time_to_text_sql : time_to_text_ksql;
	case TYPE_TIMESTAMP:
		return standard ? timestamp_to_text_sql : timestamp_to_text_ksql;
	case TYPE_INTERVAL:
		return interval_to_text;
	case TYPE_ARRAY:
	case TYPE_MAP:
	case TYPE_STRUCT:
		return nested_to_text;
	default:
		return NULL;
	}
}

CastKernel
cast_text_kernel(const Type *from, const Type *to, bool standard)
{
	if (to->kind == TYPE_STRING)
		return kernel_to_text(from, standard);
	if (from->kind != TYPE_STRING)
		return NULL;
	switch (to->kind) {
	case TYPE_BOOLEAN:
		return standard ? text_to_boolean_sql : text_to_boolean_ksql;
	case TYPE_INTEGER:
		return text_to_int32;
	case TYPE_BIGINT:
		return text_to_int64;
	case TYPE_DOUBLE:
		return standard ? text_to_double_sql : text_to_double_ksql;
	case TYPE_DECIMAL:
		return text_to_decimal;
	case TYPE_BYTES:
		return standard ? text_to_bytes_sql : text_to_bytes_ksql;
	case TYPE_DATE:
		return standard ? text_to_date_sql : text_to_date_ksql;
	case TYPE_TIME:
		return standard ? text_to_time_sql : text_to_time_ksql;
	case TYPE_TIMESTAMP:
		return standard ? text_to_timestamp_sql : text_to_timestamp_ksql;
	case TYPE_INTERVAL:
		return text_to_interval;
	default:
		return NULL;
	}
}
