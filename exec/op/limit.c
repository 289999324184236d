#include "exec/op/limit.h"

typedef struct LimitOp {
	Op		op;
	int64_t skip;		/* rows still to drop */
	int64_t left;		/* rows still to let pass */
} LimitOp;

static int64_t
min_rows(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static Status
limit_open(Op *op, Error *err)
{
	LimitOp			*self = op_cast(LimitOp, op, &op_limit);
	const LimitSpec *spec = op->spec;

	(void)err;
	self->skip = spec->n_skip;
	self->left = spec->n_rows;
	return self->left > 0 ? OK : DONE;
}

static Status
limit_push(Op *op, int port, const Batch *in, Error *err)
{
	LimitOp *self = op_cast(LimitOp, op, &op_limit);
	int64_t	 skip = min_rows(self->skip, in->n_rows);
	int64_t	 take = min_rows(self->left, in->n_rows - skip);

	(void)port;
	self->skip -= skip;
	self->left -= take;
	if (take == in->n_rows)
		TRY(op_emit(op, in, err));
	else if (take > 0)
		TRY(op_emit(op, batch_slice(op_scratch(op), in, (int32_t)skip, (int32_t)take), err));
	return self->left > 0 ? OK : DONE;
}

static void
limit_explain(const void *spec, Explain *out)
{
	const LimitSpec *s = spec;

	if (s->n_rows != INT64_MAX)
		explain_int(out, "rows", s->n_rows);
	if (s->n_skip > 0)
		explain_int(out, "skip", s->n_skip);
}

const OpType op_limit = {
	.name = "Limit",
	.size = sizeof(LimitOp),
	.ports = 1,
	.open = limit_open,
	.push = limit_push,
	.explain = limit_explain,
};

const OpType op_union = {
	.name = "Union",
	.size = sizeof(Op),
	.ports = -1,
};
