/*
 * read_csv('f', delim = ';') and the like, of DuckDB: a file with options.  The options get the names that they have behind a path;
 * a list of files is the union of them.
 */
#include <string.h>

#include "parser/ast_print.h"
#include "parser/parser_impl.h"

/* What an option of these functions is behind a path. */
static const struct {
	const char *name;
	const char *option;
} options[] = {
	{"DELIM", "DELIMITER"}, {"SEP", "DELIMITER"}, {"DELIMITER", "DELIMITER"}, {"QUOTE", "QUOTE"}, {"HEADER", "HEADER"}, {"NULLSTR", "NULL"},
	{"NULL", "NULL"}, {"SKIP", "SKIP"}, {"COMPRESSION", "COMPRESSION"}, {"COLUMNS", "SCHEMA"}, {"TYPES", "SCHEMA"}, {"DTYPES", "SCHEMA"},
	{"COLUMN_TYPES", "SCHEMA"}, {"ALL_VARCHAR", "ALL_VARCHAR"}, {"FILENAME", "FILENAME"}, {"HIVE_PARTITIONING", "HIVE_PARTITIONING"},
	{"UNION_BY_NAME", "UNION_BY_NAME"}, {"DATE_ORDER", "DATE_ORDER"}, {"STRICT", "STRICT"}, {"FOLLOW", "FOLLOW"},
	{"IGNORE_ERRORS", "STRICT"}, {"DATEFORMAT", "DATE_ORDER"}, {"DATE_FORMAT", "DATE_ORDER"}, {"TIMESTAMPFORMAT", "DATE_ORDER"},
	{"TIMESTAMP_FORMAT", "DATE_ORDER"},
};

/* Options that say how to look, which changes no row here, and values that say what is so anyway.  NULL: any value. */
static const struct {
	const char *name;
	const char *value;
} idle_options[] = {
	{"AUTO_DETECT", "true"}, {"SAMPLE_SIZE", NULL}, {"PARALLEL", NULL}, {"BUFFER_SIZE", NULL}, {"MAX_LINE_SIZE", NULL}, {"MAXIMUM_LINE_SIZE", NULL},
	{"MAXIMUM_OBJECT_SIZE", NULL}, {"ESCAPE", "\""}, {"DECIMAL_SEPARATOR", "."}, {"ENCODING", "utf-8"}, {"NULL_PADDING", "false"}, {"COMPRESSION", "auto"},
	{"FORMAT", "auto"}, {"FORMAT", "newline_delimited"}, {"FORMAT", "nd"}, {"COMMENT", ""}, {"NORMALIZE_NAMES", "false"}, {"BINARY_AS_STRING", "false"},
	{"HIVE_TYPES_AUTOCAST", "true"}, {"FILE_ROW_NUMBER", "false"},
};

const char *
read_function_format(AstIdent function)
{
	static const char *const functions[][2] = {
		{"READ_CSV", "CSV"}, {"READ_CSV_AUTO", "CSV"}, {"READ_PARQUET", "PARQUET"}, {"PARQUET_SCAN", "PARQUET"}, {"READ_JSON", "JSON"},
		{"READ_JSON_AUTO", "JSON"}, {"READ_NDJSON", "JSON"}, {"READ_NDJSON_AUTO", "JSON"}, {"READ_NDJSON_OBJECTS", "JSON"}};

	for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
		if (str_equal_nocase(str_of(function.text), str_of(functions[i][0])))
			return functions[i][1];
	return NULL;
}

static bool
is_name(const char *name, const char *wanted)
{
	return str_equal_nocase(str_of(name), str_of(wanted));
}

/* name = value, name := value and name => value */
static const AstExpr *
named_argument(const AstExpr *arg, AstIdent *name)
{
	if (arg->kind == AST_NAMED) {
		*name = arg->name;
		return arg->arg;
	}
	if (arg->kind == AST_BINARY && arg->op == AST_OP_EQUAL && arg->left->kind == AST_COLUMN && arg->left->qualifier.text == NULL) {
		*name = arg->left->name;
		return arg->right;
	}
	if (arg->kind == AST_LAMBDA && arg->n_params == 1) {
		*name = arg->params[0];
		return arg->right;
	}
	return NULL;
}

static const char *
literal_text(const AstExpr *e)
{
	if (e->kind == AST_BOOLEAN)
		return e->boolean ? "true" : "false";
	return e->kind == AST_STRING || e->kind == AST_INTEGER || e->kind == AST_BIGINT ? e->text : NULL;
}

static bool
is_idle(const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof idle_options / sizeof *idle_options; i++)
		if (is_name(name, idle_options[i].name) && (idle_options[i].value == NULL || (value != NULL && is_name(value, idle_options[i].value))))
			return true;
	return false;
}

/* {'a': 'INT', 'b': 'VARCHAR'} as the text of SCHEMA. */
static const char *
schema_text(ParseState *ps, const AstExpr *e)
{
	StrBuf		text = {0};
	const char *out;

	if (e->kind != AST_STRUCT) {
		parse_fail(ps, e->pos, "Columns and their types are given as {'a': 'BIGINT', 'b': 'VARCHAR'}");
		return "";
	}
	for (int i = 0; i < e->n_fields; i++) {
		if (e->fields[i].value->kind != AST_STRING)
			parse_fail(ps, e->fields[i].value->pos, "A type is given as a text here: {'%s': 'BIGINT'}", e->fields[i].name.text);
		else {
			AstIdent name = {.text = e->fields[i].name.text, .is_quoted = true};

			strbuf_add_text(&text, i > 0 ? ", " : "");
			ast_print_ident(&text, name);
			strbuf_printf(&text, " %s", e->fields[i].value->text);
		}
	}
	out = arena_strdup(ps->arena, strbuf_text(&text));
	strbuf_free(&text);
	return out;
}

/* '%d/%m/%Y' as DMY: days, months and years in this order, by numbers. */
static const char *
order_of_format(ParseState *ps, const AstExpr *e)
{
	char	order[4] = "";
	int		n = 0;

	for (const char *p = e->kind == AST_STRING ? e->text : "?"; *p != '\0'; p++) {
		bool	is_date = p[0] == '%' && p[1] != '\0' && strchr("dmYy", p[1]) != NULL;

		if (is_date && n < 3)
			order[n++] = (char)(p[1] == 'd' ? 'D' : p[1] == 'm' ? 'M' : 'Y');
		else if (is_date || (p[0] == '%' && (p[1] == '\0' || strchr("HIMSfgpz", p[1]) == NULL)) || (p[0] != '%' && strchr("/-.:, T", p[0]) == NULL))
			n = 4;
		if (p[0] == '%' && p[1] != '\0')
			p++;
	}
	if (n == 3 && (strcmp(order, "DMY") == 0 || strcmp(order, "MDY") == 0 || strcmp(order, "YMD") == 0))
		return arena_strdup(ps->arena, order);
	parse_fail(ps, e->pos, "Dates are read as ISO has them, or as day, month and year by numbers: '%%d/%%m/%%Y', '%%m/%%d/%%Y'. Read others as text, "
						   "types = {'d': 'VARCHAR'}, and use STRPTIME(d, '...')");
	return "YMD";
}

static AstProperty *
option_new(ParseState *ps, const char *name, const char *value, AstPos pos)
{
	AstProperty *p = arena_new(ps->arena, AstProperty);

	p->name = name;
	p->pos = pos;
	p->value = ast_expr_new(ps, AST_STRING, pos);
	p->value->text = value;
	p->value->pos = pos;
	p->value = expr_done(ps, p->value);
	p->value->pos = pos;
	return p;
}

static void
option_unknown(ParseState *ps, AstIdent function, AstIdent name)
{
	const char *names[sizeof options / sizeof *options];
	const char *near;
	char	   *upper = arena_strdup(ps->arena, name.text);

	for (char *p = upper; *p != '\0'; p++)
		if (*p >= 'a' && *p <= 'z')
			*p -= 'a' - 'A';
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		names[i] = options[i].name;
	near = str_nearest(upper, names, (int)(sizeof options / sizeof *options));
	parse_fail(ps, name.pos, "%s has no option `%s`, or not with this value. %s%s", function.text, name.text,
			   near != NULL ? "Did you mean " : "There are header, delim, quote, nullstr, skip, columns, types, all_varchar, dateformat, ignore_errors, filename, "
												"hive_partitioning, union_by_name, compression.",
			   near != NULL ? arena_printf(ps->arena, "%s?", near) : "");
}

static void
option_add(ParseState *ps, AstList **list, AstIdent function, AstIdent name, const AstExpr *value)
{
	const char *text = literal_text(value), *option = NULL;

	if (is_idle(name.text, text))
		return;
	for (size_t i = 0; i < sizeof options / sizeof *options && option == NULL; i++)
		if (is_name(name.text, options[i].name))
			option = options[i].option;
	if (option != NULL && strcmp(option, "SCHEMA") == 0)
		text = schema_text(ps, value);
	else if (option != NULL && strcmp(option, "DATE_ORDER") == 0 && !is_name(name.text, "DATE_ORDER"))
		text = order_of_format(ps, value);
	else if (is_name(name.text, "IGNORE_ERRORS") && text != NULL)
		text = is_name(text, "true") ? "false" : "true";
	if (option == NULL)
		option_unknown(ps, function, name);
	else if (text == NULL)
		parse_fail(ps, value->pos, "The option `%s` needs a literal", name.text);
	else
		*list = list_add(ps, *list, option_new(ps, option, text, name.pos));
}

static AstRelation *
file_new(ParseState *ps, AstPos pos, const char *path, const AstList *properties)
{
	AstRelation *r = relation_new(ps, AST_RELATION_FILE, pos);

	r->path = path;
	r->properties = list_structs(ps, properties, sizeof(AstProperty));
	r->n_properties = list_length(properties);
	r->pos = pos;
	return r;
}

static AstBody *
body_of_file(ParseState *ps, AstRelation *file)
{
	AstSelect  *s = arena_new(ps->arena, AstSelect);
	AstBody	   *b = body_new(ps, AST_BODY_SELECT, file->pos);

	s->items = arena_new(ps->arena, AstSelectItem);
	s->items->expr = expr_done(ps, ast_expr_new(ps, AST_STAR, file->pos));
	s->n_items = 1;
	s->from = file;
	s->pos = file->pos;
	b->select = select_done(ps, s);
	return body_done(ps, b);
}

static AstRelation *
union_of_files(ParseState *ps, AstPos pos, const AstExpr *list, const AstList *properties, bool by_name)
{
	AstRelation *r = relation_new(ps, AST_RELATION_QUERY, pos);
	AstBody		*all = NULL;

	for (int i = 0; i < list->n_args; i++) {
		AstBody *one;

		if (list->args[i]->kind != AST_STRING) {
			parse_fail(ps, list->args[i]->pos, "A list of files is a list of texts: ['a.csv', 'b.csv']");
			continue;
		}
		one = body_of_file(ps, file_new(ps, list->args[i]->pos, list->args[i]->text, properties));
		if (all != NULL) {
			AstBody *set = body_new(ps, AST_BODY_SET, pos);

			set->set_op = AST_UNION;
			set->is_all = true;
			set->is_by_name = by_name;
			set->left = all;
			set->right = one;
			one = body_done(ps, set);
		}
		all = one;
	}
	if (all == NULL) {
		parse_fail(ps, list->pos, "The list of files is empty");
		all = body_of_file(ps, file_new(ps, pos, "", NULL));
	}
	r->query = arena_new(ps->arena, AstQuery);
	r->query->pos = pos;
	r->query->body = all;
	r->query = query_done(ps, r->query);
	return relation_done(ps, r);
}

/* UNION_BY_NAME is a matter of the union, not of its files. */
static AstList *
without_union(ParseState *ps, const AstList *properties, bool *by_name)
{
	AstList	   *out = NULL;

	*by_name = false;
	for (int i = 0; i < list_length(properties); i++) {
		const AstProperty *p = properties->items[i];

		if (strcmp(p->name, "UNION_BY_NAME") == 0)
			*by_name = strcmp(p->value->text, "true") == 0;
		else
			out = list_add(ps, out, properties->items[i]);
	}
	return out;
}

AstRelation *
relation_of_read(ParseState *ps, AstIdent function, AstList *args)
{
	const AstExpr *path = list_length(args) > 0 ? args->items[0] : NULL;
	AstList	   *properties = NULL;
	bool		by_name;

	if (path == NULL || (path->kind != AST_STRING && path->kind != AST_ARRAY)) {
		parse_fail(ps, function.pos, "%s takes the path of a file, or a list of paths, then options: %s('data.csv', header = true)", function.text,
				   function.text);
		return file_new(ps, function.pos, "", NULL);
	}
	properties = list_add(ps, NULL, option_new(ps, "FORMAT", read_function_format(function), path->pos));
	for (int i = 1; i < args->n; i++) {
		AstIdent	   name;
		const AstExpr *arg = args->items[i], *value = named_argument(arg, &name);

		if (value == NULL)
			parse_fail(ps, arg->pos, "Behind the path stand options with their names: header = true");
		else
			option_add(ps, &properties, function, name, value);
	}
	if (path->kind == AST_STRING)
		return file_new(ps, path->pos, path->text, properties);
	properties = without_union(ps, properties, &by_name);
	return union_of_files(ps, path->pos, path, properties, by_name);
}
