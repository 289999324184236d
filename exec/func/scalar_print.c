/* PRINTF with the formats of C, FORMAT with those of Python's and C++'s braces. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/decimal.h"
#include "exec/func/kernel.h"

#define WIDTH_MAX 1000

/* How one value is printed. */
typedef struct PrintSpec {
	char	fill;				/* 0: none said */
	char	align;				/* '<', '>', '^', 0: numbers to the right, texts to the left */
	bool	plus, space, sharp;
	char	group;				/* between thousands: ',' or '_'; 0: none */
	int		width;
	int		precision;			/* -1: none */
	char	kind;				/* the letter; 0: none */
} PrintSpec;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
read_number(Str format, size_t i, int *out)
{
	for (*out = 0; i < format.length && is_digit(format.data[i]); i++)
		if (*out <= WIDTH_MAX)
			*out = *out * 10 + (format.data[i] - '0');
	return i;
}

static double
as_double(const Value *v)
{
	return v->type->kind == TYPE_DOUBLE ? v->number : v->type->kind == TYPE_DECIMAL ? decimal_to_double(v->decimal, v->type->scale) : (double)v->integer;
}

static bool
is_number(const Value *v)
{
	return v->type->kind == TYPE_INTEGER || v->type->kind == TYPE_BIGINT || v->type->kind == TYPE_DOUBLE || v->type->kind == TYPE_DECIMAL;
}

static bool
is_whole(const Value *v)
{
	return v->type->kind == TYPE_INTEGER || v->type->kind == TYPE_BIGINT;
}

/* Digits in groups of three before the point. */
static void
add_grouped(StrBuf *out, const char *digits, char group)
{
	size_t	n = strspn(digits, "0123456789");

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0 && group != 0)
			strbuf_add_char(out, group);
		strbuf_add_char(out, digits[i]);
	}
	strbuf_add_text(out, digits + n);
}

/* The digits of a number without its sign; false if the letter is not for numbers. */
static bool
add_digits(StrBuf *out, const PrintSpec *spec, const Value *v)
{
	char			   buf[512];
	int				   precision = spec->precision < 0 ? 6 : spec->precision > 100 ? 100 : spec->precision;
	double			   number = fabs(as_double(v));
	unsigned long long whole = v->integer < 0 ? 0 - (unsigned long long)v->integer : (unsigned long long)v->integer;

	switch (spec->kind) {
	case 'x':
	case 'X':
	case 'o':
		if (!is_whole(v))
			return false;
		snprintf(buf, sizeof buf, spec->kind == 'x' ? "%llx" : spec->kind == 'X' ? "%llX" : "%llo", whole);
		break;
	case 'd':
	case 'i':
	case 'u':
		if (is_whole(v))
			snprintf(buf, sizeof buf, "%llu", whole);
		else
			snprintf(buf, sizeof buf, "%.0f", trunc(number));
		break;
	case 'e':
		snprintf(buf, sizeof buf, "%.*e", precision, number);
		break;
	case 'E':
		snprintf(buf, sizeof buf, "%.*E", precision, number);
		break;
	case 'g':
	case 'G':
		snprintf(buf, sizeof buf, spec->kind == 'g' ? "%.*g" : "%.*G", precision, number);
		break;
	case 'f':
	case 'F':
		snprintf(buf, sizeof buf, "%.*f", precision, number);
		break;
	default:
		return false;
	}
	add_grouped(out, buf, spec->group);
	return true;
}

static void
add_padded(StrBuf *out, const PrintSpec *spec, Str sign, Str body, bool is_right)
{
	size_t	length = sign.length + (size_t)utf8_count(body);
	size_t	pad = spec->width > 0 && (size_t)spec->width > length ? (size_t)spec->width - length : 0;
	char	align = spec->align != 0 ? spec->align : is_right ? '>' : '<';
	size_t	before = align == '<' ? 0 : align == '^' ? pad / 2 : pad;
	bool	is_zero = spec->fill == '0' && is_right && align == '>';

	if (is_zero)
		strbuf_add_str(out, sign);
	strbuf_add_repeat(out, spec->fill != 0 ? spec->fill : ' ', before);
	if (!is_zero)
		strbuf_add_str(out, sign);
	strbuf_add_str(out, body);
	strbuf_add_repeat(out, spec->fill != 0 ? spec->fill : ' ', pad - before);
}

/* Values as CAST to STRING has them. */
static bool
add_text(StrBuf *out, const PrintSpec *spec, const Value *v, bool is_right)
{
	StrBuf	buf = {0};
	Str		text;
	bool	ok = true;

	if (v->type->kind == TYPE_STRING)
		strbuf_add_str(&buf, v->text);
	else
		ok = scalar_add_text(&buf, v, true);
	text = strbuf_str(&buf);
	if (v->type->kind == TYPE_STRING && spec->precision >= 0)
		text.length = utf8_offset_of_point(text, spec->precision);
	if (ok)
		add_padded(out, spec, STR(""), text, is_right);
	strbuf_free(&buf);
	return ok;
}

static bool
add_value(StrBuf *out, PrintSpec spec, const Value *v)
{
	StrBuf	digits = {0};
	bool	ok;

	if (!is_number(v) || spec.kind == 's')
		return (spec.kind == 0 || spec.kind == 's') && add_text(out, &spec, v, false);
	if (spec.kind == 0 && is_whole(v))
		spec.kind = 'd';
	if (spec.kind == 0 && spec.precision >= 0)
		spec.kind = 'g';
	if (spec.kind == 0 && spec.group != 0)
		spec.kind = 'f';
	if (spec.kind == 0)
		return add_text(out, &spec, v, true);
	ok = add_digits(&digits, &spec, v);
	if (ok)
		add_padded(out, &spec, as_double(v) < 0 ? STR("-") : spec.plus ? STR("+") : spec.space ? STR(" ") : STR(""), strbuf_str(&digits), true);
	strbuf_free(&digits);
	return ok;
}

static bool
print_fail(const ScalarCall *call, int32_t row, const char *what, Str spec)
{
	eval_fail(call->context, row, "%s: %s '%.*s'", call->function->name, what, (int)spec.length, spec.data);
	return false;
}

/* %[flags][width][.precision]letter, which begins at i; *end is the place behind it. */
static bool
read_percent(Str format, size_t i, PrintSpec *spec, size_t *end)
{
	*spec = (PrintSpec){.precision = -1};
	for (i++; i < format.length && strchr("-+ 0#,'", format.data[i]) != NULL; i++) {
		char c = format.data[i];

		if (c == '-')
			spec->align = '<';
		else if (c == '0')
			spec->fill = '0';
		else if (c == ',' || c == '\'')
			spec->group = ',';
		spec->plus |= c == '+';
		spec->space |= c == ' ';
		spec->sharp |= c == '#';
	}
	i = read_number(format, i, &spec->width);
	if (i < format.length && format.data[i] == '.')
		i = read_number(format, i + 1, &spec->precision);
	while (i < format.length && (format.data[i] == 'l' || format.data[i] == 'h'))
		i++;
	*end = i + 1;
	spec->kind = i < format.length ? format.data[i] : '\0';
	if (spec->align == '<')
		spec->fill = 0;
	else
		spec->align = '>';
	return spec->kind != '\0' && strchr("dioxXufFeEgGs", spec->kind) != NULL && spec->width <= WIDTH_MAX;
}

static bool
print_c(const ScalarCall *call, int32_t row, const Value *args, StrBuf *out)
{
	Str		format = args[0].text;
	int		n = 1;

	for (size_t i = 0, end; i < format.length; i = end) {
		PrintSpec spec;

		end = i + 1;
		if (format.data[i] != '%') {
			strbuf_add_char(out, format.data[i]);
			continue;
		}
		if (end < format.length && format.data[end] == '%') {
			strbuf_add_char(out, '%');
			end++;
			continue;
		}
		if (!read_percent(format, i, &spec, &end))
			return print_fail(call, row, "there is no format", str_make(format.data + i, (end < format.length ? end : format.length) - i));
		if (n >= call->n_args)
			return print_fail(call, row, "there is no value for", str_make(format.data + i, end - i));
		if (!add_value(out, spec, &args[n++]))
			return print_fail(call, row, "a value does not fit", str_make(format.data + i, end - i));
	}
	return true;
}

/* [fill][align][sign][0][width][,][.precision][letter] */
static bool
read_braces(Str s, PrintSpec *spec)
{
	size_t	i = 0;

	*spec = (PrintSpec){.precision = -1};
	if (s.length > 1 && strchr("<>^", s.data[1]) != NULL) {
		spec->fill = s.data[0];
		i = 1;
	}
	if (i < s.length && strchr("<>^", s.data[i]) != NULL)
		spec->align = s.data[i++];
	if (i < s.length && (s.data[i] == '+' || s.data[i] == ' ' || s.data[i] == '-')) {
		spec->plus = s.data[i] == '+';
		spec->space = s.data[i++] == ' ';
	}
	if (i < s.length && s.data[i] == '0') {
		spec->fill = '0';
		i++;
	}
	i = read_number(s, i, &spec->width);
	if (i < s.length && (s.data[i] == ',' || s.data[i] == '_'))
		spec->group = s.data[i++];
	if (i < s.length && s.data[i] == '.')
		i = read_number(s, i + 1, &spec->precision);
	if (i < s.length)
		spec->kind = s.data[i++];
	return i == s.length && spec->width <= WIDTH_MAX && (spec->kind == 0 || strchr("doxXfFeEgGs", spec->kind) != NULL);
}

/* What stands between braces: [number of the argument][:spec]. */
static bool
print_field(const ScalarCall *call, int32_t row, const Value *args, Str field, int *next, StrBuf *out)
{
	PrintSpec spec;
	int		  number;
	size_t	  i = read_number(field, 0, &number);
	int		  n = i > 0 ? number + 1 : (*next)++;

	if ((i < field.length && field.data[i] != ':') || !read_braces(str_make(field.data + i + (i < field.length), field.length - i - (i < field.length)), &spec))
		return print_fail(call, row, "there is no format", field);
	if (n >= call->n_args)
		return print_fail(call, row, "there is no value for", field);
	return add_value(out, spec, &args[n]) || print_fail(call, row, "a value does not fit", field);
}

static bool
print_braces(const ScalarCall *call, int32_t row, const Value *args, StrBuf *out)
{
	Str		format = args[0].text;
	int		next = 1;

	for (size_t i = 0; i < format.length; i++) {
		char		c = format.data[i];
		const char *close;

		if ((c == '{' || c == '}') && i + 1 < format.length && format.data[i + 1] == c)
			i++;
		else if (c == '}')
			return print_fail(call, row, "a brace without the other in", format);
		else if (c == '{') {
			close = memchr(format.data + i, '}', format.length - i);
			if (close == NULL)
				return print_fail(call, row, "a brace without the other in", format);
			if (!print_field(call, row, args, str_make(format.data + i + 1, (size_t)(close - format.data) - i - 1), &next, out))
				return false;
			i = (size_t)(close - format.data);
			continue;
		}
		strbuf_add_char(out, c);
	}
	return true;
}

static bool
print_with(const ScalarCall *call, int32_t row, const Value *args, Value *out, bool (*print)(const ScalarCall *, int32_t, const Value *, StrBuf *))
{
	StrBuf	buf = {0};
	bool	ok = print(call, row, args, &buf);

	if (ok)
		value_set_text(call, out, strbuf_str(&buf));
	strbuf_free(&buf);
	return ok;
}

static bool
printf_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return print_with(call, row, args, out, print_c);
}

static bool
format_row(const ScalarCall *call, int32_t row, const Value *args, Value *out)
{
	return print_with(call, row, args, out, print_braces);
}

const ScalarFunction scalar_print_functions[] = {
	FUNCTION_ROWS("FORMAT", "(STRING, ANY...) -> STRING", format_row, NULL_IN, STANDARD,
				  "The text with values in the places of {}, {0} or {:.2f}: {:,} groups digits, {:>8} and {:08d} pad.", "FORMAT('{}: {:.1f}', 'a', 2.25)",
				  "a: 2.2"),
	FUNCTION_ROWS("PRINTF", "(STRING, ANY...) -> STRING", printf_row, NULL_IN, STANDARD, "The text with values in the places of %d, %s, %.2f and the like.",
				  "PRINTF('%s-%03d', 'a', 7)", "a-007"),
	{.name = NULL},
};
