#ifndef SLUICE_ENGINE_SELECT_IMPL_H
#define SLUICE_ENGINE_SELECT_IMPL_H

/* What select.c and live.c share: a SELECT at work.  Nobody else includes this. */
#include "engine/engine_impl.h"

typedef struct SelectRun {
	StatementContext *context;
	ResultSink		 *sink;
	int64_t			  n_rows;
	bool			  sink_is_done;
	bool			  is_initialised;
	/* The first rows that could not be read or computed. */
	pthread_mutex_t	  lock;
	int64_t			  n_bad;
	char			  example[1024];
	RowLog			  row_log;
	BadRecordLog	  bad_records;
} SelectRun;

void		  select_run_init(SelectRun *run, StatementContext *context);
ResultHeader  select_header(StatementContext *context, const Plan *plan);
SourceContext select_sources(StatementContext *context, SelectRun *run, int threads, bool is_bounded);

int64_t select_memory_limit(const StatementContext *context);	/* bytes that the query may use */

/* Options of a continuous run; borrows all that is given. */
StreamRunOptions select_stream_options(StatementContext *context, SelectRun *run, const SourceContext *sources, MemoryBudget *budget);

/* Adds what the run has counted and tells the sink. */
void   select_run_tell_end(SelectRun *run, ResultEnd *end);
Status select_run_plan(StatementContext *context, const Plan *plan, Error *err);
bool   plan_is_limited(const PlanNode *node);
bool   plan_hit_limit(const PlanNode *node, int64_t n_rows);

#endif
