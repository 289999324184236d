/*
 * Connections: opening, the schema and its migrations, statements that stay prepared, and SQLite's errors in our words.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/store_impl.h"

#define APPLICATION_ID 0x736c7563	/* "sluc": marks the file as ours */

/* Step n brings a file from version n to n + 1.  Released steps never change; add one at the end. */
static const char *const migrations[] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE commands (sequence INTEGER PRIMARY KEY, command TEXT NOT NULL);"
	"CREATE TABLE topics (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,"
	" retention_ms INTEGER NOT NULL, is_compacted INTEGER NOT NULL);"
	"CREATE TABLE trims (topic_id INTEGER, partition INTEGER, begin_offset INTEGER NOT NULL,"
	" end_offset INTEGER NOT NULL, PRIMARY KEY (topic_id, partition)) WITHOUT ROWID;"
	/* Not WITHOUT ROWID: comparing with a key of such a table reads the row whole, with a chunk of 128 KiB in it. */
	"CREATE TABLE records (topic_id INTEGER, partition INTEGER, base_offset INTEGER, count INTEGER NOT NULL,"
	" max_timestamp INTEGER NOT NULL, chunk BLOB NOT NULL, PRIMARY KEY (topic_id, partition, base_offset));"
	"CREATE TABLE states (id INTEGER PRIMARY KEY AUTOINCREMENT, query TEXT NOT NULL, name TEXT NOT NULL,"
	" UNIQUE (query, name));"
	/* The key begins with state and partition (state_key): one blob compares three times as fast as three columns. */
	"CREATE TABLE state (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE positions (query TEXT, input TEXT, partition INTEGER, next_offset INTEGER NOT NULL,"
	" PRIMARY KEY (query, input, partition)) WITHOUT ROWID;",
};

#define N_MIGRATIONS (int)(sizeof migrations / sizeof *migrations)

static const char *const sql_texts[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_RECORDS_INSERT] = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?)",
	[SQL_RECORDS_READ] =
		"SELECT base_offset, count, max_timestamp, chunk FROM records WHERE topic_id = ?1 AND partition = ?2 AND"
		" base_offset >= coalesce((SELECT base_offset FROM records WHERE topic_id = ?1 AND partition = ?2 AND"
		" base_offset <= ?3 ORDER BY base_offset DESC LIMIT 1), ?3) ORDER BY base_offset",
	[SQL_RECORDS_LAST] = "SELECT base_offset + count FROM records WHERE topic_id = ? AND partition = ?"
						 " ORDER BY base_offset DESC LIMIT 1",
	[SQL_RECORDS_TRIM] = "DELETE FROM records WHERE topic_id = ?1 AND partition = ?2 AND base_offset < ?3 AND"
						 " base_offset + count <= ?3",
	[SQL_RECORDS_DROP] = "DELETE FROM records WHERE topic_id = ?",
	[SQL_RECORDS_EXPIRED] = "SELECT base_offset + count, max_timestamp FROM records WHERE topic_id = ? AND partition = ?"
							" ORDER BY base_offset",
	[SQL_RECORDS_AT] = "SELECT base_offset FROM records WHERE topic_id = ? AND partition = ? AND max_timestamp >= ?"
					   " ORDER BY base_offset LIMIT 1",
	[SQL_TOPIC_INSERT] = "INSERT INTO topics (name, partitions, retention_ms, is_compacted) VALUES (?, ?, ?, ?)",
	[SQL_TOPIC_UPDATE] = "UPDATE topics SET retention_ms = ?2, is_compacted = ?3 WHERE id = ?1",
	[SQL_TOPIC_DELETE] = "DELETE FROM topics WHERE id = ?",
	[SQL_TOPIC_LIST] = "SELECT id, name, partitions, retention_ms, is_compacted FROM topics ORDER BY id",
	[SQL_TRIM_PUT] = "REPLACE INTO trims VALUES (?, ?, ?, ?)",
	[SQL_TRIM_GET] = "SELECT begin_offset, end_offset FROM trims WHERE topic_id = ? AND partition = ?",
	[SQL_TRIM_DROP] = "DELETE FROM trims WHERE topic_id = ?",
	[SQL_STATE_PUT] = "INSERT INTO state VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	[SQL_STATE_PUT_MANY] = "INSERT INTO state VALUES (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?),"
						   " (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?), (?, ?)"
						   " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	[SQL_STATE_DELETE] = "DELETE FROM state WHERE key = ?",
	[SQL_STATE_DELETE_RANGE] = "DELETE FROM state WHERE key >= ? AND key < ?",
	[SQL_STATE_GET] = "SELECT value FROM state WHERE key = ?",
	[SQL_STATE_SCAN] = "SELECT key, value FROM state WHERE key >= ? AND key < ? ORDER BY key",
	[SQL_STATES_OF_QUERY] = "SELECT id FROM states WHERE query = ?",
	[SQL_STATES_INSERT] = "INSERT OR IGNORE INTO states (query, name) VALUES (?, ?)",
	[SQL_STATES_GET] = "SELECT id FROM states WHERE query = ? AND name = ?",
	[SQL_POSITION_PUT] = "REPLACE INTO positions VALUES (?, ?, ?, ?)",
	[SQL_POSITION_GET] = "SELECT next_offset FROM positions WHERE query = ? AND input = ? AND partition = ?",
	[SQL_POSITION_DROP] = "DELETE FROM positions WHERE query = ?",
	[SQL_META_PUT] = "REPLACE INTO meta VALUES (?, ?)",
	[SQL_META_DELETE] = "DELETE FROM meta WHERE name = ?",
	[SQL_META_GET] = "SELECT value FROM meta WHERE name = ?",
	[SQL_COMMAND_INSERT] = "INSERT INTO commands (command) VALUES (?)",
	[SQL_COMMAND_SCAN] = "SELECT sequence, command FROM commands WHERE sequence > ? ORDER BY sequence",
};

Status
db_error_code(Store *store, int code, const char *text, const char *doing, Error *err)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		error_fatal(err, "No space is left for `%s` while %s", store->path, doing);
		return error_hint(err, "Free some space on that disk. Nothing was lost; what stopped can be resumed.");
	case SQLITE_NOTADB:
		error_fatal(err, "`%s` is not a database of sluice, or its beginning is damaged (%s)", store->path, text);
		return error_hint(err, "Nothing was changed. Restore the file from a backup, or move it away and start anew.");
	case SQLITE_CORRUPT:
		error_fatal(err, "The database `%s` is damaged (%s, found while %s)", store->path, text, doing);
		return error_hint(err, "Nothing was deleted. Restore the file from a backup, or save what can be read with "
							   "`sqlite3 %s .recover`, or move it away and start anew.", store->path);
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
		error_fatal(err, "Cannot open or write `%s` while %s: %s", store->path, doing, text);
		return error_hint(err, "Check that the directory exists and that you may write in it.");
	case SQLITE_IOERR:
		error_fatal(err, "Reading or writing `%s` failed while %s: %s (%s)", store->path, doing, text,
					errno != 0 ? strerror(errno) : "no cause given");
		return error_hint(err, "Check the disk. What was committed before is kept.");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		error_fatal(err, "`%s` is locked by another program while %s", store->path, doing);
		return error_hint(err, "Close other programs (such as the sqlite3 shell) that have this file open.");
	case SQLITE_TOOBIG:
		return error_fatal(err, "A record or value is too large for the store (over 1 GB) while %s", doing);
	default:
		return error_fatal(err, "`%s`: %s (code %d) while %s", store->path, text, code, doing);
	}
}

Status
db_error(Db *db, const char *doing, Error *err)
{
	return db_error_code(db->store, sqlite3_extended_errcode(db->handle), sqlite3_errmsg(db->handle), doing, err);
}

sqlite3_stmt *
db_statement(Db *db, Sql sql, Error *err)
{
	if (db->statements[sql] == NULL &&
		sqlite3_prepare_v3(db->handle, sql_texts[sql], -1, SQLITE_PREPARE_PERSISTENT, &db->statements[sql], NULL) !=
			SQLITE_OK) {
		db_error(db, "preparing a statement", err);
		return NULL;
	}
	return db->statements[sql];
}

Status
db_step(Db *db, sqlite3_stmt *statement, const char *doing, Error *err)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return OK;
	if (code == SQLITE_DONE)
		return DONE;
	return db_error(db, doing, err);
}

Status
db_run(Db *db, sqlite3_stmt *statement, const char *doing, Error *err)
{
	Status status = db_step(db, statement, doing, err);

	sqlite3_reset(statement);
	return status == FAILED ? FAILED : OK;
}

Status
db_exec(Db *db, Sql sql, const char *doing, Error *err)
{
	sqlite3_stmt *statement = db_statement(db, sql, err);

	return statement == NULL ? FAILED : db_run(db, statement, doing, err);
}

void
db_bind_blob(sqlite3_stmt *statement, int i, Str bytes)
{
	sqlite3_bind_blob64(statement, i, bytes.length > 0 ? bytes.data : "", bytes.length, SQLITE_STATIC);
}

void
db_bind_text(sqlite3_stmt *statement, int i, Str text)
{
	sqlite3_bind_text64(statement, i, text.length > 0 ? text.data : "", text.length, SQLITE_STATIC, SQLITE_UTF8);
}

Str
db_column(sqlite3_stmt *statement, int i)
{
	const void *data = sqlite3_column_blob(statement, i);
	int			length = sqlite3_column_bytes(statement, i);

	return (Str){length > 0 ? data : "", (size_t)length};
}

static Status
db_pragma(Db *db, const char *text, Error *err)
{
	return sqlite3_exec(db->handle, text, NULL, NULL, NULL) == SQLITE_OK ? OK : db_error(db, "setting it up", err);
}

static Status
db_pragma_int(Db *db, const char *text, int64_t *out, Error *err)
{
	sqlite3_stmt *statement = NULL;
	Status		  status = OK;

	if (sqlite3_prepare_v2(db->handle, text, -1, &statement, NULL) != SQLITE_OK)
		return db_error(db, "opening it", err);
	if (sqlite3_step(statement) == SQLITE_ROW)
		*out = sqlite3_column_int64(statement, 0);
	else
		status = db_error(db, "opening it", err);
	sqlite3_finalize(statement);
	return status;
}

static void
sqlite_set_up(void)
{
	/* Counting allocations takes a lock around each; nobody reads the counters. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_initialize();
}

Status
db_open(Store *store, bool is_writer, Db **out, Error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int					  flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	Db					 *db = xcalloc(1, sizeof *db);
	Status				  status = OK;

	pthread_once(&once, sqlite_set_up);
	db->store = store;
	if (is_writer)
		flags |= SQLITE_OPEN_CREATE;
	errno = 0;
	if (sqlite3_open_v2(store->path, &db->handle, flags, NULL) != SQLITE_OK) {
		status = db->handle != NULL ? db_error(db, "opening it", err) : error_fatal(err, "No memory for SQLite");
		goto out;
	}
	sqlite3_busy_timeout(db->handle, 10000);
	if (store_in_memory(store)) {
		TRY_OUT(db_pragma(db, "PRAGMA page_size = 8192; PRAGMA journal_mode = MEMORY; PRAGMA temp_store = MEMORY", err));
	} else if (is_writer) {
		/* 16 KiB pages: a chunk of records is few pages, and sorted state shares them.  A checkpoint each 64 MiB. */
		TRY_OUT(db_pragma(db, "PRAGMA page_size = 16384", err));
		TRY_OUT(db_pragma(db, "PRAGMA journal_mode = WAL", err));
		TRY_OUT(db_pragma(db, store->options.durability == STORE_DURABILITY_POWER ? "PRAGMA synchronous = FULL"
																				   : "PRAGMA synchronous = NORMAL", err));
		TRY_OUT(db_pragma(db, "PRAGMA wal_autocheckpoint = 4096; PRAGMA journal_size_limit = 67108864;"
							  "PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY", err));
	} else {
		TRY_OUT(db_pragma(db, "PRAGMA query_only = 1; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY", err));
	}
out:
	if (status == FAILED) {
		db_close(db);
		db = NULL;
	}
	*out = db;
	return status;
}

void
db_close(Db *db)
{
	if (db == NULL)
		return;
	for (int i = 0; i < SQL_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	sqlite3_close(db->handle);
	free(db);
}

/* A file without tables is new; any other must carry our mark, so that we never write into somebody's database. */
static Status
db_check_owner(Db *db, int64_t version, Error *err)
{
	int64_t id = 0, n_tables = 0;

	TRY(db_pragma_int(db, "PRAGMA application_id", &id, err));
	TRY(db_pragma_int(db, "SELECT count(*) FROM sqlite_schema", &n_tables, err));
	if (n_tables > 0 && id != APPLICATION_ID) {
		error_user(err, "`%s` is a database, but not one of sluice", db->store->path);
		return error_hint(err, "Choose another data directory.");
	}
	if (version > N_MIGRATIONS) {
		error_user(err, "The data in `%s` was written by a newer version of sluice (schema %d; this one knows %d)",
				   db->store->path, (int)version, N_MIGRATIONS);
		return error_hint(err, "Use the newer version, or another data directory. Nothing was changed.");
	}
	return OK;
}

Status
db_migrate(Db *db, Error *err)
{
	int64_t version = 0;
	char	pragma[128];

	TRY(db_pragma_int(db, "PRAGMA user_version", &version, err));
	if (!store_in_memory(db->store))
		TRY(db_check_owner(db, version, err));
	if (version == N_MIGRATIONS)
		return OK;
	/* All steps in one transaction: a file is of the old version or of the new one. */
	TRY(db_exec(db, SQL_BEGIN, "preparing its schema", err));
	for (int i = (int)version; i < N_MIGRATIONS; i++) {
		if (sqlite3_exec(db->handle, migrations[i], NULL, NULL, NULL) != SQLITE_OK)
			goto failed;
	}
	snprintf(pragma, sizeof pragma, "PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION_ID, N_MIGRATIONS);
	if (sqlite3_exec(db->handle, pragma, NULL, NULL, NULL) != SQLITE_OK)
		goto failed;
	return db_exec(db, SQL_COMMIT, "preparing its schema", err);

failed:
	db_error(db, "preparing its schema", err);
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	return FAILED;
}

Status
db_acquire(Store *store, Db **out, Error *err)
{
	*out = NULL;
	if (env_fault(store->env, "store.read"))
		return db_error_code(store, SQLITE_IOERR, "injected fault", "reading it", err);
	if (store_in_memory(store)) {
		pthread_mutex_lock(&store->write_lock);
		if (store->writer == NULL) {
			Status status = db_open(store, true, &store->writer, err);

			if (status == OK && db_migrate(store->writer, err) != OK) {
				db_close(store->writer);
				store->writer = NULL;
			}
			if (store->writer == NULL) {
				pthread_mutex_unlock(&store->write_lock);
				return FAILED;
			}
		}
		*out = store->writer;
		return OK;
	}
	pthread_mutex_lock(&store->lock);
	if (store->pool != NULL) {
		*out = store->pool;
		store->pool = (*out)->next;
		store->n_pool--;
	}
	pthread_mutex_unlock(&store->lock);
	return *out != NULL ? OK : db_open(store, false, out, err);
}

void
db_release(Store *store, Db *db)
{
	if (db == NULL)
		return;
	if (store_in_memory(store)) {
		pthread_mutex_unlock(&store->write_lock);
		return;
	}
	pthread_mutex_lock(&store->lock);
	if (store->n_pool < 8) {
		db->next = store->pool;
		store->pool = db;
		store->n_pool++;
		db = NULL;
	}
	pthread_mutex_unlock(&store->lock);
	db_close(db);
}
