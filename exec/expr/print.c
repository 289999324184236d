/* Expressions as SQL, for EXPLAIN. */
#include <ctype.h>

#include "common/hex.h"
#include "exec/expr/program_impl.h"

/* Binding strength: what needs parentheses inside what. */
enum { BIND_OR = 1, BIND_AND, BIND_NOT, BIND_PREDICATE, BIND_SUM, BIND_PRODUCT, BIND_UNARY, BIND_POSTFIX };

static int
binding_of(const Expr *e)
{
	switch (e->kind) {
	case EXPR_OR:
		return BIND_OR;
	case EXPR_AND:
		return BIND_AND;
	case EXPR_NOT:
		return BIND_NOT;
	case EXPR_COMPARE:
	case EXPR_DISTINCT_FROM:
	case EXPR_IS_NULL:
	case EXPR_IN:
	case EXPR_LIKE:
		return BIND_PREDICATE;
	case EXPR_ARITHMETIC:
		return e->op == ARITH_ADD || e->op == ARITH_SUB ? BIND_SUM : BIND_PRODUCT;
	case EXPR_NEGATE:
		return BIND_UNARY;
	default:
		return BIND_POSTFIX;
	}
}

static void print(const Expr *e, int least, StrBuf *out);

static void
print_constant(const Value *v, StrBuf *out)
{
	if (v->is_null) {
		strbuf_add_text(out, "NULL");
		return;
	}
	switch (v->type->kind) {
	case TYPE_BOOLEAN:
		strbuf_add_text(out, v->boolean ? "TRUE" : "FALSE");
		break;
	case TYPE_STRING:
		strbuf_add_quoted(out, v->text, '\'');
		break;
	case TYPE_BYTES:
		strbuf_add_text(out, "X'");
		hex_add_encoded(out, v->text, true);
		strbuf_add_char(out, '\'');
		break;
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_TIMESTAMP:
	case TYPE_INTERVAL:
		type_print(v->type, out);
		strbuf_add_text(out, " '");
		cast_add_text(v, true, out);
		strbuf_add_char(out, '\'');
		break;
	case TYPE_UNIT:
		strbuf_add_text(out, v->integer == 86400000 ? "DAYS"
							 : v->integer == 3600000 ? "HOURS"
							 : v->integer == 60000	 ? "MINUTES"
							 : v->integer == 1000	 ? "SECONDS"
													 : "MILLISECONDS");
		break;
	case TYPE_ARRAY:
		strbuf_add_text(out, "ARRAY[");
		for (uint32_t i = 0; i < v->n_items; i++) {
			strbuf_add_text(out, i > 0 ? ", " : "");
			print_constant(&v->items[i], out);
		}
		strbuf_add_char(out, ']');
		break;
	case TYPE_MAP:
		strbuf_add_text(out, "MAP(");
		for (uint32_t i = 0; i < v->n_items; i++) {
			strbuf_add_text(out, i > 0 ? ", " : "");
			print_constant(&v->items[2 * i], out);
			strbuf_add_text(out, " := ");
			print_constant(&v->items[2 * i + 1], out);
		}
		strbuf_add_char(out, ')');
		break;
	case TYPE_STRUCT:
		strbuf_add_text(out, "STRUCT(");
		for (uint32_t i = 0; i < v->n_items; i++) {
			strbuf_printf(out, "%s%s := ", i > 0 ? ", " : "", v->type->fields[i].name);
			print_constant(&v->items[i], out);
		}
		strbuf_add_char(out, ')');
		break;
	default:
		cast_add_text(v, true, out);
		break;
	}
}

static void
print_list(const Expr *e, int from, StrBuf *out)
{
	for (int i = from; i < e->n_args; i++) {
		if (i > from)
			strbuf_add_text(out, ", ");
		print(e->args[i], 0, out);
	}
}

static void
print_joined(const Expr *e, const char *word, int binding, StrBuf *out)
{
	for (int i = 0; i < e->n_args; i++) {
		if (i > 0)
			strbuf_add_text(out, word);
		print(e->args[i], binding, out);
	}
}

static void
print_case(const Expr *e, StrBuf *out)
{
	int i;

	strbuf_add_text(out, "CASE");
	for (i = 0; i + 1 < e->n_args; i += 2) {
		strbuf_add_text(out, " WHEN ");
		print(e->args[i], 0, out);
		strbuf_add_text(out, " THEN ");
		print(e->args[i + 1], 0, out);
	}
	if (i < e->n_args) {
		strbuf_add_text(out, " ELSE ");
		print(e->args[i], 0, out);
	}
	strbuf_add_text(out, " END");
}

/* Names that need no quotes are letters, digits and underscores. */
static void
print_name(const char *name, StrBuf *out)
{
	bool plain = isalpha((unsigned char)name[0]) || name[0] == '_';

	for (const char *c = name; *c != '\0'; c++)
		plain = plain && (isalnum((unsigned char)*c) || *c == '_' || *c == '.');
	if (plain)
		strbuf_add_text(out, name);
	else
		strbuf_printf(out, "`%s`", name);
}

static void
print_node(const Expr *e, StrBuf *out)
{
	static const char *const arithmetic[] = {" + ", " - ", " * ", " / ", " % "};
	static const char *const compare[] = {" = ", " <> ", " < ", " <= ", " > ", " >= "};
	int						 binding = binding_of(e);

	switch (e->kind) {
	case EXPR_COLUMN:
		if (e->name != NULL)
			print_name(e->name, out);
		else
			strbuf_printf(out, "$%d", e->index);
		break;
	case EXPR_CONSTANT:
		print_constant(&e->constant, out);
		break;
	case EXPR_PARAMETER:
		if (e->name != NULL)
			strbuf_add_text(out, e->name);
		else
			strbuf_printf(out, "x%d", e->index);
		break;
	case EXPR_CALL:
		strbuf_printf(out, "%s(", e->name != NULL ? e->name : e->function->name);
		print_list(e, 0, out);
		strbuf_add_char(out, ')');
		break;
	case EXPR_LAMBDA:
		strbuf_printf(out, "(%s) => ", e->name != NULL ? e->name : "...");
		print(e->args[0], 0, out);
		break;
	case EXPR_CAST:
		strbuf_add_text(out, "CAST(");
		print(e->args[0], 0, out);
		strbuf_add_text(out, " AS ");
		type_print(e->type, out);
		strbuf_add_char(out, ')');
		break;
	case EXPR_ARITHMETIC:
		print(e->args[0], binding, out);
		strbuf_add_text(out, arithmetic[e->op]);
		print(e->args[1], binding + 1, out);
		break;
	case EXPR_NEGATE:
		strbuf_add_char(out, '-');
		print(e->args[0], BIND_POSTFIX, out);
		break;
	case EXPR_COMPARE:
		print(e->args[0], BIND_SUM, out);
		strbuf_add_text(out, compare[e->op]);
		print(e->args[1], BIND_SUM, out);
		break;
	case EXPR_DISTINCT_FROM:
		print(e->args[0], BIND_SUM, out);
		strbuf_add_text(out, e->negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ");
		print(e->args[1], BIND_SUM, out);
		break;
	case EXPR_AND:
		print_joined(e, " AND ", binding + 1, out);
		break;
	case EXPR_OR:
		print_joined(e, " OR ", binding + 1, out);
		break;
	case EXPR_NOT:
		strbuf_add_text(out, "NOT ");
		print(e->args[0], binding, out);
		break;
	case EXPR_IS_NULL:
		print(e->args[0], BIND_SUM, out);
		strbuf_add_text(out, e->negated ? " IS NOT NULL" : " IS NULL");
		break;
	case EXPR_IN:
		print(e->args[0], BIND_SUM, out);
		strbuf_add_text(out, e->negated ? " NOT IN (" : " IN (");
		print_list(e, 1, out);
		strbuf_add_char(out, ')');
		break;
	case EXPR_LIKE:
		print(e->args[0], BIND_SUM, out);
		strbuf_add_text(out, e->negated ? " NOT LIKE " : " LIKE ");
		print(e->args[1], BIND_SUM, out);
		if (e->escape != 0)
			strbuf_printf(out, " ESCAPE '%c'", e->escape);
		break;
	case EXPR_CASE:
		print_case(e, out);
		break;
	case EXPR_FIELD:
		print(e->args[0], binding, out);
		strbuf_add_text(out, "->");
		print_name(e->args[0]->type->fields[e->index].name, out);
		break;
	case EXPR_SUBSCRIPT:
		print(e->args[0], binding, out);
		strbuf_add_char(out, '[');
		print(e->args[1], 0, out);
		strbuf_add_char(out, ']');
		break;
	case EXPR_ARRAY:
		strbuf_add_text(out, "ARRAY[");
		print_list(e, 0, out);
		strbuf_add_char(out, ']');
		break;
	case EXPR_MAP:
		strbuf_add_text(out, "MAP(");
		for (int i = 0; i + 1 < e->n_args; i += 2) {
			strbuf_add_text(out, i > 0 ? ", " : "");
			print(e->args[i], 0, out);
			strbuf_add_text(out, " := ");
			print(e->args[i + 1], 0, out);
		}
		strbuf_add_char(out, ')');
		break;
	case EXPR_STRUCT:
		strbuf_add_text(out, "STRUCT(");
		for (int i = 0; i < e->n_args; i++) {
			strbuf_printf(out, "%s%s := ", i > 0 ? ", " : "", e->type->fields[i].name);
			print(e->args[i], 0, out);
		}
		strbuf_add_char(out, ')');
		break;
	}
}

static void
print(const Expr *e, int least, StrBuf *out)
{
	bool parentheses = binding_of(e) < least;

	if (parentheses)
		strbuf_add_char(out, '(');
	print_node(e, out);
	if (parentheses)
		strbuf_add_char(out, ')');
}

void
expr_print(const Expr *e, StrBuf *out)
{
	print(e, 0, out);
}
