/*
 * A server whose statements are those of a file.  At each start the catalog is made what the file says: what is there already goes on, what is new or
 * has changed is executed, what the file does not have any more is dropped.
 */
#include <stdlib.h>

#include "engine/engine_impl.h"
#include "engine/live.h"
#include "parser/ast_print.h"

#define MARK "headless"		/* in the store: the catalog came from a file, and follows it */

typedef struct FilePlan {
	Session				  *session;
	Arena				   arena;
	const CatalogSnapshot *catalog;
	AstStatementList	   statements;
	bool				  *has_source;		/* of the catalog's: the file has it too */
	bool				  *has_query;
	bool				  *has_type;
	StrBuf				   drops;			/* one line, ends with a line feed; or empty */
	StrBuf				   body;			/* the file, blank where nothing is to be done */
	int					   n_dropped;
	int					   n_changes;		/* statements of the body that change the catalog */
	int					   capacity;
	int					   n_lines;
	int					  *lines;			/* malloc'ed: of each statement that is executed; 0: it is none of the file's */
	int					   n_begun;
} FilePlan;

/* ---- what a file may have ---- */

static bool
is_headless_kind(AstStatementKind kind)
{
	return kind == AST_CREATE_SOURCE || kind == AST_CREATE_TYPE || kind == AST_INSERT_SELECT || kind == AST_SET || kind == AST_UNSET;
}

static bool
makes_query(const AstStatement *statement)
{
	return statement->kind == AST_INSERT_SELECT || (statement->kind == AST_CREATE_SOURCE && statement->create_source.query != NULL);
}

static Status
check_kinds(const FilePlan *plan, Error *err)
{
	bool has_query = false;

	for (int i = 0; i < plan->statements.n_items; i++) {
		const AstStatement *statement = plan->statements.items[i];

		has_query = has_query || makes_query(statement);
		if (!is_headless_kind(statement->kind)) {
			error_user(err, "%s statements cannot be run by a headless server", statement_kind_name(statement->kind));
			error_hint(err, "It takes CREATE STREAM, CREATE TABLE, INSERT INTO ... SELECT, CREATE TYPE, SET and UNSET.");
			return error_at(err, statement->pos.line, statement->pos.column, 0);
		}
	}
	if (!has_query)
		return error_user(err, "The file contains no persistent queries: a headless server would have nothing to do");
	return OK;
}

/* ---- comparing ---- */

static void
print_canonical(StrBuf *out, AstStatement *statement)
{
	/* How it came to be is not what it is. */
	if (statement->kind == AST_CREATE_SOURCE)
		statement->create_source.or_replace = statement->create_source.if_not_exists = false;
	ast_print_statement(out, statement);
}

/* Is that what was made by this text?  Comments and spaces do not count. */
static bool
is_same(const AstStatement *statement, const char *sql, bool standard)
{
	Arena			 arena = {0};
	AstStatementList list = {0};
	AstStatement	 copy = *statement;
	StrBuf			 one = {0}, other = {0};
	Error			 ignored;
	bool			 same = sql != NULL && parser_parse(&arena, str_of(sql), (ParserOptions){.is_ksqldb = !standard}, &list, &ignored) == OK
							&& list.n_items == 1;

	if (same) {
		print_canonical(&one, &copy);
		print_canonical(&other, list.items[0]);
		same = str_equal(strbuf_str(&one), strbuf_str(&other));
	}
	strbuf_free(&one);
	strbuf_free(&other);
	arena_free(&arena);
	return same;
}

typedef enum FileAction { ACTION_KEEP, ACTION_EXECUTE, ACTION_REPLACE } FileAction;

static FileAction
look_at_source(FilePlan *plan, PlannerContext *planner, const AstStatement *statement)
{
	const AstCreateSource *create = &statement->create_source;
	const char			  *name = bind_name(planner, create->name);

	for (int i = 0; i < catalog_n_sources(plan->catalog); i++) {
		const CatalogSource *source = catalog_source_at(plan->catalog, i);

		if (strcmp(source->name, name) != 0)
			continue;
		plan->has_source[i] = true;
		if (is_same(statement, source->sql, source->standard))
			return ACTION_KEEP;
		return create->or_replace || create->if_not_exists ? ACTION_EXECUTE : ACTION_REPLACE;
	}
	return ACTION_EXECUTE;
}

static FileAction
look_at_insert(FilePlan *plan, const AstStatement *statement)
{
	for (int i = 0; i < catalog_n_queries(plan->catalog); i++) {
		const CatalogQuery *query = catalog_query_at(plan->catalog, i);

		if (plan->has_query[i] || query->kind != QUERY_INSERT || !is_same(statement, query->sql, query->standard))
			continue;
		plan->has_query[i] = true;
		return ACTION_KEEP;
	}
	return ACTION_EXECUTE;
}

/* Types are written out where they are used: one that has changed can be made anew. */
static FileAction
look_at_type(FilePlan *plan, PlannerContext *planner, const AstStatement *statement)
{
	const char *name = bind_name(planner, statement->create_type.name);
	const Type *type;
	Error		ignored;

	for (int i = 0; i < catalog_n_types(plan->catalog); i++) {
		const CatalogType *old = catalog_type_at(plan->catalog, i);

		if (strcmp(old->name, name) != 0)
			continue;
		plan->has_type[i] = bind_type(planner, statement->create_type.type, &type, &ignored) == OK && type == old->type;
		return plan->has_type[i] ? ACTION_KEEP : ACTION_EXECUTE;
	}
	return ACTION_EXECUTE;
}

static FileAction
look_at(FilePlan *plan, PlannerContext *planner, const AstStatement *statement)
{
	switch (statement->kind) {
	case AST_CREATE_SOURCE:
		return look_at_source(plan, planner, statement);
	case AST_INSERT_SELECT:
		return look_at_insert(plan, statement);
	case AST_CREATE_TYPE:
		return look_at_type(plan, planner, statement);
	default:
		return ACTION_EXECUTE;
	}
}

/* ---- what is to be done ---- */

static void
add_line(FilePlan *plan, int line)
{
	grow_array(plan->lines, plan->n_lines, plan->capacity);
	plan->lines[plan->n_lines++] = line;
}

static void
add_blank(StrBuf *out, Str text)
{
	for (size_t i = 0; i < text.length; i++)
		strbuf_add_char(out, text.data[i] == '\n' ? '\n' : ' ');
}

/* The statement, or blanks in its place; *at: up to where the file has been copied. */
static void
add_statement(FilePlan *plan, Str sql, const AstStatement *statement, FileAction action, size_t *at)
{
	size_t start = (size_t)statement->pos.offset, end = start + statement->text.length;

	strbuf_add(&plan->body, sql.data + *at, start - *at);
	*at = end;
	if (action == ACTION_KEEP) {
		add_blank(&plan->body, str_make(sql.data + start, end - start));
		while (*at < sql.length && (unsigned char)sql.data[*at] <= ' ')
			strbuf_add_char(&plan->body, sql.data[(*at)++]);
		if (*at < sql.length && sql.data[*at] == ';') {
			strbuf_add_char(&plan->body, ' ');
			++*at;
		}
		return;
	}
	add_line(plan, statement->pos.line);
	plan->n_changes += statement->kind != AST_SET && statement->kind != AST_UNSET;
	if (action == ACTION_REPLACE) {
		strbuf_add_text(&plan->body, "CREATE OR REPLACE");
		start += strlen("CREATE");
	}
	strbuf_add(&plan->body, sql.data + start, end - start);
}

static void
add_drop(FilePlan *plan, const char *what, const char *name)
{
	strbuf_printf(&plan->drops, "%s", what);
	ast_print_ident(&plan->drops, (AstIdent){.text = name, .is_quoted = true});
	strbuf_add_text(&plan->drops, "; ");
	add_line(plan, 0);
	plan->n_dropped++;
}

/* What the file does not have (any more): readers before what they read. */
static void
plan_drops(FilePlan *plan)
{
	for (int i = 0; i < catalog_n_queries(plan->catalog); i++) {
		const CatalogQuery *query = catalog_query_at(plan->catalog, i);

		if (query->kind == QUERY_INSERT && !plan->has_query[i])
			add_drop(plan, "TERMINATE ", query->id);
	}
	for (int i = catalog_n_sources(plan->catalog); i-- > 0;) {
		const CatalogSource *source = catalog_source_at(plan->catalog, i);

		if (!plan->has_source[i] && strcmp(source->name, "KSQL_PROCESSING_LOG") != 0)
			add_drop(plan, source->kind == ENTITY_TABLE ? "DROP TABLE " : source->kind == ENTITY_STREAM ? "DROP STREAM " : "DROP VIEW ", source->name);
	}
	for (int i = 0; i < catalog_n_types(plan->catalog); i++)
		if (!plan->has_type[i])
			add_drop(plan, "DROP TYPE ", catalog_type_at(plan->catalog, i)->name);
	if (plan->drops.length > 0)
		strbuf_add_char(&plan->drops, '\n');
}

static void
plan_changes(FilePlan *plan, Str sql, bool standard)
{
	PlannerContext planner;
	size_t		   at = 0;
	FileAction	  *actions = arena_array(&plan->arena, FileAction, plan->statements.n_items + 1);

	planner_context_init(&planner, plan->session->engine, &plan->arena, plan->catalog, plan->session->settings, standard);
	for (int i = 0; i < plan->statements.n_items; i++)
		actions[i] = look_at(plan, &planner, plan->statements.items[i]);
	plan_drops(plan);
	for (int i = 0; i < plan->statements.n_items; i++)
		add_statement(plan, sql, plan->statements.items[i], actions[i], &at);
	strbuf_add(&plan->body, sql.data + at, sql.length - at);
}

/* Only what came from a file may go with it. */
static Status
check_drops(const FilePlan *plan, Error *err)
{
	StrBuf mark = {0};
	Status status = plan->n_dropped > 0 ? store_meta_get(plan->session->engine->store, STR(MARK), &mark, err) : OK;

	strbuf_free(&mark);
	if (status != DONE)
		return status;
	error_user(err, "The server has what the file does not have, and what no file of queries has made: %.600s", strbuf_text(&plan->drops));
	return error_hint(err, "Execute that with a server without --queries-file if it is not needed, add it to the file, or choose another --data (on Kafka: "
						   "another ksql.service.id).");
}

/* ---- doing it ---- */

typedef struct FileSink {
	ResultSink sink;		/* first */
	FilePlan  *plan;
} FileSink;

static void
file_statement(ResultSink *sink, Str sql)
{
	(void)sql;
	((FileSink *)sink)->plan->n_begun++;
}

static void
file_entity(ResultSink *sink, const Entity *entity)
{
	(void)sink;
	(void)entity;
}

static void
file_message(ResultSink *sink, const char *text, bool is_warning)
{
	Log *log = ((FileSink *)sink)->plan->session->engine->log;

	log_event(log, is_warning ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "server", NULL, 0, "%s", text);
}

/* Lines of the file: those of the text count the drops as one.  An error without a place is its statement's. */
static void
place_in_file(const FilePlan *plan, Error *err)
{
	if (err->line > 0)
		err->line -= plan->drops.length > 0;
	else if (plan->n_begun > 0 && plan->n_begun <= plan->n_lines)
		err->line = plan->lines[plan->n_begun - 1];
}

static Status
put_mark(Engine *engine, Error *err)
{
	StoreUnit *unit = store_unit_new(engine->store);
	Status	   status;

	store_unit_meta(unit, STR(MARK), STR("1"));
	status = store_commit(engine->store, unit, err);
	store_unit_free(unit);
	return status;
}

/* All is tried on a copy of the catalog first: a file with a mistake changes nothing. */
static Status
execute_plan(FilePlan *plan, Error *err)
{
	FileSink sink = {.sink = {.entity = file_entity, .message = file_message, .statement = file_statement}, .plan = plan};
	StrBuf	 text = {0};
	bool	 not_here;
	Status	 status;

	strbuf_add_str(&text, strbuf_str(&plan->drops));
	strbuf_add_str(&text, strbuf_str(&plan->body));
	status = session_check(plan->session, strbuf_str(&text), &sink.sink, &not_here, err);
	plan->n_begun = status == OK ? 0 : plan->n_begun;
	if (status == OK)
		status = session_execute(plan->session, strbuf_str(&text), &sink.sink, err);
	if (status == FAILED)
		place_in_file(plan, err);
	strbuf_free(&text);
	return status;
}

Status
session_apply_file(Session *session, Str sql, int *n_changes, Error *err)
{
	Engine	*engine = session->engine;
	FilePlan plan = {.session = session};
	bool	 standard = settings_standard(session->settings);
	Status	 status = OK;

	*n_changes = 0;
	TRY(engine_need_store(engine, err));
	plan.catalog = catalog_snapshot(engine->catalog);
	plan.has_source = arena_array(&plan.arena, bool, catalog_n_sources(plan.catalog) + 1);
	plan.has_query = arena_array(&plan.arena, bool, catalog_n_queries(plan.catalog) + 1);
	plan.has_type = arena_array(&plan.arena, bool, catalog_n_types(plan.catalog) + 1);
	TRY_OUT(parser_parse(&plan.arena, sql, (ParserOptions){.is_ksqldb = !standard}, &plan.statements, err));
	TRY_OUT(check_kinds(&plan, err));
	plan_changes(&plan, sql, standard);
	TRY_OUT(check_drops(&plan, err));
	*n_changes = plan.n_changes + plan.n_dropped;
	if (*n_changes > 0)
		TRY_OUT(execute_plan(&plan, err));
	status = put_mark(engine, err);
out:
	catalog_release(plan.catalog);
	strbuf_free(&plan.drops);
	strbuf_free(&plan.body);
	free(plan.lines);
	arena_free(&plan.arena);
	return status;
}
