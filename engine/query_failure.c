/*
 * What happens when a persistent query fails: its latest errors are kept durably, it stays in ERROR across restarts, and what may pass by
 * itself is tried again with a back-off that doubles.
 *
 * Kept as one named value of the store, "failure/ID": '1' or '0' (in ERROR or not), then of each error, oldest first, its time, class
 * and text; every field ends in NUL.
 */
#include "engine/engine_impl.h"
#include "engine/query_states.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_KEPT 1000

const char *
query_failure_type(ErrorClass class)
{
	switch (class) {
	case ERROR_TRANSIENT:
	case ERROR_FATAL:
		return "SYSTEM";
	case ERROR_BUG:
		return "UNKNOWN";
	default:
		return "USER";
	}
}

/* The same records and the same plan fail in the same way again; disks, brokers and deleted topics may come back. */
static bool
may_pass(ErrorClass class)
{
	return class == ERROR_TRANSIENT || class == ERROR_FATAL;
}

static const char *
meta_name(const Query *query, char *name, size_t size)
{
	snprintf(name, size, "failure/%s", query->id);
	return name;
}

static void
failures_add(QueryFailures *failures, const QueryFailure *failure, int64_t limit)
{
	limit = limit < 1 ? 1 : limit > MAX_KEPT ? MAX_KEPT : limit;
	grow_array(failures->items, failures->n, failures->capacity);
	failures->items[failures->n++] = *failure;
	while (failures->n > limit) {
		free(failures->items[0].text);
		memmove(failures->items, failures->items + 1, sizeof *failures->items * (size_t)--failures->n);
	}
}

void
query_failures_free(QueryFailures *failures)
{
	for (int i = 0; i < failures->n; i++)
		free(failures->items[i].text);
	free(failures->items);
	*failures = (QueryFailures){0};
}

static void
failures_encode(const QueryFailures *failures, bool is_failed, StrBuf *out)
{
	strbuf_add(out, is_failed ? "1" : "0", 2);
	for (int i = 0; i < failures->n; i++) {
		const QueryFailure *f = &failures->items[i];

		strbuf_printf(out, "%lld", (long long)f->time);
		strbuf_add_char(out, '\0');
		strbuf_printf(out, "%d", (int)f->class);
		strbuf_add_char(out, '\0');
		strbuf_add(out, f->text, strlen(f->text) + 1);
	}
}

static const char *
next_field(Str *rest)
{
	const char *field = rest->data;
	size_t		n = strnlen(field, rest->length);

	*rest = n < rest->length ? str_make(rest->data + n + 1, rest->length - n - 1) : str_make(rest->data + n, 0);
	return field;
}

/* When the next try is due: initial, 2 * initial, 4 * initial ... up to the most.  Under lock_queries. */
static void
schedule_retry(Query *query)
{
	int64_t wait_ms = settings_int(query->settings, "ksql.query.retry.backoff.initial.ms");
	int64_t most_ms = settings_int(query->settings, "ksql.query.retry.backoff.max.ms");

	for (int i = 0; i < query->failures.n_retries && wait_ms < most_ms; i++)
		wait_ms *= 2;
	query->failures.n_retries++;
	query->failures.retry_at = nanos_now() + (wait_ms < most_ms ? wait_ms : most_ms) * 1000000;
}

bool
query_failure_is_transient(const Query *query)
{
	const QueryFailures *failures = &query->failures;

	return failures->retry_at != 0 && failures->n > 0 && failures->items[failures->n - 1].class == ERROR_TRANSIENT;
}

static void
set_error(Query *query, const QueryFailure *failure)
{
	query->state = QUERY_ERROR;
	query->failures.is_failed = true;
	snprintf(query->error, sizeof query->error, "%s", failure->text);
}

void
query_fail(Query *query, const Error *error)
{
	Engine		*engine = query->engine;
	QueryFailure failure = {.time = env_now(engine->env), .class = error->class};
	StrBuf		 text = {0}, value = {0};
	char		 name[512];
	Error		 ignored;

	strbuf_add_text(&text, error->message);
	if (error->hint[0] != '\0')
		strbuf_printf(&text, "\n%s", error->hint);
	failure.text = xstrdup(strbuf_text(&text));
	pthread_mutex_lock(&engine->lock_queries);
	failures_add(&query->failures, &failure, settings_int(query->settings, "ksql.query.error.max.queue.size"));
	set_error(query, &failure);
	if (may_pass(error->class))
		schedule_retry(query);
	failures_encode(&query->failures, true, &value);
	pthread_mutex_unlock(&engine->lock_queries);
	if (engine->store != NULL && !engine->is_inline) {
		StoreUnit *unit = store_unit_new(engine->store);

		/* A store that cannot write is often what failed: then the error is known to this process only. */
		store_unit_meta(unit, str_of(meta_name(query, name, sizeof name)), strbuf_str(&value));
		store_commit(engine->store, unit, &ignored);
		store_unit_free(unit);
	}
	/* Brokers that are away are not worth waiting for. */
	if (error->class != ERROR_TRANSIENT && !engine->is_inline)
		query_states_tell(query, strbuf_text(&text));
	strbuf_free(&text);
	strbuf_free(&value);
}

void
query_failures_load(Query *query)
{
	QueryFailures *failures = &query->failures;
	StrBuf		   value = {0};
	char		   name[512];
	Error		   ignored;
	Str			   rest;

	if (store_meta_get(query->engine->store, str_of(meta_name(query, name, sizeof name)), &value, &ignored) == OK) {
		rest = strbuf_str(&value);
		failures->is_failed = strcmp(next_field(&rest), "1") == 0;
		while (rest.length > 0) {
			QueryFailure failure = {.time = strtoll(next_field(&rest), NULL, 10)};

			failure.class = (ErrorClass)atoi(next_field(&rest));
			failure.text = xstrdup(next_field(&rest));
			failures_add(failures, &failure, MAX_KEPT);
		}
	}
	strbuf_free(&value);
	if (!failures->is_failed || failures->n == 0 || query->state == QUERY_PAUSED)
		return;
	query->told_at = query->engine->on_kafka;	/* by the process that was here before */
	set_error(query, &failures->items[failures->n - 1]);
	/* What may have passed while nothing ran is tried at once. */
	if (may_pass(failures->items[failures->n - 1].class))
		failures->retry_at = nanos_now();
}

void
query_failures_pass(Query *query, StoreUnit *unit)
{
	StrBuf value = {0};
	char   name[512];

	if (!query->failures.is_failed)
		return;
	pthread_mutex_lock(&query->engine->lock_queries);
	failures_encode(&query->failures, false, &value);
	pthread_mutex_unlock(&query->engine->lock_queries);
	store_unit_meta(unit, str_of(meta_name(query, name, sizeof name)), strbuf_str(&value));
	strbuf_free(&value);
}

void
query_failures_passed(Query *query)
{
	if (!query->failures.is_failed)
		return;
	pthread_mutex_lock(&query->engine->lock_queries);
	query->failures.is_failed = false;
	query->failures.n_retries = 0;
	pthread_mutex_unlock(&query->engine->lock_queries);
	query_states_tell(query, NULL);
}

Status
query_failures_clear(Query *query, Error *err)
{
	StoreUnit *unit;
	Status	   status;

	if (!query->failures.is_failed)
		return OK;
	unit = store_unit_new(query->engine->store);
	query_failures_pass(query, unit);
	status = store_commit(query->engine->store, unit, err);
	store_unit_free(unit);
	if (status == OK)
		query_failures_passed(query);
	return status;
}

void
query_failures_drop(const Query *query, StoreUnit *unit)
{
	char name[512];

	store_unit_meta(unit, str_of(meta_name(query, name, sizeof name)), (Str){0});
}

/* ---- what must be there for a query to run ---- */

Status
query_check_functions(const Query *query, Error *err)
{
	if (query->missing_function == NULL)
		return OK;
	error_fatal(err, "%s", query->missing_function);
	return error_hint(err, "Put the library there and start again.");
}

static const char *
fingerprint_name(const char *id, char *name, size_t size)
{
	snprintf(name, size, "fingerprint/%s", id);
	return name;
}

void
query_put_fingerprint(StoreUnit *unit, const char *id, const PersistentPlan *plan)
{
	char name[512];
	char text[32];

	if (plan != NULL)
		snprintf(text, sizeof text, "%016llx", (unsigned long long)plan->fingerprint);
	store_unit_meta(unit, str_of(fingerprint_name(id, name, sizeof name)), plan != NULL ? str_of(text) : (Str){0});
}

Status
query_check_fingerprint(Query *query, StoreUnit *unit, Error *err)
{
	char   name[512];
	char   text[32];
	StrBuf value = {0};
	bool   fits;
	Status status = store_meta_get(query->engine->store, str_of(fingerprint_name(query->id, name, sizeof name)), &value, err);

	snprintf(text, sizeof text, "%016llx", (unsigned long long)query->persistent.fingerprint);
	fits = status == OK && strcmp(strbuf_text(&value), text) == 0;
	/* None: the query is new.  It commits with the first state. */
	if (status == DONE && unit != NULL)
		query_put_fingerprint(unit, query->id, &query->persistent);
	if (status == OK && !fits) {
		error_user(err, "The plan of query %s (%s) does not fit the state that is stored for it (%s): another version of the program wrote it, "
				   "or a schema that the query reads has changed.", query->id, text, strbuf_text(&value));
		error_hint(err, "Run it with the version that wrote the state; or TERMINATE it, DROP what it writes, and CREATE it again: "
				   "its rows are then computed anew.");
		status = FAILED;
	}
	strbuf_free(&value);
	return status == FAILED ? FAILED : OK;
}
