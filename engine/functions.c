/*
 * Functions that users have made: CREATE FUNCTION ... LANGUAGE C and DROP FUNCTION, without the log of commands (ddl.c).
 *
 * The list that binders look into is immutable and replaced whole.  Old lists and functions stay until the engine is closed, since
 * plans point into them; libraries stay loaded.
 */
#include "engine/engine_impl.h"
#include "exec/func/user.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static const char *
upper_name(Arena *arena, const char *name)
{
	char *upper = arena_strdup(arena, name);

	for (char *c = upper; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	return upper;
}

static const char *
lower_name(Arena *arena, const char *name)
{
	char *lower = arena_strdup(arena, name);

	for (char *c = lower; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return lower;
}

/* "(DOUBLE, STRING) -> BIGINT" */
static Status
signature_text(StatementContext *context, const AstCreateFunction *create, const char **out, Error *err)
{
	StrBuf		text = {0};
	const Type *type;

	strbuf_add_char(&text, '(');
	for (int i = 0; i < create->n_params; i++) {
		if (create->params[i].type == NULL) {
			strbuf_free(&text);
			return error_user(err, "Parameter %s of function %s needs a type", create->params[i].name.text, create->name.text);
		}
		if (bind_type(&context->planner, create->params[i].type, &type, err) == FAILED) {
			strbuf_free(&text);
			return FAILED;
		}
		strbuf_printf(&text, "%s%s", i > 0 ? ", " : "", type_to_arena(type, context->arena));
	}
	if (create->returns == NULL) {
		strbuf_free(&text);
		error_user(err, "Function %s needs the type of its result", create->name.text);
		return error_hint(err, "CREATE FUNCTION %s(...) RETURNS DOUBLE LANGUAGE C AS 'library.so'", create->name.text);
	}
	if (bind_type(&context->planner, create->returns, &type, err) == FAILED) {
		strbuf_free(&text);
		return FAILED;
	}
	strbuf_printf(&text, ") -> %s", type_to_arena(type, context->arena));
	*out = arena_strdup(context->arena, strbuf_text(&text));
	strbuf_free(&text);
	return OK;
}

/* A name alone is looked for in ksql.extension.dir; any path becomes absolute, for it must be found from anywhere after a restart. */
static Status
library_path(StatementContext *context, const char *given, const char **out, Error *err)
{
	Engine	   *engine = context->engine;
	const char *path = given;
	char	   *whole;
	int			fd;

	if (strchr(given, '/') == NULL)
		path = arena_printf(context->arena, "%s/%s", settings_text(engine->settings, "ksql.extension.dir"), given);
	fd = file_access_open(engine->file_access, path, err);
	if (fd < 0)
		return error_context(err, "Cannot load a library");
	close(fd);
	whole = realpath(path, NULL);
	*out = arena_strdup(context->arena, whole != NULL ? whole : path);
	free(whole);
	return OK;
}

static Status
check_create(StatementContext *context, const AstCreateFunction *create, Error *err)
{
	if (create->language == NULL) {
		error_unsupported(err, "CREATE FUNCTION %s AS an expression is not supported yet", create->name.text);
		return error_hint(err, "Functions can be in a library: CREATE FUNCTION ... RETURNS type LANGUAGE C AS 'library.so'.");
	}
	if (strcasecmp(create->language, "C") != 0)
		return error_user(err, "Functions can be written in C, not in %s", create->language);
	if (!settings_bool(context->engine->settings, "ksql.udfs.enabled"))
		return error_user(err, "Functions of users are disabled: ksql.udfs.enabled is false");
	for (int standard = 0; standard < 2; standard++)
		if (function_class(str_of(create->name.text), standard != 0) != FUNCTION_NONE) {
			error_user(err, "There is a built-in function %s", upper_name(context->arena, create->name.text));
			return error_at(err, create->name.pos.line, create->name.pos.column, create->name.pos.length);
		}
	return OK;
}

Status
function_make(StatementContext *context, const AstCreateFunction *create, UserFunction **out, Error *err)
{
	Engine		 *engine = context->engine;
	UserFunction *f = arena_new(&engine->functions_arena, UserFunction);
	const char	 *signature = NULL;
	const char	 *path = context->native_path;
	Status		  status = OK;

	TRY(check_create(context, create, err));
	TRY(signature_text(context, create, &signature, err));
	if (!engine->is_recovering)
		TRY(library_path(context, create->path, &path, err));
	f->name = upper_name(&engine->functions_arena, create->name.text);
	f->signature = arena_strdup(&engine->functions_arena, signature);
	f->symbol = create->symbol != NULL ? arena_strdup(&engine->functions_arena, create->symbol) : lower_name(&engine->functions_arena, create->name.text);
	f->path = arena_strdup(&engine->functions_arena, path != NULL ? path : create->path);
	if (engine->is_recovering)
		status = file_access_check(engine->file_access, f->path, err);
	if (status == OK)
		status = native_function_load(&engine->functions_arena, f, err);
	/* A library that is gone must not lock anybody out of the rest. */
	if (status == FAILED && engine->is_recovering) {
		native_function_stand_in(&engine->functions_arena, f, context->native_class, err->message);
		status = OK;
	}
	*out = f;
	return status;
}

static int
compare_functions(const void *a, const void *b)
{
	return strcmp((*(const UserFunction *const *)a)->name, (*(const UserFunction *const *)b)->name);
}

void
functions_put(Engine *engine, const char *name, const UserFunction *function)
{
	const UserFunctions *old = atomic_load(&engine->functions);
	UserFunctions		*list = arena_new(&engine->functions_arena, UserFunctions);
	int					 n_old = old != NULL ? old->n : 0;
	const UserFunction **items = arena_array(&engine->functions_arena, const UserFunction *, n_old + 1);

	for (int i = 0; i < n_old; i++)
		if (strcmp(old->items[i]->name, name) != 0)
			items[list->n++] = old->items[i];
	if (function != NULL)
		items[list->n++] = function;
	qsort(items, (size_t)list->n, sizeof *items, compare_functions);
	list->items = items;
	atomic_store(&engine->functions, list);
}

Status
function_check_unused(StatementContext *context, const char *name, Error *err)
{
	Engine *engine = context->engine;
	StrBuf	users = {0};

	pthread_mutex_lock(&engine->lock_queries);
	for (Query *q = engine->queries; q != NULL; q = q->next)
		for (int i = 0; i < q->n_functions; i++)
			if (strcasecmp(q->functions[i]->name, name) == 0) {
				strbuf_printf(&users, "%s%s", users.length > 0 ? ", " : "", q->id);
				break;
			}
	pthread_mutex_unlock(&engine->lock_queries);
	if (users.length == 0)
		return OK;
	error_user(err, "Cannot drop function %s: the queries [%s] use it", name, strbuf_text(&users));
	strbuf_free(&users);
	return error_hint(err, "TERMINATE them first.");
}
