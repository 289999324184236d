#ifndef SLUICE_COMMON_PARALLEL_H
#define SLUICE_COMMON_PARALLEL_H

/*
 * Calls work(context, i) for each i from 0 to n - 1, on at most n_threads threads of which the caller's is one, and returns when all have
 * returned.  What the calls share they must guard.  Threads that the system refuses are done without.  For pieces of a
 * millisecond and more: each thread is made anew.
 */
void parallel_for(int n_threads, int n, void (*work)(void *context, int i), void *context);

#endif
