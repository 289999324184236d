#include "engine/changelog.h"

#include <stdio.h>
#include <string.h>

#include "io/connector/kafka/kafka.h"

#define POSITION_MAX_MS (12LL * 3600 * 1000)	/* half of the time for which compaction keeps deletions by default */

/* ---- keys ---- */

static void
put_number(StrBuf *out, uint32_t number)
{
	number = __builtin_bswap32(number);
	strbuf_add(out, &number, sizeof number);
}

static uint32_t
get_number(const char *bytes)
{
	uint32_t number;

	memcpy(&number, bytes, sizeof number);
	return __builtin_bswap32(number);
}

void
changelog_key(StrBuf *out, int op_id, int table, Str key)
{
	strbuf_clear(out);
	put_number(out, (uint32_t)op_id);
	put_number(out, (uint32_t)table);
	strbuf_add_str(out, key);
}

/* ---- positions ---- */

static Str
time_name(const Topic *topic, char *name, size_t size)
{
	snprintf(name, size, "%s/time", topic->name.data);
	return str_of(name);
}

void
changelog_put_position(const Changelog *self, StoreUnit *unit, int64_t position)
{
	char name[512];

	store_unit_position(unit, str_of(self->query_id), self->topic->name, self->partition, position);
	store_unit_position(unit, str_of(self->query_id), time_name(self->topic, name, sizeof name), self->partition, env_now(self->engine->env));
}

int64_t
changelog_position(const Changelog *self, bool *is_old)
{
	int64_t position = 0, time = 0;
	Str		query = str_of(self->query_id);
	char	name[512];
	Error	ignored;

	*is_old = false;
	if (store_position_get(self->engine->store, query, self->topic->name, self->partition, &position, &ignored) != OK)
		return 0;
	if (store_position_get(self->engine->store, query, time_name(self->topic, name, sizeof name), self->partition, &time, &ignored) != OK)
		time = 0;
	*is_old = env_now(self->engine->env) - time > POSITION_MAX_MS;
	return position;
}

Status
changelog_forget_all(Engine *engine, const char *query_id, Error *err)
{
	StoreUnit *unit = store_unit_new(engine->store);
	Status	   status;

	store_unit_drop_query(unit, str_of(query_id));
	status = store_commit(engine->store, unit, err);
	store_unit_free(unit);
	return status;
}

/* ---- writing ---- */

void
changelog_writer_init(ChangelogWriter *self, const Changelog *changelog)
{
	*self = (ChangelogWriter){.changelog = *changelog, .unit = store_unit_new(changelog->engine->store), .state_op = -1};
}

void
changelog_writer_free(ChangelogWriter *self)
{
	store_unit_free(self->unit);
}

static Status
find_state(ChangelogWriter *self, uint32_t op_id, uint32_t table, Error *err)
{
	const Changelog *changelog = &self->changelog;
	char			 name[64];

	if (self->state_op == (int64_t)op_id && self->state_table == (int64_t)table)
		return OK;
	epoch_state_name(name, sizeof name, (int)op_id, (int)table);
	TRY(store_state_open(changelog->engine->store, str_of(changelog->query_id), str_of(name), &self->state_id, err));
	self->state_op = op_id;
	self->state_table = table;
	return OK;
}

static Status
write_record(ChangelogWriter *self, const Record *record, Error *err)
{
	int partition = self->changelog.partition;

	if (record->key_is_null || record->key.length < 8)
		return error_fatal(err, "The changelog %s has a record that is none of ours at %d/%lld", self->changelog.topic->name.data, partition,
						   (long long)record->offset);
	TRY(find_state(self, get_number(record->key.data), get_number(record->key.data + 4), err));
	Str key = str_make(record->key.data + 8, record->key.length - 8);

	if (record->value_is_null)
		store_unit_delete(self->unit, self->state_id, partition, key);
	else
		store_unit_put(self->unit, self->state_id, partition, key, record->value);
	return OK;
}

Status
changelog_write(ChangelogWriter *self, const Record *records, int n_records, Error *err)
{
	Status status = OK;

	for (int i = 0; i < n_records && status == OK; i++)
		status = write_record(self, &records[i], err);
	if (status == OK && n_records > 0) {
		changelog_put_position(&self->changelog, self->unit, records[n_records - 1].offset + 1);
		status = store_commit(self->changelog.engine->store, self->unit, err);
	}
	store_unit_clear(self->unit);
	if (status == OK)
		self->n_records += n_records;
	return status;
}

/* ---- restoring ---- */

typedef struct Restore {
	ChangelogWriter	 writer;
	int64_t			 end;		/* of the changelog when it began */
	_Atomic int64_t *left;
} Restore;

static void
tell_left(Restore *self, int64_t position)
{
	*self->left = self->end > position ? self->end - position : 0;
}

static Status
visit_records(void *context, const Record *records, int n_records, Error *err)
{
	Restore *self = context;

	TRY(changelog_write(&self->writer, records, n_records, err));
	tell_left(self, records[n_records - 1].offset + 1);
	return OK;
}

Status
changelog_restore(const Changelog *self, const _Atomic bool *interrupted, _Atomic int64_t *left, int64_t *n_records, Error *err)
{
	Restore restore = {.left = left};
	bool	is_old;
	int64_t from = changelog_position(self, &is_old), begin, next;
	Status	status;

	*n_records = 0;
	if (is_old)
		return DONE;
	TRY(topics_ends(self->engine->topics, self->topic, self->partition, &begin, &restore.end, err));
	tell_left(&restore, from);
	changelog_writer_init(&restore.writer, self);
	status = kafka_restore(self->engine->topics, self->topic, self->partition, from, interrupted, visit_records, &restore, &next, err);
	if (status == OK && next < 0)
		status = DONE;
	else if (status == OK && next > from) {
		changelog_put_position(self, restore.writer.unit, next);
		status = store_commit(self->engine->store, restore.writer.unit, err);
	}
	*left = 0;
	*n_records = restore.writer.n_records;
	changelog_writer_free(&restore.writer);
	return status;
}
