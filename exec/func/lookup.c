/* Finding the function row for a call: candidates by name, then by argument types. */
#include <ctype.h>
#include <stdlib.h>

#include "exec/func/func.h"
#include "exec/func/signature.h"
#include "exec/func/user.h"

/* The members that the three classes share. */
typedef struct Row {
	const void	 *row;
	const char	 *name;
	const char	 *signature;
	ResolveResult resolve;
	Status (*check)(const Value *constants, int n_args, Error *err);
	FunctionDialect dialect;
	uint32_t		flags;
} Row;

struct FunctionBinding {
	Signature	signature;
	const Type *variables[PATTERN_VARIABLES];
	bool		standard;
	int			n_lambdas_open;		/* lambdas whose body is not told yet */
	const char *name;
};

typedef struct FunctionBinding Binding;

/* ---- walking the rows ---- */

static bool
in_dialect(FunctionDialect dialect, bool standard)
{
	return dialect == FUNCTION_BOTH || dialect == (standard ? FUNCTION_STANDARD : FUNCTION_KSQLDB);
}

typedef struct RowCursor {
	FunctionClass class;
	int			  family;
	int			  index;
	const UserFunctions *user;		/* come first; NULL: none */
	int			  next_user;
} RowCursor;

/* The next function of users of the class. */
static bool
user_next(RowCursor *cursor, Row *out)
{
	while (cursor->user != NULL && cursor->next_user < cursor->user->n) {
		const UserFunction *f = cursor->user->items[cursor->next_user++];

		if (f->class != cursor->class)
			continue;
		*out = f->class == FUNCTION_SCALAR
				   ? (Row){&f->scalar, f->name, f->signature, NULL, NULL, FUNCTION_BOTH, f->scalar.flags}
				   : (Row){&f->aggregate, f->name, f->signature, NULL, NULL, FUNCTION_BOTH, f->aggregate.flags};
		return true;
	}
	return false;
}

/* The next row of the class in any dialect; false at the end. */
static bool
row_next(RowCursor *cursor, Row *out)
{
	if (user_next(cursor, out))
		return true;
	switch (cursor->class) {
	case FUNCTION_SCALAR:
		for (; scalar_families[cursor->family] != NULL; cursor->family++, cursor->index = 0) {
			const ScalarFunction *f = &scalar_families[cursor->family][cursor->index];

			if (f->name == NULL)
				continue;
			*out = (Row){f, f->name, f->signature, f->resolve, NULL, f->dialect, f->flags};
			cursor->index++;
			return true;
		}
		return false;
	case FUNCTION_AGGREGATE:
		for (; aggregate_families[cursor->family] != NULL; cursor->family++, cursor->index = 0) {
			const Aggregate *f = &aggregate_families[cursor->family][cursor->index];

			if (f->name == NULL)
				continue;
			*out = (Row){f, f->name, f->signature, f->resolve, f->check, f->dialect, f->flags};
			cursor->index++;
			return true;
		}
		return false;
	case FUNCTION_TABLE:
		for (; table_function_families[cursor->family] != NULL; cursor->family++, cursor->index = 0) {
			const TableFunction *f = &table_function_families[cursor->family][cursor->index];

			if (f->name == NULL)
				continue;
			*out = (Row){f, f->name, f->signature, NULL, NULL, f->dialect, f->flags};
			cursor->index++;
			return true;
		}
		return false;
	case FUNCTION_NONE:
		break;
	}
	return false;
}

const UserFunction *
user_function_find(const UserFunctions *functions, Str name)
{
	for (int i = 0; functions != NULL && i < functions->n; i++)
		if (str_equal_nocase(name, str_of(functions->items[i]->name)))
			return functions->items[i];
	return NULL;
}

FunctionClass
function_class(Str name, bool standard)
{
	return function_class_in(NULL, name, standard);
}

FunctionClass
function_class_in(const UserFunctions *functions, Str name, bool standard)
{
	static const FunctionClass classes[] = {FUNCTION_SCALAR, FUNCTION_AGGREGATE, FUNCTION_TABLE};
	const UserFunction		  *user = user_function_find(functions, name);

	if (user != NULL)
		return user->class;
	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		RowCursor cursor = {.class = classes[i]};
		Row		  row;

		while (row_next(&cursor, &row))
			if (in_dialect(row.dialect, standard) && str_equal_nocase(name, str_of(row.name)))
				return classes[i];
	}
	return FUNCTION_NONE;
}

static int
row_compare(const void *a, const void *b)
{
	const Row *x = a;
	const Row *y = b;
	int		   order = strcmp(x->name, y->name);

	/* Equal names keep the order of the families: the sort must not depend on it, so addresses decide. */
	return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

void
function_visit(FunctionClass class, bool standard, void (*visit)(const void *row, void *context), void *context)
{
	function_visit_in(NULL, class, standard, visit, context);
}

void
function_visit_in(const UserFunctions *functions, FunctionClass class, bool standard, void (*visit)(const void *row, void *context),
				  void *context)
{
	RowCursor cursor = {.class = class, .user = functions};
	Row		 *rows = NULL;
	Row		  row;
	int		  n = 0;
	int		  capacity = 0;

	while (row_next(&cursor, &row)) {
		if (!in_dialect(row.dialect, standard) || (row.flags & FUNC_HIDDEN))
			continue;
		grow_array(rows, n, capacity);
		rows[n++] = row;
	}
	if (n > 0)
		qsort(rows, (size_t)n, sizeof *rows, row_compare);
	for (int i = 0; i < n; i++)
		visit(rows[i].row, context);
	free(rows);
}

/* ---- implicit casts ---- */

#define COST_NO (-1)

/* What it costs to cast implicitly: 0 is no cast, COST_NO not possible.  The order of costs counts for `standard` only. */
static int
cast_cost(const Type *from, const Type *to, bool standard)
{
	if (from == to)
		return 0;
	switch (from->kind) {
	case TYPE_NULL:
		return 0;
	case TYPE_INTEGER:
		if (to->kind == TYPE_BIGINT)
			return 1;
		if (to->kind == TYPE_DECIMAL)
			return 3;
		return to->kind == TYPE_DOUBLE ? 2 : COST_NO;
	case TYPE_BIGINT:
		if (to->kind == TYPE_DECIMAL)
			return 3;
		if (to->kind == TYPE_INTEGER && standard)
			return 20;
		return to->kind == TYPE_DOUBLE ? 2 : COST_NO;
	case TYPE_DECIMAL:
		if (to->kind == TYPE_DECIMAL && to->scale >= from->scale &&
			to->precision - to->scale >= from->precision - from->scale)
			return 1;
		return to->kind == TYPE_DOUBLE ? 2 : COST_NO;
	case TYPE_STRING:
		switch (to->kind) {
		case TYPE_TIMESTAMP:
			return 10;
		case TYPE_DATE:
			return 11;
		case TYPE_TIME:
			return 12;
		case TYPE_BYTES:
			return 13;
		default:
			return COST_NO;
		}
	case TYPE_DATE:
		return standard && to->kind == TYPE_TIMESTAMP ? 2 : COST_NO;
	case TYPE_ARRAY:
		return to->kind == TYPE_ARRAY ? cast_cost(from->element, to->element, standard) : COST_NO;
	case TYPE_MAP: {
		int key = to->kind == TYPE_MAP ? cast_cost(from->key, to->key, standard) : COST_NO;
		int value = key >= 0 ? cast_cost(from->element, to->element, standard) : COST_NO;

		return value >= 0 ? key + value : COST_NO;
	}
	default:
		return COST_NO;
	}
}

/* The type that both widen to in the standard dialect, or NULL. */
static const Type *
common_type(const Type *a, const Type *b)
{
	if (a == b || b->kind == TYPE_NULL)
		return a;
	if (a->kind == TYPE_NULL)
		return b;
	if (type_is_number(a) && type_is_number(b)) {
		const Type *x = type_as_decimal(a);
		const Type *y = type_as_decimal(b);
		int			scale;
		int			whole;

		if (x == NULL || y == NULL)
			return type_double;
		if (a->kind != TYPE_DECIMAL && b->kind != TYPE_DECIMAL)
			return type_bigint;
		scale = x->scale > y->scale ? x->scale : y->scale;
		whole = x->precision - x->scale > y->precision - y->scale ? x->precision - x->scale : y->precision - y->scale;
		if (whole + scale > 38)
			scale = 38 - whole > 6 ? 38 - whole : scale < 6 ? scale : 6;
		return type_decimal(whole + scale > 38 ? 38 : whole + scale, scale);
	}
	if (a->kind == TYPE_ARRAY && b->kind == TYPE_ARRAY) {
		const Type *element = common_type(a->element, b->element);

		return element != NULL ? type_array(element) : NULL;
	}
	if (cast_cost(a, b, true) >= 0)
		return b;
	return cast_cost(b, a, true) >= 0 ? a : NULL;
}

/* ---- matching ---- */

/* With type variables replaced; NULL when one is not bound yet. */
static const Type *
pattern_type(const Pattern *p, const Type *const *variables)
{
	const Type *parts[16];
	TypeField	fields[16];

	switch (p->kind) {
	case PATTERN_TYPE:
		return p->type;
	case PATTERN_VARIABLE:
		return variables[p->variable];
	case PATTERN_ARRAY:
	case PATTERN_MAP:
	case PATTERN_STRUCT:
		for (int i = 0; i < p->n_parts; i++) {
			parts[i] = pattern_type(&p->parts[i], variables);
			if (parts[i] == NULL)
				return NULL;
		}
		if (p->kind == PATTERN_ARRAY)
			return type_array(parts[0]);
		if (p->kind == PATTERN_MAP)
			return type_map(parts[0], parts[1]);
		for (int i = 0; i < p->n_parts; i++)
			fields[i] = (TypeField){p->names[i], parts[i]};
		return type_struct(fields, p->n_parts);
	default:
		return NULL;
	}
}

/* Binds the type variables of `p` so that it fits `arg`; gives the cost or COST_NO. */
static int
pattern_match(const Pattern *p, const Type *arg, const Type **variables, bool casts, bool standard)
{
	const Type *bound;
	int			cost;
	int			sum = 0;

	if (arg->kind == TYPE_NULL)
		return p->kind == PATTERN_LAMBDA || (p->kind == PATTERN_TYPE && p->type == type_unit) ? COST_NO : 0;
	if ((arg->kind == TYPE_LAMBDA) != (p->kind == PATTERN_LAMBDA))
		return COST_NO;
	switch (p->kind) {
	case PATTERN_TYPE:
		if (arg == p->type)
			return 0;
		return casts ? cast_cost(arg, p->type, standard) : COST_NO;
	case PATTERN_VARIABLE:
		if (arg == type_unit)
			return COST_NO;
		bound = variables[p->variable];
		if (bound == NULL) {
			variables[p->variable] = arg;
			return 0;
		}
		if (bound == arg)
			return 0;
		if (!casts || !standard)
			return COST_NO;
		bound = common_type(bound, arg);
		if (bound == NULL)
			return COST_NO;
		variables[p->variable] = bound;
		return 1;
	case PATTERN_DECIMAL:
		if (arg->kind == TYPE_DECIMAL)
			return 0;
		return casts && (arg->kind == TYPE_INTEGER || arg->kind == TYPE_BIGINT) ? 3 : COST_NO;
	case PATTERN_NUMBER:
		return type_is_number(arg) ? 0 : COST_NO;
	case PATTERN_ANY:
		return arg == type_unit ? COST_NO : 0;
	case PATTERN_ANY_STRUCT:
		return arg->kind == TYPE_STRUCT ? 0 : COST_NO;
	case PATTERN_ARRAY:
		return arg->kind == TYPE_ARRAY ? pattern_match(&p->parts[0], arg->element, variables, casts, standard) : COST_NO;
	case PATTERN_MAP:
		if (arg->kind != TYPE_MAP)
			return COST_NO;
		cost = pattern_match(&p->parts[0], arg->key, variables, casts, standard);
		if (cost < 0)
			return COST_NO;
		sum = pattern_match(&p->parts[1], arg->element, variables, casts, standard);
		return sum < 0 ? COST_NO : sum + cost;
	case PATTERN_STRUCT:
		if (arg->kind != TYPE_STRUCT || arg->n_fields != p->n_parts)
			return COST_NO;
		for (int i = 0; i < p->n_parts; i++) {
			if (strcmp(arg->fields[i].name, p->names[i]) != 0)
				return COST_NO;
			cost = pattern_match(&p->parts[i], arg->fields[i].type, variables, false, standard);
			if (cost < 0)
				return COST_NO;
			sum += cost;
		}
		return sum;
	case PATTERN_LAMBDA:
		return arg->n_fields == p->n_parts - 1 ? 0 : COST_NO;
	case PATTERN_RESOLVED:
		break;
	}
	return COST_NO;
}

typedef struct Candidate {
	Row		  row;
	Signature signature;
	int		  cost;
} Candidate;

static int
candidate_match(const Signature *signature, const FunctionArg *args, int n_args, const Type **variables, bool casts,
				bool standard)
{
	int sum = 0;

	memset(variables, 0, sizeof(*variables) * PATTERN_VARIABLES);
	if (!signature_accepts_count(signature, n_args))
		return COST_NO;
	for (int i = 0; i < n_args; i++) {
		int cost = pattern_match(signature_parameter(signature, i, n_args), args[i].type, variables, casts, standard);

		if (cost < 0)
			return COST_NO;
		/* A literal has no firm type yet: its casts are cheaper than those of a column. */
		sum += args[i].constant.type != NULL ? cost * 2 : cost * 2 + (cost > 0);
	}
	return sum;
}

/* ksqlDB's preferences: negative when b is to be preferred to a. */
static int
candidate_prefer(const Candidate *a, const Candidate *b)
{
	const Signature *x = &a->signature;
	const Signature *y = &b->signature;
	bool			 x_any;
	bool			 y_any;

	if ((x->variadic < 0) != (y->variadic < 0))
		return x->variadic < 0 ? 1 : -1;
	if (x->n_parameters != y->n_parameters)
		return x->n_parameters - y->n_parameters;
	if (x->n_variables != y->n_variables)
		return y->n_variables - x->n_variables;
	if (x->variadic < 0)
		return 0;
	x_any = x->parameters[x->variadic].kind == PATTERN_ANY;
	y_any = y->parameters[y->variadic].kind == PATTERN_ANY;
	if (x_any != y_any)
		return x_any ? -1 : 1;
	return x->variadic - y->variadic;
}

/* The best candidate: its index, -1 if there is none, -2 if two are equally good. */
static int
choose(Candidate *candidates, int n, const FunctionArg *args, int n_args, bool casts, bool standard)
{
	const Type *variables[PATTERN_VARIABLES];
	int			best = -1;
	bool		tie = false;

	for (int i = 0; i < n; i++) {
		int order;

		candidates[i].cost = candidate_match(&candidates[i].signature, args, n_args, variables, casts, standard);
		if (candidates[i].cost < 0)
			continue;
		if (best < 0) {
			best = i;
			continue;
		}
		order = standard ? candidates[best].cost - candidates[i].cost : 0;
		if (order == 0)
			order = candidate_prefer(&candidates[i], &candidates[best]);
		if (order > 0) {
			best = i;
			tie = false;
		} else if (order == 0) {
			tie = true;
		}
	}
	/* The standard dialect takes the row that stands first. */
	return best >= 0 && tie && !standard ? -2 : best;
}

/* ---- errors ---- */

static void
args_print(const FunctionArg *args, int n_args, StrBuf *out)
{
	strbuf_add_char(out, '(');
	for (int i = 0; i < n_args; i++) {
		if (i > 0)
			strbuf_add_text(out, ", ");
		if (args[i].type->kind == TYPE_NULL)
			strbuf_add_text(out, "null");
		else
			type_print(args[i].type, out);
	}
	strbuf_add_char(out, ')');
}

/* ksqlDB names its scalar and table functions in lower case, the aggregates in upper case. */
static const char *
display_name(Arena *arena, FunctionClass class, Str name)
{
	char *text = str_to_arena(arena, name);

	for (char *c = text; *c != '\0'; c++)
		*c = (char)(class == FUNCTION_AGGREGATE ? toupper((unsigned char)*c) : tolower((unsigned char)*c));
	return text;
}

static Status
no_match(Arena *arena, FunctionClass class, Str name, const Candidate *candidates, int n, const FunctionArg *args,
		 int n_args, bool ambiguous, bool standard, Error *err)
{
	const char *shown = display_name(arena, class, name);
	StrBuf		text = {0};

	strbuf_printf(&text, "Function '%s' %s ", shown,
				  ambiguous ? "cannot be resolved due to ambiguous method parameters" : "does not accept parameters");
	args_print(args, n_args, &text);
	strbuf_add_char(&text, '.');
	if (!ambiguous) {
		strbuf_add_text(&text, "\nValid alternatives are:");
		for (int i = 0; i < n; i++) {
			strbuf_add_char(&text, '\n');
			signature_print(shown, &candidates[i].signature, &text);
		}
		if (!standard)
			strbuf_add_text(&text, "\nFor detailed information on a function run: DESCRIBE FUNCTION <Function-Name>;");
	}
	error_user(err, "%s", strbuf_text(&text));
	if (ambiguous)
		error_hint(err, "Use CAST to say which type an argument has.");
	strbuf_free(&text);
	return FAILED;
}

static Status
unknown_function(const UserFunctions *functions, Arena *arena, Str name, bool standard, Error *err)
{
	static const FunctionClass classes[] = {FUNCTION_SCALAR, FUNCTION_AGGREGATE, FUNCTION_TABLE};
	const char				 **names = NULL;
	int						   n = 0;
	int						   capacity = 0;
	const char				  *nearest;
	char					  *upper = str_to_arena(arena, name);

	for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
		RowCursor cursor = {.class = classes[i], .user = functions};
		Row		  row;

		while (row_next(&cursor, &row)) {
			if (!in_dialect(row.dialect, standard) || (row.flags & FUNC_HIDDEN))
				continue;
			grow_array(names, n, capacity);
			names[n++] = row.name;
		}
	}
	for (char *c = upper; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	error_user(err, "Can't find any functions with the name '%s'", upper);
	nearest = n > 0 ? str_nearest(upper, names, n) : NULL;
	if (nearest != NULL)
		error_hint(err, "Did you mean %s?", nearest);
	free(names);
	return FAILED;
}

/* ---- resolving ---- */

/* The type that argument `arg` has to be cast to. */
static const Type *
parameter_type(const Pattern *p, const Type *arg, const Binding *binding, const FunctionArg *args, int n_args)
{
	const Type *type;

	switch (p->kind) {
	case PATTERN_DECIMAL:
		if (arg->kind != TYPE_NULL)
			return type_as_decimal(arg);
		for (int i = 0; i < n_args; i++)
			if (args[i].type->kind == TYPE_DECIMAL)
				return args[i].type;
		return type_decimal(10, 0);
	case PATTERN_NUMBER:
		return arg->kind == TYPE_NULL ? type_integer : arg;
	case PATTERN_ANY:
	case PATTERN_ANY_STRUCT:
	case PATTERN_LAMBDA:
		return arg;
	default:
		type = pattern_type(p, binding->variables);
		return type != NULL ? type : arg;
	}
}

static Status
set_result(const Row *row, Binding *binding, const Value *constants, FunctionMatch *out, Error *err)
{
	if (binding->signature.result.kind == PATTERN_RESOLVED) {
		err->message[0] = '\0';
		out->result = row->resolve != NULL ? row->resolve(out->parameters, out->n_args, constants, err) : NULL;
		if (out->result == NULL)
			return err->message[0] != '\0' ? FAILED : error_bug(err, "Function '%s' has no result type", row->name);
		return OK;
	}
	out->result = pattern_type(&binding->signature.result, binding->variables);
	if (out->result == NULL && binding->n_lambdas_open == 0) {
		/* Only NULLs were bound to the variable of the result. */
		out->result = binding->standard ? type_string : type_null;
	}
	return OK;
}

Status
function_resolve(Arena *arena, FunctionClass class, Str name, const FunctionArg *args, int n_args, bool standard,
				 FunctionMatch *out, Error *err)
{
	return function_resolve_in(NULL, arena, class, name, args, n_args, standard, out, err);
}

Status
function_resolve_in(const UserFunctions *functions, Arena *arena, FunctionClass class, Str name, const FunctionArg *args, int n_args,
					bool standard, FunctionMatch *out, Error *err)
{
	RowCursor  cursor = {.class = class, .user = functions};
	Candidate *candidates = NULL;
	int		   n = 0;
	int		   capacity = 0;
	int		   best;
	Row		   row;
	Binding	  *binding = arena_new(arena, Binding);
	Value	  *constants = arena_array(arena, Value, n_args);
	Status	   status = OK;

	while (row_next(&cursor, &row)) {
		if (!in_dialect(row.dialect, standard) || !str_equal_nocase(name, str_of(row.name)))
			continue;
		grow_array(candidates, n, capacity);
		candidates[n] = (Candidate){.row = row};
		TRY_OUT(signature_parse(arena, row.signature, &candidates[n].signature, err));
		n++;
	}
	if (n == 0) {
		status = unknown_function(functions, arena, name, standard, err);
		goto out;
	}
	best = choose(candidates, n, args, n_args, false, standard);
	if (best == -1)
		best = choose(candidates, n, args, n_args, true, standard);
	if (best < 0) {
		status = no_match(arena, class, name, candidates, n, args, n_args, best == -2, standard, err);
		goto out;
	}

	row = candidates[best].row;
	binding->signature = candidates[best].signature;
	binding->standard = standard;
	binding->name = row.name;
	candidate_match(&binding->signature, args, n_args, binding->variables, true, standard);
	*out = (FunctionMatch){.function = row.row, .n_args = n_args, .binding = binding, .user = user_function_find(functions, name)};
	out->parameters = arena_array(arena, const Type *, n_args);
	out->null_is_error = arena_array(arena, bool, n_args);
	for (int i = 0; i < n_args; i++) {
		const Pattern *p = signature_parameter(&binding->signature, i, n_args);

		out->parameters[i] = parameter_type(p, args[i].type, binding, args, n_args);
		out->null_is_error[i] = p->null_is_error;
		binding->n_lambdas_open += p->kind == PATTERN_LAMBDA;
		if (args[i].constant.type != NULL)
			constants[i] = args[i].constant;
	}
	if (row.check != NULL)
		TRY_OUT(row.check(constants, n_args, err));
	status = set_result(&row, binding, constants, out, err);
out:
	free(candidates);
	return status;
}

Status
function_lambda_parameters(Arena *arena, FunctionMatch *match, const FunctionArg *args, int index,
						   const Type **parameter_types, int n_parameters, Error *err)
{
	const Pattern *p = signature_parameter(&match->binding->signature, index, match->n_args);

	(void)arena;
	(void)args;
	if (p == NULL || p->kind != PATTERN_LAMBDA || p->n_parts - 1 != n_parameters)
		return error_bug(err, "Argument %d of %s is not a lambda of %d parameters", index + 1, match->binding->name,
						 n_parameters);
	for (int i = 0; i < n_parameters; i++) {
		parameter_types[i] = pattern_type(&p->parts[i], match->binding->variables);
		if (parameter_types[i] == NULL)
			return error_user(err, "Cannot tell the type of lambda parameter %d of function '%s'", i + 1,
							  match->binding->name);
	}
	return OK;
}

Status
function_lambda_result(Arena *arena, FunctionMatch *match, const FunctionArg *args, int index, const Type *body_type,
					   Error *err)
{
	Binding		  *binding = match->binding;
	const Pattern *p = signature_parameter(&binding->signature, index, match->n_args);
	const Pattern *result;

	(void)args;
	if (p == NULL || p->kind != PATTERN_LAMBDA)
		return error_bug(err, "Argument %d of %s is not a lambda", index + 1, binding->name);
	result = &p->parts[p->n_parts - 1];
	if (pattern_match(result, body_type, binding->variables, false, false) < 0) {
		const Type *wanted = pattern_type(result, binding->variables);

		return error_user(err, "Function '%s': the lambda of argument %d gives %s where %s is expected", binding->name,
						  index + 1, type_to_arena(body_type, arena),
						  wanted != NULL ? type_to_arena(wanted, arena) : "another type");
	}
	binding->n_lambdas_open--;
	if (binding->n_lambdas_open == 0 && match->result == NULL)
		match->result = pattern_type(&binding->signature.result, binding->variables);
	return OK;
}
