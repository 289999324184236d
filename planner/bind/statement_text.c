/* A CREATE ... AS SELECT as ksqlDB prints it behind some of its refusals: every column with its source, every item with its name. */
#include <ctype.h>

#include "planner/bind/bind.h"

typedef struct StatementPrinter {
	Binder *binder;
	Scope  *scope;			/* all columns, printed as ALIAS.COLUMN */
	StrBuf *out;
	int		n_unnamed;
} StatementPrinter;

static const char *
str_upper(Arena *arena, const char *text)
{
	char *copy = arena_strdup(arena, text);

	for (char *c = copy; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return copy;
}

static void
add_sources(StatementPrinter *p, const AstRelation *r)
{
	static const char *const pseudo[] = {"ROWTIME", "ROWPARTITION", "ROWOFFSET", "WINDOWSTART", "WINDOWEND"};
	Binder				*b = p->binder;
	const char			*alias;
	const CatalogSource *source;

	if (r->kind == AST_RELATION_JOIN) {
		add_sources(p, r->left);
		add_sources(p, r->right);
		return;
	}
	source = r->kind == AST_RELATION_SOURCE ? catalog_source(b->context->catalog, str_of(bind_name(b->context, r->name))) : NULL;
	if (source == NULL || source->schema == NULL)
		return;
	alias = bind_name(b->context, r->alias.text != NULL ? r->alias : r->name);
	for (int i = 0; i < source->schema->n_columns; i++) {
		const char *name = source->schema->columns[i].name;

		scope_add(b->arena, p->scope, (ScopeColumn){.qualifier = alias, .name = name, .print_name = arena_printf(b->arena, "%s.%s", alias, name)});
	}
	for (size_t i = 0; i < sizeof pseudo / sizeof *pseudo; i++)
		scope_add(b->arena, p->scope, (ScopeColumn){.qualifier = alias, .name = pseudo[i], .is_hidden = true,
													.print_name = arena_printf(b->arena, "%s.%s", alias, pseudo[i])});
}

static void
print_source_name(StatementPrinter *p, AstIdent name)
{
	bind_print_name(bind_name(p->binder->context, name), false, p->out);
}

static void
print_from(StatementPrinter *p, const AstRelation *r)
{
	static const char *const words[] = {[AST_JOIN_INNER] = "INNER", [AST_JOIN_LEFT] = "LEFT OUTER", [AST_JOIN_RIGHT] = "RIGHT OUTER",
										[AST_JOIN_FULL] = "FULL OUTER"};

	if (r->kind == AST_RELATION_JOIN) {
		print_from(p, r->left);
		strbuf_printf(p->out, "\n%s JOIN ", r->join <= AST_JOIN_FULL && words[r->join] != NULL ? words[r->join] : "");
		print_from(p, r->right);
		if (r->within != NULL)
			strbuf_printf(p->out, " WITHIN %lld %s", (long long)r->within->before.amount, ast_unit_name(r->within->before.unit));
		strbuf_add_text(p->out, " ON (");
		if (r->on != NULL)
			print_ast(p->binder, p->scope, r->on, p->out);
		strbuf_add_char(p->out, ')');
		return;
	}
	print_source_name(p, r->name);
	strbuf_add_char(p->out, ' ');
	print_source_name(p, r->alias.text != NULL ? r->alias : r->name);
}

static void
print_item(StatementPrinter *p, const AstSelectItem *item)
{
	const AstExpr *e = item->expr;

	if (e->kind == AST_CALL && e->is_star)
		strbuf_printf(p->out, "%s(*)", str_upper(p->binder->arena, e->name.text));
	else
		print_ast(p->binder, p->scope, e, p->out);
	if (e->kind == AST_STAR || e->kind == AST_QUALIFIED_STAR || e->kind == AST_FIELD_ALL)
		return;
	strbuf_add_char(p->out, ' ');
	if (item->alias.text != NULL || e->kind == AST_COLUMN || e->kind == AST_FIELD)
		print_source_name(p, item->alias.text != NULL ? item->alias : e->name);
	else
		strbuf_printf(p->out, "KSQL_COL_%d", p->n_unnamed++);
}

static void
print_with(StatementPrinter *p, const AstCreateSource *create)
{
	for (int i = 0; i < create->n_properties; i++) {
		const AstProperty *property = &create->properties[i];

		strbuf_add_text(p->out, i == 0 ? " WITH (" : ", ");
		strbuf_printf(p->out, "%s=", str_upper(p->binder->arena, property->name));
		print_ast(p->binder, NULL, property->value, p->out);
	}
	if (create->n_properties > 0)
		strbuf_add_char(p->out, ')');
}

/* The i-th expression of a clause. */
static void
print_clause(StatementPrinter *p, const char *word, int i, const AstExpr *e)
{
	if (e == NULL)
		return;
	if (i > 0)
		strbuf_add_text(p->out, ", ");
	else
		strbuf_printf(p->out, "\n%s ", word);
	print_ast(p->binder, p->scope, e, p->out);
}

const char *
create_as_text(Binder *b, const AstCreateSource *create)
{
	const AstSelect *select = create->query->body->select;
	StrBuf			 text = {0};
	StatementPrinter p = {.binder = b, .scope = scope_new(b->arena), .out = &text};
	const char		*copy;

	add_sources(&p, select->from);
	strbuf_printf(&text, "CREATE %s%s ", create->or_replace ? "OR REPLACE " : "", create->is_table ? "TABLE" : "STREAM");
	print_source_name(&p, create->name);
	print_with(&p, create);
	strbuf_add_text(&text, " AS SELECT");
	for (int i = 0; i < select->n_items; i++) {
		strbuf_add_text(&text, i > 0 ? ",\n  " : "\n  ");
		print_item(&p, &select->items[i]);
	}
	strbuf_add_text(&text, "\nFROM ");
	print_from(&p, select->from);
	print_clause(&p, "WHERE", 0, select->where);
	for (int i = 0; i < select->n_group_by; i++)
		print_clause(&p, "GROUP BY", i, select->group_by[i]->expr);
	for (int i = 0; i < select->n_partition_by; i++)
		print_clause(&p, "PARTITION BY", i, select->partition_by[i]);
	print_clause(&p, "HAVING", 0, select->having);
	strbuf_add_text(&text, create->query->emit == AST_EMIT_FINAL ? "\nEMIT FINAL" : "\nEMIT CHANGES");
	copy = arena_strdup(b->arena, strbuf_text(&text));
	strbuf_free(&text);
	return copy;
}
