/* The tree as canonical SQL. */
#include "parser/ast_print.h"

/* How tightly an expression binds; an operand that binds less tightly than its place wants gets parentheses. */
typedef enum Level {
	LEVEL_ANY,
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_NOT,
	LEVEL_PREDICATE,
	LEVEL_VALUE,				/* || */
	LEVEL_SUM,
	LEVEL_PRODUCT,
	LEVEL_SIGN,
	LEVEL_ZONE,
	LEVEL_POSTFIX,
	LEVEL_PRIMARY,
} Level;

static void print_expr(StrBuf *out, const AstExpr *e, Level want);

static void
text(StrBuf *out, const char *s)
{
	strbuf_add_text(out, s);
}

static void
print_quoted(StrBuf *out, const char *s, char quote)
{
	strbuf_add_char(out, quote);
	for (; *s != '\0'; s++) {
		if (*s == quote)
			strbuf_add_char(out, quote);
		strbuf_add_char(out, *s);
	}
	strbuf_add_char(out, quote);
}

void
ast_print_string(StrBuf *out, const char *s)
{
	print_quoted(out, s, '\'');
}

void
ast_print_ident(StrBuf *out, AstIdent ident)
{
	if (ident.is_quoted)
		print_quoted(out, ident.text, '`');
	else
		text(out, ident.text);
}

static void
comma(StrBuf *out, int i)
{
	if (i > 0)
		text(out, ", ");
}

static void
print_idents(StrBuf *out, const AstIdent *idents, int n)
{
	text(out, "(");
	for (int i = 0; i < n; i++) {
		comma(out, i);
		ast_print_ident(out, idents[i]);
	}
	text(out, ")");
}

static void
print_opt_idents(StrBuf *out, const AstIdent *idents, int n)
{
	if (n > 0) {
		text(out, " ");
		print_idents(out, idents, n);
	}
}

static void
print_exprs(StrBuf *out, AstExpr *const *exprs, int n, Level want)
{
	for (int i = 0; i < n; i++) {
		comma(out, i);
		print_expr(out, exprs[i], want);
	}
}

void
ast_print_type(StrBuf *out, const AstType *type)
{
	switch (type->kind) {
	case AST_TYPE_NAMED:
		ast_print_ident(out, type->name);
		if (type->n_params > 0) {
			text(out, "(");
			for (int i = 0; i < type->n_params; i++) {
				comma(out, i);
				text(out, type->params[i]);
			}
			text(out, ")");
		}
		break;
	case AST_TYPE_ARRAY:
		text(out, "ARRAY<");
		ast_print_type(out, type->element);
		text(out, ">");
		break;
	case AST_TYPE_MAP:
		text(out, "MAP<");
		ast_print_type(out, type->key);
		text(out, ", ");
		ast_print_type(out, type->element);
		text(out, ">");
		break;
	case AST_TYPE_STRUCT:
		text(out, "STRUCT<");
		for (int i = 0; i < type->n_fields; i++) {
			comma(out, i);
			ast_print_ident(out, type->fields[i].name);
			text(out, " ");
			ast_print_type(out, type->fields[i].type);
		}
		text(out, ">");
		break;
	}
}

/* ---- expressions ---- */

static bool
is_number(const AstExpr *e)
{
	return e->kind == AST_INTEGER || e->kind == AST_BIGINT || e->kind == AST_DECIMAL || e->kind == AST_DOUBLE;
}

static Level
level_of_binary(AstOp op)
{
	switch (op) {
	case AST_OP_OR:
		return LEVEL_OR;
	case AST_OP_AND:
		return LEVEL_AND;
	case AST_OP_CONCAT:
		return LEVEL_VALUE;
	case AST_OP_ADD:
	case AST_OP_SUBTRACT:
		return LEVEL_SUM;
	case AST_OP_MULTIPLY:
	case AST_OP_DIVIDE:
	case AST_OP_MODULO:
		return LEVEL_PRODUCT;
	default:
		return LEVEL_PREDICATE;
	}
}

static Level
level_of(const AstExpr *e)
{
	switch (e->kind) {
	case AST_NAMED:
	case AST_LAMBDA:
		return LEVEL_ANY;
	case AST_UNARY:
		return e->op == AST_OP_NOT ? LEVEL_NOT : LEVEL_SIGN;
	case AST_BINARY:
		return level_of_binary(e->op);
	case AST_BETWEEN:
	case AST_IN_LIST:
	case AST_IN_QUERY:
	case AST_QUANTIFIED:
	case AST_LIKE:
	case AST_IS_NULL:
	case AST_IS_DISTINCT:
	case AST_IS_BOOLEAN:
		return LEVEL_PREDICATE;
	case AST_AT_TIME_ZONE:
		return LEVEL_ZONE;
	case AST_SUBSCRIPT:
	case AST_FIELD:
	case AST_FIELD_ALL:
		return LEVEL_POSTFIX;
	case AST_INTEGER:
	case AST_BIGINT:
	case AST_DECIMAL:
	case AST_DOUBLE:
		return e->text[0] == '-' ? LEVEL_SIGN : LEVEL_PRIMARY;
	default:
		return LEVEL_PRIMARY;
	}
}

static void
print_not(StrBuf *out, const AstExpr *e)
{
	if (e->is_negated)
		text(out, " NOT");
}

static void
print_parens_query(StrBuf *out, const AstQuery *query)
{
	text(out, "(");
	ast_print_query(out, query);
	text(out, ")");
}

static void
print_order_by(StrBuf *out, const AstOrderItem *items, int n)
{
	text(out, "ORDER BY ");
	for (int i = 0; i < n; i++) {
		comma(out, i);
		if (items[i].expr->kind == AST_STAR)
			text(out, "ALL");
		else
			print_expr(out, items[i].expr, LEVEL_OR);
		if (items[i].is_descending)
			text(out, " DESC");
		if (items[i].nulls != AST_NULLS_DEFAULT)
			text(out, items[i].nulls == AST_NULLS_FIRST ? " NULLS FIRST" : " NULLS LAST");
	}
}

static void
print_bound(StrBuf *out, const AstBound *bound)
{
	switch (bound->kind) {
	case AST_BOUND_UNBOUNDED_PRECEDING:
		text(out, "UNBOUNDED PRECEDING");
		break;
	case AST_BOUND_UNBOUNDED_FOLLOWING:
		text(out, "UNBOUNDED FOLLOWING");
		break;
	case AST_BOUND_CURRENT_ROW:
		text(out, "CURRENT ROW");
		break;
	case AST_BOUND_PRECEDING:
	case AST_BOUND_FOLLOWING:
		print_expr(out, bound->offset, LEVEL_VALUE);
		text(out, bound->kind == AST_BOUND_PRECEDING ? " PRECEDING" : " FOLLOWING");
		break;
	}
}

static void
print_frame(StrBuf *out, const AstOver *over)
{
	static const char *const frames[] = {"", "ROWS", "RANGE", "GROUPS"};
	static const char *const excludes[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES"};

	text(out, frames[over->frame]);
	text(out, " BETWEEN ");
	print_bound(out, &over->start);
	text(out, " AND ");
	print_bound(out, &over->end);
	text(out, excludes[over->exclude]);
}

static void
print_over(StrBuf *out, const AstOver *over)
{
	const char *space = "";

	if (over->is_name_only) {
		ast_print_ident(out, over->base);
		return;
	}
	text(out, "(");
	if (over->base.text != NULL) {
		ast_print_ident(out, over->base);
		space = " ";
	}
	if (over->n_partition_by > 0) {
		text(out, space);
		text(out, "PARTITION BY ");
		print_exprs(out, over->partition_by, over->n_partition_by, LEVEL_OR);
		space = " ";
	}
	if (over->n_order_by > 0) {
		text(out, space);
		print_order_by(out, over->order_by, over->n_order_by);
		space = " ";
	}
	if (over->frame != AST_FRAME_NONE) {
		text(out, space);
		print_frame(out, over);
	}
	text(out, ")");
}

static void
print_call(StrBuf *out, const AstExpr *e)
{
	ast_print_ident(out, e->name);
	text(out, e->is_star ? "(*" : e->is_distinct ? "(DISTINCT " : "(");
	print_exprs(out, e->args, e->n_args, LEVEL_ANY);
	if (e->n_order_by > 0 && !e->is_within_group) {
		text(out, " ");
		print_order_by(out, e->order_by, e->n_order_by);
	}
	text(out, ")");
	if (e->is_within_group) {
		text(out, " WITHIN GROUP (");
		print_order_by(out, e->order_by, e->n_order_by);
		text(out, ")");
	}
	if (e->filter != NULL) {
		text(out, " FILTER (WHERE ");
		print_expr(out, e->filter, LEVEL_OR);
		text(out, ")");
	}
	if (e->is_ignore_nulls)
		text(out, " IGNORE NULLS");
	if (e->over != NULL) {
		text(out, " OVER ");
		print_over(out, e->over);
	}
}

static void
print_case(StrBuf *out, const AstExpr *e)
{
	text(out, "CASE");
	if (e->arg != NULL) {
		text(out, " ");
		print_expr(out, e->arg, LEVEL_VALUE);
	}
	for (int i = 0; i < e->n_whens; i++) {
		text(out, " WHEN ");
		print_expr(out, e->whens[i].condition, LEVEL_OR);
		text(out, " THEN ");
		print_expr(out, e->whens[i].result, LEVEL_OR);
	}
	if (e->right != NULL) {
		text(out, " ELSE ");
		print_expr(out, e->right, LEVEL_OR);
	}
	text(out, " END");
}

static void
print_star_parts(StrBuf *out, const AstExpr *e)
{
	if (e->n_params > 0) {
		text(out, " EXCLUDE ");
		print_idents(out, e->params, e->n_params);
	}
	if (e->n_replaces > 0) {
		text(out, " REPLACE (");
		for (int i = 0; i < e->n_replaces; i++) {
			comma(out, i);
			print_expr(out, e->replaces[i].expr, LEVEL_OR);
			text(out, " AS ");
			ast_print_ident(out, e->replaces[i].name);
		}
		text(out, ")");
	}
	for (int i = 0; i < e->n_renames; i++) {
		text(out, i == 0 ? " RENAME (" : ", ");
		ast_print_ident(out, e->renames[i].from);
		text(out, " AS ");
		ast_print_ident(out, e->renames[i].to);
		text(out, i + 1 == e->n_renames ? ")" : "");
	}
	if (e->right != NULL) {
		print_not(out, e);
		text(out, e->is_ilike ? " ILIKE " : " LIKE ");
		print_expr(out, e->right, LEVEL_PRIMARY);
	}
}

/* The sign must not run into another one ("--" begins a comment), nor into a number, which would take it over. */
static void
print_unary(StrBuf *out, const AstExpr *e)
{
	if (e->op == AST_OP_NOT) {
		text(out, "NOT ");
		print_expr(out, e->arg, LEVEL_NOT);
		return;
	}
	bool	needs_parens = e->op == AST_OP_NEGATE &&
		(is_number(e->arg) || (e->arg->kind == AST_UNARY && e->arg->op == AST_OP_NEGATE));

	text(out, ast_op_text(e->op));
	if (needs_parens)
		text(out, "(");
	print_expr(out, e->arg, needs_parens ? LEVEL_OR : LEVEL_SIGN);
	if (needs_parens)
		text(out, ")");
}

static void
print_binary(StrBuf *out, const AstExpr *e)
{
	Level	level = level_of_binary(e->op);

	print_expr(out, e->left, level == LEVEL_PREDICATE ? LEVEL_VALUE : level);
	text(out, " ");
	text(out, ast_op_text(e->op));
	text(out, " ");
	print_expr(out, e->right, level + 1);
}

static void
print_predicate(StrBuf *out, const AstExpr *e)
{
	print_expr(out, e->arg != NULL ? e->arg : e->left, LEVEL_VALUE);
	switch (e->kind) {
	case AST_BETWEEN:
		print_not(out, e);
		text(out, " BETWEEN ");
		print_expr(out, e->left, LEVEL_VALUE);
		text(out, " AND ");
		print_expr(out, e->right, LEVEL_VALUE);
		break;
	case AST_IN_LIST:
		print_not(out, e);
		text(out, " IN (");
		print_exprs(out, e->args, e->n_args, LEVEL_OR);
		text(out, ")");
		break;
	case AST_IN_QUERY:
		print_not(out, e);
		text(out, " IN ");
		print_parens_query(out, e->query);
		break;
	case AST_QUANTIFIED:
		strbuf_printf(out, " %s %s ", ast_op_text(e->op), e->is_all ? "ALL" : "ANY");
		print_parens_query(out, e->query);
		break;
	case AST_LIKE:
		print_not(out, e);
		text(out, e->is_ilike ? " ILIKE " : " LIKE ");
		print_expr(out, e->right, LEVEL_VALUE);
		if (e->escape != NULL) {
			text(out, " ESCAPE ");
			print_expr(out, e->escape, LEVEL_PRIMARY);
		}
		break;
	case AST_IS_NULL:
		text(out, " IS");
		print_not(out, e);
		text(out, " NULL");
		break;
	case AST_IS_BOOLEAN:
		text(out, " IS");
		print_not(out, e);
		text(out, e->boolean ? " TRUE" : " FALSE");
		break;
	case AST_IS_DISTINCT:
		text(out, " IS");
		print_not(out, e);
		text(out, " DISTINCT FROM ");
		print_expr(out, e->right, LEVEL_VALUE);
		break;
	default:
		break;
	}
}

static void
print_lambda(StrBuf *out, const AstExpr *e)
{
	if (e->n_params == 1)
		ast_print_ident(out, e->params[0]);
	else
		print_idents(out, e->params, e->n_params);
	text(out, " => ");
	print_expr(out, e->right, LEVEL_OR);
}

static void
print_constructor(StrBuf *out, const AstExpr *e)
{
	switch (e->kind) {
	case AST_ARRAY:
		text(out, "ARRAY[");
		print_exprs(out, e->args, e->n_args, LEVEL_OR);
		text(out, "]");
		break;
	case AST_MAP:
		text(out, "MAP(");
		for (int i = 0; i < e->n_entries; i++) {
			comma(out, i);
			print_expr(out, e->entries[i].key, LEVEL_OR);
			text(out, " := ");
			print_expr(out, e->entries[i].value, LEVEL_OR);
		}
		text(out, ")");
		break;
	case AST_STRUCT:
		text(out, "STRUCT(");
		for (int i = 0; i < e->n_fields; i++) {
			comma(out, i);
			ast_print_ident(out, e->fields[i].name);
			text(out, " := ");
			print_expr(out, e->fields[i].value, LEVEL_OR);
		}
		text(out, ")");
		break;
	default:
		text(out, "(");
		print_exprs(out, e->args, e->n_args, LEVEL_OR);
		text(out, ")");
		break;
	}
}

static void
print_bare(StrBuf *out, const AstExpr *e)
{
	switch (e->kind) {
	case AST_NULL:
		text(out, "NULL");
		break;
	case AST_BOOLEAN:
		text(out, e->boolean ? "TRUE" : "FALSE");
		break;
	case AST_INTEGER:
	case AST_BIGINT:
	case AST_DECIMAL:
	case AST_DOUBLE:
	case AST_UNIT:
		text(out, e->text);
		break;
	case AST_STRING:
		ast_print_string(out, e->text);
		break;
	case AST_TYPED_LITERAL:
		ast_print_ident(out, e->name);
		text(out, " ");
		ast_print_string(out, e->text);
		break;
	case AST_INTERVAL:
		text(out, "INTERVAL ");
		if (e->arg != NULL) {
			text(out, "(");
			print_expr(out, e->arg, LEVEL_OR);
			text(out, ")");
		} else
			ast_print_string(out, e->text);
		if (e->has_unit)
			strbuf_printf(out, " %s", ast_unit_name(e->unit));
		break;
	case AST_COLUMN:
		if (e->qualifier.text != NULL) {
			ast_print_ident(out, e->qualifier);
			/* a digit-led name would make the point part of a number */
			text(out, !e->name.is_quoted && e->name.text[0] >= '0' && e->name.text[0] <= '9' ? ". " : ".");
		}
		ast_print_ident(out, e->name);
		break;
	case AST_STAR:
		text(out, "*");
		print_star_parts(out, e);
		break;
	case AST_QUALIFIED_STAR:
		ast_print_ident(out, e->qualifier);
		text(out, ".*");
		print_star_parts(out, e);
		break;
	case AST_VARIABLE:
		strbuf_printf(out, "${%s}", e->text);
		break;
	case AST_PARAMETER:
		text(out, "?");
		break;
	case AST_UNARY:
		print_unary(out, e);
		break;
	case AST_BINARY:
		print_binary(out, e);
		break;
	case AST_BETWEEN:
	case AST_IN_LIST:
	case AST_IN_QUERY:
	case AST_QUANTIFIED:
	case AST_LIKE:
	case AST_IS_NULL:
	case AST_IS_DISTINCT:
	case AST_IS_BOOLEAN:
		print_predicate(out, e);
		break;
	case AST_EXISTS:
		text(out, "EXISTS ");
		print_parens_query(out, e->query);
		break;
	case AST_QUERY_EXPR:
		print_parens_query(out, e->query);
		break;
	case AST_CASE:
		print_case(out, e);
		break;
	case AST_CAST:
		text(out, e->is_try ? "TRY_CAST(" : "CAST(");
		print_expr(out, e->arg, LEVEL_OR);
		text(out, " AS ");
		ast_print_type(out, e->type);
		text(out, ")");
		break;
	case AST_SUBSCRIPT:
		print_expr(out, e->left, LEVEL_POSTFIX);
		text(out, "[");
		print_expr(out, e->right, LEVEL_VALUE);
		text(out, "]");
		break;
	case AST_FIELD:
		print_expr(out, e->arg, LEVEL_POSTFIX);
		text(out, "->");
		ast_print_ident(out, e->name);
		break;
	case AST_FIELD_ALL:
		print_expr(out, e->arg, LEVEL_POSTFIX);
		text(out, "->*");
		break;
	case AST_AT_TIME_ZONE:
		print_expr(out, e->left, LEVEL_ZONE);
		text(out, " AT TIME ZONE ");
		print_expr(out, e->right, LEVEL_POSTFIX);
		break;
	case AST_EXTRACT:
		text(out, "EXTRACT(");
		ast_print_ident(out, e->name);
		text(out, " FROM ");
		print_expr(out, e->arg, LEVEL_OR);
		text(out, ")");
		break;
	case AST_CALL:
		print_call(out, e);
		break;
	case AST_NAMED:
		ast_print_ident(out, e->name);
		text(out, " := ");
		print_expr(out, e->arg, LEVEL_OR);
		break;
	case AST_LAMBDA:
		print_lambda(out, e);
		break;
	case AST_ARRAY:
	case AST_MAP:
	case AST_STRUCT:
	case AST_ROW:
		print_constructor(out, e);
		break;
	}
}

static void
print_expr(StrBuf *out, const AstExpr *e, Level want)
{
	bool	needs_parens = level_of(e) < want;

	if (needs_parens)
		text(out, "(");
	print_bare(out, e);
	if (needs_parens)
		text(out, ")");
}

void
ast_print_expr(StrBuf *out, const AstExpr *expr)
{
	print_expr(out, expr, LEVEL_ANY);
}

/* ---- queries ---- */

static void
print_properties(StrBuf *out, const AstProperty *properties, int n)
{
	if (n == 0)
		return;
	text(out, " WITH (");
	for (int i = 0; i < n; i++) {
		comma(out, i);
		if (properties[i].is_quoted || strchr(properties[i].name, '.') != NULL)
			ast_print_string(out, properties[i].name);
		else
			text(out, properties[i].name);
		text(out, " = ");
		print_expr(out, properties[i].value, LEVEL_OR);
	}
	text(out, ")");
}

static void
print_duration(StrBuf *out, AstDuration d)
{
	strbuf_printf(out, "%lld %s", (long long)d.amount, ast_unit_name(d.unit));
}

static void
print_alias(StrBuf *out, const AstRelation *r)
{
	if (r->alias.text == NULL)
		return;
	text(out, " AS ");
	ast_print_ident(out, r->alias);
	print_opt_idents(out, r->column_aliases, r->n_column_aliases);
}

static void
print_within(StrBuf *out, const AstWithin *w)
{
	text(out, w->is_pair ? " WITHIN (" : " WITHIN ");
	print_duration(out, w->before);
	if (w->is_pair) {
		text(out, ", ");
		print_duration(out, w->after);
		text(out, ")");
	}
	if (w->grace.is_set) {
		text(out, " GRACE PERIOD ");
		print_duration(out, w->grace);
	}
}

static void print_relation(StrBuf *out, const AstRelation *r);

static void
print_relation_parens(StrBuf *out, const AstRelation *r, bool needs_parens)
{
	if (needs_parens)
		text(out, "(");
	print_relation(out, r);
	if (needs_parens)
		text(out, ")");
}

static void
print_join(StrBuf *out, const AstRelation *r)
{
	static const char *const kinds[] = {
		[AST_JOIN_INNER] = "", [AST_JOIN_LEFT] = "LEFT ", [AST_JOIN_RIGHT] = "RIGHT ", [AST_JOIN_FULL] = "FULL ",
		[AST_JOIN_CROSS] = "CROSS ", [AST_JOIN_SEMI] = "SEMI ", [AST_JOIN_ANTI] = "ANTI ",
	};
	bool		is_left_comma = r->left->kind == AST_RELATION_JOIN && r->left->is_comma;
	bool		is_right_join = r->right->kind == AST_RELATION_JOIN;

	print_relation_parens(out, r->left, is_left_comma && !r->is_comma);
	if (r->is_comma) {
		text(out, ", ");
		print_relation_parens(out, r->right, is_right_join && r->right->is_comma);
		return;
	}
	strbuf_printf(out, " %s%s%sJOIN ", r->is_asof ? "ASOF " : "", r->is_natural ? "NATURAL " : "", kinds[r->join]);
	print_relation_parens(out, r->right, is_right_join);
	if (r->within != NULL)
		print_within(out, r->within);
	if (r->on != NULL) {
		text(out, " ON ");
		print_expr(out, r->on, LEVEL_OR);
	}
	if (r->n_using > 0) {
		text(out, " USING ");
		print_idents(out, r->using, r->n_using);
	}
}

static void
print_sample(StrBuf *out, const AstSample *s, const char *words)
{
	static const char *const methods[] = {NULL, "BERNOULLI", "SYSTEM", "RESERVOIR"};

	if (s == NULL)
		return;
	text(out, words);
	if (s->method != AST_SAMPLE_ANY)
		strbuf_printf(out, "%s (", methods[s->method]);
	strbuf_printf(out, "%s %s", s->amount, s->is_percent ? "PERCENT" : "ROWS");
	if (s->method != AST_SAMPLE_ANY)
		text(out, ")");
	if (s->has_seed)
		strbuf_printf(out, " REPEATABLE (%lld)", (long long)s->seed);
}

static void
print_items(StrBuf *out, const AstSelectItem *items, int n)
{
	for (int i = 0; i < n; i++) {
		comma(out, i);
		print_expr(out, items[i].expr, LEVEL_OR);
		if (items[i].alias.text != NULL) {
			text(out, " AS ");
			ast_print_ident(out, items[i].alias);
		}
	}
}

static void
print_unpivot(StrBuf *out, const AstPivot *p)
{
	text(out, p->keeps_nulls ? " UNPIVOT INCLUDE NULLS (" : " UNPIVOT (");
	if (p->n_value_names == 1)
		ast_print_ident(out, p->value_names[0]);
	else
		print_idents(out, p->value_names, p->n_value_names);
	text(out, " FOR ");
	ast_print_ident(out, p->name);
	text(out, " IN (");
	print_items(out, p->ons->values, p->ons->n_values);
	text(out, "))");
}

static void
print_pivot_on(StrBuf *out, const AstPivotOn *on)
{
	bool	needs_parens = on->expr->kind != AST_COLUMN && on->expr->kind != AST_CALL && on->expr->kind != AST_ROW;

	/* FOR is a keyword only where a name or a parenthesis follows */
	text(out, needs_parens ? "(" : "");
	print_expr(out, on->expr, needs_parens ? LEVEL_OR : LEVEL_VALUE);
	text(out, needs_parens ? ")" : "");
	if (on->query != NULL) {
		text(out, " IN ");
		print_parens_query(out, on->query);
	} else if (on->n_values > 0) {
		text(out, " IN (");
		print_items(out, on->values, on->n_values);
		text(out, ")");
	}
}

static void
print_pivot(StrBuf *out, const AstPivot *p)
{
	if (p->is_unpivot) {
		print_unpivot(out, p);
		return;
	}
	text(out, " PIVOT (");
	print_items(out, p->aggregates, p->n_aggregates);
	for (int i = 0; i < p->n_ons; i++) {
		text(out, i == 0 ? " FOR " : ", ");
		print_pivot_on(out, &p->ons[i]);
	}
	for (int i = 0; i < p->n_group_by; i++) {
		text(out, i == 0 ? " GROUP BY " : ", ");
		ast_print_ident(out, p->group_by[i]);
	}
	text(out, ")");
}

static void
print_relation(StrBuf *out, const AstRelation *r)
{
	if (r->is_lateral)
		text(out, "LATERAL ");
	switch (r->kind) {
	case AST_RELATION_SOURCE:
		ast_print_ident(out, r->name);
		break;
	case AST_RELATION_FILE:
		ast_print_string(out, r->path);
		print_properties(out, r->properties, r->n_properties);
		break;
	case AST_RELATION_QUERY:
		print_parens_query(out, r->query);
		break;
	case AST_RELATION_FUNCTION:
		print_call(out, r->function);
		break;
	case AST_RELATION_JOIN:
		print_join(out, r);
		break;
	case AST_RELATION_PIVOT:
		print_relation_parens(out, r->left, r->left->kind == AST_RELATION_JOIN);
		print_pivot(out, r->pivot);
		break;
	}
	print_alias(out, r);
	print_sample(out, r->sample, " TABLESAMPLE ");
}

static void
print_window(StrBuf *out, const AstWindow *w)
{
	text(out, " WINDOW ");
	if (w->name.text != NULL) {
		ast_print_ident(out, w->name);
		text(out, " ");
	}
	text(out, w->kind == AST_WINDOW_TUMBLING ? "TUMBLING (SIZE " : w->kind == AST_WINDOW_HOPPING ? "HOPPING (SIZE " :
		 "SESSION (");
	print_duration(out, w->size);
	if (w->kind == AST_WINDOW_HOPPING) {
		text(out, ", ADVANCE BY ");
		print_duration(out, w->advance);
	}
	if (w->retention.is_set) {
		text(out, ", RETENTION ");
		print_duration(out, w->retention);
	}
	if (w->grace.is_set) {
		text(out, ", GRACE PERIOD ");
		print_duration(out, w->grace);
	}
	text(out, ")");
}

static void
print_groupings(StrBuf *out, AstGrouping *const *groupings, int n)
{
	static const char *const starts[] = {
		[AST_GROUP_TUPLE] = "(", [AST_GROUP_ROLLUP] = "ROLLUP (", [AST_GROUP_CUBE] = "CUBE (",
		[AST_GROUP_SETS] = "GROUPING SETS (",
	};

	for (int i = 0; i < n; i++) {
		const AstGrouping *g = groupings[i];

		comma(out, i);
		if (g->kind == AST_GROUP_ALL)
			text(out, "ALL");
		else if (g->kind == AST_GROUP_EXPR) {
			/* a row in parentheses would be a tuple without another pair */
			bool	is_row = g->expr->kind == AST_ROW;

			text(out, is_row ? "(" : "");
			print_expr(out, g->expr, LEVEL_VALUE);
			text(out, is_row ? ")" : "");
		} else {
			text(out, starts[g->kind]);
			print_groupings(out, g->items, g->n_items);
			text(out, ")");
		}
	}
}

static void
print_select(StrBuf *out, const AstSelect *s)
{
	text(out, "SELECT ");
	if (s->is_distinct)
		text(out, "DISTINCT ");
	if (s->n_distinct_on > 0) {
		text(out, "ON (");
		print_exprs(out, s->distinct_on, s->n_distinct_on, LEVEL_OR);
		text(out, ") ");
	}
	print_items(out, s->items, s->n_items);
	if (s->from != NULL) {
		text(out, " FROM ");
		print_relation(out, s->from);
	}
	if (s->window != NULL)
		print_window(out, s->window);
	if (s->where != NULL) {
		text(out, " WHERE ");
		print_expr(out, s->where, LEVEL_OR);
	}
	if (s->n_group_by > 0) {
		text(out, " GROUP BY ");
		print_groupings(out, s->group_by, s->n_group_by);
	}
	if (s->n_partition_by > 0) {
		text(out, " PARTITION BY ");
		print_exprs(out, s->partition_by, s->n_partition_by, LEVEL_VALUE);
	}
	if (s->having != NULL) {
		text(out, " HAVING ");
		print_expr(out, s->having, LEVEL_OR);
	}
	for (int i = 0; i < s->n_windows; i++) {
		text(out, i == 0 ? " WINDOW " : ", ");
		ast_print_ident(out, s->windows[i].name);
		text(out, " AS ");
		print_over(out, s->windows[i].over);
	}
	if (s->qualify != NULL) {
		text(out, " QUALIFY ");
		/* the word is a keyword only where an expression visibly begins */
		bool	needs_parens = level_of(s->qualify) != LEVEL_PRIMARY;

		text(out, needs_parens ? "(" : "");
		print_expr(out, s->qualify, LEVEL_OR);
		text(out, needs_parens ? ")" : "");
	}
	print_sample(out, s->sample, " USING SAMPLE ");
}

static void
print_rows(StrBuf *out, const AstValuesRow *rows, int n)
{
	text(out, "VALUES ");
	for (int i = 0; i < n; i++) {
		comma(out, i);
		text(out, "(");
		print_exprs(out, rows[i].values, rows[i].n_values, LEVEL_VALUE);
		text(out, ")");
	}
}

static int
set_level(const AstBody *b)
{
	return b->kind != AST_BODY_SET ? 3 : b->set_op == AST_INTERSECT ? 2 : 1;
}

static void
print_body(StrBuf *out, const AstBody *b, int want)
{
	static const char *const ops[] = {" UNION ", " INTERSECT ", " EXCEPT "};
	bool		needs_parens = set_level(b) < want;

	if (needs_parens)
		text(out, "(");
	switch (b->kind) {
	case AST_BODY_SELECT:
		print_select(out, b->select);
		break;
	case AST_BODY_VALUES:
		print_rows(out, b->rows, b->n_rows);
		break;
	case AST_BODY_SET:
		print_body(out, b->left, set_level(b));
		text(out, ops[b->set_op]);
		text(out, b->is_all ? "ALL " : "");
		text(out, b->is_by_name ? "BY NAME " : "");
		print_body(out, b->right, set_level(b) + 1);
		break;
	case AST_BODY_QUERY:
		print_parens_query(out, b->query);
		break;
	}
	if (needs_parens)
		text(out, ")");
}

static void
print_ctes(StrBuf *out, const AstQuery *q)
{
	static const char *const as[] = {" AS ", " AS MATERIALIZED ", " AS NOT MATERIALIZED "};

	if (q->n_ctes == 0)
		return;
	text(out, q->is_recursive ? "WITH RECURSIVE " : "WITH ");
	for (int i = 0; i < q->n_ctes; i++) {
		comma(out, i);
		ast_print_ident(out, q->ctes[i].name);
		print_opt_idents(out, q->ctes[i].columns, q->ctes[i].n_columns);
		text(out, as[q->ctes[i].materialized]);
		print_parens_query(out, q->ctes[i].query);
	}
	text(out, " ");
}

void
ast_print_query(StrBuf *out, const AstQuery *q)
{
	print_ctes(out, q);
	print_body(out, q->body, 0);
	if (q->n_order_by > 0) {
		text(out, " ");
		print_order_by(out, q->order_by, q->n_order_by);
	}
	if (q->emit != AST_EMIT_NONE)
		text(out, q->emit == AST_EMIT_CHANGES ? " EMIT CHANGES" : " EMIT FINAL");
	if (q->limit != NULL) {
		text(out, " LIMIT ");
		print_expr(out, q->limit, LEVEL_VALUE);
		text(out, q->limit_is_percent ? " PERCENT" : "");
	}
	if (q->offset != NULL) {
		/* as with QUALIFY: a number or a parenthesis must follow */
		bool	is_plain = (q->offset->kind == AST_INTEGER || q->offset->kind == AST_BIGINT) && q->offset->text[0] != '-';

		text(out, is_plain ? " OFFSET " : " OFFSET (");
		print_expr(out, q->offset, LEVEL_OR);
		text(out, is_plain ? "" : ")");
	}
}

/* ---- statements ---- */

static void
print_column_defs(StrBuf *out, const AstColumnDef *columns, int n)
{
	text(out, " (");
	for (int i = 0; i < n; i++) {
		const AstColumnDef *c = &columns[i];

		comma(out, i);
		ast_print_ident(out, c->name);
		text(out, " ");
		ast_print_type(out, c->type);
		switch (c->role) {
		case AST_ROLE_VALUE:
			break;
		case AST_ROLE_KEY:
			text(out, " KEY");
			break;
		case AST_ROLE_PRIMARY_KEY:
			text(out, " PRIMARY KEY");
			break;
		case AST_ROLE_HEADERS:
			text(out, " HEADERS");
			break;
		case AST_ROLE_HEADER:
			text(out, " HEADER(");
			ast_print_string(out, c->header);
			text(out, ")");
			break;
		}
	}
	text(out, ")");
}

static void
print_create_source(StrBuf *out, const AstStatement *s)
{
	const AstCreateSource *c = &s->create_source;

	text(out, s->kind == AST_ASSERT_SOURCE ? "ASSERT " : "CREATE ");
	text(out, c->or_replace ? "OR REPLACE " : "");
	text(out, c->is_source ? "SOURCE " : "");
	text(out, c->is_table ? "TABLE " : "STREAM ");
	text(out, c->if_not_exists ? "IF NOT EXISTS " : "");
	ast_print_ident(out, c->name);
	if (c->has_columns)
		print_column_defs(out, c->columns, c->n_columns);
	print_properties(out, c->properties, c->n_properties);
	if (c->query != NULL) {
		text(out, " AS ");
		ast_print_query(out, c->query);
	}
}

static void
print_create_function(StrBuf *out, const AstCreateFunction *f)
{
	strbuf_printf(out, "CREATE %sFUNCTION %s", f->or_replace ? "OR REPLACE " : "",
				  f->if_not_exists ? "IF NOT EXISTS " : "");
	ast_print_ident(out, f->name);
	text(out, "(");
	for (int i = 0; i < f->n_params; i++) {
		comma(out, i);
		ast_print_ident(out, f->params[i].name);
		if (f->params[i].type != NULL) {
			text(out, " ");
			ast_print_type(out, f->params[i].type);
		}
	}
	text(out, ")");
	if (f->returns != NULL) {
		text(out, " RETURNS ");
		ast_print_type(out, f->returns);
	}
	if (f->language == NULL) {
		text(out, " AS ");
		print_expr(out, f->body, LEVEL_OR);
		return;
	}
	strbuf_printf(out, " LANGUAGE %s AS ", f->language);
	ast_print_string(out, f->path);
	if (f->symbol != NULL) {
		text(out, ", ");
		ast_print_string(out, f->symbol);
	}
}

static void
print_insert(StrBuf *out, const AstStatement *s)
{
	const AstInsert *i = &s->insert;

	text(out, "INSERT INTO ");
	ast_print_ident(out, i->name);
	print_opt_idents(out, i->columns, i->n_columns);
	print_properties(out, i->properties, i->n_properties);
	text(out, " ");
	if (s->kind == AST_INSERT_VALUES)
		print_rows(out, i->rows, i->n_rows);
	else
		ast_print_query(out, i->query);
}

static const char *
object_name(AstObject object)
{
	static const char *const names[] = {
		[AST_OBJECT_ANY] = "", [AST_OBJECT_STREAM] = "STREAM", [AST_OBJECT_TABLE] = "TABLE", [AST_OBJECT_VIEW] = "VIEW",
		[AST_OBJECT_TYPE] = "TYPE", [AST_OBJECT_FUNCTION] = "FUNCTION", [AST_OBJECT_CONNECTOR] = "CONNECTOR",
		[AST_OBJECT_QUERY] = "QUERY", [AST_OBJECT_TOPIC] = "TOPIC", [AST_OBJECT_PROPERTY] = "PROPERTY",
		[AST_OBJECT_VARIABLE] = "VARIABLE", [AST_OBJECT_PLUGIN] = "CONNECTOR PLUGIN", [AST_OBJECT_FILE] = "FILE",
		[AST_OBJECT_STATEMENT] = "STATEMENT",
	};

	return names[object];
}

static void
print_show(StrBuf *out, const AstShow *s)
{
	strbuf_printf(out, "SHOW %s%s%s", s->is_all ? "ALL " : "", s->only_sources ? "SOURCE " : "",
				  s->only_sinks ? "SINK " : "");
	if (s->object == AST_OBJECT_PROPERTY)
		text(out, "PROPERTIES");
	else if (s->object == AST_OBJECT_QUERY)
		text(out, "QUERIES");
	else
		strbuf_printf(out, "%sS", object_name(s->object));
	text(out, s->is_extended ? " EXTENDED" : "");
	if (s->like != NULL) {
		text(out, " LIKE ");
		ast_print_string(out, s->like);
	}
}

static void
print_describe(StrBuf *out, const AstStatement *s)
{
	const AstDescribe *d = &s->describe;

	text(out, s->kind == AST_SUMMARIZE ? "SUMMARIZE " : "DESCRIBE ");
	switch (d->object) {
	case AST_OBJECT_FILE:
		ast_print_string(out, d->path);
		print_properties(out, d->properties, d->n_properties);
		break;
	case AST_OBJECT_STATEMENT:
		ast_print_query(out, d->query);
		break;
	case AST_OBJECT_STREAM:
	case AST_OBJECT_TABLE:
		strbuf_printf(out, "%sS", object_name(d->object));
		break;
	case AST_OBJECT_ANY:
		ast_print_ident(out, d->name);
		break;
	default:
		strbuf_printf(out, "%s ", object_name(d->object));
		ast_print_ident(out, d->name);
		break;
	}
	text(out, d->is_extended ? " EXTENDED" : "");
}

static void
print_explain(StrBuf *out, const AstExplain *e)
{
	static const char *const kinds[] = {
		[AST_EXPLAIN_PLAN] = "", [AST_EXPLAIN_ANALYZE] = "ANALYZE ", [AST_EXPLAIN_AST] = "(AST) ",
		[AST_EXPLAIN_LOGICAL] = "(LOGICAL) ", [AST_EXPLAIN_OPTIMIZED] = "(OPTIMIZED) ",
	};

	text(out, "EXPLAIN ");
	text(out, kinds[e->kind]);
	if (e->statement != NULL)
		ast_print_statement(out, e->statement);
	else
		ast_print_ident(out, e->query_id);
}

/* A topic or subject: a quoted one as a string. */
static void
print_topic(StrBuf *out, AstIdent name)
{
	if (name.is_quoted)
		ast_print_string(out, name.text);
	else
		text(out, name.text);
}

static void
print_topic_statement(StrBuf *out, const AstPrint *p)
{
	text(out, "PRINT ");
	print_topic(out, p->topic);
	text(out, p->from_beginning ? " FROM BEGINNING" : "");
	if (p->interval > 0)
		strbuf_printf(out, " INTERVAL %lld", (long long)p->interval);
	if (p->limit >= 0)
		strbuf_printf(out, " LIMIT %lld", (long long)p->limit);
}

static void
print_assert(StrBuf *out, const AstStatement *s)
{
	const AstAssert *a = &s->assert_;

	text(out, a->not_exists ? "ASSERT NOT EXISTS " : "ASSERT ");
	if (s->kind == AST_ASSERT_TOPIC) {
		text(out, "TOPIC ");
		print_topic(out, a->name);
		print_properties(out, a->properties, a->n_properties);
	} else {
		text(out, "SCHEMA");
		if (a->name.text != NULL) {
			text(out, " SUBJECT ");
			print_topic(out, a->name);
		}
		if (a->has_id)
			strbuf_printf(out, " ID %lld", (long long)a->id);
	}
	if (a->timeout.is_set) {
		text(out, " TIMEOUT ");
		print_duration(out, a->timeout);
	}
}

static void
print_assert_values(StrBuf *out, const AstStatement *s)
{
	const AstAssertValues *a = &s->assert_values;
	bool		is_null = s->kind == AST_ASSERT_NULL_VALUES;

	text(out, is_null ? "ASSERT NULL VALUES " : "ASSERT VALUES ");
	ast_print_ident(out, a->name);
	print_opt_idents(out, a->columns, a->n_columns);
	text(out, is_null ? " KEY (" : " VALUES (");
	print_exprs(out, a->values, a->n_values, LEVEL_OR);
	text(out, ")");
}

static void
print_copy(StrBuf *out, const AstCopy *c)
{
	text(out, "COPY ");
	if (c->query != NULL)
		print_parens_query(out, c->query);
	else {
		ast_print_ident(out, c->name);
		print_opt_idents(out, c->columns, c->n_columns);
	}
	text(out, c->is_from ? " FROM " : " TO ");
	ast_print_string(out, c->path);
	print_properties(out, c->properties, c->n_properties);
}

static void
print_set(StrBuf *out, const char *words, const AstSet *s)
{
	text(out, words);
	ast_print_string(out, s->name);
	if (s->value != NULL) {
		text(out, " = ");
		print_expr(out, s->value, LEVEL_OR);
	}
}

static void
print_create_named(StrBuf *out, const char *what, bool or_replace, bool if_not_exists, AstIdent name)
{
	strbuf_printf(out, "CREATE %s%s %s", or_replace ? "OR REPLACE " : "", what, if_not_exists ? "IF NOT EXISTS " : "");
	ast_print_ident(out, name);
}

static void
print_alter(StrBuf *out, const AstAlter *a)
{
	text(out, a->is_table ? "ALTER TABLE " : "ALTER STREAM ");
	ast_print_ident(out, a->name);
	for (int i = 0; i < a->n_columns; i++) {
		text(out, i == 0 ? " ADD COLUMN " : ", ADD COLUMN ");
		ast_print_ident(out, a->columns[i].name);
		text(out, " ");
		ast_print_type(out, a->columns[i].type);
	}
}

static void
print_query_control(StrBuf *out, const char *word, const AstQueryControl *q)
{
	text(out, word);
	if (q->is_all)
		text(out, "ALL");
	else
		ast_print_ident(out, q->id);
}

void
ast_print_statement(StrBuf *out, const AstStatement *s)
{
	switch (s->kind) {
	case AST_SELECT:
		ast_print_query(out, s->query);
		break;
	case AST_CREATE_SOURCE:
	case AST_ASSERT_SOURCE:
		print_create_source(out, s);
		break;
	case AST_CREATE_VIEW:
		print_create_named(out, "VIEW", s->create_view.or_replace, s->create_view.if_not_exists, s->create_view.name);
		print_opt_idents(out, s->create_view.columns, s->create_view.n_columns);
		text(out, " AS ");
		ast_print_query(out, s->create_view.query);
		break;
	case AST_CREATE_TYPE:
		print_create_named(out, "TYPE", false, s->create_type.if_not_exists, s->create_type.name);
		text(out, " AS ");
		ast_print_type(out, s->create_type.type);
		break;
	case AST_CREATE_FUNCTION:
		print_create_function(out, &s->create_function);
		break;
	case AST_CREATE_CONNECTOR:
		print_create_named(out, s->create_connector.is_sink ? "SINK CONNECTOR" : "SOURCE CONNECTOR", false,
						   s->create_connector.if_not_exists, s->create_connector.name);
		print_properties(out, s->create_connector.properties, s->create_connector.n_properties);
		break;
	case AST_INSERT_SELECT:
	case AST_INSERT_VALUES:
		print_insert(out, s);
		break;
	case AST_DROP:
		strbuf_printf(out, "DROP %s %s", object_name(s->drop.object), s->drop.if_exists ? "IF EXISTS " : "");
		ast_print_ident(out, s->drop.name);
		text(out, s->drop.delete_topic ? " DELETE TOPIC" : "");
		break;
	case AST_ALTER:
		print_alter(out, &s->alter);
		break;
	case AST_TERMINATE:
		print_query_control(out, "TERMINATE ", &s->query_control);
		break;
	case AST_PAUSE:
		print_query_control(out, "PAUSE ", &s->query_control);
		break;
	case AST_RESUME:
		print_query_control(out, "RESUME ", &s->query_control);
		break;
	case AST_SHOW:
		print_show(out, &s->show);
		break;
	case AST_DESCRIBE:
	case AST_SUMMARIZE:
		print_describe(out, s);
		break;
	case AST_EXPLAIN:
		print_explain(out, &s->explain);
		break;
	case AST_PRINT:
		print_topic_statement(out, &s->print);
		break;
	case AST_SET:
		print_set(out, "SET ", &s->set);
		break;
	case AST_UNSET:
		print_set(out, "UNSET ", &s->set);
		break;
	case AST_ALTER_SYSTEM:
		print_set(out, "ALTER SYSTEM ", &s->set);
		break;
	case AST_DEFINE:
		text(out, "DEFINE ");
		ast_print_ident(out, s->define.name);
		text(out, " = ");
		ast_print_string(out, s->define.value);
		break;
	case AST_UNDEFINE:
		text(out, "UNDEFINE ");
		ast_print_ident(out, s->define.name);
		break;
	case AST_ASSERT_TOPIC:
	case AST_ASSERT_SCHEMA:
		print_assert(out, s);
		break;
	case AST_ASSERT_VALUES:
	case AST_ASSERT_NULL_VALUES:
		print_assert_values(out, s);
		break;
	case AST_RUN_SCRIPT:
		text(out, "RUN SCRIPT ");
		ast_print_string(out, s->file.path);
		break;
	case AST_SPOOL:
		text(out, "SPOOL ");
		if (s->file.path != NULL)
			ast_print_string(out, s->file.path);
		else
			text(out, "OFF");
		break;
	case AST_COPY:
		print_copy(out, &s->copy);
		break;
	}
}
