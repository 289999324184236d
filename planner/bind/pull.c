/* Pull queries of the ksqldb dialect: what WHERE may ask of a table's key. */
#include "planner/bind/bind.h"

typedef struct PullCheck {
	SelectBinder *sb;
	const Scope	 *scope;
	const Schema *schema;
	bool		  scans;			/* table scans are allowed */
	int			  n_key_compares;	/* in the group at hand */
	uint64_t	  keys_bound;
} PullCheck;

static int
key_column(const PullCheck *p, const AstExpr *e)
{
	const ScopeColumn *column = NULL;
	Error			   ignored;

	if (e->kind != AST_COLUMN || scope_try(p->sb->binder, p->scope, e->qualifier, e->name, &column, &ignored) != OK || column == NULL)
		return -1;
	return column->is_key ? column->index : -1;
}

static bool
is_literal(const AstExpr *e)
{
	if (e->kind == AST_COLUMN)
		return false;
	if ((e->arg != NULL && !is_literal(e->arg)) || (e->left != NULL && !is_literal(e->left)) ||
		(e->right != NULL && !is_literal(e->right)))
		return false;
	for (int i = 0; i < e->n_args; i++)
		if (!is_literal(e->args[i]))
			return false;
	return true;
}

static Status
check_in(PullCheck *p, const AstExpr *e, int key, Error *err)
{
	Binder		 *b = p->sb->binder;
	const Column *column = &p->schema->columns[key];

	for (int i = 0; i < e->n_args; i++) {
		const AstExpr *v = e->args[i];

		if (!is_literal(v)) {
			if (p->scans)
				continue;
			error_user(err, "A comparison must be between a key column and a resolvable expression.");
			return error_at_pos(err, v->pos);
		}
		if (v->kind == AST_NULL) {
			error_user(err, "Primary key columns can not be NULL: (%s = null)", column->name);
			return error_at_pos(err, v->pos);
		}
		if (v->kind == AST_STRING && column->type->kind != TYPE_STRING) {
			error_user(err, "%s can not be converted to the type of the key column: %s %s KEY", ast_text(b, NULL, v), column->name,
					   type_text(b, column->type));
			return error_at_pos(err, v->pos);
		}
	}
	return OK;
}

static bool
is_window_bound(const AstExpr *e)
{
	return e->kind == AST_COLUMN && (str_equal_nocase(str_of(e->name.text), STR("WINDOWSTART")) ||
									 str_equal_nocase(str_of(e->name.text), STR("WINDOWEND")));
}

/* One comparison of an AND group, when scans are switched off. */
static Status
check_comparison(PullCheck *p, const AstExpr *e, Error *err)
{
	Binder		  *b = p->sb->binder;
	const AstExpr *column = e->left, *value = e->right;
	int			   key;

	if (e->kind == AST_LIKE) {
		error_user(err, "Like condition must be between strings and a key column, and needs table scans.");
		return error_at_pos(err, e->pos);
	}
	if (e->kind == AST_IN_LIST) {
		key = key_column(p, e->arg);
		if (key < 0)
			return OK;
		p->n_key_compares++;
		p->keys_bound |= UINT64_C(1) << key;
		return check_in(p, e, key, err);
	}
	if (e->kind != AST_BINARY || e->op < AST_OP_EQUAL || e->op > AST_OP_GREATER_EQUAL)
		return OK;
	if (is_window_bound(column) || is_window_bound(value))
		return OK;
	if (column->kind != AST_COLUMN && value->kind == AST_COLUMN) {
		column = e->right;
		value = e->left;
	}
	if (column->kind != AST_COLUMN) {
		error_user(err, "A comparison must directly reference a key column.");
		return error_at_pos(err, e->pos);
	}
	key = key_column(p, column);
	if (key < 0)
		return OK;
	if (!is_literal(value)) {
		error_user(err, "A comparison must be between a key column and a resolvable expression.");
		return error_at_pos(err, e->pos);
	}
	if (e->op == AST_OP_NOT_EQUAL) {
		StrBuf keys = {0};
		Schema only = {p->schema->n_key, p->schema->n_key, p->schema->columns};

		schema_print(&only, &keys);
		error_user(err, "Bound on key columns '[%s]' must currently be '='. ", strbuf_text(&keys));
		strbuf_free(&keys);
		return error_at_pos(err, e->pos);
	}
	(void)b;
	p->n_key_compares++;
	p->keys_bound |= UINT64_C(1) << key;
	return OK;
}

static Status
check_group(PullCheck *p, const AstExpr *e, Error *err)
{
	if (e->kind == AST_BINARY && e->op == AST_OP_AND) {
		TRY(check_group(p, e->left, err));
		return check_group(p, e->right, err);
	}
	return check_comparison(p, e, err);
}

static void
refuse_part_of_key(const PullCheck *p, Error *err)
{
	StrBuf given = {0}, keys = {0};
	Schema only = {p->schema->n_key, p->schema->n_key, p->schema->columns};

	for (int i = 0; i < p->schema->n_key; i++)
		if ((p->keys_bound & UINT64_C(1) << i) != 0)
			strbuf_printf(&given, "%s`%s`", given.length > 0 ? ", " : "", p->schema->columns[i].name);
	schema_print(&only, &keys);
	error_user(err, "Multi-column sources must specify every key in the WHERE clause. Specified: [%s] Expected: [%s]", strbuf_text(&given),
			   strbuf_text(&keys));
	strbuf_free(&given);
	strbuf_free(&keys);
}

static Status
check_disjuncts(PullCheck *p, const AstExpr *e, Error *err)
{
	if (e->kind == AST_BINARY && e->op == AST_OP_OR) {
		TRY(check_disjuncts(p, e->left, err));
		return check_disjuncts(p, e->right, err);
	}
	p->n_key_compares = 0;
	p->keys_bound = 0;
	TRY(check_group(p, e, err));
	if (p->n_key_compares > __builtin_popcountll(p->keys_bound)) {
		error_user(err, "A comparison condition on the key column cannot be combined with other comparisons such as an IN predicate");
		return error_at_pos(err, e->pos);
	}
	if (p->keys_bound != 0 && __builtin_popcountll(p->keys_bound) < p->schema->n_key) {
		refuse_part_of_key(p, err);
		return error_at_pos(err, e->pos);
	}
	if (p->keys_bound == 0) {
		error_user(err, "WHERE clause missing key column for disjunct: %s", ast_text(p->sb->binder, p->scope, e));
		return error_at_pos(err, e->pos);
	}
	return OK;
}

/* IN lists of keys, wherever they stand. */
static Status
check_in_lists(PullCheck *p, const AstExpr *e, Error *err)
{
	int key;

	if (e->kind == AST_BINARY && (e->op == AST_OP_AND || e->op == AST_OP_OR)) {
		TRY(check_in_lists(p, e->left, err));
		return check_in_lists(p, e->right, err);
	}
	if (e->kind != AST_IN_LIST)
		return OK;
	key = key_column(p, e->arg);
	return key < 0 ? OK : check_in(p, e, key, err);
}

/* ---- bounds of windows ---- */

typedef struct WindowBounds {
	int n_equal, n_lower, n_upper;
} WindowBounds;

static Status
count_bound(const AstExpr *e, WindowBounds bounds[2], Error *err)
{
	bool		  is_left = is_window_bound(e->left);
	const char	 *name = str_equal_nocase(str_of((is_left ? e->left : e->right)->name.text), STR("WINDOWEND")) ? "WINDOWEND" : "WINDOWSTART";
	WindowBounds *b = &bounds[strcmp(name, "WINDOWEND") == 0];
	bool		  is_lower = (e->op == AST_OP_GREATER || e->op == AST_OP_GREATER_EQUAL) == is_left;

	if (e->op == AST_OP_NOT_EQUAL) {
		error_user(err, "Unsupported %s bounds: [NOT_EQUAL]", name);
		return error_at_pos(err, e->pos);
	}
	b->n_equal += e->op == AST_OP_EQUAL;
	b->n_lower += e->op != AST_OP_EQUAL && is_lower;
	b->n_upper += e->op != AST_OP_EQUAL && !is_lower;
	if (b->n_equal > 0 && b->n_equal + b->n_lower + b->n_upper > 1) {
		error_user(err, "`%s` cannot be combined with other `%s` bounds", name, name);
		return error_at_pos(err, e->pos);
	}
	if (b->n_lower > 1 || b->n_upper > 1) {
		error_user(err, "Duplicate `%s` bounds on: %s", name, b->n_lower > 1 ? "GREATER_THAN" : "LESS_THAN");
		return error_at_pos(err, e->pos);
	}
	return OK;
}

static Status
count_bounds(const AstExpr *e, WindowBounds bounds[2], Error *err)
{
	if (e->kind == AST_BINARY && e->op == AST_OP_AND) {
		TRY(count_bounds(e->left, bounds, err));
		return count_bounds(e->right, bounds, err);
	}
	if (e->kind != AST_BINARY || e->op < AST_OP_EQUAL || e->op > AST_OP_GREATER_EQUAL)
		return OK;
	return is_window_bound(e->left) || is_window_bound(e->right) ? count_bound(e, bounds, err) : OK;
}

/* How many conditions of an AND group look a key column up. */
static int
count_keys(PullCheck *p, const AstExpr *e)
{
	if (e->kind == AST_BINARY && e->op == AST_OP_AND)
		return count_keys(p, e->left) + count_keys(p, e->right);
	if (e->kind == AST_IN_LIST)
		return key_column(p, e->arg) >= 0;
	return e->kind == AST_BINARY && e->op == AST_OP_EQUAL && (key_column(p, e->left) >= 0 || key_column(p, e->right) >= 0);
}

/* Of look-ups by key: a scan may do with its rows what it likes. */
static Status
check_bounds(PullCheck *p, const AstExpr *e, Error *err)
{
	WindowBounds bounds[2] = {0};

	if (e->kind == AST_BINARY && e->op == AST_OP_OR) {
		TRY(check_bounds(p, e->left, err));
		return check_bounds(p, e->right, err);
	}
	return count_keys(p, e) >= p->schema->n_key ? count_bounds(e, bounds, err) : OK;
}

Status
check_pull_where(SelectBinder *sb, const AstExpr *where, Error *err)
{
	Binder	 *b = sb->binder;
	PullCheck p = {.sb = sb, .scope = sb->scope};

	if (sb->scope->n_sources == 1 && !sb->scope->sources[0].is_table && sb->scope->sources[0].source != NULL &&
		sb->scope->sources[0].source->topic != NULL && !settings_bool(b->context->settings, "ksql.query.pull.stream.enabled"))
		return error_user(err, "Pull queries on streams are disabled. To create a push query on the stream, add EMIT CHANGES to the end. To "
							   "enable pull queries on streams, set the ksql.query.pull.stream.enabled config to 'true'.");
	if (sb->scope->n_sources != 1 || !sb->scope->sources[0].is_table || sb->scope->sources[0].source == NULL)
		return OK;
	p.schema = sb->scope->sources[0].source->schema;
	p.scans = settings_bool(b->context->settings, "ksql.query.pull.table.scan.enabled");
	if (where == NULL)
		return p.scans ? OK
					   : error_user(err, "Missing WHERE clause.  See https://cnfl.io/queries for more info.\nPull queries require a WHERE "
										 "clause that:\n - includes a key equality expression, e.g. `SELECT * FROM X WHERE <key-column> = Y;`.");
	if (sb->scope->sources[0].window.kind != WINDOW_NONE)
		TRY(check_bounds(&p, where, err));
	if (p.scans)
		return check_in_lists(&p, where, err);
	return check_disjuncts(&p, where, err);
}
