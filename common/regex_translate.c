/*
 * Java's patterns written for PCRE2.  Most of the syntax is the same; what differs:
 *
 *   [a[b-d]], [a-z&&[^b]]   union and intersection of classes: alternatives and lookaheads that take one character
 *   \p{Alpha}, \p{IsGreek}  POSIX names mean ASCII in Java; "Is" before a script or property is left out
 *   \u00e9, \0101           \x{...}
 *   (?idmsuxU)              d, u and U are left out (U means something else in PCRE2)
 *   { that is no quantifier, (*VERB): errors in Java
 */
#include "common/regex_translate.h"

#include <ctype.h>

typedef struct Translator {
	const char *s;
	const char *end;
	Str			pattern;
	StrBuf	   *out;
	Error	   *err;
	int			depth;
} Translator;

static Status
bad_pattern(Translator *t, const char *what)
{
	return error_data(t->err, "Invalid regular expression '%.*s': %s near position %d",
					  t->pattern.length > 200 ? 200 : (int)t->pattern.length, t->pattern.data, what,
					  (int)(t->s - t->pattern.data));
}

/* POSIX classes of Java, ASCII only, by the name that PCRE2 has for them. */
static const char *
posix_name(Str name)
{
	static const char *const names[][2] = {
		{"Lower", "lower"}, {"Upper", "upper"}, {"ASCII", "ascii"}, {"Alpha", "alpha"}, {"Digit", "digit"},
		{"Alnum", "alnum"}, {"Punct", "punct"}, {"Graph", "graph"}, {"Print", "print"}, {"Blank", "blank"},
		{"Cntrl", "cntrl"}, {"XDigit", "xdigit"}, {"Space", "space"},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_equal(name, str_of(names[i][0])))
			return names[i][1];
	return NULL;
}

/* \p{...} or \pL; t->s stands behind the p. */
static Status
translate_property(Translator *t, bool negated, bool in_class)
{
	Str		name;

	if (t->s < t->end && *t->s == '{') {
		const char *close = memchr(t->s, '}', (size_t)(t->end - t->s));

		if (close == NULL)
			return bad_pattern(t, "unclosed character family");
		name = str_make(t->s + 1, (size_t)(close - t->s - 1));
		t->s = close + 1;
	} else if (t->s < t->end) {
		name = str_make(t->s++, 1);
	} else {
		return bad_pattern(t, "a character family is missing");
	}
	const char *posix = posix_name(name);

	if (posix != NULL) {
		strbuf_printf(t->out, in_class ? "[:%s%s:]" : "[[:%s%s:]]", negated ? "^" : "", posix);
		return OK;
	}
	static const char *const java_names[][2] = {
		{"javaLowerCase", "Ll"}, {"javaUpperCase", "Lu"}, {"javaWhitespace", "Xps"}, {"javaLetter", "L"}, {"javaDigit", "Nd"},
		{"javaLetterOrDigit", "Xan"}, {"javaAlphabetic", "Alphabetic"}, {"IsPunctuation", "P"}, {"IsLetter", "L"},
		{"IsDigit", "Nd"}, {"IsControl", "Cc"},
	};

	for (size_t i = 0; i < sizeof java_names / sizeof *java_names; i++)
		if (str_equal(name, str_of(java_names[i][0])))
			name = str_of(java_names[i][1]);
	if (name.length > 2 && str_starts_with(name, STR("Is")))
		name = str_make(name.data + 2, name.length - 2);
	strbuf_printf(t->out, "\\%c{%.*s}", negated ? 'P' : 'p', (int)name.length, name.data);
	return OK;
}

/* An escape; t->s stands at the backslash. */
static Status
translate_escape(Translator *t, bool in_class)
{
	const char *begin = t->s++;

	if (t->s == t->end)
		return bad_pattern(t, "unexpected end after a backslash");
	char	c = *t->s++;

	if (c == 'p' || c == 'P')
		return translate_property(t, c == 'P', in_class);
	if (c == 'Q') {
		while (t->s < t->end && !(t->end - t->s >= 2 && t->s[0] == '\\' && t->s[1] == 'E')) {
			if ((unsigned char)*t->s < 0x80 && !isalnum((unsigned char)*t->s))
				strbuf_add_char(t->out, '\\');
			strbuf_add_char(t->out, *t->s++);
		}
		t->s += t->end - t->s >= 2 ? 2 : 0;
		return OK;
	}
	if (c == 'u') {
		for (int i = 0; i < 4; i++)
			if (t->end - t->s <= i || !isxdigit((unsigned char)t->s[i]))
				return bad_pattern(t, "illegal Unicode escape");
		strbuf_printf(t->out, "\\x{%.4s}", t->s);
		t->s += 4;
		return OK;
	}
	if (c == '0') {
		int		n = 0;

		while (n < 3 && t->s + n < t->end && t->s[n] >= '0' && t->s[n] <= '7' && !(n == 2 && t->s[0] > '3'))
			n++;
		if (n == 0)
			return bad_pattern(t, "illegal octal escape");
		strbuf_printf(t->out, "\\o{%.*s}", n, t->s);
		t->s += n;
		return OK;
	}
	/* Letters that Java does not know, and those that mean something in PCRE2 only. */
	if (strchr("CgiIjJKlLmMoOqTyY", c) != NULL && c != '\0')
		return bad_pattern(t, "illegal escape");
	strbuf_add(t->out, begin, (size_t)(t->s - begin));
	return OK;
}

/*
 * A class; t->s stands behind its `[`.  Its plain members are collected in one PCRE2 class, nested classes become
 * alternatives, and `&&` joins what was collected so far as a lookahead.
 */
static Status
translate_class(Translator *t)
{
	StrBuf	   *out = t->out;
	StrBuf		plain = {0};		/* members of the class now collected */
	StrBuf		nested = {0};		/* alternatives, each with "|" before it */
	StrBuf		operands = {0};		/* lookaheads before the last operand of && */
	bool		negated = false;
	bool		any = false;
	Status		status = OK;

	if (++t->depth > 50) {
		t->depth--;
		return bad_pattern(t, "classes nested too deeply");
	}
	if (t->s < t->end && *t->s == '^') {
		negated = true;
		t->s++;
	}
	for (;; any = true) {
		bool	is_and;

		if (t->s == t->end) {
			status = bad_pattern(t, "unclosed character class");
			goto out;
		}
		is_and = t->end - t->s >= 2 && t->s[0] == '&' && t->s[1] == '&';
		if (is_and || (*t->s == ']' && any)) {
			StrBuf *to = is_and ? &operands : out;

			if (!is_and) {
				/* Plain classes, by far the most, stay what they are. */
				if (nested.length == 0 && operands.length == 0) {
					strbuf_printf(to, negated ? "[^%s]" : "[%s]", strbuf_text(&plain));
					t->s++;
					break;
				}
				strbuf_add_text(to, negated ? "(?:(?!" : "(?:");
				strbuf_add_str(to, strbuf_str(&operands));
			} else {
				strbuf_add_text(to, "(?=");
			}
			strbuf_add_text(to, "(?:");
			if (plain.length > 0)
				strbuf_printf(to, "[%s]", strbuf_text(&plain));
			if (nested.length > 0)
				strbuf_add_text(to, strbuf_text(&nested) + (plain.length == 0));
			if (plain.length == 0 && nested.length == 0)
				strbuf_add_text(to, is_and ? "(?s:.)" : operands.length > 0 ? "(?s:.)" : "(?!)");
			strbuf_add_text(to, ")");
			strbuf_clear(&plain);
			strbuf_clear(&nested);
			if (is_and) {
				strbuf_add_text(to, ")");
				t->s += 2;
				continue;
			}
			strbuf_add_text(to, negated ? ")(?s:.))" : ")");
			t->s++;
			break;
		}
		if (*t->s == '[') {
			t->s++;
			strbuf_add_char(&nested, '|');
			t->out = &nested;
			status = translate_class(t);
		} else if (*t->s == '\\') {
			t->out = &plain;
			status = translate_escape(t, true);
		} else if (*t->s == ']' || (*t->s == '^' && plain.length == 0)) {
			strbuf_add_char(&plain, '\\');
			strbuf_add_char(&plain, *t->s++);
		} else {
			strbuf_add_char(&plain, *t->s++);
		}
		t->out = out;
		if (status != OK)
			goto out;
	}
out:
	t->depth--;
	t->out = out;
	strbuf_free(&plain);
	strbuf_free(&nested);
	strbuf_free(&operands);
	return status;
}

/* `(`; flags of (?flags) and (?flags:...) lose what PCRE2 reads otherwise. */
static Status
translate_group(Translator *t)
{
	const char *s = t->s + 1;

	if (s < t->end && *s == '*')
		return bad_pattern(t, "dangling meta character '*'");
	if (!(t->end - s >= 2 && s[0] == '?' && (isalpha((unsigned char)s[1]) || s[1] == '-'))) {
		strbuf_add_char(t->out, *t->s++);
		return OK;
	}
	strbuf_add_text(t->out, "(?");
	for (s++; s < t->end && (isalpha((unsigned char)*s) || *s == '-'); s++) {
		if (strchr("idmsuxU-", *s) == NULL)
			return bad_pattern(t, "unknown inline modifier");
		if (strchr("imsx-", *s) != NULL)
			strbuf_add_char(t->out, *s);
	}
	if (s == t->end || (*s != ')' && *s != ':'))
		return bad_pattern(t, "unknown inline modifier");
	strbuf_add_char(t->out, *s++);
	t->s = s;
	return OK;
}

Status
regex_translate(Str pattern, StrBuf *out, Error *err)
{
	Translator	t = {pattern.data, pattern.data + pattern.length, pattern, out, err, 0};

	while (t.s < t.end) {
		switch (*t.s) {
		case '\\':
			TRY(translate_escape(&t, false));
			break;
		case '[':
			t.s++;
			TRY(translate_class(&t));
			break;
		case '(':
			TRY(translate_group(&t));
			break;
		case '{':
			if (t.s == pattern.data || t.s + 1 == t.end || !isdigit((unsigned char)t.s[1]))
				return bad_pattern(&t, "illegal repetition");
			strbuf_add_char(out, *t.s++);
			break;
		default:
			strbuf_add_char(out, *t.s++);
			break;
		}
	}
	return OK;
}
