#include "data/double_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* data/double_chars.cpp */
size_t double_chars_scientific(double value, char *text);
int	   double_chars_parse(const char *text, size_t length, bool is_hexadecimal, double *out);

/* --- printing --- */

static const char digit_pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657"
	"58596061626364656667686970717273747576777879808182838485868788899091929394959697" "9899";

size_t
uint64_print(uint64_t value, char *text)
{
	char	buf[20];
	char   *p = buf + sizeof buf;

	while (value >= 100) {
		p -= 2;
		memcpy(p, digit_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		p -= 2;
		memcpy(p, digit_pairs + value * 2, 2);
	} else {
		*--p = (char)('0' + value);
	}
	size_t	length = (size_t)(buf + sizeof buf - p);

	memcpy(text, p, length);
	return length;
}

size_t
int64_print(int64_t value, char *text)
{
	if (value >= 0)
		return uint64_print((uint64_t)value, text);
	*text = '-';
	return 1 + uint64_print(-(uint64_t)value, text + 1);
}

void
int64_add_text(StrBuf *buf, int64_t value)
{
	char	text[NUMBER_TEXT_MAX];

	strbuf_add(buf, text, int64_print(value, text));
}

int
double_shortest(double value, char digits[20], int *exponent10, bool *is_negative)
{
	char	text[40];

	*is_negative = signbit(value);
	if (value == 0) {
		digits[0] = '0';
		*exponent10 = 1;
		return 1;
	}
	size_t	length = double_chars_scientific(fabs(value), text);
	int		n = 0;
	size_t	i = 0;

	for (; i < length && text[i] != 'e'; i++)
		if (text[i] != '.')
			digits[n++] = text[i];
	int		exponent = 0;
	bool	negative = text[i + 1] == '-';

	for (i += 2; i < length; i++)
		exponent = exponent * 10 + (text[i] - '0');
	*exponent10 = (negative ? -exponent : exponent) + 1;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	return n;
}

/* Plain notation of 0.DIGITS * 10^point with at least one digit on both sides of the point. */
static char *
print_plain(char *out, const char *digits, int n, int point)
{
	if (point <= 0) {
		*out++ = '0';
		*out++ = '.';
		memset(out, '0', (size_t)-point);
		out += -point;
		memcpy(out, digits, (size_t)n);
		return out + n;
	}
	int		whole = n < point ? n : point;

	memcpy(out, digits, (size_t)whole);
	out += whole;
	memset(out, '0', (size_t)(point - whole));
	out += point - whole;
	*out++ = '.';
	if (n <= point) {
		*out++ = '0';
		return out;
	}
	memcpy(out, digits + point, (size_t)(n - point));
	return out + (n - point);
}

static size_t
put(char *text, const char *constant)
{
	size_t	length = strlen(constant);

	memcpy(text, constant, length);
	return length;
}

size_t
double_print_java(double value, char *text)
{
	char	digits[20];
	int		point;
	bool	negative;
	char   *out = text;

	if (isnan(value))
		return put(text, "NaN");
	if (isinf(value))
		return put(text, value < 0 ? "-Infinity" : "Infinity");
	int		n = double_shortest(value, digits, &point, &negative);

	if (negative)
		*out++ = '-';
	if (value == 0) {
		memcpy(out, "0.0", 3);
		return (size_t)(out + 3 - text);
	}
	if (point > -3 && point <= 7)
		return (size_t)(print_plain(out, digits, n, point) - text);
	if (n == 1 && fabs(value) < 1e-320) {
		/* Java asks for two digits, so it takes the nearest of two: 4.9E-324, where one digit (5) would do. */
		char	two[32];

		snprintf(two, sizeof two, "%.1e", fabs(value));
		digits[0] = two[0];
		digits[1] = two[2];
		n = digits[1] == '0' ? 1 : 2;
		point = -(int)strtol(two + 5, NULL, 10) + 1;
	}
	*out++ = digits[0];
	*out++ = '.';
	if (n == 1) {
		*out++ = '0';
	} else {
		memcpy(out, digits + 1, (size_t)(n - 1));
		out += n - 1;
	}
	*out++ = 'E';
	return (size_t)(out - text) + int64_print(point - 1, out);
}

size_t
double_print_json(double value, char *text)
{
	if (isfinite(value))
		return double_print_java(value, text);
	text[0] = '"';
	size_t	length = double_print_java(value, text + 1);

	text[length + 1] = '"';
	return length + 2;
}

size_t
double_print_sql(double value, char *text)
{
	char	digits[20];
	int		point;
	bool	negative;
	char   *out = text;

	if (isnan(value))
		return put(text, "nan");
	if (isinf(value))
		return put(text, value < 0 ? "-inf" : "inf");
	int		n = double_shortest(value, digits, &point, &negative);

	if (negative)
		*out++ = '-';
	if (value == 0) {
		memcpy(out, "0.0", 3);
		return (size_t)(out + 3 - text);
	}
	if (point > -4 && point <= 16)
		return (size_t)(print_plain(out, digits, n, point) - text);
	*out++ = digits[0];
	if (n > 1) {
		*out++ = '.';
		memcpy(out, digits + 1, (size_t)(n - 1));
		out += n - 1;
	}
	int		exponent = point - 1;

	*out++ = 'e';
	*out++ = exponent < 0 ? '-' : '+';
	if (exponent < 0)
		exponent = -exponent;
	if (exponent < 10)
		*out++ = '0';
	return (size_t)(out - text) + uint64_print((uint64_t)exponent, out);
}

void
double_add_java(StrBuf *buf, double value)
{
	char	text[NUMBER_TEXT_MAX];

	strbuf_add(buf, text, double_print_java(value, text));
}

void
double_add_sql(StrBuf *buf, double value)
{
	char	text[NUMBER_TEXT_MAX];

	strbuf_add(buf, text, double_print_sql(value, text));
}

/* --- parsing --- */

bool
int64_parse(Str text, int64_t *out)
{
	const char *s = text.data;
	const char *end = s + text.length;
	bool		negative = false;
	uint64_t	value = 0;

	if (s < end && (*s == '-' || *s == '+'))
		negative = *s++ == '-';
	if (s == end)
		return false;
	for (; s < end; s++) {
		unsigned	d = (unsigned)(unsigned char)*s - '0';

		if (d > 9)
			return false;
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) || __builtin_add_overflow(value, (uint64_t)d, &value))
			return false;
	}
	if (value > (uint64_t)INT64_MAX + negative)
		return false;
	*out = negative ? (int64_t)-value : (int64_t)value;
	return true;
}

bool
int32_parse(Str text, int32_t *out)
{
	int64_t	value;

	if (!int64_parse(text, &value) || value < INT32_MIN || value > INT32_MAX)
		return false;
	*out = (int32_t)value;
	return true;
}

/* What a scan of digits, point and exponent found. */
typedef struct Scan {
	uint64_t	mantissa;		/* of at most 19 digits */
	int			n_digits;		/* significant, may be more than 19 */
	int64_t		exponent;
} Scan;

static bool
scan_decimal(const char *s, const char *end, Scan *scan)
{
	bool	any = false;
	int64_t	fraction = 0;

	*scan = (Scan){0};
	for (; s < end && (unsigned char)(*s - '0') <= 9; s++) {
		any = true;
		scan->n_digits += scan->n_digits > 0 || *s != '0';
		if (scan->n_digits <= 19)
			scan->mantissa = scan->mantissa * 10 + (uint64_t)(*s - '0');
	}
	if (s < end && *s == '.')
		for (s++; s < end && (unsigned char)(*s - '0') <= 9; s++) {
			any = true;
			fraction++;
			scan->n_digits += scan->n_digits > 0 || *s != '0';
			if (scan->n_digits <= 19)
				scan->mantissa = scan->mantissa * 10 + (uint64_t)(*s - '0');
		}
	if (!any)
		return false;
	if (s < end && (*s == 'e' || *s == 'E')) {
		bool	negative = false;

		s++;
		if (s < end && (*s == '-' || *s == '+'))
			negative = *s++ == '-';
		if (s == end)
			return false;
		for (; s < end && (unsigned char)(*s - '0') <= 9; s++)
			if (scan->exponent < 100000)
				scan->exponent = scan->exponent * 10 + (*s - '0');
		if (negative)
			scan->exponent = -scan->exponent;
	}
	scan->exponent -= fraction;
	return s == end;
}

/* Java's form: digits, optional point and digits, then a binary exponent that may not be missing; behind "0x". */
static bool
is_hexadecimal_number(const char *s, const char *end)
{
	bool	any = false;
	bool	point = false;

	for (; s < end; s++) {
		if (*s == '.' && !point) {
			point = true;
			continue;
		}
		if (!((*s >= '0' && *s <= '9') || ((*s | 32) >= 'a' && (*s | 32) <= 'f')))
			break;
		any = true;
	}
	if (!any || s == end || (*s | 32) != 'p')
		return false;
	s++;
	if (s < end && (*s == '-' || *s == '+'))
		s++;
	if (s == end)
		return false;
	for (; s < end; s++)
		if (*s < '0' || *s > '9')
			return false;
	return true;
}

bool
double_parse(Str text, DoubleSyntax syntax, double *out)
{
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
		1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	Scan	scan;
	bool	negative = false;
	int		out_of_range = 0;
	double	value;

	if (syntax != DOUBLE_STRICT)
		text = str_trim(text);
	const char *s = text.data;
	const char *end = s + text.length;

	if (s < end && (*s == '-' || *s == '+'))
		negative = *s++ == '-';
	if (s == end)
		return false;
	if ((syntax == DOUBLE_JAVA || syntax == DOUBLE_JAVA_ANY) && end - s > 1 && (*s < '0' ? *s == '.' : *s <= '9')
		&& ((end[-1] | 32) == 'd' || (end[-1] | 32) == 'f')
		&& !(end - s > 2 && s[0] == '0' && (s[1] | 32) == 'x' && memchr(s, 'p', (size_t)(end - s)) == NULL
			 && memchr(s, 'P', (size_t)(end - s)) == NULL))
		end--;
	if (scan_decimal(s, end, &scan)) {
		if (scan.n_digits <= 15 && scan.exponent >= -22 && scan.exponent <= 22) {
			/* Mantissa and power are exact, so one operation rounds correctly. */
			value = scan.exponent < 0 ? (double)scan.mantissa / powers[-scan.exponent]
				: (double)scan.mantissa * powers[scan.exponent];
		} else {
			value = 0;
			out_of_range = double_chars_parse(s, (size_t)(end - s), false, &value);
		}
	} else if (syntax == DOUBLE_JAVA_ANY && str_equal(str_make(s, (size_t)(end - s)), STR("NaN"))) {
		value = NAN;
	} else if (syntax == DOUBLE_JAVA_ANY && str_equal(str_make(s, (size_t)(end - s)), STR("Infinity"))) {
		value = INFINITY;
	} else if (syntax == DOUBLE_SQL && (str_equal_nocase(str_make(s, (size_t)(end - s)), STR("inf"))
										|| str_equal_nocase(str_make(s, (size_t)(end - s)), STR("infinity")))) {
		value = INFINITY;
	} else if (syntax == DOUBLE_SQL && str_equal_nocase(str_make(s, (size_t)(end - s)), STR("nan"))) {
		value = NAN;
	} else if ((syntax == DOUBLE_JAVA || syntax == DOUBLE_JAVA_ANY) && end - s > 2 && s[0] == '0' && (s[1] | 32) == 'x'
			   && is_hexadecimal_number(s + 2, end)) {
		value = 0;
		double_chars_parse(s + 2, (size_t)(end - s - 2), true, &value);
	} else {
		return false;
	}
	*out = negative ? -value : value;
	return !(out_of_range && syntax == DOUBLE_SQL);
}

/* --- conversions --- */

int64_t
double_to_int64_saturating(double value)
{
	if (isnan(value))
		return 0;
	if (value >= 9223372036854775808.0)
		return INT64_MAX;
	return value < -9223372036854775808.0 ? INT64_MIN : (int64_t)value;
}

int32_t
double_to_int32_saturating(double value)
{
	if (isnan(value))
		return 0;
	if (value >= 2147483647.0)
		return INT32_MAX;
	return value <= -2147483648.0 ? INT32_MIN : (int32_t)value;
}

int64_t
double_round_java(double value)
{
	double	down = floor(value);

	/* value - down is exact, so 0.49999999999999994 stays 0, which floor(x + 0.5) would get wrong. */
	return double_to_int64_saturating(value - down >= 0.5 ? down + 1 : down);
}
