/* Sub-queries in expressions: joins. */
#include "planner/bind/bind.h"

Status
bind_subquery(ExprBinder *eb, const AstExpr *e, Expr **out, Error *err)
{
	(void)eb;
	(void)out;
	error_unsupported(err, "Sub-queries in expressions are not supported yet.");
	return error_at_pos(err, e->pos);
}

Status
join_subqueries(SelectBinder *sb, bool is_early, Error *err)
{
	(void)sb;
	(void)is_early;
	(void)err;
	return OK;
}
