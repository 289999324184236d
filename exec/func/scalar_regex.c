/*
 * Functions of regular expressions.
 *
 * A Regex holds match data and so belongs to one thread, while a compiled program may be shared; therefore patterns are
 * compiled when a kernel runs, and again only where the pattern differs from that of the row before.
 */
#include "common/regex.h"
#include "exec/func/kernel.h"

/* The expression of the latest pattern.  A pattern that does not compile is remembered too, with its error. */
typedef struct RegexMemo {
	Regex *regex;
	Str	   pattern;
	Str	   options;
	bool   is_set;
	Error  err;
} RegexMemo;

/* Options are letters as in PostgreSQL and DuckDB; what PCRE2 knows of them goes in front of the pattern. */
static Status
compile_with(const ScalarCall *call, Str pattern, Str options, Regex **out, Error *err)
{
	StrBuf	whole = {0};
	Status	status;

	for (size_t i = 0; i < options.length; i++) {
		char	letter = options.data[i];

		if (strchr("cgil", letter) == NULL && strchr("smnpx", letter) == NULL)
			return error_data(err, "`%c` is no option of %s: there are i (any case), c (exact case), g (all matches), l (literal text), s (a dot is any "
								   "character), m (lines apart) and x (spaces do not count)", letter, call->function->name);
		if (letter == 'i' || letter == 's' || letter == 'x')
			strbuf_printf(&whole, "(?%c)", letter);
		else if (letter == 'm' || letter == 'n' || letter == 'p')
			strbuf_add_text(&whole, "(?m)");
	}
	strbuf_add_text(&whole, memchr(options.data, 'l', options.length) != NULL ? "\\Q" : "");
	strbuf_add_str(&whole, pattern);
	status = regex_compile(strbuf_str(&whole), REGEX_JAVA, out, err);
	strbuf_free(&whole);
	return status;
}

/* The compiled pattern, or NULL with the row failed. */
static Regex *
memo_get(RegexMemo *memo, const ScalarCall *call, int32_t row, Str pattern, Str options)
{
	if (!memo->is_set || !str_equal(memo->pattern, pattern) || !str_equal(memo->options, options)) {
		regex_free(memo->regex);
		memo->regex = NULL;
		memo->pattern = text_keep(call, pattern);
		memo->options = text_keep(call, options);
		memo->is_set = true;
		if (compile_with(call, pattern, options, &memo->regex, &memo->err) != OK)
			memo->regex = NULL;
	}
	if (memo->regex == NULL)
		eval_fail(call->context, row, "%s", memo->err.message);
	return memo->regex;
}

/*
 * What the kernels have in common: for each row without NULL, with its pattern compiled, `each` fills row i of out or
 * fails.
 */
typedef Status (*RegexRow)(const ScalarCall *call, int32_t row, Regex *regex, Str subject, Vector *out, Error *err);

/* Which argument has the options; 0: none. */
static int
options_arg(const ScalarCall *call)
{
	int		last = call->n_args - 1;
	bool	is_replace = str_equal(str_of(call->function->name), STR("REGEXP_REPLACE"));

	return last >= (is_replace ? 3 : 2) && call->args[last]->type->kind == TYPE_STRING ? last : 0;
}

static void
regex_rows(const ScalarCall *call, int32_t n_rows, Vector *out, int pattern_arg, RegexRow each)
{
	int		  options = options_arg(call);
	RegexMemo memo = {0};

	for (int32_t i = 0; i < n_rows; i++) {
		Regex  *regex;
		Error	err;

		if (!call_row_valid(call, i))
			continue;
		regex = memo_get(&memo, call, i, arg_str(call->args[pattern_arg], i),
						 options > 0 ? arg_str(call->args[options], i) : STR(""));
		if (regex != NULL && each(call, i, regex, arg_str(call->args[1 - pattern_arg], i), out, &err) == FAILED)
			eval_fail(call->context, i, "%s", err.message);
	}
	regex_free(memo.regex);
}

/* The group asked for; false when it is negative (with *err) or beyond what the pattern has. */
static Status
group_of(const ScalarCall *call, int32_t row, const Regex *regex, int *group, Error *err)
{
	*group = call->n_args > 2 ? arg_int32(call->args[2], row) : 0;
	if (*group < 0)
		return error_data(err, "No group %d", *group);
	return *group > regex_group_count(regex) ? DONE : OK;
}

static Status
extract_row(const ScalarCall *call, int32_t row, Regex *regex, Str subject, Vector *out, Error *err)
{
	RegexMatch match;
	size_t	   pos = 0;
	int		   group;
	Str		   text;
	Status	   status = group_of(call, row, regex, &group, err);

	if (status == OK)
		status = regex_next(regex, subject, &pos, &match, err);
	if (status == OK && regex_group(regex, subject, group, &text))
		result_set_text(out, call->arena, row, text);
	else
		result_set_null(call, out, row);
	return status;
}

static void
regexp_extract(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	regex_rows(call, n_rows, out, call_is_standard(call) ? 1 : 0, extract_row);
}

static Status
set_list(const ScalarCall *call, int32_t row, const ItemList *list, Vector *out)
{
	Value	value = {.type = out->type, .items = list->items, .n_items = list->n};

	vector_set(out, call->arena, row, &value);
	return OK;
}

static Status
extract_all_row(const ScalarCall *call, int32_t row, Regex *regex, Str subject, Vector *out, Error *err)
{
	ItemList   list = {.arena = call->arena};
	RegexMatch match;
	size_t	   pos = 0;
	int		   group;
	Str		   text;
	Status	   status = group_of(call, row, regex, &group, err);

	if (status != OK) {
		result_set_null(call, out, row);
		return status;
	}
	while ((status = regex_next(regex, subject, &pos, &match, err)) == OK)
		item_add(&list, regex_group(regex, subject, group, &text) ? value_text(type_string, text) : value_null(type_string));
	return status == FAILED ? FAILED : set_list(call, row, &list, out);
}

static void
regexp_extract_all(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	regex_rows(call, n_rows, out, call_is_standard(call) ? 1 : 0, extract_all_row);
}

static Status
replace_row(const ScalarCall *call, int32_t row, Regex *regex, Str subject, Vector *out, Error *err)
{
	int		options = options_arg(call);
	bool	only_first = options > 0 && memchr(arg_str(call->args[options], row).data, 'g', arg_str(call->args[options], row).length) == NULL;
	StrBuf	buf = {0};
	Status	status = regex_replace(regex, subject, arg_str(call->args[2], row), only_first, &buf, err);

	if (status == OK)
		result_set_text(out, call->arena, row, strbuf_str(&buf));
	strbuf_free(&buf);
	return status;
}

static void
regexp_replace(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	regex_rows(call, n_rows, out, 1, replace_row);
}

static void
add_piece(void *context, Str piece)
{
	item_add(context, value_text(type_string, piece));
}

static Status
split_row(const ScalarCall *call, int32_t row, Regex *regex, Str subject, Vector *out, Error *err)
{
	ItemList list = {.arena = call->arena};

	TRY(regex_split(regex, subject, add_piece, &list, err));
	return set_list(call, row, &list, out);
}

static void
regexp_split(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	regex_rows(call, n_rows, out, 1, split_row);
}

static Status
like_row(const ScalarCall *call, int32_t row, Regex *regex, Str subject, Vector *out, Error *err)
{
	RegexMatch match;
	size_t	   pos = 0;
	Status	   status = regex_next(regex, subject, &pos, &match, err);

	(void)call;
	((uint8_t *)out->data)[row] = status == OK;
	return status;
}

static void
regexp_like(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	regex_rows(call, n_rows, out, 1, like_row);
}

static Status
full_match_row(const ScalarCall *call, int32_t row, Regex *regex, Str subject, Vector *out, Error *err)
{
	Status	status = regex_matches(regex, subject, err);

	(void)call;
	((uint8_t *)out->data)[row] = status == OK;
	return status;
}

static void
regexp_full_match(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	regex_rows(call, n_rows, out, 1, full_match_row);
}

static Status
count_row(const ScalarCall *call, int32_t row, Regex *regex, Str subject, Vector *out, Error *err)
{
	RegexMatch match;
	size_t	   pos = 0;
	int32_t	   n = 0;
	Status	   status;

	(void)call;
	while ((status = regex_next(regex, subject, &pos, &match, err)) == OK)
		n++;
	((int32_t *)out->data)[row] = n;
	return status;
}

static void
regexp_count(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	regex_rows(call, n_rows, out, 1, count_row);
}

/* ---- other patterns as regular expressions ---- */

static void
add_literal(StrBuf *out, Str character)
{
	if (character.length == 1 && strchr("\\.^$|()[]{}*+?", character.data[0]) != NULL)
		strbuf_add_char(out, '\\');
	strbuf_add_str(out, character);
}

static Str
character_at(Str text, size_t i)
{
	size_t	n = 1;

	while (i + n < text.length && ((unsigned char)text.data[i + n] & 0xc0) == 0x80)
		n++;
	return str_make(text.data + i, n);
}

/* The bracket expression that begins at i as it is; the offset behind it, or i if it has no end. */
static size_t
add_bracket(StrBuf *out, Str pattern, size_t i)
{
	size_t	end = i + 1;

	if (end < pattern.length && (pattern.data[end] == '^' || pattern.data[end] == '!'))
		end++;
	if (end < pattern.length && pattern.data[end] == ']')
		end++;
	while (end < pattern.length && pattern.data[end] != ']')
		end++;
	if (end >= pattern.length)
		return i;
	strbuf_add_char(out, '[');
	for (size_t k = i + 1; k < end; k++)
		strbuf_add_char(out, k == i + 1 && pattern.data[k] == '!' ? '^' : pattern.data[k]);
	strbuf_add_char(out, ']');
	return end + 1;
}

/* What stands for any text and for any character, takes the meaning from what follows, and means what it means in a regular expression. */
typedef struct Wildcards {
	char		any, one;
	Str			escape;			/* a character; empty: none */
	const char *operators;
} Wildcards;

static bool
wildcards_to_regex(const ScalarCall *call, Str pattern, Wildcards wildcards, Value *out)
{
	StrBuf	regex = {0};

	for (size_t i = 0; i < pattern.length;) {
		Str		c = character_at(pattern, i);
		size_t	behind = c.data[0] == '[' ? add_bracket(&regex, pattern, i) : i;

		if (behind > i) {
			i = behind;
			continue;
		}
		i += c.length;
		if (wildcards.escape.length > 0 && str_equal(c, wildcards.escape) && i < pattern.length) {
			c = character_at(pattern, i);
			add_literal(&regex, c);
			i += c.length;
		} else if (c.data[0] == wildcards.any)
			strbuf_add_text(&regex, "(?s:.*)");
		else if (c.data[0] == wildcards.one)
			strbuf_add_text(&regex, "(?s:.)");
		else if (strchr(wildcards.operators, c.data[0]) != NULL)
			strbuf_add_str(&regex, c);
		else
			add_literal(&regex, c);
	}
	value_set_text(call, out, strbuf_str(&regex));
	strbuf_free(&regex);
	return true;
}

/* SIMILAR TO: LIKE's wildcards beside |, *, +, ?, {}, () and []. */
static bool
similar_to_regex(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	Wildcards similar = {.any = '%', .one = '_', .escape = call->n_args > 1 ? args[1].text : STR("\\"), .operators = "|*+?{}()"};

	(void)row;
	return wildcards_to_regex(call, args[0].text, similar, out);
}

/* GLOB: *, ? and [...] as in file names. */
static bool
glob_to_regex(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	(void)row;
	return wildcards_to_regex(call, args[0].text, (Wildcards){.any = '*', .one = '?', .escape = STR("\\"), .operators = ""}, out);
}

#define EXTRACT_TEXT "The first part of a text that matches a pattern, or a group of it; NULL if nothing matches. ksqldb has the pattern first."
#define EXTRACT_ALL_TEXT "All parts of a text that match a pattern, or a group of each."
#define OPTIONS_TEXT(text) text " Options are letters: i any case, s a dot is any character, m lines apart, l literal text."
#define LIKE_TEXT "Whether a part of the text matches a pattern."

const ScalarFunction scalar_regex_functions[] = {
	FUNCTION("REGEXP_COUNT", "(STRING, STRING) -> INTEGER", regexp_count, NULL_IN, BOTH,
			 "How many parts of the text match a pattern.", "REGEXP_COUNT('a1b22', '[0-9]+')", "2"),
	FUNCTION("REGEXP_EXTRACT", "(STRING, STRING) -> STRING", regexp_extract, NULL_IN, KSQLDB, EXTRACT_TEXT,
			 "REGEXP_EXTRACT('[0-9]+', 'a1b22')", "1"),
	FUNCTION("REGEXP_EXTRACT", "(STRING, STRING, INTEGER) -> STRING", regexp_extract, NULL_IN, KSQLDB, EXTRACT_TEXT,
			 "REGEXP_EXTRACT('([a-z])([0-9]+)', 'a1b22', 2)", "1"),
	FUNCTION("REGEXP_EXTRACT_ALL", "(STRING, STRING) -> ARRAY<STRING>", regexp_extract_all, NULL_IN, KSQLDB, EXTRACT_ALL_TEXT,
			 "ARRAY_JOIN(REGEXP_EXTRACT_ALL('[0-9]+', 'a1b22'), ' ')", "1 22"),
	FUNCTION("REGEXP_EXTRACT_ALL", "(STRING, STRING, INTEGER) -> ARRAY<STRING>", regexp_extract_all, NULL_IN, KSQLDB,
			 EXTRACT_ALL_TEXT, "ARRAY_JOIN(REGEXP_EXTRACT_ALL('([a-z])([0-9]+)', 'a1b22', 1), ' ')", "a b"),
	FUNCTION("REGEXP_EXTRACT", "(STRING, STRING) -> STRING", regexp_extract, NULL_IN, STANDARD, EXTRACT_TEXT,
			 "REGEXP_EXTRACT('a1b22', '[0-9]+')", "1"),
	FUNCTION("REGEXP_EXTRACT", "(STRING, STRING, INTEGER) -> STRING", regexp_extract, NULL_IN, STANDARD, EXTRACT_TEXT,
			 "REGEXP_EXTRACT('a1b22', '([a-z])([0-9]+)', 2)", "1"),
	FUNCTION("REGEXP_EXTRACT_ALL", "(STRING, STRING) -> ARRAY<STRING>", regexp_extract_all, NULL_IN, STANDARD, EXTRACT_ALL_TEXT,
			 "ARRAY_JOIN(REGEXP_EXTRACT_ALL('a1b22', '[0-9]+'), ' ')", "1 22"),
	FUNCTION("REGEXP_EXTRACT_ALL", "(STRING, STRING, INTEGER) -> ARRAY<STRING>", regexp_extract_all, NULL_IN, STANDARD,
			 EXTRACT_ALL_TEXT, "ARRAY_JOIN(REGEXP_EXTRACT_ALL('a1b22', '([a-z])([0-9]+)', 1), ' ')", "a b"),
	FUNCTION("REGEXP_FULL_MATCH", "(STRING, STRING) -> BOOLEAN", regexp_full_match, NULL_IN, BOTH,
			 "Whether the whole text matches a pattern.", "REGEXP_FULL_MATCH('a1', '[a-z][0-9]')", "true"),
	FUNCTION("REGEXP_FULL_MATCH", "(STRING, STRING, STRING) -> BOOLEAN", regexp_full_match, NULL_IN, STANDARD,
			 OPTIONS_TEXT("Whether the whole text matches a pattern."), "REGEXP_FULL_MATCH('A1', '[a-z][0-9]', 'i')", "true"),
	FUNCTION("REGEXP_LIKE", "(STRING, STRING) -> BOOLEAN", regexp_like, NULL_IN, BOTH, LIKE_TEXT,
			 "REGEXP_LIKE('a1b22', '[0-9]+')", "true"),
	FUNCTION("REGEXP_MATCHES", "(STRING, STRING) -> BOOLEAN", regexp_like, NULL_IN, BOTH, LIKE_TEXT,
			 "REGEXP_MATCHES('a1b22', '[0-9]+')", "true"),
	FUNCTION("REGEXP_MATCHES", "(STRING, STRING, STRING) -> BOOLEAN", regexp_like, NULL_IN, STANDARD, OPTIONS_TEXT(LIKE_TEXT),
			 "REGEXP_MATCHES('A1', 'a[0-9]', 'i')", "true"),
	FUNCTION("REGEXP_REPLACE", "(STRING, STRING, STRING, STRING) -> STRING", regexp_replace, NULL_IN, STANDARD,
			 OPTIONS_TEXT("The text with what matches a pattern first replaced, with the option g everything; $1 stands for a group."),
			 "REGEXP_REPLACE('a1b22', '[0-9]+', '-', 'g')", "a-b-"),
	FUNCTION("REGEXP_REPLACE", "(STRING, STRING, STRING) -> STRING", regexp_replace, NULL_IN, BOTH,
			 "The text with everything that matches a pattern replaced; $1 stands for a group.",
			 "REGEXP_REPLACE('a1b22', '[0-9]+', '-')", "a-b-"),
	FUNCTION("REGEXP_SPLIT_TO_ARRAY", "(STRING, STRING) -> ARRAY<STRING>", regexp_split, NULL_IN, BOTH,
			 "The parts of a text between matches of a pattern.", "ARRAY_JOIN(REGEXP_SPLIT_TO_ARRAY('a1b22c', '[0-9]+'), ' ')",
			 "a b c"),
	FUNCTION("STRING_SPLIT_REGEX", "(STRING, STRING) -> ARRAY<STRING>", regexp_split, NULL_IN, STANDARD,
			 "The parts of a text between matches of a pattern.", "ARRAY_JOIN(STRING_SPLIT_REGEX('a1b22c', '[0-9]+'), ' ')", "a b c"),
	FUNCTION_ROWS("GLOB_TO_REGEX", "(STRING) -> STRING", glob_to_regex, NULL_IN | FUNC_HIDDEN, STANDARD, "The pattern of GLOB."),
	FUNCTION_ROWS("SIMILAR_TO_REGEX", "(STRING) -> STRING", similar_to_regex, NULL_IN | FUNC_HIDDEN, STANDARD, "The pattern of SIMILAR TO."),
	FUNCTION_ROWS("SIMILAR_TO_REGEX", "(STRING, STRING) -> STRING", similar_to_regex, NULL_IN | FUNC_HIDDEN, STANDARD,
				  "The pattern of SIMILAR TO."),
	{.name = NULL},
};
