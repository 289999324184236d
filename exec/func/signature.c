#include "exec/func/signature.h"

#include <ctype.h>
#include <stdio.h>

#define PATTERN_PARTS_MAX 16

typedef struct SignatureParser {
	Arena	   *arena;
	const char *text;
	const char *at;
	Error	   *err;
} SignatureParser;

static bool
take(SignatureParser *p, const char *token)
{
	size_t n = strlen(token);

	while (*p->at == ' ')
		p->at++;
	if (strncmp(p->at, token, n) != 0)
		return false;
	p->at += n;
	return true;
}

static Status
expect(SignatureParser *p, const char *token)
{
	if (take(p, token))
		return OK;
	return error_bug(p->err, "Bad signature `%s`: expected `%s` at `%s`", p->text, token, p->at);
}

static Str
take_word(SignatureParser *p)
{
	const char *start;

	while (*p->at == ' ')
		p->at++;
	start = p->at;
	if (*p->at == '`') {
		const char *end = strchr(start + 1, '`');

		if (end != NULL) {
			p->at = end + 1;
			return str_make(start + 1, (size_t)(end - start - 1));
		}
	}
	while (isalnum((unsigned char)*p->at) || *p->at == '_')
		p->at++;
	return str_make(start, (size_t)(p->at - start));
}

static Status parse_pattern(SignatureParser *p, Pattern *out);

static Status
add_part(SignatureParser *p, Pattern *out)
{
	if (out->parts == NULL)
		out->parts = arena_array(p->arena, Pattern, PATTERN_PARTS_MAX);
	if (out->n_parts == PATTERN_PARTS_MAX)
		return error_bug(p->err, "Bad signature `%s`: too many parts", p->text);
	TRY(parse_pattern(p, &out->parts[out->n_parts]));
	out->has_variable |= out->parts[out->n_parts].has_variable;
	out->n_parts++;
	return OK;
}

static Status
parse_struct(SignatureParser *p, Pattern *out)
{
	out->kind = PATTERN_ANY_STRUCT;
	if (!take(p, "<"))
		return OK;
	out->kind = PATTERN_STRUCT;
	out->names = arena_array(p->arena, const char *, PATTERN_PARTS_MAX);
	do {
		Str name = take_word(p);

		if (out->n_parts < PATTERN_PARTS_MAX)
			out->names[out->n_parts] = str_to_arena(p->arena, name);
		TRY(add_part(p, out));
	} while (take(p, ","));
	return expect(p, ">");
}

/* Behind `(`: the parameters and the result of a lambda. */
static Status
parse_lambda(SignatureParser *p, Pattern *out)
{
	out->kind = PATTERN_LAMBDA;
	do
		TRY(add_part(p, out));
	while (take(p, ","));
	TRY(expect(p, ")"));
	TRY(expect(p, "=>"));
	return add_part(p, out);
}

static Status
parse_decimal(SignatureParser *p, Pattern *out)
{
	int precision;
	int scale;
	int n = 0;

	out->kind = PATTERN_DECIMAL;
	if (*p->at != '(')
		return OK;
	if (sscanf(p->at, "(%d, %d)%n", &precision, &scale, &n) < 2 || n == 0)
		return error_bug(p->err, "Bad signature `%s`: bad DECIMAL", p->text);
	p->at += n;
	out->kind = PATTERN_TYPE;
	out->type = type_decimal(precision, scale);
	return OK;
}

static Status
parse_pattern(SignatureParser *p, Pattern *out)
{
	Str word;

	*out = (Pattern){0};
	if (take(p, "("))
		return parse_lambda(p, out);
	word = take_word(p);
	if (word.length == 1 && isupper((unsigned char)word.data[0])) {
		out->kind = PATTERN_VARIABLE;
		out->variable = word.data[0] - 'A';
		out->has_variable = true;
	} else if (str_equal(word, STR("ARRAY"))) {
		out->kind = PATTERN_ARRAY;
		TRY(expect(p, "<"));
		TRY(add_part(p, out));
		TRY(expect(p, ">"));
	} else if (str_equal(word, STR("MAP"))) {
		out->kind = PATTERN_MAP;
		TRY(expect(p, "<"));
		TRY(add_part(p, out));
		TRY(expect(p, ","));
		TRY(add_part(p, out));
		TRY(expect(p, ">"));
	} else if (str_equal(word, STR("STRUCT"))) {
		TRY(parse_struct(p, out));
	} else if (str_equal(word, STR("DECIMAL"))) {
		TRY(parse_decimal(p, out));
	} else if (str_equal(word, STR("NUMBER"))) {
		out->kind = PATTERN_NUMBER;
	} else if (str_equal(word, STR("ANY"))) {
		out->kind = PATTERN_ANY;
	} else if (str_equal(word, STR("UNIT"))) {
		out->kind = PATTERN_TYPE;
		out->type = type_unit;
	} else {
		out->kind = PATTERN_TYPE;
		TRY(type_parse(word, &out->type, p->err));
	}
	return OK;
}

Status
signature_parse(Arena *arena, const char *text, Signature *out, Error *err)
{
	SignatureParser p = {arena, text, text, err};

	*out = (Signature){.variadic = -1, .parameters = arena_array(arena, Pattern, PATTERN_PARTS_MAX)};
	TRY(expect(&p, "("));
	while (!take(&p, ")")) {
		Pattern *parameter = &out->parameters[out->n_parameters];

		if (out->n_parameters == PATTERN_PARTS_MAX)
			return error_bug(err, "Bad signature `%s`: too many parameters", text);
		if (out->n_parameters > 0)
			TRY(expect(&p, ","));
		TRY(parse_pattern(&p, parameter));
		for (;;) {
			if (take(&p, "...")) {
				parameter->is_variadic = true;
				out->variadic = out->n_parameters;
			} else if (take(&p, "!")) {
				parameter->null_is_error = true;
			} else {
				break;
			}
		}
		out->n_variables += parameter->has_variable;
		out->n_parameters++;
	}
	TRY(expect(&p, "->"));
	if (take(&p, "=")) {
		out->result.kind = PATTERN_RESOLVED;
		return OK;
	}
	return parse_pattern(&p, &out->result);
}

bool
signature_accepts_count(const Signature *signature, int n_args)
{
	return signature->variadic < 0 ? n_args == signature->n_parameters : n_args >= signature->n_parameters - 1;
}

const Pattern *
signature_parameter(const Signature *signature, int i, int n_args)
{
	int n_repeats;

	if (!signature_accepts_count(signature, n_args))
		return NULL;
	if (signature->variadic < 0 || i < signature->variadic)
		return &signature->parameters[i];
	n_repeats = n_args - (signature->n_parameters - 1);
	if (i < signature->variadic + n_repeats)
		return &signature->parameters[signature->variadic];
	return &signature->parameters[i - n_repeats + 1];
}

static void
pattern_print(const Pattern *p, StrBuf *out)
{
	switch (p->kind) {
	case PATTERN_TYPE:
		type_print(p->type, out);
		break;
	case PATTERN_VARIABLE:
		strbuf_add_char(out, (char)('A' + p->variable));
		break;
	case PATTERN_DECIMAL:
		strbuf_add_text(out, "DECIMAL");
		break;
	case PATTERN_NUMBER:
		strbuf_add_text(out, "NUMBER");
		break;
	case PATTERN_ANY:
		strbuf_add_text(out, "ANY");
		break;
	case PATTERN_ANY_STRUCT:
		strbuf_add_text(out, "STRUCT");
		break;
	case PATTERN_ARRAY:
	case PATTERN_MAP:
	case PATTERN_STRUCT:
		strbuf_add_text(out, p->kind == PATTERN_ARRAY ? "ARRAY<" : p->kind == PATTERN_MAP ? "MAP<" : "STRUCT<");
		for (int i = 0; i < p->n_parts; i++) {
			if (i > 0)
				strbuf_add_text(out, ", ");
			if (p->kind == PATTERN_STRUCT)
				strbuf_printf(out, "%s ", p->names[i]);
			pattern_print(&p->parts[i], out);
		}
		strbuf_add_char(out, '>');
		break;
	case PATTERN_LAMBDA:
		strbuf_add_text(out, "(");
		for (int i = 0; i < p->n_parts - 1; i++) {
			if (i > 0)
				strbuf_add_text(out, ", ");
			pattern_print(&p->parts[i], out);
		}
		strbuf_add_text(out, ") => ");
		pattern_print(&p->parts[p->n_parts - 1], out);
		break;
	case PATTERN_RESOLVED:
		break;
	}
	if (p->is_variadic)
		strbuf_add_text(out, "...");
}

void
signature_print(const char *name, const Signature *signature, StrBuf *out)
{
	strbuf_printf(out, "%s(", name);
	for (int i = 0; i < signature->n_parameters; i++) {
		if (i > 0)
			strbuf_add_text(out, ", ");
		pattern_print(&signature->parameters[i], out);
	}
	strbuf_add_char(out, ')');
}
