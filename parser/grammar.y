/*
 * The grammar of the whole dialect, for lemon.
 *
 * No conflicts are accepted.  Where a word could be a keyword or a name, context.c has decided before the token comes
 * here; %fallback takes it as a name where no keyword fits.  Levels of expressions are written out (not by operator
 * precedence), because predicates don't chain.  Nodes are made in build.c.
 */
%include {
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "grammar.h"
#include "parser/parser_impl.h"

#define YYNOERRORRECOVERY 1
#define YYPARSEFREENEVERNULL 1

/* Join types as flags beside the AstJoinKind. */
#define JOIN_ASOF 0x100
#define JOIN_NATURAL 0x200

/* What ends a query. */
typedef struct QueryTail {
	AstList	   *order_by;
	AstEmit		emit;
	AstPos		emit_pos;
	AstExpr	   *limit;
	AstExpr	   *offset;
	bool		limit_is_percent;
} QueryTail;

typedef struct AliasParts {
	AstIdent	name;
	AstList	   *columns;
} AliasParts;

typedef struct WindowParts {
	AstDuration retention;
	AstDuration grace;
} WindowParts;

typedef struct WithParts {
	bool		is_recursive;
	AstList	   *ctes;
	AstPos		pos;
} WithParts;

typedef struct StarParts {
	AstList	   *exclude;
	AstList	   *replace;
	AstList	   *rename;
	AstExpr	   *like;
	bool		is_not_like;
	bool		is_ilike;
} StarParts;

typedef struct CallParts {
	bool		is_star;
	bool		is_distinct;
	AstList	   *args;
	AstList	   *order_by;
} CallParts;

typedef struct LimitParts {
	AstExpr	   *limit;
	AstExpr	   *offset;
	bool		is_percent;
} LimitParts;

#define NEW(T) arena_new(ps->arena, T)

typedef struct yyParser yyParser;
static int grammar_wanted_impl(yyParser *parser, int *codes, int max);

static AstQuery *
query_of_body(ParseState *ps, AstPos start, AstBody *body, QueryTail tail)
{
	AstQuery   *q = NEW(AstQuery);

	q->pos = pos_span(ps, start);
	q->body = body;
	q->order_by = list_structs(ps, tail.order_by, sizeof(AstOrderItem));
	q->n_order_by = list_length(tail.order_by);
	q->emit = tail.emit;
	q->emit_pos = tail.emit_pos;
	q->limit = tail.limit;
	q->limit_is_percent = tail.limit_is_percent;
	q->offset = tail.offset;
	return query_done(ps, q);
}

static AstQuery *
query_with(ParseState *ps, WithParts with, AstBody *body, QueryTail tail)
{
	AstQuery   *q = query_of_body(ps, with.pos, body, tail);

	q->is_recursive = with.is_recursive;
	q->ctes = list_structs(ps, with.ctes, sizeof(AstCte));
	q->n_ctes = list_length(with.ctes);
	return query_done(ps, q);
}

static AstBody *
body_of_query(ParseState *ps, AstQuery *query)
{
	AstBody	   *b = body_new(ps, AST_BODY_QUERY, query->pos);

	b->query = query;
	return body_done(ps, b);
}

static AstBody *
body_set(ParseState *ps, AstSetOp op, int quantifier, AstBody *left, AstBody *right)
{
	AstBody	   *b = body_new(ps, AST_BODY_SET, left->pos);

	b->set_op = op;
	b->is_all = (quantifier & 1) != 0;
	b->is_by_name = (quantifier & 2) != 0;
	b->left = left;
	b->right = right;
	return body_done(ps, b);
}

static AstExpr *
star_new(ParseState *ps, AstExprKind kind, AstPos start, AstIdent qualifier, StarParts parts)
{
	AstExpr	   *e = ast_expr_new(ps, kind, start);

	e->qualifier = qualifier;
	e->params = list_structs(ps, parts.exclude, sizeof(AstIdent));
	e->n_params = list_length(parts.exclude);
	e->replaces = list_structs(ps, parts.replace, sizeof(AstReplace));
	e->n_replaces = list_length(parts.replace);
	e->renames = list_structs(ps, parts.rename, sizeof(AstRename));
	e->n_renames = list_length(parts.rename);
	e->right = parts.like;
	e->is_negated = parts.is_not_like;
	e->is_ilike = parts.is_ilike;
	return expr_done(ps, e);
}

/* f(*) has no arguments; with something behind the star, as in COLUMNS(* EXCLUDE (a)), it is one. */
static CallParts
star_argument(ParseState *ps, AstPos start, StarParts parts)
{
	if (parts.exclude == NULL && parts.replace == NULL && parts.rename == NULL && parts.like == NULL)
		return (CallParts){.is_star = true};
	return (CallParts){.args = list_add(ps, NULL, star_new(ps, AST_STAR, start, (AstIdent){0}, parts))};
}

static AstExpr *
call_new(ParseState *ps, AstIdent name, CallParts parts)
{
	AstExpr	   *e = ast_expr_new(ps, AST_CALL, name.pos);

	e->name = name;
	e->is_star = parts.is_star;
	e->is_distinct = parts.is_distinct;
	e->args = (AstExpr **)list_pointers(parts.args);
	e->n_args = list_length(parts.args);
	e->order_by = list_structs(ps, parts.order_by, sizeof(AstOrderItem));
	e->n_order_by = list_length(parts.order_by);
	return expr_done(ps, e);
}

/* The side that TRIM names, which the grammar has read as a column or as the type of a literal; NULL: none. */
static const char *
trim_function(const AstExpr *e)
{
	static const char *const sides[][2] = {{"BOTH", "BTRIM"}, {"LEADING", "LTRIM"}, {"TRAILING", "RTRIM"}};

	for (int i = 0; i < 3; i++)
		if ((e->kind == AST_COLUMN || e->kind == AST_TYPED_LITERAL) && e->qualifier.text == NULL && !e->name.is_quoted &&
			str_equal_nocase(str_of(e->name.text), str_of(sides[i][0])))
			return sides[i][1];
	return NULL;
}

static AstExpr *
call_with_words(ParseState *ps, AstIdent name, AstExpr *first, AstExpr *second, AstIdent word, AstExpr *third)
{
	CallParts	parts = {0};

	if (str_equal_nocase(str_of(name.text), STR("SUBSTRING")) &&
		(third == NULL || str_equal_nocase(str_of(word.text), STR("FOR")))) {
		parts.args = list_add(ps, list_add(ps, NULL, first), second);
		if (third != NULL)
			list_add(ps, parts.args, third);
	} else if (str_equal_nocase(str_of(name.text), STR("TRIM")) && third == NULL) {
		const char *function = trim_function(first);

		parts.args = list_add(ps, NULL, second);
		name.text = function != NULL ? function : "BTRIM";
		if (function == NULL) {
			list_add(ps, parts.args, first);
		} else if (first->kind == AST_TYPED_LITERAL) {
			first->kind = AST_STRING;
			list_add(ps, parts.args, first);
		}
	} else {
		parse_fail(ps, name.pos, "FROM between arguments is for SUBSTRING(text FROM start FOR length) and TRIM(BOTH 'x' FROM text)");
	}
	return call_new(ps, name, parts);
}

static AstExpr *
call_with_lambda(ParseState *ps, AstPos start, const char *function, AstExpr *list, AstIdent param, AstExpr *body)
{
	AstExpr *column = ast_expr_column(ps, (AstIdent){0}, param);
	AstList *args = list_add(ps, list_add(ps, NULL, list), expr_lambda(ps, column, body));

	return call_new(ps, (AstIdent){.text = function, .pos = start}, (CallParts){.args = args});
}

/* [value FOR param IN list IF condition] as TRANSFORM(FILTER(list, param => condition), param => value). */
static AstExpr *
comprehension(ParseState *ps, AstPos start, AstExpr *value, AstIdent param, AstExpr *list, AstExpr *condition)
{
	AstExpr *out;

	if (condition != NULL)
		list = call_with_lambda(ps, start, "FILTER", list, param, condition);
	out = call_with_lambda(ps, start, "TRANSFORM", list, param, value);
	out->pos = pos_span(ps, start);
	return out;
}

static void
relation_alias(ParseState *ps, AstRelation *r, AliasParts alias)
{
	r->alias = alias.name;
	r->column_aliases = list_structs(ps, alias.columns, sizeof(AstIdent));
	r->n_column_aliases = list_length(alias.columns);
	r->pos = pos_span(ps, r->pos);
}

static void
properties_set(ParseState *ps, AstProperty **properties, int *n, AstList *list)
{
	*properties = list_structs(ps, list, sizeof(AstProperty));
	*n = list_length(list);
}

static AstProperty *
property_new(ParseState *ps, AstIdent name, AstExpr *value)
{
	AstProperty *p = NEW(AstProperty);

	p->name = name.text;
	p->is_quoted = name.is_quoted;
	p->value = value;
	p->pos = pos_span(ps, name.pos);
	return p;
}

/* A word as a value (FORMAT = CSV) means its text. */
static AstExpr *
word_value(ParseState *ps, AstIdent word)
{
	AstExpr	   *e = ast_expr_new(ps, AST_STRING, word.pos);

	e->text = word.text;
	return e;
}

static AstIdent
ident_dotted(ParseState *ps, AstIdent a, AstIdent b)
{
	a.text = arena_printf(ps->arena, "%s.%s", a.text, b.text);
	a.pos = pos_span(ps, a.pos);
	return a;
}

static AstColumnDef *
column_new(ParseState *ps, AstIdent name, AstType *type)
{
	AstColumnDef *c = NEW(AstColumnDef);

	c->name = name;
	c->type = type;
	c->pos = pos_span(ps, name.pos);
	return c;
}

static AstStatement *
create_source(ParseState *ps, AstPos start, bool or_replace, bool is_source, bool is_table, bool if_not_exists,
			  AstIdent name, AstList *columns, AstList *properties, AstQuery *query)
{
	AstStatement *s = statement_new(ps, AST_CREATE_SOURCE, start);
	AstCreateSource *c = &s->create_source;

	c->name = source_name(ps, name);
	c->or_replace = or_replace;
	c->is_source = is_source;
	c->is_table = is_table;
	c->if_not_exists = if_not_exists;
	c->has_columns = columns != NULL;
	c->columns = list_structs(ps, columns, sizeof(AstColumnDef));
	c->n_columns = list_length(columns);
	properties_set(ps, &c->properties, &c->n_properties, properties);
	c->query = query;
	if (query != NULL && columns != NULL)
		parse_fail(ps, columns->pos, "A column list can't be given with AS SELECT: the columns come from the query");
	return s;
}

static AstStatement *
insert_new(ParseState *ps, AstPos start, AstIdent name, AstList *columns, AstList *properties, AstQuery *query)
{
	AstBody	   *body = query->body;
	bool		is_values = body->kind == AST_BODY_VALUES && query->n_order_by == 0 && query->limit == NULL &&
		query->offset == NULL && query->n_ctes == 0 && query->emit == AST_EMIT_NONE;
	AstStatement *s = statement_new(ps, is_values ? AST_INSERT_VALUES : AST_INSERT_SELECT, start);
	AstInsert  *i = &s->insert;

	i->name = source_name(ps, name);
	i->columns = list_structs(ps, columns, sizeof(AstIdent));
	i->n_columns = list_length(columns);
	properties_set(ps, &i->properties, &i->n_properties, properties);
	if (is_values) {
		i->rows = body->rows;
		i->n_rows = body->n_rows;
	} else
		i->query = query;
	return s;
}

/* ksqlDB takes (a, b) only as the whole of GROUP BY. */
static void
tuple_refuse(ParseState *ps, const AstGrouping *tuple)
{
	int		second = tuple->n_items > 1 ? tuple->items[1]->pos.offset : tuple->pos.offset + tuple->pos.length;

	for (int i = ps->at - 1; i > 0; i--) {
		AstPos	pos = ps->inputs[i].value.pos;

		if (ps->inputs[i].code == TK_COMMA && pos.offset < second) {
			parse_fail(ps, pos, "line %d:%d: Syntax Error\nmissing ')' at ','", pos.line, pos.column);
			return;
		}
	}
}

static AstSelect *
select_all(ParseState *ps, AstPos start, AstRelation *from)
{
	AstSelect  *s = NEW(AstSelect);
	AstSelectItem *all = NEW(AstSelectItem);

	all->expr = expr_done(ps, ast_expr_new(ps, AST_STAR, start));
	s->pos = pos_span(ps, start);
	s->items = all;
	s->n_items = 1;
	s->from = from;
	return s;
}

static AstRelation *
relation_pivot(ParseState *ps, AstPos start, AstRelation *source, AstPivot *pivot, AliasParts alias)
{
	AstRelation *r = relation_new(ps, AST_RELATION_PIVOT, start);

	r->left = source;
	r->pivot = pivot;
	relation_alias(ps, r, alias);
	return relation_done(ps, r);
}

static AstSample *
sample_new(ParseState *ps, ParseToken amount)
{
	AstSample  *s = NEW(AstSample);

	s->amount = amount.text;
	s->pos = pos_span(ps, amount.pos);
	return s;
}

static AstSample *
sample_method(ParseState *ps, AstSample *sample, AstIdent method)
{
	static const char *const names[] = {[AST_SAMPLE_BERNOULLI] = "BERNOULLI", [AST_SAMPLE_SYSTEM] = "SYSTEM", [AST_SAMPLE_RESERVOIR] = "RESERVOIR"};

	for (int i = AST_SAMPLE_BERNOULLI; i <= AST_SAMPLE_RESERVOIR; i++)
		if (str_equal_nocase(str_of(method.text), str_of(names[i])))
			sample->method = (AstSampleMethod)i;
	if (sample->method == AST_SAMPLE_ANY)
		parse_fail(ps, method.pos, "A sample is taken by BERNOULLI, SYSTEM or RESERVOIR, not by %s", method.text);
	/* TABLESAMPLE BERNOULLI (10) is of percent, as standard SQL has it. */
	if (sample->method == AST_SAMPLE_BERNOULLI || sample->method == AST_SAMPLE_SYSTEM)
		sample->is_percent = true;
	return sample;
}

static AstSample *
sample_done(ParseState *ps, AstSample *sample, ParseToken seed)
{
	if (seed.text != NULL) {
		sample->has_seed = true;
		sample->seed = int_of(ps, seed);
	}
	if (!sample->is_percent && strchr(sample->amount, '.') != NULL)
		parse_fail(ps, sample->pos, "A sample of rows needs a whole number; %s%% would be a percentage", sample->amount);
	else if (sample->is_percent && strtod(sample->amount, NULL) > 100)
		parse_fail(ps, sample->pos, "A sample of %s%% is more than there is", sample->amount);
	return sample;
}

static AstRelation *
join_new(ParseState *ps, AstRelation *left, int type, AstRelation *right)
{
	AstRelation *r = relation_new(ps, AST_RELATION_JOIN, left->pos);

	r->join = (AstJoinKind)(type & 0xff);
	r->is_asof = (type & JOIN_ASOF) != 0;
	r->is_natural = (type & JOIN_NATURAL) != 0;
	r->left = left;
	r->right = right;
	return r;
}
}

%token_prefix TK_
%token_type {ParseToken}
%default_type {AstExpr *}
%extra_argument {ParseState *ps}
%name Grammar
%stack_size 6000
%start_symbol input

%stack_overflow {
	parse_fail(ps, ps->inputs[ps->at].value.pos, "The statement is nested too deeply");
}
%syntax_error {
	(void)yymajor;
	(void)yyminor;
	ps->n_wanted = grammar_wanted_impl(yypParser, ps->wanted, (int)(sizeof ps->wanted / sizeof *ps->wanted));
	parse_syntax_error(ps, ps->at);
}

/* Words that are names wherever no keyword fits. */
%fallback IDENT
	ADD ALTER ANALYZE ANTI ANY ARRAY ARRAY_LT ARRAY_OF ASC ASOF ASSERT AST CHANGES COLUMN COPY CROSS CUBE CURRENT DAY
	DEFINE DESC EMIT ESCAPE EXCEPT EXCLUDE EXPLAIN EXTRACT FETCH FILTER FINAL FIRST FOLLOWING FOR FUNCTION FUNCTIONS GLOB GRACE
	GROUPING GROUPS HEADER HEADERS HOUR ID IF IGNORE ILIKE INTERSECT INTERVAL KEY LAST LATERAL LOGICAL MACRO MAP MAP_LT
	MICROSECOND MICROSECONDS MINUTE MONTH NAME NATURAL NEXT NO NULLS OFF OFFSET ONLY OPTIMIZED ORDER OTHERS OVER PARTITION
	PERIOD PIVOT PLUGINS PRECEDING PRIMARY QUALIFY QUARTER QUARTERS RANGE RECURSIVE REPLACE RESPECT RETURNS ROLLUP ROW ROWS
	SCHEMA SECOND SEMI SESSION SET SETS SHOW SIMILAR SINK SOME SOURCE SPOOL STRING STRUCT STRUCT_LT SUBJECT SUMMARIZE SYSTEM
	TABLES TABLESAMPLE TIES TIME TIMEOUT TRY_CAST TYPE TYPES UNBOUNDED UNDEFINE UNION UNPIVOT USING VARIABLES VIEWS WEEK WEEKS YEAR ZONE.

/* Reserved, but no rule has them; ERROR stands for what is no token. */
%token CATALOG EXPORT QUERY LOAD NAMESPACE ERROR.

/*
 * "(( query ))": another closing parenthesis belongs to the query while it can, so that it stays one query and is not
 * taken for an expression in parentheses.
 */
%nonassoc QUERY_ENDS.
%nonassoc RP.
%left UNION EXCEPT.
%left INTERSECT.

input ::= statement(S). { ps->statement = S; }
input ::= START_EXPR expr(E). { ps->expr = E; }
input ::= START_TYPE type(T). { ps->type = T; }
input ::= START_NAME name(N). { ps->ident = N; }

/* ---- names and lists of names ---- */

%type name {AstIdent}
name(R) ::= IDENT(T). { R = ident_of(T); }

%type names {AstList *}
names(R) ::= name(N). { R = list_add(ps, NULL, ident_copy(ps, N)); }
names(R) ::= names(L) COMMA name(N). { R = list_add(ps, L, ident_copy(ps, N)); }

%type opt_names {AstList *}
opt_names(R) ::= . { R = NULL; }
opt_names(R) ::= LP names(L) RP. { R = L; }

%type string {const char *}
string(R) ::= STRLIT(T). { R = T.text; }

/* ---- types ---- */

%type type {AstType *}
%type type_params {AstList *}
%type type_fields {AstList *}
type(R) ::= name(N). {
	R = type_new(ps, AST_TYPE_NAMED, N.pos);
	R->name = N;
}
type(R) ::= name(N) LP type_params(P) RP. {
	R = type_new(ps, AST_TYPE_NAMED, N.pos);
	R->name = N;
	R->params = (const char **)list_pointers(P);
	R->n_params = list_length(P);
}
type(R) ::= DECIMAL(T). {
	R = type_new(ps, AST_TYPE_NAMED, T.pos);
	R->name = ident_of(T);
}
type(R) ::= DECIMAL(T) LP type_params(P) RP. {
	R = type_new(ps, AST_TYPE_NAMED, T.pos);
	R->name = ident_of(T);
	R->params = (const char **)list_pointers(P);
	R->n_params = list_length(P);
}
type(R) ::= ARRAY_LT(T) LT type(E) GT. {
	R = type_new(ps, AST_TYPE_ARRAY, T.pos);
	R->element = E;
}
type(R) ::= MAP_LT(T) LT type(K) COMMA type(V) GT. {
	R = type_new(ps, AST_TYPE_MAP, T.pos);
	R->key = K;
	R->element = V;
}
type(R) ::= STRUCT_LT(T) LT type_fields(F) GT. {
	R = type_new(ps, AST_TYPE_STRUCT, T.pos);
	R->fields = list_structs(ps, F, sizeof(AstTypeField));
	R->n_fields = list_length(F);
}
/* STRUCT(a INT, b VARCHAR) and MAP(VARCHAR, INT), as DuckDB writes them */
type(R) ::= STRUCT(T) LP type_fields(F) RP. {
	R = type_new(ps, AST_TYPE_STRUCT, T.pos);
	R->fields = list_structs(ps, F, sizeof(AstTypeField));
	R->n_fields = list_length(F);
}
type(R) ::= MAP(T) LP type(K) COMMA type(V) RP. {
	R = type_new(ps, AST_TYPE_MAP, T.pos);
	R->key = K;
	R->element = V;
}
type(R) ::= STRUCT_LT(T) LT GT. { R = type_new(ps, AST_TYPE_STRUCT, T.pos); }
type(R) ::= STRUCT_LT(T) NEQ. { R = type_new(ps, AST_TYPE_STRUCT, T.pos); }
type(R) ::= type(E) ARRAY_OF. { R = type_wrap_array(ps, E); }
type(R) ::= type(E) BRACKETS. { R = type_wrap_array(ps, E); }

type_params(R) ::= type_param(P). { R = list_add(ps, NULL, (void *)P); }
type_params(R) ::= type_params(L) COMMA type_param(P). { R = list_add(ps, L, (void *)P); }
%type type_param {const char *}
type_param(R) ::= INTLIT(T). { R = T.text; }
type_param(R) ::= STRING(T). { R = T.text; }

type_fields(R) ::= type_field(F). { R = list_add(ps, NULL, F); }
type_fields(R) ::= type_fields(L) COMMA type_field(F). { R = list_add(ps, L, F); }
%type type_field {AstTypeField *}
type_field(R) ::= name(N) type(T). {
	R = NEW(AstTypeField);
	R->name = N;
	R->type = T;
}

/* ---- amounts of time ---- */

%type duration {AstDuration}
duration(R) ::= INTLIT(N) unit(U). { R = duration_of(ps, N, U); }

%type unit {AstUnit}
unit(R) ::= unit_word(T). { R = unit_of(T.text); }
%type unit_word {ParseToken}
unit_word(R) ::= DAY|DAYS|HOUR|HOURS|MINUTE|MINUTES|SECOND|SECONDS|MILLISECOND|MILLISECONDS(T). { R = T; }

%type interval_unit {AstUnit}
interval_unit(R) ::= unit(U). { R = U; }
interval_unit(R) ::= interval_word(T). { R = unit_of(T.text); }
%type interval_word {ParseToken}
interval_word(R) ::= WEEK|WEEKS|MONTH|MONTHS|QUARTER|QUARTERS|YEAR|YEARS|MICROSECOND|MICROSECONDS(T). { R = T; }

/* ---- expressions, loosest first ---- */

expr(R) ::= or_expr(E). { R = E; }

or_expr(R) ::= and_expr(E). { R = E; }
or_expr(R) ::= or_expr(A) OR and_expr(B). { R = expr_binary(ps, AST_OP_OR, A, B); }

and_expr(R) ::= not_expr(E). { R = E; }
and_expr(R) ::= and_expr(A) AND not_expr(B). { R = expr_binary(ps, AST_OP_AND, A, B); }

not_expr(R) ::= predicate(E). { R = E; }
not_expr(R) ::= NOT(T) not_expr(E). { R = expr_unary(ps, AST_OP_NOT, T, E); }

predicate(R) ::= val(E). { R = E; }
predicate(R) ::= val(A) comparison(O) val(B). { R = expr_binary(ps, O, A, B); }
predicate(R) ::= val(A) comparison(O) quantifier(Q) query_parens(S). {
	R = ast_expr_new(ps, AST_QUANTIFIED, A->pos);
	R->op = O;
	R->left = A;
	R->is_all = Q;
	R->query = S;
	R = expr_done(ps, R);
}
predicate(R) ::= val(A) opt_not(N) BETWEEN val(B) AND val(C). {
	R = ast_expr_new(ps, AST_BETWEEN, A->pos);
	R->arg = A;
	R->left = B;
	R->right = C;
	R->is_negated = N;
	R = expr_done(ps, R);
}
predicate(R) ::= val(A) opt_not(N) IN LP exprs(L) RP. {
	R = expr_list(ps, AST_IN_LIST, A->pos, L);
	R->arg = A;
	R->is_negated = N;
	R = expr_done(ps, R);
}
predicate(R) ::= val(A) opt_not(N) IN query_parens(Q). {
	R = ast_expr_new(ps, AST_IN_QUERY, A->pos);
	R->arg = A;
	R->query = Q;
	R->is_negated = N;
	R = expr_done(ps, R);
}
predicate(R) ::= val(A) opt_not(N) like(I) val(B) opt_escape(C). {
	R = ast_expr_new(ps, AST_LIKE, A->pos);
	R->left = A;
	R->right = B;
	R->escape = C;
	R->is_negated = N;
	R->is_ilike = I;
	R = expr_done(ps, R);
}
predicate(R) ::= val(A) opt_not(N) IN LB exprs(L) RB. {
	R = expr_list(ps, AST_IN_LIST, A->pos, L);
	R->arg = A;
	R->is_negated = N;
	R = expr_done(ps, R);
}
predicate(R) ::= val(A) opt_not(N) IN(T) named(B). { R = expr_negated_call(ps, N, expr_call_of(ps, A->pos, T, "IN_ARRAY", A, B, NULL)); }
predicate(R) ::= val(A) match(O) val(B). { R = expr_match(ps, A, O, B); }
predicate(R) ::= val(A) opt_not(N) SIMILAR TO(T) val(B) opt_escape(C). { R = expr_negated_call(ps, N, expr_pattern(ps, T, A, "SIMILAR_TO_REGEX", B, C)); }
predicate(R) ::= val(A) opt_not(N) GLOB(T) val(B). { R = expr_negated_call(ps, N, expr_pattern(ps, T, A, "GLOB_TO_REGEX", B, NULL)); }
predicate(R) ::= val(A) IS opt_not(N) NULL. {
	R = ast_expr_new(ps, AST_IS_NULL, A->pos);
	R->arg = A;
	R->is_negated = N;
	R = expr_done(ps, R);
}
predicate(R) ::= val(A) IS opt_not(N) truth(B). {
	R = ast_expr_new(ps, AST_IS_BOOLEAN, A->pos);
	R->arg = A;
	R->is_negated = N;
	R->boolean = B;
	R = expr_done(ps, R);
}
predicate(R) ::= val(A) IS opt_not(N) DISTINCT FROM val(B). {
	R = ast_expr_new(ps, AST_IS_DISTINCT, A->pos);
	R->left = A;
	R->right = B;
	R->is_negated = N;
	R = expr_done(ps, R);
}

%type comparison {AstOp}
comparison(R) ::= EQ. { R = AST_OP_EQUAL; }
comparison(R) ::= NEQ. { R = AST_OP_NOT_EQUAL; }
comparison(R) ::= LT. { R = AST_OP_LESS; }
comparison(R) ::= LTE. { R = AST_OP_LESS_EQUAL; }
comparison(R) ::= GT. { R = AST_OP_GREATER; }
comparison(R) ::= GTE. { R = AST_OP_GREATER_EQUAL; }

/* x ~ 'regex' and its like, of PostgreSQL */
%type match {ParseToken}
match(R) ::= MATCH|MATCH_NOCASE|NOT_MATCH|NOT_MATCH_NOCASE|LIKE_OP|ILIKE_OP|NOT_LIKE_OP|NOT_ILIKE_OP(T). { R = T; }
match(R) ::= STARTS(T). { R = T; }

%type quantifier {bool}
quantifier(R) ::= ALL. { R = true; }
quantifier(R) ::= ANY. { R = false; }
quantifier(R) ::= SOME. { R = false; }

%type opt_not {bool}
opt_not(R) ::= . { R = false; }
opt_not(R) ::= NOT. { R = true; }

%type like {bool}
like(R) ::= LIKE. { R = false; }
like(R) ::= ILIKE. { R = true; }

opt_escape(R) ::= . { R = NULL; }
opt_escape(R) ::= ESCAPE STRLIT(T). { R = expr_text(ps, AST_STRING, T); }

%type truth {bool}
truth(R) ::= TRUE. { R = true; }
truth(R) ::= FALSE. { R = false; }

val(R) ::= concat(E). { R = E; }

concat(R) ::= sum(E). { R = E; }
concat(R) ::= concat(A) CONCAT sum(B). { R = expr_binary(ps, AST_OP_CONCAT, A, B); }
concat(R) ::= concat(A) BIT_AND(T) sum(B). { R = expr_call_of(ps, A->pos, T, "BITWISE_AND", A, B, NULL); }
concat(R) ::= concat(A) BIT_OR(T) sum(B). { R = expr_call_of(ps, A->pos, T, "BITWISE_OR", A, B, NULL); }
concat(R) ::= concat(A) SHIFT_LEFT(T) sum(B). { R = expr_call_of(ps, A->pos, T, "BITWISE_LEFT_SHIFT", A, B, NULL); }
concat(R) ::= concat(A) SHIFT_RIGHT(T) sum(B). { R = expr_call_of(ps, A->pos, T, "BITWISE_RIGHT_SHIFT", A, B, NULL); }

sum(R) ::= product(E). { R = E; }
sum(R) ::= sum(A) PLUS product(B). { R = expr_binary(ps, AST_OP_ADD, A, B); }
sum(R) ::= sum(A) MINUS product(B). { R = expr_binary(ps, AST_OP_SUBTRACT, A, B); }

product(R) ::= power(E). { R = E; }
product(R) ::= product(A) DIV power(B). { R = expr_binary(ps, AST_OP_DIVIDE, A, B); }		/* of whole numbers both cut */
product(R) ::= product(A) STAR power(B). { R = expr_binary(ps, AST_OP_MULTIPLY, A, B); }
product(R) ::= product(A) SLASH power(B). { R = expr_binary(ps, AST_OP_DIVIDE, A, B); }
product(R) ::= product(A) PERCENT power(B). { R = expr_binary(ps, AST_OP_MODULO, A, B); }

power(R) ::= signed(E). { R = E; }
power(R) ::= power(A) POWER(T) signed(B). { R = expr_call_of(ps, A->pos, T, "POWER", A, B, NULL); }

signed(R) ::= zoned(E). { R = E; }
signed(R) ::= MINUS(T) signed(E). { R = expr_unary(ps, AST_OP_NEGATE, T, E); }
signed(R) ::= PLUS(T) signed(E). { R = expr_unary(ps, AST_OP_PLUS, T, E); }
signed(R) ::= MATCH(T) signed(E). { R = expr_call_of(ps, T.pos, T, "BITWISE_NOT", E, NULL, NULL); }

zoned(R) ::= postfix(E). { R = E; }
zoned(R) ::= zoned(A) AT TIME ZONE postfix(B). {
	R = ast_expr_new(ps, AST_AT_TIME_ZONE, A->pos);
	R->left = A;
	R->right = B;
	R = expr_done(ps, R);
}

postfix(R) ::= named(E). { R = E; }
postfix(R) ::= tail_expr(E). { R = E; }
tail_expr(R) ::= primary(E). { R = E; }
tail_expr(R) ::= tail_expr(A) DOT name(N). {
	R = ast_expr_new(ps, AST_FIELD, A->pos);
	R->arg = A;
	R->name = N;
	R = expr_done(ps, R);
}
tail_expr(R) ::= postfix(A) LB(T) opt_val(B) COLON opt_val(C) RB. { R = expr_slice(ps, A, T, B, C); }
tail_expr(R) ::= postfix(A) ARROW(T) json_key(K). { R = expr_call_of(ps, A->pos, T, "JSON_EXTRACT", A, K, NULL); }
tail_expr(R) ::= postfix(A) ARROW_TEXT(T) json_key(K). { R = expr_call_of(ps, A->pos, T, "JSON_EXTRACT_STRING", A, K, NULL); }
json_key(R) ::= STRLIT(T). { R = expr_json_key(ps, T); }
json_key(R) ::= INTLIT(T). { R = expr_json_index(ps, T); }
tail_expr(R) ::= postfix(A) LB val(B) RB. {
	R = ast_expr_new(ps, AST_SUBSCRIPT, A->pos);
	R->left = A;
	R->right = B;
	R = expr_done(ps, R);
}
tail_expr(R) ::= postfix(A) ARROW name(N). {
	R = ast_expr_new(ps, AST_FIELD, A->pos);
	R->arg = A;
	R->name = N;
	R = expr_done(ps, R);
}
tail_expr(R) ::= postfix(A) DCOLON type(T). {
	R = ast_expr_new(ps, AST_CAST, A->pos);
	R->arg = A;
	R->type = T;
	R = expr_done(ps, R);
}

primary(R) ::= NULL(T). { R = ast_expr_new(ps, AST_NULL, T.pos); }
primary(R) ::= TRUE(T). {
	R = ast_expr_new(ps, AST_BOOLEAN, T.pos);
	R->boolean = true;
}
primary(R) ::= FALSE(T). { R = ast_expr_new(ps, AST_BOOLEAN, T.pos); }
primary(R) ::= INTLIT(T). { R = expr_number(ps, AST_INTEGER, T); }
primary(R) ::= DECLIT(T). { R = expr_number(ps, AST_DECIMAL, T); }
primary(R) ::= DBLLIT(T). { R = expr_number(ps, AST_DOUBLE, T); }
primary(R) ::= STRLIT(T). { R = expr_text(ps, AST_STRING, T); }
primary(R) ::= name(N) STRLIT(T). {
	R = ast_expr_new(ps, AST_TYPED_LITERAL, N.pos);
	R->name = N;
	R->text = T.text;
}
primary(R) ::= DECIMAL(N) STRLIT(T). {
	R = ast_expr_new(ps, AST_TYPED_LITERAL, N.pos);
	R->name = ident_of(N);
	R->text = T.text;
}
primary(R) ::= INTERVAL(I) STRLIT(T). {
	R = ast_expr_new(ps, AST_INTERVAL, I.pos);
	R->text = T.text;
}
primary(R) ::= INTERVAL(I) STRLIT(T) interval_unit(U). {
	R = ast_expr_new(ps, AST_INTERVAL, I.pos);
	R->text = T.text;
	R->has_unit = true;
	R->unit = U;
}
primary(R) ::= INTERVAL(I) INTLIT|DECLIT(T) interval_unit(U). {
	R = ast_expr_new(ps, AST_INTERVAL, I.pos);
	R->text = T.text;
	R->has_unit = true;
	R->unit = U;
}
primary(R) ::= INTERVAL(I) LP expr(E) RP interval_unit(U). {
	R = ast_expr_new(ps, AST_INTERVAL, I.pos);
	R->arg = E;
	R->has_unit = true;
	R->unit = U;
	R = expr_done(ps, R);
}
primary(R) ::= VARIABLE(T). { R = expr_text(ps, AST_VARIABLE, T); }
primary(R) ::= QUESTION(T). {
	R = ast_expr_new(ps, AST_PARAMETER, T.pos);
	R->index = ps->n_parameters++;
}
primary(R) ::= DAYS|HOURS|MINUTES|SECONDS|MILLISECOND|MILLISECONDS|MONTHS|YEARS(T). {
	R = expr_unit(ps, unit_of(T.text), T);
}
named(R) ::= name(N). { R = ast_expr_column(ps, (AstIdent){0}, N); }
named(R) ::= dotted(E). { R = E; }
dotted(R) ::= name(Q) DOT name(N). { R = ast_expr_column(ps, Q, N); }
dotted(R) ::= dotted(A) DOT name(N). {
	R = ast_expr_new(ps, AST_FIELD, A->pos);
	R->arg = A;
	R->name = N;
	R = expr_done(ps, R);
}
primary(R) ::= LP(T) expr(E) RP. { R = expr_parens(ps, T.pos, E); }
primary(R) ::= LP(T) expr(E) COMMA exprs(L) RP. {
	AstList	   *all = list_add(ps, NULL, E);

	for (int i = 0; i < list_length(L); i++)
		all = list_add(ps, all, L->items[i]);
	R = expr_list(ps, AST_ROW, T.pos, all);
}
primary(R) ::= query_parens(Q). [QUERY_ENDS] { R = expr_query(ps, AST_QUERY_EXPR, Q->pos, Q); }
primary(R) ::= EXISTS(T) query_parens(Q). { R = expr_query(ps, AST_EXISTS, T.pos, Q); }
primary(R) ::= CASE(T) opt_val(A) whens(W) opt_else(E) END. {
	R = ast_expr_new(ps, AST_CASE, T.pos);
	R->arg = A;
	R->whens = list_structs(ps, W, sizeof(AstWhen));
	R->n_whens = list_length(W);
	R->right = E;
	R = expr_done(ps, R);
}
opt_val(R) ::= . { R = NULL; }
opt_val(R) ::= val(E). { R = E; }
opt_else(R) ::= . { R = NULL; }
opt_else(R) ::= ELSE expr(E). { R = E; }
%type whens {AstList *}
whens(R) ::= when(W). { R = list_add(ps, NULL, W); }
whens(R) ::= whens(L) when(W). { R = list_add(ps, L, W); }
%type when {AstWhen *}
when(R) ::= WHEN expr(C) THEN expr(E). {
	R = NEW(AstWhen);
	R->condition = C;
	R->result = E;
}
primary(R) ::= CAST(T) LP expr(E) AS type(Y) RP. {
	R = ast_expr_new(ps, AST_CAST, T.pos);
	R->arg = E;
	R->type = Y;
	R = expr_done(ps, R);
}
primary(R) ::= TRY_CAST(T) LP expr(E) AS type(Y) RP. {
	R = ast_expr_new(ps, AST_CAST, T.pos);
	R->arg = E;
	R->type = Y;
	R->is_try = true;
	R = expr_done(ps, R);
}
primary(R) ::= EXTRACT(T) LP name(N) FROM expr(E) RP. { R = expr_extract(ps, T, N, E); }
primary(R) ::= EXTRACT(T) LP DAYS|HOURS|MINUTES|SECONDS|MILLISECOND|MILLISECONDS|MONTHS|YEARS(N) FROM expr(E) RP. {
	R = expr_extract(ps, T, ident_of(N), E);
}
/* The forms of standard SQL with words between the arguments: SUBSTRING(s FROM 2 FOR 3), TRIM(BOTH 'x' FROM s). */
primary(R) ::= name(N) LP expr(A) FROM expr(B) RP. { R = call_with_words(ps, N, A, B, (AstIdent){0}, NULL); }
primary(R) ::= name(N) LP expr(A) FROM expr(B) name(F) expr(C) RP. { R = call_with_words(ps, N, A, B, F, C); }
primary(R) ::= ARRAY(T) LB exprs(L) RB. { R = expr_list(ps, AST_ARRAY, T.pos, L); }
primary(R) ::= ARRAY(T) BRACKETS. { R = expr_list(ps, AST_ARRAY, T.pos, NULL); }
primary(R) ::= LB(T) exprs(L) RB. { R = expr_list(ps, AST_ARRAY, T.pos, L); }
primary(R) ::= BRACKETS(T). { R = expr_list(ps, AST_ARRAY, T.pos, NULL); }
/* [x + 1 FOR x IN list IF x > 2] */
primary(R) ::= LB(T) expr(E) FOR name(N) IN expr(L) RB. { R = comprehension(ps, T.pos, E, N, L, NULL); }
primary(R) ::= LB(T) expr(E) FOR name(N) IN expr(L) name(W) expr(C) RB. {
	if (!str_equal_nocase(str_of(W.text), STR("IF")))
		parse_fail(ps, W.pos, "Expected IF and a condition, or ]");
	R = comprehension(ps, T.pos, E, N, L, C);
}
primary(R) ::= MAP(T) LP RP. { R = ast_expr_new(ps, AST_MAP, T.pos); }
primary(R) ::= MAP(T) LP map_entries(L) RP. {
	R = ast_expr_new(ps, AST_MAP, T.pos);
	R->entries = list_structs(ps, L, sizeof(AstMapEntry));
	R->n_entries = list_length(L);
	R = expr_done(ps, R);
}
/* MAP {'a': 1} */
primary(R) ::= MAP(T) LC RC. { R = ast_expr_new(ps, AST_MAP, T.pos); }
primary(R) ::= MAP(T) LC pairs(L) RC. {
	R = ast_expr_new(ps, AST_MAP, T.pos);
	R->entries = list_structs(ps, L, sizeof(AstMapEntry));
	R->n_entries = list_length(L);
	R = expr_done(ps, R);
}
/* MAP([keys], [values]) */
primary(R) ::= MAP(T) LP expr(K) COMMA expr(V) RP. { R = expr_call_of(ps, T.pos, T, "MAP_FROM_LISTS", K, V, NULL); }
%type pairs {AstList *}
pairs(R) ::= pair(E). { R = list_add(ps, NULL, E); }
pairs(R) ::= pairs(L) COMMA pair(E). { R = list_add(ps, L, E); }
%type pair {AstMapEntry *}
pair(R) ::= expr(K) COLON expr(V). {
	R = NEW(AstMapEntry);
	R->key = K;
	R->value = V;
}
/* {'a': 1} and {a: 1} */
primary(R) ::= LC(T) pairs(L) RC. { R = expr_struct_of_pairs(ps, T.pos, L); }
%type map_entries {AstList *}
map_entries(R) ::= map_entry(E). { R = list_add(ps, NULL, E); }
map_entries(R) ::= map_entries(L) COMMA map_entry(E). { R = list_add(ps, L, E); }
%type map_entry {AstMapEntry *}
map_entry(R) ::= expr(K) ASSIGN expr(V). {
	R = NEW(AstMapEntry);
	R->key = K;
	R->value = V;
}
primary(R) ::= STRUCT(T) LP RP. { R = ast_expr_new(ps, AST_STRUCT, T.pos); }
primary(R) ::= STRUCT(T) LP struct_fields(L) RP. {
	R = ast_expr_new(ps, AST_STRUCT, T.pos);
	R->fields = list_structs(ps, L, sizeof(AstStructField));
	R->n_fields = list_length(L);
	R = expr_done(ps, R);
}
%type struct_fields {AstList *}
struct_fields(R) ::= struct_field(F). { R = list_add(ps, NULL, F); }
struct_fields(R) ::= struct_fields(L) COMMA struct_field(F). { R = list_add(ps, L, F); }
%type struct_field {AstStructField *}
struct_field(R) ::= name(N) ASSIGN expr(E). {
	R = NEW(AstStructField);
	R->name = N;
	R->value = E;
}

primary(R) ::= name(N) LP call_args(A) RP opt_within_group(G) opt_filter(F) opt_ignore(I) opt_over(O). {
	R = call_new(ps, N, A);
	if (G != NULL) {
		if (R->n_order_by > 0)
			parse_fail(ps, R->pos, "ORDER BY is given twice: in the arguments and in WITHIN GROUP");
		R->order_by = list_structs(ps, G, sizeof(AstOrderItem));
		R->n_order_by = list_length(G);
		R->is_within_group = true;
	}
	R->filter = F;
	R->is_ignore_nulls = I;
	R->over = O;
	R = call_done(ps, expr_done(ps, R));
}

%type call_args {CallParts}
call_args(R) ::= . { R = (CallParts){0}; }
call_args(R) ::= STAR(T) star_parts(P). { R = star_argument(ps, T.pos, P); }
call_args(R) ::= name(N) DOT STAR star_parts(P). {
	R = (CallParts){.args = list_add(ps, NULL, star_new(ps, AST_QUALIFIED_STAR, N.pos, N, P))};
}
call_args(R) ::= args(L) opt_order_by(O). { R = (CallParts){.args = L, .order_by = O}; }
call_args(R) ::= ALL args(L) opt_order_by(O). { R = (CallParts){.args = L, .order_by = O}; }
call_args(R) ::= DISTINCT args(L) opt_order_by(O). { R = (CallParts){.is_distinct = true, .args = L, .order_by = O}; }

%type args {AstList *}
args(R) ::= arg(E). { R = list_add(ps, NULL, E); }
args(R) ::= args(L) COMMA arg(E). { R = list_add(ps, L, E); }
arg(R) ::= expr(E). { R = E; }
arg(R) ::= primary(P) LAMBDA expr(E). { R = expr_lambda(ps, P, E); }
arg(R) ::= named(P) LAMBDA expr(E). { R = expr_lambda(ps, P, E); }
arg(R) ::= LAMBDA_WORD names(L) COLON expr(E). { R = expr_lambda_of_names(ps, L, E); }
arg(R) ::= name(N) ASSIGN expr(E). {
	R = ast_expr_new(ps, AST_NAMED, N.pos);
	R->name = N;
	R->arg = E;
	R = expr_done(ps, R);
}

%type exprs {AstList *}
exprs(R) ::= expr(E). { R = list_add(ps, NULL, E); }
exprs(R) ::= exprs(L) COMMA expr(E). { R = list_add(ps, L, E); }

%type opt_within_group {AstList *}
opt_within_group(R) ::= . { R = NULL; }
opt_within_group(R) ::= WITHIN GROUP LP order_by(L) RP. { R = L; }

opt_filter(R) ::= . { R = NULL; }
opt_filter(R) ::= FILTER LP WHERE expr(E) RP. { R = E; }
opt_filter(R) ::= FILTER LP expr(E) RP. { R = E; }

%type opt_ignore {bool}
opt_ignore(R) ::= . { R = false; }
opt_ignore(R) ::= IGNORE NULLS. { R = true; }
opt_ignore(R) ::= RESPECT NULLS. { R = false; }

%type opt_over {AstOver *}
opt_over(R) ::= . { R = NULL; }
opt_over(R) ::= OVER name(N). {
	R = NEW(AstOver);
	R->base = N;
	R->is_name_only = true;
	R->pos = N.pos;
}
opt_over(R) ::= OVER over(O). { R = O; }

%type over {AstOver *}
over(R) ::= LP(T) opt_name(N) opt_partition_by(P) opt_order_by(L) opt_frame(F) RP. {
	R = F;
	R->base = N;
	R->partition_by = (AstExpr **)list_pointers(P);
	R->n_partition_by = list_length(P);
	R->order_by = list_structs(ps, L, sizeof(AstOrderItem));
	R->n_order_by = list_length(L);
	R->pos = pos_span(ps, T.pos);
}
%type opt_name {AstIdent}
opt_name(R) ::= . { R = (AstIdent){0}; }
opt_name(R) ::= name(N). { R = N; }
%type opt_partition_by {AstList *}
opt_partition_by(R) ::= . { R = NULL; }
opt_partition_by(R) ::= PARTITION BY exprs(L). { R = L; }
%type opt_frame {AstOver *}
opt_frame(R) ::= . { R = NEW(AstOver); }
opt_frame(R) ::= frame_unit(U) bound(B) opt_exclude(X). {
	R = NEW(AstOver);
	R->frame = U;
	R->start = B;
	R->end.kind = AST_BOUND_CURRENT_ROW;
	R->exclude = X;
}
opt_frame(R) ::= frame_unit(U) BETWEEN bound(A) AND bound(B) opt_exclude(X). {
	R = NEW(AstOver);
	R->frame = U;
	R->start = A;
	R->end = B;
	R->exclude = X;
}
%type frame_unit {AstFrameUnit}
frame_unit(R) ::= ROWS. { R = AST_FRAME_ROWS; }
frame_unit(R) ::= RANGE. { R = AST_FRAME_RANGE; }
frame_unit(R) ::= GROUPS. { R = AST_FRAME_GROUPS; }
%type bound {AstBound}
bound(R) ::= UNBOUNDED PRECEDING. { R = (AstBound){.kind = AST_BOUND_UNBOUNDED_PRECEDING}; }
bound(R) ::= UNBOUNDED FOLLOWING. { R = (AstBound){.kind = AST_BOUND_UNBOUNDED_FOLLOWING}; }
bound(R) ::= CURRENT ROW. { R = (AstBound){.kind = AST_BOUND_CURRENT_ROW}; }
bound(R) ::= val(E) PRECEDING. { R = (AstBound){AST_BOUND_PRECEDING, E}; }
bound(R) ::= val(E) FOLLOWING. { R = (AstBound){AST_BOUND_FOLLOWING, E}; }
%type opt_exclude {AstExclude}
opt_exclude(R) ::= . { R = AST_EXCLUDE_NONE; }
opt_exclude(R) ::= EXCLUDE CURRENT ROW. { R = AST_EXCLUDE_CURRENT_ROW; }
opt_exclude(R) ::= EXCLUDE GROUP. { R = AST_EXCLUDE_GROUP; }
opt_exclude(R) ::= EXCLUDE TIES. { R = AST_EXCLUDE_TIES; }
opt_exclude(R) ::= EXCLUDE NO OTHERS. { R = AST_EXCLUDE_NONE; }

%type opt_order_by {AstList *}
opt_order_by(R) ::= . { R = NULL; }
opt_order_by(R) ::= order_by(L). { R = L; }
%type order_by {AstList *}
order_by(R) ::= ORDER BY order_items(L). { R = L; }
%type order_items {AstList *}
order_items(R) ::= order_item(I). { R = list_add(ps, NULL, I); }
order_items(R) ::= order_items(L) COMMA order_item(I). { R = list_add(ps, L, I); }
%type order_item {AstOrderItem *}
order_item(R) ::= expr(E) opt_direction(D) opt_nulls(N). {
	R = NEW(AstOrderItem);
	R->expr = E;
	R->is_descending = D;
	R->nulls = N;
	R->pos = pos_span(ps, E->pos);
}
%type opt_direction {bool}
opt_direction(R) ::= . { R = false; }
opt_direction(R) ::= ASC. { R = false; }
opt_direction(R) ::= DESC. { R = true; }
%type opt_nulls {AstNulls}
opt_nulls(R) ::= . { R = AST_NULLS_DEFAULT; }
opt_nulls(R) ::= NULLS FIRST. { R = AST_NULLS_FIRST; }
opt_nulls(R) ::= NULLS LAST. { R = AST_NULLS_LAST; }

/* ---- WITH (name = value, ...) ---- */

%type opt_with {AstList *}
opt_with(R) ::= . { R = NULL; }
opt_with(R) ::= with(L). { R = L; }
%type with {AstList *}
with(R) ::= WITH LP properties(L) RP. { R = L; }
with(R) ::= WITH LP RP. { R = NULL; }
%type properties {AstList *}
properties(R) ::= property(P). { R = list_add(ps, NULL, P); }
properties(R) ::= properties(L) COMMA property(P). { R = list_add(ps, L, P); }
%type property {AstProperty *}
property(R) ::= property_name(N) EQ property_value(V). { R = property_new(ps, N, V); }
%type property_name {AstIdent}
property_name(R) ::= dotted_name(N). { R = N; }
property_name(R) ::= STRLIT(T). { R = ident_of(T); }
property_name(R) ::= NULL(T). { R = ident_of(T); }		/* the text that means NULL in a CSV file */
%type dotted_name {AstIdent}
dotted_name(R) ::= name(N). { R = N; }
dotted_name(R) ::= dotted_name(A) DOT name(B). { R = ident_dotted(ps, A, B); }
property_value(R) ::= literal(E). { R = E; }
property_value(R) ::= name(N). { R = word_value(ps, N); }
property_value(R) ::= list_value(E). { R = E; }
list_value(R) ::= LB(T) literals(L) RB. { R = expr_list(ps, AST_ARRAY, T.pos, L); }
list_value(R) ::= ARRAY(T) LB literals(L) RB. { R = expr_list(ps, AST_ARRAY, T.pos, L); }
%type literals {AstList *}
literals(R) ::= literal(E). { R = list_add(ps, NULL, E); }
literals(R) ::= literals(L) COMMA literal(E). { R = list_add(ps, L, E); }
literal(R) ::= NULL(T). { R = ast_expr_new(ps, AST_NULL, T.pos); }
literal(R) ::= TRUE(T). {
	R = ast_expr_new(ps, AST_BOOLEAN, T.pos);
	R->boolean = true;
}
literal(R) ::= FALSE(T). { R = ast_expr_new(ps, AST_BOOLEAN, T.pos); }
literal(R) ::= STRLIT(T). { R = expr_text(ps, AST_STRING, T); }
literal(R) ::= VARIABLE(T). { R = expr_text(ps, AST_VARIABLE, T); }
literal(R) ::= number(E). { R = E; }
literal(R) ::= MINUS(T) number(E). { R = expr_unary(ps, AST_OP_NEGATE, T, E); }
number(R) ::= INTLIT(T). { R = expr_number(ps, AST_INTEGER, T); }
number(R) ::= DECLIT(T). { R = expr_number(ps, AST_DECIMAL, T); }
number(R) ::= DBLLIT(T). { R = expr_number(ps, AST_DOUBLE, T); }

/* ---- queries ---- */

/* A query is in parentheses, or not at all: see QUERY_ENDS. */
%type query {AstQuery *}
query(R) ::= query_bare(Q). { R = Q; }
query(R) ::= query_parens(Q). { R = Q; }

%type query_parens {AstQuery *}
query_parens(R) ::= LP(T) query_bare(Q) RP. {
	R = Q;
	R->pos = pos_span(ps, T.pos);
}
query_parens(R) ::= LP(T) query_parens(Q) RP. {
	R = Q;
	R->pos = pos_span(ps, T.pos);
}

%type query_bare {AstQuery *}
query_bare(R) ::= body(B) tail(T). { R = query_of_body(ps, B->pos, B, T); }
query_bare(R) ::= query_parens(Q) some_tail(T). { R = query_of_body(ps, Q->pos, body_of_query(ps, Q), T); }
query_bare(R) ::= with_ctes(W) body(B) tail(T). { R = query_with(ps, W, B, T); }
query_bare(R) ::= with_ctes(W) query_parens(Q) tail(T). { R = query_with(ps, W, body_of_query(ps, Q), T); }

%type with_ctes {WithParts}
with_ctes(R) ::= WITH(T) ctes(L). { R = (WithParts){.ctes = L, .pos = T.pos}; }
with_ctes(R) ::= WITH(T) RECURSIVE ctes(L). { R = (WithParts){.is_recursive = true, .ctes = L, .pos = T.pos}; }
%type ctes {AstList *}
ctes(R) ::= cte(C). { R = list_add(ps, NULL, C); }
ctes(R) ::= ctes(L) COMMA cte(C). { R = list_add(ps, L, C); }
%type cte {AstCte *}
cte(R) ::= name(N) opt_names(L) AS materialized(M) query_parens(Q). {
	R = NEW(AstCte);
	R->name = N;
	R->columns = list_structs(ps, L, sizeof(AstIdent));
	R->n_columns = list_length(L);
	R->materialized = M;
	R->query = Q;
	R->pos = pos_span(ps, N.pos);
}
%type materialized {AstMaterialized}
materialized(R) ::= . { R = AST_MATERIALIZED_OPEN; }
materialized(R) ::= MATERIALIZED. { R = AST_MATERIALIZED_YES; }
materialized(R) ::= NOT MATERIALIZED. { R = AST_MATERIALIZED_NOT; }

%type body {AstBody *}
body(R) ::= select(S). {
	R = body_new(ps, AST_BODY_SELECT, S->pos);
	R->select = S;
	R = body_done(ps, R);
}
body(R) ::= VALUES(T) rows(L). {
	R = body_new(ps, AST_BODY_VALUES, T.pos);
	R->rows = list_structs(ps, L, sizeof(AstValuesRow));
	R->n_rows = list_length(L);
	R = body_done(ps, R);
}
body(R) ::= operand(A) UNION set_quantifier(Q) operand(B). { R = body_set(ps, AST_UNION, Q, A, B); }
body(R) ::= operand(A) EXCEPT set_quantifier(Q) operand(B). { R = body_set(ps, AST_EXCEPT, Q, A, B); }
body(R) ::= operand(A) INTERSECT set_quantifier(Q) operand(B). { R = body_set(ps, AST_INTERSECT, Q, A, B); }
%type operand {AstBody *}
operand(R) ::= body(B). { R = B; }
operand(R) ::= query_parens(Q). { R = body_of_query(ps, Q); }
/* bit 0: ALL, bit 1: BY NAME */
%type set_quantifier {int}
set_quantifier(R) ::= . { R = 0; }
set_quantifier(R) ::= ALL. { R = 1; }
set_quantifier(R) ::= DISTINCT. { R = 0; }
set_quantifier(R) ::= BY NAME. { R = 2; }
set_quantifier(R) ::= ALL BY NAME. { R = 3; }

%type rows {AstList *}
rows(R) ::= row(V). { R = list_add(ps, NULL, V); }
rows(R) ::= rows(L) COMMA row(V). { R = list_add(ps, L, V); }
%type row {AstValuesRow *}
row(R) ::= LP(T) exprs(L) RP. {
	R = NEW(AstValuesRow);
	R->values = (AstExpr **)list_pointers(L);
	R->n_values = list_length(L);
	R->pos = pos_span(ps, T.pos);
	expr_check_values(ps, L);
}

%type tail {QueryTail}
tail(R) ::= . { R = (QueryTail){0}; }
tail(R) ::= some_tail(T). { R = T; }
%type some_tail {QueryTail}
some_tail(R) ::= order_by(O) opt_emit(E) opt_limits(L). {
	R = (QueryTail){.order_by = O, .emit = E.emit, .emit_pos = E.emit_pos, .limit = L.limit, .offset = L.offset, .limit_is_percent = L.is_percent};
}
some_tail(R) ::= order_by_all(O) opt_emit(E) opt_limits(L). {
	R = (QueryTail){.order_by = O, .emit = E.emit, .emit_pos = E.emit_pos, .limit = L.limit, .offset = L.offset, .limit_is_percent = L.is_percent};
}
/* By all columns of the result, from the first on. */
%type order_by_all {AstList *}
order_by_all(R) ::= ORDER BY ALL(T) opt_direction(D) opt_nulls(N). {
	AstOrderItem *all = NEW(AstOrderItem);

	all->expr = expr_done(ps, ast_expr_new(ps, AST_STAR, T.pos));
	all->is_descending = D;
	all->nulls = N;
	all->pos = T.pos;
	R = list_add(ps, NULL, all);
}
some_tail(R) ::= emit(E) opt_limits(L). {
	R = (QueryTail){.emit = E.emit, .emit_pos = E.emit_pos, .limit = L.limit, .offset = L.offset, .limit_is_percent = L.is_percent};
}
some_tail(R) ::= limits(L). { R = (QueryTail){.limit = L.limit, .offset = L.offset, .limit_is_percent = L.is_percent}; }
%type opt_emit {QueryTail}
opt_emit(R) ::= . { R = (QueryTail){0}; }
opt_emit(R) ::= emit(E). { R = E; }
%type emit {QueryTail}
emit(R) ::= EMIT(T) CHANGES. { R = (QueryTail){.emit = AST_EMIT_CHANGES, .emit_pos = pos_span(ps, T.pos)}; }
emit(R) ::= EMIT(T) FINAL. { R = (QueryTail){.emit = AST_EMIT_FINAL, .emit_pos = pos_span(ps, T.pos)}; }
%type opt_limits {LimitParts}
opt_limits(R) ::= . { R = (LimitParts){0}; }
opt_limits(R) ::= limits(L). { R = L; }
%type limits {LimitParts}
limits(R) ::= limit(L). { R = L; }
limits(R) ::= offset(O). { R = (LimitParts){.offset = O}; }
limits(R) ::= limit(L) offset(O). {
	R = L;
	R.offset = O;
}
limits(R) ::= offset(O) limit(L). {
	R = L;
	R.offset = O;
}
%type limit {LimitParts}
limit(R) ::= LIMIT val(E). { R = (LimitParts){.limit = E}; }
limit(R) ::= LIMIT val(E) name(N). {
	R = (LimitParts){.limit = E, .is_percent = true};
	if (!str_equal_nocase(str_of(N.text), STR("PERCENT")))
		parse_fail(ps, N.pos, "Expected PERCENT, OFFSET or the end of the query");
}
limit(R) ::= LIMIT product(E) PERCENT. { R = (LimitParts){.limit = E, .is_percent = true}; }
limit(R) ::= LIMIT ALL. { R = (LimitParts){0}; }
limit(R) ::= FETCH first_or_next val(E) row_or_rows ONLY. { R = (LimitParts){.limit = E}; }
limit(R) ::= FETCH(T) first_or_next row_or_rows ONLY. {
	AstExpr	   *one = ast_expr_new(ps, AST_INTEGER, T.pos);

	one->integer = 1;
	one->text = "1";
	R = (LimitParts){.limit = expr_done(ps, one)};
}
first_or_next ::= FIRST.
first_or_next ::= NEXT.
row_or_rows ::= ROW.
row_or_rows ::= ROWS.
offset(R) ::= OFFSET val(E) opt_rows. { R = E; }
opt_rows ::= .
opt_rows ::= ROW.
opt_rows ::= ROWS.

%type select {AstSelect *}
select(R) ::= SELECT(T) distinct(D) items(I) opt_from(F) opt_window(W) opt_where(C) opt_group_by(G) opt_partition(P)
		opt_having(H) opt_windows(N) opt_qualify(Q) opt_sample(X). {
	R = D;
	R->pos = pos_span(ps, T.pos);
	R->items = list_structs(ps, I, sizeof(AstSelectItem));
	R->n_items = list_length(I);
	R->from = F;
	R->window = W;
	R->where = C;
	R->group_by = (AstGrouping **)list_pointers(G);
	R->n_group_by = list_length(G);
	R->partition_by = (AstExpr **)list_pointers(P);
	R->n_partition_by = list_length(P);
	R->having = H;
	R->windows = list_structs(ps, N, sizeof(AstNamedOver));
	R->n_windows = list_length(N);
	R->qualify = Q;
	R->sample = X;
	R = select_done(ps, R);
}

/* FROM x SELECT a is SELECT a FROM x */
select(R) ::= FROM(T) relation(F) SELECT distinct(D) items(I) opt_where(C) opt_group_by(G) opt_having(H) opt_qualify(Q) opt_sample(X). {
	R = D;
	R->pos = pos_span(ps, T.pos);
	R->items = list_structs(ps, I, sizeof(AstSelectItem));
	R->n_items = list_length(I);
	R->from = F;
	R->where = C;
	R->group_by = (AstGrouping **)list_pointers(G);
	R->n_group_by = list_length(G);
	R->having = H;
	R->qualify = Q;
	R->sample = X;
	R = select_done(ps, R);
}

/* FROM x WHERE c means SELECT * FROM x WHERE c */
select(R) ::= FROM(T) relation(F) opt_where(C) opt_sample(X). {
	R = select_all(ps, T.pos, F);
	R->where = C;
	R->sample = X;
	R = select_done(ps, R);
}

/* PIVOT t ON a USING SUM(b) GROUP BY c */
select(R) ::= PIVOT(T) source(S) opt_pivot_on(O) opt_pivot_using(U) pivot_group(G). {
	AstPivot   *p = NEW(AstPivot);

	p->aggregates = list_structs(ps, U, sizeof(AstSelectItem));
	p->n_aggregates = list_length(U);
	p->ons = list_structs(ps, O, sizeof(AstPivotOn));
	p->n_ons = list_length(O);
	p->group_by = list_structs(ps, G, sizeof(AstIdent));
	p->n_group_by = list_length(G);
	R = select_done(ps, select_all(ps, T.pos, relation_pivot(ps, T.pos, S, p, (AliasParts){0})));
}
/* UNPIVOT t ON a, b INTO NAME n VALUE v */
select(R) ::= UNPIVOT(T) source(S) ON items(C) unpivot_into(P). {
	P->ons = NEW(AstPivotOn);
	P->ons->values = list_structs(ps, C, sizeof(AstSelectItem));
	P->ons->n_values = list_length(C);
	P->n_ons = 1;
	R = select_done(ps, select_all(ps, T.pos, relation_pivot(ps, T.pos, S, P, (AliasParts){0})));
}
%type opt_pivot_on {AstList *}
opt_pivot_on(R) ::= . { R = NULL; }
opt_pivot_on(R) ::= ON pivot_list(L). { R = L; }
%type pivot_list {AstList *}
pivot_list(R) ::= pivot_on(O). { R = list_add(ps, NULL, O); }
pivot_list(R) ::= pivot_list(L) COMMA pivot_on(O). { R = list_add(ps, L, O); }
%type opt_pivot_using {AstList *}
opt_pivot_using(R) ::= . {
	AstSelectItem *count = NEW(AstSelectItem);

	count->expr = call_new(ps, (AstIdent){.text = "COUNT"}, (CallParts){.is_star = true});
	R = list_add(ps, NULL, count);
}
opt_pivot_using(R) ::= USING items(L). { R = L; }
%type pivot_on {AstPivotOn *}
pivot_on(R) ::= pivot_in(O). { R = O; }
pivot_on(R) ::= val(E). {
	R = NEW(AstPivotOn);
	R->expr = E;
}
%type pivot_in {AstPivotOn *}
pivot_in(R) ::= val(E) IN LP items(L) RP. {
	R = NEW(AstPivotOn);
	R->expr = E;
	R->values = list_structs(ps, L, sizeof(AstSelectItem));
	R->n_values = list_length(L);
}
pivot_in(R) ::= val(E) IN query_parens(Q). {
	R = NEW(AstPivotOn);
	R->expr = E;
	R->query = Q;
}
/* FOR a IN (...) b IN (...) */
%type pivot_ons {AstList *}
pivot_ons(R) ::= pivot_list(L). { R = L; }
pivot_ons(R) ::= pivot_ins(L) pivot_on(O). { R = list_add(ps, L, O); }
%type pivot_ins {AstList *}
pivot_ins(R) ::= pivot_in(O). { R = list_add(ps, NULL, O); }
pivot_ins(R) ::= pivot_ins(L) pivot_in(O). { R = list_add(ps, L, O); }
%type pivot_group {AstList *}
pivot_group(R) ::= . { R = NULL; }
pivot_group(R) ::= GROUP BY names(L). { R = L; }
%type unpivot_into {AstPivot *}
unpivot_into(R) ::= . {
	R = NEW(AstPivot);
	R->is_unpivot = true;
	R->name = (AstIdent){.text = "name"};
	R->value_names = NEW(AstIdent);
	R->value_names->text = "value";
	R->n_value_names = 1;
}
unpivot_into(R) ::= INTO NAME name(N) name(W) names(L). {
	R = NEW(AstPivot);
	R->is_unpivot = true;
	R->name = N;
	R->value_names = list_structs(ps, L, sizeof(AstIdent));
	R->n_value_names = list_length(L);
	if (!str_equal_nocase(str_of(W.text), STR("VALUE")))
		parse_fail(ps, W.pos, "Expected VALUE and the name of the column of values");
}

/* USING SAMPLE 10%, TABLESAMPLE BERNOULLI (10) REPEATABLE (42) */
%type opt_sample {AstSample *}
opt_sample(R) ::= . { R = NULL; }
opt_sample(R) ::= USING_SAMPLE SAMPLE sample(X) repeatable(S). { R = sample_done(ps, X, S); }
%type sample {AstSample *}
sample(R) ::= sample_size(S). { R = S; }
sample(R) ::= LP sample_size(S) RP. { R = S; }
sample(R) ::= sample_size(S) LP name(M) RP. { R = sample_method(ps, S, M); }
sample(R) ::= sample_size(S) LP name(M) COMMA INTLIT(N) RP. {
	R = sample_method(ps, S, M);
	R->has_seed = true;
	R->seed = int_of(ps, N);
}
sample(R) ::= name(M) LP sample_size(S) RP. { R = sample_method(ps, S, M); }
%type sample_size {AstSample *}
sample_size(R) ::= INTLIT|DECLIT(N). { R = sample_new(ps, N); }
sample_size(R) ::= INTLIT|DECLIT(N) PERCENT. {
	R = sample_new(ps, N);
	R->is_percent = true;
}
sample_size(R) ::= INTLIT|DECLIT(N) name(U). {
	R = sample_new(ps, N);
	R->is_percent = str_equal_nocase(str_of(U.text), STR("PERCENT"));
	if (!R->is_percent && !str_equal_nocase(str_of(U.text), STR("ROWS")))
		parse_fail(ps, U.pos, "A sample is of a number of ROWS or of PERCENT: USING SAMPLE 10%%, USING SAMPLE 100 ROWS");
}
%type repeatable {ParseToken}
repeatable(R) ::= . { R = (ParseToken){0}; }
repeatable(R) ::= REPEATABLE LP INTLIT(N) RP. { R = N; }

%type distinct {AstSelect *}
distinct(R) ::= . { R = NEW(AstSelect); }
distinct(R) ::= ALL. { R = NEW(AstSelect); }
distinct(R) ::= DISTINCT. {
	R = NEW(AstSelect);
	R->is_distinct = true;
}
distinct(R) ::= DISTINCT ON LP exprs(L) RP. {
	R = NEW(AstSelect);
	R->is_distinct = true;
	R->distinct_on = (AstExpr **)list_pointers(L);
	R->n_distinct_on = list_length(L);
}

%type items {AstList *}
items(R) ::= item(I). { R = list_add(ps, NULL, I); }
items(R) ::= items(L) COMMA item(I). { R = list_add(ps, L, I); }
%type item {AstSelectItem *}
item(R) ::= item_expr(E). {
	R = NEW(AstSelectItem);
	R->expr = E;
	R->pos = E->pos;
}
item(R) ::= expr(E) AS name(N). {
	R = NEW(AstSelectItem);
	R->expr = E;
	R->alias = N;
	R->pos = E->pos;
}
/* a: 1 + 1 */
item(R) ::= expr(E) AS STRLIT(T). {
	R = NEW(AstSelectItem);
	R->expr = E;
	R->alias = ident_of(T);
	R->pos = E->pos;
	if (ps->options.is_ksqldb)
		parse_fail(ps, T.pos, "An alias is a name, not a text");
}
item(R) ::= name(N) COLON expr(E). {
	R = NEW(AstSelectItem);
	R->expr = E;
	R->alias = N;
	R->pos = E->pos;
}
item(R) ::= expr(E) name(N). {
	R = NEW(AstSelectItem);
	R->expr = E;
	R->alias = N;
	R->pos = E->pos;
}
item_expr(R) ::= expr(E). { R = E; }
item_expr(R) ::= STAR(T) star_parts(P). { R = star_new(ps, AST_STAR, T.pos, (AstIdent){0}, P); }
item_expr(R) ::= name(N) DOT STAR star_parts(P). { R = star_new(ps, AST_QUALIFIED_STAR, N.pos, N, P); }
item_expr(R) ::= postfix(E) ARROW STAR. {
	R = ast_expr_new(ps, AST_FIELD_ALL, E->pos);
	R->arg = E;
	R = expr_done(ps, R);
}
%type star_parts {StarParts}
star_parts(R) ::= star_exclude(X) star_replace(P) star_rename(N). { R = (StarParts){.exclude = X, .replace = P, .rename = N}; }
star_parts(R) ::= star_exclude(X) star_replace(P) star_rename(N) opt_not(Z) like(I) STRLIT(S). {
	R = (StarParts){X, P, N, expr_text(ps, AST_STRING, S), Z, I};
}
%type star_rename {AstList *}
star_rename(R) ::= . { R = NULL; }
star_rename(R) ::= RENAME LP renames(L) RP. { R = L; }
%type renames {AstList *}
renames(R) ::= rename(N). { R = list_add(ps, NULL, N); }
renames(R) ::= renames(L) COMMA rename(N). { R = list_add(ps, L, N); }
%type rename {AstRename *}
rename(R) ::= name(A) AS name(B). {
	R = NEW(AstRename);
	R->from = A;
	R->to = B;
}
%type star_exclude {AstList *}
star_exclude(R) ::= . { R = NULL; }
star_exclude(R) ::= EXCLUDE name(N). { R = list_add(ps, NULL, ident_copy(ps, N)); }
star_exclude(R) ::= EXCLUDE LP names(L) RP. { R = L; }
%type star_replace {AstList *}
star_replace(R) ::= . { R = NULL; }
star_replace(R) ::= REPLACE LP replaces(L) RP. { R = L; }
%type replaces {AstList *}
replaces(R) ::= replace(P). { R = list_add(ps, NULL, P); }
replaces(R) ::= replaces(L) COMMA replace(P). { R = list_add(ps, L, P); }
%type replace {AstReplace *}
replace(R) ::= expr(E) AS name(N). {
	R = NEW(AstReplace);
	R->expr = E;
	R->name = N;
}

/* ---- FROM ---- */

%type opt_from {AstRelation *}
opt_from(R) ::= . { R = NULL; }
opt_from(R) ::= FROM relation(F). { R = F; }

%type relation {AstRelation *}
relation(R) ::= joined(J). { R = J; }
relation(R) ::= relation(A) COMMA joined(B). {
	R = join_new(ps, A, AST_JOIN_CROSS, B);
	R->is_comma = true;
	R = relation_done(ps, R);
}
%type joined {AstRelation *}
joined(R) ::= source(S). { R = S; }
joined(R) ::= joined(A) join_type(Y) JOIN(T) source(B) opt_within(W) join_condition(C). {
	R = join_new(ps, A, Y, B);
	R->within = W;
	R->on = C->on;
	R->using = C->using;
	R->n_using = C->n_using;
	bool		has_condition = C->on != NULL || C->n_using > 0;

	if (R->join == AST_JOIN_CROSS || R->is_natural) {
		if (has_condition)
			parse_fail(ps, T.pos, "%s JOIN takes no ON or USING", R->is_natural ? "NATURAL" : "CROSS");
	} else if (!has_condition)
		parse_fail(ps, T.pos, "This JOIN needs a condition: ON ... or USING (...)");
	R = relation_done(ps, R);
}
%type join_type {int}
join_type(R) ::= plain_type(P). { R = P; }
join_type(R) ::= CROSS. { R = AST_JOIN_CROSS; }
join_type(R) ::= SEMI. { R = AST_JOIN_SEMI; }
join_type(R) ::= ANTI. { R = AST_JOIN_ANTI; }
join_type(R) ::= ASOF plain_type(P). { R = P | JOIN_ASOF; }
join_type(R) ::= NATURAL plain_type(P). { R = P | JOIN_NATURAL; }
%type plain_type {int}
plain_type(R) ::= . { R = AST_JOIN_INNER; }
plain_type(R) ::= INNER. { R = AST_JOIN_INNER; }
plain_type(R) ::= LEFT opt_outer. { R = AST_JOIN_LEFT; }
plain_type(R) ::= RIGHT opt_outer. { R = AST_JOIN_RIGHT; }
plain_type(R) ::= FULL opt_outer. { R = AST_JOIN_FULL; }
opt_outer ::= .
opt_outer ::= OUTER.

%type join_condition {AstRelation *}
join_condition(R) ::= . { R = NEW(AstRelation); }
join_condition(R) ::= ON expr(E). {
	R = NEW(AstRelation);
	R->on = E;
}
join_condition(R) ::= USING LP names(L) RP. {
	R = NEW(AstRelation);
	R->using = list_structs(ps, L, sizeof(AstIdent));
	R->n_using = list_length(L);
}

%type opt_within {AstWithin *}
opt_within(R) ::= . { R = NULL; }
opt_within(R) ::= WITHIN(T) duration(D) opt_grace(G). {
	R = NEW(AstWithin);
	R->before = R->after = D;
	R->grace = G;
	R->pos = pos_span(ps, T.pos);
}
opt_within(R) ::= WITHIN(T) LP duration(B) COMMA duration(A) RP opt_grace(G). {
	R = NEW(AstWithin);
	R->before = B;
	R->after = A;
	R->is_pair = true;
	R->grace = G;
	R->pos = pos_span(ps, T.pos);
}
%type opt_grace {AstDuration}
opt_grace(R) ::= . { R = (AstDuration){0}; }
opt_grace(R) ::= GRACE PERIOD duration(D). { R = D; }

%type source {AstRelation *}
source(R) ::= name(N) opt_alias(A). {
	R = relation_new(ps, AST_RELATION_SOURCE, N.pos);
	R->name = source_name(ps, N);
	relation_alias(ps, R, A);
}
source(R) ::= STRLIT(T) opt_with(W) opt_alias(A). {
	R = relation_new(ps, AST_RELATION_FILE, T.pos);
	R->path = T.text;
	properties_set(ps, &R->properties, &R->n_properties, W);
	relation_alias(ps, R, A);
}
source(R) ::= query_parens(Q) opt_alias(A). {
	R = relation_new(ps, AST_RELATION_QUERY, Q->pos);
	R->query = Q;
	relation_alias(ps, R, A);
	R = relation_done(ps, R);
}
source(R) ::= LATERAL(T) query_parens(Q) opt_alias(A). {
	R = relation_new(ps, AST_RELATION_QUERY, T.pos);
	R->query = Q;
	R->is_lateral = true;
	relation_alias(ps, R, A);
	R = relation_done(ps, R);
}
source(R) ::= name(N) LP call_args(C) RP opt_alias(A). {
	if (read_function_format(N) != NULL)
		R = relation_of_read(ps, N, C.args);
	else {
		R = relation_new(ps, AST_RELATION_FUNCTION, N.pos);
		R->function = call_new(ps, N, C);
	}
	relation_alias(ps, R, A);
	R = relation_done(ps, R);
}
source(R) ::= LATERAL(T) name(N) LP call_args(C) RP opt_alias(A). {
	R = relation_new(ps, AST_RELATION_FUNCTION, T.pos);
	R->function = call_new(ps, N, C);
	R->is_lateral = true;
	relation_alias(ps, R, A);
	R = relation_done(ps, R);
}
source(R) ::= LP relation(J) RP. { R = J; }
source(R) ::= source(S) TABLESAMPLE sample(X) repeatable(N). {
	R = S;
	R->sample = sample_done(ps, X, N);
	R = relation_done(ps, R);
}
source(R) ::= source(S) PIVOT(T) LP items(U) FOR pivot_ons(O) pivot_group(G) RP opt_alias(L). {
	AstPivot   *p = NEW(AstPivot);

	p->aggregates = list_structs(ps, U, sizeof(AstSelectItem));
	p->n_aggregates = list_length(U);
	p->ons = list_structs(ps, O, sizeof(AstPivotOn));
	p->n_ons = list_length(O);
	p->group_by = list_structs(ps, G, sizeof(AstIdent));
	p->n_group_by = list_length(G);
	R = relation_pivot(ps, T.pos, S, p, L);
}
source(R) ::= source(S) UNPIVOT(T) unpivot_nulls(Z) LP unpivot_values(V) FOR name(N) IN LP items(C) RP RP opt_alias(L). {
	AstPivot   *p = NEW(AstPivot);

	p->is_unpivot = true;
	p->keeps_nulls = Z;
	p->name = N;
	p->value_names = list_structs(ps, V, sizeof(AstIdent));
	p->n_value_names = list_length(V);
	p->ons = NEW(AstPivotOn);
	p->ons->values = list_structs(ps, C, sizeof(AstSelectItem));
	p->ons->n_values = list_length(C);
	p->n_ons = 1;
	R = relation_pivot(ps, T.pos, S, p, L);
}
%type unpivot_nulls {bool}
unpivot_nulls(R) ::= . { R = false; }
unpivot_nulls(R) ::= name(W) NULLS. {
	R = str_equal_nocase(str_of(W.text), STR("INCLUDE"));
	if (!R && !str_equal_nocase(str_of(W.text), STR("EXCLUDE")))
		parse_fail(ps, W.pos, "Expected INCLUDE NULLS or EXCLUDE NULLS");
}
%type unpivot_values {AstList *}
unpivot_values(R) ::= name(N). { R = list_add(ps, NULL, ident_copy(ps, N)); }
unpivot_values(R) ::= LP names(L) RP. { R = L; }

%type opt_alias {AliasParts}
opt_alias(R) ::= . [QUERY_ENDS] { R = (AliasParts){0}; }
opt_alias(R) ::= name(N) opt_names(L). { R = (AliasParts){N, L}; }
opt_alias(R) ::= AS name(N) opt_names(L). { R = (AliasParts){N, L}; }

/* ---- the other clauses ---- */

%type opt_window {AstWindow *}
opt_window(R) ::= . { R = NULL; }
opt_window(R) ::= WINDOW(T) opt_name(N) window(W). {
	R = W;
	R->name = N;
	R->pos = pos_span(ps, T.pos);
}
%type window {AstWindow *}
window(R) ::= TUMBLING LP SIZE duration(S) window_parts(P) RP. {
	R = NEW(AstWindow);
	R->kind = AST_WINDOW_TUMBLING;
	R->size = S;
	R->retention = P.retention;
	R->grace = P.grace;
}
window(R) ::= HOPPING LP SIZE duration(S) COMMA ADVANCE BY duration(A) window_parts(P) RP. {
	R = NEW(AstWindow);
	R->kind = AST_WINDOW_HOPPING;
	R->size = S;
	R->advance = A;
	R->retention = P.retention;
	R->grace = P.grace;
}
window(R) ::= SESSION LP duration(S) window_parts(P) RP. {
	R = NEW(AstWindow);
	R->kind = AST_WINDOW_SESSION;
	R->size = S;
	R->retention = P.retention;
	R->grace = P.grace;
}
%type window_parts {WindowParts}
window_parts(R) ::= . { R = (WindowParts){0}; }
window_parts(R) ::= COMMA RETENTION duration(D). { R = (WindowParts){.retention = D}; }
window_parts(R) ::= COMMA GRACE PERIOD duration(D). { R = (WindowParts){.grace = D}; }
window_parts(R) ::= COMMA RETENTION duration(D) COMMA GRACE PERIOD duration(G). { R = (WindowParts){D, G}; }

opt_where(R) ::= . { R = NULL; }
opt_where(R) ::= WHERE expr(E). { R = E; }

%type opt_group_by {AstList *}
opt_group_by(R) ::= . { R = NULL; }
opt_group_by(R) ::= GROUP BY ALL(T). {
	R = list_add(ps, NULL, grouping_of(ps, AST_GROUP_ALL, T.pos, NULL, NULL));
}
opt_group_by(R) ::= GROUP BY groupings(L). { R = L; }
%type groupings {AstList *}
groupings(R) ::= grouping(G). { R = list_add(ps, NULL, G); }
groupings(R) ::= groupings(L) COMMA grouping(G). {
	if (ps->options.is_ksqldb && G->kind == AST_GROUP_TUPLE && G->n_items > 0)
		tuple_refuse(ps, G);
	R = list_add(ps, L, G);
}
%type grouping {AstGrouping *}
grouping(R) ::= expr(E). { R = grouping_of_expr(ps, E); }
grouping(R) ::= LP(T) RP. { R = grouping_of(ps, AST_GROUP_TUPLE, T.pos, NULL, NULL); }
grouping(R) ::= ROLLUP(T) LP groupings(L) RP. { R = grouping_of(ps, AST_GROUP_ROLLUP, T.pos, NULL, L); }
grouping(R) ::= CUBE(T) LP groupings(L) RP. { R = grouping_of(ps, AST_GROUP_CUBE, T.pos, NULL, L); }
grouping(R) ::= GROUPING(T) SETS LP groupings(L) RP. { R = grouping_of(ps, AST_GROUP_SETS, T.pos, NULL, L); }

%type opt_partition {AstList *}
opt_partition(R) ::= . { R = NULL; }
opt_partition(R) ::= PARTITION(T) BY LP RP. {
	R = NULL;
	parse_fail(ps, T.pos, "PARTITION BY requires at least one expression");
}
opt_partition(R) ::= PARTITION BY exprs(L). {
	R = L;
	expr_check_values(ps, L);
	/* PARTITION BY (a, b) is the same as without parentheses */
	if (list_length(L) == 1 && ((AstExpr *)L->items[0])->kind == AST_ROW) {
		AstExpr	   *tuple = L->items[0];

		R = NULL;
		for (int i = 0; i < tuple->n_args; i++)
			R = list_add(ps, R, tuple->args[i]);
	}
}

opt_having(R) ::= . { R = NULL; }
opt_having(R) ::= HAVING expr(E). { R = E; }

%type opt_windows {AstList *}
opt_windows(R) ::= . { R = NULL; }
opt_windows(R) ::= NAMED_WINDOW named_windows(L). { R = L; }
%type named_windows {AstList *}
named_windows(R) ::= named_window(W). { R = list_add(ps, NULL, W); }
named_windows(R) ::= named_windows(L) COMMA named_window(W). { R = list_add(ps, L, W); }
%type named_window {AstNamedOver *}
named_window(R) ::= name(N) AS over(O). {
	R = NEW(AstNamedOver);
	R->name = N;
	R->over = O;
}

opt_qualify(R) ::= . { R = NULL; }
opt_qualify(R) ::= QUALIFY expr(E). { R = E; }

/* ---- statements ---- */

%type statement {AstStatement *}
statement(R) ::= query(Q). {
	R = statement_new(ps, AST_SELECT, Q->pos);
	R->query = Q;
}

%type or_replace {bool}
or_replace(R) ::= . { R = false; }
or_replace(R) ::= OR REPLACE. { R = true; }
%type is_source {bool}
is_source(R) ::= . { R = false; }
is_source(R) ::= SOURCE. { R = true; }
%type is_table {bool}
is_table(R) ::= STREAM. { R = false; }
is_table(R) ::= TABLE. { R = true; }
%type if_not_exists {bool}
if_not_exists(R) ::= . { R = false; }
if_not_exists(R) ::= IF NOT EXISTS. { R = true; }
%type if_exists {bool}
if_exists(R) ::= . { R = false; }
if_exists(R) ::= IF EXISTS. { R = true; }

statement(R) ::= CREATE(T) or_replace(O) is_source(S) is_table(K) if_not_exists(I) name(N) opt_columns(C) opt_with(W). {
	R = create_source(ps, T.pos, O, S, K, I, N, C, W, NULL);
}
statement(R) ::= CREATE(T) or_replace(O) is_source(S) is_table(K) if_not_exists(I) name(N) opt_columns(C) opt_with(W)
		AS query(Q). {
	R = create_source(ps, T.pos, O, S, K, I, N, C, W, Q);
}

%type opt_columns {AstList *}
opt_columns(R) ::= . { R = NULL; }
opt_columns(R) ::= LP(T) RP. {
	R = arena_new(ps->arena, AstList);
	R->pos = pos_span(ps, T.pos);
}
opt_columns(R) ::= LP(T) columns(L) RP. {
	R = L;
	R->pos = pos_span(ps, T.pos);
}
%type columns {AstList *}
columns(R) ::= column(C). { R = list_add(ps, NULL, C); }
columns(R) ::= columns(L) COMMA column(C). { R = list_add(ps, L, C); }
%type column {AstColumnDef *}
column(R) ::= name(N) type(Y). { R = column_new(ps, N, Y); }
column(R) ::= name(N) type(Y) KEY. {
	R = column_new(ps, N, Y);
	R->role = AST_ROLE_KEY;
}
column(R) ::= name(N) type(Y) PRIMARY KEY. {
	R = column_new(ps, N, Y);
	R->role = AST_ROLE_PRIMARY_KEY;
}
column(R) ::= name(N) type(Y) HEADERS. {
	R = column_new(ps, N, Y);
	R->role = AST_ROLE_HEADERS;
}
column(R) ::= name(N) type(Y) HEADER LP string(H) RP. {
	R = column_new(ps, N, Y);
	R->role = AST_ROLE_HEADER;
	R->header = H;
}

statement(R) ::= CREATE(T) or_replace(O) VIEW if_not_exists(I) name(N) opt_names(L) AS query(Q). {
	R = statement_new(ps, AST_CREATE_VIEW, T.pos);
	R->create_view = (AstCreateView){.name = source_name(ps, N), .or_replace = O, .if_not_exists = I,
		.columns = list_structs(ps, L, sizeof(AstIdent)), .n_columns = list_length(L), .query = Q};
}
statement(R) ::= CREATE(T) or_replace(O) TYPE if_not_exists(I) name(N) AS type(Y). {
	R = statement_new(ps, AST_CREATE_TYPE, T.pos);
	R->create_type = (AstCreateType){.name = N, .if_not_exists = I, .type = Y};
	if (O)
		parse_fail(ps, T.pos, "A type can't be replaced: use DROP TYPE first");
}
statement(R) ::= CREATE(T) or_replace(O) FUNCTION if_not_exists(I) name(N) LP opt_params(L) RP opt_returns(Y) AS expr(E). {
	R = statement_new(ps, AST_CREATE_FUNCTION, T.pos);
	R->create_function = (AstCreateFunction){.name = N, .or_replace = O, .if_not_exists = I,
		.params = list_structs(ps, L, sizeof(AstFunctionParam)), .n_params = list_length(L), .returns = Y, .body = E};
}
/* CREATE MACRO is CREATE FUNCTION by another name */
statement(R) ::= CREATE(T) or_replace(O) MACRO if_not_exists(I) name(N) LP opt_params(L) RP AS expr(E). {
	R = statement_new(ps, AST_CREATE_FUNCTION, T.pos);
	R->create_function = (AstCreateFunction){.name = N, .or_replace = O, .if_not_exists = I,
		.params = list_structs(ps, L, sizeof(AstFunctionParam)), .n_params = list_length(L), .body = E};
}
/* LANGUAGE C AS 'path' [, 'symbol'] */
statement(R) ::= CREATE(T) or_replace(O) FUNCTION if_not_exists(I) name(N) LP opt_params(L) RP opt_returns(Y) name(W) name(G) AS string(P) opt_symbol(S). {
	R = statement_new(ps, AST_CREATE_FUNCTION, T.pos);
	R->create_function = (AstCreateFunction){.name = N, .or_replace = O, .if_not_exists = I,
		.params = list_structs(ps, L, sizeof(AstFunctionParam)), .n_params = list_length(L), .returns = Y,
		.language = G.text, .path = P, .symbol = S};
	if (strcasecmp(W.text, "LANGUAGE") != 0)
		parse_fail(ps, W.pos, "Expected AS, or LANGUAGE C AS 'library.so'");
}
%type opt_symbol {const char *}
opt_symbol(R) ::= . { R = NULL; }
opt_symbol(R) ::= COMMA string(S). { R = S; }
%type opt_params {AstList *}
opt_params(R) ::= . { R = NULL; }
opt_params(R) ::= params(L). { R = L; }
%type params {AstList *}
params(R) ::= param(P). { R = list_add(ps, NULL, P); }
params(R) ::= params(L) COMMA param(P). { R = list_add(ps, L, P); }
%type param {AstFunctionParam *}
param(R) ::= name(N). {
	R = NEW(AstFunctionParam);
	R->name = N;
}
param(R) ::= name(N) type(Y). {
	R = NEW(AstFunctionParam);
	R->name = N;
	R->type = Y;
}
%type opt_returns {AstType *}
opt_returns(R) ::= . { R = NULL; }
opt_returns(R) ::= RETURNS type(Y). { R = Y; }

statement(R) ::= CREATE(T) or_replace(O) connector_kind(K) CONNECTOR if_not_exists(I) name(N) opt_with(W). {
	R = statement_new(ps, AST_CREATE_CONNECTOR, T.pos);
	R->create_connector = (AstCreateConnector){.name = N, .is_sink = K, .if_not_exists = I};
	properties_set(ps, &R->create_connector.properties, &R->create_connector.n_properties, W);
	if (O)
		parse_fail(ps, T.pos, "A connector can't be replaced: use DROP CONNECTOR first");
}
%type connector_kind {bool}
connector_kind(R) ::= SOURCE. { R = false; }
connector_kind(R) ::= SINK. { R = true; }

statement(R) ::= INSERT(T) INTO name(N) query(Q). { R = insert_new(ps, T.pos, N, NULL, NULL, Q); }
statement(R) ::= INSERT(T) INTO name(N) with(W) query(Q). { R = insert_new(ps, T.pos, N, NULL, W, Q); }
statement(R) ::= INSERT(T) INTO name(N) LP names(C) RP query(Q). { R = insert_new(ps, T.pos, N, C, NULL, Q); }
statement(R) ::= INSERT(T) INTO name(N) LP names(C) RP with(W) query(Q). { R = insert_new(ps, T.pos, N, C, W, Q); }

statement(R) ::= DROP(T) droppable(K) if_exists(I) name(N). {
	R = statement_new(ps, AST_DROP, T.pos);
	R->drop = (AstDrop){.object = K, .name = N, .if_exists = I};
}
statement(R) ::= DROP(T) is_table(K) if_exists(I) name(N) opt_delete(D). {
	R = statement_new(ps, AST_DROP, T.pos);
	R->drop = (AstDrop){.object = K ? AST_OBJECT_TABLE : AST_OBJECT_STREAM, .name = source_name(ps, N), .if_exists = I,
		.delete_topic = D};
}
%type droppable {AstObject}
droppable(R) ::= VIEW. { R = AST_OBJECT_VIEW; }
droppable(R) ::= TYPE. { R = AST_OBJECT_TYPE; }
droppable(R) ::= FUNCTION. { R = AST_OBJECT_FUNCTION; }
droppable(R) ::= CONNECTOR. { R = AST_OBJECT_CONNECTOR; }
%type opt_delete {bool}
opt_delete(R) ::= . { R = false; }
opt_delete(R) ::= DELETE TOPIC. { R = true; }

statement(R) ::= ALTER(T) is_table(K) name(N) alterations(L). {
	R = statement_new(ps, AST_ALTER, T.pos);
	R->alter = (AstAlter){.name = source_name(ps, N), .is_table = K,
		.columns = list_structs(ps, L, sizeof(AstColumnDef)), .n_columns = list_length(L)};
}
%type alterations {AstList *}
alterations(R) ::= alteration(A). { R = list_add(ps, NULL, A); }
alterations(R) ::= alterations(L) COMMA alteration(A). { R = list_add(ps, L, A); }
%type alteration {AstColumnDef *}
alteration(R) ::= ADD name(N) type(Y). { R = column_new(ps, N, Y); }
alteration(R) ::= ADD COLUMN name(N) type(Y). { R = column_new(ps, N, Y); }

statement(R) ::= query_control(K) name(N). {
	R = K;
	R->query_control.id = N;
}
statement(R) ::= query_control(K) ALL. {
	R = K;
	R->query_control.is_all = true;
}
%type query_control {AstStatement *}
query_control(R) ::= TERMINATE(T). { R = statement_new(ps, AST_TERMINATE, T.pos); }
query_control(R) ::= PAUSE(T). { R = statement_new(ps, AST_PAUSE, T.pos); }
query_control(R) ::= RESUME(T). { R = statement_new(ps, AST_RESUME, T.pos); }

%type show {ParseToken}
show(R) ::= SHOW|LIST(T). { R = T; }
statement(R) ::= show(T) shown(S). {
	R = statement_new(ps, AST_SHOW, T.pos);
	R->show = S;
}
%type shown {AstShow}
shown(R) ::= PROPERTIES. { R = (AstShow){.object = AST_OBJECT_PROPERTY}; }
shown(R) ::= opt_all(A) TOPICS opt_extended(E). { R = (AstShow){.object = AST_OBJECT_TOPIC, .is_all = A, .is_extended = E}; }
shown(R) ::= STREAMS opt_extended(E). { R = (AstShow){.object = AST_OBJECT_STREAM, .is_extended = E}; }
shown(R) ::= TABLES opt_extended(E). { R = (AstShow){.object = AST_OBJECT_TABLE, .is_extended = E}; }
shown(R) ::= QUERIES opt_extended(E). { R = (AstShow){.object = AST_OBJECT_QUERY, .is_extended = E}; }
shown(R) ::= FUNCTIONS. { R = (AstShow){.object = AST_OBJECT_FUNCTION}; }
shown(R) ::= FUNCTIONS LIKE string(S). { R = (AstShow){.object = AST_OBJECT_FUNCTION, .like = S}; }
shown(R) ::= CONNECTORS. { R = (AstShow){.object = AST_OBJECT_CONNECTOR}; }
shown(R) ::= connector_kind(K) CONNECTORS. {
	R = (AstShow){.object = AST_OBJECT_CONNECTOR, .only_sources = !K, .only_sinks = K};
}
shown(R) ::= CONNECTOR PLUGINS. { R = (AstShow){.object = AST_OBJECT_PLUGIN}; }
shown(R) ::= TYPES. { R = (AstShow){.object = AST_OBJECT_TYPE}; }
shown(R) ::= VARIABLES. { R = (AstShow){.object = AST_OBJECT_VARIABLE}; }
shown(R) ::= VIEWS. { R = (AstShow){.object = AST_OBJECT_VIEW}; }
%type opt_all {bool}
opt_all(R) ::= . { R = false; }
opt_all(R) ::= ALL. { R = true; }
%type opt_extended {bool}
opt_extended(R) ::= . { R = false; }
opt_extended(R) ::= EXTENDED. { R = true; }

statement(R) ::= DESCRIBE(T) described(D). {
	R = statement_new(ps, AST_DESCRIBE, T.pos);
	R->describe = D;
}
statement(R) ::= DESCRIBE(T) target(D) opt_extended(E). {
	R = statement_new(ps, AST_DESCRIBE, T.pos);
	R->describe = D;
	R->describe.is_extended = E;
}
statement(R) ::= SUMMARIZE(T) target(D). {
	R = statement_new(ps, AST_SUMMARIZE, T.pos);
	R->describe = D;
}
%type described {AstDescribe}
described(R) ::= STREAMS opt_extended(E). { R = (AstDescribe){.object = AST_OBJECT_STREAM, .is_list = true, .is_extended = E}; }
described(R) ::= TABLES opt_extended(E). { R = (AstDescribe){.object = AST_OBJECT_TABLE, .is_list = true, .is_extended = E}; }
described(R) ::= FUNCTION name(N). { R = (AstDescribe){.object = AST_OBJECT_FUNCTION, .name = N}; }
described(R) ::= CONNECTOR name(N). { R = (AstDescribe){.object = AST_OBJECT_CONNECTOR, .name = N}; }
%type target {AstDescribe}
target(R) ::= name(N). { R = (AstDescribe){.object = AST_OBJECT_ANY, .name = source_name(ps, N)}; }
target(R) ::= STRLIT(S) opt_with(W). {
	R = (AstDescribe){.object = AST_OBJECT_FILE, .path = S.text};
	properties_set(ps, &R.properties, &R.n_properties, W);
}
target(R) ::= query(Q). { R = (AstDescribe){.object = AST_OBJECT_STATEMENT, .query = Q}; }

statement(R) ::= EXPLAIN(T) explain_kind(K) statement(S). {
	R = statement_new(ps, AST_EXPLAIN, T.pos);
	R->explain = (AstExplain){.kind = K, .statement = S};
}
statement(R) ::= EXPLAIN(T) statement(S). {
	R = statement_new(ps, AST_EXPLAIN, T.pos);
	R->explain = (AstExplain){.statement = S};
}
statement(R) ::= EXPLAIN(T) name(N). {
	R = statement_new(ps, AST_EXPLAIN, T.pos);
	R->explain = (AstExplain){.query_id = N};
}
%type explain_kind {AstExplainKind}
explain_kind(R) ::= ANALYZE. { R = AST_EXPLAIN_ANALYZE; }
explain_kind(R) ::= LP AST RP. { R = AST_EXPLAIN_AST; }
explain_kind(R) ::= LP LOGICAL RP. { R = AST_EXPLAIN_LOGICAL; }
explain_kind(R) ::= LP OPTIMIZED RP. { R = AST_EXPLAIN_OPTIMIZED; }
explain_kind(R) ::= LP ANALYZE RP. { R = AST_EXPLAIN_ANALYZE; }

statement(R) ::= PRINT(T) topic(N) from_beginning(F) print_interval(I) print_limit(L). {
	R = statement_new(ps, AST_PRINT, T.pos);
	R->print = (AstPrint){.topic = N, .from_beginning = F, .interval = I, .limit = L};
}
%type topic {AstIdent}
topic(R) ::= name(N). { R = N; }
topic(R) ::= STRLIT(T). { R = ident_of(T); }
%type from_beginning {bool}
from_beginning(R) ::= . { R = false; }
from_beginning(R) ::= FROM BEGINNING. { R = true; }
%type print_interval {int64_t}
print_interval(R) ::= . { R = 0; }
print_interval(R) ::= INTERVAL|SAMPLE INTLIT(N). {
	R = int_of(ps, N);
	if (R == 0)
		parse_fail(ps, N.pos, "INTERVAL must be at least 1");
}
%type print_limit {int64_t}
print_limit(R) ::= . { R = -1; }
print_limit(R) ::= LIMIT INTLIT(N). { R = int_of(ps, N); }

statement(R) ::= SET(T) setting(S) EQ set_value(V). {
	R = statement_new(ps, AST_SET, T.pos);
	R->set = (AstSet){.name = S.text, .name_pos = S.pos, .value = V, .value_pos = V->pos};
}
statement(R) ::= SET(T) setting(S) TO set_value(V). {
	R = statement_new(ps, AST_SET, T.pos);
	R->set = (AstSet){.name = S.text, .name_pos = S.pos, .value = V, .value_pos = V->pos};
}
statement(R) ::= UNSET(T) setting(S). {
	R = statement_new(ps, AST_UNSET, T.pos);
	R->set = (AstSet){.name = S.text, .name_pos = S.pos};
}
statement(R) ::= ALTER(T) SYSTEM setting(S) EQ set_value(V). {
	R = statement_new(ps, AST_ALTER_SYSTEM, T.pos);
	R->set = (AstSet){.name = S.text, .name_pos = S.pos, .value = V, .value_pos = V->pos};
}
%type setting {AstIdent}
setting(R) ::= property_name(N). { R = N; }
set_value(R) ::= literal(E). { R = E; }
set_value(R) ::= name(N). { R = word_value(ps, N); }

statement(R) ::= DEFINE(T) name(N) EQ string(S). {
	R = statement_new(ps, AST_DEFINE, T.pos);
	R->define = (AstDefine){.name = N, .value = S};
}
statement(R) ::= UNDEFINE(T) name(N). {
	R = statement_new(ps, AST_UNDEFINE, T.pos);
	R->define = (AstDefine){.name = N};
}

statement(R) ::= ASSERT(T) assert_not(X) TOPIC topic(N) opt_with(W) opt_timeout(D). {
	R = statement_new(ps, AST_ASSERT_TOPIC, T.pos);
	R->assert_ = (AstAssert){.not_exists = X, .name = N, .timeout = D};
	properties_set(ps, &R->assert_.properties, &R->assert_.n_properties, W);
}
statement(R) ::= ASSERT(T) assert_not(X) SCHEMA opt_subject(N) opt_id(I) opt_timeout(D). {
	R = statement_new(ps, AST_ASSERT_SCHEMA, T.pos);
	R->assert_ = (AstAssert){.not_exists = X, .name = N, .has_id = I >= 0, .id = I, .timeout = D};
}
%type assert_not {bool}
assert_not(R) ::= . { R = false; }
assert_not(R) ::= NOT EXISTS. { R = true; }
%type opt_subject {AstIdent}
opt_subject(R) ::= . { R = (AstIdent){0}; }
opt_subject(R) ::= SUBJECT topic(N). { R = N; }
%type opt_id {int64_t}
opt_id(R) ::= . { R = -1; }
opt_id(R) ::= ID INTLIT(N). { R = int_of(ps, N); }
%type opt_timeout {AstDuration}
opt_timeout(R) ::= . { R = (AstDuration){0}; }
opt_timeout(R) ::= TIMEOUT duration(D). { R = D; }

statement(R) ::= ASSERT(T) VALUES name(N) opt_names(C) VALUES LP exprs(L) RP. {
	R = statement_new(ps, AST_ASSERT_VALUES, T.pos);
	R->assert_values = (AstAssertValues){.name = source_name(ps, N), .columns = list_structs(ps, C, sizeof(AstIdent)),
		.n_columns = list_length(C), .values = (AstExpr **)list_pointers(L), .n_values = list_length(L)};
}
statement(R) ::= ASSERT(T) NULL VALUES name(N) opt_names(C) KEY LP exprs(L) RP. {
	R = statement_new(ps, AST_ASSERT_NULL_VALUES, T.pos);
	R->assert_values = (AstAssertValues){.name = source_name(ps, N), .columns = list_structs(ps, C, sizeof(AstIdent)),
		.n_columns = list_length(C), .values = (AstExpr **)list_pointers(L), .n_values = list_length(L)};
}
statement(R) ::= ASSERT(T) is_table(K) name(N) opt_columns(C) opt_with(W). {
	R = create_source(ps, T.pos, false, false, K, false, N, C, W, NULL);
	R->kind = AST_ASSERT_SOURCE;
}

statement(R) ::= RUN(T) SCRIPT string(S). {
	R = statement_new(ps, AST_RUN_SCRIPT, T.pos);
	R->file.path = S;
}
statement(R) ::= SPOOL(T) string(S). {
	R = statement_new(ps, AST_SPOOL, T.pos);
	R->file.path = S;
}
statement(R) ::= SPOOL(T) OFF. { R = statement_new(ps, AST_SPOOL, T.pos); }

statement(R) ::= COPY(T) name(N) opt_names(C) copy_from(F) STRLIT(P) copy_with(W). {
	R = statement_new(ps, AST_COPY, T.pos);
	R->copy = (AstCopy){.is_from = F, .name = source_name(ps, N), .columns = list_structs(ps, C, sizeof(AstIdent)),
		.n_columns = list_length(C), .path = P.text, .path_pos = P.pos};
	properties_set(ps, &R->copy.properties, &R->copy.n_properties, W);
}
statement(R) ::= COPY(T) query_parens(Q) TO STRLIT(P) copy_with(W). {
	R = statement_new(ps, AST_COPY, T.pos);
	R->copy = (AstCopy){.query = Q, .path = P.text, .path_pos = P.pos};
	properties_set(ps, &R->copy.properties, &R->copy.n_properties, W);
}
%type copy_from {bool}
copy_from(R) ::= FROM. { R = true; }
copy_from(R) ::= TO. { R = false; }
%type copy_with {AstList *}
copy_with(R) ::= . { R = NULL; }
copy_with(R) ::= opt_with_word LP copy_options(L) RP. { R = L; }
opt_with_word ::= .
opt_with_word ::= WITH.
%type copy_options {AstList *}
copy_options(R) ::= copy_option(P). { R = list_add(ps, NULL, P); }
copy_options(R) ::= copy_options(L) COMMA copy_option(P). { R = list_add(ps, L, P); }
%type copy_option {AstProperty *}
copy_option(R) ::= property(P). { R = P; }
copy_option(R) ::= property_name(N) copy_value(V). { R = property_new(ps, N, V); }
copy_option(R) ::= property_name(N). {
	AstExpr	   *yes = ast_expr_new(ps, AST_BOOLEAN, N.pos);

	yes->boolean = true;
	R = property_new(ps, N, yes);
}
copy_value(R) ::= property_value(E). { R = E; }
copy_value(R) ::= LP(T) copy_words(L) RP. { R = expr_list(ps, AST_ARRAY, T.pos, L); }
%type copy_words {AstList *}
copy_words(R) ::= name(N). { R = list_add(ps, NULL, word_value(ps, N)); }
copy_words(R) ::= copy_words(L) COMMA name(N). { R = list_add(ps, L, word_value(ps, N)); }

%code {
void *
grammar_new(void)
{
	return GrammarAlloc(malloc);
}

void
grammar_free(void *grammar)
{
	GrammarFree(grammar, free);
}

void
grammar_feed(void *grammar, int code, ParseToken value, ParseState *ps)
{
	Grammar(grammar, code, value, ps);
}

/*
 * Would the parser shift this token?  Walks the reductions on a copy of the states only, because the tables (LALR, with
 * default reductions) answer nothing but the next step.
 */
static bool
grammar_takes(yyParser *parser, int code, YYACTIONTYPE *states)
{
	int		n = (int)(parser->yytos - parser->yystack) + 1;

	for (int i = 0; i < n; i++)
		states[i] = parser->yystack[i].stateno;
	for (int steps = 0; steps < 20000; steps++) {
		YYACTIONTYPE act = states[n - 1];

		if (act <= YY_MAX_SHIFT) {
			int		i = yy_shift_ofst[act] + code;

			if (i >= 0 && i < (int)YY_ACTTAB_COUNT && i < (int)(sizeof yy_lookahead / sizeof *yy_lookahead) &&
				yy_lookahead[i] == (YYCODETYPE)code)
				act = yy_action[i];
			else
				act = yy_default[act];
		}
		if (act >= YY_MIN_REDUCE) {
			int		rule = act - YY_MIN_REDUCE;

			n += yyRuleInfoNRhs[rule];
			if (n < 1)
				return false;
			states[n] = yy_find_reduce_action(states[n - 1], (YYCODETYPE)yyRuleInfoLhs[rule]);
			n++;
			continue;
		}
		return act <= YY_MAX_SHIFTREDUCE || act == YY_ACCEPT_ACTION;
	}
	return false;
}

static int
grammar_wanted_impl(yyParser *parser, int *codes, int max)
{
	int		depth = (int)(parser->yytos - parser->yystack) + 2;
	YYACTIONTYPE *states = malloc(sizeof *states * (size_t)(depth + 8000));
	int		n = 0;

	for (int code = 0; states != NULL && code < YYNTOKEN && n < max; code++) {
		if (grammar_takes(parser, code, states))
			codes[n++] = code;
	}
	free(states);
	return n;
}

int
grammar_wanted(void *grammar, int *codes, int max)
{
	return grammar_wanted_impl(grammar, codes, max);
}

}
