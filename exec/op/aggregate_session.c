#include "exec/op/aggregate_impl.h"

Status aggregate_session_open(AggregateOp *self, Error *err) { (void)self; return error_unsupported(err, "Session windows are not supported yet"); }
Status aggregate_session_push(AggregateOp *self, PushData *data, Error *err) { (void)self, (void)data; return error_unsupported(err, "Session windows are not supported yet"); }
Status aggregate_session_advance(AggregateOp *self, Error *err) { (void)self, (void)err; return OK; }
Status aggregate_session_finish(AggregateOp *self, Error *err) { (void)self, (void)err; return OK; }
Status aggregate_session_flush(AggregateOp *self, Error *err) { (void)self, (void)err; return OK; }
Status aggregate_session_merge(AggregateOp *self, AggregateOp *other, Error *err) { (void)self, (void)other, (void)err; return OK; }
void aggregate_session_close(AggregateOp *self) { (void)self; }
