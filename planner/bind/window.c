/* Windows: the only place where defaults of grace and retention are decided. */
#include "planner/bind/bind.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

static Status
duration_ms(const AstDuration *d, const char *what, bool may_be_zero, int64_t *out, Error *err)
{
	int64_t unit = ast_unit_ms(d->unit);

	if (unit == 0) {
		error_user(err, "The %s of a window must have a fixed length, not %s.", what, ast_unit_name(d->unit));
		return error_at_pos(err, d->pos);
	}
	if (d->amount < 0 || (d->amount == 0 && !may_be_zero)) {
		error_user(err, "The %s of a window must be larger than zero.", what);
		return error_at_pos(err, d->pos);
	}
	if (__builtin_mul_overflow(d->amount, unit, out)) {
		error_user(err, "The %s of the window is too long.", what);
		return error_at_pos(err, d->pos);
	}
	return OK;
}

Status
bind_window(Binder *binder, const AstWindow *w, bool is_final, WindowSpec *out, Error *err)
{
	bool	is_session = w->kind == AST_WINDOW_SESSION;
	int64_t length, least;

	*out = (WindowSpec){0};
	switch (w->kind) {
	case AST_WINDOW_TUMBLING:
		out->kind = WINDOW_TUMBLING;
		TRY(duration_ms(&w->size, "size", false, &out->size_ms, err));
		out->advance_ms = out->size_ms;
		break;
	case AST_WINDOW_HOPPING:
		out->kind = WINDOW_HOPPING;
		TRY(duration_ms(&w->size, "size", false, &out->size_ms, err));
		TRY(duration_ms(&w->advance, "advance", false, &out->advance_ms, err));
		if (out->advance_ms > out->size_ms) {
			error_user(err, "Window advancement interval should be more than zero and less than window duration which is %lld ms, but given "
							"advancement interval is: %lld ms",
					   (long long)out->size_ms, (long long)out->advance_ms);
			return error_at_pos(err, w->advance.pos);
		}
		break;
	case AST_WINDOW_SESSION:
		out->kind = WINDOW_SESSION;
		TRY(duration_ms(&w->size, "gap", false, &out->gap_ms, err));
		break;
	}
	length = out->kind == WINDOW_SESSION ? out->gap_ms : out->size_ms;
	out->has_grace = w->grace.is_set;
	if (w->grace.is_set)
		TRY(duration_ms(&w->grace, "grace period", true, &out->grace_ms, err));
	else if (is_final)
		out->grace_ms = 0;
	else
		out->grace_ms = length < DAY_MS ? DAY_MS - length : 0;
	least = time_shift(length, out->grace_ms);
	out->retention_ms = least;
	out->has_retention = w->retention.is_set;
	if (w->retention.is_set) {
		TRY(duration_ms(&w->retention, "retention", true, &out->retention_ms, err));
		if (out->retention_ms < least) {
			error_user(err,
					   "The retention period of the %s store%s must be no smaller than %s plus the grace period. Got %s=[%lld], "
					   "grace=[%lld], retention=[%lld]",
					   is_session ? "session" : "window", binder->standard ? "" : " Aggregate-Aggregate-Materialize",
					   is_session ? "the session inactivity gap" : "its window size", is_session ? "gap" : "size", (long long)length,
					   (long long)out->grace_ms, (long long)out->retention_ms);
			return error_at_pos(err, w->retention.pos);
		}
	}
	return OK;
}

int64_t
join_grace(const AstWithin *within)
{
	int64_t before = within->before.amount * ast_unit_ms(within->before.unit);

	if (within->grace.is_set)
		return within->grace.amount * ast_unit_ms(within->grace.unit);
	return 2 * before < DAY_MS ? DAY_MS - 2 * before : 0;
}
