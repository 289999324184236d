#include "exec/op/exchange.h"

#include "data/key.h"

typedef struct ExchangeOp {
	Op		 op;
	Encoder *key;
	StrBuf	 bytes;
	int64_t	 n_keyless;
	int		 n_ended;		/* of the first instance: instances that have finished */
} ExchangeOp;

static Status
exchange_open(Op *op, Error *err)
{
	ExchangeOp		   *self = op_cast(ExchangeOp, op, &op_exchange);
	const ExchangeSpec *spec = op->spec;

	if (spec->key == NULL)
		return OK;
	return spec->key->format->encoder_new(&op->arena, spec->key, &self->key, err);
}

static bool
key_has_null(const ExchangeSpec *spec, const Batch *in, int32_t row)
{
	for (int k = 0; k < spec->n_key; k++)
		if (!vector_is_valid(in->columns[k], row))
			return true;
	return false;
}

Status
exchange_place(const ExchangeSpec *spec, Encoder *key, const Batch *in, int32_t row, int own, int n_partitions, int64_t *n_keyless, StrBuf *bytes,
			   bool *is_null, int *out, Error *err)
{
	bool has_null = spec->null_keys != NULL_KEYS_ROUND && key_has_null(spec, in, row);

	if (spec->n_partitions > 0 && spec->n_partitions < n_partitions)
		n_partitions = spec->n_partitions;
	*is_null = false;
	strbuf_clear(bytes);
	if (key != NULL)
		TRY(key->encode(key, in->columns, row, bytes, is_null, err));
	else
		key_encode(in->columns, spec->n_key, row, bytes);
	if (has_null || spec->null_keys == NULL_KEYS_MOVE)
		*out = has_null ? 0 : own;
	else
		*out = *is_null ? (int)((*n_keyless)++ % n_partitions) : key_partition(strbuf_str(bytes), n_partitions);
	return OK;
}

/* The partition that a row belongs to: that of its serialised key; rows without a key go round. */
static Status
exchange_partition(ExchangeOp *self, const Batch *in, int32_t row, int n_partitions, int *out, Error *err)
{
	bool is_null;

	return exchange_place(self->op.spec, self->key, in, row, (int)op_services(&self->op)->partition, n_partitions, &self->n_keyless,
						  &self->bytes, &is_null, out, err);
}

static bool
exchange_has_nulls(const ExchangeOp *self, const Batch *in)
{
	const ExchangeSpec *spec = self->op.spec;

	for (int k = 0; k < spec->n_key; k++)
		for (int32_t i = 0; vector_base(in->columns[k])->validity != NULL && i < in->n_rows; i++)
			if (!vector_is_valid(in->columns[k], i))
				return true;
	return false;
}

/* The outputs are the instances of the next fragment, by partition. */
static Status
exchange_push(Op *op, int port, const Batch *in, Error *err)
{
	ExchangeOp *self = op_cast(ExchangeOp, op, &op_exchange);
	Arena	   *arena = op_scratch(op);
	int			n = op->n_outputs;
	int		   *to;
	uint32_t   *rows;
	Batch	   *flat;

	(void)port;
	if (n == 1)
		return op_emit(op, in, err);
	if (((const ExchangeSpec *)op->spec)->null_keys == NULL_KEYS_MOVE && !exchange_has_nulls(self, in)) {
		op->rows_out += in->n_rows;
		n = op_services(op)->partition;
		return op_push(op->outputs[n].op, op->outputs[n].port, in, err) == FAILED ? FAILED : OK;
	}
	to = arena_alloc(arena, sizeof *to * (size_t)in->n_rows);
	rows = arena_alloc(arena, sizeof *rows * (size_t)in->n_rows);
	flat = batch_slice(arena, in, 0, in->n_rows);
	flat->columns = arena_array(arena, const Vector *, in->n_columns + 1);
	for (int c = 0; c < in->n_columns; c++)
		flat->columns[c] = vector_flatten(arena, in->columns[c]);
	for (int32_t i = 0; i < in->n_rows; i++)
		TRY(exchange_partition(self, flat, i, n, &to[i], err));
	op->rows_out += in->n_rows;
	for (int p = 0; p < n; p++) {
		int32_t n_rows = 0;

		for (int32_t i = 0; i < in->n_rows; i++)
			if (to[i] == p)
				rows[n_rows++] = (uint32_t)i;
		if (n_rows > 0) {
			uint32_t *mine = arena_memdup(arena, rows, sizeof *rows * (size_t)n_rows);

			if (op_push(op->outputs[p].op, op->outputs[p].port, batch_select(arena, flat, mine, n_rows), err) == FAILED)
				return FAILED;
		}
	}
	return OK;
}

/*
 * Event time and the end go on only when every instance has come to them: the next fragment is fed by all of them.  Event time is told to
 * the partitions in order, so the last one is when all know it.
 */
static Status
exchange_advance(Op *op, int port, Time time, Error *err)
{
	(void)port;
	return op_services(op)->partition == op->n_outputs - 1 ? op_advance_outputs(op, time, err) : OK;
}

static Status
exchange_finish(Op *op, int port, Error *err)
{
	ExchangeOp *first = op_cast(ExchangeOp, op->primary != NULL ? op->primary : op, &op_exchange);

	(void)port;
	if (++first->n_ended < first->op.n_inputs)
		return OK;
	TRY(op_advance_outputs(op, INT64_MAX, err));
	return op_finish_outputs(op, err);
}

static void
exchange_close(Op *op)
{
	strbuf_free(&op_cast(ExchangeOp, op, &op_exchange)->bytes);
}

static void
exchange_explain(const void *spec, Explain *out)
{
	const ExchangeSpec *s = spec;

	explain_int(out, "key columns", s->n_key);
	if (s->key != NULL)
		explain_text(out, "key format", s->key->format->name);
}

const OpType op_exchange = {
	.name = "Exchange",
	.size = sizeof(ExchangeOp),
	.ports = 1,
	.open = exchange_open,
	.push = exchange_push,
	.advance = exchange_advance,
	.finish = exchange_finish,
	.close = exchange_close,
	.explain = exchange_explain,
};
