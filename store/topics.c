/*
 * Topics: the list of them, the tail of each partition that is kept in memory, fetches, retention.
 *
 * In memory mode the tails are everything: nothing is evicted and SQLite holds no records.  Otherwise the tail cache
 * drops the oldest chunk of all when it is full, which is the oldest of its partition too, so that what a partition
 * has in memory always reaches from some offset to its end without a gap.
 */
#include <stdlib.h>
#include <time.h>

#include "store/store_impl.h"

#define TAIL_CACHE_BYTES (32 << 20)
#define CACHE_CHUNK_OVERHEAD 128	/* of a chunk's own memory */

/* One unit of retention: chunks of one partition. */
#define RETENTION_CHUNKS 512

/* ------------------------------------------------------------------------------------------------ list of topics -- */

StoreTopic *
topic_new(Store *store, Str name, const StoreTopicConfig *config)
{
	StoreTopic *topic = xcalloc(1, sizeof *topic);
	char	   *copy = xmalloc(name.length + 1);

	memcpy(copy, name.data, name.length);
	copy[name.length] = '\0';
	topic->store = store;
	topic->name = (Str){copy, name.length};
	topic->config = *config;
	topic->n_partitions = config->n_partitions;
	topic->partitions = xcalloc((size_t)config->n_partitions, sizeof *topic->partitions);
	return topic;
}

static void
partition_clear(StorePartition *partition)
{
	for (int i = 0; i < partition->n_chunks; i++)
		chunk_release(partition->chunks[partition->first + i]);
	partition->first = partition->n_chunks = 0;
}

void
topic_free(StoreTopic *topic)
{
	for (int p = 0; p < topic->n_partitions; p++) {
		partition_clear(&topic->partitions[p]);
		free(topic->partitions[p].chunks);
	}
	free(topic->partitions);
	free((char *)topic->name.data);
	free(topic);
}

StoreTopic *
topic_find_locked(Store *store, Str name)
{
	for (int i = store->n_topics; i-- > 0;) {
		if (!store->topics[i]->is_dropped && str_equal(store->topics[i]->name, name))
			return store->topics[i];
	}
	return NULL;
}

StoreTopic *
store_topic_find(Store *store, Str name)
{
	StoreTopic *topic;

	pthread_mutex_lock(&store->lock);
	topic = topic_find_locked(store, name);
	pthread_mutex_unlock(&store->lock);
	return topic;
}

static int
topic_compare(const void *a, const void *b)
{
	return str_compare((*(StoreTopic *const *)a)->name, (*(StoreTopic *const *)b)->name);
}

int
store_topic_list(Store *store, Arena *arena, StoreTopic ***out)
{
	int n = 0;

	pthread_mutex_lock(&store->lock);
	*out = arena_array(arena, StoreTopic *, store->n_topics + 1);
	for (int i = 0; i < store->n_topics; i++) {
		if (!store->topics[i]->is_dropped)
			(*out)[n++] = store->topics[i];
	}
	pthread_mutex_unlock(&store->lock);
	qsort(*out, (size_t)n, sizeof **out, topic_compare);
	return n;
}

void
topic_publish(Store *store, StoreTopic *topic)
{
	grow_array(store->topics, store->n_topics, store->topic_capacity);
	store->topics[store->n_topics++] = topic;
}

void
topic_dropped(Store *store, StoreTopic *topic)
{
	(void)store;
	topic->is_dropped = true;
	for (int p = 0; p < topic->n_partitions; p++)
		partition_clear(&topic->partitions[p]);
}

Str
store_topic_name(const StoreTopic *topic)
{
	return topic->name;
}

StoreTopicConfig
store_topic_config(Store *store, const StoreTopic *topic)
{
	StoreTopicConfig config;

	pthread_mutex_lock(&store->lock);
	config = topic->config;
	pthread_mutex_unlock(&store->lock);
	return config;
}

int64_t
store_topic_begin_offset(Store *store, const StoreTopic *topic, int partition)
{
	int64_t offset;

	pthread_mutex_lock(&store->lock);
	offset = topic->partitions[partition].begin_offset;
	pthread_mutex_unlock(&store->lock);
	return offset;
}

int64_t
store_topic_end_offset(Store *store, const StoreTopic *topic, int partition)
{
	int64_t offset;

	pthread_mutex_lock(&store->lock);
	offset = topic->partitions[partition].end_offset;
	pthread_mutex_unlock(&store->lock);
	return offset;
}

static Status
partition_load(Db *db, const StoreTopic *topic, int p, Error *err)
{
	StorePartition *partition = &topic->partitions[p];
	sqlite3_stmt   *last = db_statement(db, SQL_RECORDS_LAST, err), *trim = db_statement(db, SQL_TRIM_GET, err);
	Status			status = FAILED;

	if (last == NULL || trim == NULL)
		return FAILED;
	sqlite3_bind_int64(last, 1, topic->id);
	sqlite3_bind_int(last, 2, p);
	status = db_step(db, last, "loading the topics", err);
	if (status == OK)
		partition->end_offset = sqlite3_column_int64(last, 0);
	sqlite3_reset(last);
	if (status == FAILED)
		return FAILED;
	sqlite3_bind_int64(trim, 1, topic->id);
	sqlite3_bind_int(trim, 2, p);
	status = db_step(db, trim, "loading the topics", err);
	if (status == OK) {
		partition->begin_offset = sqlite3_column_int64(trim, 0);
		if (sqlite3_column_int64(trim, 1) > partition->end_offset)
			partition->end_offset = sqlite3_column_int64(trim, 1);
	}
	sqlite3_reset(trim);
	partition->next_offset = partition->end_offset;
	return status == FAILED ? FAILED : OK;
}

Status
topics_load(Store *store, Db *db, Error *err)
{
	sqlite3_stmt *list = db_statement(db, SQL_TOPIC_LIST, err);
	Status		  status;

	if (list == NULL)
		return FAILED;
	while ((status = db_step(db, list, "loading the topics", err)) == OK) {
		StoreTopicConfig config = {.n_partitions = sqlite3_column_int(list, 2),
								   .retention_ms = sqlite3_column_int64(list, 3),
								   .is_compacted = sqlite3_column_int(list, 4) != 0};
		StoreTopic		*topic;

		if (config.n_partitions < 1 || config.n_partitions > 65536) {
			status = db_error_code(store, SQLITE_CORRUPT, "a topic without partitions", "loading the topics", err);
			break;
		}
		topic = topic_new(store, db_column(list, 1), &config);
		topic->id = sqlite3_column_int64(list, 0);
		topic_publish(store, topic);
		for (int p = 0; status == OK && p < topic->n_partitions; p++)
			status = partition_load(db, topic, p, err);
		if (status != OK)
			break;
	}
	sqlite3_reset(list);
	return status == FAILED ? FAILED : OK;
}

/* ----------------------------------------------------------------------------------------------- tails in memory -- */

static void
partition_drop_first(StorePartition *partition)
{
	chunk_release(partition->chunks[partition->first]);
	partition->first++;
	if (--partition->n_chunks == 0)
		partition->first = 0;
}

void
topic_append(Store *store, StorePartition *partition, StoreChunk *chunk)
{
	/* Room: slide down when half is dead, which costs one move per chunk in all. */
	if (partition->first + partition->n_chunks == partition->capacity) {
		if (partition->first > partition->capacity / 2) {
			memmove(partition->chunks, partition->chunks + partition->first,
					(size_t)partition->n_chunks * sizeof *partition->chunks);
			partition->first = 0;
		} else {
			partition->capacity = partition->capacity > 0 ? partition->capacity * 2 : 8;
			partition->chunks = xrealloc(partition->chunks, (size_t)partition->capacity * sizeof *partition->chunks);
		}
	}
	partition->chunks[partition->first + partition->n_chunks++] = chunk_share(chunk);
	partition->end_offset = chunk->base_offset + chunk->n_records;
	if (store_in_memory(store))
		return;
	if (store->cache_n == store->cache_capacity) {
		size_t		old = store->cache_capacity, capacity = old > 0 ? old * 2 : 256;
		CacheEntry *grown = xmalloc(capacity * sizeof *grown);

		for (size_t i = 0; i < store->cache_n; i++)
			grown[i] = store->cache[(store->cache_first + i) % old];
		free(store->cache);
		store->cache = grown;
		store->cache_first = 0;
		store->cache_capacity = capacity;
	}
	store->cache[(store->cache_first + store->cache_n++) % store->cache_capacity] =
		(CacheEntry){partition, chunk->base_offset, (int64_t)chunk->capacity + CACHE_CHUNK_OVERHEAD};
	store->cache_bytes += (int64_t)chunk->capacity + CACHE_CHUNK_OVERHEAD;
}

void
cache_evict(Store *store)
{
	int64_t limit = store->options.tail_cache_bytes > 0 ? store->options.tail_cache_bytes : TAIL_CACHE_BYTES;

	while (store->cache_bytes > limit && store->cache_n > 0) {
		CacheEntry	   *entry = &store->cache[store->cache_first];
		StorePartition *partition = entry->partition;

		/* A trim or a drop may have taken it already. */
		if (partition->n_chunks > 0 && partition->chunks[partition->first]->base_offset == entry->base_offset)
			partition_drop_first(partition);
		store->cache_bytes -= entry->size_bytes;
		store->cache_first = (store->cache_first + 1) % store->cache_capacity;
		store->cache_n--;
	}
}

void
topic_trimmed(Store *store, StorePartition *partition, int64_t before_offset)
{
	(void)store;
	while (partition->n_chunks > 0) {
		StoreChunk *chunk = partition->chunks[partition->first];

		if (chunk->base_offset + chunk->n_records > before_offset)
			break;
		partition_drop_first(partition);
	}
	if (before_offset > partition->begin_offset)
		partition->begin_offset = before_offset;
}

/* Index (from first) of the chunk that holds `offset`; -1 if it isn't in memory. */
static int
partition_find_chunk(const StorePartition *partition, int64_t offset)
{
	StoreChunk *const *chunks = partition->chunks + partition->first;
	int				   low = 0, high = partition->n_chunks;

	if (high == 0 || offset < chunks[0]->base_offset)
		return -1;
	while (high - low > 1) {
		int middle = (low + high) / 2;

		if (chunks[middle]->base_offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* ------------------------------------------------------------------------------------------------------- fetches -- */

static void
records_release(StoreRecords *records, int keep)
{
	for (int i = 0; i < records->n_chunks; i++) {
		if (i != keep)
			chunk_release(records->chunks[i]);
	}
	if (keep >= 0)
		records->chunks[0] = records->chunks[keep];
	records->n_chunks = keep >= 0 ? 1 : 0;
}

void
store_records_free(StoreRecords *records)
{
	records_release(records, -1);
	free(records->records);
	free(records->chunks);
	arena_free(&records->headers);
	*records = (StoreRecords){0};
}

static void
records_add_chunk(StoreRecords *records, StoreChunk *chunk)
{
	grow_array(records->chunks, records->n_chunks, records->chunk_capacity);
	records->chunks[records->n_chunks++] = chunk;
}

typedef struct ReadLimit {
	int64_t end_offset;
	int		max_records;
	int64_t bytes_left;
} ReadLimit;

static Status
chunk_damaged(Store *store, const StoreTopic *topic, int partition, int64_t offset, Error *err)
{
	error_fatal(err, "Topic `%s`, partition %d: the stored records at offset %lld are damaged in `%s`", topic->name.data,
				partition, (long long)offset, store->path);
	return error_hint(err, "Nothing was deleted. Restore the data directory from a backup, or drop and fill the topic.");
}

/* Decodes from where the cursor stands; DONE when a limit is reached before the chunk's end. */
static Status
records_decode(StoreRecords *out, StoreTopic *topic, int partition, ChunkCursor *cursor, int64_t from_offset,
			   ReadLimit *limit, Error *err)
{
	const StoreChunk *chunk = cursor->chunk;
	int64_t			  chunk_end = chunk->base_offset + chunk->n_records;
	Record			  skipped;

	while (cursor->offset < from_offset && cursor->offset < chunk_end) {
		if (!chunk_next(cursor, &skipped, NULL))
			return chunk_damaged(topic->store, topic, partition, cursor->offset, err);
	}
	while (cursor->offset < chunk_end) {
		Record *record;

		if (cursor->offset >= limit->end_offset || out->n_records >= limit->max_records ||
			(limit->bytes_left <= 0 && out->n_records > 0))
			return DONE;
		grow_array(out->records, out->n_records, out->capacity);
		record = &out->records[out->n_records];
		if (!chunk_next(cursor, record, &out->headers))
			return chunk_damaged(topic->store, topic, partition, cursor->offset, err);
		record->partition = partition;
		limit->bytes_left -= (int64_t)(record->key.length + record->value.length);
		out->n_records++;
	}
	return OK;
}

/* Decodes the chunk that was added last and notes where it stopped, so that the next fetch can go on there. */
static Status
records_take_chunk(StoreRecords *out, StoreTopic *topic, int partition, int64_t from_offset, ReadLimit *limit, Error *err)
{
	ChunkCursor cursor;
	Status		status;

	chunk_cursor_init(&cursor, out->chunks[out->n_chunks - 1]);
	status = records_decode(out, topic, partition, &cursor, from_offset, limit, err);
	out->next_offset = cursor.offset;
	out->resume_topic = topic;
	out->resume_partition = partition;
	out->resume_position = cursor.position;
	out->resume_timestamp = cursor.timestamp;
	return status;
}

/* The rest of a chunk of which the fetch before gave the beginning. */
static Status
records_resume(StoreRecords *out, StoreTopic *topic, int partition, int64_t from_offset, ReadLimit *limit, Error *err)
{
	ChunkCursor cursor = {.chunk = out->chunks[0], .position = out->resume_position, .offset = from_offset,
						  .timestamp = out->resume_timestamp};
	Status		status = records_decode(out, topic, partition, &cursor, from_offset, limit, err);

	out->next_offset = cursor.offset;
	out->resume_position = cursor.position;
	out->resume_timestamp = cursor.timestamp;
	return status;
}

static Status
records_read_stored(Store *store, StoreTopic *topic, int partition, int64_t from_offset, ReadLimit *limit,
					StoreRecords *out, Error *err)
{
	Db			 *db;
	sqlite3_stmt *statement;
	Status		  status = FAILED;

	TRY(db_acquire(store, &db, err));
	statement = db_statement(db, SQL_RECORDS_READ, err);
	if (statement == NULL)
		goto out;
	sqlite3_bind_int64(statement, 1, topic->id);
	sqlite3_bind_int(statement, 2, partition);
	sqlite3_bind_int64(statement, 3, from_offset);
	while ((status = db_step(db, statement, "reading records", err)) == OK) {
		int64_t		base_offset = sqlite3_column_int64(statement, 0);
		int			n_records = sqlite3_column_int(statement, 1);
		StoreChunk *chunk;
		Str			bytes;

		if (base_offset >= limit->end_offset) {
			status = DONE;
			break;
		}
		if (base_offset + n_records <= from_offset)
			continue;
		bytes = db_column(statement, 3);
		chunk = chunk_new(bytes.length);
		memcpy(chunk->bytes, bytes.data, bytes.length);
		chunk->length = bytes.length;
		chunk->base_offset = base_offset;
		chunk->n_records = n_records;
		chunk->max_timestamp = sqlite3_column_int64(statement, 2);
		records_add_chunk(out, chunk);
		status = records_take_chunk(out, topic, partition, from_offset, limit, err);
		if (status != OK || out->n_records >= limit->max_records || limit->bytes_left <= 0)
			break;
	}
	sqlite3_reset(statement);
	if (status == DONE)
		status = OK;
out:
	db_release(store, db);
	return status;
}

Status
store_topic_read(Store *store, StoreTopic *topic, int partition, int64_t from_offset, int max_records, int64_t max_bytes,
				 StoreRecords *out, Error *err)
{
	ReadLimit		limit = {.max_records = max_records > 0 ? max_records : INT32_MAX,
							 .bytes_left = max_bytes > 0 ? max_bytes : INT64_MAX};
	StorePartition *tail;
	bool			can_resume;
	int				i;
	Status			status = OK;

	out->n_records = 0;
	arena_reset(&out->headers);
	if (topic->is_dropped)
		return error_user(err, "Topic `%s` was dropped", topic->name.data);
	if (partition < 0 || partition >= topic->n_partitions)
		return error_bug(err, "Topic `%s` has no partition %d", topic->name.data, partition);
	tail = &topic->partitions[partition];
	pthread_mutex_lock(&store->lock);
	limit.end_offset = tail->end_offset;
	if (from_offset < tail->begin_offset)
		from_offset = tail->begin_offset;
	pthread_mutex_unlock(&store->lock);

	can_resume = out->n_chunks > 0 && out->resume_topic == topic && out->resume_partition == partition &&
				 out->next_offset == from_offset &&
				 from_offset < out->chunks[out->n_chunks - 1]->base_offset + out->chunks[out->n_chunks - 1]->n_records;
	records_release(out, can_resume ? out->n_chunks - 1 : -1);
	out->next_offset = from_offset;
	if (from_offset >= limit.end_offset)
		return DONE;
	if (can_resume)
		status = records_resume(out, topic, partition, from_offset, &limit, err);
	if (status != OK || out->n_records >= limit.max_records || (limit.bytes_left <= 0 && out->n_records > 0) ||
		out->next_offset >= limit.end_offset)
		return status == FAILED ? FAILED : OK;

	/* Tails: take shares of what is wanted under the lock (about: encoded bytes), decode outside of it. */
	from_offset = out->next_offset;
	pthread_mutex_lock(&store->lock);
	i = partition_find_chunk(tail, from_offset);
	if (i >= 0) {
		int		n_before = out->n_chunks, n_wanted;
		int64_t n_bytes = 0, n_records = out->n_records;

		for (; i < tail->n_chunks && n_records < (int64_t)limit.max_records && n_bytes < limit.bytes_left; i++) {
			StoreChunk *chunk = tail->chunks[tail->first + i];

			if (chunk->base_offset >= limit.end_offset)
				break;
			n_records += n_bytes == 0 ? chunk->base_offset + chunk->n_records - from_offset : chunk->n_records;
			n_bytes += (int64_t)chunk->length;
			records_add_chunk(out, chunk_share(chunk));
		}
		pthread_mutex_unlock(&store->lock);
		n_wanted = out->n_chunks;
		for (out->n_chunks = n_before; status == OK && out->n_chunks < n_wanted;) {
			out->n_chunks++;
			status = records_take_chunk(out, topic, partition, from_offset, &limit, err);
		}
		/* The chunk where decoding stopped must be the last, so that the next fetch resumes there. */
		for (int j = out->n_chunks; j < n_wanted; j++)
			chunk_release(out->chunks[j]);
		return status == FAILED ? FAILED : OK;
	}
	pthread_mutex_unlock(&store->lock);
	if (!store_in_memory(store))
		TRY(records_read_stored(store, topic, partition, from_offset, &limit, out, err));
	return out->n_records > 0 ? OK : DONE;
}

/* ------------------------------------------------------------------------------------------------ time and age -- */

/* Base offset of the first chunk that has a record of `timestamp` or later; -1: none. */
static Status
chunk_at(Store *store, StoreTopic *topic, int p, Time timestamp, int64_t *base_offset, Error *err)
{
	StorePartition *partition = &topic->partitions[p];
	sqlite3_stmt   *statement;
	Status			status = FAILED;
	Db			   *db;

	*base_offset = -1;
	if (store_in_memory(store)) {
		pthread_mutex_lock(&store->lock);
		for (int i = 0; i < partition->n_chunks && *base_offset < 0; i++) {
			if (partition->chunks[partition->first + i]->max_timestamp >= timestamp)
				*base_offset = partition->chunks[partition->first + i]->base_offset;
		}
		pthread_mutex_unlock(&store->lock);
		return OK;
	}
	TRY(db_acquire(store, &db, err));
	statement = db_statement(db, SQL_RECORDS_AT, err);
	if (statement != NULL) {
		sqlite3_bind_int64(statement, 1, topic->id);
		sqlite3_bind_int(statement, 2, p);
		sqlite3_bind_int64(statement, 3, timestamp);
		status = db_step(db, statement, "looking for an offset by time", err);
		if (status == OK)
			*base_offset = sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
	}
	db_release(store, db);
	return status == FAILED ? FAILED : OK;
}

Status
store_topic_offset_at(Store *store, StoreTopic *topic, int partition, Time timestamp, int64_t *offset, Error *err)
{
	StoreRecords records = {0};
	int64_t		 base_offset;
	Status		 status;

	TRY(chunk_at(store, topic, partition, timestamp, &base_offset, err));
	*offset = store_topic_end_offset(store, topic, partition);
	if (base_offset < 0)
		return OK;
	/* Usually within that chunk, but a trim may have cut its beginning off, so that the search goes on. */
	while ((status = store_topic_read(store, topic, partition, base_offset, 0, 1 << 20, &records, err)) == OK) {
		for (int i = 0; i < records.n_records; i++) {
			if (records.records[i].timestamp >= timestamp) {
				*offset = records.records[i].offset;
				status = DONE;
				break;
			}
		}
		if (status == DONE)
			break;
		base_offset = records.next_offset;
	}
	store_records_free(&records);
	return status == FAILED ? FAILED : OK;
}

/* The end of the oldest chunks, at most RETENTION_CHUNKS, of which every record is older than `before`. */
static Status
partition_expired(Store *store, StoreTopic *topic, int p, Time before, int64_t *offset, Error *err)
{
	StorePartition *partition = &topic->partitions[p];
	sqlite3_stmt   *statement;
	Status			status = FAILED;
	Db			   *db;

	*offset = -1;
	if (store_in_memory(store)) {
		pthread_mutex_lock(&store->lock);
		for (int i = 0; i < partition->n_chunks; i++) {
			StoreChunk *chunk = partition->chunks[partition->first + i];

			if (chunk->max_timestamp >= before)
				break;
			*offset = chunk->base_offset + chunk->n_records;
		}
		pthread_mutex_unlock(&store->lock);
		return OK;
	}
	TRY(db_acquire(store, &db, err));
	statement = db_statement(db, SQL_RECORDS_EXPIRED, err);
	if (statement != NULL) {
		sqlite3_bind_int64(statement, 1, topic->id);
		sqlite3_bind_int(statement, 2, p);
		for (int i = 0; i < RETENTION_CHUNKS; i++) {
			status = db_step(db, statement, "looking for old records", err);
			if (status != OK || sqlite3_column_int64(statement, 1) >= before)
				break;
			*offset = sqlite3_column_int64(statement, 0);
		}
		sqlite3_reset(statement);
	}
	db_release(store, db);
	return status == FAILED ? FAILED : OK;
}

static Status
partition_enforce_retention(Store *store, StoreTopic *topic, int partition, Time before, Error *err)
{
	StoreUnit *unit = store_unit_new(store);
	Status	   status = OK;
	int64_t	   offset, trimmed = -1;

	while (status == OK) {
		TRY_OUT(partition_expired(store, topic, partition, before, &offset, err));
		if (offset <= trimmed)
			break;
		store_unit_clear(unit);
		store_unit_trim(unit, topic, partition, trimmed = offset);
		TRY_OUT(store_commit(store, unit, err));
	}
out:
	store_unit_free(unit);
	return status;
}

Status
store_enforce_retention(Store *store, Error *err)
{
	Time		 now = env_now(store->env);
	Arena		 arena = {0};
	StoreTopic **topics;
	int			 n = store_topic_list(store, &arena, &topics);
	Status		 status = OK;

	for (int i = 0; i < n; i++) {
		int64_t retention_ms = store_topic_config(store, topics[i]).retention_ms;

		for (int p = 0; retention_ms >= 0 && p < topics[i]->n_partitions; p++) {
			status = partition_enforce_retention(store, topics[i], p, now - retention_ms, err);
			if (status == FAILED && topics[i]->is_dropped)
				status = OK;	/* by somebody else, meanwhile */
			TRY_OUT(status);
		}
	}
out:
	arena_free(&arena);
	return status;
}

/* ------------------------------------------------------------------------------------------------------ waking -- */

uint64_t
store_append_count(Store *store)
{
	return store->n_appends;
}

bool
store_append_wait(Store *store, uint64_t seen, int64_t timeout_ms)
{
	struct timespec until;
	bool			has_grown;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&store->lock);
	while (store->n_appends == seen && pthread_cond_timedwait(&store->appended, &store->lock, &until) == 0)
		;
	has_grown = store->n_appends != seen;
	pthread_mutex_unlock(&store->lock);
	return has_grown;
}

int
store_listen(Store *store, StoreTopic *topic, StoreListener listener, void *context)
{
	int id;

	pthread_mutex_lock(&store->listener_lock);
	grow_array(store->listenings, store->n_listenings, store->listening_capacity);
	id = ++store->last_listening;
	store->listenings[store->n_listenings++] = (StoreListening){id, topic, listener, context};
	pthread_mutex_unlock(&store->listener_lock);
	return id;
}

void
store_unlisten(Store *store, int id)
{
	pthread_mutex_lock(&store->listener_lock);
	for (int i = 0; i < store->n_listenings; i++) {
		if (store->listenings[i].id == id) {
			store->listenings[i] = store->listenings[--store->n_listenings];
			break;
		}
	}
	pthread_mutex_unlock(&store->listener_lock);
}
