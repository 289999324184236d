#include "io/connector/file/parquet_cast.h"

#include "common/utf8.h"
#include "data/decimal.h"

static bool
decimal_has_room(const Type *from, const Type *to)
{
	return to->scale >= from->scale && to->precision - to->scale >= from->precision - from->scale;
}

bool
parquet_can_cast(const Type *from, const Type *to)
{
	const Type *decimal = type_as_decimal(from);

	switch (to->kind) {
	case TYPE_BIGINT:
		return from->kind == TYPE_INTEGER;
	case TYPE_DOUBLE:
		return type_is_number(from);
	case TYPE_DECIMAL:
		return decimal != NULL && decimal_has_room(decimal, to);
	case TYPE_TIMESTAMP:
		return from->kind == TYPE_DATE;
	case TYPE_STRING:
		return from->kind == TYPE_BYTES;
	default:
		return false;
	}
}

static Decimal
decimal_at(const Vector *v, int32_t i)
{
	return v->type->kind == TYPE_DECIMAL   ? ((const Decimal *)v->data)[i]
		   : v->type->kind == TYPE_INTEGER ? ((const int32_t *)v->data)[i]
										   : ((const int64_t *)v->data)[i];
}

static void
cast_to_decimal(const Vector *v, Vector *out)
{
	Decimal factor = decimal_power10(out->type->scale - (v->type->kind == TYPE_DECIMAL ? v->type->scale : 0));

	for (int32_t i = 0; i < v->n_rows; i++)
		((Decimal *)out->data)[i] = vector_is_valid(v, i) ? decimal_at(v, i) * factor : 0;
}

static void
cast_to_double(const Vector *v, Vector *out)
{
	double *to = out->data;

	for (int32_t i = 0; i < v->n_rows; i++)
		to[i] = v->type->kind == TYPE_INTEGER  ? ((const int32_t *)v->data)[i]
				: v->type->kind == TYPE_BIGINT ? (double)((const int64_t *)v->data)[i]
											   : decimal_to_double(((const Decimal *)v->data)[i], v->type->scale);
}

static void
cast_to_int64(const Vector *v, Vector *out, int64_t factor)
{
	for (int32_t i = 0; i < v->n_rows; i++)
		((int64_t *)out->data)[i] = ((const int32_t *)v->data)[i] * factor;
}

static Status
cast_to_string(const Vector *v, Vector *out, Error *err)
{
	const StrView *views = v->data;

	out->data = v->data;
	for (int32_t i = 0; i < v->n_rows; i++)
		if (vector_is_valid(v, i) && !utf8_validate(str_view_str(&views[i])))
			return error_data(err, "a value is not UTF-8 text");
	return OK;
}

Status
parquet_cast(Arena *arena, const Vector **v, const Type *to, Error *err)
{
	const Vector *from = *v;
	Vector		 *out;

	/* the same type but for the case of field names */
	if (type_is_nested(to)) {
		out = arena_memdup(arena, from, sizeof *out);
		out->type = to;
		for (int i = 0; i < out->n_children; i++) {
			const Vector *child = &out->children[i];
			const Type	 *type = to->kind == TYPE_STRUCT ? to->fields[i].type : to->kind == TYPE_MAP && i == 0 ? to->key : to->element;

			if (child->type != type)
				TRY(parquet_cast(arena, &child, type, err));
			out->children[i] = *child;
		}
		*v = out;
		return OK;
	}
	from = vector_flatten(arena, from);
	out = vector_new_unset(arena, to, from->n_rows);
	out->validity = from->validity;
	switch (to->kind) {
	case TYPE_DECIMAL:
		cast_to_decimal(from, out);
		break;
	case TYPE_DOUBLE:
		cast_to_double(from, out);
		break;
	case TYPE_STRING:
		TRY(cast_to_string(from, out, err));
		break;
	default:
		cast_to_int64(from, out, to->kind == TYPE_TIMESTAMP ? 86400000 : 1);
		break;
	}
	*v = out;
	return OK;
}
