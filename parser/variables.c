/*
 * ${name} in a text.  Done on tokens before parsing, so that the value of a variable is one name, one literal or a piece
 * of a string, and never SQL: a value cannot add a clause, close a quote or start a comment.
 */
#include <string.h>

#include "grammar.h"
#include "parser/lexer.h"
#include "parser/parser.h"

/* One name, string, number or boolean, with a sign at most. */
static bool
value_is_single(Str value)
{
	Lexer		lexer;
	Token		token;

	lexer_init(&lexer, value);
	lexer_next(&lexer, &token);
	if (token.kind == TOKEN_OPERATOR && (token.code == TK_MINUS || token.code == TK_PLUS)) {
		lexer_next(&lexer, &token);
		if (token.kind != TOKEN_INTEGER && token.kind != TOKEN_DECIMAL && token.kind != TOKEN_DOUBLE)
			return false;
	}
	switch (token.kind) {
	case TOKEN_WORD:
		if (token.keyword != NULL && token.keyword->class == KEYWORD_RESERVED && token.keyword->code != TK_TRUE &&
			token.keyword->code != TK_FALSE && token.keyword->code != TK_NULL)
			return false;
		break;
	case TOKEN_QUOTED:
	case TOKEN_STRING:
	case TOKEN_INTEGER:
	case TOKEN_DECIMAL:
	case TOKEN_DOUBLE:
		break;
	default:
		return false;
	}
	if (token.is_unterminated)
		return false;
	lexer_next(&lexer, &token);
	return token.kind == TOKEN_END;
}

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '@';
}

/* A ${name} at p: its length, and the name in *name; 0 if there is none. */
static size_t
reference_length(const char *p, size_t left, Str *name)
{
	size_t	n = 2;

	if (left < 4 || p[0] != '$' || p[1] != '{' || (p[2] >= '0' && p[2] <= '9'))
		return 0;
	while (n < left && is_name_byte(p[n]))
		n++;
	if (n == 2 || n == left || p[n] != '}')
		return 0;
	*name = str_make(p + 2, n - 2);
	return n + 1;
}

/* The content of a string, values spliced in with their quotes doubled. */
static void
string_substitute(Arena *arena, Str text, VariableFind find, void *context, StrBuf *out)
{
	for (size_t i = 0; i < text.length; i++) {
		Str			name;
		size_t		length = reference_length(text.data + i, text.length - i, &name);
		const char *value = length > 0 ? find(context, str_to_arena(arena, name)) : NULL;

		if (value == NULL) {
			strbuf_add_char(out, text.data[i]);
			continue;
		}
		for (const char *p = value; *p != '\0'; p++) {
			if (*p == '\'')
				strbuf_add_char(out, '\'');
			strbuf_add_char(out, *p);
		}
		i += length - 1;
	}
}

Status
variables_substitute(Arena *arena, Str text, VariableFind find, void *context, Str *out, Error *err)
{
	Lexer		lexer;
	Token		token;
	StrBuf		buf = {0};
	size_t		copied = 0;

	*out = text;
	if (memmem(text.data, text.length, "${", 2) == NULL)
		return OK;
	lexer_init(&lexer, text);
	for (;;) {
		lexer_next(&lexer, &token);
		if (token.kind == TOKEN_END)
			break;
		if (token.kind != TOKEN_STRING && token.kind != TOKEN_VARIABLE)
			continue;
		strbuf_add(&buf, text.data + copied, token.offset - copied);
		copied = token.offset;

		Str			content = token_str(text, &token);

		if (token.kind == TOKEN_STRING) {
			string_substitute(arena, content, find, context, &buf);
			copied += token.length;
			continue;
		}

		char	   *name = arena_strndup(arena, content.data + 2, content.length - 3);
		const char *value = find(context, name);

		if (value == NULL)
			continue;
		if (!value_is_single(str_of(value))) {
			strbuf_free(&buf);
			error_user(err, "The variable %s can't stand here: its value \"%s\" is neither a name nor a literal", name, value);
			error_at(err, token.line, token.column, (int)token.length);
			return error_hint(err, "Write DEFINE %s = '''text'''; for a string; other SQL can't come from a variable", name);
		}
		/* apart from what stands beside it: a minus after a minus would begin a comment, a quote continue a string */
		if (strchr("-+'\"`", value[0]) != NULL)
			strbuf_add_char(&buf, ' ');
		strbuf_add_text(&buf, value);
		copied += token.length;
		if (copied < text.length && strchr("'\"`", text.data[copied]) != NULL)
			strbuf_add_char(&buf, ' ');
	}
	strbuf_add(&buf, text.data + copied, text.length - copied);
	*out = str_make(arena_memdup(arena, strbuf_text(&buf), buf.length + 1), buf.length);
	strbuf_free(&buf);
	return OK;
}
