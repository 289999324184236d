/*
 * Groups that end when they have had no row for ttl_ms of event time.  One row, in order:
 *	stream time := max(stream time, t); every group whose last row was at stream time - ttl_ms or before ends: DELETE with the time at
 *	which it ended, in order of that time, then of key bytes; then the row is taken
 * So a key that comes back begins anew, and results do not depend on how rows were cut into batches and epochs.
 */
#include "exec/op/aggregate_impl.h"

#include <stdlib.h>

static Status
note_group(AggregateOp *self, Group *group, Error *err)
{
	const AggregateSpec *spec = self->op.spec;
	StrBuf				 key = {0};
	Status				 status = group_table_key_bytes(&self->groups, group, spec->n_keys, op_scratch(&self->op), &key, err);

	if (status == OK)
		status = key_timer_note(&self->timer, key_timer_due(&self->timer, group->time), strbuf_str(&key),
								str_make((const char *)&group->number, sizeof group->number), err);
	group->is_noted = true;
	strbuf_free(&key);
	return status;
}

Status
aggregate_ttl_open(AggregateOp *self, Error *err)
{
	const AggregateSpec *spec = self->op.spec;

	TRY(key_timer_open(&self->timer, op_services(&self->op)->budget, spec->ttl_ms, err));
	for (uint32_t g = 0; g < self->groups.n_records; g++)
		if (group_table_at(&self->groups, g)->is_live)
			TRY(note_group(self, group_table_at(&self->groups, g), err));
	return OK;
}

Status
aggregate_ttl_note(AggregateOp *self, Group *const *groups, int32_t n, Error *err)
{
	for (int32_t i = 0; i < n; i++)
		if (!groups[i]->is_noted)
			TRY(note_group(self, groups[i], err));
	return OK;
}

/* Emits the groups as deleted at the times that they have been given, and drops them. */
static Status
end_groups(AggregateOp *self, Group **groups, uint32_t n, Error *err)
{
	if (n == 0)
		return OK;
	/* What waits for the end of the epoch came before. */
	if (self->n_changed > 0)
		TRY(aggregate_emit_changed(self, err));
	for (uint32_t g = 0; g < n; g++)
		groups[g]->time = key_timer_due(&self->timer, groups[g]->time);
	if (aggregate_emit_groups(self, groups, n, ROW_DELETE, err) == FAILED)
		return FAILED;
	aggregate_remove_groups(self, groups, n);
	return OK;
}

static Status
end_due(AggregateOp *self, Time now, Error *err)
{
	uint32_t n = 0, capacity = 0;
	Group  **ended = NULL;
	Status	 status = OK;
	Time	 due;
	Str		 key, value;

	while (status == OK && key_timer_next(&self->timer, now, &due, &key, &value)) {
		uint32_t number;
		Group	*group;
		Time	 ends;

		memcpy(&number, value.data, sizeof number);
		group = group_table_at(&self->groups, number);
		ends = key_timer_due(&self->timer, group->time);
		if (ends > due) {
			StrBuf copy = {0};

			strbuf_add_str(&copy, key);
			status = key_timer_note(&self->timer, ends, strbuf_str(&copy), str_make((const char *)&number, sizeof number), err);
			strbuf_free(&copy);
			continue;
		}
		grow_array(ended, n, capacity);
		ended[n++] = group;
	}
	if (status == OK)
		status = end_groups(self, ended, n, err);
	free(ended);
	return status;
}

Status
aggregate_ttl_push(AggregateOp *self, const Batch *in, Status (*push)(AggregateOp *self, const Batch *in, Error *err), Error *err)
{
	if (in->event_time == NULL)
		return error_bug(err, "An aggregate with TTL needs event time");
	for (int32_t first = 0; first < in->n_rows;) {
		int32_t n;

		if (in->event_time[first] > self->stream_time)
			self->stream_time = in->event_time[first];
		if (self->stream_time >= self->timer.next_due)
			TRY(end_due(self, self->stream_time, err));
		n = key_timer_run(&self->timer, in->event_time, first, in->n_rows, &self->stream_time);
		TRY(push(self, n < in->n_rows ? batch_slice(op_scratch(&self->op), in, first, n) : in, err));
		first += n;
	}
	return OK;
}

Status
aggregate_ttl_advance(AggregateOp *self, Time time, Error *err)
{
	/* The end of input is no time that passes: what is there stays. */
	if (time == INT64_MAX || time <= self->stream_time)
		return OK;
	self->stream_time = time;
	return time >= self->timer.next_due ? end_due(self, time, err) : OK;
}
