/* Functions in shared libraries: loading them, and kernels that hand columns over. */
#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>

#include "exec/func/agg_impl.h"
#include "exec/func/kernel.h"
#include "exec/func/sluice_function.h"
#include "exec/func/user.h"

enum { STATE_MAX = 65536, ARGS_MAX = 64 };

static const struct {
	const char *name;
	SluiceKind	kind;
} kinds[] = {
	{"BOOLEAN", SLUICE_BOOLEAN}, {"INTEGER", SLUICE_INTEGER}, {"BIGINT", SLUICE_BIGINT}, {"DOUBLE", SLUICE_DOUBLE}, {"STRING", SLUICE_STRING},
	{"BYTES", SLUICE_BYTES},	 {"DATE", SLUICE_DATE},		  {"TIME", SLUICE_TIME},	 {"TIMESTAMP", SLUICE_TIMESTAMP},
};

static SluiceKind
kind_of(const Type *type)
{
	switch (type->kind) {
	case TYPE_BOOLEAN:
		return SLUICE_BOOLEAN;
	case TYPE_INTEGER:
		return SLUICE_INTEGER;
	case TYPE_BIGINT:
		return SLUICE_BIGINT;
	case TYPE_DOUBLE:
		return SLUICE_DOUBLE;
	case TYPE_STRING:
		return SLUICE_STRING;
	case TYPE_DATE:
		return SLUICE_DATE;
	case TYPE_TIME:
		return SLUICE_TIME;
	case TYPE_TIMESTAMP:
		return SLUICE_TIMESTAMP;
	default:
		return SLUICE_BYTES;
	}
}

/* ---- calls ---- */

/* The call as the library sees it, with what the callbacks need behind it. */
typedef struct Call {
	SluiceCall	  base;
	Arena		 *arena;
	EvalContext	 *context;		/* NULL: rows cannot fail by themselves */
	const char	 *name;
	char		  reason[512];
} Call;

static void *
call_allocate(const SluiceCall *base, size_t n_bytes)
{
	return arena_alloc(((const Call *)base)->arena, n_bytes > 0 ? n_bytes : 1);
}

static void
call_fail_row(const SluiceCall *base, int32_t row, const char *reason)
{
	const Call *call = (const Call *)base;

	if (call->context != NULL)
		eval_fail(call->context, row, "%s: %s", call->name, reason);
}

static void
call_fail(const SluiceCall *base, const char *reason)
{
	Call *call = (Call *)base;

	snprintf(call->reason, sizeof call->reason, "%s", reason);
}

static Call
call_new(Arena *arena, EvalContext *context, const char *name)
{
	return (Call){.base = {.size = sizeof(SluiceCall), .abi = SLUICE_FUNCTION_ABI, .allocate = call_allocate, .fail_row = call_fail_row,
						   .fail = call_fail},
				  .arena = arena, .context = context, .name = name};
}

/* Text as pointer and length; views of short text lie in the vector itself, which outlives the call. */
static const SluiceText *
texts_of(Arena *arena, const Vector *v, int32_t n_rows)
{
	int32_t			n = v->form == VECTOR_CONSTANT ? 1 : n_rows;
	const StrView  *views = v->data;
	SluiceText	   *texts = arena_alloc(arena, sizeof *texts * (size_t)(n > 0 ? n : 1));

	for (int32_t i = 0; i < n; i++) {
		bool valid = v->validity == NULL || bitmap_get(v->validity, i);

		texts[i] = valid ? (SluiceText){str_view_data(&views[i]), views[i].length} : (SluiceText){"", 0};
	}
	return texts;
}

static void
columns_of(Arena *arena, const Vector *const *args, int n_args, int32_t n_rows, SluiceColumn *out)
{
	for (int a = 0; a < n_args; a++) {
		SluiceKind kind = kind_of(args[a]->type);
		bool	   is_text = kind == SLUICE_STRING || kind == SLUICE_BYTES;

		out[a] = (SluiceColumn){.kind = kind, .step = args[a]->form == VECTOR_CONSTANT ? 0 : 1, .valid = args[a]->validity,
								.data = is_text ? (const void *)texts_of(arena, args[a], n_rows) : args[a]->data};
	}
}

static bool
is_text_result(const Type *type)
{
	return type->kind == TYPE_STRING || type->kind == TYPE_BYTES;
}

/* ---- scalar functions ---- */

static const UserFunction *
scalar_owner(const ScalarFunction *row)
{
	return (const UserFunction *)((const char *)row - offsetof(UserFunction, scalar));
}

static void
take_texts(const ScalarCall *call, const SluiceResult *result, int32_t n_rows, Vector *out)
{
	const SluiceText *texts = result->data;

	for (int32_t i = 0; i < n_rows; i++) {
		Str text = {texts[i].data, texts[i].length};

		if (!bitmap_get(result->valid, i))
			continue;
		if (text.length > 0 && (text.data == NULL || text.length > UINT32_MAX || (call->result_type->kind == TYPE_STRING && !utf8_validate(text)))) {
			eval_fail(call->context, i, "%s gave text that is not UTF-8", call->function->name);
			continue;
		}
		result_set_text(out, call->arena, i, text);
	}
}

static void
scalar_kernel(const ScalarCall *call, int32_t n_rows, Vector *out)
{
	const UserFunction	 *user = scalar_owner(call->function);
	const SluiceFunction *native = user->native;
	Arena				 *arena = call->arena;
	Call				  host = call_new(arena, call->context, user->name);
	SluiceColumn		  columns[ARGS_MAX];
	size_t				  words = (size_t)bitmap_words(n_rows > 0 ? n_rows : 1);
	bool				  is_text = is_text_result(call->result_type);
	SluiceResult		  result = {.kind = kind_of(call->result_type), .data = out->data};
	bool				  has_null = false;

	if (n_rows == 0)
		return;
	result.valid = memset(arena_alloc(arena, words * sizeof(uint64_t)), 0xff, words * sizeof(uint64_t));
	if (is_text)
		result.data = arena_calloc(arena, sizeof(SluiceText) * (size_t)n_rows);
	columns_of(arena, call->args, call->n_args, n_rows, columns);
	if (native->scalar(&host.base, columns, call->n_args, n_rows, &result) != 0) {
		/* Kernels fail row by row: all of them. */
		for (int32_t i = 0; i < n_rows; i++)
			eval_fail(call->context, i, "%s: %s", user->name, host.reason[0] != '\0' ? host.reason : "it failed without a reason");
		return;
	}
	for (size_t w = 0; w + 1 < words; w++)
		has_null |= result.valid[w] != UINT64_MAX;
	for (int32_t i = (int32_t)(words - 1) * 64; i < n_rows; i++)
		has_null |= !bitmap_get(result.valid, i);
	if (is_text)
		take_texts(call, &result, n_rows, out);
	else if (call->result_type->kind == TYPE_BOOLEAN)
		for (int32_t i = 0; i < n_rows; i++)
			((uint8_t *)out->data)[i] = ((uint8_t *)out->data)[i] != 0;
	for (int32_t i = 0; has_null && i < n_rows; i++)
		if (!bitmap_get(result.valid, i))
			result_set_null(call, out, i);
}

/* ---- aggregates ---- */

static const UserFunction *
aggregate_owner(const AggregateCall *call)
{
	return (const UserFunction *)((const char *)call->function - offsetof(UserFunction, aggregate));
}

static const SluiceAggregate *
native_aggregate(const AggregateCall *call)
{
	return ((const SluiceFunction *)aggregate_owner(call)->native)->aggregate;
}

static void
aggregate_init(const AggregateCall *call, void *state)
{
	native_aggregate(call)->init(state);
}

static Status
aggregate_failed(const AggregateCall *call, const Call *host)
{
	return error_data(call->err, "%s: %s", call->function->name, host->reason[0] != '\0' ? host->reason : "it failed without a reason");
}

static Status
native_step(const AggregateCall *call, char *const *states, uint32_t state_offset, const Vector *const *args, int32_t n_rows,
			const uint64_t *skip, Vector *results)
{
	const SluiceAggregate *native = native_aggregate(call);
	Arena				  *arena = call->arena;
	Call				   host = call_new(arena, NULL, call->function->name);
	SluiceColumn		   columns[ARGS_MAX];
	void				 **places = arena_alloc(arena, sizeof *places * (size_t)(n_rows > 0 ? n_rows : 1));

	columns_of(arena, args, call->n_args, n_rows, columns);
	for (int32_t i = 0; i < n_rows; i++)
		places[i] = (call->is_single ? states[0] : states[i]) + state_offset;
	for (int32_t first = 0, end; first < n_rows; first = end) {
		bool skips = agg_skips(skip, first);

		/* Where every change is wanted the result stands between the rows. */
		for (end = first + 1; results == NULL && end < n_rows && agg_skips(skip, end) == skips;)
			end++;
		if (!skips && native->step(&host.base, places + first, columns, call->n_args, first, end - first) != 0)
			return aggregate_failed(call, &host);
		agg_note(call, places[first], results, first);
	}
	return OK;
}

static Status
native_retract(const AggregateCall *call, void *state, const Vector *const *args, int32_t row)
{
	Call		 host = call_new(call->arena, NULL, call->function->name);
	SluiceColumn columns[ARGS_MAX];

	columns_of(call->arena, args, call->n_args, row + 1, columns);
	return native_aggregate(call)->undo(&host.base, state, columns, call->n_args, row) == 0 ? OK : aggregate_failed(call, &host);
}

static void
native_merge(const AggregateCall *call, void *into, const void *from)
{
	native_aggregate(call)->merge(into, from);
}

static void
native_result(const AggregateCall *call, const void *state, Vector *out, int32_t row, Arena *arena)
{
	union {
		uint8_t	   boolean;
		int32_t	   integer;
		int64_t	   bigint;
		double	   number;
		SluiceText text;
	}			 place = {.text = {NULL, 0}};
	uint64_t	 valid = UINT64_MAX;
	SluiceResult result = {.kind = kind_of(call->result_type), .data = &place, .valid = &valid};
	Call		 host = call_new(arena, NULL, call->function->name);
	uint32_t	 width = type_width(call->result_type);

	native_aggregate(call)->result(&host.base, state, &result, 0);
	if (!(valid & 1) || (is_text_result(call->result_type) && place.text.length > 0 &&
						 (place.text.data == NULL ||
						  (call->result_type->kind == TYPE_STRING && !utf8_validate(str_make(place.text.data, place.text.length)))))) {
		vector_set_null(out, arena, row);
		return;
	}
	if (is_text_result(call->result_type))
		result_set_text(out, arena, row, str_make(place.text.data, place.text.length));
	else
		memcpy((char *)out->data + (size_t)row * width, &place, width);
}

/* ---- rows ---- */

static void
fill_scalar(UserFunction *f, const SluiceFunction *native)
{
	uint32_t flags = native != NULL ? native->flags : 0;

	f->class = FUNCTION_SCALAR;
	f->scalar = (ScalarFunction){.name = f->name, .signature = f->signature, .kernel = scalar_kernel, .dialect = FUNCTION_BOTH};
	f->scalar.flags = (flags & SLUICE_NULL_IN ? FUNC_NULL_IN : 0) | (flags & SLUICE_NOT_DETERMINISTIC ? FUNC_NOT_DETERMINISTIC : 0);
	/* Without its library it must not be computed beforehand. */
	if (native == NULL)
		f->scalar.flags = FUNC_NOT_DETERMINISTIC;
}

static void
fill_aggregate(UserFunction *f, const SluiceFunction *native)
{
	f->class = FUNCTION_AGGREGATE;
	f->aggregate = (Aggregate){.name = f->name, .signature = f->signature, .step = native_step, .merge = native_merge,
							   .result = native_result, .dialect = FUNCTION_BOTH};
	/* A stand-in allows what the function may have allowed when the plan was first made. */
	f->aggregate.retract = native == NULL || native->aggregate->undo != NULL ? native_retract : NULL;
	f->aggregate.flags = native == NULL || native->flags & SLUICE_ORDERED ? FUNC_ORDERED : 0;
	f->aggregate.state_size = native != NULL ? native->aggregate->state_size : 8;
	f->aggregate.init = native != NULL && native->aggregate->init != NULL ? aggregate_init : NULL;
}

void
native_function_stand_in(Arena *arena, UserFunction *function, FunctionClass class, const char *reason)
{
	function->missing = arena_strdup(arena, reason);
	if (class == FUNCTION_AGGREGATE)
		fill_aggregate(function, NULL);
	else
		fill_scalar(function, NULL);
	function->scalar.description = function->aggregate.description = function->missing;
}

/* ---- loading ---- */

/* Without white space and in upper case, so that spelling does not count. */
static const char *
plain_signature(Arena *arena, const char *signature)
{
	char *out = arena_alloc(arena, strlen(signature) + 1);
	char *at = out;

	for (const char *c = signature; *c != '\0'; c++)
		if (!isspace((unsigned char)*c))
			*at++ = (char)toupper((unsigned char)*c);
	*at = '\0';
	return out;
}

static Status
check_signature_types(Arena *arena, const UserFunction *f, Error *err)
{
	const char *at = plain_signature(arena, f->signature);
	int			n = 0;

	for (at++; *at != '\0'; n++) {
		size_t length = strcspn(at, ",)");
		bool   is_known = length == 0;

		if (strncmp(at, "->", 2) == 0) {
			at += 2;
			length = strlen(at);
			is_known = false;
		}
		for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
			is_known |= strlen(kinds[k].name) == length && strncmp(kinds[k].name, at, length) == 0;
		if (!is_known) {
			error_user(err, "A function in C cannot have the type %.*s", (int)length, at);
			return error_hint(err, "BOOLEAN, INTEGER, BIGINT, DOUBLE, STRING, BYTES, DATE, TIME and TIMESTAMP are possible; DECIMALs can be given as DOUBLE.");
		}
		at += length;
		at += *at == ',' || *at == ')';
	}
	if (n > ARGS_MAX)
		return error_user(err, "A function in C has at most %d arguments", ARGS_MAX - 1);
	return OK;
}

static Status
check_native(Arena *arena, const UserFunction *f, const SluiceFunction *native, Error *err)
{
	const SluiceAggregate *aggregate;

	if (native->abi != SLUICE_FUNCTION_ABI || native->size < sizeof *native) {
		error_user(err, "'%s' in %s is made for interface %u of sluice_function.h, and this program has %d", f->symbol, f->path, native->abi,
				   SLUICE_FUNCTION_ABI);
		return error_hint(err, "Compile the library again with the sluice_function.h of this program.");
	}
	if (native->signature != NULL && strcmp(plain_signature(arena, native->signature), plain_signature(arena, f->signature)) != 0) {
		error_user(err, "'%s' in %s is a function %s, not %s", f->symbol, f->path, native->signature, f->signature);
		return error_hint(err, "Declare it with the types that it has.");
	}
	aggregate = native->aggregate;
	if ((native->scalar == NULL) == (aggregate == NULL))
		return error_user(err, "'%s' in %s must be either a scalar function or an aggregate", f->symbol, f->path);
	if (aggregate != NULL && (aggregate->size < sizeof *aggregate || aggregate->step == NULL || aggregate->merge == NULL ||
							  aggregate->result == NULL || aggregate->state_size == 0 || aggregate->state_size > STATE_MAX))
		return error_user(err, "The aggregate '%s' in %s needs step, merge and result, and a state of 1 to %d bytes", f->symbol, f->path, STATE_MAX);
	return OK;
}

Status
native_function_load(Arena *arena, UserFunction *function, Error *err)
{
	const SluiceFunction *native;

	TRY(check_signature_types(arena, function, err));
	function->library = dlopen(function->path, RTLD_NOW | RTLD_LOCAL);
	if (function->library == NULL) {
		error_user(err, "Cannot load the library of function %s: %s", function->name, dlerror());
		return error_hint(err, "Give the path of a shared library: cc -shared -fPIC -o f.so f.c");
	}
	native = dlsym(function->library, function->symbol);
	if (native == NULL) {
		error_user(err, "The library %s has no symbol '%s'", function->path, function->symbol);
		error_hint(err, "It must export `const SluiceFunction %s = {SLUICE_FUNCTION_HEAD, ...}`; another name can be given: AS 'path.so', 'symbol'.",
				   function->symbol);
		dlclose(function->library);
		return FAILED;
	}
	if (check_native(arena, function, native, err) == FAILED) {
		dlclose(function->library);
		return FAILED;
	}
	function->native = native;
	if (native->aggregate != NULL)
		fill_aggregate(function, native);
	else
		fill_scalar(function, native);
	function->scalar.description = function->aggregate.description =
		native->description != NULL ? arena_strdup(arena, native->description) : arena_printf(arena, "From %s.", function->path);
	return OK;
}
