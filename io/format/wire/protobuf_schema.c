/* Protobuf schemas: proto3 text to trees, columns to the tree that ksqlDB makes of them, and a tree to text. */
#include <ctype.h>
#include <stdlib.h>

#include "io/format/wire/wire.h"

typedef struct ProtoToken {
	Str	 text;
	char kind;		/* 'a' word, '0' number, '"' text, else the sign itself; 0: the end */
} ProtoToken;

/* A field whose type is still a name. */
typedef struct PendingField PendingField;
struct PendingField {
	PendingField *next;
	WireNode	 *node;			/* to be filled in place */
	const char	 *type;
	const char	 *scope;		/* full name of the message that it stands in */
	bool		  keeps_optional;
};

typedef struct NamedNode NamedNode;
struct NamedNode {
	NamedNode  *next;
	const char *full;
	WireNode   *node;
};

typedef struct ProtoParser {
	Arena		 *arena;
	const char	 *p;
	const char	 *end;
	ProtoToken	  token;
	const char	 *package;
	NamedNode	 *names;
	PendingField *pending;
	int			  depth;
	bool		  is_import;
	int			  n_messages;
	int			  message_capacity;
	ProtoMessage **messages;
} ProtoParser;

/* ---- tokens ---- */

static void
skip_space(ProtoParser *p)
{
	for (;;) {
		while (p->p < p->end && isspace((unsigned char)*p->p))
			p->p++;
		if (p->end - p->p >= 2 && p->p[0] == '/' && p->p[1] == '/')
			while (p->p < p->end && *p->p != '\n')
				p->p++;
		else if (p->end - p->p >= 2 && p->p[0] == '/' && p->p[1] == '*') {
			p->p += 2;
			while (p->end - p->p >= 2 && !(p->p[0] == '*' && p->p[1] == '/'))
				p->p++;
			p->p = p->end - p->p >= 2 ? p->p + 2 : p->end;
		} else
			return;
	}
}

static void
next_token(ProtoParser *p)
{
	const char *begin;

	skip_space(p);
	begin = p->p;
	if (p->p >= p->end) {
		p->token = (ProtoToken){{p->p, 0}, 0};
		return;
	}
	if (isalpha((unsigned char)*p->p) || *p->p == '_' || (*p->p == '.' && p->end - p->p > 1 && isalpha((unsigned char)p->p[1]))) {
		while (p->p < p->end && (isalnum((unsigned char)*p->p) || *p->p == '_' || *p->p == '.'))
			p->p++;
		p->token = (ProtoToken){str_make(begin, (size_t)(p->p - begin)), 'a'};
	} else if (isdigit((unsigned char)*p->p) || (*p->p == '-' && p->end - p->p > 1 && isdigit((unsigned char)p->p[1]))) {
		p->p++;
		while (p->p < p->end && (isalnum((unsigned char)*p->p) || *p->p == '.'))
			p->p++;
		p->token = (ProtoToken){str_make(begin, (size_t)(p->p - begin)), '0'};
	} else if (*p->p == '"' || *p->p == '\'') {
		char quote = *p->p++;

		while (p->p < p->end && *p->p != quote)
			p->p += *p->p == '\\' && p->end - p->p > 1 ? 2 : 1;
		p->token = (ProtoToken){str_make(begin + 1, (size_t)(p->p - begin - 1)), '"'};
		p->p += p->p < p->end;
	} else {
		p->p++;
		p->token = (ProtoToken){str_make(begin, 1), *begin};
	}
}

static bool
token_is(const ProtoParser *p, const char *word)
{
	return str_equal(p->token.text, str_of(word)) && p->token.kind != '"';
}

static Status
fail_syntax(const ProtoParser *p, Error *err)
{
	return error_user(err, "Not a valid Protobuf schema: unexpected '%.*s'", (int)p->token.text.length, p->token.text.data);
}

static Status
expect(ProtoParser *p, char sign, Error *err)
{
	if (p->token.kind != sign)
		return fail_syntax(p, err);
	next_token(p);
	return OK;
}

/* Up to the ';' or the end of the block that comes. */
static Status
skip_statement(ProtoParser *p, Error *err)
{
	int depth = 0;

	for (; p->token.kind != 0; next_token(p)) {
		if (p->token.kind == '{')
			depth++;
		else if (p->token.kind == '}' && --depth <= 0)
			break;
		else if (p->token.kind == ';' && depth == 0)
			break;
	}
	if (p->token.kind == 0)
		return fail_syntax(p, err);
	next_token(p);
	return OK;
}

static Status
parse_number(ProtoParser *p, int *out, Error *err)
{
	char text[24];
	long number;

	if (p->token.kind != '0' || p->token.text.length >= sizeof text)
		return fail_syntax(p, err);
	memcpy(text, p->token.text.data, p->token.text.length);
	text[p->token.text.length] = '\0';
	number = strtol(text, NULL, 0);
	*out = (int)number;
	next_token(p);
	return OK;
}

/* ---- definitions ---- */

static const char *
scoped(ProtoParser *p, const char *scope, Str name)
{
	return scope[0] == '\0' ? str_to_arena(p->arena, name) : arena_printf(p->arena, "%s.%.*s", scope, (int)name.length, name.data);
}

static void
add_name(ProtoParser *p, const char *full, WireNode *node)
{
	NamedNode *name = arena_new(p->arena, NamedNode);

	*name = (NamedNode){p->names, full, node};
	p->names = name;
}

/* `[...]` behind a field: precision and scale of a decimal are there. */
static Status
parse_options(ProtoParser *p, WireNode *node, Error *err)
{
	Str key = {0}, value = {0};
	int depth = 0;

	if (p->token.kind != '[')
		return OK;
	for (; p->token.kind != 0; next_token(p)) {
		if (p->token.kind == '[' || p->token.kind == '{')
			depth++;
		else if ((p->token.kind == ']' || p->token.kind == '}') && --depth == 0)
			break;
		else if (token_is(p, "key") || token_is(p, "value")) {
			bool is_key = token_is(p, "key");

			next_token(p);
			if (p->token.kind == ':')
				next_token(p);
			if (p->token.kind == '"') {
				if (is_key)
					key = p->token.text;
				else
					value = p->token.text;
			}
			if (key.length > 0 && value.length > 0 && value.length < 6) {
				if (str_equal(key, STR("precision")))
					node->precision = atoi(str_to_arena(p->arena, value));
				else if (str_equal(key, STR("scale")))
					node->scale = atoi(str_to_arena(p->arena, value));
				key = value = (Str){0};
			}
			if (p->token.kind == ']' || p->token.kind == '}')
				depth--;
		}
	}
	return expect(p, ']', err);
}

/* A type by name, filled in when all names are known. */
static WireNode *
pending_node(ProtoParser *p, Str type, const char *scope)
{
	PendingField *pending = arena_new(p->arena, PendingField);

	*pending = (PendingField){.next = p->pending, .node = wire_node(p->arena, WIRE_NULL), .type = str_to_arena(p->arena, type), .scope = scope};
	p->pending = pending;
	return pending->node;
}

static Status
parse_field(ProtoParser *p, const char *scope, bool in_oneof, WireField *out, Error *err)
{
	bool	  is_repeated = false, is_optional = in_oneof;
	WireNode *leaf;

	if (token_is(p, "repeated") || token_is(p, "optional") || token_is(p, "required")) {
		is_repeated = token_is(p, "repeated");
		is_optional = token_is(p, "optional");
		next_token(p);
	}
	if (token_is(p, "map")) {
		WireNode *map = wire_node(p->arena, WIRE_MAP);

		next_token(p);
		TRY(expect(p, '<', err));
		map->key = pending_node(p, p->token.text, scope);
		next_token(p);
		TRY(expect(p, ',', err));
		map->element = pending_node(p, p->token.text, scope);
		next_token(p);
		TRY(expect(p, '>', err));
		out->node = map;
		leaf = map->element;
	} else {
		if (p->token.kind != 'a')
			return fail_syntax(p, err);
		leaf = pending_node(p, p->token.text, scope);
		p->pending->keeps_optional = is_optional;
		next_token(p);
		out->node = leaf;
		if (is_repeated) {
			out->node = wire_node(p->arena, WIRE_ARRAY);
			out->node->element = leaf;
		}
	}
	if (p->token.kind != 'a')
		return fail_syntax(p, err);
	out->name = str_to_arena(p->arena, p->token.text);
	next_token(p);
	TRY(expect(p, '=', err));
	TRY(parse_number(p, &out->number, err));
	TRY(parse_options(p, leaf, err));
	return expect(p, ';', err);
}

static Status
parse_enum(ProtoParser *p, const char *scope, Error *err)
{
	WireNode   *node = wire_node(p->arena, WIRE_ENUM);
	int			capacity = 0;
	const char **symbols = NULL;
	int		   *numbers = NULL;
	WireNode	skipped = {0};

	node->name = scoped(p, scope, p->token.text);
	next_token(p);
	TRY(expect(p, '{', err));
	while (p->token.kind != '}') {
		Str name = p->token.text;

		if (p->token.kind == ';') {
			next_token(p);
			continue;
		}
		if (p->token.kind != 'a')
			return fail_syntax(p, err);
		if (token_is(p, "option") || token_is(p, "reserved")) {
			TRY(skip_statement(p, err));
			continue;
		}
		next_token(p);
		TRY(expect(p, '=', err));
		if (node->n_symbols == capacity) {
			const char **more_symbols = arena_array(p->arena, const char *, capacity * 2 + 8);
			int		   *more_numbers = arena_array(p->arena, int, capacity * 2 + 8);

			if (capacity > 0) {
				memcpy(more_symbols, symbols, sizeof *symbols * (size_t)capacity);
				memcpy(more_numbers, numbers, sizeof *numbers * (size_t)capacity);
			}
			capacity = capacity * 2 + 8;
			symbols = more_symbols;
			numbers = more_numbers;
		}
		symbols[node->n_symbols] = str_to_arena(p->arena, name);
		TRY(parse_number(p, &numbers[node->n_symbols++], err));
		TRY(parse_options(p, &skipped, err));
		TRY(expect(p, ';', err));
	}
	next_token(p);
	node->symbols = symbols;
	node->numbers = numbers;
	add_name(p, node->name, node);
	return OK;
}

static Status
parse_message(ProtoParser *p, const char *scope, ProtoMessage *parent, int index, Error *err)
{
	WireNode	 *node = wire_node(p->arena, WIRE_RECORD);
	ProtoMessage *message = arena_new(p->arena, ProtoMessage);
	int			  capacity = 0, n_nested = 0;
	bool		  in_oneof = false;

	if (p->token.kind != 'a')
		return fail_syntax(p, err);
	if (++p->depth > WIRE_DEPTH_MAX)
		return error_user(err, "Not a schema that can be read: it is nested too deeply");
	node->name = scoped(p, scope, p->token.text);
	node->is_optional = true;
	*message = (ProtoMessage){node->name, node, parent, index};
	if (!p->is_import) {
		if (p->n_messages == p->message_capacity) {
			ProtoMessage **more = arena_array(p->arena, ProtoMessage *, p->message_capacity * 2 + 8);

			if (p->n_messages > 0)
				memcpy(more, p->messages, sizeof *more * (size_t)p->n_messages);
			p->messages = more;
			p->message_capacity = p->message_capacity * 2 + 8;
		}
		p->messages[p->n_messages++] = message;
	}
	add_name(p, node->name, node);
	next_token(p);
	TRY(expect(p, '{', err));
	for (;;) {
		if (p->token.kind == '}') {
			next_token(p);
			if (!in_oneof)
				break;
			in_oneof = false;
		} else if (p->token.kind == ';')
			next_token(p);
		else if (token_is(p, "message")) {
			next_token(p);
			TRY(parse_message(p, node->name, message, n_nested++, err));
		} else if (token_is(p, "enum")) {
			next_token(p);
			TRY(parse_enum(p, node->name, err));
		} else if (token_is(p, "oneof")) {
			next_token(p);
			next_token(p);
			TRY(expect(p, '{', err));
			in_oneof = true;
		} else if (token_is(p, "reserved") || token_is(p, "option") || token_is(p, "extensions") || token_is(p, "extend"))
			TRY(skip_statement(p, err));
		else {
			if (node->n_fields == capacity) {
				WireField *more = arena_array(p->arena, WireField, capacity * 2 + 8);

				if (capacity > 0)
					memcpy(more, node->fields, sizeof *more * (size_t)capacity);
				node->fields = more;
				capacity = capacity * 2 + 8;
			}
			TRY(parse_field(p, node->name, in_oneof, &node->fields[node->n_fields], err));
			node->n_fields++;
		}
	}
	p->depth--;
	return OK;
}

static Status
parse_file(ProtoParser *p, Str text, Error *err)
{
	int n_top = 0;

	p->p = text.data;
	p->end = text.data + text.length;
	p->package = "";
	next_token(p);
	while (p->token.kind != 0) {
		if (token_is(p, "message")) {
			next_token(p);
			TRY(parse_message(p, p->package, NULL, n_top++, err));
		} else if (token_is(p, "enum")) {
			next_token(p);
			TRY(parse_enum(p, p->package, err));
		} else if (token_is(p, "package")) {
			next_token(p);
			p->package = str_to_arena(p->arena, p->token.text);
			TRY(skip_statement(p, err));
		} else if (p->token.kind == ';')
			next_token(p);
		else if (token_is(p, "syntax") || token_is(p, "import") || token_is(p, "option") || token_is(p, "service") || token_is(p, "extend"))
			TRY(skip_statement(p, err));
		else
			return fail_syntax(p, err);
	}
	return OK;
}

/* ---- names to types ---- */

typedef struct ProtoScalar {
	const char *name;
	WireKind	kind;
	WireLayout	layout;
	bool		is_unsigned;
	bool		is_optional;
	bool		is_wrapper;
} ProtoScalar;

static const ProtoScalar scalars[] = {
	{"double", WIRE_DOUBLE, LAYOUT_FIXED64, false, false, false},
	{"float", WIRE_FLOAT, LAYOUT_FIXED32, false, false, false},
	{"int32", WIRE_INT32, LAYOUT_VARINT, false, false, false},
	{"int64", WIRE_INT64, LAYOUT_VARINT, false, false, false},
	{"uint32", WIRE_INT64, LAYOUT_VARINT, true, false, false},
	{"uint64", WIRE_INT64, LAYOUT_VARINT, false, false, false},
	{"sint32", WIRE_INT32, LAYOUT_ZIGZAG, false, false, false},
	{"sint64", WIRE_INT64, LAYOUT_ZIGZAG, false, false, false},
	{"fixed32", WIRE_INT64, LAYOUT_FIXED32, true, false, false},
	{"fixed64", WIRE_INT64, LAYOUT_FIXED64, false, false, false},
	{"sfixed32", WIRE_INT32, LAYOUT_FIXED32, false, false, false},
	{"sfixed64", WIRE_INT64, LAYOUT_FIXED64, false, false, false},
	{"bool", WIRE_BOOLEAN, LAYOUT_VARINT, false, false, false},
	{"string", WIRE_STRING, LAYOUT_VARINT, false, false, false},
	{"bytes", WIRE_BYTES, LAYOUT_VARINT, false, false, false},
	{"google.protobuf.Timestamp", WIRE_TIMESTAMP, LAYOUT_VARINT, false, true, false},
	{"google.type.Date", WIRE_DATE, LAYOUT_VARINT, false, true, false},
	{"google.type.TimeOfDay", WIRE_TIME, LAYOUT_VARINT, false, true, false},
	{"confluent.type.Decimal", WIRE_DECIMAL, LAYOUT_VARINT, false, true, false},
	{"google.protobuf.DoubleValue", WIRE_DOUBLE, LAYOUT_FIXED64, false, true, true},
	{"google.protobuf.FloatValue", WIRE_FLOAT, LAYOUT_FIXED32, false, true, true},
	{"google.protobuf.Int64Value", WIRE_INT64, LAYOUT_VARINT, false, true, true},
	{"google.protobuf.UInt64Value", WIRE_INT64, LAYOUT_VARINT, false, true, true},
	{"google.protobuf.Int32Value", WIRE_INT32, LAYOUT_VARINT, false, true, true},
	{"google.protobuf.UInt32Value", WIRE_INT64, LAYOUT_VARINT, true, true, true},
	{"google.protobuf.BoolValue", WIRE_BOOLEAN, LAYOUT_VARINT, false, true, true},
	{"google.protobuf.StringValue", WIRE_STRING, LAYOUT_VARINT, false, true, true},
	{"google.protobuf.BytesValue", WIRE_BYTES, LAYOUT_VARINT, false, true, true},
};

#define N_SCALARS ((int)(sizeof scalars / sizeof scalars[0]))

static WireNode *
find_named(const ProtoParser *p, const PendingField *field)
{
	const char *name = field->type[0] == '.' ? field->type + 1 : field->type;
	size_t		length = strlen(field->scope);

	/* from the innermost scope outwards */
	for (;;) {
		for (const NamedNode *n = p->names; n != NULL; n = n->next)
			if (length == 0 ? strcmp(n->full, name) == 0
							: strncmp(n->full, field->scope, length) == 0 && n->full[length] == '.' && strcmp(n->full + length + 1, name) == 0)
				return n->node;
		if (length == 0)
			return NULL;
		while (length > 0 && field->scope[--length] != '.')
			;
	}
}

static Status
resolve_pending(const ProtoParser *p, const PendingField *field, Error *err)
{
	WireNode	   *node = field->node;
	const WireNode *named;
	const char	   *name = field->type[0] == '.' ? field->type + 1 : field->type;

	for (int i = 0; i < N_SCALARS; i++)
		if (strcmp(scalars[i].name, name) == 0) {
			node->kind = scalars[i].kind;
			node->layout = scalars[i].layout;
			node->is_unsigned = scalars[i].is_unsigned;
			node->is_wrapper = scalars[i].is_wrapper;
			node->is_optional = scalars[i].is_optional || field->keeps_optional;
			if (node->kind == WIRE_DECIMAL && (node->precision < 1 || node->scale < 0 || node->scale > node->precision))
				node->precision = 64;
			return OK;
		}
	named = find_named(p, field);
	if (named == NULL)
		return error_user(err, "Not a valid Protobuf schema: type '%s' is not defined", field->type);
	*node = *named;
	node->is_optional = named->kind == WIRE_RECORD || field->keeps_optional;
	return OK;
}

Status
protobuf_parse(Arena *arena, const RegisteredSchema *schema, ProtoFile *out, Error *err)
{
	ProtoParser parser = {.arena = arena};

	parser.is_import = true;
	for (int i = 0; i < schema->n_references; i++)
		TRY(parse_file(&parser, str_of(schema->references[i].text), err));
	parser.is_import = false;
	TRY(parse_file(&parser, str_of(schema->text), err));
	for (const PendingField *field = parser.pending; field != NULL; field = field->next)
		TRY(resolve_pending(&parser, field, err));
	/* A copy of a message made above may have been made before its own fields were resolved: its fields are shared. */
	out->n_messages = parser.n_messages;
	out->messages = parser.messages;
	for (int i = 0; i < parser.n_messages; i++)
		wire_resolve(arena, parser.messages[i]->node);
	return OK;
}

const ProtoMessage *
protobuf_message(const ProtoFile *file, const char *name)
{
	for (int i = 0; i < file->n_messages; i++)
		if (name == NULL || strcmp(file->messages[i]->name, name) == 0)
			return file->messages[i];
	for (int i = 0; i < file->n_messages; i++) {
		const char *dot = strrchr(file->messages[i]->name, '.');

		if (dot != NULL && strcmp(dot + 1, name) == 0)
			return file->messages[i];
	}
	return NULL;
}

/* ---- the path behind the id ---- */

static void
add_zigzag(StrBuf *out, int value)
{
	unsigned bits = (unsigned)value << 1;

	for (; bits >= 0x80; bits >>= 7)
		strbuf_add_char(out, (char)(bits | 0x80));
	strbuf_add_char(out, (char)bits);
}

void
protobuf_add_path(const ProtoMessage *message, StrBuf *out)
{
	int path[WIRE_DEPTH_MAX + 1];
	int n = 0;

	for (const ProtoMessage *m = message; m != NULL && n <= WIRE_DEPTH_MAX; m = m->parent)
		path[n++] = m->index;
	if (n == 1 && path[0] == 0) {		/* the first message: short */
		strbuf_add_char(out, 0);
		return;
	}
	add_zigzag(out, n);
	while (n-- > 0)
		add_zigzag(out, path[n]);
}

static bool
read_zigzag(Str *bytes, int *out)
{
	unsigned bits = 0;

	for (int shift = 0; shift < 28 && bytes->length > 0; shift += 7) {
		unsigned char byte = (unsigned char)bytes->data[0];

		*bytes = str_make(bytes->data + 1, bytes->length - 1);
		bits |= (unsigned)(byte & 0x7f) << shift;
		if (byte < 0x80) {
			*out = (int)(bits >> 1);
			return (bits & 1) == 0;
		}
	}
	return false;
}

const ProtoMessage *
protobuf_read_path(const ProtoFile *file, Str *bytes)
{
	const ProtoMessage *found = NULL;
	int					n, index;

	if (!read_zigzag(bytes, &n))
		return NULL;
	if (n == 0)
		return protobuf_message(file, NULL);
	for (; n > 0; n--) {
		int i = 0;

		if (!read_zigzag(bytes, &index))
			return NULL;
		while (i < file->n_messages && (file->messages[i]->parent != found || file->messages[i]->index != index))
			i++;
		if (i == file->n_messages)
			return NULL;
		found = file->messages[i];
	}
	return found;
}

/* ---- columns ---- */

typedef struct ProtoMaker {
	Arena	   *arena;
	const char *nullable;
	int			n_messages;
} ProtoMaker;

static WireNode *
node_of_type(ProtoMaker *maker, const Type *type, bool in_list)
{
	static const struct {
		WireKind   kind;
		WireLayout layout;
	} kinds[] = {
		[TYPE_BOOLEAN] = {WIRE_BOOLEAN, LAYOUT_VARINT}, [TYPE_INTEGER] = {WIRE_INT32, LAYOUT_VARINT}, [TYPE_BIGINT] = {WIRE_INT64, LAYOUT_VARINT},
		[TYPE_DOUBLE] = {WIRE_DOUBLE, LAYOUT_FIXED64},	[TYPE_DECIMAL] = {WIRE_DECIMAL, LAYOUT_VARINT}, [TYPE_STRING] = {WIRE_STRING, LAYOUT_VARINT},
		[TYPE_BYTES] = {WIRE_BYTES, LAYOUT_VARINT},		[TYPE_DATE] = {WIRE_DATE, LAYOUT_VARINT},		[TYPE_TIME] = {WIRE_TIME, LAYOUT_VARINT},
		[TYPE_TIMESTAMP] = {WIRE_TIMESTAMP, LAYOUT_VARINT}, [TYPE_ARRAY] = {WIRE_ARRAY, LAYOUT_VARINT}, [TYPE_MAP] = {WIRE_MAP, LAYOUT_VARINT},
		[TYPE_STRUCT] = {WIRE_RECORD, LAYOUT_VARINT},
	};
	WireNode *node = wire_node(maker->arena, kinds[type->kind].kind);

	node->layout = kinds[type->kind].layout;
	node->precision = type->precision;
	node->scale = type->scale;
	switch (type->kind) {
	case TYPE_ARRAY:
		node->element = node_of_type(maker, type->element, true);
		break;
	case TYPE_MAP:
		node->key = node_of_type(maker, type_string, true);
		node->element = node_of_type(maker, type->element, true);
		break;
	case TYPE_STRUCT:
		node->is_optional = true;
		node->name = arena_printf(maker->arena, "ConnectDefault%d", ++maker->n_messages);
		node->n_fields = type->n_fields;
		node->fields = arena_array(maker->arena, WireField, type->n_fields + 1);
		for (int i = 0; i < type->n_fields; i++)
			node->fields[i] = (WireField){.name = type->fields[i].name, .number = i + 1, .node = node_of_type(maker, type->fields[i].type, false)};
		break;
	case TYPE_DECIMAL:
	case TYPE_DATE:
	case TYPE_TIME:
	case TYPE_TIMESTAMP:
		node->is_optional = true;
		break;
	default:
		if (!in_list && maker->nullable != NULL) {
			node->is_optional = true;
			node->is_wrapper = strcmp(maker->nullable, "WRAPPER") == 0;
		}
		break;
	}
	return node;
}

WireNode *
protobuf_of_columns(Arena *arena, const Column *columns, int n_columns, const char *name, const char *nullable)
{
	ProtoMaker maker = {.arena = arena, .nullable = nullable, .n_messages = 1};
	WireNode  *node = wire_node(arena, WIRE_RECORD);

	node->is_optional = true;
	node->name = name != NULL ? name : "ConnectDefault1";
	node->n_fields = n_columns;
	node->fields = arena_array(arena, WireField, n_columns + 1);
	for (int i = 0; i < n_columns; i++)
		node->fields[i] = (WireField){.name = columns[i].name, .number = i + 1, .node = node_of_type(&maker, columns[i].type, false)};
	wire_resolve(arena, node);
	return node;
}

/* ---- text ---- */

static const char *
type_word(const WireNode *node)
{
	if (node->kind == WIRE_RECORD)
		return strrchr(node->name, '.') != NULL ? strrchr(node->name, '.') + 1 : node->name;
	for (int i = 0; i < N_SCALARS; i++)
		if (scalars[i].kind == node->kind && scalars[i].layout == node->layout && scalars[i].is_wrapper == node->is_wrapper
			&& scalars[i].is_unsigned == node->is_unsigned)
			return scalars[i].name;
	return "bytes";
}

static void
print_message(const WireNode *node, int indent, StrBuf *out)
{
	strbuf_printf(out, "%*smessage %s {\n", indent, "", type_word(node));
	for (int i = 0; i < node->n_fields; i++) {
		const WireField *field = &node->fields[i];
		const WireNode	*leaf = field->node;

		strbuf_printf(out, "%*s", indent + 2, "");
		if (field->node->kind == WIRE_MAP) {
			leaf = field->node->element;
			strbuf_printf(out, "map<string, %s>", type_word(leaf));
		} else if (field->node->kind == WIRE_ARRAY) {
			leaf = field->node->element;
			strbuf_printf(out, "repeated %s", type_word(leaf));
		} else {
			bool is_message = leaf->kind == WIRE_RECORD || leaf->is_wrapper || leaf->kind == WIRE_DECIMAL || leaf->kind == WIRE_DATE
							  || leaf->kind == WIRE_TIME || leaf->kind == WIRE_TIMESTAMP;

			strbuf_printf(out, "%s%s", leaf->is_optional && !is_message ? "optional " : "", type_word(leaf));
		}
		strbuf_printf(out, " %s = %d", field->name, field->number);
		if (leaf->kind == WIRE_DECIMAL)
			strbuf_printf(out, " [(confluent.field_meta) = {\n%*sparams: [\n%*s{ key: \"precision\", value: \"%d\" },\n%*s{ key: \"scale\", value: \"%d\" }\n%*s]\n%*s}]",
						  indent + 4, "", indent + 6, "", leaf->precision, indent + 6, "", leaf->scale, indent + 4, "", indent + 2, "");
		strbuf_add_text(out, ";\n");
	}
	for (int i = 0; i < node->n_fields; i++) {
		const WireNode *leaf = node->fields[i].node;

		if (leaf->kind == WIRE_MAP || leaf->kind == WIRE_ARRAY)
			leaf = leaf->element;
		if (leaf->kind == WIRE_RECORD) {
			strbuf_add_char(out, '\n');
			print_message(leaf, indent + 2, out);
		}
	}
	strbuf_printf(out, "%*s}\n", indent, "");
}

/* Files that define the types of others: one bit each, in this order. */
static const char *const imports[] = {"confluent/meta.proto",	 "confluent/type/decimal.proto",	  "google/protobuf/timestamp.proto",
									  "google/protobuf/wrappers.proto", "google/type/date.proto", "google/type/timeofday.proto"};

static unsigned
imports_of(const WireNode *node)
{
	unsigned needed = node->is_wrapper ? 8 : 0;

	switch (node->kind) {
	case WIRE_DECIMAL: return 1 | 2;
	case WIRE_TIMESTAMP: return 4;
	case WIRE_DATE: return 16;
	case WIRE_TIME: return 32;
	case WIRE_ARRAY:
	case WIRE_MAP: return imports_of(node->element);
	case WIRE_RECORD:
		for (int i = 0; i < node->n_fields; i++)
			needed |= imports_of(node->fields[i].node);
		return needed;
	default: return needed;
	}
}

void
protobuf_print(const WireNode *node, StrBuf *out)
{
	const char *dot = strrchr(node->name, '.');
	unsigned	needed = imports_of(node);

	strbuf_add_text(out, "syntax = \"proto3\";\n");
	if (dot != NULL)
		strbuf_printf(out, "package %.*s;\n", (int)(dot - node->name), node->name);
	strbuf_add_char(out, '\n');
	for (size_t i = 0; i < sizeof imports / sizeof imports[0]; i++)
		if (needed & 1u << i)
			strbuf_printf(out, "import \"%s\";\n", imports[i]);
	if (needed != 0)
		strbuf_add_char(out, '\n');
	print_message(node, 0, out);
}
