/*
 * Records in chunks.  A chunk is
 *
 *	version		one byte, 1
 *	records		each:	zigzag varint	timestamp minus that of the record before (of the first: itself)
 *						varint			0: the key is null; else its length + 1
 *						bytes			key
 *						varint			0: the value is null; else its length + 1
 *						bytes			value
 *						varint			number of headers, each: varint length, bytes of its key, value as above
 *
 * Varints are little endian base 128.  The number of records and their first offset stand beside the chunk.
 */
#include <stdlib.h>

#include "store/store_impl.h"

#define CHUNK_VERSION 1
#define VARINT_MAX 10

StoreChunk *
chunk_new(size_t capacity)
{
	StoreChunk *chunk = xcalloc(1, sizeof *chunk);

	chunk->n_refs = 1;
	chunk->max_timestamp = INT64_MIN;
	chunk->capacity = capacity > 0 ? capacity : 1;
	chunk->bytes = xmalloc(chunk->capacity);
	return chunk;
}

StoreChunk *
chunk_share(StoreChunk *chunk)
{
	atomic_fetch_add_explicit(&chunk->n_refs, 1, memory_order_relaxed);
	return chunk;
}

void
chunk_release(StoreChunk *chunk)
{
	if (chunk != NULL && atomic_fetch_sub_explicit(&chunk->n_refs, 1, memory_order_acq_rel) == 1) {
		free(chunk->bytes);
		free(chunk);
	}
}

void
chunk_shrink(StoreChunk *chunk)
{
	if (chunk->capacity - chunk->length > chunk->capacity / 8) {
		chunk->capacity = chunk->length;
		chunk->bytes = xrealloc(chunk->bytes, chunk->capacity);
	}
}

static inline char *
varint_write(char *p, uint64_t x)
{
	while (x >= 0x80) {
		*p++ = (char)(x | 0x80);
		x >>= 7;
	}
	*p++ = (char)x;
	return p;
}

static inline char *
bytes_write(char *p, Str bytes, bool is_null)
{
	if (is_null)
		return varint_write(p, 0);
	p = varint_write(p, (uint64_t)bytes.length + 1);
	if (bytes.length > 0)
		memcpy(p, bytes.data, bytes.length);
	return p + bytes.length;
}

static inline uint64_t
zigzag(int64_t x)
{
	return ((uint64_t)x << 1) ^ (uint64_t)(x >> 63);
}

static inline int64_t
unzigzag(uint64_t x)
{
	return (int64_t)(x >> 1) ^ -(int64_t)(x & 1);
}

void
chunk_add(StoreChunk *chunk, const Record *record)
{
	size_t	need = 4 * VARINT_MAX + 1 + record->key.length + record->value.length;
	char   *p;

	for (int i = 0; i < record->n_headers; i++)
		need += 2 * VARINT_MAX + record->headers[i].key.length + record->headers[i].value.length;
	if (chunk->length + need > chunk->capacity) {
		chunk->capacity = chunk->capacity * 2 > chunk->length + need ? chunk->capacity * 2 : chunk->length + need;
		chunk->bytes = xrealloc(chunk->bytes, chunk->capacity);
	}
	p = chunk->bytes + chunk->length;
	if (chunk->length == 0)
		*p++ = CHUNK_VERSION;
	/* Differences wrap around: any two timestamps are a difference apart. */
	p = varint_write(p, zigzag((int64_t)((uint64_t)record->timestamp - (uint64_t)chunk->last_timestamp)));
	p = bytes_write(p, record->key, record->key_is_null);
	p = bytes_write(p, record->value, record->value_is_null);
	p = varint_write(p, (uint64_t)record->n_headers);
	for (int i = 0; i < record->n_headers; i++) {
		p = bytes_write(p, record->headers[i].key, false);
		p = bytes_write(p, record->headers[i].value, record->headers[i].value_is_null);
	}
	chunk->length = (size_t)(p - chunk->bytes);
	chunk->last_timestamp = record->timestamp;
	if (record->timestamp > chunk->max_timestamp)
		chunk->max_timestamp = record->timestamp;
	chunk->n_records++;
}

void
chunk_cursor_init(ChunkCursor *cursor, const StoreChunk *chunk)
{
	*cursor = (ChunkCursor){.chunk = chunk, .position = 1, .offset = chunk->base_offset};
}

static inline bool
varint_read(const char **p, const char *end, uint64_t *out)
{
	uint64_t x = 0;
	int		 shift = 0;

	while (*p < end && shift < 64) {
		uint8_t byte = (uint8_t) * (*p)++;

		x |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*out = x;
			return true;
		}
		shift += 7;
	}
	return false;
}

static inline bool
bytes_read(const char **p, const char *end, Str *out, bool *is_null)
{
	uint64_t length;

	if (!varint_read(p, end, &length))
		return false;
	*is_null = length == 0;
	if (length == 0) {
		*out = (Str){"", 0};
		return true;
	}
	length--;
	if (length > (uint64_t)(end - *p))
		return false;
	*out = (Str){*p, length};
	*p += length;
	return true;
}

bool
chunk_next(ChunkCursor *cursor, Record *record, Arena *headers)
{
	const StoreChunk *chunk = cursor->chunk;
	const char		 *end = chunk->bytes + chunk->length;
	const char		 *p = chunk->bytes + cursor->position;
	RecordHeader	 *made = NULL;
	uint64_t		  delta, n_headers;

	if (chunk->length < 1 || chunk->bytes[0] != CHUNK_VERSION || cursor->position > chunk->length)
		return false;
	if (!varint_read(&p, end, &delta) || !bytes_read(&p, end, &record->key, &record->key_is_null) ||
		!bytes_read(&p, end, &record->value, &record->value_is_null) || !varint_read(&p, end, &n_headers))
		return false;
	if (n_headers > 0) {
		if (n_headers > (uint64_t)(end - p))
			return false;
		if (headers != NULL)
			made = arena_array(headers, RecordHeader, n_headers);
		for (uint64_t i = 0; i < n_headers; i++) {
			RecordHeader header;
			bool		 key_is_null;

			if (!bytes_read(&p, end, &header.key, &key_is_null) ||
				!bytes_read(&p, end, &header.value, &header.value_is_null))
				return false;
			if (made != NULL)
				made[i] = header;
		}
	}
	cursor->timestamp = (Time)((uint64_t)cursor->timestamp + (uint64_t)unzigzag(delta));
	cursor->position = (size_t)(p - chunk->bytes);
	record->offset = cursor->offset++;
	record->timestamp = cursor->timestamp;
	record->headers = made;
	record->n_headers = made != NULL ? (int)n_headers : 0;
	return true;
}
