#include "io/connector/file/csv_convert.h"

#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "common/base64.h"
#include "common/utf8.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/time_text.h"
#include "io/digits.h"
#include "io/format/format_impl.h"
#include "io/format/json/json_decode.h"

static const double power10_double[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
										1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* The `length` (1 to 8) bytes that end at `end`, in the high bytes; '0' in the others. */
static inline uint64_t
load_tail8(const char *end, uint32_t length)
{
	uint64_t word;
	unsigned gap = 8 * (8 - length);

	memcpy(&word, end - 8, 8);
	return (word >> gap << gap) | (REPEAT8('0') >> 1 >> (63 - gap));
}

/* Digits only, 1 to 16 of them. */
static inline bool
parse_digits16(const char *at, uint32_t length, uint64_t *out)
{
	uint64_t low = load_tail8(at + length, length < 8 ? length : 8);

	if (!digits8_all(low))
		return false;
	*out = digits8_parse(low);
	if (length > 8) {
		uint64_t high = load_tail8(at + length - 8, length - 8);

		if (!digits8_all(high))
			return false;
		*out += (uint64_t)digits8_parse(high) * 100000000;
	}
	return true;
}

static inline bool
parse_int64(const char *at, uint32_t length, int64_t *out)
{
	uint64_t value;
	bool	 is_negative = at[0] == '-';

	if (length - is_negative >= 1 && length - is_negative <= 16 && parse_digits16(at + is_negative, length - is_negative, &value)) {
		*out = (int64_t)((value ^ -(uint64_t)is_negative) + is_negative);
		return true;
	}
	return int64_parse(str_trim(str_make(at, length)), out);
}

/*
 * [-]digits[.digits] of at most 16 digits: magnitude and digits after the point.  False: something else, or longer.  Signs
 * cannot be predicted, so there is no branch on them.
 */
static inline __attribute__((always_inline)) bool
parse_fixed(const char *at, uint32_t length, uint64_t *magnitude, uint32_t *scale, uint32_t *is_negative)
{
	uint64_t value;

	*is_negative = at[0] == '-';
	at += *is_negative;
	length -= *is_negative;
	if (length - 1 < 8) {
		/* the point is taken out of the word */
		uint64_t word = load_tail8(at + length, length);
		uint64_t x = word ^ REPEAT8('.');
		uint64_t points = (x - REPEAT8(1)) & ~x & REPEAT8(0x80);

		*scale = 0;
		if (points != 0) {
			unsigned shift = (unsigned)__builtin_ctzll(points) - 7;		/* bits before the point's byte */
			uint64_t before = ((uint64_t)1 << shift) - 1;

			*scale = 7 - shift / 8;
			if (length == 1)
				return false;
			word = (word & ~before & ~((uint64_t)0xff << shift)) | ((word & before) << 8) | '0';
		}
		if (!digits8_all(word))
			return false;
		value = digits8_parse(word);
	} else {
		uint32_t n = 0, point = length;

		value = 0;
		if (length > 17 || length == 0)
			return false;
		for (uint32_t i = 0; i < length; i++) {
			unsigned digit = (unsigned char)at[i] - (unsigned)'0';

			if (digit < 10) {
				value = value * 10 + digit;
				n++;
			} else if (at[i] == '.' && point == length) {
				point = i;
			} else {
				return false;
			}
		}
		if (n > 16)
			return false;
		*scale = point < length ? length - point - 1 : 0;
	}
	*magnitude = value;
	return true;
}

/* yyyy-MM-dd */
static inline bool
parse_date(const char *at, uint32_t length, int32_t *out)
{
	static const uint8_t lengths[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned			 y, m, d;

	if (length != 10 || at[4] != '-' || at[7] != '-')
		return false;
#define DIGIT(i) ((unsigned)(unsigned char)at[i] - (unsigned)'0')
	if ((DIGIT(0) > 9) | (DIGIT(1) > 9) | (DIGIT(2) > 9) | (DIGIT(3) > 9) | (DIGIT(5) > 9) | (DIGIT(6) > 9) | (DIGIT(8) > 9) | (DIGIT(9) > 9))
		return false;
	y = DIGIT(0) * 1000 + DIGIT(1) * 100 + DIGIT(2) * 10 + DIGIT(3);
	m = DIGIT(5) * 10 + DIGIT(6);
	d = DIGIT(8) * 10 + DIGIT(9);
#undef DIGIT
	if (m < 1 || m > 12 || d < 1 || d > (unsigned)lengths[m] + (m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)))
		return false;
	/* days from civil, March first (Hinnant) */
	unsigned shifted = y - (m <= 2);
	unsigned era = shifted / 400, of_era = shifted - era * 400;
	unsigned day = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;

	if (y == 0 && m <= 2)
		return false;
	*out = (int32_t)(era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + day) - 719468;
	return true;
}

/* ---- the loops ---- */

/* NULL fields are marked and the others converted by CONVERT, an expression that is false for a text that does not fit. */
#define CONVERT_LOOP(type_, zero_, convert_)                                     \
	do {                                                                         \
		type_ *restrict data = v->data;                                          \
		for (int32_t i = 0; i < run->n; i++) {                                   \
			const char *at;                                                      \
			uint32_t	length;                                                  \
			field_text(run, i, &at, &length);                                    \
			if (length == 0 || context->has_null_text) {                         \
				if (field_is_null(context, run, i, at, length)) {                \
					data[i] = (zero_);                                           \
					vector_set_null(v, context->arena, i);                       \
					continue;                                                    \
				}                                                                \
			}                                                                    \
			if (__builtin_expect(length == 0 || !(convert_), 0)) {               \
				data[i] = (zero_);                                               \
				context->fail(context, i, str_make(at, length), NULL);           \
			}                                                                    \
		}                                                                        \
	} while (0)

static inline bool
field_is_null(const ConvertContext *context, const FieldRun *run, int32_t i, const char *at, uint32_t length)
{
	if (run->quoted != NULL && run->quoted[i])
		return false;
	if (length == 0)
		return true;
	return context->has_null_text && str_equal(context->null_text, str_make(at, length));
}

static bool
parse_int32(const char *at, uint32_t length, int32_t *out)
{
	int64_t value;

	if (!parse_int64(at, length, &value) || value != (int32_t)value)
		return false;
	*out = (int32_t)value;
	return true;
}

static bool
parse_boolean(const char *at, uint32_t length, uint8_t *out)
{
	static const char *const words[] = {"false", "true", "f", "t", "no", "yes", "n", "y", "0", "1"};
	Str						 text = str_trim(str_make(at, length));

	for (int i = 0; i < 10; i++)
		if (str_equal_nocase(text, str_of(words[i]))) {
			*out = i & 1;
			return true;
		}
	return false;
}

static bool
parse_decimal(const char *at, uint32_t length, DecimalShape shape, Decimal *out)
{
	static const int64_t power10[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
									  10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
									  1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000};
	uint64_t			 magnitude;
	uint32_t			 scale, is_negative;

	if (parse_fixed(at, length, &magnitude, &scale, &is_negative) && (int)scale <= shape.scale && shape.scale - scale <= 18) {
		Decimal value = (Decimal)magnitude * power10[shape.scale - scale];

		if (shape.precision <= 18 ? value < power10[shape.precision]
								  : decimal_fits(value, shape.precision)) {
			*out = is_negative ? -value : value;
			return true;
		}
	}
	return decimal_parse(str_trim(str_make(at, length)), shape, DECIMAL_EXACT, out) == DECIMAL_OK;
}

static bool
parse_date_any(const char *at, uint32_t length, DateOrder order, int32_t *out)
{
	Error ignored;

	return parse_date(at, length, out) || date_sniff_order(str_trim(str_make(at, length)), order, out) ||
		   date_parse_sql(str_make(at, length), out, &ignored) == OK;
}

static bool
parse_time(const char *at, uint32_t length, int32_t *out)
{
	Error ignored;

	return time_parse_sql(str_make(at, length), out, &ignored) == OK;
}

static bool
parse_timestamp(const char *at, uint32_t length, DateOrder order, int64_t *out)
{
	Error	ignored;
	int32_t days;
	int64_t micros;
	Str		text = str_make(at, length);

	/* yyyy-MM-dd HH:mm:ss */
	if (length == 19 && (at[10] == ' ' || at[10] == 'T') && at[13] == ':' && at[16] == ':' && parse_date(at, 10, &days)) {
		unsigned digits[6] = {(unsigned)at[11] - '0', (unsigned)at[12] - '0', (unsigned)at[14] - '0',
							  (unsigned)at[15] - '0', (unsigned)at[17] - '0', (unsigned)at[18] - '0'};
		unsigned h = digits[0] * 10 + digits[1], m = digits[2] * 10 + digits[3], s = digits[4] * 10 + digits[5];

		if (digits[0] < 10 && digits[1] < 10 && digits[2] < 10 && digits[3] < 10 && digits[4] < 10 && digits[5] < 10 &&
			h < 24 && m < 60 && s < 60) {
			*out = days * MS_PER_DAY + ((int64_t)h * 3600 + m * 60 + s) * 1000;
			return true;
		}
	}
	/* First: the parser of SQL writes an error for each text that it refuses. */
	if (timestamp_sniff_order(str_trim(text), order, &micros)) {
		*out = floor_div64(micros + 500, 1000);
		return true;
	}
	if (timestamp_parse_sql(text, out, &ignored) == OK || int64_parse(text, out))
		return true;
	if (!date_sniff_order(str_trim(text), order, &days))
		return false;
	*out = days * MS_PER_DAY;
	return true;
}

/* As str_view_make without a branch on the length, which cannot be predicted.  16 bytes may be read. */
static inline StrView
make_view(const char *at, uint32_t length)
{
#ifdef __SSE2__
	static const uint8_t ones[32] = {[0] = 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
	/* ones[12 - length ..] is a mask of the first `length` bytes */
	uint32_t is_far = length > STR_VIEW_INLINE;
	__m128i	 mask = _mm_loadu_si128((const __m128i *)(const void *)(ones + (is_far ? 8 : STR_VIEW_INLINE - length)));
	__m128i	 text = _mm_and_si128(_mm_loadu_si128((const __m128i *)(const void *)at), mask);
	__m128i	 low = _mm_or_si128(_mm_slli_si128(text, 4), _mm_cvtsi32_si128((int)length));
	__m128i	 pointer = _mm_slli_si128(_mm_cvtsi64_si128(is_far ? (long long)(uintptr_t)at : 0), 8);
	__m128i	 both = _mm_or_si128(low, pointer);
	StrView	 view;

	_mm_storeu_si128((__m128i *)(void *)&view, both);
	return view;
#else
	return str_view_make(at, length);
#endif
}

#define DOUBLE_CHUNK 64

/*
 * Two steps a chunk, because a division at the end of each text's chain of operations would leave the processor nothing to do
 * meanwhile: texts to whole numbers with a power of ten, then the divisions side by side.  Below 2^53 the number and the
 * power of ten are exact, and so the quotient is rounded once.
 */
static void
convert_doubles(ConvertContext *context, const FieldRun *run, Vector *v)
{
	double *restrict data = v->data;
	uint64_t		 magnitude[DOUBLE_CHUNK], sign[DOUBLE_CHUNK];
	double			 power[DOUBLE_CHUNK];
	int32_t			 odd[DOUBLE_CHUNK];

	for (int32_t first = 0; first < run->n; first += DOUBLE_CHUNK) {
		int32_t n = run->n - first < DOUBLE_CHUNK ? run->n - first : DOUBLE_CHUNK;
		int32_t n_odd = 0;

		for (int32_t k = 0; k < n; k++) {
			const char *at;
			uint32_t	length, scale, is_negative;

			field_text(run, first + k, &at, &length);
			if (__builtin_expect(!parse_fixed(at, length, &magnitude[k], &scale, &is_negative) ||
									 magnitude[k] >= (UINT64_C(1) << 53) || context->has_null_text, 0)) {
				odd[n_odd++] = first + k;
				magnitude[k] = scale = is_negative = 0;
			}
			sign[k] = (uint64_t)is_negative << 63;
			power[k] = power10_double[scale];
		}
		for (int32_t k = 0; k < n; k++) {
			double	 quotient = (double)(int64_t)magnitude[k] / power[k];
			uint64_t bits;

			memcpy(&bits, &quotient, sizeof bits);
			bits |= sign[k];
			memcpy(&data[first + k], &bits, sizeof bits);
		}
		for (int32_t k = 0; k < n_odd; k++) {
			const char *at;
			uint32_t	length;
			int32_t		i = odd[k];

			field_text(run, i, &at, &length);
			if (field_is_null(context, run, i, at, length))
				vector_set_null(v, context->arena, i);
			else if (!double_parse(str_make(at, length), DOUBLE_SQL, &data[i]))
				context->fail(context, i, str_make(at, length), NULL);
		}
	}
}

static void
convert_strings(ConvertContext *context, const FieldRun *run, Vector *v)
{
	StrView *restrict data = v->data;

	v->is_ascii = context->is_ascii;
	for (int32_t i = 0; i < run->n; i++) {
		const char *at;
		uint32_t	length;

		field_text(run, i, &at, &length);
		if (length == 0 || context->has_null_text) {
			if (field_is_null(context, run, i, at, length) && !(context->has_null_text && length == 0 && context->null_text.length > 0)) {
				data[i] = (StrView){0};
				vector_set_null(v, context->arena, i);
				continue;
			}
		}
		if (!context->is_utf8 && !utf8_validate(str_make(at, length))) {
			data[i] = (StrView){0};
			context->fail(context, i, str_make(at, length), "it is not valid UTF-8");
			continue;
		}
		data[i] = make_view(at, length);
	}
}

static bool
store_bytes(ConvertContext *context, const char *at, uint32_t length, StrView *out)
{
	StrBuf bytes = {0};
	bool   fits = base64_add_decoded(&bytes, str_make(at, length));

	if (fits)
		*out = str_view_make(arena_memdup(context->arena, strbuf_text(&bytes), bytes.length), bytes.length);
	strbuf_free(&bytes);
	return fits;
}

/* Nested types stand in CSV as JSON text. */
static void
convert_nested(ConvertContext *context, const FieldRun *run, Vector *v)
{
	JsonPlan *plan = json_plan_value(context->arena, v->type);

	for (int32_t i = 0; i < run->n; i++) {
		const char *at;
		uint32_t	length;

		field_text(run, i, &at, &length);

		Str		   text = str_make(at, length);
		JsonReader reader = {.cursor = {at, at + length, at}, .arena = context->arena, .is_lenient = true, .from_text = true};
		Error	   reason;

		if (field_is_null(context, run, i, at, length)) {
			row_set_null(v, context->arena, i);
			continue;
		}
		if (json_decode_value(&reader, plan, v, i, &reason) != OK) {
			row_set_null(v, context->arena, i);
			context->fail(context, i, text, reason.message);
		}
	}
}

void
csv_convert(ConvertContext *context, const FieldRun *run, Vector *v)
{
	DecimalShape shape = {v->type->precision, v->type->scale};

	switch (v->type->kind) {
	case TYPE_STRING:
		convert_strings(context, run, v);
		break;
	case TYPE_BIGINT:
		CONVERT_LOOP(int64_t, 0, parse_int64(at, length, &data[i]));
		break;
	case TYPE_INTEGER:
		CONVERT_LOOP(int32_t, 0, parse_int32(at, length, &data[i]));
		break;
	case TYPE_DOUBLE:
		convert_doubles(context, run, v);
		break;
	case TYPE_DECIMAL:
		CONVERT_LOOP(Decimal, 0, parse_decimal(at, length, shape, &data[i]));
		break;
	case TYPE_DATE:
		CONVERT_LOOP(int32_t, 0, parse_date_any(at, length, context->date_order, &data[i]));
		break;
	case TYPE_TIME:
		CONVERT_LOOP(int32_t, 0, parse_time(at, length, &data[i]));
		break;
	case TYPE_TIMESTAMP:
		CONVERT_LOOP(int64_t, 0, parse_timestamp(at, length, context->date_order, &data[i]));
		break;
	case TYPE_BOOLEAN:
		CONVERT_LOOP(uint8_t, 0, parse_boolean(at, length, &data[i]));
		break;
	case TYPE_BYTES:
		CONVERT_LOOP(StrView, ((StrView){0}), store_bytes(context, at, length, &data[i]));
		break;
	default:
		convert_nested(context, run, v);
		break;
	}
}
