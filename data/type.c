#include "data/type.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/hash.h"
#include "data/value.h"
#include "data/vector.h"

#define PLAIN_TYPE(name, type_kind)                       \
	static const Type name##_row = {.kind = (type_kind)}; \
	const Type *const name = &name##_row

PLAIN_TYPE(type_null, TYPE_NULL);
PLAIN_TYPE(type_boolean, TYPE_BOOLEAN);
PLAIN_TYPE(type_integer, TYPE_INTEGER);
PLAIN_TYPE(type_bigint, TYPE_BIGINT);
PLAIN_TYPE(type_double, TYPE_DOUBLE);
PLAIN_TYPE(type_string, TYPE_STRING);
PLAIN_TYPE(type_bytes, TYPE_BYTES);
PLAIN_TYPE(type_date, TYPE_DATE);
PLAIN_TYPE(type_time, TYPE_TIME);
PLAIN_TYPE(type_timestamp, TYPE_TIMESTAMP);
PLAIN_TYPE(type_interval, TYPE_INTERVAL);
PLAIN_TYPE(type_unit, TYPE_UNIT);

/* ---- the interner ---- */

/* Open addressing over pointers to types that are never freed. */
static struct {
	pthread_mutex_t mutex;
	const Type	  **slots;
	size_t			n_slots;		/* power of two */
	size_t			n_used;
} interner = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static uint64_t
type_hash(const Type *t)
{
	uint64_t h = hash_u64((uint64_t)t->kind + 1);

	h = hash_combine(h, (uint64_t)(uint32_t)t->precision << 32 | (uint32_t)t->scale);
	h = hash_combine(h, (uint64_t)(uintptr_t)t->key);
	h = hash_combine(h, (uint64_t)(uintptr_t)t->element);
	h = hash_combine(h, (uint64_t)t->n_fields);
	for (int i = 0; t->fields != NULL && i < t->n_fields; i++) {
		h = hash_combine(h, hash_bytes(t->fields[i].name, strlen(t->fields[i].name)));
		h = hash_combine(h, (uint64_t)(uintptr_t)t->fields[i].type);
	}
	return h;
}

/* Parts are interned, so one level is enough. */
static bool
type_same(const Type *a, const Type *b)
{
	if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale || a->key != b->key ||
		a->element != b->element || a->n_fields != b->n_fields)
		return false;
	for (int i = 0; a->fields != NULL && i < a->n_fields; i++)
		if (a->fields[i].type != b->fields[i].type || strcmp(a->fields[i].name, b->fields[i].name) != 0)
			return false;
	return true;
}

static void
interner_grow(void)
{
	size_t		 n_slots = interner.n_slots > 0 ? interner.n_slots * 2 : 64;
	const Type **slots = xcalloc(n_slots, sizeof *slots);

	for (size_t i = 0; i < interner.n_slots; i++) {
		const Type *t = interner.slots[i];
		size_t		at;

		if (t == NULL)
			continue;
		for (at = type_hash(t) & (n_slots - 1); slots[at] != NULL; at = (at + 1) & (n_slots - 1))
			;
		slots[at] = t;
	}
	free(interner.slots);
	interner.slots = slots;
	interner.n_slots = n_slots;
}

static const Type *
type_keep(const Type *t)
{
	Type *kept = xmalloc(sizeof *kept);

	*kept = *t;
	if (t->fields != NULL) {
		TypeField *fields = xcalloc((size_t)t->n_fields, sizeof *fields);

		for (int i = 0; i < t->n_fields; i++)
			fields[i] = (TypeField){xstrdup(t->fields[i].name), t->fields[i].type};
		kept->fields = fields;
	}
	return kept;
}

static const Type *
type_intern(const Type *wanted)
{
	uint64_t	hash = type_hash(wanted);
	const Type *found;
	size_t		at;

	pthread_mutex_lock(&interner.mutex);
	if (interner.n_used * 2 >= interner.n_slots)
		interner_grow();
	for (at = hash & (interner.n_slots - 1); (found = interner.slots[at]) != NULL; at = (at + 1) & (interner.n_slots - 1))
		if (type_same(found, wanted))
			break;
	if (found == NULL) {
		found = interner.slots[at] = type_keep(wanted);
		interner.n_used++;
	}
	pthread_mutex_unlock(&interner.mutex);
	return found;
}

const Type *
type_decimal(int precision, int scale)
{
	return type_intern(&(Type){.kind = TYPE_DECIMAL, .precision = precision, .scale = scale});
}

const Type *
type_array(const Type *element)
{
	return type_intern(&(Type){.kind = TYPE_ARRAY, .element = element});
}

const Type *
type_map(const Type *key, const Type *value)
{
	return type_intern(&(Type){.kind = TYPE_MAP, .key = key, .element = value});
}

const Type *
type_struct(const TypeField *fields, int n_fields)
{
	return type_intern(&(Type){.kind = TYPE_STRUCT, .n_fields = n_fields, .fields = n_fields > 0 ? fields : NULL});
}

const Type *
type_lambda(int n_parameters)
{
	return type_intern(&(Type){.kind = TYPE_LAMBDA, .n_fields = n_parameters});
}

const Type *
type_of_kind(TypeKind kind)
{
	static const Type *const plain[] = {
		[TYPE_NULL] = &type_null_row,
		[TYPE_BOOLEAN] = &type_boolean_row,
		[TYPE_INTEGER] = &type_integer_row,
		[TYPE_BIGINT] = &type_bigint_row,
		[TYPE_DOUBLE] = &type_double_row,
		[TYPE_STRING] = &type_string_row,
		[TYPE_BYTES] = &type_bytes_row,
		[TYPE_DATE] = &type_date_row,
		[TYPE_TIME] = &type_time_row,
		[TYPE_TIMESTAMP] = &type_timestamp_row,
		[TYPE_INTERVAL] = &type_interval_row,
		[TYPE_UNIT] = &type_unit_row,
	};

	return (size_t)kind < sizeof plain / sizeof *plain ? plain[kind] : NULL;
}

/* ---- questions ---- */

int
type_field(const Type *type, Str name)
{
	for (int i = 0; i < type->n_fields; i++)
		if (str_equal(str_of(type->fields[i].name), name))
			return i;
	return -1;
}

bool
type_has_map(const Type *t)
{
	if (t->kind == TYPE_MAP)
		return true;
	if (t->kind == TYPE_ARRAY)
		return type_has_map(t->element);
	for (int i = 0; t->kind == TYPE_STRUCT && i < t->n_fields; i++)
		if (type_has_map(t->fields[i].type))
			return true;
	return false;
}

int
type_width(const Type *t)
{
	switch (t->kind) {
	case TYPE_NULL:
	case TYPE_BOOLEAN:
		return 1;
	case TYPE_INTEGER:
	case TYPE_DATE:
	case TYPE_TIME:
		return 4;
	case TYPE_BIGINT:
	case TYPE_DOUBLE:
	case TYPE_TIMESTAMP:
	case TYPE_UNIT:
		return 8;
	case TYPE_DECIMAL:
		return (int)sizeof(Decimal);
	case TYPE_STRING:
	case TYPE_BYTES:
		return (int)sizeof(StrView);
	case TYPE_INTERVAL:
		return (int)sizeof(Interval);
	case TYPE_ARRAY:
	case TYPE_MAP:
		return (int)sizeof(ListEntry);
	case TYPE_STRUCT:
	case TYPE_LAMBDA:
		break;
	}
	return 0;
}

const Type *
type_as_decimal(const Type *t)
{
	switch (t->kind) {
	case TYPE_INTEGER:
		return type_decimal(10, 0);
	case TYPE_BIGINT:
		return type_decimal(19, 0);
	case TYPE_DECIMAL:
		return t;
	default:
		return NULL;
	}
}

/* ---- text ---- */

static const char *
plain_name(TypeKind kind)
{
	switch (kind) {
	case TYPE_NULL:
		return "NULL";
	case TYPE_BOOLEAN:
		return "BOOLEAN";
	case TYPE_INTEGER:
		return "INTEGER";
	case TYPE_BIGINT:
		return "BIGINT";
	case TYPE_DECIMAL:
		return "DECIMAL";
	case TYPE_DOUBLE:
		return "DOUBLE";
	case TYPE_STRING:
		return "STRING";
	case TYPE_BYTES:
		return "BYTES";
	case TYPE_DATE:
		return "DATE";
	case TYPE_TIME:
		return "TIME";
	case TYPE_TIMESTAMP:
		return "TIMESTAMP";
	case TYPE_INTERVAL:
		return "INTERVAL";
	case TYPE_ARRAY:
		return "ARRAY";
	case TYPE_MAP:
		return "MAP";
	case TYPE_STRUCT:
		return "STRUCT";
	case TYPE_LAMBDA:
		return "LAMBDA";
	case TYPE_UNIT:
		return "INTERVALUNIT";
	}
	return "?";
}

/* A name in backquotes; a backquote inside is doubled. */
static void
name_print(const char *name, StrBuf *out)
{
	strbuf_add_char(out, '`');
	for (; *name != '\0'; name++) {
		if (*name == '`')
			strbuf_add_char(out, '`');
		strbuf_add_char(out, *name);
	}
	strbuf_add_char(out, '`');
}

void
type_print(const Type *t, StrBuf *out)
{
	strbuf_add_text(out, plain_name(t->kind));
	switch (t->kind) {
	case TYPE_DECIMAL:
		strbuf_printf(out, "(%d, %d)", t->precision, t->scale);
		break;
	case TYPE_ARRAY:
		strbuf_add_char(out, '<');
		type_print(t->element, out);
		strbuf_add_char(out, '>');
		break;
	case TYPE_MAP:
		strbuf_add_char(out, '<');
		type_print(t->key, out);
		strbuf_add_text(out, ", ");
		type_print(t->element, out);
		strbuf_add_char(out, '>');
		break;
	case TYPE_STRUCT:
		strbuf_add_text(out, "<");
		for (int i = 0; i < t->n_fields; i++) {
			if (i > 0)
				strbuf_add_text(out, ", ");
			name_print(t->fields[i].name, out);
			strbuf_add_char(out, ' ');
			type_print(t->fields[i].type, out);
		}
		strbuf_add_text(out, t->n_fields > 0 ? ">" : " >");
		break;
	default:
		break;
	}
}

char *
type_to_arena(const Type *t, Arena *arena)
{
	StrBuf buf = {0};
	char  *text;

	type_print(t, &buf);
	text = str_to_arena(arena, strbuf_str(&buf));
	strbuf_free(&buf);
	return text;
}

/* ---- parsing ---- */

#define TYPE_DEPTH_MAX 100

typedef struct TypeParser {
	Str	   text;
	size_t at;
	int	   depth;
	Arena  names;
	Error *err;
} TypeParser;

static void
skip_space(TypeParser *p)
{
	while (p->at < p->text.length && isspace((unsigned char)p->text.data[p->at]))
		p->at++;
}

static bool
take(TypeParser *p, char c)
{
	skip_space(p);
	if (p->at >= p->text.length || p->text.data[p->at] != c)
		return false;
	p->at++;
	return true;
}

static Status
expect(TypeParser *p, char c)
{
	if (take(p, c))
		return OK;
	return error_user(p->err, "Bad type '%.*s': expected '%c' at character %zu", (int)p->text.length, p->text.data, c,
					  p->at + 1);
}

static bool
is_word(unsigned char c)
{
	return isalnum(c) || c == '_' || c == '@' || c >= 0x80;
}

static Str
take_word(TypeParser *p)
{
	size_t start;

	skip_space(p);
	start = p->at;
	while (p->at < p->text.length && is_word((unsigned char)p->text.data[p->at]))
		p->at++;
	return str_make(p->text.data + start, p->at - start);
}

static Status
take_number(TypeParser *p, int *out)
{
	Str	 word = take_word(p);
	long n = 0;

	for (size_t i = 0; i < word.length; i++) {
		if (!isdigit((unsigned char)word.data[i]) || n > 100000000)
			word.length = 0;
		else
			n = n * 10 + (word.data[i] - '0');
	}
	if (word.length == 0)
		return error_user(p->err, "Bad type '%.*s': expected a number at character %zu", (int)p->text.length,
						  p->text.data, p->at + 1);
	*out = (int)n;
	return OK;
}

/* A field name: folded to upper case unless quoted. */
static Status
take_name(TypeParser *p, const char **out)
{
	char   quote;
	char  *name;
	size_t n = 0;

	skip_space(p);
	quote = p->at < p->text.length ? p->text.data[p->at] : '\0';
	if (quote == '`' || quote == '"') {
		name = arena_alloc(&p->names, p->text.length - p->at + 1);
		for (p->at++;; p->at++) {
			if (p->at >= p->text.length)
				return error_user(p->err, "Bad type '%.*s': a quoted name does not end", (int)p->text.length, p->text.data);
			if (p->text.data[p->at] == quote) {
				if (p->at + 1 >= p->text.length || p->text.data[p->at + 1] != quote)
					break;
				p->at++;
			}
			name[n++] = p->text.data[p->at];
		}
		p->at++;
		name[n] = '\0';
	} else {
		Str word = take_word(p);

		if (word.length == 0)
			return error_user(p->err, "Bad type '%.*s': expected a field name at character %zu", (int)p->text.length,
							  p->text.data, p->at + 1);
		name = str_to_arena(&p->names, word);
		for (char *c = name; *c != '\0'; c++)
			*c = (char)toupper((unsigned char)*c);
	}
	*out = name;
	return OK;
}

static Status parse_one(TypeParser *p, const Type **out);

static Status
parse_struct(TypeParser *p, const Type **out)
{
	TypeField *fields = NULL;
	int		   n = 0;
	int		   capacity = 0;
	Status	   status = OK;

	TRY(expect(p, '<'));
	while (!take(p, '>')) {
		if (n > 0)
			TRY_OUT(expect(p, ','));
		grow_array(fields, n, capacity);
		TRY_OUT(take_name(p, &fields[n].name));
		TRY_OUT(parse_one(p, &fields[n].type));
		for (int i = 0; i < n; i++) {
			if (strcmp(fields[i].name, fields[n].name) == 0) {
				status = error_user(p->err, "Duplicate field names found in STRUCT: '%s'", fields[n].name);
				goto out;
			}
		}
		n++;
	}
	*out = type_struct(fields, n);
out:
	free(fields);
	return status;
}

static Status
parse_decimal(TypeParser *p, const Type **out)
{
	int precision;
	int scale;

	if (!take(p, '('))
		return error_user(p->err, "DECIMAL type requires precision and scale: DECIMAL(precision, scale)");
	TRY(take_number(p, &precision));
	TRY(expect(p, ','));
	TRY(take_number(p, &scale));
	TRY(expect(p, ')'));
	if (precision < 1)
		return error_user(p->err, "DECIMAL precision must be >= 1: DECIMAL(%d,%d)", precision, scale);
	if (precision < scale)
		return error_user(p->err, "DECIMAL precision must be >= scale: DECIMAL(%d,%d)", precision, scale);
	*out = type_decimal(precision, scale);
	return OK;
}

static const Type *
plain_type(Str word)
{
	static const struct {
		const char *name;
		TypeKind	kind;
	} names[] = {
		{"BOOLEAN", TYPE_BOOLEAN}, {"INTEGER", TYPE_INTEGER}, {"INT", TYPE_INTEGER},	 {"BIGINT", TYPE_BIGINT},
		{"DOUBLE", TYPE_DOUBLE},   {"STRING", TYPE_STRING},	  {"VARCHAR", TYPE_STRING},	 {"BYTES", TYPE_BYTES},
		{"DATE", TYPE_DATE},	   {"TIME", TYPE_TIME},		  {"TIMESTAMP", TYPE_TIMESTAMP},
		{"INTERVAL", TYPE_INTERVAL},
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_equal_nocase(word, str_of(names[i].name)))
			return type_of_kind(names[i].kind);
	return NULL;
}

static Status
parse_one(TypeParser *p, const Type **out)
{
	Str			word = take_word(p);
	const Type *key;
	const Type *element;

	if (++p->depth > TYPE_DEPTH_MAX)
		return error_user(p->err, "Type is nested too deeply");
	if (str_equal_nocase(word, STR("DECIMAL"))) {
		TRY(parse_decimal(p, out));
	} else if (str_equal_nocase(word, STR("ARRAY"))) {
		TRY(expect(p, '<'));
		TRY(parse_one(p, &element));
		TRY(expect(p, '>'));
		*out = type_array(element);
	} else if (str_equal_nocase(word, STR("MAP"))) {
		TRY(expect(p, '<'));
		TRY(parse_one(p, &key));
		TRY(expect(p, ','));
		TRY(parse_one(p, &element));
		TRY(expect(p, '>'));
		*out = type_map(key, element);
	} else if (str_equal_nocase(word, STR("STRUCT"))) {
		TRY(parse_struct(p, out));
	} else {
		int ignored;

		*out = plain_type(word);
		if (*out == NULL)
			return error_user(p->err, "Cannot resolve unknown type: %.*s", (int)word.length, word.data);
		/* VARCHAR(10) and the like: read and ignored, as ksqlDB does. */
		if (take(p, '(')) {
			do
				TRY(take_number(p, &ignored));
			while (take(p, ','));
			TRY(expect(p, ')'));
		}
	}
	p->depth--;
	return OK;
}

Status
type_parse(Str text, const Type **out, Error *err)
{
	TypeParser p = {.text = text, .err = err};
	Status	   status = parse_one(&p, out);

	if (status == OK) {
		skip_space(&p);
		if (p.at < text.length)
			status = error_user(err, "Bad type '%.*s': unexpected text at character %zu", (int)text.length, text.data,
								p.at + 1);
	}
	arena_free(&p.names);
	return status;
}
