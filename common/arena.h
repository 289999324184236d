#ifndef SLUICE_COMMON_ARENA_H
#define SLUICE_COMMON_ARENA_H

/*
 * Memory by lifetime: everything allocated from an arena is freed together.
 *
 * Allocation cannot fail: when the machine is out of memory the process ends with a clear line.  What grows with user
 * data is reserved from a MemoryBudget first (common/budget.h), so that a query fails and the program lives.
 * An arena belongs to one thread at a time.  Memory is aligned to 16 bytes and not cleared unless said.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "common/status.h"

typedef struct ArenaBlock ArenaBlock;

typedef struct Arena {
	ArenaBlock *block;			/* newest block; older ones are chained behind it */
	char	   *next;			/* first free byte of it */
	char	   *end;
	size_t		size_bytes;		/* of all blocks together */
} Arena;

/* An empty arena is all zeros: `Arena a = {0};` allocates nothing until it is used. */
void arena_init(Arena *arena);

/* Frees everything; the arena is empty and usable again. */
void arena_free(Arena *arena);

/* Forgets everything but keeps the newest (largest) block for reuse: the cheap way to clear scratch space. */
void arena_reset(Arena *arena);

/* A place to come back to: what was allocated after the mark is freed by arena_rewind, what was before stays. */
typedef struct ArenaMark {
	ArenaBlock *block;
	char	   *next;
} ArenaMark;

ArenaMark arena_mark(const Arena *arena);
void	  arena_rewind(Arena *arena, ArenaMark mark);

void *arena_alloc_slow(Arena *arena, size_t size_bytes);

/* By how much size_bytes grows, more or less, when so many bytes are allocated in small pieces. */
size_t arena_growth(const Arena *arena, size_t size_bytes);

static inline void *
arena_alloc(Arena *arena, size_t size_bytes)
{
	size_t	rounded = (size_bytes + 15) & ~(size_t)15;
	char   *p = arena->next;

	if (rounded > (size_t)(arena->end - p) || p == NULL)
		return arena_alloc_slow(arena, rounded);
	arena->next = p + rounded;
	return p;
}

void *arena_calloc(Arena *arena, size_t size_bytes);		/* cleared to zero */
void *arena_memdup(Arena *arena, const void *data, size_t size_bytes);
char *arena_strdup(Arena *arena, const char *text);		/* NULL gives NULL */
char *arena_strndup(Arena *arena, const char *text, size_t length);
char *arena_printf(Arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#define arena_new(arena, T) ((T *)arena_calloc((arena), sizeof(T)))
#define arena_array(arena, T, n) ((T *)arena_calloc((arena), sizeof(T) * (size_t)(n)))

/* malloc and friends that end the process when there is no memory: for objects that outlive any arena. */
void *xmalloc(size_t size_bytes);
void *xcalloc(size_t n, size_t size_bytes);
void *xrealloc(void *p, size_t size_bytes);
char *xstrdup(const char *text);

/*
 * Makes room for one more element in a malloc'ed array that grows by doubling; `array`, `n`, `capacity` are lvalues.
 */
#define grow_array(array, n, capacity)                                                       \
	do {                                                                                     \
		if ((n) >= (capacity)) {                                                             \
			(capacity) = (capacity) > 0 ? (capacity) * 2 : 8;                                \
			(array) = xrealloc((array), (size_t)(capacity) * sizeof *(array));               \
		}                                                                                    \
	} while (0)

#endif
