/*
 * Decimals on 128 bits with 256-bit intermediates.
 *
 * Every operation computes its exact result as sign and magnitude (U256) at some scale, brings it to the scale of the
 * result with the wanted rounding, and only then looks at the number of digits.
 */
#include "data/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/double_text.h"

typedef unsigned __int128 U128;

typedef struct U256 {
	U128	high;
	U128	low;
} U256;

#define TEN19 UINT64_C(10000000000000000000)

static const uint64_t power10_64[20] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
	1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
	1000000000000000000, TEN19,
};

#define P(n) (U128)TEN19 * n
static const U128 power10_table[DECIMAL_MAX_DIGITS + 1] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
	10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000,
	TEN19, P(10), P(100), P(1000), P(10000), P(100000), P(1000000), P(10000000), P(100000000), P(1000000000),
	P(10000000000), P(100000000000), P(1000000000000), P(10000000000000), P(100000000000000), P(1000000000000000),
	P(10000000000000000), P(100000000000000000), P(1000000000000000000), P(TEN19),
};
#undef P

static inline U128
power10_128(int n)
{
	return power10_table[n];
}

/* Whether a value is small enough for one multiplication by 10^18 or by another such value to stay within 128 bits. */
static inline bool
is_small(Decimal v)
{
	return (Decimal)(int64_t)v == v;
}

Decimal
decimal_power10(int n)
{
	return (Decimal)power10_128(n);
}

static inline U128
magnitude(Decimal v)
{
	return v < 0 ? -(U128)v : (U128)v;
}

static int
digits_of(U128 v)
{
	int		n = 1;

	/* Two thirds of the bits give a first guess that is at most one too low. */
	if (v >> 64 != 0) {
		n = 20;
		while (n < 39 && v >= power10_128(n < 38 ? n : 38) && n < 39) {
			if (n == 38)
				return 39;
			n++;
		}
		return n;
	}
	uint64_t	w = (uint64_t)v;

	while (n < 20 && w >= power10_64[n])
		n++;
	return n;
}

int
decimal_digits(Decimal value)
{
	return digits_of(magnitude(value));
}

bool
decimal_fits(Decimal value, int precision)
{
	return precision >= DECIMAL_MAX_DIGITS ? magnitude(value) < power10_128(DECIMAL_MAX_DIGITS)
		: magnitude(value) < power10_128(precision);
}

/* --- 256 bits --- */

static U256
multiply(U128 a, U128 b)
{
	uint64_t	a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a;
	uint64_t	b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;

	if ((a1 | b1) == 0)
		return (U256){0, (U128)a0 * b0};
	U128	p00 = (U128)a0 * b0;
	U128	p01 = (U128)a0 * b1;
	U128	p10 = (U128)a1 * b0;
	U128	p11 = (U128)a1 * b1;
	U128	middle = (p00 >> 64) + (uint64_t)p01 + (uint64_t)p10;

	return (U256){p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64), middle << 64 | (uint64_t)p00};
}

/* Quotient and remainder of 256 by 128 bits, by 64-bit limbs (Knuth, algorithm D); `divisor` is not 0. */
static U256
divide(U256 n, U128 divisor, U128 *remainder)
{
	if (n.high == 0) {
		if ((n.low | divisor) >> 64 == 0) {
			*remainder = (uint64_t)n.low % (uint64_t)divisor;
			return (U256){0, (uint64_t)n.low / (uint64_t)divisor};
		}
		*remainder = n.low % divisor;
		return (U256){0, n.low / divisor};
	}
	uint64_t	u[5] = {(uint64_t)n.low, (uint64_t)(n.low >> 64), (uint64_t)n.high, (uint64_t)(n.high >> 64), 0};
	uint64_t	q[4] = {0};

	if (divisor >> 64 == 0) {
		uint64_t	d = (uint64_t)divisor;
		uint64_t	r = 0;

		for (int i = 3; i >= 0; i--) {
			U128	part = (U128)r << 64 | u[i];

			q[i] = (uint64_t)(part / d);
			r = (uint64_t)(part % d);
		}
		*remainder = r;
	} else {
		int			shift = __builtin_clzll((uint64_t)(divisor >> 64));
		U128		d = divisor << shift;
		uint64_t	d1 = (uint64_t)(d >> 64), d0 = (uint64_t)d;

		if (shift > 0) {
			u[4] = u[3] >> (64 - shift);
			for (int i = 3; i > 0; i--)
				u[i] = u[i] << shift | u[i - 1] >> (64 - shift);
			u[0] <<= shift;
		}
		for (int i = 2; i >= 0; i--) {
			U128	top = (U128)u[i + 2] << 64 | u[i + 1];
			U128	guess = top / d1;
			U128	rest = top % d1;

			while (guess >> 64 != 0 || (U128)(uint64_t)guess * d0 > (rest << 64 | u[i])) {
				guess--;
				rest += d1;
				if (rest >> 64 != 0)
					break;
			}
			uint64_t	g = (uint64_t)guess;
			U128		p0 = (U128)g * d0;
			U128		p1 = (U128)g * d1 + (p0 >> 64);
			U128		t0 = (U128)u[i] - (uint64_t)p0;
			uint64_t	borrow = (uint64_t)(t0 >> 64) & 1;
			U128		t1 = (U128)u[i + 1] - (uint64_t)p1 - borrow;
			uint64_t	borrow1 = (uint64_t)(t1 >> 64) & 1;
			U128		t2 = (U128)u[i + 2] - (uint64_t)(p1 >> 64) - borrow1;

			u[i] = (uint64_t)t0;
			u[i + 1] = (uint64_t)t1;
			u[i + 2] = (uint64_t)t2;
			if ((t2 >> 64) != 0) {
				/* The guess was one too high: add the divisor back. */
				g--;
				U128	s0 = (U128)u[i] + d0;
				U128	s1 = (U128)u[i + 1] + d1 + (uint64_t)(s0 >> 64);

				u[i] = (uint64_t)s0;
				u[i + 1] = (uint64_t)s1;
				u[i + 2] += (uint64_t)(s1 >> 64);
			}
			q[i] = g;
		}
		*remainder = ((U128)u[1] << 64 | u[0]) >> shift;
	}
	return (U256){(U128)q[3] << 64 | q[2], (U128)q[1] << 64 | q[0]};
}

static int
compare_u256(U256 a, U256 b)
{
	if (a.high != b.high)
		return a.high < b.high ? -1 : 1;
	return (a.low > b.low) - (a.low < b.low);
}

/* --- rounding --- */

/* Whether the magnitude grows by one when a non-zero rest is dropped; `half` is the rest compared with one half. */
static bool
rounds_away(DecimalRound round, bool negative, bool odd, int half)
{
	switch (round) {
	case DECIMAL_HALF_UP:
		return half >= 0;
	case DECIMAL_FLOOR:
		return negative;
	case DECIMAL_CEIL:
		return !negative;
	case DECIMAL_HALF_CEIL:
		return half > 0 || (half == 0 && !negative);
	case DECIMAL_HALF_EVEN:
		return half > 0 || (half == 0 && odd);
	case DECIMAL_EXACT:
	case DECIMAL_TRUNCATE:
		break;
	}
	return false;
}

/* `rest` of `divisor`, plus something smaller than one unit of the rest if `sticky`, compared with one half. */
static int
compare_half(U128 rest, U128 divisor, bool sticky)
{
	U128	other = divisor - rest;

	if (rest != other)
		return rest < other ? -1 : 1;
	return sticky ? 1 : 0;
}

/* Magnitude of at most 38 digits to a signed value. */
static DecimalCode
finish(U256 m, bool negative, Decimal *out)
{
	if (m.high != 0 || m.low >= power10_128(DECIMAL_MAX_DIGITS))
		return DECIMAL_OVERFLOW;
	*out = negative ? -(Decimal)m.low : (Decimal)m.low;
	return DECIMAL_OK;
}

/* m / divisor with rounding. */
static DecimalCode
divide_rounded(U256 m, U128 divisor, bool sticky, bool negative, DecimalRound round, Decimal *out)
{
	U128	rest;
	U256	q = divide(m, divisor, &rest);

	if (rest != 0 || sticky) {
		if (round == DECIMAL_EXACT)
			return DECIMAL_INEXACT;
		if (rounds_away(round, negative, q.low & 1, compare_half(rest, divisor, sticky))) {
			q.low++;
			q.high += q.low == 0;
		}
	}
	return finish(q, negative, out);
}

/* m * 10^shift (shift may be negative) with rounding. */
static DecimalCode
shift_rounded(U256 m, int shift, bool negative, DecimalRound round, Decimal *out)
{
	if (shift == 0)
		return finish(m, negative, out);
	if (m.high == 0 && m.low == 0) {
		*out = 0;
		return DECIMAL_OK;
	}
	if (shift > 0) {
		if (m.high != 0 || shift > DECIMAL_MAX_DIGITS)
			return DECIMAL_OVERFLOW;
		return finish(multiply(m.low, power10_128(shift)), negative, out);
	}
	bool	sticky = false;

	for (int drop = -shift; ; drop -= DECIMAL_MAX_DIGITS) {
		if (drop <= DECIMAL_MAX_DIGITS)
			return divide_rounded(m, power10_128(drop), sticky, negative, round, out);
		if (m.high == 0 && m.low == 0)
			return divide_rounded(m, power10_128(DECIMAL_MAX_DIGITS), sticky, negative, round, out);
		U128	rest;

		m = divide(m, power10_128(DECIMAL_MAX_DIGITS), &rest);
		sticky |= rest != 0;
	}
}

static inline DecimalCode
check_precision(DecimalCode code, const Decimal *value, int precision)
{
	return code == DECIMAL_OK && !decimal_fits(*value, precision) ? DECIMAL_OVERFLOW : code;
}

DecimalCode
decimal_rescale(Decimal value, int from_scale, int to_scale, DecimalRound round, Decimal *out)
{
	if (from_scale == to_scale) {
		*out = value;
		return DECIMAL_OK;
	}
	return shift_rounded((U256){0, magnitude(value)}, to_scale - from_scale, value < 0, round, out);
}

/* |value| >= 10^(precision - scale), the value being at from_scale. */
static bool
is_too_large(Decimal value, int from_scale, DecimalShape to)
{
	int		limit = to.precision - to.scale + from_scale;

	return value != 0 && (limit < 0 || (limit < DECIMAL_MAX_DIGITS && magnitude(value) >= power10_128(limit)));
}

DecimalCode
decimal_cast(Decimal value, int from_scale, DecimalShape to, DecimalRound round, Decimal *out)
{
	if (is_too_large(value, from_scale, to))
		return DECIMAL_OVERFLOW;
	return decimal_rescale(value, from_scale, to.scale, round, out);
}

DecimalCode
decimal_round(Decimal value, int scale, int places, DecimalRound round, Decimal *out)
{
	Decimal	rounded;

	if (places >= scale) {
		*out = value;
		return DECIMAL_OK;
	}
	DecimalCode	code = decimal_rescale(value, scale, places, round, &rounded);

	return code != DECIMAL_OK ? code : decimal_rescale(rounded, places, scale, DECIMAL_EXACT, out);
}

/* --- arithmetic --- */

DecimalCode
decimal_add(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out)
{
	if (a_scale == b_scale && a_scale == out_shape.scale) {
		if (__builtin_add_overflow(a, b, out))
			return DECIMAL_OVERFLOW;
		return decimal_fits(*out, out_shape.precision) ? DECIMAL_OK : DECIMAL_OVERFLOW;
	}
	int		scale = a_scale > b_scale ? a_scale : b_scale;
	int		a_shift = scale - a_scale;
	int		b_shift = scale - b_scale;

	if (a_shift <= 18 && b_shift <= 18 && is_small(a) && is_small(b)) {
		Decimal		whole = a * (Decimal)power10_64[a_shift] + b * (Decimal)power10_64[b_shift];
		DecimalCode	code = decimal_rescale(whole, scale, out_shape.scale, round, out);

		return check_precision(code, out, out_shape.precision);
	}
	if ((a != 0 && a_shift > DECIMAL_MAX_DIGITS) || (b != 0 && b_shift > DECIMAL_MAX_DIGITS))
		return DECIMAL_OVERFLOW;
	U256	am = a == 0 ? (U256){0, 0} : multiply(magnitude(a), power10_128(a_shift));
	U256	bm = b == 0 ? (U256){0, 0} : multiply(magnitude(b), power10_128(b_shift));
	bool	negative = a < 0;
	U256	sum;

	if (a == 0)
		negative = b < 0;
	if ((a < 0) == (b < 0) || a == 0 || b == 0) {
		sum.low = am.low + bm.low;
		sum.high = am.high + bm.high + (sum.low < am.low);
	} else {
		if (compare_u256(am, bm) < 0) {
			U256	swap = am;

			am = bm;
			bm = swap;
			negative = b < 0;
		}
		sum.low = am.low - bm.low;
		sum.high = am.high - bm.high - (am.low < bm.low);
	}
	return check_precision(shift_rounded(sum, out_shape.scale - scale, negative, round, out), out, out_shape.precision);
}

DecimalCode
decimal_sub(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out)
{
	return decimal_add(a, a_scale, -b, b_scale, out_shape, round, out);
}

DecimalCode
decimal_mul(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out)
{
	if (out_shape.scale == a_scale + b_scale && is_small(a) && is_small(b)) {
		*out = a * b;
		return decimal_fits(*out, out_shape.precision) ? DECIMAL_OK : DECIMAL_OVERFLOW;
	}
	U256	product = multiply(magnitude(a), magnitude(b));

	return check_precision(shift_rounded(product, out_shape.scale - a_scale - b_scale, (a < 0) != (b < 0), round, out),
						   out, out_shape.precision);
}

DecimalCode
decimal_div(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out)
{
	int		shift = out_shape.scale + b_scale - a_scale;
	bool	negative = (a < 0) != (b < 0);
	U128	divisor = magnitude(b);
	U256	n = {0, magnitude(a)};

	if (b == 0)
		return DECIMAL_DIVISION_BY_ZERO;
	if (a == 0) {
		*out = 0;
		return DECIMAL_OK;
	}
	if (shift < 0) {
		/* Rarely: the divisor grows instead.  Beyond 128 bits it is larger than any dividend. */
		U256	grown = -shift > DECIMAL_MAX_DIGITS ? (U256){1, 0} : multiply(divisor, power10_128(-shift));

		if (grown.high != 0) {
			if (round == DECIMAL_EXACT)
				return DECIMAL_INEXACT;
			*out = rounds_away(round, negative, false, -1) ? (negative ? -1 : 1) : 0;
			return DECIMAL_OK;
		}
		divisor = grown.low;
		shift = 0;
	}
	/* Long division, up to 38 digits of the quotient at a time: a shift over 38 would not fit 256 bits at once. */
	Decimal	q = 0;

	for (;;) {
		int			step = shift > DECIMAL_MAX_DIGITS ? DECIMAL_MAX_DIGITS : shift;
		Decimal		part;
		DecimalCode	code;
		U128		rest;

		n = multiply(n.low, power10_128(step));
		if (q != 0) {
			code = shift_rounded((U256){0, (U128)q}, step, false, DECIMAL_EXACT, &q);
			if (code != DECIMAL_OK)
				return code;
		}
		if (step == shift) {
			/* The quotient so far matters only to the parity that HALF_EVEN asks for, and 10^step keeps that. */
			code = divide_rounded(n, divisor, false, negative, round, &part);
			if (code != DECIMAL_OK)
				return code;
			U128	sum = (U128)q + magnitude(part);

			code = finish((U256){0, sum}, negative, out);
			return check_precision(code, out, out_shape.precision);
		}
		code = finish(divide(n, divisor, &rest), false, &part);
		if (code != DECIMAL_OK)
			return code;
		q += part;
		n = (U256){0, rest};
		shift -= step;
	}
}

DecimalCode
decimal_mod(Decimal a, int a_scale, Decimal b, int b_scale, DecimalShape out_shape, DecimalRound round, Decimal *out)
{
	int		scale = a_scale > b_scale ? a_scale : b_scale;
	U128	am = magnitude(a);
	U128	bm = magnitude(b);
	U128	rest = am;

	if (b == 0)
		return DECIMAL_DIVISION_BY_ZERO;
	if (b_scale < scale) {
		/* A divisor that outgrows 128 bits leaves the dividend as it is. */
		U256	grown = scale - b_scale > DECIMAL_MAX_DIGITS ? (U256){1, 0} : multiply(bm, power10_128(scale - b_scale));

		if (grown.high == 0)
			rest = am % grown.low;
	} else {
		rest = am % bm;
		for (int shift = scale - a_scale; shift > 0; shift -= DECIMAL_MAX_DIGITS)
			divide(multiply(rest, power10_128(shift > DECIMAL_MAX_DIGITS ? DECIMAL_MAX_DIGITS : shift)), bm, &rest);
	}
	return check_precision(shift_rounded((U256){0, rest}, out_shape.scale - scale, a < 0, round, out), out,
						   out_shape.precision);
}

int
decimal_compare(Decimal a, int a_scale, Decimal b, int b_scale)
{
	if (a_scale == b_scale)
		return (a > b) - (a < b);
	if ((a < 0) != (b < 0) || a == 0 || b == 0)
		return (a > b) - (a < b);
	int		shift = a_scale - b_scale;
	int		steps = shift < 0 ? -shift : shift;
	int		sign = a < 0 ? -1 : 1;

	if (steps > DECIMAL_MAX_DIGITS)
		return shift < 0 ? sign : -sign;
	U256	am = multiply(magnitude(a), shift < 0 ? power10_128(steps) : 1);
	U256	bm = multiply(magnitude(b), shift > 0 ? power10_128(steps) : 1);

	return compare_u256(am, bm) * sign;
}

/* --- text --- */

/* A number read from text: 38 significant digits in `value`, what follows them in `half` and `sticky`. */
typedef struct Parsed {
	U128	value;			/* times 10^exponent */
	int		n_digits;		/* of value; 0 for zero */
	int64_t	exponent;
	int		scale;			/* fraction digits as written, the exponent taken into account; may be negative */
	int		tail_half;		/* digits after value compared with one half of a unit: -1, 0, 1 */
	bool	has_tail;		/* they are not all zeros */
	bool	negative;
} Parsed;

static DecimalCode
parse_text(Str text, Parsed *p)
{
	const char *s = text.data;
	const char *end = s + text.length;
	bool		seen_point = false;
	bool		any_digit = false;
	int			n_tail = 0;
	int64_t		fraction = 0;		/* digits after the point */
	int64_t		dropped = 0;		/* digits not in value */

	*p = (Parsed){.tail_half = -1};
	if (s < end && (*s == '-' || *s == '+'))
		p->negative = *s++ == '-';
	for (; s < end; s++) {
		unsigned	d = (unsigned)(unsigned char)*s - '0';

		if (d > 9) {
			if (*s != '.' || seen_point)
				break;
			seen_point = true;
			continue;
		}
		any_digit = true;
		fraction += seen_point;
		if (p->n_digits == 0 && d == 0)
			continue;
		if (p->n_digits < DECIMAL_MAX_DIGITS) {
			p->value = p->value * 10 + d;
			p->n_digits++;
			continue;
		}
		if (n_tail++ == 0)
			p->tail_half = d < 5 ? -1 : d == 5 ? 0 : 1;
		else if (d != 0 && p->tail_half == 0)
			p->tail_half = 1;
		p->has_tail |= d != 0;
		dropped++;
	}
	if (!any_digit)
		return DECIMAL_MALFORMED;

	int64_t	exponent = 0;

	if (s < end && (*s == 'e' || *s == 'E')) {
		bool	negative = false;

		s++;
		if (s < end && (*s == '-' || *s == '+'))
			negative = *s++ == '-';
		if (s == end)
			return DECIMAL_MALFORMED;
		for (; s < end && *s >= '0' && *s <= '9'; s++)
			if (exponent < 1000000000)
				exponent = exponent * 10 + (*s - '0');
		if (negative)
			exponent = -exponent;
	}
	if (s != end)
		return DECIMAL_MALFORMED;
	p->exponent = exponent - fraction + dropped;
	int64_t	scale = fraction - exponent;

	p->scale = scale < -2000000000 ? -2000000000 : scale > 2000000000 ? 2000000000 : (int)scale;
	return DECIMAL_OK;
}

static DecimalCode
parsed_to_shape(const Parsed *p, DecimalShape shape, DecimalRound round, Decimal *out)
{
	if (p->n_digits == 0) {
		*out = 0;
		return DECIMAL_OK;
	}
	if (p->n_digits + p->exponent > shape.precision - shape.scale)
		return DECIMAL_OVERFLOW;
	int64_t	shift = p->exponent + shape.scale;

	if (shift > 0)
		return p->has_tail || shift > DECIMAL_MAX_DIGITS ? DECIMAL_OVERFLOW
			: shift_rounded((U256){0, p->value}, (int)shift, p->negative, round, out);
	if (shift < 0) {
		int		drop = -shift > 100 ? 100 : (int)-shift;

		if (drop <= DECIMAL_MAX_DIGITS)
			return divide_rounded((U256){0, p->value}, power10_128(drop), p->has_tail, p->negative, round, out);
		return shift_rounded((U256){0, p->value}, -drop, p->negative, round, out);
	}
	U256	m = {0, p->value};

	if (p->has_tail) {
		if (round == DECIMAL_EXACT)
			return DECIMAL_INEXACT;
		if (rounds_away(round, p->negative, m.low & 1, p->tail_half))
			m.low++;
	}
	return finish(m, p->negative, out);
}

DecimalCode
decimal_parse(Str text, DecimalShape shape, DecimalRound round, Decimal *out)
{
	Parsed		p;
	DecimalCode	code = parse_text(text, &p);

	return code != DECIMAL_OK ? code : parsed_to_shape(&p, shape, round, out);
}

DecimalCode
decimal_parse_any(Str text, Decimal *out, DecimalShape *shape)
{
	Parsed		p;
	DecimalCode	code = parse_text(text, &p);

	if (code != DECIMAL_OK)
		return code;
	int		scale = p.scale < 0 ? 0 : p.scale;

	if (scale > DECIMAL_TEXT_MAX - 60)
		return DECIMAL_OVERFLOW;
	/* Room for anything: the limit of 38 digits is the only one. */
	code = parsed_to_shape(&p, (DecimalShape){scale + 2 * DECIMAL_MAX_DIGITS, scale}, DECIMAL_EXACT, out);
	if (code != DECIMAL_OK)
		return code;
	int		digits = decimal_digits(*out);

	*shape = (DecimalShape){digits > scale ? digits : scale > 0 ? scale : 1, scale};
	/* 0.05 is (3,2) in ksqlDB: the digit before the point counts. */
	if (shape->precision == scale)
		shape->precision++;
	return DECIMAL_OK;
}

size_t
decimal_print(Decimal value, int scale, char *text)
{
	char	digits[48];
	int		n = 0;			/* written from the end of digits */
	char   *out = text;
	U128	m = magnitude(value);

	if (scale > DECIMAL_TEXT_MAX - 60)
		scale = DECIMAL_TEXT_MAX - 60;
	while (m >> 64 != 0) {
		uint64_t	part = (uint64_t)(m % TEN19);

		m /= TEN19;
		for (int i = 0; i < 19; i++, part /= 10)
			digits[sizeof digits - ++n] = (char)('0' + part % 10);
	}
	for (uint64_t rest = (uint64_t)m; rest != 0; rest /= 10)
		digits[sizeof digits - ++n] = (char)('0' + rest % 10);
	if (value < 0)
		*out++ = '-';
	const char *first = digits + sizeof digits - n;

	if (n <= scale) {
		*out++ = '0';
		if (scale > 0) {
			*out++ = '.';
			memset(out, '0', (size_t)(scale - n));
			out += scale - n;
		}
	} else {
		memcpy(out, first, (size_t)(n - scale));
		out += n - scale;
		first += n - scale;
		n = scale;
		if (scale > 0)
			*out++ = '.';
	}
	memcpy(out, first, (size_t)n);
	return (size_t)(out + n - text);
}

void
decimal_add_text(StrBuf *buf, Decimal value, int scale)
{
	char	text[DECIMAL_TEXT_MAX];

	strbuf_add(buf, text, decimal_print(value, scale, text));
}

/* --- other numbers --- */

DecimalCode
decimal_from_int64(int64_t value, DecimalShape shape, Decimal *out)
{
	return decimal_cast(value, 0, shape, DECIMAL_EXACT, out);
}

/*
 * The usual case of the function below, in integers: value is mantissa / 2^shift, so its first rounding, at the scale
 * that leaves `precision` significant digits, is one multiplication and one shift.  False: take the slow way.
 */
static bool
from_double_fast(double value, DecimalShape shape, Decimal *out, int *scale)
{
	int			exponent;
	double		fraction = frexp(fabs(value), &exponent);		/* in [0.5, 1) */
	uint64_t	mantissa = (uint64_t)ldexp(fraction, 53);
	int			shift = 53 - exponent;

	if (shift < 1 || shift > 100 || fabs(value) < 1e-3)
		return false;
	/* Digits before the point; none for a value below 1, whose leading zeros behind the point do not count either. */
	int		whole_digits = fabs(value) >= 1 ? digits_of((uint64_t)fabs(value))
		: fabs(value) >= 0.1 ? 0 : fabs(value) >= 0.01 ? -1 : -2;

	/* 0.1 and 0.01 are a little above what they stand for, and so are on the right side of the comparisons. */
	*scale = shape.precision - whole_digits;
	if (*scale < 0 || *scale > DECIMAL_MAX_DIGITS)
		return false;
	U256	n = multiply(mantissa, power10_128(*scale));
	U128	half = (U128)1 << (shift - 1);

	n.low += half;
	n.high += n.low < half;
	if (n.high >> (shift - 1) != 0)
		return false;
	n.low = n.low >> shift | n.high << 1 << (127 - shift);
	if (n.low >= power10_128(DECIMAL_MAX_DIGITS))
		return false;
	*out = value < 0 ? -(Decimal)n.low : (Decimal)n.low;
	return true;
}

DecimalCode
decimal_from_double_binary(double value, DecimalShape shape, Decimal *out)
{
	char	text[1200];
	Decimal	first;
	int		first_scale;
	int		n = shape.precision > DECIMAL_MAX_DIGITS ? DECIMAL_MAX_DIGITS : shape.precision;

	if (!isfinite(value))
		return DECIMAL_MALFORMED;
	if (value == 0) {
		*out = 0;
		return DECIMAL_OK;
	}
	if (from_double_fast(value, shape, &first, &first_scale))
		return decimal_cast(first, first_scale, shape, DECIMAL_HALF_UP, out);
	/*
	 * printf rounds exactly but ties to even, and the wanted rounding is half up: print 20 digits more than are kept.
	 * If these are 5000..., the value may be on either side of the tie, and all its digits (at most 767) decide.
	 */
	int		digits_wanted = n + 20;

	for (;;) {
		snprintf(text, sizeof text, "%.*e", digits_wanted - 1, fabs(value));

		char   *e = strchr(text, 'e');
		char   *tail = text + n + 1;		/* digit n + 1, counting from 1; the point stands behind the first */
		int		exponent = atoi(e + 1);

		if (digits_wanted < 767) {
			bool	is_tie = *tail == '5';

			for (char *c = tail + 1; is_tie && c < e; c++)
				is_tie = *c == '0';
			if (is_tie) {
				digits_wanted = 767;
				continue;
			}
		}
		/* Significant digits, rounded half up by the text parser, then half up again to the scale. */
		Str			mantissa = {text, (size_t)(e - text)};
		Decimal		rounded;
		DecimalCode	code = decimal_parse(mantissa, (DecimalShape){n + 1, n - 1}, DECIMAL_HALF_UP, &rounded);

		if (code != DECIMAL_OK)
			return code;
		if (value < 0)
			rounded = -rounded;
		int		scale = n - 1 - exponent;		/* of `rounded`; may be negative */

		if (is_too_large(rounded, scale, shape))
			return DECIMAL_OVERFLOW;
		return shift_rounded((U256){0, magnitude(rounded)}, shape.scale - scale, rounded < 0, DECIMAL_HALF_UP, out);
	}
}

DecimalCode
decimal_from_double_text(double value, DecimalShape shape, DecimalRound round, Decimal *out)
{
	char	digits[20];
	int		exponent;
	bool	negative;
	Parsed	p = {.tail_half = -1};

	if (!isfinite(value))
		return DECIMAL_MALFORMED;
	p.n_digits = double_shortest(value, digits, &exponent, &negative);
	for (int i = 0; i < p.n_digits; i++)
		p.value = p.value * 10 + (unsigned)(digits[i] - '0');
	p.exponent = exponent - p.n_digits;
	p.negative = negative;
	if (p.value == 0)
		p.n_digits = 0;
	return parsed_to_shape(&p, shape, round, out);
}

double
decimal_to_double(Decimal value, int scale)
{
	/* Both operands exact: one correctly rounded division. */
	static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14,
		1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

	if (magnitude(value) <= (U128)1 << 53 && scale <= 22)
		return (double)(int64_t)value / powers[scale];
	char	text[DECIMAL_TEXT_MAX];
	double	result = 0;

	double_parse(str_make(text, decimal_print(value, scale, text)), DOUBLE_STRICT, &result);
	return result;
}

int64_t
decimal_to_int64(Decimal value, int scale, bool *fits)
{
	Decimal	whole = scale > DECIMAL_MAX_DIGITS ? 0 : scale > 0 ? value / (Decimal)power10_128(scale) : value;

	if (fits != NULL)
		*fits = whole >= INT64_MIN && whole <= INT64_MAX;
	return (int64_t)(uint64_t)(U128)whole;
}

/* --- shapes --- */

static int
max_of(int a, int b)
{
	return a > b ? a : b;
}

static int
min_of(int a, int b)
{
	return a < b ? a : b;
}

DecimalShape
decimal_result_ksqldb(char op, DecimalShape a, DecimalShape b)
{
	int		scale = max_of(a.scale, b.scale);

	switch (op) {
	case '*':
		return (DecimalShape){a.precision + b.precision + 1, a.scale + b.scale};
	case '/':
		scale = max_of(6, a.scale + b.precision + 1);
		return (DecimalShape){a.precision - a.scale + b.scale + scale, scale};
	case '%':
		return (DecimalShape){max_of(1, min_of(a.precision - a.scale, b.precision - b.scale) + scale), scale};
	default:
		return (DecimalShape){max_of(a.precision - a.scale, b.precision - b.scale) + scale + 1, scale};
	}
}

static DecimalShape
capped(DecimalShape shape)
{
	if (shape.precision <= DECIMAL_MAX_DIGITS)
		return shape;
	int		whole = shape.precision - shape.scale;

	return (DecimalShape){DECIMAL_MAX_DIGITS, max_of(DECIMAL_MAX_DIGITS - whole, min_of(shape.scale, 6))};
}

DecimalShape
decimal_result_standard(char op, DecimalShape a, DecimalShape b)
{
	DecimalShape	shape = decimal_result_ksqldb(op, a, b);

	if (op == '*')
		shape.precision = a.precision + b.precision;
	return capped(shape);
}

DecimalShape
decimal_common_shape(DecimalShape a, DecimalShape b, bool cap38)
{
	int				scale = max_of(a.scale, b.scale);
	DecimalShape	shape = {max_of(a.precision - a.scale, b.precision - b.scale) + scale, scale};

	return cap38 ? capped(shape) : shape;
}

Status
decimal_error(DecimalCode code, DecimalShape shape, Error *err)
{
	switch (code) {
	case DECIMAL_OK:
		return OK;
	case DECIMAL_MALFORMED:
		return error_data(err, "Not a number that fits DECIMAL(%d, %d)", shape.precision, shape.scale);
	case DECIMAL_OVERFLOW:
		if (shape.precision >= DECIMAL_MAX_DIGITS)
			return error_data(err, "Numeric field overflow: a value of DECIMAL(%d, %d) needs more than %d digits",
							  shape.precision, shape.scale, DECIMAL_MAX_DIGITS);
		return error_data(err, "Numeric field overflow: A field with precision %d and scale %d must round to an "
						  "absolute value less than 10^%d", shape.precision, shape.scale,
						  shape.precision - shape.scale);
	case DECIMAL_INEXACT:
		return error_data(err, "Rounding necessary: the result is not exact as DECIMAL(%d, %d)", shape.precision,
						  shape.scale);
	case DECIMAL_DIVISION_BY_ZERO:
		return error_data(err, "Division by zero");
	}
	return error_bug(err, "unknown decimal code %d", (int)code);
}
