/*
 * The one place that changes anything.  Units wait in a queue; the writer takes all that are there and applies them in
 * one transaction:
 *
 *	begin; apply each unit (offsets are assigned here); commit		-> the database has them
 *	publish: tails, end offsets, new and dropped topics				-> readers see them
 *	wake readers; tell each submitter
 *
 * If a unit cannot be applied the transaction is rolled back and each unit tried on its own, so that one bad unit fails
 * alone.  If the commit fails, all fail.  In memory mode the submitter does the same steps itself.
 */
#include <stdlib.h>

#include "store/store_impl.h"

/* About what one transaction takes from the queue, so that the log file stays near its checkpoint size. */
#define BATCH_BYTES (32 << 20)

/* ------------------------------------------------------------------------------------------------ applying a unit -- */

static Status
topic_check(const StoreTopic *topic, int partition, Error *err)
{
	if (topic->is_dropped || topic->is_dropping)
		return error_user(err, "Topic `%s` was dropped", topic->name.data);
	if (partition < 0 || partition >= topic->n_partitions)
		return error_bug(err, "Topic `%s` has no partition %d", topic->name.data, partition);
	return OK;
}

static Status
apply_records(Db *db, StoreUnit *unit, Error *err)
{
	bool		  is_stored = !store_in_memory(unit->store);
	sqlite3_stmt *insert = NULL;

	if (is_stored && unit->n_appenders > 0 && (insert = db_statement(db, SQL_RECORDS_INSERT, err)) == NULL)
		return FAILED;
	for (int i = 0; i < unit->n_appenders; i++) {
		StoreAppender  *appender = unit->appenders[i];
		StorePartition *partition;

		TRY(topic_check(appender->topic, appender->partition, err));
		partition = &appender->topic->partitions[appender->partition];
		appender->base_offset = partition->next_offset;
		for (int c = 0; c < appender->n_chunks; c++) {
			StoreChunk *chunk = appender->chunks[c];

			chunk->base_offset = partition->next_offset;
			partition->next_offset += chunk->n_records;
			if (!is_stored)
				continue;
			sqlite3_bind_int64(insert, 1, appender->topic->id);
			sqlite3_bind_int(insert, 2, appender->partition);
			sqlite3_bind_int64(insert, 3, chunk->base_offset);
			sqlite3_bind_int(insert, 4, chunk->n_records);
			sqlite3_bind_int64(insert, 5, chunk->max_timestamp);
			db_bind_blob(insert, 6, (Str){chunk->bytes, chunk->length});
			TRY(db_run(db, insert, "appending records", err));
		}
	}
	return OK;
}

static Status
apply_range(Db *db, Str from, Str to, Error *err)
{
	sqlite3_stmt *range = db_statement(db, SQL_STATE_DELETE_RANGE, err);

	if (range == NULL)
		return FAILED;
	db_bind_blob(range, 1, from);
	db_bind_blob(range, 2, to);
	return db_run(db, range, "deleting state", err);
}

static bool
states_are_puts(const StateOp *ops, int n)
{
	for (int i = 0; i < n; i++) {
		if (ops[i].value.data == NULL)
			return false;
	}
	return true;
}

static Status
apply_state(Db *db, StoreUnit *unit, Error *err)
{
	sqlite3_stmt *put, *put_many, *delete;

	for (int i = 0; i < unit->n_ranges; i++)
		TRY(apply_range(db, unit->ranges[i].from, unit->ranges[i].to, err));
	if (unit->n_states == 0)
		return OK;
	put = db_statement(db, SQL_STATE_PUT, err);
	put_many = db_statement(db, SQL_STATE_PUT_MANY, err);
	delete = db_statement(db, SQL_STATE_DELETE, err);
	if (put == NULL || put_many == NULL || delete == NULL)
		return FAILED;
	for (int i = 0; i < unit->n_states;) {
		StateOp		 *op = &unit->states[i];
		int			  n = 1;
		sqlite3_stmt *statement = delete;

		/* Many rows a statement: what it costs to start one is as much as writing a row. */
		if (unit->n_states - i >= STATE_PUT_MANY && states_are_puts(op, STATE_PUT_MANY)) {
			statement = put_many;
			n = STATE_PUT_MANY;
		} else if (op->value.data != NULL) {
			statement = put;
		}
		for (int j = 0; j < n; j++) {
			db_bind_blob(statement, 2 * j + 1, op[j].key);
			if (op[j].value.data != NULL)
				db_bind_blob(statement, 2 * j + 2, op[j].value);
		}
		TRY(db_run(db, statement, "writing state", err));
		i += n;
	}
	return OK;
}

static Status
apply_text(Db *db, Sql sql, Str text, const char *doing, Error *err)
{
	sqlite3_stmt *statement = db_statement(db, sql, err);

	if (statement == NULL)
		return FAILED;
	db_bind_text(statement, 1, text);
	return db_run(db, statement, doing, err);
}

/* All state of a query: a range of keys for each of its states. */
static Status
apply_drop(Db *db, Str query, Error *err)
{
	sqlite3_stmt *list = db_statement(db, SQL_STATES_OF_QUERY, err);
	Status		  status;

	if (list == NULL)
		return FAILED;
	db_bind_text(list, 1, query);
	while ((status = db_step(db, list, "dropping the state of a query", err)) == OK) {
		char from[STATE_PREFIX_BYTES], to[STATE_PREFIX_BYTES];

		state_prefix(from, sqlite3_column_int64(list, 0), 0);
		state_prefix(to, sqlite3_column_int64(list, 0) + 1, 0);
		status = apply_range(db, (Str){from, sizeof from}, (Str){to, sizeof to}, err);
		if (status != OK)
			break;
	}
	sqlite3_reset(list);
	return status == FAILED ? FAILED : OK;
}

static Status
apply_open(Db *db, OpenStateOp *op, Error *err)
{
	sqlite3_stmt *insert = db_statement(db, SQL_STATES_INSERT, err), *get = db_statement(db, SQL_STATES_GET, err);

	if (insert == NULL || get == NULL)
		return FAILED;
	db_bind_text(insert, 1, op->query);
	db_bind_text(insert, 2, op->name);
	TRY(db_run(db, insert, "making a state", err));
	db_bind_text(get, 1, op->query);
	db_bind_text(get, 2, op->name);
	if (db_step(db, get, "making a state", err) != OK)
		return FAILED;
	op->id = sqlite3_column_int64(get, 0);
	sqlite3_reset(get);
	return OK;
}

static Status
apply_rest(Db *db, StoreUnit *unit, Error *err)
{
	sqlite3_stmt *statement;

	for (int i = 0; i < unit->n_positions; i++) {
		PositionOp *op = &unit->positions[i];

		if ((statement = db_statement(db, SQL_POSITION_PUT, err)) == NULL)
			return FAILED;
		db_bind_text(statement, 1, op->query);
		db_bind_text(statement, 2, op->input);
		sqlite3_bind_int(statement, 3, op->partition);
		sqlite3_bind_int64(statement, 4, op->next_offset);
		TRY(db_run(db, statement, "writing positions", err));
	}
	for (int i = 0; i < unit->n_commands; i++) {
		TRY(apply_text(db, SQL_COMMAND_INSERT, unit->commands[i].text, "writing a command", err));
		unit->commands[i].sequence = sqlite3_last_insert_rowid(db->handle);
	}
	for (int i = 0; i < unit->n_metas; i++) {
		MetaOp *op = &unit->metas[i];

		if ((statement = db_statement(db, op->value.data != NULL ? SQL_META_PUT : SQL_META_DELETE, err)) == NULL)
			return FAILED;
		db_bind_text(statement, 1, op->name);
		if (op->value.data != NULL)
			db_bind_blob(statement, 2, op->value);
		TRY(db_run(db, statement, "writing a setting", err));
	}
	return OK;
}

static Status
apply_topic_create(Db *db, StoreTopic *topic, Error *err)
{
	Store		 *store = topic->store;
	sqlite3_stmt *insert;
	Status		  status;

	if (store_in_memory(store)) {
		if (store_topic_find(store, topic->name) != NULL)
			return error_user(err, "Topic `%s` exists already", topic->name.data);
		topic->id = ++store->last_topic_id;
		return OK;
	}
	if ((insert = db_statement(db, SQL_TOPIC_INSERT, err)) == NULL)
		return FAILED;
	db_bind_text(insert, 1, topic->name);
	sqlite3_bind_int(insert, 2, topic->n_partitions);
	sqlite3_bind_int64(insert, 3, topic->config.retention_ms);
	sqlite3_bind_int(insert, 4, topic->config.is_compacted);
	status = db_run(db, insert, "making a topic", err);
	if (status != OK && (sqlite3_errcode(db->handle) & 0xff) == SQLITE_CONSTRAINT)
		return error_user(err, "Topic `%s` exists already", topic->name.data);
	topic->id = sqlite3_last_insert_rowid(db->handle);
	return status;
}

static Status
apply_topic_drop(Db *db, StoreTopic *topic, Error *err)
{
	static const Sql steps[] = {SQL_RECORDS_DROP, SQL_TRIM_DROP, SQL_TOPIC_DELETE};

	topic->is_dropping = true;
	for (int i = 0; i < 3 && !store_in_memory(topic->store); i++) {
		sqlite3_stmt *statement = db_statement(db, steps[i], err);

		if (statement == NULL)
			return FAILED;
		sqlite3_bind_int64(statement, 1, topic->id);
		TRY(db_run(db, statement, "dropping a topic", err));
	}
	return OK;
}

static Status
apply_topic_trim(Db *db, TopicOp *op, Error *err)
{
	StorePartition *partition = &op->topic->partitions[op->partition];
	sqlite3_stmt   *delete, *put;

	/* What is open in this transaction is not in reach of a trim. */
	if (op->before_offset > partition->next_offset)
		op->before_offset = partition->next_offset;
	if (store_in_memory(op->topic->store))
		return OK;
	delete = db_statement(db, SQL_RECORDS_TRIM, err);
	put = db_statement(db, SQL_TRIM_PUT, err);
	if (delete == NULL || put == NULL)
		return FAILED;
	sqlite3_bind_int64(delete, 1, op->topic->id);
	sqlite3_bind_int(delete, 2, op->partition);
	sqlite3_bind_int64(delete, 3, op->before_offset);
	TRY(db_run(db, delete, "removing old records", err));
	sqlite3_bind_int64(put, 1, op->topic->id);
	sqlite3_bind_int(put, 2, op->partition);
	sqlite3_bind_int64(put, 3, op->before_offset);
	sqlite3_bind_int64(put, 4, partition->next_offset);
	return db_run(db, put, "removing old records", err);
}

static Status
apply_topic_alter(Db *db, TopicOp *op, Error *err)
{
	sqlite3_stmt *update;

	if (store_in_memory(op->topic->store))
		return OK;
	if ((update = db_statement(db, SQL_TOPIC_UPDATE, err)) == NULL)
		return FAILED;
	sqlite3_bind_int64(update, 1, op->topic->id);
	sqlite3_bind_int64(update, 2, op->config.retention_ms);
	sqlite3_bind_int(update, 3, op->config.is_compacted);
	return db_run(db, update, "changing a topic", err);
}

static Status
apply_topic(Db *db, TopicOp *op, Error *err)
{
	if (op->kind == TOPIC_CREATE)
		return apply_topic_create(db, op->topic, err);
	TRY(topic_check(op->topic, op->partition, err));
	switch (op->kind) {
	case TOPIC_ALTER:
		return apply_topic_alter(db, op, err);
	case TOPIC_TRIM:
		return apply_topic_trim(db, op, err);
	default:
		return apply_topic_drop(db, op->topic, err);
	}
}

static Status
unit_apply(Db *db, StoreUnit *unit, Error *err)
{
	if (env_fault(unit->store->env, "store.write"))
		return db_error_code(unit->store, SQLITE_IOERR, "injected fault", "writing it", err);
	for (int i = 0; i < unit->n_drops; i++) {
		TRY(apply_drop(db, unit->drops[i], err));
		TRY(apply_text(db, SQL_POSITION_DROP, unit->drops[i], "dropping the positions of a query", err));
	}
	for (int i = 0; i < unit->n_opens; i++)
		TRY(apply_open(db, &unit->opens[i], err));
	for (int i = 0; i < unit->n_topics; i++) {
		if (unit->topics[i].kind != TOPIC_DROP)
			TRY(apply_topic(db, &unit->topics[i], err));
	}
	TRY(apply_records(db, unit, err));
	TRY(apply_state(db, unit, err));
	TRY(apply_rest(db, unit, err));
	for (int i = 0; i < unit->n_topics; i++) {
		if (unit->topics[i].kind == TOPIC_DROP)
			TRY(apply_topic(db, &unit->topics[i], err));
	}
	return OK;
}

/* ------------------------------------------------------------------------------------------------ a transaction -- */

/* Makes a committed unit visible to readers; Store.lock is held. */
static bool
unit_publish(Store *store, StoreUnit *unit)
{
	bool has_appended = false;

	for (int i = 0; i < unit->n_topics; i++) {
		TopicOp *op = &unit->topics[i];

		if (op->kind == TOPIC_CREATE)
			topic_publish(store, op->topic);
		else if (op->kind == TOPIC_ALTER)
			op->topic->config = op->config;
		else if (op->kind == TOPIC_TRIM)
			topic_trimmed(store, &op->topic->partitions[op->partition], op->before_offset);
	}
	for (int i = 0; i < unit->n_appenders; i++) {
		StoreAppender  *appender = unit->appenders[i];
		StorePartition *partition = &appender->topic->partitions[appender->partition];

		for (int c = 0; c < appender->n_chunks; c++)
			topic_append(store, partition, appender->chunks[c]);
		if (appender->n_records > 0) {
			appender->topic->touched = store->n_appends + 1;
			has_appended = true;
		}
	}
	for (int i = 0; i < unit->n_topics; i++) {
		if (unit->topics[i].kind == TOPIC_DROP)
			topic_dropped(store, unit->topics[i].topic);
	}
	return has_appended;
}

/* Forgets what the writer had noted of units that were not committed. */
static void
units_forget(StoreUnit *units)
{
	for (StoreUnit *unit = units; unit != NULL; unit = unit->next) {
		for (int i = 0; i < unit->n_appenders; i++) {
			StoreAppender *appender = unit->appenders[i];

			appender->base_offset = -1;
			if (appender->partition >= 0 && appender->partition < appender->topic->n_partitions) {
				StorePartition *partition = &appender->topic->partitions[appender->partition];

				partition->next_offset = partition->end_offset;
			}
		}
		for (int i = 0; i < unit->n_topics; i++)
			unit->topics[i].topic->is_dropping = false;
	}
}

static Status
commit_transaction(Store *store, Db *db, Error *err)
{
	if (env_fault(store->env, "store.full"))
		return db_error_code(store, SQLITE_FULL, "injected fault", "committing", err);
	if (env_fault(store->env, "store.commit"))
		return db_error_code(store, SQLITE_IOERR, "injected fault", "committing", err);
	return db != NULL ? db_exec(db, SQL_COMMIT, "committing", err) : OK;
}

/*
 * Applies a list of units as one transaction and publishes it.  `db` NULL: none of them needs the database.
 * *failed_at_commit tells whether trying them one by one makes sense.
 */
static Status
units_commit(Store *store, Db *db, StoreUnit *units, bool *failed_at_commit, uint64_t *n_appends, Error *err)
{
	bool   has_appended = false;
	Status status = db != NULL ? db_exec(db, SQL_BEGIN, "beginning to write", err) : OK;

	*failed_at_commit = false;
	for (StoreUnit *unit = units; status == OK && unit != NULL; unit = unit->next)
		status = unit_apply(db, unit, err);
	/* Who sees a position of this transaction must find the records that came of it: see store_position_get. */
	pthread_mutex_lock(&store->commit_lock);
	if (status == OK) {
		status = commit_transaction(store, db, err);
		*failed_at_commit = status != OK;
	}
	if (status != OK) {
		Error ignored;

		pthread_mutex_unlock(&store->commit_lock);

		/* Some failures have rolled it back already. */
		if (db != NULL && !sqlite3_get_autocommit(db->handle))
			db_exec(db, SQL_ROLLBACK, "rolling back", &ignored);
		pthread_mutex_lock(&store->lock);
		units_forget(units);
		pthread_mutex_unlock(&store->lock);
		return FAILED;
	}
	pthread_mutex_lock(&store->lock);
	for (StoreUnit *unit = units; unit != NULL; unit = unit->next)
		has_appended |= unit_publish(store, unit);
	cache_evict(store);
	if (has_appended) {
		*n_appends = ++store->n_appends;
		pthread_cond_broadcast(&store->appended);
	}
	pthread_mutex_unlock(&store->lock);
	pthread_mutex_unlock(&store->commit_lock);
	return OK;
}

/* Calls who listens to a topic that commit number `n_appends` touched (or a later one: one call too many is harmless). */
static void
listeners_call(Store *store, uint64_t n_appends)
{
	if (n_appends == 0)
		return;
	pthread_mutex_lock(&store->listener_lock);
	for (int i = 0; i < store->n_listenings; i++) {
		StoreListening *listening = &store->listenings[i];

		if (listening->topic == NULL || listening->topic->touched >= n_appends)
			listening->listener(listening->context);
	}
	pthread_mutex_unlock(&store->listener_lock);
}

/* --------------------------------------------------------------------------------------------- memory: inline -- */

static bool
unit_needs_db(const StoreUnit *unit)
{
	return unit->n_states + unit->n_ranges + unit->n_positions + unit->n_commands + unit->n_metas + unit->n_opens +
			   unit->n_drops > 0;
}

Status
writer_commit_inline(Store *store, StoreUnit *unit, Error *err)
{
	uint64_t n_appends = 0;
	bool	 ignored;
	Db		*db = NULL;
	Status	 status;

	unit->next = NULL;
	if (unit_needs_db(unit)) {
		TRY(db_acquire(store, &db, err));
		status = units_commit(store, db, unit, &ignored, &n_appends, err);
		db_release(store, db);
	} else {
		pthread_mutex_lock(&store->write_lock);
		status = units_commit(store, NULL, unit, &ignored, &n_appends, err);
		pthread_mutex_unlock(&store->write_lock);
	}
	listeners_call(store, n_appends);
	return status;
}

/* --------------------------------------------------------------------------------------------- the writer's thread -- */

/* Takes units from the queue, about BATCH_BYTES; NULL when the store closes and nothing is left. */
static StoreUnit *
queue_take(Store *store)
{
	StoreUnit *units, *last;
	int64_t	   size_bytes;

	pthread_mutex_lock(&store->lock);
	while (store->queue_head == NULL && !store->is_closing)
		pthread_cond_wait(&store->submitted, &store->lock);
	units = last = store->queue_head;
	if (units != NULL) {
		size_bytes = store_unit_size_bytes(last);
		while (last->next != NULL && size_bytes < BATCH_BYTES) {
			last = last->next;
			size_bytes += store_unit_size_bytes(last);
		}
		store->queue_head = last->next;
		if (store->queue_head == NULL)
			store->queue_tail = NULL;
		last->next = NULL;
	}
	pthread_mutex_unlock(&store->lock);
	return units;
}

static void
units_done(StoreUnit *units, Status status, const Error *err)
{
	while (units != NULL) {
		StoreUnit *unit = units;

		units = unit->next;		/* the unit may be freed by its owner */
		unit->next = NULL;
		unit->done(unit->context, unit, status, err);
	}
}

static void
writer_run(Store *store, StoreUnit *units)
{
	bool	 failed_at_commit;
	uint64_t n_appends = 0;
	Error	 err;
	Status	 status;

	memset(&err, 0, sizeof err);
	status = units_commit(store, store->writer, units, &failed_at_commit, &n_appends, &err);
	if (status == OK || failed_at_commit || units->next == NULL) {
		listeners_call(store, n_appends);
		units_done(units, status, &err);
		return;
	}
	while (units != NULL) {
		StoreUnit *unit = units;

		units = unit->next;
		unit->next = NULL;
		writer_run(store, unit);
	}
}

void *
writer_main(void *context)
{
	Store	  *store = context;
	StoreUnit *units;

	while ((units = queue_take(store)) != NULL)
		writer_run(store, units);
	return NULL;
}

void
store_submit(Store *store, StoreUnit *unit, StoreDone done, void *context)
{
	unit->done = done;
	unit->context = context;
	unit->next = NULL;
	unit_seal(unit);
	if (store_in_memory(store)) {
		Error  err;
		Status status;

		memset(&err, 0, sizeof err);
		status = writer_commit_inline(store, unit, &err);
		done(context, unit, status, &err);
		return;
	}
	pthread_mutex_lock(&store->lock);
	if (store->queue_tail != NULL)
		store->queue_tail->next = unit;
	else
		store->queue_head = unit;
	store->queue_tail = unit;
	pthread_cond_signal(&store->submitted);
	pthread_mutex_unlock(&store->lock);
}

typedef struct CommitWait {
	pthread_mutex_t lock;
	pthread_cond_t	finished;
	bool			is_done;
	Status			status;
	Error		   *err;
} CommitWait;

static void
commit_done(void *context, StoreUnit *unit, Status status, const Error *err)
{
	CommitWait *wait = context;

	(void)unit;
	pthread_mutex_lock(&wait->lock);
	wait->status = status;
	if (status != OK && wait->err != NULL)
		*wait->err = *err;
	wait->is_done = true;
	pthread_cond_signal(&wait->finished);
	pthread_mutex_unlock(&wait->lock);
}

Status
store_commit(Store *store, StoreUnit *unit, Error *err)
{
	CommitWait wait = {.lock = PTHREAD_MUTEX_INITIALIZER, .finished = PTHREAD_COND_INITIALIZER, .err = err};

	if (store_in_memory(store)) {
		unit_seal(unit);
		return writer_commit_inline(store, unit, err);
	}
	store_submit(store, unit, commit_done, &wait);
	pthread_mutex_lock(&wait.lock);
	while (!wait.is_done)
		pthread_cond_wait(&wait.finished, &wait.lock);
	pthread_mutex_unlock(&wait.lock);
	pthread_cond_destroy(&wait.finished);
	pthread_mutex_destroy(&wait.lock);
	return wait.status;
}
