#include "parser/ast_mask.h"

typedef struct Mask {
	Arena *arena;
	bool (*is_secret)(const char *name);
} Mask;

static void mask_query(const Mask *m, AstQuery *query);
static void mask_expr(const Mask *m, AstExpr *e);

const char *
mask_address(Arena *arena, const char *text)
{
	const char *start = strstr(text, "://");
	StrBuf		out = {0};
	const char *at, *masked;
	size_t		n;

	if (start == NULL)
		return text;
	start += 3;
	n = strcspn(start, "/?#");
	at = memrchr(start, '@', n);
	strbuf_add(&out, text, (size_t)(start - text));
	if (at != NULL) {
		strbuf_add_text(&out, "[hidden]@");
		n -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	n += strcspn(start + n, "?#");
	strbuf_add(&out, start, n);
	if (start[n] != '\0') {
		strbuf_add_char(&out, start[n]);
		strbuf_add_text(&out, "[hidden]");
	}
	masked = arena_strdup(arena, strbuf_text(&out));
	strbuf_free(&out);
	return masked;
}

static void
set_text(AstExpr *e, const char *text)
{
	*e = (AstExpr){.kind = AST_STRING, .text = text, .pos = e->pos};
}

static void
mask_properties(const Mask *m, AstProperty *properties, int n)
{
	for (int i = 0; i < n; i++) {
		AstExpr *value = properties[i].value;

		if (m->is_secret(properties[i].name))
			set_text(value, "[hidden]");
		else if (value->kind == AST_STRING)
			value->text = mask_address(m->arena, value->text);
	}
}

/* ---- queries: properties of files, wherever they are ---- */

static void
mask_exprs(const Mask *m, AstExpr **exprs, int n)
{
	for (int i = 0; i < n; i++)
		mask_expr(m, exprs[i]);
}

static void
mask_order(const Mask *m, AstOrderItem *items, int n)
{
	for (int i = 0; i < n; i++)
		mask_expr(m, items[i].expr);
}

static void
mask_over(const Mask *m, AstOver *over)
{
	if (over == NULL)
		return;
	mask_exprs(m, over->partition_by, over->n_partition_by);
	mask_order(m, over->order_by, over->n_order_by);
}

/* Sub-queries may stand anywhere in an expression. */
static void
mask_expr(const Mask *m, AstExpr *e)
{
	if (e == NULL)
		return;
	mask_expr(m, e->arg);
	mask_expr(m, e->left);
	mask_expr(m, e->right);
	mask_expr(m, e->escape);
	mask_expr(m, e->filter);
	mask_exprs(m, e->args, e->n_args);
	for (int i = 0; i < e->n_whens; i++) {
		mask_expr(m, e->whens[i].condition);
		mask_expr(m, e->whens[i].result);
	}
	for (int i = 0; i < e->n_entries; i++) {
		mask_expr(m, e->entries[i].key);
		mask_expr(m, e->entries[i].value);
	}
	for (int i = 0; i < e->n_fields; i++)
		mask_expr(m, e->fields[i].value);
	for (int i = 0; i < e->n_replaces; i++)
		mask_expr(m, e->replaces[i].expr);
	mask_order(m, e->order_by, e->n_order_by);
	mask_over(m, e->over);
	mask_query(m, e->query);
}

static void
mask_relation(const Mask *m, AstRelation *r)
{
	if (r == NULL)
		return;
	if (r->path != NULL)
		r->path = mask_address(m->arena, r->path);
	mask_properties(m, r->properties, r->n_properties);
	mask_query(m, r->query);
	mask_expr(m, r->function);
	for (int i = 0; r->pivot != NULL && i < r->pivot->n_ons; i++)
		mask_query(m, r->pivot->ons[i].query);
	mask_relation(m, r->left);
	mask_relation(m, r->right);
	mask_expr(m, r->on);
}

static void
mask_grouping(const Mask *m, AstGrouping *g)
{
	mask_expr(m, g->expr);
	for (int i = 0; i < g->n_items; i++)
		mask_grouping(m, g->items[i]);
}

static void
mask_select(const Mask *m, AstSelect *s)
{
	mask_exprs(m, s->distinct_on, s->n_distinct_on);
	for (int i = 0; i < s->n_items; i++)
		mask_expr(m, s->items[i].expr);
	mask_relation(m, s->from);
	mask_expr(m, s->where);
	for (int i = 0; i < s->n_group_by; i++)
		mask_grouping(m, s->group_by[i]);
	mask_exprs(m, s->partition_by, s->n_partition_by);
	mask_expr(m, s->having);
	for (int i = 0; i < s->n_windows; i++)
		mask_over(m, s->windows[i].over);
	mask_expr(m, s->qualify);
}

static void
mask_body(const Mask *m, AstBody *body)
{
	if (body == NULL)
		return;
	if (body->select != NULL)
		mask_select(m, body->select);
	for (int i = 0; i < body->n_rows; i++)
		mask_exprs(m, body->rows[i].values, body->rows[i].n_values);
	mask_body(m, body->left);
	mask_body(m, body->right);
	mask_query(m, body->query);
}

static void
mask_query(const Mask *m, AstQuery *query)
{
	if (query == NULL)
		return;
	for (int i = 0; i < query->n_ctes; i++)
		mask_query(m, query->ctes[i].query);
	mask_body(m, query->body);
	mask_order(m, query->order_by, query->n_order_by);
	mask_expr(m, query->limit);
	mask_expr(m, query->offset);
}

/* ---- statements ---- */

static void
mask_insert(const Mask *m, AstInsert *insert)
{
	mask_properties(m, insert->properties, insert->n_properties);
	mask_query(m, insert->query);
	for (int i = 0; i < insert->n_rows; i++)
		for (int k = 0; k < insert->rows[i].n_values; k++)
			set_text(insert->rows[i].values[k], "[value]");
}

static void
mask_connector(AstCreateConnector *connector)
{
	for (int i = 0; i < connector->n_properties; i++)
		set_text(connector->properties[i].value, "[string]");
}

static void
mask_statement(const Mask *m, AstStatement *s)
{
	switch (s->kind) {
	case AST_SELECT:
		mask_query(m, s->query);
		break;
	case AST_CREATE_SOURCE:
	case AST_ASSERT_SOURCE:
		mask_properties(m, s->create_source.properties, s->create_source.n_properties);
		mask_query(m, s->create_source.query);
		break;
	case AST_CREATE_VIEW:
		mask_query(m, s->create_view.query);
		break;
	case AST_CREATE_FUNCTION:
		if (s->create_function.body != NULL)
			mask_expr(m, s->create_function.body);
		break;
	case AST_CREATE_CONNECTOR:
		mask_connector(&s->create_connector);
		break;
	case AST_INSERT_SELECT:
	case AST_INSERT_VALUES:
		mask_insert(m, &s->insert);
		break;
	case AST_DESCRIBE:
	case AST_SUMMARIZE:
		if (s->describe.path != NULL)
			s->describe.path = mask_address(m->arena, s->describe.path);
		mask_properties(m, s->describe.properties, s->describe.n_properties);
		mask_query(m, s->describe.query);
		break;
	case AST_EXPLAIN:
		if (s->explain.statement != NULL)
			mask_statement(m, s->explain.statement);
		break;
	case AST_SET:
	case AST_ALTER_SYSTEM:
		if (s->set.value != NULL && m->is_secret(s->set.name))
			set_text(s->set.value, "[hidden]");
		break;
	case AST_DEFINE:
		if (m->is_secret(s->define.name.text))
			s->define.value = "[hidden]";
		break;
	case AST_ASSERT_TOPIC:
	case AST_ASSERT_SCHEMA:
		mask_properties(m, s->assert_.properties, s->assert_.n_properties);
		break;
	case AST_ASSERT_VALUES:
	case AST_ASSERT_NULL_VALUES:
		for (int i = 0; i < s->assert_values.n_values; i++)
			set_text(s->assert_values.values[i], "[value]");
		break;
	case AST_RUN_SCRIPT:
	case AST_SPOOL:
		if (s->file.path != NULL)
			s->file.path = mask_address(m->arena, s->file.path);
		break;
	case AST_COPY:
		s->copy.path = mask_address(m->arena, s->copy.path);
		mask_properties(m, s->copy.properties, s->copy.n_properties);
		mask_query(m, s->copy.query);
		break;
	case AST_CREATE_TYPE:
	case AST_DROP:
	case AST_ALTER:
	case AST_TERMINATE:
	case AST_PAUSE:
	case AST_RESUME:
	case AST_SHOW:
	case AST_PRINT:
	case AST_UNSET:
	case AST_UNDEFINE:
		break;
	}
}

void
ast_mask(Arena *arena, AstStatement *statement, bool (*is_secret)(const char *name))
{
	Mask m = {.arena = arena, .is_secret = is_secret};

	mask_statement(&m, statement);
}
