#include "engine/share_file.h"

#include <stdlib.h>
#include <string.h>

#define OP_ID (-1)				/* no operator has it */
#define POSITIONS 0				/* tables */
#define ENDED 1
#define LOOK_NANOS 200000000	/* between two looks whether files are read */

/* The name of the input, a zero byte, the partition. */
static void
make_key(StrBuf *out, const char *input, int partition)
{
	uint32_t number = __builtin_bswap32((uint32_t)partition);

	strbuf_add(out, input, strlen(input) + 1);
	strbuf_add(out, &number, sizeof number);
}

static Status
get(Engine *engine, const char *query_id, int table, const char *input, int partition, int64_t *value, Error *err)
{
	StrBuf	key = {0}, bytes = {0};
	char	name[64];
	int64_t state_id;
	Status	status;

	epoch_state_name(name, sizeof name, OP_ID, table);
	TRY(store_state_open(engine->store, str_of(query_id), str_of(name), &state_id, err));
	make_key(&key, input, partition);
	status = store_state_get(engine->store, state_id, 0, strbuf_str(&key), &bytes, err);
	if (status == OK && bytes.length == sizeof *value)
		memcpy(value, strbuf_text(&bytes), sizeof *value);
	strbuf_free(&key);
	strbuf_free(&bytes);
	return status;
}

static void
put(StateBackend *state, int table, const char *input, int partition, int64_t value)
{
	StrBuf key = {0};

	make_key(&key, input, partition);
	state->put(state, OP_ID, table, strbuf_str(&key), str_make((const char *)&value, sizeof value));
	strbuf_free(&key);
}

bool
share_file_committed(const ShareRun *run, const char *input, int partition, int64_t *position)
{
	Error ignored;

	return get(run->share->engine, run->share->query->id, POSITIONS, input, partition, position, &ignored) == OK;
}

void
share_file_position(ShareRun *run, const char *input, int partition, int64_t position)
{
	if (partition >= run->n_positions) {
		run->positions = xrealloc(run->positions, sizeof *run->positions * (size_t)(partition + 1));
		while (run->n_positions <= partition)
			run->positions[run->n_positions++] = -1;
	}
	if (run->positions[partition] == position)
		return;
	run->positions[partition] = position;
	put(&run->backends[0]->backend, POSITIONS, input, partition, position);
}

bool
share_file_has_ended(const ShareRun *run)
{
	for (int i = 0; i < run->n_sources; i++) {
		int64_t value = 0;
		Error	ignored;

		if (get(run->share->engine, run->share->query->id, ENDED, run->sources[i].spec->input, 0, &value, &ignored) != OK || value == 0)
			return false;
	}
	return true;
}

void
share_file_end(ShareRun *run)
{
	run->has_ended = true;
	for (int i = 0; i < run->n_sources; i++)
		put(&run->backends[0]->backend, ENDED, run->sources[i].spec->input, 0, 1);
	kafka_group_set_position(run->share->group, run->sources[0].topic, 0, 0, FILES_READ);
}

/* ---- rows that wait for files ---- */

static bool
is_fed_by(const Fragment *fragment, const Fragment *feeder)
{
	for (int i = 0; i < fragment->n_feeders; i++)
		if (fragment->feeders[i] == feeder || is_fed_by(fragment->feeders[i], feeder))
			return true;
	return false;
}

bool
share_file_has_end(const ShareRun *run)
{
	for (int i = 0; i < run->n_sources; i++)
		if (run->sources[i].spec->kind != SOURCE_FILE || run->sources[i].spec->file->follow)
			return false;
	return true;
}

/* Whoever reads them has committed that they are at their end. */
static Status
files_are_read(Share *self, const ShareRun *files, bool *is_read, Error *err)
{
	int64_t position = -1;

	TRY(kafka_committed(self->engine->topics, self->group_id, files->sources[0].topic, &position, err));
	*is_read = position >= FILES_READ;
	if (*is_read && files->fragment->output != NULL) {
		Topic *output;
		Status status = OK;

		TRY(topics_find(self->engine->topics, str_of(files->fragment->output->name), &output, err));
		if (output != NULL)
			status = kafka_settle(self->engine->topics, output, &self->query->interrupted, err);
		if (status == FAILED)
			return FAILED;
		*is_read = status == OK;
	}
	return OK;
}

Status
share_file_look(ShareRun *run, bool *freed, Error *err)
{
	Share *self = run->share;
	bool   is_read = true;

	if (!run->is_waiting || nanos_now() < run->look_at)
		return OK;
	run->look_at = nanos_now() + LOOK_NANOS;
	for (int i = 0; i < self->n_runs && is_read; i++) {
		const ShareRun *files = &self->runs[i];

		if (files->fragment->file_topic != NULL && share_file_has_end(files) && is_fed_by(run->fragment, files->fragment))
			TRY(files_are_read(self, files, &is_read, err));
	}
	run->is_waiting = !is_read;
	*freed = *freed || is_read;
	return OK;
}

/* Whether a run of several inputs has one that comes from files.  That they are read already is found out when it is first asked. */
void
share_file_wait(Share *self)
{
	for (int i = 0; i < self->n_runs; i++) {
		ShareRun *run = &self->runs[i];

		run->look_at = 0;
		for (int k = 0; k < i && run->n_sources > 1; k++)
			run->is_waiting = run->is_waiting || (self->runs[k].fragment->file_topic != NULL && share_file_has_end(&self->runs[k])
												  && is_fed_by(run->fragment, self->runs[k].fragment));
	}
}
