#include "server/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/arena.h"
#include "common/env.h"

#define IDLE_SECONDS 10			/* until a thread without work ends */
#define MAX_WAITING 100000
#define LOOK_MS 5				/* of pool_wait */

typedef struct Job {
	struct Job *next;
	void (*run)(void *context);
	void	   *context;
} Job;

struct Pool {
	pthread_mutex_t lock;
	pthread_cond_t	work;
	pthread_cond_t	ended;
	Job			   *first;
	Job			   *last;
	int				n_waiting;
	int				n_threads;
	int				n_free;
	int				max_threads;
	bool			is_closing;
};

Pool *
pool_new(int max_threads)
{
	Pool *pool = xcalloc(1, sizeof *pool);

	pool->max_threads = max_threads;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->ended, NULL);
	return pool;
}

/* Under the lock.  NULL: the thread shall end. */
static Job *
take_job(Pool *pool)
{
	struct timespec until;
	Job			   *job;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += IDLE_SECONDS;
	pool->n_free++;
	while (pool->first == NULL && !pool->is_closing)
		if (pthread_cond_timedwait(&pool->work, &pool->lock, &until) != 0)
			break;
	pool->n_free--;
	job = pool->first;
	if (job == NULL)
		return NULL;
	pool->first = job->next;
	if (pool->first == NULL)
		pool->last = NULL;
	pool->n_waiting--;
	return job;
}

static void *
pool_main(void *argument)
{
	Pool *pool = argument;
	Job	 *job;

	pthread_mutex_lock(&pool->lock);
	while ((job = take_job(pool)) != NULL) {
		pthread_mutex_unlock(&pool->lock);
		job->run(job->context);
		free(job);
		pthread_mutex_lock(&pool->lock);
	}
	pool->n_threads--;
	pthread_cond_broadcast(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Under the lock. */
static void
start_thread(Pool *pool)
{
	pthread_t	   thread;
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attributes, pool_main, pool) == 0)
		pool->n_threads++;
	pthread_attr_destroy(&attributes);
}

bool
pool_run(Pool *pool, void (*run)(void *context), void *context)
{
	Job *job;

	pthread_mutex_lock(&pool->lock);
	if (pool->n_waiting >= MAX_WAITING || pool->is_closing) {
		pthread_mutex_unlock(&pool->lock);
		return false;
	}
	job = xcalloc(1, sizeof *job);
	*job = (Job){.run = run, .context = context};
	if (pool->last != NULL)
		pool->last->next = job;
	else
		pool->first = job;
	pool->last = job;
	pool->n_waiting++;
	if (pool->n_waiting > pool->n_free && pool->n_threads < pool->max_threads)
		start_thread(pool);
	pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	return true;
}

int
pool_waiting(Pool *pool)
{
	int n;

	pthread_mutex_lock(&pool->lock);
	n = pool->n_waiting;
	pthread_mutex_unlock(&pool->lock);
	return n;
}

bool
pool_wait(Pool *pool, int64_t until)
{
	bool is_idle;

	for (;;) {
		pthread_mutex_lock(&pool->lock);
		is_idle = pool->first == NULL && pool->n_free == pool->n_threads;
		pthread_mutex_unlock(&pool->lock);
		if (is_idle || nanos_now() >= until)
			return is_idle;
		nanosleep(&(struct timespec){.tv_nsec = LOOK_MS * 1000000}, NULL);
	}
}

void
pool_free(Pool *pool)
{
	if (pool == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->is_closing = true;
	pthread_cond_broadcast(&pool->work);
	while (pool->n_threads > 0)
		pthread_cond_wait(&pool->ended, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	pthread_mutex_destroy(&pool->lock);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->ended);
	free(pool);
}
