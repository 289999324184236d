/* Text to tokens.  One pass, no look-back; the longest match wins, as in the dialect that we follow. */
#include "parser/lexer.h"

#include "grammar.h"

static bool
is_word_start(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(unsigned char c)
{
	return is_word_start(c) || is_digit(c) || c == '@';
}

static bool
is_space(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void
lexer_init(Lexer *lexer, Str text)
{
	*lexer = (Lexer){.text = text, .line = 1, .column = 1};
}

/* The byte at offset + n, or 0 behind the end; callers that care about NUL bytes check the offset. */
static unsigned char
peek(const Lexer *lexer, size_t n)
{
	return lexer->offset + n < lexer->text.length ? (unsigned char)lexer->text.data[lexer->offset + n] : 0;
}

static void
advance(Lexer *lexer, size_t n)
{
	for (size_t i = 0; i < n && lexer->offset < lexer->text.length; i++) {
		if (lexer->text.data[lexer->offset++] == '\n') {
			lexer->line++;
			lexer->column = 1;
		} else
			lexer->column++;
	}
}

/* Length of a quoted token that begins here; a doubled quote is content. */
static size_t
quoted_length(const Lexer *lexer, char quote, bool *is_unterminated)
{
	size_t	left = lexer->text.length - lexer->offset;
	const char *p = lexer->text.data + lexer->offset;

	for (size_t i = 1; i < left; i++) {
		if (p[i] != quote)
			continue;
		if (i + 1 < left && p[i + 1] == quote)
			i++;
		else
			return i + 1;
	}
	*is_unterminated = true;
	return left;
}

/* Digits that may continue a number at n; returns the offset behind them. */
static size_t
skip_digits(const Lexer *lexer, size_t n)
{
	while (is_digit(peek(lexer, n)))
		n++;
	return n;
}

/* Behind an exponent that stands at n, or n if there is none. */
static size_t
skip_exponent(const Lexer *lexer, size_t n)
{
	size_t	i = n;

	if (peek(lexer, i) != 'e' && peek(lexer, i) != 'E')
		return n;
	i++;
	if (peek(lexer, i) == '+' || peek(lexer, i) == '-')
		i++;
	return is_digit(peek(lexer, i)) ? skip_digits(lexer, i) : n;
}

/* A number, or a digit-led name when that is longer (1e5 is a number, 1e5x and 1abc are names). */
static void
read_number(const Lexer *lexer, Token *token)
{
	size_t	n = skip_digits(lexer, 0);
	size_t	word = n;

	token->kind = TOKEN_INTEGER;
	if (peek(lexer, n) == '.') {
		n = skip_digits(lexer, n + 1);
		token->kind = TOKEN_DECIMAL;
	}
	size_t	behind = skip_exponent(lexer, n);

	if (behind > n) {
		n = behind;
		token->kind = TOKEN_DOUBLE;
	}
	while (is_word(peek(lexer, word)))
		word++;
	if (word > n) {
		n = word;
		token->kind = TOKEN_WORD;
	}
	token->length = n;
}

static const struct {
	char	text[5];
	int		code;
	bool	is_standard;		/* no operator of ksqlDB */
} operators[] = {
	/* longer ones first */
	{"!~~*", TK_NOT_ILIKE_OP, true}, {"!~~", TK_NOT_LIKE_OP, true}, {"~~*", TK_ILIKE_OP, true}, {"!~*", TK_NOT_MATCH_NOCASE, true},
	{"->>", TK_ARROW_TEXT, true}, {"!~", TK_NOT_MATCH, true}, {"~*", TK_MATCH_NOCASE, true}, {"~~", TK_LIKE_OP, true},
	{"^@", TK_STARTS, true}, {"**", TK_POWER, true}, {"//", TK_DIV, true}, {"==", TK_EQ, true},
	{"<>", TK_NEQ, false}, {"!=", TK_NEQ, false}, {"<=", TK_LTE, false}, {">=", TK_GTE, false}, {"||", TK_CONCAT, false},
	{"->", TK_ARROW, false}, {"=>", TK_LAMBDA, false}, {":=", TK_ASSIGN, false}, {"::", TK_DCOLON, false},
	{"<<", TK_SHIFT_LEFT, true}, {"&", TK_BIT_AND, true}, {"|", TK_BIT_OR, true},
	{"~", TK_MATCH, true}, {"^", TK_POWER, true}, {"{", TK_LC, true}, {"}", TK_RC, true}, {":", TK_COLON, true},
	{"=", TK_EQ, false}, {"<", TK_LT, false}, {">", TK_GT, false}, {"+", TK_PLUS, false}, {"-", TK_MINUS, false},
	{"*", TK_STAR, false}, {"/", TK_SLASH, false}, {"%", TK_PERCENT, false}, {"(", TK_LP, false}, {")", TK_RP, false},
	{"[", TK_LB, false}, {"]", TK_RB, false}, {",", TK_COMMA, false}, {".", TK_DOT, false}, {"?", TK_QUESTION, false},
};

static void
read_operator(const Lexer *lexer, Token *token)
{
	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
		size_t	length = strlen(operators[i].text);

		if (lexer->text.length - lexer->offset < length || memcmp(lexer->text.data + lexer->offset, operators[i].text, length) != 0)
			continue;
		token->kind = TOKEN_OPERATOR;
		token->code = operators[i].code;
		token->is_standard = operators[i].is_standard;
		token->length = length;
		return;
	}
	token->kind = TOKEN_ERROR;
	token->length = 1;
}

static void
read_line_comment(const Lexer *lexer, Token *token)
{
	size_t	n = 2;

	while (lexer->offset + n < lexer->text.length && peek(lexer, n) != '\n')
		n++;
	token->kind = peek(lexer, 2) == '@' ? TOKEN_DIRECTIVE : TOKEN_COMMENT;
	token->length = n;
}

static void
read_block_comment(const Lexer *lexer, Token *token)
{
	size_t	left = lexer->text.length - lexer->offset;
	size_t	n = 2;

	while (n + 1 < left && !(peek(lexer, n) == '*' && peek(lexer, n + 1) == '/'))
		n++;
	token->kind = TOKEN_COMMENT;
	token->is_unterminated = n + 1 >= left;
	token->length = token->is_unterminated ? left : n + 2;
}

static void
read_variable(const Lexer *lexer, Token *token)
{
	size_t	left = lexer->text.length - lexer->offset;
	size_t	n = 2;

	while (n < left && is_word(peek(lexer, n)))
		n++;
	token->kind = TOKEN_VARIABLE;
	if (n < left && n > 2 && peek(lexer, n) == '}')
		token->length = n + 1;
	else {
		token->kind = TOKEN_ERROR;
		token->length = 1;
	}
}

void
lexer_next(Lexer *lexer, Token *token)
{
	while (lexer->offset < lexer->text.length && is_space(peek(lexer, 0)))
		advance(lexer, 1);

	*token = (Token){.offset = lexer->offset, .line = lexer->line, .column = lexer->column};
	if (lexer->offset >= lexer->text.length)
		return;

	unsigned char c = peek(lexer, 0);

	if (is_word_start(c)) {
		token->kind = TOKEN_WORD;
		while (is_word(peek(lexer, token->length)))
			token->length++;
		token->keyword = keyword_find(token_str(lexer->text, token));
	} else if (is_digit(c) || (c == '.' && is_digit(peek(lexer, 1))))
		read_number(lexer, token);
	else if (c == '\'') {
		token->kind = TOKEN_STRING;
		token->length = quoted_length(lexer, '\'', &token->is_unterminated);
	} else if (c == '`' || c == '"') {
		token->kind = TOKEN_QUOTED;
		token->length = quoted_length(lexer, (char)c, &token->is_unterminated);
	} else if (c == '-' && peek(lexer, 1) == '-')
		read_line_comment(lexer, token);
	else if (c == '/' && peek(lexer, 1) == '*')
		read_block_comment(lexer, token);
	else if (c == '$' && peek(lexer, 1) == '{')
		read_variable(lexer, token);
	else if (c == ';') {
		token->kind = TOKEN_SEMICOLON;
		token->length = 1;
	} else
		read_operator(lexer, token);
	advance(lexer, token->length);
}

char *
token_content(Arena *arena, Str text, const Token *token)
{
	const char *p = text.data + token->offset;
	char   *out = arena_alloc(arena, token->length + 1);
	size_t	n = 0;

	for (size_t i = 1; i + 1 < token->length; i++) {
		out[n++] = p[i];
		if (p[i] == p[0])
			i++;
	}
	out[n] = '\0';
	return out;
}

size_t
lexer_statement_end(Str text, LexerOpen *open)
{
	Lexer	lexer;
	Token	token;
	LexerOpen state = LEXER_EMPTY;
	int		depth = 0;

	lexer_init(&lexer, text);
	for (;;) {
		lexer_next(&lexer, &token);
		if (token.kind == TOKEN_END)
			break;
		if (token.kind == TOKEN_SEMICOLON) {
			state = LEXER_COMPLETE;
			break;
		}
		if (token.is_unterminated) {
			state = token.kind == TOKEN_STRING ? LEXER_IN_STRING
				: token.kind == TOKEN_QUOTED ? LEXER_IN_QUOTED : LEXER_IN_COMMENT;
			break;
		}
		if (token.kind == TOKEN_COMMENT || token.kind == TOKEN_DIRECTIVE)
			continue;
		if (token.kind == TOKEN_OPERATOR && (token.code == TK_LP || token.code == TK_LB || token.code == TK_LC))
			depth++;
		else if (token.kind == TOKEN_OPERATOR && (token.code == TK_RP || token.code == TK_RB || token.code == TK_RC))
			depth--;
		state = depth > 0 ? LEXER_IN_PARENTHESES : LEXER_IN_STATEMENT;
	}
	if (open != NULL)
		*open = state;
	return lexer.offset;
}
