/* SHOW FUNCTIONS and DESCRIBE FUNCTION: built-in functions and those of libraries. */
#include <stdlib.h>
#include <strings.h>

#include "data/json_build.h"
#include "engine/engine_impl.h"

/* ---- the list ---- */

/* Functions of users are in the data directory, if there is one.  That another process has it is no reason to show nothing. */
static void
look_for_functions(StatementContext *context)
{
	Error err;

	if (engine_has_directory(context->engine) && engine_need_store(context->engine, &err) == FAILED)
		context->sink->message(context->sink, arena_printf(context->arena, "Functions of users are left out: %s", err.message), true);
}

typedef struct FunctionRow {
	const char *name;
	const char *type;
	const char *category;
	const char *description;
} FunctionRow;

typedef struct FunctionList {
	int			 n;
	int			 capacity;
	FunctionRow *rows;			/* malloc'ed */
} FunctionList;

static void
add_function(FunctionList *list, FunctionRow row, uint32_t flags)
{
	if (flags & FUNC_HIDDEN)
		return;
	grow_array(list->rows, list->n, list->capacity);
	list->rows[list->n++] = row;
}

static void
add_scalar(const void *row, void *context)
{
	const ScalarFunction *f = row;

	add_function(context, (FunctionRow){f->name, "SCALAR", scalar_category(f), f->description}, f->flags);
}

static void
add_aggregate(const void *row, void *context)
{
	const Aggregate *f = row;

	add_function(context, (FunctionRow){f->name, "AGGREGATE", "AGGREGATE", f->description}, f->flags);
}

static void
add_table_function(const void *row, void *context)
{
	const TableFunction *f = row;

	add_function(context, (FunctionRow){f->name, "TABLE", "TABLE", f->description}, f->flags);
}

static int
compare_functions(const void *a, const void *b)
{
	const FunctionRow *one = a, *other = b;
	int				   order = strcmp(one->name, other->name);

	return order != 0 ? order : strcmp(one->type, other->type);
}

static JsonValue
function_value(Arena *arena, const FunctionRow *row)
{
	JsonValue item = json_object();

	json_add(arena, &item, "name", json_string(row->name));
	json_add(arena, &item, "type", json_string(row->type));
	json_add(arena, &item, "category", json_string(row->category));
	json_add(arena, &item, "description", json_string(row->description != NULL ? row->description : ""));
	return item;
}

/* One row a name: overloads are DESCRIBE FUNCTION's. */
void
show_functions(StatementContext *context)
{
	const UserFunctions *users;
	JsonValue			 functions = json_array();
	FunctionList		 list = {0};

	look_for_functions(context);
	users = atomic_load(&context->engine->functions);
	function_visit_in(users, FUNCTION_SCALAR, context->standard, add_scalar, &list);
	function_visit_in(users, FUNCTION_AGGREGATE, context->standard, add_aggregate, &list);
	function_visit_in(users, FUNCTION_TABLE, context->standard, add_table_function, &list);
	qsort(list.rows, (size_t)list.n, sizeof *list.rows, compare_functions);
	for (int i = 0; i < list.n; i++)
		if (i == 0 || strcmp(list.rows[i].name, list.rows[i - 1].name) != 0)
			json_push(context->arena, &functions, function_value(context->arena, &list.rows[i]));
	free(list.rows);
	statement_tell_list(context, "function_names", "functions", functions);
}

/* ---- one of them ---- */

typedef struct FunctionDescription {
	Arena	   *arena;
	Str			name;
	JsonValue	overloads;
	const char *description;
	const char *kind;
	JsonValue	examples;
} FunctionDescription;

/* The parameters of a signature `(A, B...) -> R`, which are separated by commas outside brackets. */
static JsonValue
signature_arguments(Arena *arena, const char *signature, const char **result)
{
	JsonValue	arguments = json_array();
	const char *start = signature + 1, *c = start;

	for (int depth = 0; *c != '\0'; c++) {
		bool ends = depth == 0 && (*c == ',' || *c == ')');

		if (ends && c > start) {
			Str		  text = str_trim(str_make(start, (size_t)(c - start)));
			bool	  is_variadic = str_ends_with(text, STR("..."));
			JsonValue item = json_object();

			if (is_variadic)
				text.length -= 3;
			if (text.length > 0 && text.data[text.length - 1] == '!')
				text.length--;
			json_add(arena, &item, "name", json_string(""));
			json_add(arena, &item, "type", json_string(str_to_arena(arena, text)));
			json_add(arena, &item, "description", json_string(""));
			json_add(arena, &item, "isVariadic", json_bool(is_variadic));
			json_push(arena, &arguments, item);
		}
		if (ends)
			start = c + 1;
		if (ends && *c == ')')
			break;
		depth += *c == '(' || *c == '<' ? 1 : *c == ')' || (*c == '>' && c[-1] != '=') ? -1 : 0;
	}
	c = strstr(c, "->");
	*result = c != NULL ? str_to_arena(arena, str_trim(str_of(c + 2))) : "";
	return arguments;
}

static void
describe_overload(FunctionDescription *d, const char *kind, const char *name, const char *signature, const char *description,
				  const char *example, const char *result)
{
	JsonValue	item = json_object();
	const char *returns;

	if (!str_equal_nocase(str_of(name), d->name))
		return;
	d->kind = kind;
	if (d->description == NULL)
		d->description = description;
	json_add(d->arena, &item, "arguments", signature_arguments(d->arena, signature, &returns));
	json_add(d->arena, &item, "returnType", json_string(returns));
	json_add(d->arena, &item, "description", json_string(description != NULL ? description : ""));
	json_add(d->arena, &item, "signature", json_string(arena_printf(d->arena, "%s%s", name, signature)));
	json_push(d->arena, &d->overloads, item);
	if (example != NULL) {
		item = json_object();
		json_add(d->arena, &item, "expression", json_string(example));
		json_add(d->arena, &item, "result", json_string(result != NULL ? result : ""));
		json_push(d->arena, &d->examples, item);
	}
}

static void
describe_scalar(const void *row, void *context)
{
	const ScalarFunction *f = row;

	describe_overload(context, "SCALAR", f->name, f->signature, f->description, f->example, f->example_result);
}

static void
describe_aggregate(const void *row, void *context)
{
	const Aggregate *f = row;

	describe_overload(context, "AGGREGATE", f->name, f->signature, f->description, f->example, f->example_result);
}

static void
describe_table_function(const void *row, void *context)
{
	const TableFunction *f = row;

	describe_overload(context, "TABLE", f->name, f->signature, f->description, f->example, f->example_result);
}

Status
describe_function(StatementContext *context, const AstDescribe *describe, Error *err)
{
	Arena			   *arena = context->arena;
	JsonValue			object = json_object();
	FunctionDescription d = {.arena = arena, .name = str_of(describe->name.text), .overloads = json_array(), .examples = json_array()};
	const UserFunction *user;

	if (function_class(d.name, context->standard) == FUNCTION_NONE && engine_has_directory(context->engine))
		TRY(engine_need_store(context->engine, err));
	user = user_function_find(atomic_load(&context->engine->functions), d.name);
	function_visit_in(atomic_load(&context->engine->functions), FUNCTION_SCALAR, context->standard, describe_scalar, &d);
	function_visit_in(atomic_load(&context->engine->functions), FUNCTION_AGGREGATE, context->standard, describe_aggregate, &d);
	function_visit_in(atomic_load(&context->engine->functions), FUNCTION_TABLE, context->standard, describe_table_function, &d);
	if (d.kind == NULL) {
		error_user(err, "Can't find any functions with the name '%s'", describe->name.text);
		error_hint(err, "SHOW FUNCTIONS lists all functions.");
		return error_at(err, describe->name.pos.line, describe->name.pos.column, describe->name.pos.length);
	}
	json_add(arena, &object, "name", json_string(describe->name.text));
	json_add(arena, &object, "description", json_string(d.description != NULL ? d.description : ""));
	json_add(arena, &object, "author", json_string(""));
	json_add(arena, &object, "version", json_string(""));
	json_add(arena, &object, "path", json_string(user != NULL ? user->path : "internal"));
	if (user != NULL)
		json_add(arena, &object, "symbol", json_string(user->symbol));
	json_add(arena, &object, "type", json_string(d.kind));
	json_add(arena, &object, "functions", d.overloads);
	json_add(arena, &object, "examples", d.examples);
	statement_tell(context, "describe_function", &object);
	return OK;
}
