/*
 * A recursive descent reader: children are collected on one stack and copied to the arena when their parent closes, so
 * that every array is exactly as long as it has to be.
 */
#include "data/json_text.h"

#include <stdlib.h>

#include "common/hash.h"
#include "common/utf8.h"

typedef struct Parser {
	Arena	   *arena;
	const char *begin;
	const char *s;
	const char *end;
	const char *problem;		/* what is wrong at s */
	JsonMember *stack;			/* `first` until that is full, then malloc'ed */
	size_t		n_stack;
	size_t		capacity;
	int			depth;
	JsonMember	first[32];
} Parser;

static bool
fail(Parser *p, const char *problem)
{
	if (p->problem == NULL)
		p->problem = problem;
	return false;
}

static inline void
skip_space(Parser *p)
{
	while (p->s < p->end && (*p->s == ' ' || *p->s == '\n' || *p->s == '\r' || *p->s == '\t'))
		p->s++;
}

static int
hex4(const char *s)
{
	int		value = 0;

	for (int i = 0; i < 4; i++) {
		char	c = s[i];
		int		d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

		if (d < 0)
			return -1;
		value = value * 16 + d;
	}
	return value;
}

/* \uXXXX, two of them for a surrogate pair; p->s stands behind the u.  A lone surrogate becomes U+FFFD. */
static bool
parse_unicode(Parser *p, char **out)
{
	int		unit = p->end - p->s >= 4 ? hex4(p->s) : -1;

	if (unit < 0)
		return fail(p, "four hexadecimal digits must follow \\u");
	p->s += 4;
	if (unit >= 0xd800 && unit < 0xdc00 && p->end - p->s >= 6 && p->s[0] == '\\' && p->s[1] == 'u') {
		int		low = hex4(p->s + 2);

		if (low >= 0xdc00 && low < 0xe000) {
			p->s += 6;
			unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
		}
	}
	if (unit >= 0xd800 && unit < 0xe000)
		unit = 0xfffd;
	*out += utf8_encode(unit, *out);
	return true;
}

/* The end of what can be taken as it is: a quote, a backslash, a control character or the end. */
static const char *
plain_end(const char *s, const char *end)
{
	while (end - s >= 8) {
		uint64_t	w;

		memcpy(&w, s, 8);
		uint64_t	quote = w ^ UINT64_C(0x2222222222222222);
		uint64_t	slash = w ^ UINT64_C(0x5c5c5c5c5c5c5c5c);
		uint64_t	low = (w - UINT64_C(0x2020202020202020)) & ~w;

		quote = (quote - UINT64_C(0x0101010101010101)) & ~quote;
		slash = (slash - UINT64_C(0x0101010101010101)) & ~slash;
		if (((quote | slash | low) & UINT64_C(0x8080808080808080)) != 0)
			break;
		s += 8;
	}
	while (s < end && *s != '"' && *s != '\\' && (unsigned char)*s >= 0x20)
		s++;
	return s;
}

/* p->s stands behind the opening quote. */
static bool
parse_string(Parser *p, Str *text)
{
	const char *start = p->s;

	p->s = plain_end(p->s, p->end);
	if (p->s < p->end && *p->s == '"') {
		*text = str_make(start, (size_t)(p->s++ - start));
		return true;
	}
	/* Decoding never makes it longer, so the rest up to the closing quote is room enough. */
	const char *close = p->s;

	while (close < p->end && *close != '"')
		close += *close == '\\' && p->end - close > 1 ? 2 : 1;
	char   *data = arena_alloc(p->arena, (size_t)(close - start) + 8);
	char   *out = data;

	memcpy(out, start, (size_t)(p->s - start));
	out += p->s - start;
	for (;;) {
		if (p->s == p->end)
			return fail(p, "the string is not closed");
		if (*p->s == '"') {
			p->s++;
			*text = str_make(data, (size_t)(out - data));
			return true;
		}
		if (*p->s != '\\')
			return fail(p, "a control character in a string must be escaped");
		if (++p->s == p->end)
			return fail(p, "the string is not closed");
		switch (*p->s++) {
		case '"': *out++ = '"'; break;
		case '\\': *out++ = '\\'; break;
		case '/': *out++ = '/'; break;
		case 'b': *out++ = '\b'; break;
		case 'f': *out++ = '\f'; break;
		case 'n': *out++ = '\n'; break;
		case 'r': *out++ = '\r'; break;
		case 't': *out++ = '\t'; break;
		case 'u':
			if (!parse_unicode(p, &out))
				return false;
			break;
		default:
			p->s--;
			return fail(p, "unknown escape in a string");
		}
		const char *next = plain_end(p->s, p->end);

		memcpy(out, p->s, (size_t)(next - p->s));
		out += next - p->s;
		p->s = next;
	}
}

static inline bool
is_digit(const Parser *p)
{
	return p->s < p->end && (unsigned char)(*p->s - '0') <= 9;
}

static bool
parse_number(Parser *p, JsonValue *v)
{
	const char *start = p->s;

	v->kind = JSON_NUMBER;
	v->is_integer = true;
	if (*p->s == '-')
		p->s++;
	if (!is_digit(p))
		return fail(p, "a value was expected");
	if (*p->s == '0') {
		p->s++;
		if (is_digit(p))
			return fail(p, "a number must not begin with 0");
	}
	while (is_digit(p))
		p->s++;
	if (p->s < p->end && *p->s == '.') {
		v->is_integer = false;
		p->s++;
		if (!is_digit(p))
			return fail(p, "a digit must follow the point of a number");
		while (is_digit(p))
			p->s++;
	}
	if (p->s < p->end && (*p->s | 32) == 'e') {
		v->is_integer = false;
		p->s++;
		if (p->s < p->end && (*p->s == '+' || *p->s == '-'))
			p->s++;
		if (!is_digit(p))
			return fail(p, "a digit must follow the exponent of a number");
		while (is_digit(p))
			p->s++;
	}
	v->text = str_make(start, (size_t)(p->s - start));
	return true;
}

/* Of members with the same name the last value stays, at the place of the first, as in Java's maps. */
static size_t
drop_duplicates(JsonMember *members, size_t n)
{
	size_t	kept = 0;
	size_t	n_slots = 32;
	uint32_t small[64];
	uint32_t *slots = small;

	if (n <= 8) {
		bool	any = false;

		for (size_t i = 1; i < n && !any; i++)
			for (size_t j = 0; j < i && !any; j++)
				any = str_equal(members[i].name, members[j].name);
		if (!any)
			return n;
	}
	while (n_slots < n * 2)
		n_slots *= 2;
	if (n_slots > sizeof small / sizeof *small)
		slots = xmalloc(n_slots * sizeof *slots);
	memset(slots, 0xff, n_slots * sizeof *slots);
	for (size_t i = 0; i < n; i++) {
		size_t	slot = hash_bytes(members[i].name.data, members[i].name.length) & (n_slots - 1);

		while (slots[slot] != UINT32_MAX && !str_equal(members[slots[slot]].name, members[i].name))
			slot = (slot + 1) & (n_slots - 1);
		if (slots[slot] != UINT32_MAX) {
			members[slots[slot]].value = members[i].value;
			continue;
		}
		slots[slot] = (uint32_t)kept;
		members[kept++] = members[i];
	}
	if (slots != small)
		free(slots);
	return kept;
}

static void
grow_stack(Parser *p)
{
	size_t	size = p->capacity * sizeof *p->stack;

	if (p->stack == p->first)
		p->stack = memcpy(xmalloc(size * 2), p->first, size);
	else
		p->stack = xrealloc(p->stack, size * 2);
	p->capacity *= 2;
}

static bool parse_value(Parser *p, JsonValue *v);

/* p->s stands behind the opening bracket. */
static bool
parse_children(Parser *p, JsonValue *v, bool is_object)
{
	size_t	base = p->n_stack;
	char	close = is_object ? '}' : ']';

	v->kind = is_object ? JSON_OBJECT : JSON_ARRAY;
	if (++p->depth > JSON_DEPTH_MAX)
		return fail(p, "nested too deeply");
	skip_space(p);
	if (p->s < p->end && *p->s == close) {
		p->s++;
		p->depth--;
		return true;
	}
	for (;;) {
		JsonMember	member = {0};

		if (is_object) {
			skip_space(p);
			if (p->s == p->end || *p->s != '"')
				return fail(p, "the name of a member, in quotes, was expected");
			p->s++;
			if (!parse_string(p, &member.name))
				return false;
			skip_space(p);
			if (p->s == p->end || *p->s != ':')
				return fail(p, "':' was expected");
			p->s++;
		}
		if (!parse_value(p, &member.value))
			return false;
		if (p->n_stack == p->capacity)
			grow_stack(p);
		p->stack[p->n_stack++] = member;
		skip_space(p);
		if (p->s == p->end)
			return fail(p, is_object ? "the object is not closed" : "the array is not closed");
		if (*p->s == close)
			break;
		if (*p->s != ',')
			return fail(p, is_object ? "',' or '}' was expected" : "',' or ']' was expected");
		p->s++;
	}
	p->s++;
	p->depth--;

	JsonMember *children = p->stack + base;
	size_t		n = p->n_stack - base;

	if (is_object) {
		n = drop_duplicates(children, n);
		v->members = arena_memdup(p->arena, children, n * sizeof *children);
	} else {
		v->elements = arena_alloc(p->arena, n * sizeof *v->elements);
		for (size_t i = 0; i < n; i++)
			v->elements[i] = children[i].value;
	}
	v->n = (uint32_t)n;
	p->n_stack = base;
	return true;
}

static bool
parse_word(Parser *p, JsonValue *v, Str word, JsonKind kind)
{
	if (!str_starts_with(str_make(p->s, (size_t)(p->end - p->s)), word))
		return fail(p, "a value was expected");
	p->s += word.length;
	v->kind = kind;
	return true;
}

static bool
parse_value(Parser *p, JsonValue *v)
{
	*v = (JsonValue){0};
	skip_space(p);
	if (p->s == p->end)
		return fail(p, p->depth == 0 ? "the text is empty" : "a value was expected");
	switch (*p->s) {
	case '"':
		p->s++;
		v->kind = JSON_STRING;
		return parse_string(p, &v->text);
	case '{':
		p->s++;
		return parse_children(p, v, true);
	case '[':
		p->s++;
		return parse_children(p, v, false);
	case 't':
		return parse_word(p, v, STR("true"), JSON_TRUE);
	case 'f':
		return parse_word(p, v, STR("false"), JSON_FALSE);
	case 'n':
		return parse_word(p, v, STR("null"), JSON_NULL);
	default:
		return parse_number(p, v);
	}
}

/* *problem and *position tell why not. */
static bool
parse_document(Arena *arena, Str text, JsonFlags flags, JsonValue *out, const char **problem, size_t *position)
{
	Parser	p;

	p.arena = arena;
	p.begin = p.s = text.data;
	p.end = text.data + text.length;
	p.problem = NULL;
	p.stack = p.first;
	p.n_stack = 0;
	p.capacity = sizeof p.first / sizeof *p.first;
	p.depth = 0;

	bool	good = parse_value(&p, out);

	if (good && (flags & JSON_ALLOW_TRAILING) == 0) {
		skip_space(&p);
		if (p.s != p.end)
			good = fail(&p, "something follows the value");
	} else if (good && p.s < p.end && (out->kind < JSON_STRING)
			   && (((*p.s | 32) >= 'a' && (*p.s | 32) <= 'z') || (unsigned char)(*p.s - '0') <= 9)) {
		good = fail(&p, "a value was expected");	/* truex, 12a */
	}
	if (p.stack != p.first)
		free(p.stack);
	*problem = p.problem;
	*position = (size_t)(p.s - p.begin);
	return good;
}

Status
json_parse(Arena *arena, Str text, JsonFlags flags, JsonValue *out, Error *err)
{
	const char *problem;
	size_t		position;

	if (parse_document(arena, text, flags, out, &problem, &position))
		return OK;
	return error_data(err, "Invalid JSON at byte %zu: %s", position, problem);
}

bool
json_parse_quiet(Arena *arena, Str text, JsonFlags flags, JsonValue *out)
{
	const char *problem;
	size_t		position;

	return parse_document(arena, text, flags, out, &problem, &position);
}

const JsonValue *
json_member(const JsonValue *object, Str name)
{
	if (object->kind != JSON_OBJECT)
		return NULL;
	for (uint32_t i = 0; i < object->n; i++)
		if (str_equal(object->members[i].name, name))
			return &object->members[i].value;
	return NULL;
}

const JsonValue *
json_member_nocase(const JsonValue *object, Str name)
{
	if (object->kind != JSON_OBJECT)
		return NULL;
	for (uint32_t i = object->n; i-- > 0;)
		if (str_equal_nocase(object->members[i].name, name))
			return &object->members[i].value;
	return NULL;
}

/* --- writing --- */

void
json_write_string(StrBuf *out, Str text)
{
	const char *s = text.data;
	const char *end = s + text.length;

	strbuf_reserve(out, text.length + 2);
	strbuf_add_char(out, '"');
	while (s < end) {
		const char *next = plain_end(s, end);

		strbuf_add(out, s, (size_t)(next - s));
		if (next == end)
			break;
		s = next + 1;
		switch (*next) {
		case '"': strbuf_add(out, "\\\"", 2); break;
		case '\\': strbuf_add(out, "\\\\", 2); break;
		case '\b': strbuf_add(out, "\\b", 2); break;
		case '\f': strbuf_add(out, "\\f", 2); break;
		case '\n': strbuf_add(out, "\\n", 2); break;
		case '\r': strbuf_add(out, "\\r", 2); break;
		case '\t': strbuf_add(out, "\\t", 2); break;
		default:
			strbuf_printf(out, "\\u%04X", (unsigned)(unsigned char)*next);
			break;
		}
	}
	strbuf_add_char(out, '"');
}

static int
compare_members(const void *a, const void *b)
{
	return utf8_compare_utf16((*(const JsonMember *const *)a)->name, (*(const JsonMember *const *)b)->name);
}

static void
write_value(StrBuf *out, const JsonValue *v, bool sorted)
{
	const JsonMember **order = NULL;

	switch (v->kind) {
	case JSON_NULL:
		strbuf_add(out, "null", 4);
		break;
	case JSON_FALSE:
		strbuf_add(out, "false", 5);
		break;
	case JSON_TRUE:
		strbuf_add(out, "true", 4);
		break;
	case JSON_NUMBER:
		strbuf_add_str(out, v->text);
		break;
	case JSON_STRING:
		json_write_string(out, v->text);
		break;
	case JSON_ARRAY:
		strbuf_add_char(out, '[');
		for (uint32_t i = 0; i < v->n; i++) {
			if (i > 0)
				strbuf_add_char(out, ',');
			write_value(out, &v->elements[i], sorted);
		}
		strbuf_add_char(out, ']');
		break;
	case JSON_OBJECT:
		if (sorted && v->n > 1) {
			order = xmalloc(v->n * sizeof *order);
			for (uint32_t i = 0; i < v->n; i++)
				order[i] = &v->members[i];
			qsort(order, v->n, sizeof *order, compare_members);
		}
		strbuf_add_char(out, '{');
		for (uint32_t i = 0; i < v->n; i++) {
			const JsonMember *member = order != NULL ? order[i] : &v->members[i];

			if (i > 0)
				strbuf_add_char(out, ',');
			json_write_string(out, member->name);
			strbuf_add_char(out, ':');
			write_value(out, &member->value, sorted);
		}
		strbuf_add_char(out, '}');
		free(order);
		break;
	}
}

void
json_write(StrBuf *out, const JsonValue *value)
{
	write_value(out, value, false);
}

void
json_write_sorted(StrBuf *out, const JsonValue *value)
{
	write_value(out, value, true);
}
