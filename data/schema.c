#include "data/schema.h"

int
schema_find(const Schema *schema, Str name)
{
	for (int i = 0; i < schema->n_columns; i++)
		if (str_equal(str_of(schema->columns[i].name), name))
			return i;
	return -1;
}

const Schema *
schema_copy(Arena *arena, const Schema *schema)
{
	Schema *copy = arena_new(arena, Schema);
	Column *columns = arena_array(arena, Column, schema->n_columns);

	for (int i = 0; i < schema->n_columns; i++)
		columns[i] = (Column){arena_strdup(arena, schema->columns[i].name), schema->columns[i].type};
	*copy = (Schema){schema->n_columns, schema->n_key, columns};
	return copy;
}

void
schema_print(const Schema *schema, StrBuf *out)
{
	for (int i = 0; i < schema->n_columns; i++) {
		if (i > 0)
			strbuf_add_text(out, ", ");
		strbuf_add_char(out, '`');
		for (const char *c = schema->columns[i].name; *c != '\0'; c++) {
			if (*c == '`')
				strbuf_add_char(out, '`');
			strbuf_add_char(out, *c);
		}
		strbuf_add_text(out, "` ");
		type_print(schema->columns[i].type, out);
		if (i < schema->n_key)
			strbuf_add_text(out, " KEY");
	}
}

/* End of one column's text: the next comma outside of quotes and brackets. */
static size_t
column_end(Str text, size_t at)
{
	int	 depth = 0;
	char quote = '\0';

	for (; at < text.length; at++) {
		char c = text.data[at];

		if (quote != '\0') {
			if (c == quote)
				quote = '\0';
		} else if (c == '`' || c == '"') {
			quote = c;
		} else if (c == '<' || c == '(') {
			depth++;
		} else if (c == '>' || c == ')') {
			depth--;
		} else if (c == ',' && depth == 0) {
			break;
		}
	}
	return at;
}

static Status
parse_column(Arena *arena, Str text, Column *out, bool *is_key, Error *err)
{
	char   *name = arena_alloc(arena, text.length + 1);
	size_t	n = 0;
	size_t	at = 0;
	Str		rest;

	if (text.length > 0 && text.data[0] == '`') {
		for (at = 1; at < text.length; at++) {
			if (text.data[at] == '`') {
				if (at + 1 >= text.length || text.data[at + 1] != '`')
					break;
				at++;
			}
			name[n++] = text.data[at];
		}
		at++;
	} else {
		while (at < text.length && text.data[at] != ' ')
			name[n++] = text.data[at++];
	}
	name[n] = '\0';
	if (n == 0 || at >= text.length)
		return error_user(err, "Bad column '%.*s'", (int)text.length, text.data);
	rest = str_trim(str_make(text.data + at, text.length - at));
	*is_key = str_ends_with(rest, STR(" KEY"));
	if (*is_key)
		rest.length -= 4;
	out->name = name;
	return type_parse(rest, &out->type, err);
}

Status
schema_parse(Arena *arena, Str text, const Schema **out, Error *err)
{
	Schema *schema = arena_new(arena, Schema);
	Column *columns;
	int		capacity = 1;
	size_t	at = 0;

	for (size_t i = 0; i < text.length; i++)
		capacity += text.data[i] == ',';
	columns = arena_array(arena, Column, capacity);
	if (str_trim(text).length == 0)
		at = text.length + 1;
	while (at <= text.length) {
		size_t end = column_end(text, at);
		bool   is_key = false;

		TRY(parse_column(arena, str_trim(str_make(text.data + at, end - at)), &columns[schema->n_columns], &is_key, err));
		if (is_key && schema->n_key != schema->n_columns)
			return error_user(err, "Key columns come first in '%.*s'", (int)text.length, text.data);
		schema->n_columns++;
		schema->n_key += is_key;
		at = end + 1;
	}
	schema->columns = columns;
	*out = schema;
	return OK;
}
