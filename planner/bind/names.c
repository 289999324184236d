/* Identifiers of the two dialects, sources by name, and expressions as ksqlDB's messages show them. */
#include <ctype.h>

#include "planner/bind/bind.h"

const char *
bind_name(PlannerContext *context, AstIdent ident)
{
	char *name;

	if (ident.text == NULL)
		return NULL;
	name = arena_strdup(context->arena, ident.text);
	if (!context->standard && !ident.is_quoted)
		for (char *p = name; *p != '\0'; p++)
			*p = (char)toupper((unsigned char)*p);
	return name;
}

Str
ident_str(AstIdent ident)
{
	return str_of(ident.text);
}

/* Standard: quoted or not, a name is found exactly or without regard to case. */
bool
name_matches(bool standard, const char *stored, const char *name, bool exact_only)
{
	if (strcmp(stored, name) == 0)
		return true;
	return standard && !exact_only && str_equal_nocase(str_of(stored), str_of(name));
}

Status
error_at_pos(Error *err, AstPos pos)
{
	if (pos.line > 0)
		error_at(err, pos.line, pos.column, pos.length);
	return FAILED;
}

const char *
clause_name(Clause clause)
{
	static const char *const names[] = {"SELECT", "WHERE", "GROUP BY", "PARTITION BY", "HAVING", "JOIN ON", "ORDER BY",
										"QUALIFY", "LIMIT", "VALUES", "expression"};

	return names[clause];
}

bool
name_is_pseudo(const char *name)
{
	static const char *const names[] = {"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

Status
error_unknown_source(PlannerContext *context, AstIdent name, const char *prefix, Error *err)
{
	const char			  *stored = bind_name(context, name);
	const CatalogSnapshot *catalog = context->catalog;
	int					   n = catalog_n_sources(catalog);
	const char			 **names = arena_array(context->arena, const char *, n + 1);
	const char			  *near;

	for (int i = 0; i < n; i++)
		names[i] = catalog_source_at(catalog, i)->name;
	if (context->standard) {
		near = str_nearest(stored, names, n);
		if (near != NULL)
			error_user(err, "Unknown stream or table `%s`. Did you mean `%s`?", stored, near);
		else
			error_user(err, "Unknown stream or table `%s`.", stored);
		return error_at_pos(err, name.pos);
	}
	error_user(err, "%s%s does not exist.", prefix, stored);
	for (int i = 0; i < n; i++) {
		if (!str_equal_nocase(str_of(names[i]), str_of(stored)) || strcmp(names[i], stored) == 0)
			continue;
		if (name.is_quoted)
			error_user(err, "%s%s does not exist.\nDid you mean %s? Hint: try removing double quotes from the source name.", prefix,
					   stored, names[i]);
		else
			error_user(err,
					   "%s%s does not exist.\nDid you mean \"%s\"? Hint: wrap the source name in double quotes to make it "
					   "case-sensitive.",
					   prefix, stored, names[i]);
		break;
	}
	return error_at_pos(err, name.pos);
}

Status
bind_source_name(PlannerContext *context, AstIdent name, const CatalogSource **out, Error *err)
{
	const char			*stored = bind_name(context, name);
	const CatalogSource *found = catalog_source(context->catalog, str_of(stored));
	int					 n_found = 0;

	if (found == NULL && context->standard) {
		for (int i = 0; i < catalog_n_sources(context->catalog); i++) {
			const CatalogSource *s = catalog_source_at(context->catalog, i);

			if (str_equal_nocase(str_of(s->name), str_of(stored))) {
				found = s;
				n_found++;
			}
		}
		if (n_found > 1) {
			error_user(err, "`%s` is ambiguous: several names differ from it only in case. Write one of them exactly.", stored);
			return error_at_pos(err, name.pos);
		}
	}
	if (found == NULL) {
		context->missed_source = true;
		return error_unknown_source(context, name, "Exception while preparing statement: ", err);
	}
	*out = found;
	return OK;
}

void
bind_print_name(const char *stored, bool standard, StrBuf *out)
{
	bool plain = isalpha((unsigned char)stored[0]) || stored[0] == '_';

	for (const char *p = stored; *p != '\0' && plain; p++) {
		unsigned char c = (unsigned char)*p;

		if (!isalnum(c) && c != '_')
			plain = false;
		if (!standard && islower(c))
			plain = false;
	}
	if (plain) {
		strbuf_add_text(out, stored);
		return;
	}
	strbuf_add_char(out, '`');
	for (const char *p = stored; *p != '\0'; p++) {
		if (*p == '`')
			strbuf_add_char(out, '`');
		strbuf_add_char(out, *p);
	}
	strbuf_add_char(out, '`');
}

/* ---- expressions as text ---- */

typedef struct AstPrinter {
	Binder		*binder;
	const Scope *scope;
	StrBuf		*out;
} AstPrinter;

static void print_node(AstPrinter *p, const AstExpr *e);

static void
print_list(AstPrinter *p, AstExpr *const *args, int n)
{
	for (int i = 0; i < n; i++) {
		if (i > 0)
			strbuf_add_text(p->out, ", ");
		print_node(p, args[i]);
	}
}

static void
print_column(AstPrinter *p, const AstExpr *e)
{
	const ScopeColumn *column = NULL;
	Error			   ignored;

	if (p->scope != NULL && scope_try(p->binder, p->scope, e->qualifier, e->name, &column, &ignored) == OK && column != NULL) {
		strbuf_add_text(p->out, column->print_name != NULL ? column->print_name : column->name);
		return;
	}
	if (e->qualifier.text != NULL)
		strbuf_printf(p->out, "%s.", bind_name(p->binder->context, e->qualifier));
	strbuf_add_text(p->out, bind_name(p->binder->context, e->name));
}

static void
print_type(AstPrinter *p, const AstType *t)
{
	switch (t->kind) {
	case AST_TYPE_NAMED:
		strbuf_add_text(p->out, bind_name(p->binder->context, t->name));
		if (t->n_params > 0) {
			strbuf_add_char(p->out, '(');
			for (int i = 0; i < t->n_params; i++)
				strbuf_printf(p->out, "%s%s", i > 0 ? ", " : "", t->params[i]);
			strbuf_add_char(p->out, ')');
		}
		break;
	case AST_TYPE_ARRAY:
		strbuf_add_text(p->out, "ARRAY<");
		print_type(p, t->element);
		strbuf_add_char(p->out, '>');
		break;
	case AST_TYPE_MAP:
		strbuf_add_text(p->out, "MAP<");
		print_type(p, t->key);
		strbuf_add_text(p->out, ", ");
		print_type(p, t->element);
		strbuf_add_char(p->out, '>');
		break;
	case AST_TYPE_STRUCT:
		strbuf_add_text(p->out, "STRUCT<");
		for (int i = 0; i < t->n_fields; i++) {
			strbuf_printf(p->out, "%s%s ", i > 0 ? ", " : "", bind_name(p->binder->context, t->fields[i].name));
			print_type(p, t->fields[i].type);
		}
		strbuf_add_char(p->out, '>');
		break;
	}
}

static void
print_node(AstPrinter *p, const AstExpr *e)
{
	StrBuf		   *out = p->out;
	PlannerContext *context = p->binder->context;

	switch (e->kind) {
	case AST_NULL:
		strbuf_add_text(out, "null");
		break;
	case AST_BOOLEAN:
		strbuf_add_text(out, e->boolean ? "true" : "false");
		break;
	case AST_INTEGER:
	case AST_BIGINT:
	case AST_DECIMAL:
	case AST_DOUBLE:
	case AST_UNIT:
		strbuf_add_text(out, e->text);
		break;
	case AST_STRING:
		strbuf_add_quoted(out, str_of(e->text), '\'');
		break;
	case AST_TYPED_LITERAL:
		strbuf_printf(out, "%s ", e->name.text);
		strbuf_add_quoted(out, str_of(e->text), '\'');
		break;
	case AST_INTERVAL:
		strbuf_add_text(out, "INTERVAL ");
		if (e->text != NULL)
			strbuf_add_quoted(out, str_of(e->text), '\'');
		else if (e->arg != NULL)
			print_node(p, e->arg);
		if (e->has_unit)
			strbuf_printf(out, " %s", ast_unit_name(e->unit));
		break;
	case AST_COLUMN:
		print_column(p, e);
		break;
	case AST_STAR:
		strbuf_add_char(out, '*');
		break;
	case AST_QUALIFIED_STAR:
		strbuf_printf(out, "%s.*", bind_name(context, e->qualifier));
		break;
	case AST_VARIABLE:
		strbuf_printf(out, "${%s}", e->text);
		break;
	case AST_PARAMETER:
		strbuf_add_char(out, '?');
		break;
	case AST_UNARY:
		if (e->op == AST_OP_NOT) {
			strbuf_add_text(out, "(NOT ");
			print_node(p, e->arg);
			strbuf_add_char(out, ')');
		} else {
			strbuf_add_text(out, e->op == AST_OP_NEGATE ? "-" : "+");
			print_node(p, e->arg);
		}
		break;
	case AST_BINARY:
		if (e->op == AST_OP_CONCAT) {
			strbuf_add_text(out, "CONCAT(");
			print_node(p, e->left);
			strbuf_add_text(out, ", ");
			print_node(p, e->right);
			strbuf_add_char(out, ')');
			break;
		}
		strbuf_add_char(out, '(');
		print_node(p, e->left);
		strbuf_printf(out, " %s ", e->op == AST_OP_NOT_EQUAL ? "<>" : ast_op_text(e->op));
		print_node(p, e->right);
		strbuf_add_char(out, ')');
		break;
	case AST_BETWEEN:
		strbuf_add_char(out, '(');
		print_node(p, e->arg);
		strbuf_add_text(out, e->is_negated ? " NOT BETWEEN " : " BETWEEN ");
		print_node(p, e->left);
		strbuf_add_text(out, " AND ");
		print_node(p, e->right);
		strbuf_add_char(out, ')');
		break;
	case AST_IN_LIST:
		strbuf_add_char(out, '(');
		print_node(p, e->arg);
		strbuf_add_text(out, e->is_negated ? " NOT IN (" : " IN (");
		print_list(p, e->args, e->n_args);
		strbuf_add_text(out, "))");
		break;
	case AST_LIKE:
		strbuf_add_char(out, '(');
		print_node(p, e->left);
		strbuf_add_text(out, e->is_negated ? " NOT LIKE " : " LIKE ");
		print_node(p, e->right);
		strbuf_add_char(out, ')');
		break;
	case AST_IS_NULL:
		strbuf_add_char(out, '(');
		print_node(p, e->arg);
		strbuf_add_text(out, e->is_negated ? " IS NOT NULL)" : " IS NULL)");
		break;
	case AST_IS_DISTINCT:
		strbuf_add_char(out, '(');
		print_node(p, e->left);
		strbuf_add_text(out, e->is_negated ? " IS NOT DISTINCT FROM " : " IS DISTINCT FROM ");
		print_node(p, e->right);
		strbuf_add_char(out, ')');
		break;
	case AST_CASE:
		strbuf_add_text(out, "(CASE");
		if (e->arg != NULL) {
			strbuf_add_char(out, ' ');
			print_node(p, e->arg);
		}
		for (int i = 0; i < e->n_whens; i++) {
			strbuf_add_text(out, " WHEN ");
			print_node(p, e->whens[i].condition);
			strbuf_add_text(out, " THEN ");
			print_node(p, e->whens[i].result);
		}
		if (e->right != NULL) {
			strbuf_add_text(out, " ELSE ");
			print_node(p, e->right);
		}
		strbuf_add_text(out, " END)");
		break;
	case AST_CAST:
		strbuf_add_text(out, "CAST(");
		print_node(p, e->arg);
		strbuf_add_text(out, " AS ");
		print_type(p, e->type);
		strbuf_add_char(out, ')');
		break;
	case AST_SUBSCRIPT:
		print_node(p, e->left);
		strbuf_add_char(out, '[');
		print_node(p, e->right);
		strbuf_add_char(out, ']');
		break;
	case AST_FIELD:
		print_node(p, e->arg);
		strbuf_printf(out, "->%s", bind_name(context, e->name));
		break;
	case AST_CALL: {
		char *name = arena_strdup(p->binder->arena, e->name.text);

		for (char *c = name; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
		strbuf_printf(out, "%s(", name);
		if (e->is_star)
			strbuf_add_text(out, "ROWTIME");
		print_list(p, e->args, e->n_args);
		strbuf_add_char(out, ')');
		break;
	}
	case AST_NAMED:
		strbuf_printf(out, "%s := ", bind_name(context, e->name));
		print_node(p, e->arg);
		break;
	case AST_LAMBDA:
		if (e->n_params > 1)
			strbuf_add_char(out, '(');
		for (int i = 0; i < e->n_params; i++)
			strbuf_printf(out, "%s%s", i > 0 ? ", " : "", bind_name(context, e->params[i]));
		if (e->n_params > 1)
			strbuf_add_char(out, ')');
		strbuf_add_text(out, " => ");
		print_node(p, e->right);
		break;
	case AST_ARRAY:
		strbuf_add_text(out, "ARRAY[");
		print_list(p, e->args, e->n_args);
		strbuf_add_char(out, ']');
		break;
	case AST_MAP:
		strbuf_add_text(out, "MAP(");
		for (int i = 0; i < e->n_entries; i++) {
			if (i > 0)
				strbuf_add_text(out, ", ");
			print_node(p, e->entries[i].key);
			strbuf_add_text(out, ":=");
			print_node(p, e->entries[i].value);
		}
		strbuf_add_char(out, ')');
		break;
	case AST_STRUCT:
		strbuf_add_text(out, "STRUCT(");
		for (int i = 0; i < e->n_fields; i++) {
			strbuf_printf(out, "%s%s:=", i > 0 ? ", " : "", bind_name(context, e->fields[i].name));
			print_node(p, e->fields[i].value);
		}
		strbuf_add_char(out, ')');
		break;
	case AST_ROW:
		strbuf_add_char(out, '(');
		print_list(p, e->args, e->n_args);
		strbuf_add_char(out, ')');
		break;
	default:
		strbuf_add_text(out, e->text != NULL ? e->text : "(...)");
		break;
	}
}

void
print_ast(Binder *binder, const Scope *scope, const AstExpr *e, StrBuf *out)
{
	AstPrinter p = {binder, scope, out};

	print_node(&p, e);
}

const char *
ast_text(Binder *binder, const Scope *scope, const AstExpr *e)
{
	StrBuf		buf = {0};
	const char *text;

	print_ast(binder, scope, e, &buf);
	text = arena_strdup(binder->arena, strbuf_text(&buf));
	strbuf_free(&buf);
	return text;
}
