#include "exec/op/aggregate_impl.h"

Status aggregate_table_open(AggregateOp *self, Error *err) { (void)self; return error_unsupported(err, "Aggregates over tables are not supported yet"); }
Status aggregate_table_push(AggregateOp *self, PushData *data, Error *err) { (void)self, (void)data; return error_unsupported(err, "Aggregates over tables are not supported yet"); }
