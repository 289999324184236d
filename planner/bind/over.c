/* OVER: window functions over bounded rows. */
#include "planner/bind/bind.h"

Status
bind_over(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	(void)eb;
	(void)out;
	error_unsupported(err, "OVER is not supported yet.");
	return error_at_pos(err, e->pos);
}

Status
plan_overs(SelectBinder *sb, SelectList *list, Error *err)
{
	(void)list;
	if (sb->ast->qualify != NULL) {
		error_unsupported(err, "QUALIFY is not supported yet.");
		return error_at_pos(err, sb->ast->qualify->pos);
	}
	return OK;
}
