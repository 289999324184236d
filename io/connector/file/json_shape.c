#include "io/connector/file/json_shape.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "common/utf8.h"
#include "data/time_text.h"
#include "io/digits.h"
#include "io/format/format_impl.h"

#define LITERAL_MAX 64
#define STEPS_MAX 64
#define DEPTH_MAX 6
#define LEARN_MAX 256	/* lines looked at in vain or not, in all: files of ever new shapes are left to json_decode */

typedef enum StepAction {
	STEP_SKIP,
	STEP_INTEGER,
	STEP_BIGINT,
	STEP_DOUBLE,
	STEP_STRING,
	STEP_BOOLEAN,
	STEP_DATE_TEXT,			/* yyyy-MM-dd in quotes */
	STEP_TIMESTAMP_TEXT,
	STEP_ANY,				/* another type: by json_decode */
	STEP_ENTER,				/* the '{' of a STRUCT: no value is taken */
	STEP_NULL,				/* a wanted field that is not there */
	STEP_STOP,				/* nothing that follows is wanted */
	STEP_END,				/* the line ends */
} StepAction;

typedef struct ShapeStep {
	char	   literal[LITERAL_MAX];	/* stands before the value */
	uint32_t   mask[2];					/* a bit a byte of it */
	uint8_t	   length;
	uint8_t	   action;
	int8_t	   depth;					/* of the path */
	int16_t	   path[DEPTH_MAX];			/* column, then the child of each level */
	JsonPlan  *plan;					/* STEP_ANY */
	Vector	  *vector;
	void	  *data;
} ShapeStep;

typedef struct Shape {
	int		   n_steps;
	ShapeStep *steps;
} Shape;

struct JsonShapes {
	Arena		   own_arena;		/* what was learnt: workers learn at the same time, each from its own lines */
	Arena		  *arena;			/* of the batch */
	const Column  *columns;
	int			   n_columns;
	Vector *const *vectors;
	bool		  *is_wanted;
	int			   n_shapes;
	int			   n_learnt;
	int			   last;			/* the one that fitted last */
	uint32_t	   high;			/* not zero: a text stored since json_shapes_bind has bytes over 0x7f */
	Shape		   shapes[SHAPES_MAX];
};

#ifdef __x86_64__
#define AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt,lzcnt")))

/* ---- learning ---- */

typedef struct Learner {
	JsonShapes *shapes;
	JsonCursor	cursor;
	const char *literal;		/* what was not put in a step yet */
	int			n_steps;
	ShapeStep	steps[STEPS_MAX];
	int16_t		path[DEPTH_MAX];
} Learner;

/* A step with the text from the last value up to the cursor. */
static ShapeStep *
add_step(Learner *l, StepAction action, int depth)
{
	size_t length = (size_t)(l->cursor.p - l->literal);

	if (l->n_steps == STEPS_MAX || length > LITERAL_MAX || depth > DEPTH_MAX)
		return NULL;

	ShapeStep *step = &l->steps[l->n_steps++];

	*step = (ShapeStep){.action = (uint8_t)action, .length = (uint8_t)length, .depth = (int8_t)depth};
	memcpy(step->literal, l->literal, length);
	for (size_t i = 0; i < length; i++)
		step->mask[i / 32] |= 1u << (i % 32);
	memcpy(step->path, l->path, sizeof l->path);
	l->literal = l->cursor.p;
	return step;
}

/* How a key relates to the fields wanted: >= 0 is one exactly, -1 none at all, -2 one of them if case is not looked at. */
static int
match_key(Str key, const TypeField *fields, int n, const bool *is_wanted)
{
	int found = -1;

	for (int i = 0; i < n; i++) {
		Str name = str_of(fields[i].name);

		if (str_equal(name, key))
			return is_wanted == NULL || is_wanted[i] ? i : -1;
		if (str_equal_nocase(name, key) && (is_wanted == NULL || is_wanted[i]))
			found = -2;
	}
	return found;
}

/* first: of the value in the line that is learnt from. */
static StepAction
action_of(const Type *type, char first)
{
	switch (type->kind) {
	case TYPE_INTEGER: return STEP_INTEGER;
	case TYPE_BIGINT: return STEP_BIGINT;
	case TYPE_TIMESTAMP: return first == '"' ? STEP_TIMESTAMP_TEXT : STEP_BIGINT;
	case TYPE_DATE: return first == '"' ? STEP_DATE_TEXT : STEP_ANY;
	case TYPE_DOUBLE: return STEP_DOUBLE;
	case TYPE_STRING: return STEP_STRING;
	case TYPE_BOOLEAN: return STEP_BOOLEAN;
	default: return STEP_ANY;
	}
}

/* False: the line has no shape that can be relied upon.  struct_type NULL: the line itself. */
static bool
learn_object(Learner *l, const Type *struct_type, int depth, bool *has_stopped)
{
	JsonShapes *shapes = l->shapes;
	JsonCursor *c = &l->cursor;
	int			n = struct_type == NULL ? shapes->n_columns : struct_type->n_fields;
	int			n_missing = 0;
	bool	   *seen = arena_array(&shapes->own_arena, bool, n > 0 ? n : 1);
	JsonText	text;

	for (int i = 0; i < n; i++)
		n_missing += struct_type != NULL || shapes->is_wanted[i];
	if (depth >= DEPTH_MAX || json_peek(c) != '{')
		return false;
	c->p++;
	if (json_skip_space(c) != '}')
		for (;;) {
			if (json_skip_space(c) != '"')
				return false;
			c->p++;
			if (!json_scan_string(c, &text) || text.is_escaped || !text.is_ascii || json_skip_space(c) != ':')
				return false;
			c->p++;

			char first = json_skip_space(c);
			int	 field = struct_type == NULL ? match_key(text.raw, shapes->columns, n, shapes->is_wanted)
											 : match_key(text.raw, struct_type->fields, n, NULL);

			if (field == -2 || (field >= 0 && seen[field]))
				return false;
			if (field < 0) {
				if (add_step(l, STEP_SKIP, 0) == NULL || !json_skip_value(c, 0))
					return false;
				l->literal = c->p;
			} else {
				const Type *type = struct_type == NULL ? shapes->columns[field].type : struct_type->fields[field].type;

				seen[field] = true;
				n_missing--;
				l->path[depth] = (int16_t)field;
				if (type->kind == TYPE_STRUCT && first == '{') {
					bool ignored;

					if (add_step(l, STEP_ENTER, depth + 1) == NULL || !learn_object(l, type, depth + 1, &ignored))
						return false;
				} else if (type->kind == TYPE_STRUCT && first == 'n') {
					if (!json_scan_word(c, "null", 4) || add_step(l, STEP_NULL, depth + 1) == NULL)
						return false;
				} else {
					ShapeStep *step = add_step(l, action_of(type, first), depth + 1);

					if (step == NULL || !json_skip_value(c, 0))
						return false;
					if (step->action == STEP_ANY)
						step->plan = json_plan_value(&shapes->own_arena, type);
					l->literal = c->p;
				}
				if (struct_type == NULL && n_missing == 0) {
					*has_stopped = true;
					return true;
				}
			}
			char ch = json_skip_space(c);

			if (ch != ',' && ch != '}')
				return false;
			if (ch == '}')
				break;
			c->p++;
		}
	c->p++;
	for (int i = 0; i < n && n_missing > 0; i++)
		if (!seen[i] && (struct_type != NULL || shapes->is_wanted[i])) {
			l->path[depth] = (int16_t)i;
			if (add_step(l, STEP_NULL, depth + 1) == NULL)
				return false;
		}
	return true;
}

static void
shape_bind(JsonShapes *shapes, Shape *shape)
{
	for (int k = 0; k < shape->n_steps; k++) {
		ShapeStep *step = &shape->steps[k];

		if (step->depth == 0)
			continue;

		Vector *v = shapes->vectors[step->path[0]];

		for (int d = 1; d < step->depth; d++)
			v = &v->children[step->path[d]];
		step->vector = v;
		step->data = v->data;
	}
}

void
json_shapes_learn(JsonShapes *shapes, Str line)
{
	if (shapes->n_learnt++ >= LEARN_MAX || shapes->vectors == NULL)
		return;

	Learner l = {.shapes = shapes, .cursor = {line.data, line.data + line.length, line.data}, .literal = line.data};
	bool	has_stopped = false;

	if (!learn_object(&l, NULL, 0, &has_stopped))
		return;
	if (!has_stopped && l.cursor.p != l.cursor.end)
		return;
	if (add_step(&l, has_stopped ? STEP_STOP : STEP_END, 0) == NULL)
		return;

	/* the oldest gives way */
	Shape *shape = &shapes->shapes[shapes->n_shapes < SHAPES_MAX ? shapes->n_shapes++ : shapes->n_learnt % SHAPES_MAX];

	if (shape->steps == NULL)
		shape->steps = arena_alloc(&shapes->own_arena, sizeof(ShapeStep) * STEPS_MAX);
	shape->n_steps = l.n_steps;
	memcpy(shape->steps, l.steps, sizeof(ShapeStep) * (size_t)l.n_steps);
	shape_bind(shapes, shape);
}

/* ---- reading ---- */

AVX2 static inline __attribute__((always_inline)) __m256i
load32(const char *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static inline __attribute__((always_inline)) bool
literal_stands(const ShapeStep *step, const char *p)
{
	uint32_t same = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load32(p), load32(step->literal)));

	if ((~same & step->mask[0]) != 0)
		return false;
	if (step->mask[1] == 0)
		return true;
	same = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load32(p + 32), load32(step->literal + 32)));
	return (~same & step->mask[1]) == 0;
}

/* The first quote, backslash or control byte from p on; *high gets the bytes over 0x7f before it. */
AVX2 static inline __attribute__((always_inline)) const char *
string_special(const char *p, uint32_t *high)
{
	const __m256i quote = _mm256_set1_epi8('"'), escape = _mm256_set1_epi8('\\'), control = _mm256_set1_epi8(0x1f);

	for (;;) {
		__m256i	 v = load32(p);
		__m256i	 special = _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, quote), _mm256_cmpeq_epi8(v, escape)),
										   _mm256_cmpeq_epi8(_mm256_max_epu8(v, control), control));
		uint32_t bits = (uint32_t)_mm256_movemask_epi8(special), top = (uint32_t)_mm256_movemask_epi8(v);

		if (bits != 0) {
			*high |= top & _blsmsk_u32(bits);
			return p + _tzcnt_u32(bits);
		}
		*high |= top;
		p += 32;
	}
}

/* [-]digits, up to 18 of them, that end as an integer.  NULL: something else. */
static inline __attribute__((always_inline)) const char *
take_integer(const char *p, int64_t *out)
{
	static const uint32_t power10[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	bool				  is_negative = *p == '-';
	uint64_t			  word, value;
	unsigned			  n;

	p += is_negative;

	const char *digits = p;

	memcpy(&word, p, 8);
	n = digits8_count(word);
	if (__builtin_expect(n == 0, 0))
		return NULL;
	value = digits8_parse_first(word, n);
	p += n;
	if (n == 8) {
		memcpy(&word, p, 8);
		n = digits8_count(word);
		if (n > 0) {
			value = value * power10[n] + digits8_parse_first(word, n);
			p += n;
			if (n == 8)
				while (json_is_digit(*p) && p - digits < 19)
					value = value * 10 + (uint64_t)(*p++ - '0');
		}
	}
	if (__builtin_expect(p - digits > 18 || (*digits == '0' && p - digits > 1) || *p == '.' || (*p | 0x20) == 'e', 0))
		return NULL;
	*out = (int64_t)((value ^ -(uint64_t)is_negative) + is_negative);
	return p;
}

/* A number of at most 15 digits without exponent: exact in a double, and so is a power of ten that small. */
static inline const char *
take_double(const char *p, double *out)
{
	static const double power10[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	bool				is_negative = *p == '-';
	uint64_t			value = 0;
	int					scale = 0;

	p += is_negative;

	const char *digits = p;

	while (json_is_digit(*p) && p - digits < 16)
		value = value * 10 + (uint64_t)(*p++ - '0');

	int n = (int)(p - digits);

	if (n == 0 || n > 15 || (*digits == '0' && n > 1))
		return NULL;
	if (*p == '.') {
		p++;
		while (json_is_digit(*p) && n + scale < 16) {
			value = value * 10 + (uint64_t)(*p++ - '0');
			scale++;
		}
		if (scale == 0 || n + scale > 15)
			return NULL;
	}
	if ((*p | 0x20) == 'e')
		return NULL;

	double magnitude = (double)(int64_t)value / power10[scale];

	*out = is_negative ? -magnitude : magnitude;
	return p;
}

AVX2 static inline __attribute__((always_inline)) const char *
line_end(const char *p)
{
	const __m256i newline = _mm256_set1_epi8('\n');

	for (;;) {
		uint32_t bits = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load32(p), newline));

		if (bits != 0)
			return p + _tzcnt_u32(bits);
		p += 32;
	}
}

/* A value that is neither a string nor for a quick step; json_decode takes it.  NULL: it cannot. */
AVX2 static __attribute__((noinline)) const char *
take_any(JsonShapes *shapes, const ShapeStep *step, const char *p, int32_t row)
{
	JsonReader reader = {.cursor = {p, line_end(p), p}, .arena = shapes->arena, .is_lenient = true, .from_text = true};
	Error	   ignored;

	if (step->action == STEP_SKIP)
		return json_skip_value(&reader.cursor, 0) ? reader.cursor.p : NULL;
	return json_decode_value(&reader, step->plan, step->vector, row, &ignored) == OK ? reader.cursor.p : NULL;
}

/* A text without escapes in quotes; NULL: it is something else. */
AVX2 static inline const char *
take_quoted(const char *p, Str *text)
{
	uint32_t	high = 0;
	const char *begin = p + 1;

	if (*p != '"')
		return NULL;
	p = string_special(begin, &high);
	*text = str_make(begin, (size_t)(p - begin));
	return *p == '"' ? p + 1 : NULL;
}

/* Where the newline of the line at p is; NULL if the line has another shape. */
AVX2 static const char *
read_shape(JsonShapes *shapes, const Shape *shape, const char *p, int32_t row)
{
	for (const ShapeStep *step = shape->steps;; step++) {
		uint32_t	high = 0;
		const char *begin;
		int64_t		integer;
		Str			text;

		if (__builtin_expect(!literal_stands(step, p), 0))
			return NULL;
		p += step->length;
		switch ((StepAction)step->action) {
		case STEP_SKIP:
			if (*p == '"') {
				p = string_special(p + 1, &high);
				while (*p == '\\') {
					if ((unsigned char)p[1] < 0x20)
						return NULL;
					p = string_special(p + 2, &high);
				}
				if (*p++ != '"')
					return NULL;
			} else if ((begin = take_integer(p, &integer)) != NULL) {
				p = begin;
			} else if ((p = take_any(shapes, step, p, row)) == NULL) {
				return NULL;
			}
			continue;
		case STEP_ENTER:
			row_set_valid(step->vector, row);
			continue;
		case STEP_NULL:
			row_set_null(step->vector, shapes->arena, row);
			continue;
		case STEP_STOP:
			p = line_end(p);
			return p[-1] == '}' ? p : NULL;
		case STEP_END:
			return *p == '\n' ? p : NULL;
		default:
			break;
		}
		if (*p == 'n') {
			if (memcmp(p, "null", 4) != 0)
				return NULL;
			row_set_null(step->vector, shapes->arena, row);
			p += 4;
			continue;
		}
		row_set_valid(step->vector, row);
		switch ((StepAction)step->action) {
		case STEP_BIGINT:
			if ((p = take_integer(p, &integer)) == NULL)
				return NULL;
			((int64_t *)step->data)[row] = integer;
			continue;
		case STEP_INTEGER:
			if ((p = take_integer(p, &integer)) == NULL || integer != (int32_t)integer)
				return NULL;
			((int32_t *)step->data)[row] = (int32_t)integer;
			continue;
		case STEP_DOUBLE:
			if ((p = take_double(p, &((double *)step->data)[row])) == NULL)
				return NULL;
			continue;
		case STEP_STRING:
			if (*p != '"')
				return NULL;
			begin = ++p;
			p = string_special(p, &high);
			if (*p != '"' || (high != 0 && !utf8_validate(str_make(begin, (size_t)(p - begin)))))
				return NULL;
			shapes->high |= high;
			((StrView *)step->data)[row] = str_view_make(begin, (size_t)(p - begin));
			p++;
			continue;
		case STEP_DATE_TEXT:
			if ((p = take_quoted(p, &text)) == NULL || !date_sniff(text, &((int32_t *)step->data)[row]))
				return NULL;
			continue;
		case STEP_TIMESTAMP_TEXT:
			if ((p = take_quoted(p, &text)) == NULL || !timestamp_sniff(text, &integer))
				return NULL;
			((int64_t *)step->data)[row] = integer / 1000 - (integer % 1000 < 0);
			continue;
		case STEP_BOOLEAN:
			if (memcmp(p, "true", 4) == 0) {
				((uint8_t *)step->data)[row] = 1;
				p += 4;
			} else if (memcmp(p, "false", 5) == 0) {
				((uint8_t *)step->data)[row] = 0;
				p += 5;
			} else {
				return NULL;
			}
			continue;
		default:
			if ((p = take_any(shapes, step, p, row)) == NULL)
				return NULL;
			continue;
		}
	}
}

bool
json_shapes_read(JsonShapes *shapes, const char *at, const char *limit, int32_t row, const char **end)
{
	if (at >= limit)
		return false;
	for (int i = 0, k = shapes->last; i < shapes->n_shapes; i++) {
		const char *stop = read_shape(shapes, &shapes->shapes[k], at, row);

		if (stop != NULL) {
			shapes->last = k;
			*end = stop;
			return true;
		}
		k = k + 1 < shapes->n_shapes ? k + 1 : 0;
	}
	return false;
}

bool
json_shapes_all_ascii(const JsonShapes *shapes)
{
	return shapes->high == 0;
}

JsonShapes *
json_shapes_new(Arena *arena, const Column *columns, int n_columns)
{
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2"))
		return NULL;

	JsonShapes *shapes = arena_new(arena, JsonShapes);

	shapes->columns = columns;
	shapes->n_columns = n_columns;
	shapes->is_wanted = arena_array(arena, bool, n_columns + 1);
	return shapes;
}

void
json_shapes_free(JsonShapes *shapes)
{
	if (shapes != NULL)
		arena_free(&shapes->own_arena);
}

void
json_shapes_bind(JsonShapes *shapes, Vector *const *columns, Arena *arena)
{
	bool is_same = shapes->vectors != NULL;

	for (int i = 0; i < shapes->n_columns; i++) {
		is_same = is_same && shapes->is_wanted[i] == (columns[i] != NULL);
		shapes->is_wanted[i] = columns[i] != NULL;
	}
	shapes->vectors = columns;
	shapes->arena = arena;
	shapes->high = 0;
	if (!is_same)
		shapes->n_shapes = shapes->last = 0;
	for (int i = 0; i < shapes->n_shapes; i++)
		shape_bind(shapes, &shapes->shapes[i]);
}

#else

bool
json_shapes_all_ascii(const JsonShapes *shapes)
{
	(void)shapes;
	return false;
}

JsonShapes *
json_shapes_new(Arena *arena, const Column *columns, int n_columns)
{
	(void)arena, (void)columns, (void)n_columns;
	return NULL;
}

void
json_shapes_free(JsonShapes *shapes)
{
	(void)shapes;
}

void
json_shapes_bind(JsonShapes *shapes, Vector *const *columns, Arena *arena)
{
	(void)shapes, (void)columns, (void)arena;
}

bool
json_shapes_read(JsonShapes *shapes, const char *at, const char *limit, int32_t row, const char **end)
{
	(void)shapes, (void)at, (void)limit, (void)row, (void)end;
	return false;
}

void
json_shapes_learn(JsonShapes *shapes, Str line)
{
	(void)shapes, (void)line;
}

#endif
