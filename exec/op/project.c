#include "exec/op/project.h"

typedef struct ProjectOp {
	Op		  op;
	Program **programs;
} ProjectOp;

static Status
project_open(Op *op, Error *err)
{
	ProjectOp		  *self = op_cast(ProjectOp, op, &op_project);
	const ProjectSpec *spec = op->spec;

	self->programs = arena_array(&op->arena, Program *, spec->n_columns);
	for (int c = 0; c < spec->n_columns; c++)
		TRY(program_compile(&op->arena, spec->columns[c], &self->programs[c], err));
	return OK;
}

static bool
batch_has_null_values(const Batch *in)
{
	if (in->row_kind != NULL)
		for (int32_t i = 0; i < in->n_rows; i++)
			if (row_kind_is_null((RowKind)in->row_kind[i]))
				return true;
	return false;
}

static const Batch *
project_drop_null_values(Op *op, const Batch *in)
{
	uint32_t *keep = arena_alloc(op_scratch(op), sizeof *keep * (size_t)in->n_rows);
	int32_t	  n = 0;

	for (int32_t i = 0; i < in->n_rows; i++)
		if (!row_kind_is_null(batch_row_kind(in, i)))
			keep[n++] = (uint32_t)i;
	return batch_select(op_scratch(op), in, keep, n);
}

static Status
project_push(Op *op, int port, const Batch *in, Error *err)
{
	ProjectOp		  *self = op_cast(ProjectOp, op, &op_project);
	const ProjectSpec *spec = op->spec;
	bool			   has_null_values = batch_has_null_values(in);
	const Vector	 **columns = arena_alloc(op_scratch(op), sizeof *columns * (size_t)(spec->n_columns + 1));

	(void)port;
	if (has_null_values && spec->drops_null_values) {
		in = project_drop_null_values(op, in);
		has_null_values = false;
		if (in->n_rows == 0)
			return OK;
	}
	for (int c = 0; c < spec->n_columns; c++) {
		TRY(program_eval(self->programs[c], op_services(op)->eval, in, &columns[c], err));
		if (has_null_values
			&& (c >= spec->n_key
				|| (spec->key_is_null_for_null_value != NULL && spec->key_is_null_for_null_value[c])))
			columns[c] = op_without_values(op, in, columns[c]);
	}
	Batch *out = batch_with_columns(op_scratch(op), in, columns, spec->n_columns);

	if (spec->to_event_time) {
		out->row_kind = NULL;
		out->window_start = out->window_end = NULL;
	}
	return op_emit(op, out, err);
}

static void
project_explain(const void *spec, Explain *out)
{
	const ProjectSpec *s = spec;

	explain_exprs(out, "columns", (Expr *const *)s->columns, s->n_columns);
	if (s->n_key > 0)
		explain_int(out, "key columns", s->n_key);
}

const OpType op_project = {
	.name = "Project",
	.size = sizeof(ProjectOp),
	.ports = 1,
	.open = project_open,
	.push = project_push,
	.is_parallel = true,
	.explain = project_explain,
};
