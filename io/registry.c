/* The table of formats, and the window part of keys. */
#include <stdarg.h>
#include <stdio.h>

#include "io/format/format_impl.h"

static const Format *const formats[] = {
	&format_none, &format_delimited, &format_kafka,	   &format_json,
	&format_json_sr, &format_avro,	 &format_protobuf, &format_protobuf_nosr,
};

#define N_FORMATS ((int)(sizeof formats / sizeof formats[0]))

const Format *
format_find(Str name)
{
	for (int i = 0; i < N_FORMATS; i++)
		if (str_equal_nocase(name, str_of(formats[i]->name)))
			return formats[i];
	return NULL;
}

const char *const *
format_names(int *n)
{
	static const char *const names[] = {
		"NONE", "DELIMITED", "KAFKA", "JSON", "JSON_SR", "AVRO", "PROTOBUF", "PROTOBUF_NOSR",
	};

	*n = (int)(sizeof names / sizeof names[0]);
	return names;
}

/* ---- refusals ---- */

const char *
type_kind_word(const Type *type)
{
	static const char *const words[] = {
		[TYPE_NULL] = "NULL",		[TYPE_BOOLEAN] = "BOOLEAN", [TYPE_INTEGER] = "INTEGER",
		[TYPE_BIGINT] = "BIGINT",	[TYPE_DECIMAL] = "DECIMAL", [TYPE_DOUBLE] = "DOUBLE",
		[TYPE_STRING] = "STRING",	[TYPE_BYTES] = "BYTES",		[TYPE_DATE] = "DATE",
		[TYPE_TIME] = "TIME",		[TYPE_TIMESTAMP] = "TIMESTAMP", [TYPE_INTERVAL] = "INTERVAL",
		[TYPE_ARRAY] = "ARRAY",		[TYPE_MAP] = "MAP",			[TYPE_STRUCT] = "STRUCT",
		[TYPE_LAMBDA] = "LAMBDA",	[TYPE_UNIT] = "UNIT",
	};

	return words[type->kind];
}

void
format_print_columns(const FormatSpec *spec, StrBuf *out)
{
	for (int i = 0; i < spec->n_columns; i++) {
		strbuf_printf(out, "%s`%s` ", i > 0 ? ", " : "", spec->columns[i].name);
		type_print(spec->columns[i].type, out);
		if (spec->is_key)
			strbuf_add_text(out, " KEY");
	}
}

Status
format_refuse(const FormatSpec *spec, Error *err, const char *reason, ...)
{
	StrBuf		columns = {0};
	char		text[1024];
	const char *feature = "";
	va_list		args;

	va_start(args, reason);
	vsnprintf(text, sizeof text, reason, args);
	va_end(args);
	if (spec->n_columns == 1 && (spec->format->flags & FORMAT_WRAP) && (spec->format->flags & FORMAT_UNWRAP)) {
		if (!spec->is_wrapped)
			feature = "UNWRAP_SINGLES";
		else if (spec->is_key)
			feature = "WRAP_SINGLES";
	}
	format_print_columns(spec, &columns);
	error_user(err, "%s format does not support schema.\nformat: %s\nschema: Persistence{columns=[%s], features=[%s]}\nreason: %s",
			   spec->is_key ? "Key" : "Value", spec->format->name, strbuf_text(&columns), feature, text);
	strbuf_free(&columns);
	return FAILED;
}

/* ---- windowed keys ---- */

static void
add_int64_be(StrBuf *out, int64_t value)
{
	uint64_t be = __builtin_bswap64((uint64_t)value);

	strbuf_add(out, &be, sizeof be);
}

static int64_t
read_int64_be(const char *p)
{
	uint64_t be;

	memcpy(&be, p, sizeof be);
	return (int64_t)__builtin_bswap64(be);
}

void
window_key_encode(StrBuf *key, bool is_session, int64_t start, int64_t end)
{
	if (is_session)
		add_int64_be(key, end);
	add_int64_be(key, start);
}

Status
window_key_decode(Str bytes, bool is_session, int64_t size_ms, Str *inner, int64_t *start, int64_t *end, Error *err)
{
	size_t tail = is_session ? 16 : 8;

	if (bytes.length < tail)
		return error_data(err, "The key is not a windowed key: it has %zu bytes, the window alone takes %zu", bytes.length, tail);
	*inner = str_make(bytes.data, bytes.length - tail);
	*start = read_int64_be(bytes.data + bytes.length - 8);
	if (is_session)
		*end = read_int64_be(bytes.data + bytes.length - 16);
	else
		*end = size_ms > 0 && *start > INT64_MAX - size_ms ? INT64_MAX : *start + size_ms;
	return OK;
}
