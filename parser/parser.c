/* The driver: tokens of one statement to the grammar, errors to texts. */
#include "parser/parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "grammar.h"
#include "parser/parser_impl.h"

/* Levels of parentheses, brackets and CASE: what the grammar's stack and every walker of the tree can take. */
#define NESTING_MAX 200

void
parse_fail(ParseState *ps, AstPos pos, const char *format, ...)
{
	va_list		args;

	if (ps->status != OK)
		return;
	va_start(args, format);
	ps->status = error_set_v(ps->err, ERROR_USER, format, args);
	va_end(args);
	error_at(ps->err, pos.line, pos.column, pos.length);
}

/* ---- syntax errors ---- */

static const struct {
	int			code;
	const char *name;
} token_names[] = {
	{TK_IDENT, "a name"}, {TK_STRLIT, "a string"}, {TK_INTLIT, "an integer"}, {TK_DECLIT, "a number"},
	{TK_DBLLIT, "a number"}, {TK_EQ, "'='"}, {TK_NEQ, "'<>'"}, {TK_LT, "'<'"}, {TK_LTE, "'<='"}, {TK_GT, "'>'"},
	{TK_GTE, "'>='"}, {TK_PLUS, "'+'"}, {TK_MINUS, "'-'"}, {TK_STAR, "'*'"}, {TK_SLASH, "'/'"}, {TK_PERCENT, "'%'"},
	{TK_LP, "'('"}, {TK_RP, "')'"}, {TK_LB, "'['"}, {TK_RB, "']'"}, {TK_COMMA, "','"}, {TK_DOT, "'.'"},
	{TK_CONCAT, "'||'"}, {TK_ARROW, "'->'"}, {TK_LAMBDA, "'=>'"}, {TK_ASSIGN, "':='"}, {TK_DCOLON, "'::'"},
	{TK_LC, "'{'"}, {TK_RC, "'}'"}, {TK_COLON, "':'"}, {TK_ARROW_TEXT, "'->>'"}, {TK_MATCH, "'~'"}, {TK_POWER, "'^'"}, {TK_DIV, "'//'"},
	{TK_ARRAY_LT, "ARRAY"}, {TK_MAP_LT, "MAP"}, {TK_STRUCT_LT, "STRUCT"}, {0, "the end"},
};

static const char *
keyword_name(int code)
{
	int			n;
	const Keyword *keywords = keyword_list(&n);

	for (int i = 0; i < n; i++) {
		if (keywords[i].code == code)
			return keywords[i].name;
	}
	return NULL;
}

static const char *
token_name(int code)
{
	for (size_t i = 0; i < sizeof token_names / sizeof *token_names; i++) {
		if (token_names[i].code == code)
			return token_names[i].name;
	}
	return keyword_name(code);
}

static bool
is_wanted(const ParseState *ps, int code)
{
	for (int i = 0; i < ps->n_wanted; i++) {
		if (ps->wanted[i] == code)
			return true;
	}
	return false;
}

#define WANTED_SHOWN 5

/* The few tokens that could have stood there, or "" if they are many. */
static void
wanted_text(const ParseState *ps, StrBuf *out)
{
	int		n = 0;

	for (int i = 0; i < ps->n_wanted; i++)
		n += token_name(ps->wanted[i]) != NULL;
	if (n > WANTED_SHOWN)
		return;

	int		k = 0;

	for (int i = 0; i < ps->n_wanted; i++) {
		const char *name = token_name(ps->wanted[i]);

		if (name == NULL)
			continue;
		strbuf_add_text(out, k == 0 ? "" : k == n - 1 ? " or " : ", ");
		strbuf_add_text(out, name);
		k++;
	}
}

/* The same the way ksqlDB writes it: {'STRING', INTEGER_VALUE}. */
static void
wanted_ksqldb(const ParseState *ps, StrBuf *out)
{
	/* behind a whole element of a list ksqlDB wants only the list's own signs, not what else could follow the element */
	if (is_wanted(ps, TK_COMMA) && is_wanted(ps, TK_RP) && !is_wanted(ps, TK_PLUS)) {
		strbuf_add_text(out, "Expecting {',', ')'}\n");
		return;
	}
	if (ps->n_wanted == 0 || ps->n_wanted > WANTED_SHOWN)
		return;
	strbuf_add_text(out, "Expecting ");
	if (ps->n_wanted > 1)
		strbuf_add_char(out, '{');
	/* words before values, as there */
	for (int pass = 0, k = 0; pass < 2; pass++) {
		for (int i = 0; i < ps->n_wanted; i++) {
			int			code = ps->wanted[i];
			const char *keyword = code != 0 ? keyword_name(code) : NULL;
			const char *name = code == TK_INTLIT ? "INTEGER_VALUE" : code == TK_STRLIT ? "STRING"
				: code == TK_IDENT ? "IDENTIFIER" : code == 0 ? "<EOF>" : token_name(code);

			if ((keyword != NULL) != (pass == 0))
				continue;
			strbuf_add_text(out, k++ > 0 ? ", " : "");
			if (keyword != NULL)
				strbuf_printf(out, "'%s'", keyword);
			else
				strbuf_add_text(out, name != NULL ? name : "?");
		}
	}
	strbuf_add_text(out, ps->n_wanted > 1 ? "}\n" : "\n");
}

static const char *const statement_words[] = {
	"SELECT", "WITH", "CREATE", "INSERT", "DROP", "ALTER", "TERMINATE", "PAUSE", "RESUME", "SHOW", "LIST", "DESCRIBE",
	"EXPLAIN", "PRINT", "SET", "UNSET", "DEFINE", "UNDEFINE", "ASSERT", "RUN", "SPOOL", "COPY", "SUMMARIZE", "VALUES", "FROM", "PIVOT", "UNPIVOT",
};

/* Words of other databases for what is done otherwise here; `after` is the word before, or NULL: it begins the statement. */
static const struct {
	const char *word, *after;
	const char *remedy;
} remedies[] = {
	{"UPDATE", NULL, "Rows are appended, never changed: INSERT a row with the same key into a table, the latest one counts"},
	{"DELETE", NULL, "Rows are appended, never changed. What a query should leave out is said by its WHERE"},
	{"TRUNCATE", NULL, "DROP TABLE t DELETE TOPIC, and create it again"},
	{"MERGE", NULL, "INSERT rows into a table: the latest one of a key counts"},
	{"BEGIN", NULL, "There are no transactions of several statements: each is one"},
	{"START", NULL, "There are no transactions of several statements: each is one"},
	{"COMMIT", NULL, "There are no transactions of several statements: each is one"},
	{"ROLLBACK", NULL, "There are no transactions of several statements: each is one"},
	{"USE", NULL, "There is one catalog: --data says in which directory"},
	{"ATTACH", NULL, "There is one catalog: --data says in which directory. Files are read by their path: FROM 'x.parquet'"},
	{"PRAGMA", NULL, "SET name = value and SHOW PROPERTIES are for settings, DESCRIBE t and SHOW TABLES for what there is"},
	{"INSTALL", NULL, "There are no extensions: formats and functions are built in"},
	{"LOAD", NULL, "There are no extensions: formats and functions are built in"},
	{"TABLE", NULL, "FROM t gives the rows of t"},
	{"TEMP", "CREATE", "There are no temporary objects: WITH name AS (...) is for one query, CREATE VIEW and DROP VIEW for several"},
	{"TEMPORARY", "CREATE", "There are no temporary objects: WITH name AS (...) is for one query, CREATE VIEW and DROP VIEW for several"},
	{"SCHEMA", "CREATE", "There is one catalog, without schemas"},
	{"INDEX", "CREATE", "There are no indexes: tables are found by their key"},
	{"SEQUENCE", "CREATE", "There are no sequences: ROW_NUMBER() OVER () numbers rows"},
};

static const char *
remedy_for(const ParseState *ps, int i_input)
{
	const Token *token = &ps->inputs[i_input].token;

	for (size_t i = 0; i < sizeof remedies / sizeof *remedies && token->kind == TOKEN_WORD; i++) {
		bool	is_there = remedies[i].after == NULL ? i_input == 0
			: i_input > 0 && str_equal_nocase(token_str(ps->text, &ps->inputs[i_input - 1].token), str_of(remedies[i].after));

		if (is_there && str_equal_nocase(token_str(ps->text, token), str_of(remedies[i].word)))
			return remedies[i].remedy;
	}
	return NULL;
}

static Str
statement_text(const ParseState *ps)
{
	const AstPos first = ps->inputs[0].value.pos;
	const AstPos last = ps->inputs[ps->n_inputs - 1].value.pos;
	size_t		end = (size_t)(last.offset + last.length);

	return str_make(ps->text.data + first.offset, end - (size_t)first.offset);
}

/* What to say about a word that was no name: how to make it one. */
static bool
is_reserved_here(const ParseState *ps, const ParseInput *input)
{
	return input->token.keyword != NULL && input->token.keyword->class == KEYWORD_RESERVED && is_wanted(ps, TK_IDENT);
}

/* Words that say how a query goes on: one of them where a name should be means that something is missing before it. */
static bool
is_clause_word(int code)
{
	switch (code) {
	case TK_FROM: case TK_WHERE: case TK_GROUP: case TK_HAVING: case TK_LIMIT: case TK_ON: case TK_AND: case TK_OR:
	case TK_THEN: case TK_ELSE: case TK_END: case TK_WHEN: case TK_AS: case TK_BY: case TK_IN: case TK_IS: case TK_LIKE:
	case TK_BETWEEN: case TK_JOIN: case TK_INNER: case TK_SELECT: case TK_WITH: case TK_INTO: case TK_WITHIN:
	case TK_WINDOW: case TK_VALUES:
		return true;
	default:
		return false;
	}
}

static void
syntax_hint(ParseState *ps, int i_input)
{
	const ParseInput *input = &ps->inputs[i_input];
	Str			near = token_str(ps->text, &input->token);
	StrBuf		wanted = {0};
	bool		is_clause = is_clause_word(input->code);

	if (i_input > 0 && ps->inputs[i_input - 1].code == TK_COMMA && (is_clause || input->code == TK_RP || input->code == 0))
		error_hint(ps->err, "There is a comma too many");
	else if (is_reserved_here(ps, input) && !is_clause)
		error_hint(ps->err, "%.*s is a reserved word: put it in double quotes to use it as a name", (int)near.length,
				   near.data);
	else {
		wanted_text(ps, &wanted);
		if (wanted.length > 0)
			error_hint(ps->err, "Expected %s", strbuf_text(&wanted));
		else if (is_clause && is_wanted(ps, TK_IDENT))
			error_hint(ps->err, "Expected %s; to use %.*s as a name, put it in double quotes",
					   is_wanted(ps, TK_INTLIT) ? "an expression" : "a name", (int)near.length, near.data);
	}
	strbuf_free(&wanted);
}

void
parse_syntax_error(ParseState *ps, int i_input)
{
	const ParseInput *input = &ps->inputs[i_input];
	AstPos		pos = input->value.pos;
	Str			near = token_str(ps->text, &input->token);
	bool		is_end = input->code == 0;
	const char *suggestion = NULL;

	if (i_input == 0 && input->token.kind == TOKEN_WORD) {
		char	   *word = str_to_arena(ps->arena, near);

		suggestion = str_nearest(word, statement_words, (int)(sizeof statement_words / sizeof *statement_words));
	}
	if (near.length > 60)
		near.length = 60;
	if (ps->options.is_ksqldb) {
		Str		text = statement_text(ps);
		char   *shown = is_end ? arena_strdup(ps->arena, "<EOF>") : str_to_arena(ps->arena, near);
		StrBuf	message = {0};

		strbuf_printf(&message, "Syntax error at or near '%s' at line %d:%d\nline %d:%d: Syntax Error\n", shown, pos.line,
					  pos.column, pos.line, pos.column);
		if (i_input == 0)
			strbuf_printf(&message, "Unknown statement '%s'\n", shown);
		if (suggestion != NULL)
			strbuf_printf(&message, "Did you mean '%s'?\n", suggestion);
		if (is_reserved_here(ps, input))
			strbuf_printf(&message, "\"%s\" is a reserved keyword and it can't be used as an identifier. You can use it as an "
						  "identifier by escaping it as `%s`\n", shown, shown);
		else if (i_input > 0)
			wanted_ksqldb(ps, &message);
		strbuf_printf(&message, "Statement: %.*s", (int)(text.length < 2000 ? text.length : 2000), text.data);
		parse_fail(ps, pos, "%s", strbuf_text(&message));
		strbuf_free(&message);
		return;
	}

	bool		is_first = ps->status == OK;

	if (is_end)
		parse_fail(ps, pos, "The statement ends too early");
	else if (i_input == 0 && input->token.kind == TOKEN_WORD)
		parse_fail(ps, pos, "Unknown statement '%.*s'", (int)near.length, near.data);
	else
		parse_fail(ps, pos, "Syntax error at or near '%.*s'", (int)near.length, near.data);
	if (!is_first)
		return;
	if (remedy_for(ps, i_input) != NULL)
		error_hint(ps->err, "%s", remedy_for(ps, i_input));
	else if (suggestion != NULL)
		error_hint(ps->err, "Did you mean %s?", suggestion);
	else
		syntax_hint(ps, i_input);
}

/* ---- tokens of one statement ---- */

static int
token_code(const ParseState *ps, const Token *token)
{
	switch (token->kind) {
	case TOKEN_WORD:
		if (ps->options.is_ksqldb) {
			for (size_t i = 0; i < token->length; i++) {
				if ((unsigned char)ps->text.data[token->offset + i] >= 0x80)
					return TK_ERROR;
			}
		}
		return token->keyword != NULL && token->keyword->code != 0 ? token->keyword->code : TK_IDENT;
	case TOKEN_QUOTED:
		return TK_IDENT;
	case TOKEN_STRING:
		return TK_STRLIT;
	case TOKEN_INTEGER:
		return TK_INTLIT;
	case TOKEN_DECIMAL:
		return TK_DECLIT;
	case TOKEN_DOUBLE:
		return TK_DBLLIT;
	case TOKEN_VARIABLE:
		return TK_VARIABLE;
	case TOKEN_OPERATOR:
		return token->is_standard && ps->options.is_ksqldb ? TK_ERROR : token->code;
	case TOKEN_END:
	case TOKEN_SEMICOLON:
		return 0;
	default:
		return TK_ERROR;
	}
}

static void
text_fold(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'a' && *text <= 'z')
			*text -= 'a' - 'A';
}

/* 1_000_000: digits in groups.  NULL: the word is none. */
static char *
grouped_digits(Arena *arena, Str word)
{
	char	   *out = arena_alloc(arena, word.length + 1);
	size_t		n = 0;

	for (size_t i = 0; i < word.length; i++) {
		if (word.data[i] >= '0' && word.data[i] <= '9')
			out[n++] = word.data[i];
		else if (word.data[i] != '_' || i + 1 == word.length || word.data[i + 1] == '_')
			return NULL;
	}
	out[n] = '\0';
	return out;
}

/* 0x1F and 0b101 in decimal.  NULL: the word is none, or more than 64 bits. */
static char *
based_digits(Arena *arena, Str word)
{
	char		letter = word.length > 2 && word.data[0] == '0' ? (char)(word.data[1] | 0x20) : '\0';
	char	   *text, *end;
	unsigned long long value;

	if ((letter != 'x' && letter != 'b') || word.length > 66 || word.data[2] == '_')
		return NULL;
	text = str_to_arena(arena, str_make(word.data + 2, word.length - 2));
	errno = 0;
	value = strtoull(text, &end, letter == 'x' ? 16 : 2);
	return *end == '\0' && errno == 0 ? arena_printf(arena, "%llu", value) : NULL;
}

/* What ksqlDB reads as a name that begins with a digit may be a number in the standard dialect. */
static void
word_as_number(const ParseState *ps, ParseInput *input)
{
	Str			word = token_str(ps->text, &input->token);
	char	   *digits;

	if (ps->options.is_ksqldb || word.length == 0 || word.data[0] < '0' || word.data[0] > '9')
		return;
	digits = grouped_digits(ps->arena, word);
	if (digits == NULL)
		digits = based_digits(ps->arena, word);
	if (digits == NULL)
		return;
	input->value.text = digits;
	input->token.kind = TOKEN_INTEGER;
	input->code = TK_INTLIT;
}

/* 1_000.25 comes as 1_000 and .25 */
static bool
number_goes_on(const ParseState *ps, ParseInput *number, const Token *token)
{
	Str			fraction = token_str(ps->text, token);

	if (number->code != TK_INTLIT || (token->kind != TOKEN_DECIMAL && token->kind != TOKEN_DOUBLE) || fraction.data[0] != '.' ||
		token->offset != number->token.offset + number->token.length)
		return false;
	number->value.text = arena_printf(ps->arena, "%s%.*s", number->value.text, (int)fraction.length, fraction.data);
	number->code = token->kind == TOKEN_DECIMAL ? TK_DECLIT : TK_DBLLIT;
	number->token.kind = token->kind;
	number->token.length += token->length;
	number->value.pos.length += (int)token->length;
	return true;
}

static ParseInput
input_make(const ParseState *ps, const Token *token)
{
	ParseInput	input = {.token = *token};

	input.value.pos = (AstPos){token->line, token->column, (int)token->offset, (int)token->length};
	switch (token->kind) {
	case TOKEN_STRING:
	case TOKEN_QUOTED:
		input.value.text = token_content(ps->arena, ps->text, token);
		input.value.is_quoted = true;
		break;
	case TOKEN_VARIABLE:
		input.value.text = arena_strndup(ps->arena, ps->text.data + token->offset + 2, token->length - 3);
		break;
	default:
		input.value.text = arena_strndup(ps->arena, ps->text.data + token->offset, token->length);
		if (token->kind == TOKEN_WORD && ps->options.folds_names)
			text_fold((char *)input.value.text);
		break;
	}
	input.code = token_code(ps, token);
	if (token->kind == TOKEN_WORD)
		word_as_number(ps, &input);
	return input;
}

static void
token_check(ParseState *ps, const Token *token)
{
	AstPos		pos = {token->line, token->column, (int)token->offset, (int)token->length};
	Str			text = token_str(ps->text, token);

	if (token->is_unterminated) {
		pos.length = 1;
		parse_fail(ps, pos, token->kind == TOKEN_COMMENT ? "This comment is not closed by */" :
				   token->kind == TOKEN_STRING ? "This string is not closed by '" : "This quoted name is not closed by %c",
				   text.data[0]);
	} else if ((token->kind == TOKEN_STRING || token->kind == TOKEN_QUOTED) && memchr(text.data, '\0', text.length) != NULL)
		parse_fail(ps, pos, "A quoted text can't contain a NUL byte");
	else if (token->kind == TOKEN_QUOTED && text.length == 2)
		parse_fail(ps, pos, "A name can't be empty");
}

static void
directive_add(ParseState *ps, AstList **list, const Token *token)
{
	AstDirective *directive = arena_new(ps->arena, AstDirective);
	Str			text = str_trim(token_str(ps->text, token));
	size_t		colon = 3;

	while (colon < text.length && text.data[colon] != ':')
		colon++;
	directive->name = str_to_arena(ps->arena, str_trim(str_make(text.data + 3, colon - 3)));
	directive->value = colon < text.length
		? str_to_arena(ps->arena, str_trim(str_make(text.data + colon + 1, text.length - colon - 1))) : "";
	directive->pos = (AstPos){token->line, token->column, (int)token->offset, (int)token->length};
	*list = list_add(ps, *list, directive);
}

typedef struct InputArray {
	ParseInput *items;
	int			n;
	int			capacity;
} InputArray;

/* Reads the tokens up to and with the ';' or the end; the last input has code 0. */
static void
inputs_read(ParseState *ps, Lexer *lexer, InputArray *inputs, AstList **directives)
{
	Token		token;
	int			nesting = 0;

	for (;;) {
		lexer_next(lexer, &token);
		token_check(ps, &token);
		if (token.kind == TOKEN_DIRECTIVE)
			directive_add(ps, directives, &token);
		if (token.kind == TOKEN_COMMENT || token.kind == TOKEN_DIRECTIVE)
			continue;
		if (inputs->n > 0 && number_goes_on(ps, &inputs->items[inputs->n - 1], &token))
			continue;

		ParseInput	input = input_make(ps, &token);

		if (input.code == TK_LP || input.code == TK_LB || input.code == TK_LC || input.code == TK_CASE)
			nesting++;
		else if (input.code == TK_RP || input.code == TK_RB || input.code == TK_RC || input.code == TK_END)
			nesting--;
		if (nesting > NESTING_MAX)
			parse_fail(ps, input.value.pos, "The statement is nested too deeply: more than %d levels of parentheses",
					   NESTING_MAX);
		grow_array(inputs->items, inputs->n, inputs->capacity);
		inputs->items[inputs->n++] = input;
		if (input.code == 0)
			return;
	}
}

/* Gives the inputs to the grammar, from a first token that says what is wanted (0: a statement). */
static void
inputs_parse(ParseState *ps, int start_code)
{
	void	   *grammar = grammar_new();

	context_apply(ps);
	if (start_code != 0)
		grammar_feed(grammar, start_code, (ParseToken){0}, ps);
	for (ps->at = 0; ps->at < ps->n_inputs && ps->status == OK; ps->at++) {
		ParseInput *input = &ps->inputs[ps->at];

		if (input->code != INPUT_SKIP)
			grammar_feed(grammar, input->code, input->value, ps);
	}
	grammar_free(grammar);
	if (ps->status == OK)
		numbers_check(ps);
}

/* ---- entries ---- */

/* The statement's text as a copy in the arena: it lives as long as the tree. */
static void
statement_finish(ParseState *ps, AstList *directives)
{
	AstStatement *statement = ps->statement;

	statement->directives = list_structs(ps, directives, sizeof(AstDirective));
	statement->n_directives = list_length(directives);

	AstPos		first = ps->inputs[0].value.pos;
	AstPos		last = ps->inputs[ps->n_inputs >= 2 ? ps->n_inputs - 2 : 0].value.pos;

	first.length = last.offset + last.length - first.offset;
	statement->pos = first;
	statement->text.data = arena_strndup(ps->arena, ps->text.data + first.offset, (size_t)first.length);
	statement->text.length = (size_t)first.length;
}

/* ksqlDB has no ORDER BY for what it can look up or stream; over files, sub-queries and joins it means what it says. */
static void
statement_check_ksqldb(ParseState *ps)
{
	const AstQuery *query = ps->statement->kind == AST_SELECT ? ps->statement->query : NULL;

	if (query == NULL || query->n_order_by == 0 || query->n_ctes > 0 || query->body->kind != AST_BODY_SELECT)
		return;

	const AstRelation *from = query->body->select->from;

	if (from == NULL || from->kind != AST_RELATION_SOURCE)
		return;
	/* the error stands at BY, where the reference's grammar stops: it takes ORDER for an alias */
	for (int i = 1; i < ps->n_inputs; i++) {
		if (ps->inputs[i].code == TK_BY && ps->inputs[i - 1].code == TK_ORDER &&
			ps->inputs[i].value.pos.offset < query->order_by[0].pos.offset &&
			ps->inputs[i].value.pos.offset > from->pos.offset) {
			parse_syntax_error(ps, i);
			return;
		}
	}
}

static Status
text_check(Str text, Error *err)
{
	if (text.length > INT32_MAX / 2)
		return error_user(err, "The text is too long: more than 1 GiB of SQL");
	return OK;
}

Status
parser_next(Arena *arena, ParserCursor *cursor, ParserOptions options, AstStatement **out, Error *err)
{
	Lexer		lexer;
	InputArray	inputs = {0};
	AstList	   *directives = NULL;
	ParseState	ps = {.arena = arena, .text = cursor->text, .options = options, .err = err};

	TRY(text_check(cursor->text, err));
	lexer_init(&lexer, cursor->text);
	lexer.offset = cursor->offset;
	if (cursor->line > 0) {
		lexer.line = cursor->line;
		lexer.column = cursor->column;
	} else if (options.first_line > 0)
		lexer.line = options.first_line;

	do {
		inputs.n = 0;
		inputs_read(&ps, &lexer, &inputs, &directives);
	} while (inputs.n == 1 && inputs.items[0].token.kind == TOKEN_SEMICOLON && ps.status == OK);

	cursor->offset = lexer.offset;
	cursor->line = lexer.line;
	cursor->column = lexer.column;
	ps.inputs = inputs.items;
	ps.n_inputs = inputs.n;

	if (ps.status == OK && inputs.n == 1)
		ps.status = DONE;
	if (ps.status == OK)
		inputs_parse(&ps, 0);
	if (ps.status == OK && options.needs_terminator && inputs.items[inputs.n - 1].token.kind == TOKEN_END) {
		AstPos	end = inputs.items[inputs.n - 1].value.pos;

		parse_fail(&ps, end, "line %d:%d: Syntax Error\nmissing ';' at '<EOF>'", end.line, end.column);
	}
	if (ps.status == OK && options.is_ksqldb)
		statement_check_ksqldb(&ps);
	if (ps.status == OK) {
		statement_finish(&ps, directives);
		*out = ps.statement;
	}
	free(inputs.items);
	return ps.status;
}

Status
parser_parse(Arena *arena, Str text, ParserOptions options, AstStatementList *out, Error *err)
{
	ParserCursor cursor = {.text = text};
	ParseState	lists = {.arena = arena};
	AstList	   *list = NULL;
	AstStatement *statement = NULL;
	Status		status;

	while ((status = parser_next(arena, &cursor, options, &statement, err)) == OK)
		list = list_add(&lists, list, statement);
	out->items = (AstStatement **)list_pointers(list);
	out->n_items = list_length(list);
	return status == DONE ? OK : status;
}

/* Parses a part of a statement. */
static Status
part_parse(ParseState *ps, int start_code)
{
	Lexer		lexer;
	InputArray	inputs = {0};
	AstList	   *directives = NULL;

	TRY(text_check(ps->text, ps->err));
	lexer_init(&lexer, ps->text);
	inputs_read(ps, &lexer, &inputs, &directives);
	ps->inputs = inputs.items;
	ps->n_inputs = inputs.n;
	if (ps->status == OK && inputs.items[inputs.n - 1].token.kind == TOKEN_SEMICOLON)
		parse_fail(ps, inputs.items[inputs.n - 1].value.pos, "Syntax error at or near ';'");
	if (ps->status == OK)
		inputs_parse(ps, start_code);
	free(inputs.items);
	ps->inputs = NULL;
	return ps->status;
}

Status
parser_parse_expr(Arena *arena, Str text, ParserOptions options, AstExpr **out, Error *err)
{
	ParseState	ps = {.arena = arena, .text = text, .options = options, .err = err};

	TRY(part_parse(&ps, TK_START_EXPR));
	*out = ps.expr;
	return OK;
}

Status
parser_parse_type(Arena *arena, Str text, ParserOptions options, AstType **out, Error *err)
{
	ParseState	ps = {.arena = arena, .text = text, .options = options, .err = err};

	TRY(part_parse(&ps, TK_START_TYPE));
	*out = ps.type;
	return OK;
}

Status
parser_parse_ident(Arena *arena, Str text, AstIdent *out, Error *err)
{
	ParseState	ps = {.arena = arena, .text = text, .err = err};

	TRY(part_parse(&ps, TK_START_NAME));
	*out = ps.ident;
	return OK;
}

const char **
parser_expected(Arena *arena, Str text, int *n, bool *has_name)
{
	Error		error;
	ParseState	ps = {.arena = arena, .text = text, .err = &error, .is_completion = true};
	Lexer		lexer;
	InputArray	inputs = {0};
	AstList	   *directives = NULL;
	AstList	   *words = NULL;

	*n = 0;
	*has_name = false;
	if (text.length > INT32_MAX / 2)
		return NULL;
	lexer_init(&lexer, text);
	do {
		inputs.n = 0;
		inputs_read(&ps, &lexer, &inputs, &directives);
	} while (inputs.items[inputs.n - 1].token.kind == TOKEN_SEMICOLON);
	ps.inputs = inputs.items;
	ps.n_inputs = inputs.n;
	context_apply(&ps);

	void	   *grammar = grammar_new();

	for (ps.at = 0; ps.at < ps.n_inputs - 1 && ps.status == OK; ps.at++) {
		if (ps.inputs[ps.at].code != INPUT_SKIP)
			grammar_feed(grammar, ps.inputs[ps.at].code, ps.inputs[ps.at].value, &ps);
	}
	if (ps.status == OK) {
		ps.n_wanted = grammar_wanted(grammar, ps.wanted, (int)(sizeof ps.wanted / sizeof *ps.wanted));
		for (int i = 0; i < ps.n_wanted; i++) {
			const char *keyword = ps.wanted[i] != 0 ? keyword_name(ps.wanted[i]) : NULL;

			if (keyword != NULL)
				words = list_add(&ps, words, (void *)keyword);
		}
		*has_name = is_wanted(&ps, TK_IDENT);
	}
	grammar_free(grammar);
	free(inputs.items);
	*n = list_length(words);
	return (const char **)list_pointers(words);
}
