#include "server/deadline.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/arena.h"
#include "common/env.h"

struct Deadlines {
	int64_t			time_nanos;
	pthread_mutex_t lock;			/* all below */
	pthread_cond_t	changed;
	pthread_cond_t	called;
	Deadline	   *first;
	Deadline	   *last;
	Deadline	   *in_call;
	pthread_t		thread;
	bool			has_thread;
	bool			is_closing;
};

static void
unlink_deadline(Deadlines *self, Deadline *deadline)
{
	if (deadline->before != NULL)
		deadline->before->next = deadline->next;
	else
		self->first = deadline->next;
	if (deadline->next != NULL)
		deadline->next->before = deadline->before;
	else
		self->last = deadline->before;
}

static bool
is_pending(const Deadlines *self, const Deadline *deadline)
{
	return deadline->before != NULL || self->first == deadline;
}

/* Under the lock, which it lets go during the call. */
static void
call(Deadlines *self, Deadline *deadline)
{
	unlink_deadline(self, deadline);
	deadline->before = deadline->next = NULL;
	self->in_call = deadline;
	pthread_mutex_unlock(&self->lock);
	deadline->passed(deadline->context);
	pthread_mutex_lock(&self->lock);
	self->in_call = NULL;
	pthread_cond_broadcast(&self->called);
}

static void *
deadlines_main(void *argument)
{
	Deadlines *self = argument;

	pthread_mutex_lock(&self->lock);
	while (!self->is_closing) {
		if (self->first == NULL)
			pthread_cond_wait(&self->changed, &self->lock);
		else if (self->first->due <= nanos_now())
			call(self, self->first);
		else
			pthread_cond_timedwait(&self->changed, &self->lock,
								   &(struct timespec){.tv_sec = self->first->due / 1000000000, .tv_nsec = self->first->due % 1000000000});
	}
	pthread_mutex_unlock(&self->lock);
	return NULL;
}

void
deadline_begin(Deadlines *self, Deadline *deadline)
{
	deadline->due = nanos_now() + self->time_nanos;
	deadline->next = NULL;
	pthread_mutex_lock(&self->lock);
	deadline->before = self->last;
	if (self->last != NULL)
		self->last->next = deadline;
	else
		self->first = deadline;
	self->last = deadline;
	if (!self->has_thread)
		self->has_thread = pthread_create(&self->thread, NULL, deadlines_main, self) == 0;
	/* Those that come later fall due later: only the first needs a new look. */
	if (self->first == deadline)
		pthread_cond_signal(&self->changed);
	pthread_mutex_unlock(&self->lock);
}

void
deadline_end(Deadlines *self, Deadline *deadline)
{
	pthread_mutex_lock(&self->lock);
	/* First: `passed` may begin it again. */
	while (self->in_call == deadline)
		pthread_cond_wait(&self->called, &self->lock);
	if (is_pending(self, deadline))
		unlink_deadline(self, deadline);
	pthread_mutex_unlock(&self->lock);
}

Deadlines *
deadlines_new(int64_t time_ms)
{
	Deadlines		  *self = xcalloc(1, sizeof *self);
	pthread_condattr_t monotonic;

	self->time_nanos = time_ms * 1000000;
	pthread_mutex_init(&self->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&self->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_cond_init(&self->called, NULL);
	return self;
}

void
deadlines_free(Deadlines *self)
{
	if (self == NULL)
		return;
	pthread_mutex_lock(&self->lock);
	self->is_closing = true;
	pthread_cond_signal(&self->changed);
	pthread_mutex_unlock(&self->lock);
	if (self->has_thread)
		pthread_join(self->thread, NULL);
	pthread_mutex_destroy(&self->lock);
	pthread_cond_destroy(&self->changed);
	pthread_cond_destroy(&self->called);
	free(self);
}
