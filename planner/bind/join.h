#ifndef SLUICE_PLANNER_BIND_JOIN_H
#define SLUICE_PLANNER_BIND_JOIN_H

/* What the files of joins share. */
#include "planner/bind/bind.h"

typedef struct JoinPair {
	Expr		  *left, *right;			/* each over its own side's columns */
	const AstExpr *left_ast, *right_ast;
} JoinPair;

typedef struct Joining {
	Binder			  *binder;
	const AstRelation *relation;
	Logical			  *left, *right;
	Scope			  *left_scope, *right_scope;
	Scope			  *both;				/* columns of left, then right moved by left->n_columns; print names A.C */
	int				   n_pairs;
	JoinPair		  *pairs;
	Expr			  *residual;			/* over both */
	JoinKind		   kind;
	CompareOp		   asof_op;				/* ASOF: of the last pair */
} Joining;

static inline bool
is_column(const Expr *e, int index)
{
	return e->kind == EXPR_COLUMN && e->index == index;
}

/* ---- join_subqueries.c ---- */
/* Conjuncts of ON that have become columns, of the left or the right side; of an inner join those that filter its pairs. */
typedef struct OnConditions {
	const AstExpr *of_pairs;
	const AstExpr *rest;	/* of such an ON */
	int	  n;
	bool *is_left;
	int	 *columns;
} OnConditions;

/* Takes the conjuncts with sub-queries out of *on, which is NULL when nothing is left, and computes them with the rows of their side. */
/* DONE: one uses columns of both sides, and the join must be bound as join_as_lateral makes it. */
Status join_on_subqueries(Joining *j, const AstExpr **on, const SelectBinder *outer, OnConditions *out, Error *err);
AstRelation *join_as_lateral(Binder *b, const AstRelation *join);
/* Adds them to what pairs of rows must satisfy. */
void   join_add_conditions(Joining *j, const OnConditions *conditions);
Status join_filter_pairs(Joining *j, const OnConditions *conditions, Logical **rows, Scope *scope, Error *err);

/* ---- join_keys.c ---- */
/* True when the side's rows are keyed by what ON equals already. */
bool join_is_own_key(const Joining *j, const Scope *scope, const Logical *side, bool is_left);
/* What equals the key of the joined rows: what equalled the sides' keys, if they were kept, and the two sides of ON. */
void join_note_key_exprs(Joining *j, Scope *scope, bool left_kept, bool right_kept, int left_shift, int right_shift);
/* Keeps is_key on the columns known to equal the join key; a key that no column equals gets a name of its own. */
void join_mark_key(Joining *j, Scope *scope, const Logical *node, bool left_kept, bool right_kept, int n_left_columns, int left_shift,
				   int right_shift);
/* Of several keys: what ON equals each with, or a column of its own. */
void join_mark_keys(Joining *j, Scope *scope, const Logical *node, int left_shift, int right_shift);

#endif
