/* FROM 'path' WITH (...): a file as a scan, or several as the union of their columns by name. */
#include "planner/bind/properties.h"
#include "planner/bind/relation.h"

#define UNION_FILES_MAX 500		/* each is a scan of its own */

/* The options of a file: those for the connector, and what the binder itself makes of others. */
typedef struct FileOptions {
	const char **pairs;
	int			 n;				/* of both */
	const char	*timestamp, *timestamp_format;
	bool		 all_varchar;
	bool		 union_by_name;
} FileOptions;

static bool
is_option(const AstProperty *p, const char *name)
{
	return str_equal_nocase(str_of(p->name), str_of(name));
}

static Status
read_options(Binder *b, const AstRelation *relation, FileOptions *out, Error *err)
{
	*out = (FileOptions){.pairs = arena_array(b->arena, const char *, 2 * relation->n_properties + 1)};
	for (int i = 0; i < relation->n_properties; i++) {
		const AstProperty *p = &relation->properties[i];
		const char		  *text = property_text(p->value);

		if (text == NULL) {
			error_user(err, "Option %s of the file needs a literal.", p->name);
			return error_at_pos(err, p->pos);
		}
		if (is_option(p, "TIMESTAMP"))
			out->timestamp = text;
		else if (is_option(p, "TIMESTAMP_FORMAT"))
			out->timestamp_format = text;
		else if (is_option(p, "ALL_VARCHAR"))
			out->all_varchar = str_equal_nocase(str_of(text), STR("true"));
		else if (is_option(p, "UNION_BY_NAME"))
			out->union_by_name = str_equal_nocase(str_of(text), STR("true"));
		else {
			out->pairs[out->n++] = p->name;
			out->pairs[out->n++] = text;
		}
	}
	return OK;
}

/* The qualifier of a file without alias: its name without directories and extension. */
static const char *
file_alias(Binder *b, const char *path)
{
	const char *base = strrchr(path, '/');
	const char *dot;

	base = base != NULL ? base + 1 : path;
	dot = strchr(base, '.');
	return arena_strndup(b->arena, base, dot != NULL && dot > base ? (size_t)(dot - base) : strlen(base));
}

static Status
describe(Binder *b, const AstRelation *relation, const FileOptions *options, const FileSpec *like, bool lists_paths, FileSpec **out, Error *err)
{
	TRY(bind_file(b->context, relation->path, options->pairs, options->n / 2, out, err));
	(*out)->lists_paths = lists_paths;
	if (like != NULL) {
		(*out)->columns = like->columns;
		(*out)->n_columns = like->n_columns;
	}
	return b->context->describe_file(b->context, *out, err);
}

/* ALL_VARCHAR: the columns that were found, declared as texts. */
static Status
describe_as_text(Binder *b, const AstRelation *relation, const FileOptions *options, FileSpec **file, Error *err)
{
	FileSpec found = **file;
	Column	*columns = arena_array(b->arena, Column, found.n_columns + 1);

	found.n_columns -= found.n_path_columns;
	for (int i = 0; i < found.n_columns; i++)
		columns[i] = (Column){.name = found.columns[i].name, .type = type_string};
	found.columns = columns;
	return describe(b, relation, options, &found, false, file, err);
}

/* The files of a glob one by one, as DuckDB has it: columns that a file lacks are NULL in its rows. */
static Status
bind_union(Binder *b, const AstRelation *relation, const FileOptions *options, SelectBinder *outer, Logical **out, Scope *scope, Error *err)
{
	AstRelation derived = {.kind = AST_RELATION_QUERY, .pos = relation->pos, .alias = relation->alias, .column_aliases = relation->column_aliases,
						   .n_column_aliases = relation->n_column_aliases};
	AstProperty *properties = arena_array(b->arena, AstProperty, relation->n_properties + 1);
	AstBody		*all = NULL;
	FileSpec	*file;
	int			 n = 0;

	if (!b->is_bounded || !b->standard)
		return error_unsupported(err, "UNION_BY_NAME is for a bounded query of the standard dialect.");
	TRY(describe(b, relation, options, NULL, true, &file, err));
	if (file->n_paths > UNION_FILES_MAX)
		return error_user(err, "UNION_BY_NAME takes at most %d files, '%s' are %d. Without it the columns of the first are those of all.", UNION_FILES_MAX,
						  relation->path, file->n_paths);
	for (int i = 0; i < relation->n_properties; i++)
		if (!is_option(&relation->properties[i], "UNION_BY_NAME"))
			properties[n++] = relation->properties[i];
	for (int i = 0; i < file->n_paths; i++) {
		AstRelation *one = arena_memdup(b->arena, relation, sizeof *relation);
		AstSelect	*select = arena_new(b->arena, AstSelect);
		AstQuery	*query;

		one->path = file->paths[i];
		one->alias = (AstIdent){0};
		one->n_column_aliases = 0;
		one->sample = NULL;
		one->properties = properties;
		one->n_properties = n;
		select->pos = relation->pos;
		select->items = arena_new(b->arena, AstSelectItem);
		select->items->expr = arena_new(b->arena, AstExpr);
		*select->items->expr = (AstExpr){.kind = AST_STAR, .pos = relation->pos};
		select->n_items = 1;
		select->from = one;
		query = ast_query_of_select(b->arena, select);
		if (all == NULL)
			all = query->body;
		else {
			AstBody *set = arena_new(b->arena, AstBody);

			*set = (AstBody){.kind = AST_BODY_SET, .pos = relation->pos, .set_op = AST_UNION, .is_all = true, .is_by_name = true, .left = all, .right = query->body};
			all = set;
		}
	}
	if (derived.alias.text == NULL)
		derived.alias = (AstIdent){.text = file_alias(b, relation->path), .is_quoted = true, .pos = relation->pos};
	derived.query = arena_new(b->arena, AstQuery);
	derived.query->pos = relation->pos;
	derived.query->body = all;
	return bind_relation(b, arena_memdup(b->arena, &derived, sizeof derived), outer, out, scope, err);
}

static Status
bind_scan(Binder *b, const AstRelation *relation, const FileOptions *options, Logical **out, Scope *scope, Error *err)
{
	ScanBuilder	 s = {.binder = b};
	LogicalScan *scan = arena_new(b->arena, LogicalScan);
	const char	*alias = relation->alias.text != NULL ? bind_name(b->context, relation->alias) : file_alias(b, relation->path);
	FileSpec	*file;

	TRY(describe(b, relation, options, NULL, false, &file, err));
	if (options->all_varchar)
		TRY(describe_as_text(b, relation, options, &file, err));
	for (int i = 0; i < file->n_columns; i++)
		scan_add(&s, file->columns[i].name, file->columns[i].type, i, 0, NULL);
	scan_add_pseudo(&s, false);
	scan->file = file;
	scan->name = relation->path;
	scan->alias = alias;
	TRY(scan_timestamp(b, &s, options->timestamp, options->timestamp_format, &scan->timestamp, err));
	*out = scan_finish(b, &s, scan, 0, false);
	scope_of_scan(b, scope, *out, scan, alias);
	for (int i = 0; i < relation->n_column_aliases && i < scope->n_columns; i++)
		scope->columns[i].name = bind_name(b->context, relation->column_aliases[i]);
	return OK;
}

Status
bind_file_relation(Binder *b, const AstRelation *relation, SelectBinder *outer, Logical **out, Scope *scope, Error *err)
{
	FileOptions options;
	Status		status;

	TRY(read_options(b, relation, &options, err));
	status = options.union_by_name ? bind_union(b, relation, &options, outer, out, scope, err) : bind_scan(b, relation, &options, out, scope, err);
	return status == OK || err->line > 0 ? status : error_at_pos(err, relation->pos);
}
