/*
 * The tree as it is, one node a line, children indented below.  Everything that makes two trees different is in it, so
 * that equality is equality of dumps; places, parentheses and the way a number of quotes was written are not.
 */
#include "parser/ast_print.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct Dump {
	StrBuf	   *out;
	int			level;
} Dump;

static void dump_expr(Dump *d, const char *label, const AstExpr *e);
static void dump_query(Dump *d, const char *label, const AstQuery *q);
static void dump_statement(Dump *d, const AstStatement *s);

static void line_begin(Dump *d, const char *format, ...) PRINTF_LIKE(2, 3);

static void
line_begin(Dump *d, const char *format, ...)
{
	char		buf[200];
	va_list		args;

	va_start(args, format);
	vsnprintf(buf, sizeof buf, format, args);
	va_end(args);
	if (d->out->length > 0)
		strbuf_add_char(d->out, '\n');
	strbuf_add_repeat(d->out, ' ', (size_t)d->level * 2);
	strbuf_add_text(d->out, buf);
}

static void
flag(Dump *d, const char *name, bool value)
{
	if (value)
		strbuf_printf(d->out, " %s", name);
}

static void
number(Dump *d, const char *name, int64_t value)
{
	strbuf_printf(d->out, " %s=%lld", name, (long long)value);
}

static void
string(Dump *d, const char *name, const char *value)
{
	if (value == NULL)
		return;
	strbuf_printf(d->out, " %s=", name);
	ast_print_string(d->out, value);
}

static void
ident(Dump *d, const char *name, AstIdent value)
{
	if (value.text == NULL)
		return;
	strbuf_printf(d->out, " %s=", name);
	ast_print_ident(d->out, value);
}

static void
idents(Dump *d, const char *name, const AstIdent *values, int n)
{
	if (n == 0)
		return;
	strbuf_printf(d->out, " %s=(", name);
	for (int i = 0; i < n; i++) {
		if (i > 0)
			strbuf_add_char(d->out, ' ');
		ast_print_ident(d->out, values[i]);
	}
	strbuf_add_char(d->out, ')');
}

static void
duration(Dump *d, const char *name, AstDuration value)
{
	if (value.is_set)
		strbuf_printf(d->out, " %s='%lld %s'", name, (long long)value.amount, ast_unit_name(value.unit));
}

static void
type(Dump *d, const char *name, const AstType *value)
{
	if (value == NULL)
		return;
	strbuf_printf(d->out, " %s=", name);
	ast_print_type(d->out, value);
}

/* ---- expressions ---- */

static const char *const expr_names[] = {
	[AST_NULL] = "Null", [AST_BOOLEAN] = "Boolean", [AST_INTEGER] = "Integer", [AST_BIGINT] = "Bigint",
	[AST_DECIMAL] = "Decimal", [AST_DOUBLE] = "Double", [AST_STRING] = "String", [AST_TYPED_LITERAL] = "TypedLiteral",
	[AST_INTERVAL] = "Interval", [AST_COLUMN] = "Column", [AST_STAR] = "Star", [AST_QUALIFIED_STAR] = "QualifiedStar",
	[AST_UNIT] = "Unit", [AST_VARIABLE] = "Variable", [AST_PARAMETER] = "Parameter", [AST_UNARY] = "Unary",
	[AST_BINARY] = "Binary", [AST_BETWEEN] = "Between", [AST_IN_LIST] = "In", [AST_IN_QUERY] = "InQuery",
	[AST_EXISTS] = "Exists", [AST_QUERY_EXPR] = "ScalarQuery", [AST_QUANTIFIED] = "Quantified", [AST_LIKE] = "Like",
	[AST_IS_NULL] = "IsNull", [AST_IS_DISTINCT] = "IsDistinct", [AST_IS_BOOLEAN] = "IsBoolean", [AST_CASE] = "Case",
	[AST_CAST] = "Cast", [AST_SUBSCRIPT] = "Subscript", [AST_FIELD] = "Field", [AST_FIELD_ALL] = "AllFields",
	[AST_AT_TIME_ZONE] = "AtTimeZone", [AST_EXTRACT] = "Extract", [AST_CALL] = "Call", [AST_NAMED] = "Named", [AST_LAMBDA] = "Lambda",
	[AST_ARRAY] = "Array", [AST_MAP] = "Map", [AST_STRUCT] = "Struct", [AST_ROW] = "Row",
};

static void
dump_exprs(Dump *d, const char *label, AstExpr *const *exprs, int n)
{
	for (int i = 0; i < n; i++)
		dump_expr(d, label, exprs[i]);
}

static void
dump_order_by(Dump *d, const AstOrderItem *items, int n)
{
	static const char *const nulls[] = {"", " nulls-first", " nulls-last"};

	for (int i = 0; i < n; i++) {
		line_begin(d, "order by:%s%s", items[i].is_descending ? " descending" : "", nulls[items[i].nulls]);
		d->level++;
		dump_expr(d, "", items[i].expr);
		d->level--;
	}
}

static void
dump_bound(Dump *d, const char *label, const AstBound *bound)
{
	static const char *const kinds[] = {
		"unbounded preceding", "preceding", "current row", "following", "unbounded following",
	};

	line_begin(d, "%s: %s", label, kinds[bound->kind]);
	d->level++;
	dump_expr(d, "", bound->offset);
	d->level--;
}

static void
dump_over(Dump *d, const char *label, const AstOver *over)
{
	static const char *const frames[] = {"", "rows", "range", "groups"};
	static const char *const excludes[] = {"", " exclude-current-row", " exclude-group", " exclude-ties"};

	if (over == NULL)
		return;
	line_begin(d, "%s: Over", label);
	ident(d, "base", over->base);
	flag(d, "name-only", over->is_name_only);
	d->level++;
	dump_exprs(d, "partition by", over->partition_by, over->n_partition_by);
	dump_order_by(d, over->order_by, over->n_order_by);
	if (over->frame != AST_FRAME_NONE) {
		line_begin(d, "frame: %s%s", frames[over->frame], excludes[over->exclude]);
		d->level++;
		dump_bound(d, "from", &over->start);
		dump_bound(d, "to", &over->end);
		d->level--;
	}
	d->level--;
}

static void
dump_expr_attributes(Dump *d, const AstExpr *e)
{
	bool	has_op = e->kind == AST_UNARY || e->kind == AST_BINARY || e->kind == AST_QUANTIFIED;

	if (has_op)
		strbuf_printf(d->out, " %s%s", ast_op_text(e->op), e->kind == AST_UNARY && e->op != AST_OP_NOT ? " sign" : "");
	if (e->kind == AST_BOOLEAN || e->kind == AST_IS_BOOLEAN)
		strbuf_add_text(d->out, e->boolean ? " true" : " false");
	if (e->kind == AST_UNIT || e->has_unit)
		strbuf_printf(d->out, " unit=%s", ast_unit_name(e->unit));
	if (e->kind == AST_PARAMETER)
		number(d, "index", e->index);
	ident(d, "qualifier", e->qualifier);
	ident(d, "name", e->name);
	if (e->kind != AST_COLUMN && e->kind != AST_UNIT)
		string(d, "text", e->text);
	flag(d, "not", e->is_negated);
	flag(d, "all", e->is_all);
	flag(d, "ilike", e->is_ilike);
	flag(d, "try", e->is_try);
	flag(d, "star", e->is_star);
	flag(d, "distinct", e->is_distinct);
	flag(d, "within-group", e->is_within_group);
	flag(d, "ignore-nulls", e->is_ignore_nulls);
	idents(d, e->kind == AST_LAMBDA ? "params" : "exclude", e->params, e->n_params);
	type(d, "type", e->type);
}

static void
dump_expr(Dump *d, const char *label, const AstExpr *e)
{
	if (e == NULL)
		return;
	line_begin(d, "%s%s%s", label, label[0] != '\0' ? ": " : "", expr_names[e->kind]);
	dump_expr_attributes(d, e);
	d->level++;
	dump_expr(d, "arg", e->arg);
	dump_expr(d, "left", e->left);
	for (int i = 0; i < e->n_whens; i++) {
		dump_expr(d, "when", e->whens[i].condition);
		dump_expr(d, "then", e->whens[i].result);
	}
	dump_expr(d, e->kind == AST_CASE ? "else" : "right", e->right);
	dump_expr(d, "escape", e->escape);
	dump_exprs(d, "item", e->args, e->n_args);
	for (int i = 0; i < e->n_entries; i++) {
		dump_expr(d, "key", e->entries[i].key);
		dump_expr(d, "value", e->entries[i].value);
	}
	for (int i = 0; i < e->n_fields; i++) {
		line_begin(d, "field:");
		ident(d, "name", e->fields[i].name);
		d->level++;
		dump_expr(d, "", e->fields[i].value);
		d->level--;
	}
	for (int i = 0; i < e->n_renames; i++) {
		line_begin(d, "rename:");
		ident(d, "from", e->renames[i].from);
		ident(d, "to", e->renames[i].to);
	}
	for (int i = 0; i < e->n_replaces; i++) {
		line_begin(d, "replace:");
		ident(d, "name", e->replaces[i].name);
		d->level++;
		dump_expr(d, "", e->replaces[i].expr);
		d->level--;
	}
	if (e->query != NULL)
		dump_query(d, "query", e->query);
	dump_order_by(d, e->order_by, e->n_order_by);
	dump_expr(d, "filter", e->filter);
	dump_over(d, "over", e->over);
	d->level--;
}

/* ---- queries ---- */

static void
dump_properties(Dump *d, const AstProperty *properties, int n)
{
	for (int i = 0; i < n; i++) {
		line_begin(d, "with:");
		string(d, "name", properties[i].name);
		d->level++;
		dump_expr(d, "", properties[i].value);
		d->level--;
	}
}

static void
dump_sample(Dump *d, const AstSample *s)
{
	static const char *const methods[] = {"", " bernoulli", " system", " reservoir"};

	if (s == NULL)
		return;
	line_begin(d, "sample:%s", methods[s->method]);
	string(d, s->is_percent ? "percent" : "rows", s->amount);
	if (s->has_seed)
		number(d, "seed", s->seed);
}

static void
dump_items(Dump *d, const char *label, const AstSelectItem *items, int n)
{
	for (int i = 0; i < n; i++) {
		line_begin(d, "%s:", label);
		ident(d, "alias", items[i].alias);
		d->level++;
		dump_expr(d, "", items[i].expr);
		d->level--;
	}
}

static void
dump_pivot(Dump *d, const AstPivot *p)
{
	if (p == NULL)
		return;
	line_begin(d, p->is_unpivot ? "unpivot:" : "pivot:");
	flag(d, "nulls", p->keeps_nulls);
	ident(d, "name", p->name);
	idents(d, "values", p->value_names, p->n_value_names);
	idents(d, "group-by", p->group_by, p->n_group_by);
	d->level++;
	dump_items(d, "aggregate", p->aggregates, p->n_aggregates);
	for (int i = 0; i < p->n_ons; i++) {
		line_begin(d, "for:");
		d->level++;
		dump_expr(d, "", p->ons[i].expr);
		dump_items(d, "value", p->ons[i].values, p->ons[i].n_values);
		if (p->ons[i].query != NULL)
			dump_query(d, "in", p->ons[i].query);
		d->level--;
	}
	d->level--;
}

static void
dump_relation(Dump *d, const char *label, const AstRelation *r)
{
	static const char *const kinds[] = {"Source", "File", "Query", "Function", "Join", "Pivot"};
	static const char *const joins[] = {"inner", "left", "right", "full", "cross", "semi", "anti"};

	line_begin(d, "%s: %s", label, kinds[r->kind]);
	if (r->kind == AST_RELATION_JOIN)
		strbuf_printf(d->out, " %s", joins[r->join]);
	flag(d, "asof", r->is_asof);
	flag(d, "natural", r->is_natural);
	flag(d, "comma", r->is_comma);
	flag(d, "lateral", r->is_lateral);
	ident(d, "name", r->name);
	string(d, "path", r->path);
	ident(d, "alias", r->alias);
	idents(d, "columns", r->column_aliases, r->n_column_aliases);
	idents(d, "using", r->using, r->n_using);
	d->level++;
	dump_properties(d, r->properties, r->n_properties);
	if (r->query != NULL)
		dump_query(d, "query", r->query);
	dump_expr(d, "call", r->function);
	dump_sample(d, r->sample);
	dump_pivot(d, r->pivot);
	if (r->left != NULL)
		dump_relation(d, "left", r->left);
	if (r->right != NULL)
		dump_relation(d, "right", r->right);
	if (r->within != NULL) {
		line_begin(d, "within:");
		flag(d, "pair", r->within->is_pair);
		duration(d, "before", r->within->before);
		duration(d, "after", r->within->after);
		duration(d, "grace", r->within->grace);
	}
	dump_expr(d, "on", r->on);
	d->level--;
}

static void
dump_groupings(Dump *d, AstGrouping *const *groupings, int n)
{
	static const char *const kinds[] = {"", "tuple", "rollup", "cube", "grouping sets", "all"};

	for (int i = 0; i < n; i++) {
		const AstGrouping *g = groupings[i];

		if (g->kind == AST_GROUP_EXPR)
			dump_expr(d, "group by", g->expr);
		else {
			line_begin(d, "group by: %s", kinds[g->kind]);
			d->level++;
			dump_groupings(d, g->items, g->n_items);
			d->level--;
		}
	}
}

static void
dump_window(Dump *d, const AstWindow *w)
{
	static const char *const kinds[] = {"tumbling", "hopping", "session"};

	line_begin(d, "window: %s", kinds[w->kind]);
	ident(d, "name", w->name);
	duration(d, "size", w->size);
	duration(d, "advance", w->advance);
	duration(d, "retention", w->retention);
	duration(d, "grace", w->grace);
}

static void
dump_select(Dump *d, const AstSelect *s)
{
	flag(d, "distinct", s->is_distinct);
	d->level++;
	dump_exprs(d, "distinct on", s->distinct_on, s->n_distinct_on);
	dump_items(d, "item", s->items, s->n_items);
	if (s->from != NULL)
		dump_relation(d, "from", s->from);
	if (s->window != NULL)
		dump_window(d, s->window);
	dump_expr(d, "where", s->where);
	dump_groupings(d, s->group_by, s->n_group_by);
	dump_exprs(d, "partition by", s->partition_by, s->n_partition_by);
	dump_expr(d, "having", s->having);
	for (int i = 0; i < s->n_windows; i++) {
		line_begin(d, "named window:");
		ident(d, "name", s->windows[i].name);
		d->level++;
		dump_over(d, "as", s->windows[i].over);
		d->level--;
	}
	dump_expr(d, "qualify", s->qualify);
	dump_sample(d, s->sample);
	d->level--;
}

static void
dump_rows(Dump *d, const AstValuesRow *rows, int n)
{
	for (int i = 0; i < n; i++) {
		line_begin(d, "row:");
		d->level++;
		dump_exprs(d, "", rows[i].values, rows[i].n_values);
		d->level--;
	}
}

static void
dump_body(Dump *d, const char *label, const AstBody *b)
{
	static const char *const kinds[] = {"Select", "Values", "Set", "Query"};
	static const char *const ops[] = {"union", "intersect", "except"};

	line_begin(d, "%s: %s", label, kinds[b->kind]);
	switch (b->kind) {
	case AST_BODY_SELECT:
		dump_select(d, b->select);
		break;
	case AST_BODY_VALUES:
		d->level++;
		dump_rows(d, b->rows, b->n_rows);
		d->level--;
		break;
	case AST_BODY_SET:
		strbuf_printf(d->out, " %s", ops[b->set_op]);
		flag(d, "all", b->is_all);
		flag(d, "by-name", b->is_by_name);
		d->level++;
		dump_body(d, "left", b->left);
		dump_body(d, "right", b->right);
		d->level--;
		break;
	case AST_BODY_QUERY:
		d->level++;
		dump_query(d, "query", b->query);
		d->level--;
		break;
	}
}

static void
dump_query(Dump *d, const char *label, const AstQuery *q)
{
	static const char *const emits[] = {"", " emit-changes", " emit-final"};

	line_begin(d, "%s: Query%s", label, emits[q->emit]);
	flag(d, "recursive", q->is_recursive);
	flag(d, "limit-percent", q->limit_is_percent);
	d->level++;
	for (int i = 0; i < q->n_ctes; i++) {
		line_begin(d, "cte:");
		ident(d, "name", q->ctes[i].name);
		idents(d, "columns", q->ctes[i].columns, q->ctes[i].n_columns);
		flag(d, "materialized", q->ctes[i].materialized == AST_MATERIALIZED_YES);
		flag(d, "not-materialized", q->ctes[i].materialized == AST_MATERIALIZED_NOT);
		d->level++;
		dump_query(d, "as", q->ctes[i].query);
		d->level--;
	}
	dump_body(d, "body", q->body);
	dump_order_by(d, q->order_by, q->n_order_by);
	dump_expr(d, "limit", q->limit);
	dump_expr(d, "offset", q->offset);
	d->level--;
}

/* ---- statements ---- */

static const char *const statement_names[] = {
	[AST_SELECT] = "Select", [AST_CREATE_SOURCE] = "CreateSource", [AST_CREATE_VIEW] = "CreateView",
	[AST_CREATE_TYPE] = "CreateType", [AST_CREATE_FUNCTION] = "CreateFunction",
	[AST_CREATE_CONNECTOR] = "CreateConnector", [AST_INSERT_SELECT] = "InsertSelect",
	[AST_INSERT_VALUES] = "InsertValues", [AST_DROP] = "Drop", [AST_ALTER] = "Alter", [AST_TERMINATE] = "Terminate",
	[AST_PAUSE] = "Pause", [AST_RESUME] = "Resume", [AST_SHOW] = "Show", [AST_DESCRIBE] = "Describe",
	[AST_EXPLAIN] = "Explain", [AST_PRINT] = "Print", [AST_SET] = "Set", [AST_UNSET] = "Unset",
	[AST_ALTER_SYSTEM] = "AlterSystem", [AST_DEFINE] = "Define", [AST_UNDEFINE] = "Undefine",
	[AST_ASSERT_TOPIC] = "AssertTopic", [AST_ASSERT_SCHEMA] = "AssertSchema", [AST_ASSERT_VALUES] = "AssertValues",
	[AST_ASSERT_NULL_VALUES] = "AssertNullValues", [AST_ASSERT_SOURCE] = "AssertSource", [AST_RUN_SCRIPT] = "RunScript",
	[AST_SPOOL] = "Spool", [AST_COPY] = "Copy", [AST_SUMMARIZE] = "Summarize",
};

static void
dump_columns(Dump *d, const AstColumnDef *columns, int n)
{
	static const char *const roles[] = {"", " key", " primary-key", " headers", " header"};

	for (int i = 0; i < n; i++) {
		line_begin(d, "column:%s", roles[columns[i].role]);
		ident(d, "name", columns[i].name);
		type(d, "type", columns[i].type);
		string(d, "header", columns[i].header);
	}
}

static void
dump_create_source(Dump *d, const AstCreateSource *c)
{
	strbuf_add_text(d->out, c->is_table ? " table" : " stream");
	ident(d, "name", c->name);
	flag(d, "or-replace", c->or_replace);
	flag(d, "if-not-exists", c->if_not_exists);
	flag(d, "source", c->is_source);
	flag(d, "columns", c->has_columns);
	d->level++;
	dump_columns(d, c->columns, c->n_columns);
	dump_properties(d, c->properties, c->n_properties);
	if (c->query != NULL)
		dump_query(d, "as", c->query);
	d->level--;
}

static void
dump_create_function(Dump *d, const AstCreateFunction *f)
{
	ident(d, "name", f->name);
	flag(d, "or-replace", f->or_replace);
	flag(d, "if-not-exists", f->if_not_exists);
	type(d, "returns", f->returns);
	d->level++;
	for (int i = 0; i < f->n_params; i++) {
		line_begin(d, "param:");
		ident(d, "name", f->params[i].name);
		type(d, "type", f->params[i].type);
	}
	if (f->body != NULL)
		dump_expr(d, "as", f->body);
	string(d, "language", f->language);
	string(d, "path", f->path);
	string(d, "symbol", f->symbol);
	d->level--;
}

static void
dump_insert(Dump *d, const AstInsert *i)
{
	ident(d, "name", i->name);
	idents(d, "columns", i->columns, i->n_columns);
	d->level++;
	dump_properties(d, i->properties, i->n_properties);
	dump_rows(d, i->rows, i->n_rows);
	if (i->query != NULL)
		dump_query(d, "query", i->query);
	d->level--;
}

static void
dump_describe(Dump *d, const AstDescribe *x)
{
	number(d, "object", x->object);
	flag(d, "list", x->is_list);
	flag(d, "extended", x->is_extended);
	ident(d, "name", x->name);
	string(d, "path", x->path);
	d->level++;
	dump_properties(d, x->properties, x->n_properties);
	if (x->query != NULL)
		dump_query(d, "query", x->query);
	d->level--;
}

static void
dump_assert(Dump *d, const AstAssert *a)
{
	flag(d, "not-exists", a->not_exists);
	ident(d, "name", a->name);
	if (a->has_id)
		number(d, "id", a->id);
	duration(d, "timeout", a->timeout);
	d->level++;
	dump_properties(d, a->properties, a->n_properties);
	d->level--;
}

static void
dump_set(Dump *d, const AstSet *s)
{
	string(d, "name", s->name);
	d->level++;
	dump_expr(d, "value", s->value);
	d->level--;
}

static void
dump_copy(Dump *d, const AstCopy *c)
{
	strbuf_add_text(d->out, c->is_from ? " from" : " to");
	ident(d, "name", c->name);
	idents(d, "columns", c->columns, c->n_columns);
	string(d, "path", c->path);
	d->level++;
	dump_properties(d, c->properties, c->n_properties);
	if (c->query != NULL)
		dump_query(d, "query", c->query);
	d->level--;
}

static void
dump_create_others(Dump *d, const AstStatement *s)
{
	if (s->kind == AST_CREATE_VIEW) {
		const AstCreateView *v = &s->create_view;

		ident(d, "name", v->name);
		flag(d, "or-replace", v->or_replace);
		flag(d, "if-not-exists", v->if_not_exists);
		idents(d, "columns", v->columns, v->n_columns);
		d->level++;
		dump_query(d, "as", v->query);
		d->level--;
	} else if (s->kind == AST_CREATE_TYPE) {
		ident(d, "name", s->create_type.name);
		flag(d, "if-not-exists", s->create_type.if_not_exists);
		type(d, "type", s->create_type.type);
	} else {
		const AstCreateConnector *c = &s->create_connector;

		ident(d, "name", c->name);
		flag(d, "sink", c->is_sink);
		flag(d, "if-not-exists", c->if_not_exists);
		d->level++;
		dump_properties(d, c->properties, c->n_properties);
		d->level--;
	}
}

static void
dump_statement(Dump *d, const AstStatement *s)
{
	line_begin(d, "%s", statement_names[s->kind]);
	switch (s->kind) {
	case AST_SELECT:
		d->level++;
		dump_query(d, "query", s->query);
		d->level--;
		break;
	case AST_CREATE_SOURCE:
	case AST_ASSERT_SOURCE:
		dump_create_source(d, &s->create_source);
		break;
	case AST_CREATE_VIEW:
	case AST_CREATE_TYPE:
	case AST_CREATE_CONNECTOR:
		dump_create_others(d, s);
		break;
	case AST_CREATE_FUNCTION:
		dump_create_function(d, &s->create_function);
		break;
	case AST_INSERT_SELECT:
	case AST_INSERT_VALUES:
		dump_insert(d, &s->insert);
		break;
	case AST_DROP:
		number(d, "object", s->drop.object);
		ident(d, "name", s->drop.name);
		flag(d, "if-exists", s->drop.if_exists);
		flag(d, "delete-topic", s->drop.delete_topic);
		break;
	case AST_ALTER:
		strbuf_add_text(d->out, s->alter.is_table ? " table" : " stream");
		ident(d, "name", s->alter.name);
		d->level++;
		dump_columns(d, s->alter.columns, s->alter.n_columns);
		d->level--;
		break;
	case AST_TERMINATE:
	case AST_PAUSE:
	case AST_RESUME:
		ident(d, "id", s->query_control.id);
		flag(d, "all", s->query_control.is_all);
		break;
	case AST_SHOW:
		number(d, "object", s->show.object);
		flag(d, "extended", s->show.is_extended);
		flag(d, "all", s->show.is_all);
		flag(d, "sources", s->show.only_sources);
		flag(d, "sinks", s->show.only_sinks);
		string(d, "like", s->show.like);
		break;
	case AST_DESCRIBE:
	case AST_SUMMARIZE:
		dump_describe(d, &s->describe);
		break;
	case AST_EXPLAIN:
		number(d, "kind", s->explain.kind);
		ident(d, "id", s->explain.query_id);
		if (s->explain.statement != NULL) {
			d->level++;
			dump_statement(d, s->explain.statement);
			d->level--;
		}
		break;
	case AST_PRINT:
		ident(d, "topic", s->print.topic);
		flag(d, "from-beginning", s->print.from_beginning);
		number(d, "interval", s->print.interval);
		number(d, "limit", s->print.limit);
		break;
	case AST_SET:
	case AST_UNSET:
	case AST_ALTER_SYSTEM:
		dump_set(d, &s->set);
		break;
	case AST_DEFINE:
	case AST_UNDEFINE:
		ident(d, "name", s->define.name);
		string(d, "value", s->define.value);
		break;
	case AST_ASSERT_TOPIC:
	case AST_ASSERT_SCHEMA:
		dump_assert(d, &s->assert_);
		break;
	case AST_ASSERT_VALUES:
	case AST_ASSERT_NULL_VALUES:
		ident(d, "name", s->assert_values.name);
		idents(d, "columns", s->assert_values.columns, s->assert_values.n_columns);
		d->level++;
		dump_exprs(d, "value", s->assert_values.values, s->assert_values.n_values);
		d->level--;
		break;
	case AST_RUN_SCRIPT:
	case AST_SPOOL:
		string(d, "path", s->file.path);
		break;
	case AST_COPY:
		dump_copy(d, &s->copy);
		break;
	}
}

void
ast_dump(StrBuf *out, const AstStatement *statement)
{
	Dump	d = {.out = out};

	dump_statement(&d, statement);
}

static bool
take_equal(StrBuf *a, StrBuf *b)
{
	bool	is_equal = str_equal(strbuf_str(a), strbuf_str(b));

	strbuf_free(a);
	strbuf_free(b);
	return is_equal;
}

bool
ast_equal(const AstStatement *a, const AstStatement *b)
{
	StrBuf	left = {0};
	StrBuf	right = {0};

	ast_dump(&left, a);
	ast_dump(&right, b);
	return take_equal(&left, &right);
}

bool
ast_expr_equal(const AstExpr *a, const AstExpr *b)
{
	StrBuf	left = {0};
	StrBuf	right = {0};

	dump_expr(&(Dump){.out = &left}, "", a);
	dump_expr(&(Dump){.out = &right}, "", b);
	return take_equal(&left, &right);
}
