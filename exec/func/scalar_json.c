/*
 * Functions of JSON in text columns.  Texts are read up to the end of their first value; what follows is not looked at.
 * An empty text is no value: neither an error nor something that has parts.
 */
#include <stdlib.h>

#include "data/decimal.h"
#include "data/double_text.h"
#include "data/json_text.h"
#include "exec/func/kernel.h"

/* ---- reading ---- */

typedef enum JsonRead { JSON_READ_OK, JSON_READ_MISSING, JSON_READ_MALFORMED } JsonRead;

static JsonRead
json_read(Arena *arena, Str text, JsonValue *out)
{
	if (str_trim(text).length == 0)
		return JSON_READ_MISSING;
	return json_parse_quiet(arena, text, JSON_ALLOW_TRAILING, out) ? JSON_READ_OK : JSON_READ_MALFORMED;
}

static bool
fail_json(const ScalarCall *call, int32_t row, Str text)
{
	eval_fail(call->context, row, "Invalid JSON format: '%.*s'", (int)(text.length < 200 ? text.length : 200), text.data);
	return false;
}

/* A part of a document as text: that of a string, JSON for everything else. */
static void
json_add_text(StrBuf *out, const JsonValue *value)
{
	if (value->kind == JSON_STRING)
		strbuf_add_str(out, value->text);
	else
		json_write(out, value);
}

/* ---- paths ---- */

typedef struct JsonPath {
	Str	 source;
	bool is_set;
	bool is_valid;
	int	 n_steps;
	Str *steps;
} JsonPath;

static bool
is_path_character(char c, bool in_brackets)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == ':' || c == '@' ||
		   (unsigned char)c >= 0x80 || (in_brackets && c == '-');
}

/* One step in brackets, behind the `[`: a quoted or a bare name. */
static bool
path_bracket(Arena *arena, Str path, size_t *at, Str *step)
{
	size_t	start = *at;
	StrBuf	buf = {0};
	bool	ok = true;

	if (start < path.length && path.data[start] == '"') {
		++*at;
		while (ok && *at < path.length && path.data[*at] != '"') {
			char	c = path.data[(*at)++];

			if (c == '\\') {
				ok = *at < path.length && (path.data[*at] == '"' || path.data[*at] == '\\');
				if (ok)
					c = path.data[(*at)++];
			}
			strbuf_add_char(&buf, c);
		}
		ok = ok && *at < path.length;
		++*at;
		*step = str_make(str_to_arena(arena, strbuf_str(&buf)), buf.length);
		strbuf_free(&buf);
	} else {
		while (*at < path.length && is_path_character(path.data[*at], true))
			++*at;
		*step = str_make(path.data + start, *at - start);
		ok = step->length > 0;
	}
	return ok && *at < path.length && path.data[(*at)++] == ']';
}

/* `$`, then steps `.name`, `[name]`, `[0]`, `["any text"]`. */
static bool
path_parse(Arena *arena, JsonPath *path)
{
	Str		source = path->source;
	size_t	at = 1;

	path->n_steps = 0;
	path->steps = arena_array(arena, Str, source.length + 1);
	if (source.length == 0 || source.data[0] != '$')
		return false;
	while (at < source.length) {
		char	c = source.data[at++];
		Str	   *step = &path->steps[path->n_steps++];

		if (c == '[') {
			if (!path_bracket(arena, source, &at, step))
				return false;
		} else if (c == '.') {
			size_t	start = at;

			while (at < source.length && is_path_character(source.data[at], false))
				at++;
			if (at == start)
				return false;
			*step = str_make(source.data + start, at - start);
		} else {
			return false;
		}
	}
	return true;
}

static const JsonValue *
path_find(const JsonPath *path, const JsonValue *value)
{
	for (int i = 0; i < path->n_steps && value != NULL; i++) {
		int64_t	index;

		if (value->kind == JSON_OBJECT)
			value = json_member(value, path->steps[i]);
		else if (value->kind == JSON_ARRAY && int64_parse(path->steps[i], &index) && index >= 0 && index < value->n)
			value = &value->elements[index];
		else
			value = NULL;
	}
	return value;
}

/* What the extracting functions make of the value that is found. */
typedef enum ExtractForm {
	EXTRACT_TEXT,			/* text of strings, JSON of the rest, `null` too */
	EXTRACT_TEXT_OR_NULL,	/* the same with NULL for null */
	EXTRACT_JSON,			/* JSON of everything */
} ExtractForm;

static void
extract(const ScalarCall *call, int32_t n_rows, Vector *out, ExtractForm form)
{
	Arena	 arena = {0};
	JsonPath path = {0};
	StrBuf	 buf = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		Str				 text, source;
		JsonValue		 document;
		const JsonValue *found = NULL;
		JsonRead		 read;

		if (!call_row_valid(call, i))
			continue;
		text = arg_str(call->args[0], i);
		source = arg_str(call->args[1], i);
		if (!path.is_set || !str_equal(path.source, source)) {
			path.source = text_keep(call, source);
			path.is_set = true;
			path.is_valid = path_parse(call->arena, &path);
		}
		if (!path.is_valid) {
			eval_fail(call->context, i, "Invalid JSON path: '%.*s'", (int)source.length, source.data);
			continue;
		}
		arena_reset(&arena);
		read = json_read(&arena, text, &document);
		if (read == JSON_READ_MALFORMED) {
			fail_json(call, i, text);
			continue;
		}
		if (read == JSON_READ_OK)
			found = path_find(&path, &document);
		if (found == NULL || (form == EXTRACT_TEXT_OR_NULL && found->kind == JSON_NULL)) {
			result_set_null(call, out, i);
			continue;
		}
		strbuf_clear(&buf);
		if (form == EXTRACT_JSON)
			json_write(&buf, found);
		else
			json_add_text(&buf, found);
		result_set_text(out, call->arena, i, strbuf_str(&buf));
	}
	strbuf_free(&buf);
	arena_free(&arena);
}

static void
extract_json_field(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	extract(call, n_rows, out, EXTRACT_TEXT);
}

static void
json_extract(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	extract(call, n_rows, out, EXTRACT_JSON);
}

static void
json_extract_string(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	extract(call, n_rows, out, EXTRACT_TEXT_OR_NULL);
}

/* ---- tests ---- */

static bool
is_json_string(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	JsonValue document;

	(void)row;
	return value_set_boolean(out, !args[0].is_null && json_read(call->arena, args[0].text, &document) == JSON_READ_OK);
}

/* Equal in the kind of token and in the SQL type of x. */
static bool
json_equals(const JsonValue *element, const Value *x, bool *overflow)
{
	int64_t integer;
	double	number;

	if (x->is_null)
		return element->kind == JSON_NULL;
	switch (x->type->kind) {
	case TYPE_INTEGER:
	case TYPE_BIGINT:
		if (element->kind != JSON_NUMBER || !element->is_integer)
			return false;
		*overflow = !int64_parse(element->text, &integer) ||
					(x->type->kind == TYPE_INTEGER && (integer < INT32_MIN || integer > INT32_MAX));
		return !*overflow && integer == x->integer;
	case TYPE_DOUBLE:
		return element->kind == JSON_NUMBER && !element->is_integer && double_parse(element->text, DOUBLE_STRICT, &number) &&
			   number == x->number;
	case TYPE_STRING:
		return element->kind == JSON_STRING && str_equal(element->text, x->text);
	case TYPE_BOOLEAN:
		return element->kind == (x->boolean ? JSON_TRUE : JSON_FALSE);
	default:
		return false;
	}
}

static bool
json_array_contains(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	JsonValue document;
	bool	  found = false, overflow = false;

	(void)row;
	if (args[0].is_null)
		return true;
	if (json_read(call->arena, args[0].text, &document) == JSON_READ_OK && document.kind == JSON_ARRAY)
		for (uint32_t i = 0; i < document.n && !found && !overflow; i++)
			found = json_equals(&document.elements[i], &args[1], &overflow);
	return value_set_boolean(out, found);
}

/* ---- parts ---- */

/* False after eval_fail; *document is left NULL in kind for a text without a value. */
static bool
read_or_fail(const ScalarCall *call, int32_t row, Str text, JsonValue *document)
{
	*document = (JsonValue){.kind = JSON_NULL};
	if (json_read(call->arena, text, document) == JSON_READ_MALFORMED)
		return fail_json(call, row, text);
	return true;
}

static bool
json_array_length(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	JsonValue document;

	if (!read_or_fail(call, row, args[0].text, &document))
		return false;
	return document.kind != JSON_ARRAY || value_set_integer(out, document.n);
}

static Value
json_value_text(const ScalarCall *call, const JsonValue *value, bool as_json)
{
	StrBuf	buf = {0};
	Str		text;

	if (as_json)
		json_write(&buf, value);
	else
		json_add_text(&buf, value);
	text = text_keep(call, strbuf_str(&buf));
	strbuf_free(&buf);
	return value_text(type_string, text);
}

static bool
json_items(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	JsonValue document;
	ItemList  list = {.arena = call->arena};

	if (!read_or_fail(call, row, args[0].text, &document))
		return false;
	if (document.kind != JSON_ARRAY)
		return fail_json(call, row, args[0].text);
	for (uint32_t i = 0; i < document.n; i++)
		item_add(&list, json_value_text(call, &document.elements[i], true));
	return value_set_items(out, list.items, list.n);
}

/* Names at their first place in the document, each once, with the last value of the name. */
static void
members_put(const ScalarCall *call, const JsonValue *object, ItemList *list, bool as_json)
{
	for (uint32_t i = 0; i < object->n; i++)
		item_put(list, value_text(type_string, text_keep(call, object->members[i].name)),
				 json_value_text(call, &object->members[i].value, as_json));
}

static bool
json_keys(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	JsonValue document;
	ItemList  list = {.arena = call->arena};

	if (!read_or_fail(call, row, args[0].text, &document))
		return false;
	if (document.kind != JSON_OBJECT)
		return true;
	members_put(call, &document, &list, true);
	for (uint32_t i = 0; i < list.n / 2; i++)
		list.items[i] = list.items[2 * i];
	return value_set_items(out, list.items, list.n / 2);
}

static bool
json_records(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	JsonValue document;
	ItemList  list = {.arena = call->arena};

	if (!read_or_fail(call, row, args[0].text, &document))
		return false;
	if (document.kind != JSON_OBJECT)
		return true;
	members_put(call, &document, &list, false);
	return value_set_items(out, list.items, list.n / 2);
}

/* ---- making ---- */

static void
add_separated(StrBuf *buf, size_t start, Str text)
{
	if (buf->length > start)
		strbuf_add_char(buf, ',');
	strbuf_add_str(buf, text);
}

static bool
json_concat(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	JsonValue *documents = arena_array(call->arena, JsonValue, call->n_args + 1);
	ItemList   list = {.arena = call->arena};
	bool	   all_objects = true;
	StrBuf	   buf = {0};

	if (call->n_args == 0)
		return true;
	for (int a = 0; a < call->n_args; a++) {
		JsonRead read;

		if (args[a].is_null)
			return true;
		read = json_read(call->arena, args[a].text, &documents[a]);
		if (read == JSON_READ_MALFORMED)
			return fail_json(call, row, args[a].text);
		if (read == JSON_READ_MISSING)
			return true;
		all_objects = all_objects && documents[a].kind == JSON_OBJECT;
	}
	strbuf_add_char(&buf, all_objects ? '{' : '[');
	for (int a = 0; a < call->n_args; a++) {
		const JsonValue *document = &documents[a];

		if (all_objects)
			members_put(call, document, &list, true);
		else if (document->kind != JSON_ARRAY)
			add_separated(&buf, 1, json_value_text(call, document, true).text);
		for (uint32_t i = 0; document->kind == JSON_ARRAY && i < document->n; i++)
			add_separated(&buf, 1, json_value_text(call, &document->elements[i], true).text);
	}
	for (uint32_t i = 0; i < list.n; i += 2) {
		if (i > 0)
			strbuf_add_char(&buf, ',');
		json_write_string(&buf, list.items[i].text);
		strbuf_add_char(&buf, ':');
		strbuf_add_str(&buf, list.items[i + 1].text);
	}
	strbuf_add_char(&buf, all_objects ? '}' : ']');
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

static bool
to_json_string(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	StrBuf	buf = {0};

	(void)row;
	scalar_add_json(&buf, &args[0], call_is_standard(call));
	value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return true;
}

#define EXTRACT_DOC "The part of a JSON text at a path like $.name or $.list[0], as text."

const ScalarFunction scalar_json_functions[] = {
	FUNCTION("EXTRACTJSONFIELD", "(STRING, STRING) -> STRING", extract_json_field, NULL_IN, BOTH, EXTRACT_DOC,
			 "EXTRACTJSONFIELD('{\"a\": [7, 8]}', '$.a[1]')", "8"),
	FUNCTION_ROWS("IS_JSON_STRING", "(STRING) -> BOOLEAN", is_json_string, 0, BOTH, "Whether a text is JSON.",
				  "IS_JSON_STRING('[1, 2]')", "true"),
	FUNCTION_ROWS("JSON_ARRAY_CONTAINS", "(STRING, T) -> BOOLEAN", json_array_contains, 0, BOTH,
				  "Whether a JSON array has an element; the kind of value must agree.", "JSON_ARRAY_CONTAINS('[1, 2]', 2)", "true"),
	FUNCTION_ROWS("JSON_ARRAY_LENGTH", "(STRING) -> INTEGER", json_array_length, NULL_IN, BOTH,
				  "The number of elements of a JSON array; NULL for other values.", "JSON_ARRAY_LENGTH('[1, 2]')", "2"),
	FUNCTION_ROWS("JSON_CONCAT", "(STRING...) -> STRING", json_concat, 0, BOTH,
				  "JSON objects merged into one, or arrays and other values joined into one array.",
				  "JSON_CONCAT('[1]', '2')", "\"[1,2]\""),
	FUNCTION("JSON_EXTRACT", "(STRING, STRING) -> STRING", json_extract, NULL_IN, BOTH,
			 "The part of a JSON text at a path like $.name or $.list[0], as JSON.", "JSON_EXTRACT('{\"a\": 1}', '$.a')", "1"),
	FUNCTION("JSON_EXTRACT_STRING", "(STRING, STRING) -> STRING", json_extract_string, NULL_IN, BOTH, EXTRACT_DOC,
			 "JSON_EXTRACT_STRING('{\"a\": \"x\"}', '$.a')", "x"),
	FUNCTION_ROWS("JSON_ITEMS", "(STRING) -> ARRAY<STRING>", json_items, NULL_IN, BOTH,
				  "The elements of a JSON array, each as JSON.", "ARRAY_JOIN(JSON_ITEMS('[1, 2]'), ' ')", "1 2"),
	FUNCTION_ROWS("JSON_KEYS", "(STRING) -> ARRAY<STRING>", json_keys, NULL_IN, BOTH,
				  "The names of the members of a JSON object; NULL for other values.", "ARRAY_JOIN(JSON_KEYS('{\"a\": 1}'))", "a"),
	FUNCTION_ROWS("JSON_RECORDS", "(STRING) -> MAP<STRING, STRING>", json_records, NULL_IN, BOTH,
				  "The members of a JSON object as a map of text; NULL for other values.", "JSON_RECORDS('{\"a\": 1}')['a']", "1"),
	FUNCTION_ROWS("JSON_VALID", "(STRING) -> BOOLEAN", is_json_string, NULL_IN, STANDARD, "Whether a text is JSON.",
				  "JSON_VALID('[1, 2]')", "true"),
	FUNCTION("JSON_VALUE", "(STRING, STRING) -> STRING", json_extract_string, NULL_IN, STANDARD, EXTRACT_DOC,
			 "JSON_VALUE('{\"a\": \"x\"}', '$.a')", "x"),
	FUNCTION_ROWS("TO_JSON", "(T) -> STRING", to_json_string, 0, STANDARD, "Any value as JSON.", "TO_JSON(1)", "1"),
	FUNCTION_ROWS("TO_JSON_STRING", "(T) -> STRING", to_json_string, 0, KSQLDB, "Any value as JSON.", "TO_JSON_STRING(1)", "1"),
	FUNCTION_ROWS("TO_JSON_STRING", "(T) -> STRING", to_json_string, 0, STANDARD, "Any value as JSON.", "TO_JSON_STRING(1)", "1"),
	{.name = NULL},
};
