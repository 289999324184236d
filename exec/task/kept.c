#include "exec/task/kept.h"

#include <stdlib.h>

#include "exec/op/spill_rows.h"

enum { KEPT_ROW_BYTES = 64 };	/* that stand for a row beside bytes of files */

typedef struct KeptSource {
	Source			base;
	const KeptSpec *spec;
	KeptRows	   *rows;
	int32_t			partition;		/* of the rows in hand; -1: none yet */
	int64_t			n_done;			/* rows of the partition */
	int64_t			at;				/* in its file */
	const Vector  **columns;		/* of a block of the file */
	int32_t			n_rows, n_given;	/* of these columns */
	Arena			arena;			/* of these columns */
	SpillBuffer		buffer;
	int64_t			n_read;
} KeptSource;

void
kept_set_free(KeptSet *set)
{
	while (set->entries != NULL) {
		KeptEntry *entry = set->entries;

		set->entries = entry->next;
		kept_rows_free(entry->rows);
		free(entry);
	}
}

static KeptEntry *
find(const KeptSet *set, const KeptSpec *spec)
{
	for (; set != NULL; set = set->outer)
		for (KeptEntry *e = set->entries; e != NULL; e = e->next)
			if (e->of == spec)
				return e;
	return NULL;
}

Status
kept_find(KeptSet *set, const KeptSpec *spec, const BoundedOptions *options, BoundedStats *stats, KeptRows **out, Error *err)
{
	KeptEntry	  *entry = find(set, spec);
	BoundedOptions inner = *options;
	BoundedStats   own;
	KeptRows	  *rows;
	KeptSet		  *owner = set;
	Status		   status;

	if (entry != NULL) {
		*out = entry->rows;
		return OK;
	}
	rows = kept_rows_new();
	inner.result = NULL;
	inner.output = NULL;
	inner.kept = rows;
	inner.outer = set;
	status = bounded_run(spec->plan, &inner, &own, err);
	bounded_stats_add(stats, &own);
	if (status != OK) {
		kept_rows_free(rows);
		return status;
	}
	while (!spec->is_of_iteration && owner->outer != NULL)
		owner = owner->outer;
	entry = xcalloc(1, sizeof *entry);
	*entry = (KeptEntry){spec, rows, owner->entries};
	owner->entries = entry;
	*out = rows;
	return OK;
}

/* ---- reading ---- */

static Status
next_written(KeptSource *self, Error *err)
{
	const KeptBlock *block = &self->rows->blocks[self->partition];
	Str				 bytes;
	Status			 status;

	pthread_mutex_lock(&self->rows->reading);
	status = spill_read(block->file, &self->at, &self->buffer, &bytes, err);
	pthread_mutex_unlock(&self->rows->reading);
	TRY(status);
	arena_reset(&self->arena);
	self->columns = arena_array(&self->arena, const Vector *, self->rows->n_columns + 1);
	self->n_given = 0;
	return spill_rows_decode(self->rows->types, self->rows->n_columns, bytes, &self->arena, self->columns, &self->n_rows, err);
}

static Status
kept_read(Source *source, int32_t partition, int32_t max_rows, Arena *arena, Batch **out, Error *err)
{
	KeptSource		 *self = (KeptSource *)source;
	const KeptBlock	 *block = &self->rows->blocks[partition];
	const SourceSpec *spec = source->spec;
	int64_t			  n, first;

	*out = NULL;
	if (self->partition != partition) {
		self->partition = partition;
		self->n_done = 0;
		self->at = block->at;
		self->n_rows = self->n_given = 0;
	}
	if (self->n_done == block->n_rows)
		return DONE;
	if (block->store == NULL && self->n_given == self->n_rows)
		TRY(next_written(self, err));
	first = block->store != NULL ? block->first + self->n_done : self->n_given;
	n = block->store != NULL ? block->n_rows - self->n_done : self->n_rows - self->n_given;
	n = n < max_rows ? n : max_rows;
	*out = batch_new(arena, spec->n_columns, (int32_t)n);
	for (int c = 0; c < spec->n_columns; c++) {
		int			  at = self->spec->stored[spec->source_index[c]];
		const Vector *v = block->store != NULL ? block->store->columns[at] : self->columns[at];

		(*out)->columns[c] = vector_slice(arena, v, (int32_t)first, (int32_t)n);
	}
	self->n_done += n;
	self->n_given += (int32_t)n;
	self->n_read += n;
	return OK;
}

static void
kept_progress(const Source *source, int64_t *done, int64_t *all)
{
	const KeptSource *self = (const KeptSource *)source;

	/* in bytes, about, as files tell */
	*done = self->n_read * KEPT_ROW_BYTES;
	*all = self->rows->n_rows * KEPT_ROW_BYTES;
}

static void
kept_close(Source *source)
{
	KeptSource *self = (KeptSource *)source;

	arena_free(&self->arena);
	spill_buffer_free(&self->buffer);
}

static const SourceType kept_source_type = {
	.name = "kept rows",
	.read = kept_read,
	.progress = kept_progress,
	.close = kept_close,
};

Source *
kept_source(Arena *arena, const ScanSpec *scan, KeptRows *rows)
{
	KeptSource *self = arena_new(arena, KeptSource);

	self->base = (Source){.type = &kept_source_type, .spec = scan->source, .n_partitions = rows->n_blocks};
	self->spec = scan->kept;
	self->rows = rows;
	self->partition = -1;
	return &self->base;
}
