#include "common/pages.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* From here on memory is mapped. */
static const size_t mapped_least = (size_t)1 << 20;
/* A multiple of every page size in use. */
static const size_t step_bytes = (size_t)64 << 10;

static size_t
round_up(size_t n, size_t to)
{
	return (n + to - 1) & ~(to - 1);
}

static void *
map(size_t size_bytes)
{
	void *memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
#ifdef MADV_POPULATE_WRITE
	/* A wish: where the system does not know it, pages come when they are touched. */
	(void)madvise(memory, size_bytes, MADV_POPULATE_WRITE);
#endif
	return memory;
}

void *
pages_alloc(size_t size_bytes)
{
	void *memory;

	if (size_bytes >= mapped_least)
		return map(round_up(size_bytes, step_bytes));
	size_bytes = round_up(size_bytes, 64);
	memory = aligned_alloc(64, size_bytes);
	return memory != NULL ? memset(memory, 0, size_bytes) : NULL;
}

void
pages_free(void *memory, size_t size_bytes)
{
	if (memory == NULL)
		return;
	if (size_bytes >= mapped_least)
		munmap(memory, round_up(size_bytes, step_bytes));
	else
		free(memory);
}
