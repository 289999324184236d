/*
 * Operators that the planner can choose and that are not in this build: each refuses by name when it is opened.
 * A definition elsewhere takes the place of the weak one here.
 */
#include "exec/op/join_hash.h"
#include "exec/op/join_stream.h"
#include "exec/op/materialise.h"
#include "exec/op/sort.h"

static Status
pending_open(Op *op, Error *err)
{
	return error_unsupported(err, "%s is not supported yet", op->type->name);
}

#define PENDING(symbol, text) \
	__attribute__((weak)) const OpType symbol = {.name = text, .size = sizeof(Op), .ports = -1, .open = pending_open}

PENDING(op_join_foreign, "A foreign-key join");
PENDING(op_join_table_table, "A table-table join");
PENDING(op_join_stream_table, "A stream-table join");
PENDING(op_join_window, "A stream-stream join");
PENDING(op_materialise, "A bounded query over a table's topic");
