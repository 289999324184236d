#ifndef SLUICE_ENGINE_SHARE_IMPL_H
#define SLUICE_ENGINE_SHARE_IMPL_H

/* What the files of a share have in common.  Nobody else includes it. */
#include "engine/fragment.h"
#include "engine/share.h"
#include "engine/standby.h"
#include "io/connector/kafka/kafka.h"

/* The state of a task: in the store, and every change of it in a changelog topic. */
typedef struct ShareBackend {
	StateBackend  backend;
	StateBackend *local;
	Share		 *share;
	Topic		 *changelog;
	int			  partition;
	StrBuf		  key;
} ShareBackend;

/* What a fragment reads, and how the group has it. */
typedef struct ShareSource {
	const SourceSpec *spec;
	Topic			 *topic;		/* of files: the one whose owner reads them */
	int				  reader;		/* its number among those that read the topic */
	SourceContext	  context;
} ShareSource;

/* A fragment at work. */
typedef struct ShareRun {
	Fragment	  *fragment;
	Share		  *share;
	int			   n_sources;
	ShareSource	  *sources;
	StreamRun	  *run;				/* NULL: nothing of it is here */
	Topic		  *changelog;		/* NULL: no state */
	int			   n_backends;
	ShareBackend **backends;
	bool		   has_ended;		/* its files are read */
	bool		   is_waiting;		/* joins what files have, and they are not read yet */
	Nanos		   look_at;			/* when it is next asked whether they are */
	int			   n_positions;
	int64_t		  *positions;		/* of its files, as noted last */
} ShareRun;

struct Share {
	Query		*query;
	Engine		*engine;
	Arena		 arena;
	char		*group_id;
	int			 n_runs;
	ShareRun	*runs;
	int			 n_inputs;			/* topics that are read, each once */
	Topic	   **inputs;
	int			*n_readers;			/* by how many sources each of them is */
	KafkaGroup	*group;				/* NULL: not a member */
	Standby		*standby;			/* copies of what others work on */
	Nanos		 purge_at;			/* when repartition topics are next purged; 0: not set yet */
	bool		 is_open;			/* the runs are those of the share as it is now */
	bool		 is_exact;			/* exactly once */
	Nanos		 held_since;		/* what is not committed yet began then; 0: everything is */
};

#endif
