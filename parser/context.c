/*
 * Which words are keywords here.
 *
 * Only the reserved words are keywords everywhere.  The others are names unless the grammar wants the keyword (it falls
 * back to a name where it doesn't) and, where both could stand (an alias may follow nearly everything), unless what comes
 * next says otherwise: ORDER is a keyword before BY, UNION before SELECT, OFFSET before a number.  One word has one rule
 * below; a word without a rule never competes with a name.
 *
 * The pass goes from the end to the start, so that a rule sees what the words behind it turned out to be.
 */
#include "grammar.h"
#include "parser/parser_impl.h"

/* The final code of the token n behind i, 0 at the end. */
static int
code_at(const ParseState *ps, int i, int n)
{
	for (i++; i < ps->n_inputs; i++) {
		if (ps->inputs[i].code == INPUT_SKIP)
			continue;
		if (--n == 0)
			return ps->inputs[i].code;
	}
	return 0;
}

/* The code of the token before, as it is without a context. */
static int
code_before(const ParseState *ps, int i)
{
	return i > 0 ? ps->inputs[i - 1].code : 0;
}

/* Can the token n behind i be a name? */
static bool
is_name_at(const ParseState *ps, int i, int n)
{
	int		at = i + n;

	if (at >= ps->n_inputs)
		return false;

	const Token *token = &ps->inputs[at].token;

	if (token->kind == TOKEN_QUOTED)
		return true;
	return token->kind == TOKEN_WORD && (token->keyword == NULL || token->keyword->class == KEYWORD_FREE);
}

/* Does an expression begin behind i?  A sign doesn't count: the word before it is an operand then. */
static bool
expr_follows(const ParseState *ps, int i)
{
	switch (code_at(ps, i, 1)) {
	case TK_INTLIT: case TK_DECLIT: case TK_DBLLIT: case TK_STRLIT: case TK_VARIABLE: case TK_QUESTION:
	case TK_LP: case TK_NOT: case TK_CASE: case TK_CAST: case TK_EXISTS: case TK_NULL: case TK_TRUE: case TK_FALSE:
	case TK_ARRAY: case TK_MAP: case TK_STRUCT: case TK_INTERVAL: case TK_EXTRACT: case TK_TRY_CAST: case TK_DECIMAL:
		return true;
	case TK_ORDER: case TK_UNION: case TK_INTERSECT: case TK_EXCEPT: case TK_OFFSET: case TK_EMIT: case TK_CROSS:
	case TK_NATURAL: case TK_ASOF: case TK_SEMI: case TK_ANTI: case TK_USING: case TK_PARTITION: case TK_QUALIFY:
		return false;
	default:
		return is_name_at(ps, i, 1);
	}
}

/* The words that INTERVAL takes as units. */
static bool
is_unit(int code)
{
	switch (code) {
	case TK_DAY: case TK_DAYS: case TK_HOUR: case TK_HOURS: case TK_MINUTE: case TK_MINUTES: case TK_SECOND: case TK_SECONDS:
	case TK_MILLISECOND: case TK_MILLISECONDS: case TK_MICROSECOND: case TK_MICROSECONDS: case TK_WEEK: case TK_WEEKS:
	case TK_MONTH: case TK_MONTHS: case TK_QUARTER: case TK_QUARTERS: case TK_YEAR: case TK_YEARS:
		return true;
	default:
		return false;
	}
}

/* Where the parenthesis that opens at token i closes; the last token if it does not. */
static int
parens_end(const ParseState *ps, int i)
{
	int		depth = 0;

	for (; i + 1 < ps->n_inputs; i++) {
		depth += (ps->inputs[i].code == TK_LP) - (ps->inputs[i].code == TK_RP);
		if (depth == 0)
			break;
	}
	return i;
}

/* The code behind the parentheses that open behind i. */
static int
code_behind_parens(const ParseState *ps, int i)
{
	return code_at(ps, parens_end(ps, i + 1), 1);
}

static bool
is_comparison(int code)
{
	return code == TK_EQ || code == TK_NEQ || code == TK_LT || code == TK_LTE || code == TK_GT || code == TK_GTE;
}

static bool
query_follows(int code)
{
	return code == TK_SELECT || code == TK_VALUES || code == TK_WITH || code == TK_LP;
}

/* ADD COLUMN c INT, but ADD column INT: two words must follow. */
static bool
column_follows(const ParseState *ps, int i)
{
	int		second = code_at(ps, i, 2);

	return is_name_at(ps, i, 1) &&
		(is_name_at(ps, i, 2) || second == TK_DECIMAL || second == TK_ARRAY_LT || second == TK_MAP_LT ||
		 second == TK_STRUCT_LT) &&
		second != TK_ARRAY_OF;
}

static bool
is_number(int code)
{
	return code == TK_INTLIT || code == TK_DECLIT;
}

/* Two > with nothing between them: x >> 2, not the end of ARRAY<ARRAY<INT>>, behind which no number and no parenthesis stands. */
static bool
is_shift(const ParseState *ps, int i, int first_less)
{
	int		behind = code_at(ps, i, 2);

	return !ps->options.is_ksqldb && ps->inputs[i + 1].token.offset == ps->inputs[i].token.offset + 1 &&
		(first_less > i || behind == TK_INTLIT || behind == TK_LP);
}

/* PIVOT t ON a, PIVOT (query) USING f(b): a query, where one may begin. */
static bool
pivot_begins(const ParseState *ps, int i)
{
	int		at = i + 1, before = code_before(ps, i);

	if (before != 0 && before != TK_LP && before != TK_RP && before != TK_AS && before != TK_EXPLAIN && before != TK_ANALYZE && before != TK_UNION &&
		before != TK_ALL && before != TK_EXCEPT && before != TK_INTERSECT && before != TK_DESCRIBE && before != TK_SUMMARIZE)
		return false;
	if (ps->inputs[at].code == TK_LP && !query_follows(code_at(ps, i, 2)) && code_at(ps, i, 2) != TK_FROM)
		return false;
	if (ps->inputs[at].code != TK_LP && ps->inputs[at].code != TK_STRLIT && !is_name_at(ps, at, 0))
		return false;
	if (ps->inputs[at].code != TK_LP && ps->inputs[at + 1].code == TK_LP)
		at++;
	if (ps->inputs[at].code == TK_LP)
		at = parens_end(ps, at);
	at++;
	if (at < ps->n_inputs && ps->inputs[at].code == TK_AS)
		at++;
	if (is_name_at(ps, at, 0) && ps->inputs[at].code != TK_USING)
		at++;
	return at < ps->n_inputs && (ps->inputs[at].code == TK_ON || ps->inputs[at].code == TK_USING);
}

static bool
is_keyword(const ParseState *ps, int i, int code)
{
	int		next = code_at(ps, i, 1);
	int		second = code_at(ps, i, 2);
	int		before = code_before(ps, i);

	switch (code) {
	case TK_ORDER:
	case TK_PARTITION:
		return next == TK_BY;
	case TK_EMIT:
		return next == TK_CHANGES || next == TK_FINAL;
	case TK_UNION:
	case TK_INTERSECT:
	case TK_EXCEPT:
		return next == TK_ALL || next == TK_DISTINCT || next == TK_BY || query_follows(next);
	case TK_OFFSET:
		return next == TK_INTLIT || next == TK_LP || next == TK_VARIABLE || next == TK_QUESTION;
	case TK_FETCH:
		return next == TK_FIRST || next == TK_NEXT;
	case TK_FOR:
		if (next == TK_LP || (is_name_at(ps, i, 1) && second == TK_LP))
			second = code_behind_parens(ps, next == TK_LP ? i : i + 1);
		else if (!is_name_at(ps, i, 1))
			return false;
		return second == TK_IN || second == TK_RP || second == TK_GROUP || second == TK_COMMA;
	case TK_USING:
		return next == TK_LP || (is_name_at(ps, i, 1) && second == TK_LP);
	case TK_TABLESAMPLE:
		return is_number(next) || (next == TK_LP && is_number(second)) || (is_name_at(ps, i, 1) && second == TK_LP);
	case TK_PIVOT:
		return (next == TK_LP && is_name_at(ps, i, 2) && code_at(ps, i, 3) == TK_LP) || pivot_begins(ps, i);
	case TK_UNPIVOT:
		return (next == TK_LP && (second == TK_LP || code_at(ps, i, 3) == TK_FOR)) || second == TK_NULLS || pivot_begins(ps, i);
	case TK_CROSS:
	case TK_SEMI:
	case TK_ANTI:
		return next == TK_JOIN;
	case TK_NATURAL:
	case TK_ASOF:
		return next == TK_JOIN || next == TK_INNER || next == TK_LEFT || next == TK_RIGHT || next == TK_FULL;
	case TK_LATERAL:
		return next == TK_LP || (is_name_at(ps, i, 1) && second == TK_LP);
	case TK_OVER:
		return (before == TK_RP || before == TK_NULLS) && (next == TK_LP || is_name_at(ps, i, 1));
	case TK_FILTER:
		return before == TK_RP && next == TK_LP;
	case TK_IGNORE:
	case TK_RESPECT:
		return before == TK_RP && next == TK_NULLS;
	case TK_ROWS:
	case TK_RANGE:
	case TK_GROUPS:
		return before != TK_LP || (next != TK_RP && next != TK_ORDER && next != TK_PARTITION);
	case TK_UNBOUNDED:
		return next == TK_PRECEDING || next == TK_FOLLOWING;
	case TK_CURRENT:
		return next == TK_ROW;
	case TK_QUALIFY:
	case TK_ILIKE:
		return expr_follows(ps, i);
	case TK_ESCAPE:
		return next == TK_STRLIT;
	case TK_ROLLUP:
	case TK_CUBE:
	case TK_TRY_CAST:
		return next == TK_LP;
	case TK_GROUPING:
		return next == TK_SETS && second == TK_LP;
	case TK_SESSION:
		return next == TK_LP && second == TK_INTLIT;
	case TK_RECURSIVE:
		return before == TK_WITH && next != TK_AS && next != TK_LP;
	case TK_INTERVAL:
		return next == TK_STRLIT || next == TK_INTLIT || next == TK_DECLIT || (next == TK_LP && is_unit(code_behind_parens(ps, i)));
	case TK_EXTRACT:
		return next == TK_LP && (is_name_at(ps, i, 2) || is_unit(second)) && code_at(ps, i, 3) == TK_FROM;
	case TK_SIMILAR:
		return next == TK_TO;
	case TK_GLOB:
		return next == TK_STRLIT;
	case TK_ANY:
	case TK_SOME:
		return is_comparison(before) && next == TK_LP && query_follows(second);
	case TK_IF:
		return next == TK_EXISTS || (next == TK_NOT && second == TK_EXISTS);
	case TK_FUNCTION:
	case TK_MACRO:
		return is_name_at(ps, i, 1) || next == TK_VARIABLE;
	case TK_COLUMN:
		return column_follows(ps, i);
	case TK_GRACE:
		return next == TK_PERIOD;
	default:
		return true;
	}
}

/* POSITION(a IN b) is the call POSITION(a, b): as a condition the IN would want a list. */
static void
separate_position(ParseState *ps, int i)
{
	int depth = 0;

	for (int k = i + 1; k < ps->n_inputs; k++) {
		int code = ps->inputs[k].code;

		depth += (code == TK_LP) - (code == TK_RP);
		if (depth == 0 || (depth == 1 && code == TK_COMMA))
			return;
		if (depth == 1 && code == TK_IN) {
			ps->inputs[k].code = TK_COMMA;
			return;
		}
	}
}

/* LAST_VALUE(x IGNORE NULLS) OVER is LAST_VALUE(x) IGNORE NULLS OVER. */
static void
nulls_behind_call(ParseState *ps, int i)
{
	ParseInput ignore = ps->inputs[i], nulls = ps->inputs[i + 1];

	ps->inputs[i] = ps->inputs[i + 2];
	ps->inputs[i + 1] = ignore;
	ps->inputs[i + 2] = nulls;
}

static bool
is_position_call(const ParseState *ps, int i, int next)
{
	const Token *token = &ps->inputs[i].token;

	return next == TK_LP && token->kind == TOKEN_WORD && token->keyword == NULL && str_equal_nocase(token_str(ps->text, token), STR("POSITION"));
}

static bool
is_word(const ParseState *ps, int i, const char *word)
{
	const Token *token = &ps->inputs[i].token;

	return token->kind == TOKEN_WORD && str_equal_nocase(token_str(ps->text, token), str_of(word));
}

/* What may stand before REPEATABLE: a sample's size. */
static bool
ends_sample(int code)
{
	return code == TK_RP || code == TK_PERCENT || code == TK_ROWS || code == TK_IDENT || is_number(code);
}

/* x: or x, y: */
static bool
lambda_follows(const ParseState *ps, int i)
{
	while (is_name_at(ps, i, 0) && ps->inputs[i + 1].code == TK_COMMA)
		i += 2;
	return is_name_at(ps, i, 0) && ps->inputs[i + 1].code == TK_COLON;
}

/* Those of DuckDB, whose lambdas may have the arrow that stands for a field elsewhere. */
static bool
is_lambda_function(const ParseState *ps, int i)
{
	static const char *const names[] = {"LIST_TRANSFORM", "LIST_APPLY", "LIST_FILTER", "LIST_REDUCE", "ARRAY_TRANSFORM", "ARRAY_APPLY",
										"ARRAY_FILTER", "ARRAY_REDUCE", "APPLY", "COLUMNS"};

	for (size_t k = 0; k < sizeof names / sizeof *names; k++)
		if (is_word(ps, i, names[k]))
			return true;
	return false;
}

/* An argument `x -> ...` or `(x, y) -> ...` that begins at token i. */
static void
arrow_as_lambda(ParseState *ps, int i)
{
	int		at = i;

	if (ps->inputs[i].code == TK_LP) {
		do
			at += 2;
		while (at + 1 < ps->n_inputs && is_name_at(ps, at, -1) && ps->inputs[at].code == TK_COMMA);
		if (at + 1 >= ps->n_inputs || ps->inputs[at].code != TK_RP || !is_name_at(ps, at, -1))
			return;
	} else if (!is_name_at(ps, i, 0))
		return;
	if (at + 1 < ps->n_inputs && ps->inputs[at + 1].code == TK_ARROW)
		ps->inputs[at + 1].code = TK_LAMBDA;
}

static void
arrows_as_lambdas(ParseState *ps, int i)
{
	int		end = parens_end(ps, i + 1), depth = 0;

	if (is_word(ps, i, "COLUMNS"))
		arrow_as_lambda(ps, i + 2);
	for (int k = i + 1; k < end; k++) {
		int		code = ps->inputs[k].code;

		depth += (code == TK_LP || code == TK_LB || code == TK_LC) - (code == TK_RP || code == TK_RB || code == TK_RC);
		if (depth == 1 && code == TK_COMMA)
			arrow_as_lambda(ps, k + 1);
	}
}

void
context_apply(ParseState *ps)
{
	int		first_less = 0;

	while (first_less < ps->n_inputs && ps->inputs[first_less].code != TK_LT)
		first_less++;
	for (int i = ps->n_inputs - 1; i >= 0; i--) {
		ParseInput *input = &ps->inputs[i];
		int			next = code_at(ps, i, 1);

		if (ps->is_completion && next == 0)
			continue;
		switch (input->code) {
		case TK_LB:
			if (next == TK_RB) {
				input->code = TK_BRACKETS;
				input->value.pos.length = ps->inputs[i + 1].value.pos.offset + 1 - input->value.pos.offset;
				ps->inputs[i + 1].code = INPUT_SKIP;
			}
			break;
		case TK_USING:
			if (next == TK_SAMPLE)
				input->code = TK_USING_SAMPLE;
			else if (!is_keyword(ps, i, TK_USING))
				input->code = TK_IDENT;
			break;
		case TK_GT:
			if (next == TK_GT && is_shift(ps, i, first_less)) {
				input->code = TK_SHIFT_RIGHT;
				ps->inputs[i + 1].code = INPUT_SKIP;
			}
			break;
		case TK_LEFT:			/* reserved, but LEFT(s, 2) and RIGHT(s, 2) can't be anything else */
		case TK_RIGHT:
		case TK_LIST:
			if (next == TK_LP)
				input->code = TK_IDENT;
			break;
		case TK_WINDOW:
			if (is_name_at(ps, i, 1) && code_at(ps, i, 2) == TK_AS)
				input->code = TK_NAMED_WINDOW;
			break;
		case TK_ARRAY:
			if (next == TK_LT)
				input->code = TK_ARRAY_LT;
			else if (next != TK_LB && next != TK_BRACKETS)
				input->code = TK_ARRAY_OF;
			break;
		case TK_MAP:
			input->code = next == TK_LP || next == TK_LC ? TK_MAP : next == TK_LT ? TK_MAP_LT : TK_IDENT;
			break;
		case TK_EXCEPT:			/* SELECT * EXCEPT (a, b): EXCLUDE, as others write it */
			if (code_before(ps, i) == TK_STAR && next == TK_LP && is_name_at(ps, i, 2) && !query_follows(code_at(ps, i, 2)))
				input->code = TK_EXCLUDE;
			else if (!is_keyword(ps, i, TK_EXCEPT))
				input->code = TK_IDENT;
			break;
		case TK_STRUCT:
			input->code = next == TK_LP ? TK_STRUCT : next == TK_LT || next == TK_NEQ ? TK_STRUCT_LT : TK_IDENT;
			break;
		case TK_IGNORE:
		case TK_RESPECT:
			if (next == TK_NULLS && code_at(ps, i, 2) == TK_RP && i + 2 < ps->n_inputs)
				nulls_behind_call(ps, i);
			else if (!is_keyword(ps, i, input->code))
				input->code = TK_IDENT;
			break;
		case TK_IDENT:
			if (is_position_call(ps, i, next))
				separate_position(ps, i);
			else if (is_word(ps, i, "repeatable") && next == TK_LP && code_at(ps, i, 2) == TK_INTLIT && ends_sample(code_before(ps, i)))
				input->code = TK_REPEATABLE;
			else if (is_word(ps, i, "lambda") && lambda_follows(ps, i + 1))
				input->code = TK_LAMBDA_WORD;
			else if (next == TK_LP && !ps->options.is_ksqldb && is_lambda_function(ps, i))
				arrows_as_lambdas(ps, i);
			break;
		default:
			if (input->token.keyword != NULL && input->token.keyword->class == KEYWORD_FREE &&
				!is_keyword(ps, i, input->code))
				input->code = TK_IDENT;
			break;
		}
	}
}
