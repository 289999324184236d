/* Opening and closing: the directory, the lock that keeps other processes out, the file, the writer's thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/store_impl.h"

/* Makes the directory and those above it. */
static Status
directory_make(const char *directory, Error *err)
{
	char  *path;
	Status status = OK;

	if (directory[0] == '\0')
		return error_user(err, "The data directory needs a name");
	path = xstrdup(directory);
	for (char *p = path + 1; status == OK; p++) {
		char end = *p;

		if (end != '/' && end != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST) {
			status = error_user(err, "Cannot make the data directory `%s`: %s", path, strerror(errno));
			error_hint(err, "Choose a directory that you may write in with --data.");
		}
		*p = end;
		if (end == '\0')
			break;
	}
	free(path);
	return status;
}

static Status
lock_refused(Store *store, int fd, Error *err)
{
	char	text[32] = "";
	ssize_t n = pread(fd, text, sizeof text - 1, 0);
	long	pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		error_user(err, "The data directory `%s` is in use by another process (pid %ld)", store->directory, pid);
	else
		error_user(err, "The data directory `%s` is in use by another process", store->directory);
	return error_hint(err, "Stop that process, connect to it if it is a server, or choose another directory with --data.");
}

static Status
lock_take(Store *store, Error *err)
{
	StrBuf path = {0};
	char   text[32];
	int	   fd, length;

	strbuf_printf(&path, "%s/lock", store->directory);
	fd = open(strbuf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	strbuf_free(&path);
	if (fd < 0) {
		error_user(err, "Cannot write in the data directory `%s`: %s", store->directory, strerror(errno));
		return error_hint(err, "Choose a directory that you may write in with --data.");
	}
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			lock_refused(store, fd, err);
		else
			error_fatal(err, "Cannot lock the data directory `%s`: %s", store->directory, strerror(errno));
		close(fd);
		return FAILED;
	}
	length = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)length, 0) != length) {
		/* Only the other process's message is poorer for it (a full disk must not keep us from reading). */
		errno = 0;
	}
	store->lock_fd = fd;
	return OK;
}

static Store *
store_new(const char *directory, const StoreOptions *options, const Env *env)
{
	Store			  *store = xcalloc(1, sizeof *store);
	pthread_condattr_t monotonic;

	store->env = env != NULL ? env : &env_real;
	store->lock_fd = -1;
	if (options != NULL)
		store->options = *options;
	if (directory != NULL) {
		size_t size = strlen(directory) + sizeof "/sluice.db";

		store->directory = xstrdup(directory);
		store->path = xmalloc(size);
		snprintf(store->path, size, "%s/sluice.db", directory);
	} else {
		store->path = xstrdup(":memory:");
	}
	pthread_mutex_init(&store->lock, NULL);
	pthread_mutex_init(&store->write_lock, NULL);
	pthread_mutex_init(&store->commit_lock, NULL);
	pthread_mutex_init(&store->listener_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&store->appended, &monotonic);
	pthread_cond_init(&store->submitted, NULL);
	pthread_condattr_destroy(&monotonic);
	return store;
}

static Status
file_identify(Store *store, dev_t *device, ino_t *inode, Error *err)
{
	struct stat st;

	if (stat(store->path, &st) != 0) {
		error_fatal(err, "The file `%s` cannot be found: %s", store->path, strerror(errno));
		return error_hint(err, "If it was moved or deleted while the program ran, stop the program and put it back.");
	}
	*device = st.st_dev;
	*inode = st.st_ino;
	return OK;
}

static Status
store_open_file(Store *store, Error *err)
{
	TRY(directory_make(store->directory, err));
	TRY(lock_take(store, err));
	if (env_fault(store->env, "store.open"))
		return db_error_code(store, SQLITE_IOERR, "injected fault", "opening it", err);
	TRY(db_open(store, true, &store->writer, err));
	TRY(db_migrate(store->writer, err));
	TRY(topics_load(store, store->writer, err));
	TRY(file_identify(store, &store->device, &store->inode, err));
	if (pthread_create(&store->thread, NULL, writer_main, store) != 0)
		return error_fatal(err, "Cannot start the writer's thread: %s", strerror(errno));
	store->has_thread = true;
	return OK;
}

Status
store_open(const char *directory, const StoreOptions *options, const Env *env, Store **out, Error *err)
{
	Store *store = store_new(directory, options, env);

	*out = NULL;
	if (directory != NULL && store_open_file(store, err) != OK) {
		store_close(store);
		return FAILED;
	}
	*out = store;
	return OK;
}

void
store_close(Store *store)
{
	if (store == NULL)
		return;
	if (store->has_thread) {
		pthread_mutex_lock(&store->lock);
		store->is_closing = true;
		pthread_cond_signal(&store->submitted);
		pthread_mutex_unlock(&store->lock);
		pthread_join(store->thread, NULL);
	}
	while (store->pool != NULL) {
		Db *db = store->pool;

		store->pool = db->next;
		db_close(db);
	}
	db_close(store->writer);	/* the last connection: folds the log into the file */
	for (int i = 0; i < store->n_topics; i++)
		topic_free(store->topics[i]);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	pthread_cond_destroy(&store->appended);
	pthread_cond_destroy(&store->submitted);
	pthread_mutex_destroy(&store->lock);
	pthread_mutex_destroy(&store->write_lock);
	pthread_mutex_destroy(&store->commit_lock);
	pthread_mutex_destroy(&store->listener_lock);
	free(store->topics);
	free(store->cache);
	free(store->listenings);
	free(store->directory);
	free(store->path);
	free(store);
}

const char *
store_directory(const Store *store)
{
	return store->directory;
}

static Status
probe_row(Db *db, Error *err)
{
	sqlite3_stmt *statement = db_statement(db, SQL_META_GET, err);

	if (statement == NULL)
		return FAILED;
	db_bind_text(statement, 1, STR("probe"));
	return db_run(db, statement, "looking whether it can be read", err);
}

Status
store_probe(Store *store, Error *err)
{
	dev_t  device = 0;
	ino_t  inode = 0;
	Db	  *db = NULL;
	Status status;

	if (env_fault(store->env, "store.read"))
		return db_error_code(store, SQLITE_IOERR, "injected fault", "looking whether it can be read", err);
	if (store_in_memory(store))
		return OK;
	TRY(file_identify(store, &device, &inode, err));
	if (device != store->device || inode != store->inode) {
		error_fatal(err, "The file `%s` is another one than the one that was opened", store->path);
		return error_hint(err, "It was replaced while the program ran: stop the program before its files are touched.");
	}
	TRY(db_open(store, false, &db, err));
	status = probe_row(db, err);
	db_close(db);
	return status;
}

Status
store_check(Store *store, Error *err)
{
	sqlite3_stmt *statement = NULL;
	Status		  status = OK;
	Db			 *db;

	TRY(db_acquire(store, &db, err));
	if (sqlite3_prepare_v2(db->handle, "PRAGMA integrity_check(1)", -1, &statement, NULL) != SQLITE_OK ||
		sqlite3_step(statement) != SQLITE_ROW)
		status = db_error(db, "checking it", err);
	else if (!str_equal(db_column(statement, 0), STR("ok")))
		status = db_error_code(store, SQLITE_CORRUPT, (const char *)sqlite3_column_text(statement, 0), "checking it", err);
	sqlite3_finalize(statement);
	db_release(store, db);
	return status;
}
