#include "io/connector/kafka/kafka_tee.h"

#include <stdlib.h>
#include <string.h>

#define MOST_KEPT 262144		/* records, until the reader that is ahead waits */

/* What one fetch brought. */
typedef struct TeeChunk {
	struct TeeChunk *after;
	Arena			 arena;
	int				 n;
	Record			*records;
	int64_t			 end;		/* offset behind it; some in between may have no record */
} TeeChunk;

typedef struct TeeReader {
	int64_t next;				/* what it takes next */
	int64_t committed;
	int64_t position;
} TeeReader;

struct KafkaTee {
	int		   n_readers;
	TeeReader *readers;
	TeeChunk  *first, *last;
	int64_t	   n_kept;
};

/* "12,15": a position of each reader; false: it is something else. */
static bool
parse_positions(const char *metadata, size_t size, int n_readers, int64_t *positions)
{
	char  text[512];
	char *at = text, *end;
	int	  n = 0;

	if (metadata == NULL || size == 0 || size >= sizeof text)
		return false;
	memcpy(text, metadata, size);
	text[size] = '\0';
	while (n < n_readers) {
		positions[n++] = strtoll(at, &end, 10);
		if (end == at || (*end != ',' && *end != '\0'))
			return false;
		if (*end == '\0')
			return n == n_readers;
		at = end + 1;
	}
	return false;
}

KafkaTee *
kafka_tee_new(int n_readers, int64_t offset, const char *metadata, size_t size)
{
	KafkaTee *self = xcalloc(1, sizeof *self);
	int64_t	 *positions = xcalloc((size_t)n_readers, sizeof *positions);
	bool	  is_told = parse_positions(metadata, size, n_readers, positions);

	self->n_readers = n_readers;
	self->readers = xcalloc((size_t)n_readers, sizeof *self->readers);
	for (int i = 0; i < n_readers; i++) {
		int64_t at = is_told && positions[i] > offset ? positions[i] : offset;

		self->readers[i] = (TeeReader){.next = at, .committed = at, .position = at};
	}
	free(positions);
	return self;
}

static void
drop_first(KafkaTee *self)
{
	TeeChunk *chunk = self->first;

	self->first = chunk->after;
	if (self->first == NULL)
		self->last = NULL;
	self->n_kept -= chunk->n;
	arena_free(&chunk->arena);
	free(chunk);
}

void
kafka_tee_free(KafkaTee *self)
{
	if (self == NULL)
		return;
	while (self->first != NULL)
		drop_first(self);
	free(self->readers);
	free(self);
}

/* ---- positions ---- */

int64_t
kafka_tee_committed(const KafkaTee *self, int reader)
{
	return self->readers[reader].committed;
}

void
kafka_tee_set_position(KafkaTee *self, int reader, int64_t position)
{
	self->readers[reader].position = position;
}

bool
kafka_tee_has_moved(const KafkaTee *self)
{
	for (int i = 0; i < self->n_readers; i++)
		if (self->readers[i].position != self->readers[i].committed)
			return true;
	return false;
}

void
kafka_tee_commit(KafkaTee *self)
{
	for (int i = 0; i < self->n_readers; i++)
		self->readers[i].committed = self->readers[i].position;
}

int64_t
kafka_tee_lowest(const KafkaTee *self, char **metadata)
{
	int64_t lowest = self->readers[0].position;
	StrBuf	text = {0};

	for (int i = 0; i < self->n_readers; i++) {
		strbuf_printf(&text, "%s%lld", i > 0 ? "," : "", (long long)self->readers[i].position);
		if (self->readers[i].position < lowest)
			lowest = self->readers[i].position;
	}
	*metadata = xstrdup(strbuf_text(&text));
	strbuf_free(&text);
	return lowest;
}

/* ---- records ---- */

static Str
copy_text(Arena *arena, Str text)
{
	return str_make(str_to_arena(arena, text), text.length);
}

static void
copy_record(Arena *arena, const Record *from, Record *to)
{
	RecordHeader *headers = arena_array(arena, RecordHeader, from->n_headers + 1);

	*to = *from;
	to->key = copy_text(arena, from->key);
	to->value = copy_text(arena, from->value);
	for (int i = 0; i < from->n_headers; i++)
		headers[i] = (RecordHeader){.key = copy_text(arena, from->headers[i].key), .value = copy_text(arena, from->headers[i].value),
									.value_is_null = from->headers[i].value_is_null};
	to->headers = headers;
}

void
kafka_tee_keep(KafkaTee *self, const KafkaFetched *fetched, int64_t next)
{
	TeeChunk *chunk;

	if (fetched->n_records == 0 && self->last != NULL && next <= self->last->end)
		return;
	chunk = xcalloc(1, sizeof *chunk);
	chunk->end = next;
	chunk->n = fetched->n_records;
	chunk->records = arena_array(&chunk->arena, Record, chunk->n + 1);
	for (int i = 0; i < chunk->n; i++)
		copy_record(&chunk->arena, &fetched->records[i], &chunk->records[i]);
	self->n_kept += chunk->n;
	if (self->last != NULL)
		self->last->after = chunk;
	else
		self->first = chunk;
	self->last = chunk;
}

/* Chunks that all readers have passed go. */
static void
drop_passed(KafkaTee *self)
{
	int64_t lowest = INT64_MAX;

	for (int i = 0; i < self->n_readers; i++)
		lowest = self->readers[i].next < lowest ? self->readers[i].next : lowest;
	while (self->first != NULL && self->first->end <= lowest)
		drop_first(self);
}

static void
make_room(KafkaFetched *out, int n)
{
	if (out->capacity >= n)
		return;
	out->capacity = n;
	out->messages = xrealloc(out->messages, sizeof *out->messages * (size_t)n);
	out->records = xrealloc(out->records, sizeof *out->records * (size_t)n);
}

bool
kafka_tee_give(KafkaTee *self, int reader, int64_t from, int max_records, KafkaFetched *out, int64_t *next)
{
	TeeChunk *chunk = self->first;
	int		  i = 0;

	self->readers[reader].next = from;
	drop_passed(self);
	for (chunk = self->first; chunk != NULL && chunk->end <= from; chunk = chunk->after)
		;
	if (chunk == NULL)
		return false;
	make_room(out, chunk->n);
	while (i < chunk->n && chunk->records[i].offset < from)
		i++;
	for (; i < chunk->n && (max_records <= 0 || out->n_records < max_records); i++)
		copy_record(&out->headers, &chunk->records[i], &out->records[out->n_records++]);
	*next = i < chunk->n ? chunk->records[i].offset : chunk->end;
	self->readers[reader].next = *next;
	return true;
}

bool
kafka_tee_is_full(const KafkaTee *self)
{
	return self->n_kept > MOST_KEPT;
}
