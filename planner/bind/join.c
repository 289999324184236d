/* Joins. */
#include "planner/bind/bind.h"

Status
bind_join(Binder *b, const AstRelation *relation, SelectBinder *outer, Logical **out, Scope *scope, Error *err)
{
	(void)b;
	(void)outer;
	(void)out;
	(void)scope;
	error_unsupported(err, "Joins are not supported yet.");
	return error_at_pos(err, relation->pos);
}
