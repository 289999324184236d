#include "exec/op/aggregate_impl.h"

Status aggregate_state_load(AggregateOp *self, Error *err) { (void)self; return error_unsupported(err, "Durable aggregates are not supported yet"); }
Status aggregate_state_flush(AggregateOp *self, Error *err) { (void)self, (void)err; return OK; }
void aggregate_state_removed(AggregateOp *self, const Group *group) { (void)self, (void)group; }
