/*
 * The engine's figures.  Numbers of queries are copied under the lock first; all text is made without it.
 */
#include "engine/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "engine/engine_impl.h"
#include "exec/op/scan.h"

#define ACTIVE_NANOS INT64_C(60000000000)	/* a query is active if it took rows within */
#define N_STATES 5

typedef struct QueryFigures {
	const char *id;
	QueryState	state;
	bool		is_active;
	int64_t		rows_in, rows_out, bad_rows, epochs, restarts;
} QueryFigures;

typedef struct LagFigure {
	const char *query;
	const char *topic;
	int			partition;
	int64_t		records;
} LagFigure;

typedef struct Figures {
	Arena		  arena;
	int			  n_queries;
	QueryFigures *queries;
	const char	 *directory;	/* NULL: in memory, or not open */
	int			  n_lags;
	int			  lag_capacity;
	LagFigure	 *lags;			/* malloc'ed */
} Figures;

static void
collect_queries(Engine *engine, Figures *f)
{
	Nanos now = nanos_now();
	int	  n = 0;

	pthread_mutex_lock(&engine->lock_queries);
	for (Query *q = engine->queries; q != NULL; q = q->next)
		n++;
	f->queries = arena_array(&f->arena, QueryFigures, n + 1);
	for (Query *q = engine->queries; q != NULL; q = q->next)
		f->queries[f->n_queries++] = (QueryFigures){
			.id = arena_strdup(&f->arena, q->id), .state = q->state, .is_active = q->last_rows != 0 && now - q->last_rows < ACTIVE_NANOS,
			.rows_in = q->rows_in, .rows_out = q->rows_out, .bad_rows = q->bad_rows, .epochs = q->epochs, .restarts = q->restarts};
	pthread_mutex_unlock(&engine->lock_queries);
}

/* ---- lag: queries stay while lock_ddl is held ---- */

static void
add_lag(Figures *f, Engine *engine, const Query *query, const SourceSpec *source, Topic *topic, int partition, int64_t position)
{
	int64_t begin = 0, end = 0;
	Error	ignored;

	if (partition >= topic->config.n_partitions || topics_ends(engine->topics, topic, partition, &begin, &end, &ignored) == FAILED)
		return;
	if (position < begin)
		position = begin;
	grow_array(f->lags, f->n_lags, f->lag_capacity);
	f->lags[f->n_lags++] = (LagFigure){arena_strdup(&f->arena, query->id), arena_strdup(&f->arena, source->topic->name), partition,
									   end > position ? end - position : 0};
}

static void
collect_lag_of(Figures *f, Engine *engine, const Query *query)
{
	const Plan *plan = query->persistent.plan;

	for (int i = 0; i < plan->n_sources; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;
		Topic			 *topic = NULL;
		int64_t			 *positions;
		Error			  ignored;

		if (source->kind != SOURCE_TOPIC || topics_find(engine->topics, str_of(source->topic->name), &topic, &ignored) == FAILED || topic == NULL)
			continue;
		positions = arena_array(&f->arena, int64_t, topic->config.n_partitions + 1);
		query_positions(engine, query->id, source->input, topic, positions);
		for (int p = 0; p < topic->config.n_partitions; p++)
			add_lag(f, engine, query, source, topic, p, positions[p]);
	}
}

static void
collect_lag(Engine *engine, Figures *f)
{
	struct timespec limit;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec++;
	if (pthread_mutex_timedlock(&engine->lock_ddl, &limit) != 0)
		return;
	if (engine->topics != NULL)
		for (Query *q = engine->queries; q != NULL; q = q->next)
			collect_lag_of(f, engine, q);
	if (engine->store != NULL)
		f->directory = arena_strdup(&f->arena, store_directory(engine->store));
	pthread_mutex_unlock(&engine->lock_ddl);
}

/* ---- families ---- */

static void
write_query_states(const Figures *f, MetricWriter *w)
{
	int64_t n[N_STATES] = {0}, n_active = 0;

	for (int i = 0; i < f->n_queries; i++) {
		n[f->queries[i].state]++;
		n_active += f->queries[i].is_active;
	}
	metric_family(w, "sluice_queries", METRIC_GAUGE, "Persistent queries by state.");
	for (int s = 0; s < N_STATES; s++)
		if (s != QUERY_TERMINATED)
			metric_value(w, &(MetricLabel){"state", query_state_name((QueryState)s)}, 1, (double)n[s]);
	metric_single(w, "sluice_queries_persistent", METRIC_GAUGE, "Persistent queries.", f->n_queries);
	metric_single(w, "sluice_queries_active", METRIC_GAUGE, "Persistent queries that took rows within the last minute.", (double)n_active);
	metric_single(w, "sluice_queries_idle", METRIC_GAUGE, "Persistent queries that run and took no rows within the last minute.",
				  (double)(n[QUERY_RUNNING] > n_active ? n[QUERY_RUNNING] - n_active : 0));
	metric_family(w, "sluice_query_state", METRIC_GAUGE, "1 for the state that the query is in.");
	for (int i = 0; i < f->n_queries; i++) {
		MetricLabel labels[] = {{"query", f->queries[i].id}, {"state", query_state_name(f->queries[i].state)}};

		metric_value(w, labels, 2, 1);
	}
}

/* One counter of every query; `offset` is the place of the figure. */
static void
write_query_counter(const Figures *f, MetricWriter *w, const char *name, const char *help, size_t offset)
{
	metric_family(w, name, METRIC_COUNTER, help);
	for (int i = 0; i < f->n_queries; i++)
		metric_value(w, &(MetricLabel){"query", f->queries[i].id}, 1, (double)*(const int64_t *)((const char *)&f->queries[i] + offset));
}

static void
write_queries(const Figures *f, MetricWriter *w)
{
	write_query_states(f, w);
	write_query_counter(f, w, "sluice_query_records_consumed_total", "Records that the query took.", offsetof(QueryFigures, rows_in));
	write_query_counter(f, w, "sluice_query_records_produced_total", "Records that the query wrote.", offsetof(QueryFigures, rows_out));
	write_query_counter(f, w, "sluice_query_bad_records_total", "Records that could not be read or computed.", offsetof(QueryFigures, bad_rows));
	write_query_counter(f, w, "sluice_query_epochs_total", "Epochs that the query committed.", offsetof(QueryFigures, epochs));
	write_query_counter(f, w, "sluice_query_restarts_total", "Tries of the query after a failure.", offsetof(QueryFigures, restarts));
	metric_family(w, "sluice_query_lag_records", METRIC_GAUGE, "Records in a partition of a source that the query has not committed yet.");
	for (int i = 0; i < f->n_lags; i++) {
		const LagFigure *lag = &f->lags[i];
		char			 partition[16];

		snprintf(partition, sizeof partition, "%d", lag->partition);
		metric_value(w, (MetricLabel[]){{"query", lag->query}, {"topic", lag->topic}, {"partition", partition}}, 3, (double)lag->records);
	}
}

static void
write_totals(const Engine *engine, MetricWriter *w)
{
	const EngineCounters *c = &engine->counters;

	metric_single(w, "sluice_messages_consumed_total", METRIC_COUNTER, "Records that persistent queries took.", (double)c->rows_in);
	metric_single(w, "sluice_messages_produced_total", METRIC_COUNTER, "Records that persistent queries wrote.", (double)c->rows_out);
	metric_single(w, "sluice_message_errors_total", METRIC_COUNTER, "Records that could not be read or computed.", (double)c->bad_rows);
	metric_single(w, "sluice_query_failures_total", METRIC_COUNTER, "Failures of persistent queries.", (double)c->failures);
	metric_single(w, "sluice_statements_total", METRIC_COUNTER, "Statements that were begun.", (double)c->statements);
	metric_single(w, "sluice_statement_errors_total", METRIC_COUNTER, "Statements that failed.", (double)c->statement_errors);
	metric_single(w, "sluice_epochs_total", METRIC_COUNTER, "Epochs that persistent queries committed.", (double)c->epochs);
	metric_family(w, "sluice_epoch_seconds", METRIC_HISTOGRAM, "Time of an epoch that took rows, its commit included.");
	metric_latency(w, NULL, 0, &c->epoch);
	metric_family(w, "sluice_commit_seconds", METRIC_HISTOGRAM, "Time of an epoch's commit.");
	metric_latency(w, NULL, 0, &c->commit);
	metric_single(w, "sluice_recovery_seconds", METRIC_GAUGE, "Time that opening the data directory took; 0: it is not open.",
				  (double)c->recovery_nanos / 1e9);
	metric_single(w, "sluice_memory_reserved_bytes", METRIC_GAUGE, "Memory that queries have reserved.", (double)engine->budget.used_bytes);
	metric_single(w, "sluice_memory_limit_bytes", METRIC_GAUGE, "Memory that queries may reserve.", (double)engine->budget.limit_bytes);
}

static double
file_bytes(const char *directory, const char *name)
{
	StrBuf		path = {0};
	struct stat st;
	bool		is_there;

	strbuf_printf(&path, "%s/%s", directory, name);
	is_there = stat(strbuf_text(&path), &st) == 0;
	strbuf_free(&path);
	return is_there ? (double)st.st_size : 0;
}

static void
write_storage(const char *directory, MetricWriter *w)
{
	struct statvfs fs;

	if (directory == NULL || statvfs(directory, &fs) != 0)
		return;
	metric_family(w, "sluice_store_disk_bytes", METRIC_GAUGE, "Size of the store's files: topics, state of queries, positions, commands.");
	metric_value(w, &(MetricLabel){"file", "data"}, 1, file_bytes(directory, "sluice.db"));
	metric_value(w, &(MetricLabel){"file", "log"}, 1, file_bytes(directory, "sluice.db-wal"));
	metric_single(w, "sluice_storage_free_bytes", METRIC_GAUGE, "Free bytes of the data directory's file system.",
				  (double)fs.f_bavail * (double)fs.f_frsize);
	metric_single(w, "sluice_storage_total_bytes", METRIC_GAUGE, "Bytes of the data directory's file system.", (double)fs.f_blocks * (double)fs.f_frsize);
}

void
engine_write_metrics(Engine *engine, MetricWriter *writer)
{
	Figures f = {0};

	collect_queries(engine, &f);
	collect_lag(engine, &f);
	write_queries(&f, writer);
	write_totals(engine, writer);
	write_storage(f.directory, writer);
	free(f.lags);
	arena_free(&f.arena);
}
