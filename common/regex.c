#include "common/regex.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>

#include "common/regex_translate.h"
#include "common/utf8.h"

/* Steps of one match before it is given up: some tenths of a second. */
#define MATCH_LIMIT 10000000
#define HEAP_LIMIT_KB 65536

struct Regex {
	pcre2_code			*code;
	pcre2_match_data	*match;
	pcre2_match_context *context;
	int					 n_groups;
	bool				 matches_empty;
};

static int
shown(Str text)
{
	return text.length > 200 ? 200 : (int)text.length;
}

/* Matches at or after `start`; OK, DONE (no match) or FAILED. */
static Status
match_at(Regex *regex, Str subject, size_t start, uint32_t options, Error *err)
{
	PCRE2_SPTR	text = (PCRE2_SPTR)(subject.data != NULL ? subject.data : "");
	int			n;

	options |= PCRE2_NO_UTF_CHECK;
	n = pcre2_match(regex->code, text, subject.length, start, options, regex->match, regex->context);
	if (n == PCRE2_ERROR_JIT_STACKLIMIT)
		n = pcre2_match(regex->code, text, subject.length, start, options | PCRE2_NO_JIT, regex->match, regex->context);
	if (n == PCRE2_ERROR_NOMATCH)
		return DONE;
	if (n < 0) {
		PCRE2_UCHAR	message[200];

		if (n == PCRE2_ERROR_MATCHLIMIT || n == PCRE2_ERROR_HEAPLIMIT || n == PCRE2_ERROR_DEPTHLIMIT) {
			error_data(err, "The regular expression takes too many steps on this text");
			return error_hint(err, "Nested repetitions such as (a+)+ backtrack; possessive ones such as a++ do not.");
		}
		pcre2_get_error_message(n, message, sizeof message);
		return error_data(err, "Regular expression failed: %s", (const char *)message);
	}
	return OK;
}

Status
regex_compile(Str pattern, RegexFlags flags, Regex **out, Error *err)
{
	StrBuf		translated = {0};
	int			code;
	PCRE2_SIZE	offset;
	Error		ignored;
	Status		status = regex_translate(pattern, &translated, err);

	if (status == OK) {
		Regex  *regex = xcalloc(1, sizeof *regex);
		pcre2_compile_context *context = pcre2_compile_context_create(NULL);

		/* Java's line terminators; PCRE2 counts vertical tab and form feed with them, which Java does not. */
		pcre2_set_newline(context, PCRE2_NEWLINE_ANY);
		regex->code = pcre2_compile((PCRE2_SPTR)strbuf_text(&translated), translated.length,
									PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C
									| ((flags & REGEX_NOCASE) != 0 ? PCRE2_CASELESS : 0), &code, &offset, context);
		pcre2_compile_context_free(context);
		if (regex->code == NULL) {
			PCRE2_UCHAR	message[200];

			pcre2_get_error_message(code, message, sizeof message);
			status = error_data(err, "Invalid regular expression '%.*s': %s near position %d", shown(pattern), pattern.data,
								(const char *)message, (int)offset);
			regex_free(regex);
		} else {
			uint32_t	n;

			pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE);	/* without it, everything works, slower */
			pcre2_pattern_info(regex->code, PCRE2_INFO_CAPTURECOUNT, &n);
			regex->n_groups = (int)n;
			regex->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
			regex->context = pcre2_match_context_create(NULL);
			pcre2_set_match_limit(regex->context, MATCH_LIMIT);
			pcre2_set_heap_limit(regex->context, HEAP_LIMIT_KB);
			regex->matches_empty = match_at(regex, STR(""), 0, 0, &ignored) == OK;
			*out = regex;
		}
	}
	strbuf_free(&translated);
	return status;
}

void
regex_free(Regex *regex)
{
	if (regex == NULL)
		return;
	pcre2_match_data_free(regex->match);
	pcre2_match_context_free(regex->context);
	pcre2_code_free(regex->code);
	free(regex);
}

int
regex_group_count(const Regex *regex)
{
	return regex->n_groups;
}

Status
regex_next(Regex *regex, Str subject, size_t *pos, RegexMatch *match, Error *err)
{
	if (*pos > subject.length)
		return DONE;
	TRY(match_at(regex, subject, *pos, 0, err));

	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);

	match->start = ends[0];
	match->end = ends[1];
	*pos = match->end;
	if (match->end == match->start)
		*pos += match->end < subject.length ? (size_t)utf8_sequence_length((unsigned char)subject.data[match->end]) : 1;
	return OK;
}

bool
regex_group(const Regex *regex, Str subject, int n, Str *out)
{
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->match);

	if (n < 0 || n > regex->n_groups || ends[n * 2] == PCRE2_UNSET)
		return false;
	*out = str_make(subject.data + ends[n * 2], ends[n * 2 + 1] - ends[n * 2]);
	return true;
}

Status
regex_matches(Regex *regex, Str subject, Error *err)
{
	return match_at(regex, subject, 0, PCRE2_ANCHORED | PCRE2_ENDANCHORED, err);
}

/* One replacement text for the match just found. */
static Status
add_replacement(Regex *regex, Str subject, Str replacement, StrBuf *out, Error *err)
{
	const char *s = replacement.data;
	const char *end = s + replacement.length;
	Str			group;

	while (s < end) {
		char	c = *s++;

		if (c == '\\') {
			if (s == end)
				return error_data(err, "A backslash ends the replacement text; write \\\\ for a backslash");
			strbuf_add_char(out, *s++);
		} else if (c != '$') {
			strbuf_add_char(out, c);
		} else if (s < end && *s == '{') {
			const char *close = memchr(s, '}', (size_t)(end - s));
			char		name[64];

			if (close == NULL || close == s + 1 || close - s > 60)
				return error_data(err, "A group name after ${ is not closed by }");
			memcpy(name, s + 1, (size_t)(close - s - 1));
			name[close - s - 1] = '\0';
			int		n = pcre2_substring_number_from_name(regex->code, (PCRE2_SPTR)name);

			if (n < 0)
				return error_data(err, "No group with name {%s}", name);
			if (regex_group(regex, subject, n, &group))
				strbuf_add_str(out, group);
			s = close + 1;
		} else if (s < end && isdigit((unsigned char)*s)) {
			int		n = *s++ - '0';

			if (n > regex->n_groups)
				return error_data(err, "No group %d", n);
			/* Further digits belong to the number as long as there is such a group. */
			while (s < end && isdigit((unsigned char)*s) && n * 10 + (*s - '0') <= regex->n_groups)
				n = n * 10 + (*s++ - '0');
			if (regex_group(regex, subject, n, &group))
				strbuf_add_str(out, group);
		} else {
			return error_data(err, "Illegal group reference: $ must be followed by a number or {name}; write \\$ for a dollar");
		}
	}
	return OK;
}

Status
regex_replace(Regex *regex, Str subject, Str replacement, bool only_first, StrBuf *out, Error *err)
{
	size_t		pos = 0;
	size_t		copied = 0;
	RegexMatch	match;
	Status		status;

	while ((status = regex_next(regex, subject, &pos, &match, err)) == OK) {
		strbuf_add(out, subject.data + copied, match.start - copied);
		TRY(add_replacement(regex, subject, replacement, out, err));
		copied = match.end;
		if (only_first)
			break;
	}
	if (status == FAILED)
		return FAILED;
	strbuf_add(out, subject.data + copied, subject.length - copied);
	return OK;
}

Status
regex_split(Regex *regex, Str subject, RegexPiece piece, void *context, Error *err)
{
	size_t		pos = 0;
	size_t		index = 0;			/* end of the last match that split */
	size_t		n_held = 0;			/* empty pieces that are dropped unless something follows */
	bool		any = false;
	RegexMatch	match;
	Status		status;

	for (;;) {
		Str		part;

		status = regex_next(regex, subject, &pos, &match, err);
		if (status == FAILED)
			return FAILED;
		if (status == OK) {
			/* An empty match at the very start does not make an empty first piece. */
			if (index == 0 && match.start == 0 && match.end == 0)
				continue;
			part = str_make(subject.data + index, match.start - index);
			index = match.end;
		} else {
			part = str_make(subject.data + index, subject.length - index);
		}
		if (part.length == 0 && regex->matches_empty && !(status == DONE && !any)) {
			n_held++;
		} else {
			for (; n_held > 0; n_held--)
				piece(context, STR(""));
			piece(context, part);
		}
		if (status == DONE)
			return OK;
		any = true;
	}
}
