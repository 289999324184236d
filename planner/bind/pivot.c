/*
 * PIVOT and UNPIVOT are other ways to write queries, and are bound as these:
 *
 *   t PIVOT (SUM(x) FOR k IN ('a', 'b'))   SELECT * EXCLUDE (x, k), SUM(x) FILTER (WHERE k = 'a') AS a, ... FROM t GROUP BY ALL
 *   t UNPIVOT (v FOR n IN (a, b))          SELECT * EXCLUDE (a, b), EXPLODE(['a', 'b']) AS n, EXPLODE([a, b]) AS v FROM t
 *
 * Where no values stand behind IN, they are looked up first.
 */
#include "parser/ast_print.h"
#include "planner/bind/bind.h"

#define PIVOT_COLUMNS_MAX 2000	/* every one of them is an aggregate that looks at every row */

/* One value of FOR: its name in the result, and the condition for it. */
typedef struct PivotValue {
	const char *name;
	AstExpr	   *condition;
} PivotValue;

typedef struct PivotValues {
	PivotValue *items;
	int			n, capacity;
} PivotValues;

typedef struct PivotSelect {
	Binder		   *b;
	const AstPivot *pivot;
	AstSelect	   *select;
	int				capacity;
} PivotSelect;

static void
add_value(Binder *b, PivotValues *values, const char *name, AstExpr *condition)
{
	arena_grow(b->arena, values->items, values->n, values->capacity);
	values->items[values->n++] = (PivotValue){name, condition};
}

static void
add_item(PivotSelect *s, AstExpr *expr, const char *alias)
{
	AstSelect *select = s->select;

	arena_grow(s->b->arena, select->items, select->n_items, s->capacity);
	select->items[select->n_items++] = (AstSelectItem){.expr = expr, .alias = {.text = alias, .is_quoted = true, .pos = expr->pos}, .pos = expr->pos};
}

static const char *
text_of(Binder *b, const AstExpr *e)
{
	StrBuf		buf = {0};
	const char *text;

	if (e->kind == AST_STRING)
		return e->text;
	ast_print_expr(&buf, e);
	text = arena_strdup(b->arena, strbuf_text(&buf));
	strbuf_free(&buf);
	return text;
}

/* ---- the values of FOR ---- */

static AstExpr *
equals(Binder *b, AstExpr *left, AstExpr *right)
{
	AstExpr *e;

	if (right->kind != AST_NULL)
		return ast_binary(b->arena, AST_OP_EQUAL, left, right);
	e = arena_new(b->arena, AstExpr);
	e->kind = AST_IS_NULL;
	e->arg = left;
	e->pos = left->pos;
	return e;
}

/* All that there are, as texts, in their order. */
static Status
look_up_values(Binder *b, const AstRelation *source, AstPivotOn *on, PivotValues *out, Error *err)
{
	AstSelect	 *select = arena_new(b->arena, AstSelect);
	AstQuery	 *query;
	AstSelectItem item = {.expr = ast_cast_text(b->arena, on->expr), .alias = {.text = "value"}, .pos = on->expr->pos};
	AstGrouping	 *group = arena_new(b->arena, AstGrouping);
	AstOrderItem *order = arena_new(b->arena, AstOrderItem);
	AstExpr		 *not_null = arena_new(b->arena, AstExpr);
	QueryValues	  values;

	not_null->kind = AST_IS_NULL;
	not_null->is_negated = true;
	not_null->arg = on->expr;
	not_null->pos = on->expr->pos;
	*group = (AstGrouping){.kind = AST_GROUP_EXPR, .expr = on->expr, .pos = on->expr->pos};
	*order = (AstOrderItem){.expr = on->expr, .pos = on->expr->pos};
	select->pos = on->expr->pos;
	select->items = arena_memdup(b->arena, &item, sizeof item);
	select->n_items = 1;
	select->from = (AstRelation *)source;
	select->where = not_null;
	select->group_by = arena_memdup(b->arena, &group, sizeof group);
	select->n_group_by = 1;
	query = ast_query_of_select(b->arena, select);
	query->order_by = order;
	query->n_order_by = 1;
	if (evaluate_query(b, query, "A PIVOT without a list of values looks them up first", on->expr->pos, &values, err) != OK)
		return error_hint(err, "Name the values: FOR %s IN ('a', 'b')", text_of(b, on->expr));
	for (int i = 0; i < values.n_rows; i++) {
		const char *text = str_to_arena(b->arena, values.values[i].text);

		add_value(b, out, text, equals(b, ast_cast_text(b->arena, on->expr), ast_string(b->arena, text, on->expr->pos)));
	}
	return OK;
}

static Status
query_values(Binder *b, AstPivotOn *on, PivotValues *out, Error *err)
{
	AstSelect	  *select = arena_new(b->arena, AstSelect);
	AstSelectItem *item = arena_new(b->arena, AstSelectItem);
	AstRelation	  *from = ast_relation_of_query(b->arena, on->query, "q");
	QueryValues	   values;

	from->column_aliases = arena_new(b->arena, AstIdent);
	from->column_aliases->text = "value";
	from->n_column_aliases = 1;
	item->expr = ast_cast_text(b->arena, ast_column(b->arena, NULL, "value", on->query->pos));
	select->pos = item->pos = on->query->pos;
	select->items = item;
	select->n_items = 1;
	select->from = from;
	TRY(evaluate_query(b, ast_query_of_select(b->arena, select), "The values of IN come from a query", on->query->pos, &values, err));
	for (int i = 0; i < values.n_rows; i++)
		if (!values.values[i].is_null) {
			const char *text = str_to_arena(b->arena, values.values[i].text);

			add_value(b, out, text, equals(b, ast_cast_text(b->arena, on->expr), ast_string(b->arena, text, on->expr->pos)));
		}
	return OK;
}

/* (a, b) IN ((1, 2), (3, 4)) */
static Status
row_condition(Binder *b, const AstPivotOn *on, const AstExpr *value, PivotValue *out, Error *err)
{
	StrBuf name = {0};

	if (value->kind != AST_ROW || value->n_args != on->expr->n_args) {
		error_user(err, "FOR has %d columns: each value of IN must be a row of as many.", on->expr->n_args);
		return error_at_pos(err, value->pos);
	}
	out->condition = NULL;
	for (int i = 0; i < value->n_args; i++) {
		AstExpr *one = equals(b, on->expr->args[i], value->args[i]);

		out->condition = i == 0 ? one : ast_binary(b->arena, AST_OP_AND, out->condition, one);
		strbuf_printf(&name, "%s%s", i > 0 ? "_" : "", text_of(b, value->args[i]));
	}
	out->name = arena_strdup(b->arena, strbuf_text(&name));
	strbuf_free(&name);
	return OK;
}

static Status
values_of(Binder *b, const AstRelation *source, AstPivotOn *on, PivotValues *out, Error *err)
{
	if (on->query != NULL)
		return query_values(b, on, out, err);
	if (on->n_values == 0)
		return look_up_values(b, source, on, out, err);
	for (int i = 0; i < on->n_values; i++) {
		const AstSelectItem *item = &on->values[i];
		PivotValue			 value = {text_of(b, item->expr), NULL};

		if (on->expr->kind == AST_ROW)
			TRY(row_condition(b, on, item->expr, &value, err));
		else
			value.condition = equals(b, on->expr, item->expr);
		add_value(b, out, item->alias.text != NULL ? bind_name(b->context, item->alias) : value.name, value.condition);
	}
	return OK;
}

/* The values of this FOR beside each of the ones before. */
static void
multiply(Binder *b, PivotValues *all, const PivotValues *more)
{
	PivotValues out = {0};

	for (int i = 0; i < all->n; i++)
		for (int k = 0; k < more->n; k++)
			add_value(b, &out, arena_printf(b->arena, "%s_%s", all->items[i].name, more->items[k].name),
					  ast_binary(b->arena, AST_OP_AND, all->items[i].condition, more->items[k].condition));
	*all = out;
}

static Status
all_values(Binder *b, const AstRelation *r, PivotValues *out, Error *err)
{
	for (int i = 0; i < r->pivot->n_ons; i++) {
		PivotValues own = {0};

		TRY(values_of(b, r->left, &r->pivot->ons[i], &own, err));
		if (i == 0)
			*out = own;
		else
			multiply(b, out, &own);
		if (out->n > PIVOT_COLUMNS_MAX) {
			error_user(err, "This PIVOT would have more than %d columns. Name the values that matter: FOR ... IN (...).", PIVOT_COLUMNS_MAX);
			return error_at_pos(err, r->pivot->ons[i].expr->pos);
		}
	}
	return OK;
}

/* ---- PIVOT ---- */

typedef struct FilterPlacement {
	Binder	*b;
	AstExpr *condition;
	bool	 found;
} FilterPlacement;

/* Each aggregate of an expression looks at the rows of one value only. */
static AstExpr *
place_filter(const AstExpr *e, void *context)
{
	FilterPlacement *p = context;
	AstExpr			*call;

	if (e->kind != AST_CALL || e->over != NULL || function_class_in(p->b->context->functions, str_of(e->name.text), true) != FUNCTION_AGGREGATE)
		return NULL;
	call = arena_memdup(p->b->arena, e, sizeof *e);
	if (p->condition != NULL)
		call->filter = e->filter != NULL ? ast_binary(p->b->arena, AST_OP_AND, e->filter, p->condition) : p->condition;
	p->found = true;
	return call;
}

static Status
add_aggregate(PivotSelect *s, const AstSelectItem *aggregate, const PivotValue *value, bool is_only, Error *err)
{
	Binder		   *b = s->b;
	FilterPlacement p = {b, value->condition, false};
	AstExpr		   *e = ast_transform(b->arena, aggregate->expr, place_filter, &p);
	const char	   *name = value->name;

	if (!p.found) {
		error_user(err, "PIVOT needs aggregates, such as SUM(x): `%s` is none.", text_of(b, aggregate->expr));
		return error_at_pos(err, aggregate->pos);
	}
	if (aggregate->alias.text != NULL)
		name = name != NULL ? arena_printf(b->arena, "%s_%s", name, aggregate->alias.text) : aggregate->alias.text;
	else if (!is_only || name == NULL)
		name = arena_printf(b->arena, "%s%s%s", name != NULL ? name : "", name != NULL ? "_" : "", text_of(b, aggregate->expr));
	add_item(s, e, name);
	return OK;
}

/* Notes the names of columns, for EXCLUDE. */
static bool
note_column(const AstExpr *e, void *context)
{
	PivotSelect *s = context;
	AstExpr		*star = s->select->items[0].expr;

	if (e->kind == AST_COLUMN && e->name.text != NULL)
		star->params[star->n_params++] = e->name;
	return star->n_params >= 1000;
}

static AstExpr *
star_except(Arena *arena, AstPos pos)
{
	AstExpr *star = arena_new(arena, AstExpr);

	star->kind = AST_STAR;
	star->pos = pos;
	star->params = arena_array(arena, AstIdent, 1001);
	return star;
}

static void
add_groups(PivotSelect *s, const AstRelation *r)
{
	const AstPivot *p = r->pivot;
	Binder		   *b = s->b;
	AstGrouping	   *all = arena_new(b->arena, AstGrouping);

	*all = (AstGrouping){.kind = AST_GROUP_ALL, .pos = r->pos};
	s->select->group_by = arena_memdup(b->arena, &all, sizeof all);
	s->select->n_group_by = 1;
	for (int i = 0; i < p->n_group_by; i++)
		add_item(s, ast_column(b->arena, NULL, p->group_by[i].text, p->group_by[i].pos), bind_name(b->context, p->group_by[i]));
	if (p->n_group_by > 0)
		return;
	add_item(s, star_except(b->arena, r->pos), NULL);
	for (int i = 0; i < p->n_aggregates; i++)
		ast_find(p->aggregates[i].expr, note_column, s);
	for (int i = 0; i < p->n_ons; i++)
		ast_find(p->ons[i].expr, note_column, s);
}

static Status
pivot_query(Binder *b, const AstRelation *r, AstQuery **out, Error *err)
{
	const AstPivot *p = r->pivot;
	PivotSelect		s = {.b = b, .pivot = p, .select = arena_new(b->arena, AstSelect)};
	PivotValues		values = {0};

	s.select->pos = r->pos;
	s.select->from = r->left;
	if (p->n_ons > 0)
		TRY(all_values(b, r, &values, err));
	else
		add_value(b, &values, NULL, NULL);
	add_groups(&s, r);
	for (int v = 0; v < values.n; v++)
		for (int i = 0; i < p->n_aggregates; i++)
			TRY(add_aggregate(&s, &p->aggregates[i], &values.items[v], p->n_aggregates == 1, err));
	*out = ast_query_of_select(b->arena, s.select);
	return OK;
}

/* ---- UNPIVOT ---- */

/* COLUMNS(...) and * by the names that they stand for. */
static Status
add_unpivoted(Binder *b, const AstRelation *r, const AstSelectItem *item, AstPivotOn *out, int *capacity, Error *err)
{
	AstSelect	 *select = arena_new(b->arena, AstSelect);
	AstQuery	 *query;
	QueryValues	  values;
	const AstExpr *e = item->expr;

	if (e->kind != AST_STAR && e->kind != AST_QUALIFIED_STAR && columns_call(e) == NULL) {
		arena_grow(b->arena, out->values, out->n_values, *capacity);
		out->values[out->n_values++] = *item;
		return OK;
	}
	select->pos = e->pos;
	select->items = (AstSelectItem *)item;
	select->n_items = 1;
	select->from = r->left;
	query = ast_query_of_select(b->arena, select);
	query->limit = arena_new(b->arena, AstExpr);
	*query->limit = (AstExpr){.kind = AST_INTEGER, .text = "0", .pos = e->pos};
	TRY(evaluate_query(b, query, "UNPIVOT of * or COLUMNS looks up the names of the columns first", e->pos, &values, err));
	for (int c = 0; c < values.schema->n_columns; c++) {
		arena_grow(b->arena, out->values, out->n_values, *capacity);
		out->values[out->n_values++] = (AstSelectItem){.expr = ast_column(b->arena, NULL, values.schema->columns[c].name, e->pos), .pos = e->pos};
	}
	return OK;
}

static AstExpr *
array_new(Arena *arena, int n, AstPos pos)
{
	AstExpr *e = arena_new(arena, AstExpr);

	e->kind = AST_ARRAY;
	e->pos = pos;
	e->args = arena_array(arena, AstExpr *, n + 1);
	e->n_args = n;
	return e;
}

/* Column `k` of the values: of each item itself, or of the row that it is. */
static Status
values_array(Binder *b, const AstPivot *p, const AstPivotOn *on, int k, AstExpr **out, Error *err)
{
	*out = array_new(b->arena, on->n_values, p->name.pos);
	for (int i = 0; i < on->n_values; i++) {
		AstExpr *e = on->values[i].expr;

		if (p->n_value_names == 1)
			(*out)->args[i] = e;
		else if (e->kind == AST_ROW && e->n_args == p->n_value_names)
			(*out)->args[i] = e->args[k];
		else {
			error_user(err, "UNPIVOT has %d columns of values: each item of IN must be a row of as many columns.", p->n_value_names);
			return error_at_pos(err, e->pos);
		}
	}
	return OK;
}

static const char *
name_of(Binder *b, const AstSelectItem *item)
{
	const AstExpr *e = item->expr;
	StrBuf		   buf = {0};
	const char	  *name;

	if (item->alias.text != NULL)
		return bind_name(b->context, item->alias);
	if (e->kind == AST_COLUMN)
		return bind_name(b->context, e->name);
	if (e->kind != AST_ROW)
		return text_of(b, e);
	for (int i = 0; i < e->n_args; i++)
		strbuf_printf(&buf, "%s%s", i > 0 ? "_" : "", e->args[i]->kind == AST_COLUMN ? e->args[i]->name.text : text_of(b, e->args[i]));
	name = arena_strdup(b->arena, strbuf_text(&buf));
	strbuf_free(&buf);
	return name;
}

static AstExpr *
any_value_is_there(Binder *b, const AstPivot *p)
{
	AstExpr *condition = NULL;

	for (int i = 0; i < p->n_value_names; i++) {
		AstExpr *e = arena_new(b->arena, AstExpr);

		e->kind = AST_IS_NULL;
		e->is_negated = true;
		e->arg = ast_column(b->arena, NULL, bind_name(b->context, p->value_names[i]), p->value_names[i].pos);
		e->pos = p->value_names[i].pos;
		condition = condition == NULL ? e : ast_binary(b->arena, AST_OP_OR, condition, e);
	}
	return condition;
}

static Status
unpivot_query(Binder *b, const AstRelation *r, AstQuery **out, Error *err)
{
	const AstPivot *p = r->pivot;
	PivotSelect		s = {.b = b, .pivot = p, .select = arena_new(b->arena, AstSelect)};
	AstSelect	   *outer;
	AstPivotOn		on = {0};
	AstExpr		   *array;
	int				capacity = 0;

	for (int i = 0; i < p->ons->n_values; i++)
		TRY(add_unpivoted(b, r, &p->ons->values[i], &on, &capacity, err));
	s.select->pos = r->pos;
	s.select->from = r->left;
	add_item(&s, star_except(b->arena, r->pos), NULL);
	for (int i = 0; i < on.n_values; i++)
		ast_find(on.values[i].expr, note_column, &s);
	array = array_new(b->arena, on.n_values, p->name.pos);
	for (int i = 0; i < on.n_values; i++)
		array->args[i] = ast_string(b->arena, name_of(b, &on.values[i]), on.values[i].pos);
	add_item(&s, ast_call(b->arena, "EXPLODE", array, r->pos), bind_name(b->context, p->name));
	for (int k = 0; k < p->n_value_names; k++) {
		TRY(values_array(b, p, &on, k, &array, err));
		add_item(&s, ast_call(b->arena, "EXPLODE", array, r->pos), bind_name(b->context, p->value_names[k]));
	}
	*out = ast_query_of_select(b->arena, s.select);
	if (p->keeps_nulls)
		return OK;
	outer = arena_new(b->arena, AstSelect);
	outer->pos = r->pos;
	outer->items = arena_new(b->arena, AstSelectItem);
	outer->items->expr = star_except(b->arena, r->pos);
	outer->n_items = 1;
	outer->from = ast_relation_of_query(b->arena, *out, "unpivoted");
	outer->where = any_value_is_there(b, p);
	*out = ast_query_of_select(b->arena, outer);
	return OK;
}

Status
bind_pivot(Binder *b, const AstRelation *r, SelectBinder *outer, Logical **out, Scope *scope, Error *err)
{
	AstRelation derived = {.kind = AST_RELATION_QUERY, .pos = r->pos, .alias = r->alias, .column_aliases = r->column_aliases,
						   .n_column_aliases = r->n_column_aliases};

	if (!b->standard) {
		error_unsupported(err, "%s is SQL of the standard dialect.", r->pivot->is_unpivot ? "UNPIVOT" : "PIVOT");
		return error_at_pos(err, r->pos);
	}
	TRY(r->pivot->is_unpivot ? unpivot_query(b, r, &derived.query, err) : pivot_query(b, r, &derived.query, err));
	return bind_relation(b, arena_memdup(b->arena, &derived, sizeof derived), outer, out, scope, err);
}
