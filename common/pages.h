#ifndef SLUICE_COMMON_PAGES_H
#define SLUICE_COMMON_PAGES_H

/*
 * Large memory straight from the system: it goes back when it is freed, whichever thread made it and whatever lies
 * beside it, and its pages are there from the start, which costs half of faulting them in one by one.  So ask for what is
 * about to be used, in steps.  (Huge pages cost more than that where a virtual machine's host takes freed ones back.)
 */
#include <stddef.h>

/* Zeros, on a cache line; NULL: there is no memory.  Little of it comes from malloc. */
void *pages_alloc(size_t size_bytes);
/* size_bytes as it was asked for.  NULL does nothing. */
void  pages_free(void *memory, size_t size_bytes);

#endif
