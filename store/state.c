/* Reading what is committed: keyed state, positions, named values, commands. */
#include <stdlib.h>

#include "store/store_impl.h"

/* A page of a scan: small at first, for scans that end early; then large, to spread the cost of each statement. */
#define SCAN_ROWS_FIRST 64
#define SCAN_ROWS_MAX 4096
#define SCAN_BYTES (1 << 20)

static void
strbuf_add_state_key(StrBuf *buf, int64_t state_id, int64_t partition, Str key)
{
	char prefix[STATE_PREFIX_BYTES];

	state_prefix(prefix, state_id, partition);
	strbuf_reserve(buf, sizeof prefix + key.length + 1);
	strbuf_add(buf, prefix, sizeof prefix);
	strbuf_add_str(buf, key);
}

static Status
db_get(Db *db, sqlite3_stmt *statement, StrBuf *value, Error *err)
{
	Status status = db_step(db, statement, "reading a value", err);

	if (status == OK)
		strbuf_add_str(value, db_column(statement, 0));
	sqlite3_reset(statement);
	return status;
}

Status
store_state_get(Store *store, int64_t state_id, int partition, Str key, StrBuf *value, Error *err)
{
	sqlite3_stmt *statement;
	Status		  status = FAILED;
	Db			 *db;

	TRY(db_acquire(store, &db, err));
	if ((statement = db_statement(db, SQL_STATE_GET, err)) != NULL) {
		StrBuf stored = {0};

		strbuf_add_state_key(&stored, state_id, partition, key);
		db_bind_blob(statement, 1, strbuf_str(&stored));
		strbuf_clear(value);
		status = db_get(db, statement, value, err);
		strbuf_free(&stored);
	}
	db_release(store, db);
	return status;
}

Status
store_meta_get(Store *store, Str name, StrBuf *value, Error *err)
{
	sqlite3_stmt *statement;
	Status		  status = FAILED;
	Db			 *db;

	strbuf_clear(value);
	TRY(db_acquire(store, &db, err));
	if ((statement = db_statement(db, SQL_META_GET, err)) != NULL) {
		db_bind_text(statement, 1, name);
		status = db_get(db, statement, value, err);
	}
	db_release(store, db);
	return status;
}

Status
store_position_get(Store *store, Str query, Str input, int partition, int64_t *next_offset, Error *err)
{
	sqlite3_stmt *statement;
	Status		  status = FAILED;
	Db			 *db;

	TRY(db_acquire(store, &db, err));
	if ((statement = db_statement(db, SQL_POSITION_GET, err)) != NULL) {
		db_bind_text(statement, 1, query);
		db_bind_text(statement, 2, input);
		sqlite3_bind_int(statement, 3, partition);
		/* Not between a commit and its publishing: a position that can be seen before the ends of topics would tell that records are there
		 * which readers do not find yet. */
		pthread_mutex_lock(&store->commit_lock);
		status = db_step(db, statement, "reading a position", err);
		pthread_mutex_unlock(&store->commit_lock);
		if (status == OK)
			*next_offset = sqlite3_column_int64(statement, 0);
		sqlite3_reset(statement);
	}
	db_release(store, db);
	return status;
}

/* ------------------------------------------------------------------------------------------------------- scans -- */

typedef struct ScanRow {
	Str key;
	Str value;
} ScanRow;

struct StoreScan {
	Store	*store;
	StrBuf	 from;			/* as stored; inclusive: where the next page begins */
	StrBuf	 to;			/* as stored; exclusive */
	bool	 is_last;		/* no page after this one */
	Arena	 page;			/* bytes of the rows */
	ScanRow *rows;
	int		 n_rows;
	int		 capacity;
	int		 next;
	int		 page_rows;
};

/* Lowers the end of the scan to the smallest key that is above all keys with the prefix (as stored). */
static void
scan_limit_to_prefix(StoreScan *scan, StrBuf *prefix)
{
	if (str_compare(strbuf_str(&scan->from), strbuf_str(prefix)) < 0) {
		strbuf_clear(&scan->from);
		strbuf_add_str(&scan->from, strbuf_str(prefix));
	}
	while (prefix->length > 0 && (uint8_t)prefix->data[prefix->length - 1] == 0xff)
		prefix->length--;
	if (prefix->length > 0) {
		prefix->data[prefix->length - 1]++;
		if (str_compare(strbuf_str(prefix), strbuf_str(&scan->to)) < 0) {
			strbuf_clear(&scan->to);
			strbuf_add_str(&scan->to, strbuf_str(prefix));
		}
	}
}

StoreScan *
store_scan_open(Store *store, int64_t state_id, int partition, const StoreRange *range)
{
	StoreScan *scan = xcalloc(1, sizeof *scan);
	StoreRange all = {0};
	StrBuf	   prefix = {0};

	*scan = (StoreScan){.store = store, .page_rows = SCAN_ROWS_FIRST};
	if (range == NULL)
		range = &all;
	strbuf_add_state_key(&scan->from, state_id, partition, range->from);
	if (range->from_is_exclusive)
		strbuf_add_char(&scan->from, '\0');		/* the smallest key above */
	strbuf_add_state_key(&scan->to, state_id, range->to.length > 0 ? partition : (int64_t)partition + 1, range->to);
	if (range->prefix.length > 0) {
		strbuf_add_state_key(&prefix, state_id, partition, range->prefix);
		scan_limit_to_prefix(scan, &prefix);
		strbuf_free(&prefix);
	}
	return scan;
}

static Str
scan_copy(StoreScan *scan, Str bytes)
{
	return (Str){arena_memdup(&scan->page, bytes.length > 0 ? bytes.data : "", bytes.length > 0 ? bytes.length : 1),
				 bytes.length};
}

static Status
scan_fetch(StoreScan *scan, Error *err)
{
	sqlite3_stmt *statement;
	size_t		  n_bytes = 0;
	Status		  status = FAILED;
	Db			 *db;

	scan->n_rows = scan->next = 0;
	arena_reset(&scan->page);
	TRY(db_acquire(scan->store, &db, err));
	statement = db_statement(db, SQL_STATE_SCAN, err);
	if (statement == NULL)
		goto out;
	db_bind_blob(statement, 1, strbuf_str(&scan->from));
	db_bind_blob(statement, 2, strbuf_str(&scan->to));
	while ((status = db_step(db, statement, "scanning state", err)) == OK) {
		ScanRow *row;

		grow_array(scan->rows, scan->n_rows, scan->capacity);
		row = &scan->rows[scan->n_rows++];
		row->key = scan_copy(scan, db_column(statement, 0));
		row->value = scan_copy(scan, db_column(statement, 1));
		n_bytes += row->key.length + row->value.length;
		if (scan->n_rows >= scan->page_rows || n_bytes >= SCAN_BYTES)
			break;
	}
	sqlite3_reset(statement);
	scan->is_last = status == DONE;
	if (status == OK) {
		strbuf_clear(&scan->from);
		strbuf_add_str(&scan->from, scan->rows[scan->n_rows - 1].key);
		strbuf_add_char(&scan->from, '\0');
		scan->page_rows = scan->page_rows * 4 < SCAN_ROWS_MAX ? scan->page_rows * 4 : SCAN_ROWS_MAX;
	}
out:
	db_release(scan->store, db);
	return status == FAILED ? FAILED : OK;
}

Status
store_scan_next(StoreScan *scan, Str *key, Str *value, Error *err)
{
	if (scan->next == scan->n_rows) {
		if (!scan->is_last)
			TRY(scan_fetch(scan, err));
		if (scan->next == scan->n_rows)
			return DONE;
	}
	*key = scan->rows[scan->next].key;
	key->data += STATE_PREFIX_BYTES;
	key->length -= STATE_PREFIX_BYTES;
	*value = scan->rows[scan->next].value;
	scan->next++;
	return OK;
}

void
store_scan_close(StoreScan *scan)
{
	if (scan == NULL)
		return;
	strbuf_free(&scan->from);
	strbuf_free(&scan->to);
	arena_free(&scan->page);
	free(scan->rows);
	free(scan);
}

Status
store_state_scan(Store *store, int64_t state_id, int partition, const StoreRange *range, StoreVisitor visitor,
				 void *context, Error *err)
{
	StoreScan *scan = store_scan_open(store, state_id, partition, range);
	Str		   key, value;
	Status	   status;

	while ((status = store_scan_next(scan, &key, &value, err)) == OK) {
		status = visitor(context, key, value, err);
		if (status != OK)
			break;
	}
	store_scan_close(scan);
	return status == FAILED ? FAILED : status;
}

/* ---------------------------------------------------------------------------------------------------- commands -- */

typedef struct CommandRow {
	int64_t sequence;
	Str		text;
} CommandRow;

#define COMMAND_PAGE 256

/* Reads a page of commands into an array of COMMAND_PAGE. */
static Status
commands_fetch(Store *store, int64_t after, Arena *arena, CommandRow *rows, int *n_rows, Error *err)
{
	sqlite3_stmt *statement;
	Status		  status = FAILED;
	Db			 *db;

	*n_rows = 0;
	TRY(db_acquire(store, &db, err));
	if ((statement = db_statement(db, SQL_COMMAND_SCAN, err)) != NULL) {
		sqlite3_bind_int64(statement, 1, after);
		while (*n_rows < COMMAND_PAGE && (status = db_step(db, statement, "reading the commands", err)) == OK) {
			Str text = db_column(statement, 1);

			rows[(*n_rows)++] = (CommandRow){sqlite3_column_int64(statement, 0),
											 (Str){arena_strndup(arena, text.data, text.length), text.length}};
		}
		sqlite3_reset(statement);
	}
	db_release(store, db);
	return status == FAILED ? FAILED : OK;
}

Status
store_command_scan(Store *store, int64_t after, StoreCommandVisitor visitor, void *context, Error *err)
{
	Arena		arena = {0};
	CommandRow *rows = xcalloc(COMMAND_PAGE, sizeof *rows);
	int			n_rows;
	Status		status = OK;

	do {
		arena_reset(&arena);
		TRY_OUT(commands_fetch(store, after, &arena, rows, &n_rows, err));
		for (int i = 0; i < n_rows; i++) {
			TRY_OUT(visitor(context, rows[i].sequence, rows[i].text, err));
			after = rows[i].sequence;
		}
	} while (n_rows == COMMAND_PAGE);
out:
	arena_free(&arena);
	free(rows);
	return status;
}
