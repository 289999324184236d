#include "common/properties.h"

#include "common/utf8.h"

typedef struct Reader {
	Str	   text;
	size_t pos;
	int	   line;		/* of pos */
} Reader;

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

static bool
at_end(const Reader *r)
{
	return r->pos >= r->text.length;
}

/* Takes \n, \r or \r\n. */
static void
take_line_end(Reader *r)
{
	if (r->text.data[r->pos] == '\r' && r->pos + 1 < r->text.length && r->text.data[r->pos + 1] == '\n')
		r->pos++;
	r->pos++;
	r->line++;
}

static bool
at_line_end(const Reader *r)
{
	return at_end(r) || r->text.data[r->pos] == '\n' || r->text.data[r->pos] == '\r';
}

static void
skip_blanks(Reader *r)
{
	while (!at_end(r) && is_blank(r->text.data[r->pos]))
		r->pos++;
}

/* Empty lines and comments; a comment has no continuation. */
static void
skip_to_pair(Reader *r)
{
	while (!at_end(r)) {
		skip_blanks(r);
		if (!at_end(r) && (r->text.data[r->pos] == '#' || r->text.data[r->pos] == '!'))
			while (!at_line_end(r))
				r->pos++;
		if (at_end(r) || !at_line_end(r))
			return;
		take_line_end(r);
	}
}

static Status
take_unit(Reader *r, int32_t *out, Error *err)
{
	int32_t unit = 0;

	for (int i = 0; i < 4; i++, r->pos++) {
		char c = at_end(r) ? '\0' : r->text.data[r->pos];
		int	 digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0) {
			error_user(err, "Line %d: \\u wants four hexadecimal digits", r->line);
			return error_hint(err, "Write \\\\u for a backslash and a u.");
		}
		unit = unit * 16 + digit;
	}
	*out = unit;
	return OK;
}

/* A character above U+FFFF is written as two units. */
static Status
take_unicode(Reader *r, StrBuf *out, Error *err)
{
	int32_t unit, low;

	TRY(take_unit(r, &unit, err));
	if (unit >= 0xd800 && unit < 0xdc00 && r->pos + 1 < r->text.length && r->text.data[r->pos] == '\\' && r->text.data[r->pos + 1] == 'u') {
		r->pos += 2;
		TRY(take_unit(r, &low, err));
		if (low >= 0xdc00 && low < 0xe000)
			unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
	}
	if (unit == 0 || (unit >= 0xd800 && unit < 0xe000))
		return error_user(err, "Line %d: \\u%04x is not a character", r->line, (unsigned)unit);
	utf8_add(out, unit);
	return OK;
}

/* What stands behind a backslash. */
static Status
take_escape(Reader *r, StrBuf *out, Error *err)
{
	char c;

	if (at_end(r))
		return OK;
	if (at_line_end(r)) {
		take_line_end(r);
		skip_blanks(r);
		return OK;
	}
	c = r->text.data[r->pos++];
	switch (c) {
	case 't': strbuf_add_char(out, '\t'); return OK;
	case 'n': strbuf_add_char(out, '\n'); return OK;
	case 'r': strbuf_add_char(out, '\r'); return OK;
	case 'f': strbuf_add_char(out, '\f'); return OK;
	case 'u': return take_unicode(r, out, err);
	default: strbuf_add_char(out, c); return OK;
	}
}

/* Up to the end of the line, or of the name. */
static Status
take_text(Reader *r, bool is_name, StrBuf *out, Error *err)
{
	while (!at_line_end(r)) {
		char c = r->text.data[r->pos];

		if (is_name && (c == '=' || c == ':' || is_blank(c)))
			return OK;
		r->pos++;
		if (c == '\\')
			TRY(take_escape(r, out, err));
		else if (c == '\0')
			return error_user(err, "Line %d: there is a NUL byte", r->line);
		else
			strbuf_add_char(out, c);
	}
	return OK;
}

static Status
take_pair(Reader *r, StrBuf *name, StrBuf *value, Error *err)
{
	TRY(take_text(r, true, name, err));
	skip_blanks(r);
	if (!at_end(r) && (r->text.data[r->pos] == '=' || r->text.data[r->pos] == ':')) {
		r->pos++;
		skip_blanks(r);
	}
	return take_text(r, false, value, err);
}

Status
properties_read(Str text, PropertyVisitor visit, void *context, Error *err)
{
	Reader r = {.text = text, .line = 1};
	StrBuf name = {0}, value = {0};
	Status status = OK;

	if (str_starts_with(text, STR("\xef\xbb\xbf")))
		r.pos = 3;
	for (skip_to_pair(&r); !at_end(&r) && status == OK; skip_to_pair(&r)) {
		int line = r.line;

		strbuf_clear(&name);
		strbuf_clear(&value);
		status = take_pair(&r, &name, &value, err);
		if (status == OK)
			status = visit(context, line, strbuf_text(&name), strbuf_text(&value), err);
	}
	strbuf_free(&name);
	strbuf_free(&value);
	return status;
}
