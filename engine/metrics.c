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
	bool		is_restoring;
	int64_t		rows_in, rows_out, bytes_in, bytes_out, bad_rows, late_rows, epochs, restarts, restored_records, restore_left, state_rows, state_bytes;
	Nanos		busy, commit, load;
	int64_t		errors[PROCESSING_ERRORS];
} QueryFigures;

/* A topic that a query reads. */
typedef struct LagSubject {
	const char *query;
	const char *input;
	const char *topic;
} LagSubject;

typedef struct LagFigure {
	const char *query;
	const char *topic;
	int			partition;
	int64_t		records;
} LagFigure;

/* Where a topic's partitions begin and end: asked once, however many queries read it. */
typedef struct TopicEnds {
	const char *name;
	Topic	   *topic;		/* NULL: it is not there */
	int64_t	   *begins;
	int64_t	   *ends;
} TopicEnds;

typedef struct Figures {
	Arena		  arena;
	int			  n_queries;
	QueryFigures *queries;
	const char	 *directory;	/* NULL: in memory, or not open */
	int			  n_subjects;
	int			  subject_capacity;
	LagSubject	 *subjects;		/* malloc'ed, as all below */
	int			  n_topics;
	int			  topic_capacity;
	TopicEnds	 *topics;
	int			  n_lags;
	int			  lag_capacity;
	LagFigure	 *lags;
} Figures;

static QueryFigures
query_figures(Arena *arena, const Query *q, Nanos now)
{
	QueryFigures figures = {
		.id = arena_strdup(arena, q->id), .state = q->state, .is_active = q->last_rows != 0 && now - q->last_rows < ACTIVE_NANOS,
		.is_restoring = q->is_restoring, .rows_in = q->rows_in, .rows_out = q->rows_out, .bytes_in = q->bytes_in, .bytes_out = q->bytes_out,
		.bad_rows = q->bad_rows, .late_rows = q->late_rows, .epochs = q->epochs, .restarts = q->restarts, .restored_records = q->restored_records,
		.restore_left = q->restore_left, .state_rows = q->state_rows, .state_bytes = q->budget.used_bytes, .busy = q->busy_nanos,
		.commit = q->commit_nanos, .load = q->load_nanos};

	for (int i = 0; i < PROCESSING_ERRORS; i++)
		figures.errors[i] = q->errors[i];
	return figures;
}

/* The plan may be gone once the lock is let go: names are copied. */
static void
collect_subjects(Figures *f, const Query *query, const char *id)
{
	const Plan *plan = query->persistent.plan;

	for (int i = 0; i < plan->n_sources; i++) {
		const SourceSpec *source = ((const ScanSpec *)plan->sources[i]->spec)->source;

		if (source->kind != SOURCE_TOPIC)
			continue;
		grow_array(f->subjects, f->n_subjects, f->subject_capacity);
		f->subjects[f->n_subjects++] =
			(LagSubject){id, arena_strdup(&f->arena, source->input), arena_strdup(&f->arena, source->topic->name)};
	}
}

static void
collect_queries(Engine *engine, Figures *f)
{
	Nanos now = nanos_now();
	int	  n = 0;

	pthread_mutex_lock(&engine->lock_queries);
	for (Query *q = engine->queries; q != NULL; q = q->next)
		n++;
	f->queries = arena_array(&f->arena, QueryFigures, n + 1);
	for (Query *q = engine->queries; q != NULL; q = q->next) {
		f->queries[f->n_queries] = query_figures(&f->arena, q, now);
		collect_subjects(f, q, f->queries[f->n_queries++].id);
	}
	pthread_mutex_unlock(&engine->lock_queries);
}

/* ---- lag ---- */

#define LAG_NANOS INT64_C(2000000000)	/* for all questions to Kafka together */
#define ANSWER_MS 1000

static TopicEnds *
topic_ends(Figures *f, Engine *engine, const char *name)
{
	TopicEnds *ends;
	Error	   ignored;

	for (int i = 0; i < f->n_topics; i++)
		if (strcmp(f->topics[i].name, name) == 0)
			return &f->topics[i];
	grow_array(f->topics, f->n_topics, f->topic_capacity);
	ends = &f->topics[f->n_topics++];
	*ends = (TopicEnds){.name = name};
	if (topics_find(engine->topics, str_of(name), &ends->topic, &ignored) == FAILED || ends->topic == NULL)
		return ends;
	ends->begins = arena_array(&f->arena, int64_t, ends->topic->config.n_partitions);
	ends->ends = arena_array(&f->arena, int64_t, ends->topic->config.n_partitions);
	for (int p = 0; p < ends->topic->config.n_partitions; p++)
		if (topics_ends(engine->topics, ends->topic, p, &ends->begins[p], &ends->ends[p], &ignored) == FAILED)
			ends->begins[p] = ends->ends[p] = 0;
	return ends;
}

static void
collect_lag_of(Figures *f, Engine *engine, const LagSubject *subject)
{
	const TopicEnds *ends = topic_ends(f, engine, subject->topic);
	int64_t			*positions;

	if (ends->topic == NULL)
		return;
	positions = arena_array(&f->arena, int64_t, ends->topic->config.n_partitions);
	query_positions(engine, subject->query, subject->input, ends->topic, positions);
	for (int p = 0; p < ends->topic->config.n_partitions; p++) {
		int64_t from = positions[p] < ends->begins[p] ? ends->begins[p] : positions[p];

		grow_array(f->lags, f->n_lags, f->lag_capacity);
		f->lags[f->n_lags++] = (LagFigure){subject->query, subject->topic, p, ends->ends[p] > from ? ends->ends[p] - from : 0};
	}
}

/* No lock is held meanwhile: topics and store stay while the engine is open.  Brokers that are away are asked once. */
static void
collect_lag(Engine *engine, Figures *f)
{
	Nanos until = nanos_now() + LAG_NANOS;
	Error ignored;

	if (!engine->is_open)
		return;
	if (store_directory(engine->store) != NULL)
		f->directory = arena_strdup(&f->arena, store_directory(engine->store));
	if (engine->on_kafka && f->n_subjects > 0 && topics_check(engine->topics, ANSWER_MS, &ignored) == FAILED)
		return;
	for (int i = 0; i < f->n_subjects && (!engine->on_kafka || nanos_now() < until); i++)
		collect_lag_of(f, engine, &f->subjects[i]);
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
write_query_gauge(const Figures *f, MetricWriter *w, const char *name, const char *help, size_t offset)
{
	metric_family(w, name, METRIC_GAUGE, help);
	for (int i = 0; i < f->n_queries; i++)
		metric_value(w, &(MetricLabel){"query", f->queries[i].id}, 1, (double)*(const int64_t *)((const char *)&f->queries[i] + offset));
}

static void
write_query_seconds(const Figures *f, MetricWriter *w, const char *name, MetricKind kind, const char *help, size_t offset)
{
	metric_family(w, name, kind, help);
	for (int i = 0; i < f->n_queries; i++)
		metric_value(w, &(MetricLabel){"query", f->queries[i].id}, 1, (double)*(const Nanos *)((const char *)&f->queries[i] + offset) / 1e9);
}

static const char *const error_names[PROCESSING_ERRORS] = {"deserialization", "processing"};

static void
write_query_errors(const Figures *f, MetricWriter *w)
{
	metric_family(w, "sluice_query_processing_errors_total", METRIC_COUNTER, "Bad records of the query by what could not be done.");
	for (int i = 0; i < f->n_queries; i++)
		for (int kind = 0; kind < PROCESSING_ERRORS; kind++)
			metric_value(w, (MetricLabel[]){{"query", f->queries[i].id}, {"type", error_names[kind]}}, 2, (double)f->queries[i].errors[kind]);
}

static void
write_lag(const Figures *f, MetricWriter *w)
{
	metric_family(w, "sluice_query_lag_records", METRIC_GAUGE, "Records in a partition of a source that the query has not committed yet.");
	for (int i = 0; i < f->n_lags; i++) {
		const LagFigure *lag = &f->lags[i];
		char			 partition[16];

		snprintf(partition, sizeof partition, "%d", lag->partition);
		metric_value(w, (MetricLabel[]){{"query", lag->query}, {"topic", lag->topic}, {"partition", partition}}, 3, (double)lag->records);
	}
}

/* State, and how it came back after a start. */
static void
write_query_state(const Figures *f, MetricWriter *w)
{
	write_query_gauge(f, w, "sluice_query_state_rows", "Rows that the query's operators keep.", offsetof(QueryFigures, state_rows));
	write_query_gauge(f, w, "sluice_query_state_bytes", "Memory that the query has reserved, most of it for its state.", offsetof(QueryFigures, state_bytes));
	metric_family(w, "sluice_query_restoring", METRIC_GAUGE, "1 while the query loads its state.");
	for (int i = 0; i < f->n_queries; i++)
		metric_value(w, &(MetricLabel){"query", f->queries[i].id}, 1, f->queries[i].is_restoring);
	write_query_gauge(f, w, "sluice_query_restore_remaining_records", "Records of a changelog that are still to be loaded.", offsetof(QueryFigures, restore_left));
	write_query_counter(f, w, "sluice_query_restored_records_total", "Records of changelogs that were loaded.", offsetof(QueryFigures, restored_records));
	write_query_seconds(f, w, "sluice_query_restore_seconds", METRIC_GAUGE, "Time that loading the state took the last time.", offsetof(QueryFigures, load));
}

static void
write_queries(const Figures *f, MetricWriter *w)
{
	write_query_states(f, w);
	write_query_counter(f, w, "sluice_query_records_consumed_total", "Records that the query took.", offsetof(QueryFigures, rows_in));
	write_query_counter(f, w, "sluice_query_records_produced_total", "Records that the query wrote.", offsetof(QueryFigures, rows_out));
	write_query_counter(f, w, "sluice_query_bytes_consumed_total", "Bytes of keys and values, or of files, that the query took.", offsetof(QueryFigures, bytes_in));
	write_query_counter(f, w, "sluice_query_bytes_produced_total", "Bytes of keys and values that the query wrote.", offsetof(QueryFigures, bytes_out));
	write_query_counter(f, w, "sluice_query_bad_records_total", "Records that could not be read or computed.", offsetof(QueryFigures, bad_rows));
	write_query_errors(f, w);
	write_query_counter(f, w, "sluice_query_late_records_total", "Records that came too late for their window.", offsetof(QueryFigures, late_rows));
	write_query_counter(f, w, "sluice_query_epochs_total", "Epochs that the query committed.", offsetof(QueryFigures, epochs));
	write_query_seconds(f, w, "sluice_query_busy_seconds_total", METRIC_COUNTER, "Time that the query was worked on, its commits included.", offsetof(QueryFigures, busy));
	write_query_seconds(f, w, "sluice_query_commit_seconds_total", METRIC_COUNTER, "Time of the query's commits.", offsetof(QueryFigures, commit));
	write_query_counter(f, w, "sluice_query_restarts_total", "Tries of the query after a failure.", offsetof(QueryFigures, restarts));
	write_query_state(f, w);
	write_lag(f, w);
}

static void
write_errors(const EngineCounters *c, MetricWriter *w)
{
	metric_family(w, "sluice_processing_errors_total", METRIC_COUNTER, "Bad records by what could not be done, as the processing log tells them.");
	for (int kind = 0; kind < PROCESSING_ERRORS; kind++)
		metric_value(w, &(MetricLabel){"type", error_names[kind]}, 1, (double)c->errors[kind]);
}

static void
write_totals(const Engine *engine, MetricWriter *w)
{
	const EngineCounters *c = &engine->counters;

	metric_single(w, "sluice_messages_consumed_total", METRIC_COUNTER, "Records that persistent queries took.", (double)c->rows_in);
	metric_single(w, "sluice_messages_produced_total", METRIC_COUNTER, "Records that persistent queries wrote.", (double)c->rows_out);
	metric_single(w, "sluice_bytes_consumed_total", METRIC_COUNTER, "Bytes of keys and values, or of files, that persistent queries took.", (double)c->bytes_in);
	metric_single(w, "sluice_bytes_produced_total", METRIC_COUNTER, "Bytes of keys and values that persistent queries wrote.", (double)c->bytes_out);
	metric_single(w, "sluice_message_errors_total", METRIC_COUNTER, "Records that could not be read or computed.", (double)c->bad_rows);
	write_errors(c, w);
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
	free(f.subjects);
	free(f.topics);
	free(f.lags);
	arena_free(&f.arena);
}
