#include "common/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_FIRST_BLOCK 4096
#define ARENA_MAX_BLOCK ((size_t)4 << 20)

struct ArenaBlock {
	ArenaBlock *older;
	size_t		size_bytes;		/* of data[] */
	_Alignas(16) char data[];
};

static _Noreturn void
out_of_memory(size_t size_bytes)
{
	fprintf(stderr, "sluice: out of memory (%zu bytes wanted)\n", size_bytes);
	abort();
}

void
arena_init(Arena *arena)
{
	memset(arena, 0, sizeof *arena);
}

void
arena_free(Arena *arena)
{
	ArenaBlock *block = arena->block;

	while (block != NULL) {
		ArenaBlock *older = block->older;

		free(block);
		block = older;
	}
	arena_init(arena);
}

void
arena_reset(Arena *arena)
{
	ArenaBlock *keep = arena->block;
	ArenaBlock *block;

	if (keep == NULL)
		return;
	block = keep->older;
	while (block != NULL) {
		ArenaBlock *older = block->older;

		free(block);
		block = older;
	}
	keep->older = NULL;
	arena->next = keep->data;
	arena->end = keep->data + keep->size_bytes;
	arena->size_bytes = keep->size_bytes;
}

ArenaMark
arena_mark(const Arena *arena)
{
	return (ArenaMark){arena->block, arena->next};
}

void
arena_rewind(Arena *arena, ArenaMark mark)
{
	if (mark.block == NULL) {
		arena_reset(arena);
		return;
	}
	while (arena->block != mark.block) {
		ArenaBlock *older = arena->block->older;

		arena->size_bytes -= arena->block->size_bytes;
		free(arena->block);
		arena->block = older;
	}
	arena->next = mark.next;
	arena->end = mark.block->data + mark.block->size_bytes;
}

size_t
arena_growth(const Arena *arena, size_t size_bytes)
{
	size_t next = arena->block != NULL ? arena->block->size_bytes * 2 : ARENA_FIRST_BLOCK;

	if (arena->block != NULL && (size_t)(arena->end - arena->next) >= size_bytes)
		return 0;
	next = next > ARENA_MAX_BLOCK ? ARENA_MAX_BLOCK : next;
	return next > size_bytes ? next : size_bytes + size_bytes / 2;
}

void *
arena_alloc_slow(Arena *arena, size_t size_bytes)
{
	size_t		block_size = arena->block != NULL ? arena->block->size_bytes * 2 : ARENA_FIRST_BLOCK;
	ArenaBlock *block;

	size_bytes = (size_bytes + 15) & ~(size_t)15;
	if (block_size > ARENA_MAX_BLOCK)
		block_size = ARENA_MAX_BLOCK;
	if (block_size < size_bytes)
		block_size = size_bytes;
	block = malloc(sizeof *block + block_size);
	if (block == NULL)
		out_of_memory(block_size);
	block->older = arena->block;
	block->size_bytes = block_size;
	arena->block = block;
	arena->next = block->data + size_bytes;
	arena->end = block->data + block_size;
	arena->size_bytes += block_size;
	return block->data;
}

void *
arena_calloc(Arena *arena, size_t size_bytes)
{
	return memset(arena_alloc(arena, size_bytes), 0, size_bytes);
}

void *
arena_memdup(Arena *arena, const void *data, size_t size_bytes)
{
	void *copy = arena_alloc(arena, size_bytes);

	if (size_bytes > 0)
		memcpy(copy, data, size_bytes);
	return copy;
}

char *
arena_strndup(Arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (length > 0)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *
arena_strdup(Arena *arena, const char *text)
{
	return text != NULL ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *
arena_printf(Arena *arena, const char *format, ...)
{
	va_list args;
	va_list again;
	char   *text;
	int		n;

	va_start(args, format);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = arena_alloc(arena, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, format, again);
	va_end(again);
	return text;
}

void *
xmalloc(size_t size_bytes)
{
	void *p = malloc(size_bytes > 0 ? size_bytes : 1);

	if (p == NULL)
		out_of_memory(size_bytes);
	return p;
}

void *
xcalloc(size_t n, size_t size_bytes)
{
	void *p = calloc(n > 0 ? n : 1, size_bytes > 0 ? size_bytes : 1);

	if (p == NULL)
		out_of_memory(n * size_bytes);
	return p;
}

void *
xrealloc(void *p, size_t size_bytes)
{
	p = realloc(p, size_bytes > 0 ? size_bytes : 1);
	if (p == NULL)
		out_of_memory(size_bytes);
	return p;
}

char *
xstrdup(const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(xmalloc(n), text, n);
}
