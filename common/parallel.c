#include "common/parallel.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

enum { MAX_THREADS = 64 };

typedef struct Shared {
	atomic_int next;
	int		   n;
	void	 (*work)(void *context, int i);
	void	  *context;
} Shared;

static void *
take_pieces(void *argument)
{
	Shared *shared = argument;

	for (int i; (i = atomic_fetch_add(&shared->next, 1)) < shared->n;)
		shared->work(shared->context, i);
	return NULL;
}

void
parallel_for(int n_threads, int n, void (*work)(void *context, int i), void *context)
{
	Shared	  shared = {.n = n, .work = work, .context = context};
	pthread_t threads[MAX_THREADS];
	int		  n_started = 0, most = n_threads < n ? n_threads : n;

	while (n_started + 1 < most && n_started < MAX_THREADS && pthread_create(&threads[n_started], NULL, take_pieces, &shared) == 0)
		n_started++;
	take_pieces(&shared);
	for (int t = 0; t < n_started; t++)
		pthread_join(threads[t], NULL);
}
