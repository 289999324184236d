/*
 * The loop: listeners, connections, sockets.  One thread waits with epoll, reads, lets the protocol of each connection take what
 * came, and at the end of each turn lets those with something to say fill their output and writes it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http_impl.h"

#define CLOSING_MS 5000		/* for the client's answer to a closing frame */
#define MAX_EVENTS 256
#define READ_BYTES (64 * 1024)
#define READS_A_TURN 4			/* of one connection, so that a fast sender does not hold up the others */
#define LINGER_BYTES (4 * 1024 * 1024)	/* of a client that is told to go and goes on sending */
#define LINGER_NANOS 2000000000
#define TURN_MS 500				/* how often time-outs are looked at */

static const char http2_preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct Posted {
	struct Posted *next;
	void (*run)(void *context);
	void		 *context;
};

/* ---- waking the loop ---- */

static void
ring(HttpServer *server)
{
	uint64_t one = 1;

	/* A full counter is awake already. */
	if (write(server->wake_fd, &one, sizeof one) < 0)
		return;
}

void
server_wake(HttpExchange *e)
{
	HttpServer *server = e->server;
	bool		rings = false;

	pthread_mutex_lock(&server->lock_wake);
	if (!e->is_woken) {
		e->is_woken = true;
		e->next_woken = server->woken;
		rings = server->woken == NULL;
		server->woken = e;
		http_hold(e);
	}
	pthread_mutex_unlock(&server->lock_wake);
	if (rings && !pthread_equal(pthread_self(), server->loop_thread))
		ring(server);
}

void
http_server_post(HttpServer *server, void (*run)(void *context), void *context)
{
	struct Posted *posted = xcalloc(1, sizeof *posted);

	*posted = (struct Posted){.run = run, .context = context};
	pthread_mutex_lock(&server->lock_wake);
	if (server->posted_last != NULL)
		server->posted_last->next = posted;
	else
		server->posted = posted;
	server->posted_last = posted;
	pthread_mutex_unlock(&server->lock_wake);
	ring(server);
}

void
http_server_stop(HttpServer *server)
{
	server->must_stop = true;
	ring(server);
}

static bool
run_posted(HttpServer *server)
{
	struct Posted *posted;

	pthread_mutex_lock(&server->lock_wake);
	posted = server->posted;
	server->posted = server->posted_last = NULL;
	pthread_mutex_unlock(&server->lock_wake);
	for (struct Posted *next; posted != NULL; posted = next) {
		next = posted->next;
		posted->run(posted->context);
		free(posted);
		if (next == NULL)
			return true;
	}
	return false;
}

static bool
has_woken(HttpServer *server)
{
	bool has;

	pthread_mutex_lock(&server->lock_wake);
	has = server->woken != NULL;
	pthread_mutex_unlock(&server->lock_wake);
	return has;
}

/* Exchanges with something new: their connections look at them, in the order in which they were woken. */
static bool
take_woken(HttpServer *server)
{
	HttpExchange *woken, *in_order = NULL;
	bool		  any = false;

	pthread_mutex_lock(&server->lock_wake);
	woken = server->woken;
	server->woken = NULL;
	for (HttpExchange *e = woken; e != NULL; e = e->next_woken)
		e->is_woken = false;
	/* The list is last first.  An exchange that is woken again meanwhile uses next_woken anew: turned round under the lock. */
	while (woken != NULL) {
		HttpExchange *next = woken->next_woken;

		woken->is_woken = true;
		woken->next_woken = in_order;
		in_order = woken;
		woken = next;
	}
	pthread_mutex_unlock(&server->lock_wake);
	while (in_order != NULL) {
		HttpExchange *e = in_order;

		pthread_mutex_lock(&server->lock_wake);
		in_order = e->next_woken;
		e->is_woken = false;
		pthread_mutex_unlock(&server->lock_wake);
		if (e->connection != NULL) {
			e->connection->type->wake(e->connection, e);
			connection_dirty(e->connection);
		}
		http_release(e);
		any = true;
	}
	return any;
}

/* ---- connections ---- */

void
connection_dirty(Connection *c)
{
	if (c->is_dirty)
		return;
	c->is_dirty = true;
	c->next_dirty = c->server->dirty;
	c->server->dirty = c;
}

void
connection_write(Connection *c, const void *data, size_t n)
{
	strbuf_add(&c->out, data, n);
	connection_dirty(c);
}

void
connection_took(Connection *c, size_t n)
{
	c->in_taken += n;
	if (c->in_taken == c->in.length) {
		strbuf_clear(&c->in);
		c->in_taken = 0;
	} else if (c->in_taken > READ_BYTES) {
		memmove(c->in.data, c->in.data + c->in_taken, c->in.length - c->in_taken);
		c->in.length -= c->in_taken;
		c->in_taken = 0;
	}
}

static void
connection_free(Connection *c)
{
	HttpServer *server = c->server;

	if (c->type != NULL)
		c->type->close(c);
	if (c->tls_session != NULL)
		c->tls->close(c->tls_session);
	close(c->fd);
	if (c->is_dirty)
		for (Connection **d = &server->dirty; *d != NULL; d = &(*d)->next_dirty)
			if (*d == c) {
				*d = c->next_dirty;
				break;
			}
	if (c->previous != NULL)
		c->previous->next = c->next;
	else
		server->connections = c->next;
	if (c->next != NULL)
		c->next->previous = c->previous;
	server->n_connections--;
	strbuf_free(&c->in);
	strbuf_free(&c->out);
	free(c);
}

static void
connection_watch(Connection *c)
{
	bool			   writes = connection_pending(c) > 0 || c->tls_wants_write;
	uint32_t		   events = (c->is_paused || c->has_ended ? 0 : EPOLLIN) | (writes ? EPOLLOUT : 0) | EPOLLRDHUP;
	struct epoll_event event = {.events = events, .data.ptr = c};

	if (c->has_ended)
		event.events = events &= ~(uint32_t)EPOLLRDHUP;
	if (events != c->events && epoll_ctl(c->server->epoll_fd, EPOLL_CTL_MOD, c->fd, &event) == 0)
		c->events = events;
}

static ssize_t
socket_read(Connection *c, void *buffer, size_t n)
{
	ssize_t got;

	if (c->tls_session != NULL) {
		got = c->tls->read(c->tls_session, buffer, n);
		c->tls_wants_write = got == HTTP_TLS_WANTS_WRITE;
		return got;
	}
	got = recv(c->fd, buffer, n, 0);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? HTTP_TLS_WANTS_READ : HTTP_TLS_FAILED;
	return got;
}

static ssize_t
socket_write(Connection *c, const void *data, size_t n)
{
	ssize_t done;

	if (c->tls_session != NULL)
		return c->tls->write(c->tls_session, data, n);
	done = send(c->fd, data, n, MSG_NOSIGNAL);
	if (done < 0)
		return errno == EAGAIN || errno == EINTR ? HTTP_TLS_WANTS_WRITE : HTTP_TLS_FAILED;
	return done;
}

/* True when everything has gone out. */
static bool
connection_send(Connection *c)
{
	while (connection_pending(c) > 0) {
		ssize_t done = socket_write(c, c->out.data + c->out_taken, connection_pending(c));

		if (done == HTTP_TLS_FAILED) {
			c->is_broken = true;
			return false;
		}
		if (done <= 0)
			return false;
		c->out_taken += (size_t)done;
		c->last_active = nanos_now();
	}
	if (c->out.capacity > 2 * OUTPUT_WANTED)
		strbuf_free(&c->out);
	strbuf_clear(&c->out);
	c->out_taken = 0;
	return true;
}

/* The first bytes say which protocol it is; false: not enough of them yet. */
static bool
connection_choose(Connection *c)
{
	size_t n = c->in.length - c->in_taken;
	size_t compared = n < sizeof http2_preface - 1 ? n : sizeof http2_preface - 1;

	if (n == 0)
		return false;
	if (c->tls_session != NULL && c->tls->is_http2(c->tls_session)) {
		c->is_broken = !http2_start(c);
		return !c->is_broken;
	}
	if (memcmp(c->in.data + c->in_taken, http2_preface, compared) != 0) {
		http1_start(c);
		return true;
	}
	if (compared < sizeof http2_preface - 1)
		return false;
	if (!http2_start(c))
		c->is_broken = true;
	return !c->is_broken;
}

static void
connection_input(Connection *c)
{
	if (c->type == NULL && !connection_choose(c))
		return;
	c->type->input(c);
}

static void
connection_read(Connection *c)
{
	for (int turn = 0; turn < READS_A_TURN && !c->is_broken && !c->closes && !c->is_paused && !c->has_ended; turn++) {
		ssize_t got;

		strbuf_reserve(&c->in, READ_BYTES);
		got = socket_read(c, c->in.data + c->in.length, READ_BYTES);
		if (got == HTTP_TLS_FAILED) {
			c->is_broken = true;
			break;
		}
		if (got < 0)
			break;
		if (got == 0) {
			c->has_ended = true;
			if (c->type != NULL)
				c->type->ended(c);
			else
				c->is_broken = true;
			break;
		}
		c->in.length += (size_t)got;
		c->in.data[c->in.length] = '\0';
		c->last_active = nanos_now();
		connection_input(c);
		if (c->tls_session != NULL)
			turn = 0;		/* what the library has decrypted already would wake nobody */
		else if ((size_t)got < READ_BYTES)
			break;
	}
	c->tls_has_more = c->tls_session != NULL && c->is_paused;
	/* What a thousand quiet connections would hold. */
	if (c->in.length == 0)
		strbuf_free(&c->in);
	connection_dirty(c);
}

/*
 * Everything is sent.  Closing now, while bytes of the client are unread, would reset the connection and take the answer from it: the
 * sending side is closed, and what comes is dropped until the client closes too, or has had its time.
 */
static void
connection_linger(Connection *c)
{
	if (c->linger_since != 0)
		return;
	c->linger_since = nanos_now();
	c->is_paused = false;
	shutdown(c->fd, SHUT_WR);
}

static void
connection_drop_input(Connection *c)
{
	char	buffer[16384];
	ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);

	if (got > 0)
		c->lingered_bytes += (size_t)got;
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) || c->lingered_bytes > LINGER_BYTES)
		c->is_broken = true;
}

static void
connection_event(Connection *c, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		c->is_broken = true;
	else if (c->linger_since != 0)
		connection_drop_input(c);
	else if ((events & EPOLLRDHUP) && c->is_paused && c->type != NULL) {
		c->has_ended = true;
		c->type->ended(c);
	} else if ((events & (EPOLLIN | EPOLLRDHUP)) || c->tls_wants_write)
		connection_read(c);
	connection_dirty(c);
}

/* Fills and sends as long as the socket takes all.  May free the connection. */
static void
connection_flush(Connection *c)
{
	for (int turn = 0; turn < READS_A_TURN && !c->is_broken; turn++) {
		if (c->type != NULL && connection_pending(c) < OUTPUT_WANTED)
			c->type->output(c);
		if (connection_pending(c) == 0)
			break;
		if (!connection_send(c))
			break;
		/* More may wait in exchanges: again at the end of the next turn. */
		if (turn == READS_A_TURN - 1)
			connection_dirty(c);
	}
	if (c->tls_has_more && !c->is_paused && !c->is_broken)
		connection_read(c);
	if (c->is_broken || (c->closes && connection_pending(c) == 0 && c->has_ended)) {
		connection_free(c);
		return;
	}
	if (c->closes && connection_pending(c) == 0)
		connection_linger(c);
	connection_watch(c);
}

static void
flush_dirty(HttpServer *server)
{
	Connection *dirty = server->dirty;

	server->dirty = NULL;
	while (dirty != NULL) {
		Connection *c = dirty;

		dirty = c->next_dirty;
		c->is_dirty = false;
		connection_flush(c);
	}
}

/* ---- accepting ---- */

static void
name_peer(Connection *c, const struct sockaddr_storage *address)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)address;

		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		snprintf(c->peer, sizeof c->peer, "%s:%d", host, ntohs(in->sin_port));
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;

		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
		snprintf(c->peer, sizeof c->peer, "[%s]:%d", host, ntohs(in6->sin6_port));
	}
}

static void
connection_open(HttpServer *server, int fd, HttpTls *tls, const struct sockaddr_storage *address)
{
	Connection		  *c = xcalloc(1, sizeof *c);
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
	int				   on = 1;

	*c = (Connection){.server = server, .fd = fd, .tls = tls, .events = event.events, .opened = nanos_now(), .last_active = nanos_now(), .head_since = nanos_now()};
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	name_peer(c, address);
	c->next = server->connections;
	if (c->next != NULL)
		c->next->previous = c;
	server->connections = c;
	server->n_connections++;
	if (tls != NULL)
		c->tls_session = tls->accept(tls, fd);
	if ((tls != NULL && c->tls_session == NULL) || epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		connection_free(c);
}

static void
watch_listeners(HttpServer *server, bool watch)
{
	for (int i = 0; i < server->n_listeners; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &server->listen_fds[i]};

		epoll_ctl(server->epoll_fd, watch ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, server->listen_fds[i], &event);
	}
	server->accept_paused = !watch;
}

static void
accept_some(HttpServer *server, int listener)
{
	for (int i = 0; i < 64; i++) {
		struct sockaddr_storage address;
		socklen_t				size = sizeof address;
		int fd = accept4(server->listen_fds[listener], (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
			/* Nothing can be accepted until something is closed: looked at again with the next time-outs. */
			watch_listeners(server, false);
			return;
		}
		if (fd < 0)
			return;
		if (server->n_connections >= server->options.max_connections)
			close(fd);
		else
			connection_open(server, fd, server->options.listeners[listener].tls, &address);
	}
}

/* ---- time-outs ---- */

static bool
is_over(Nanos since, int64_t limit_ms, Nanos now)
{
	return since != 0 && limit_ms > 0 && now - since > limit_ms * 1000000;
}

static bool
stands_still(const HttpServer *server, Connection *c, Nanos now)
{
	return c->type != NULL && c->type->wants_body != NULL && is_over(c->last_active, server->options.body_timeout_ms, now) && c->type->wants_body(c);
}

/* A WebSocket is told that its time is over, and gets some more to answer. */
static bool
has_expired(const HttpServer *server, Connection *c, Nanos now)
{
	int64_t limit_ms = server->options.websocket_ms;

	if (c->type == NULL || c->type->expire == NULL || !is_over(c->opened, limit_ms, now))
		return false;
	if (is_over(c->opened, limit_ms + CLOSING_MS, now))
		return true;
	c->type->expire(c);
	return false;
}

static void
look_at_times(HttpServer *server)
{
	Nanos	now = nanos_now();
	Nanos	idle = server->options.idle_timeout_ms * 1000000;
	int64_t head_ms = server->options.head_timeout_ms > 0 ? server->options.head_timeout_ms : HEAD_TIMEOUT_MS;

	for (Connection *c = server->connections, *next; c != NULL; c = next) {
		bool is_idle = c->type == NULL || c->type->is_idle(c);

		next = c->next;
		if ((is_idle && idle > 0 && now - c->last_active > idle)
			|| (c->linger_since != 0 && now - c->linger_since > LINGER_NANOS)
			|| is_over(c->head_since, head_ms, now) || stands_still(server, c, now) || has_expired(server, c, now)
			|| (server->is_draining && is_idle && connection_pending(c) == 0))
			connection_free(c);
	}
	if (server->accept_paused && !server->is_draining)
		watch_listeners(server, true);
}

/* ---- life ---- */

static Status
listen_at(HttpServer *server, int i, Error *err)
{
	const HttpListener *listener = &server->options.listeners[i];
	struct addrinfo		hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	struct addrinfo	   *found = NULL;
	struct sockaddr_storage bound;
	socklen_t			size = sizeof bound;
	char				port[16];
	int					on = 1, fd, failure;

	snprintf(port, sizeof port, "%d", listener->port);
	failure = getaddrinfo(listener->host, port, &hints, &found);
	if (failure != 0)
		return error_user(err, "Cannot listen at %s:%d: %s", listener->host, listener->port, gai_strerror(failure));
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, 1024) != 0) {
		failure = errno;
		freeaddrinfo(found);
		if (fd >= 0)
			close(fd);
		error_user(err, "Cannot listen at %s:%d: %s", listener->host, listener->port, strerror(failure));
		return error_hint(err, failure == EADDRINUSE ? "Another program has that port: stop it, or choose one with --listen http://HOST:PORT."
													 : "Choose an address of this machine with --listen http://HOST:PORT.");
	}
	freeaddrinfo(found);
	getsockname(fd, (struct sockaddr *)&bound, &size);
	server->listen_fds[i] = fd;
	server->ports[i] = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port : ((struct sockaddr_in *)&bound)->sin_port);
	server->n_listeners = i + 1;
	return OK;
}

/* As many connections as there are files, less what the store needs. */
static int
connections_possible(void)
{
	struct rlimit limit = {0};

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max < 1048576 ? limit.rlim_max : 1048576;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur > 300 ? (int)limit.rlim_cur - 200 : 100;
}

Status
http_server_open(const HttpOptions *options, HttpServer **out, Error *err)
{
	HttpServer		  *server = xcalloc(1, sizeof *server);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	Status			   status = OK;

	server->options = *options;
	server->listeners = xcalloc((size_t)options->n_listeners + 1, sizeof *server->listeners);
	for (int i = 0; i < options->n_listeners; i++)
		server->listeners[i] = options->listeners[i];
	server->options.listeners = server->listeners;
	if (server->options.max_connections <= 0)
		server->options.max_connections = connections_possible();
	if (server->options.max_header_bytes == 0)
		server->options.max_header_bytes = 64 * 1024;
	server->listen_fds = xcalloc((size_t)options->n_listeners + 1, sizeof *server->listen_fds);
	server->ports = xcalloc((size_t)options->n_listeners + 1, sizeof *server->ports);
	pthread_mutex_init(&server->lock_wake, NULL);
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	server->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	server->loop_thread = pthread_self();
	if (server->epoll_fd < 0 || server->wake_fd < 0 || epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->wake_fd, &event) != 0)
		status = error_fatal(err, "Cannot make what waits for connections: %s", strerror(errno));
	for (int i = 0; i < options->n_listeners && status == OK; i++)
		status = listen_at(server, i, err);
	if (status == OK)
		watch_listeners(server, true);
	else {
		http_server_close(server);
		server = NULL;
	}
	*out = server;
	return status;
}

int
http_server_port(const HttpServer *server, int listener)
{
	return server->ports[listener];
}

int
http_server_connections(const HttpServer *server)
{
	return server->n_connections;
}

static void
handle_event(HttpServer *server, const struct epoll_event *event)
{
	uint64_t count;

	if (event->data.ptr == NULL) {
		if (read(server->wake_fd, &count, sizeof count) < 0)
			return;
	} else if (event->data.ptr >= (void *)server->listen_fds && event->data.ptr < (void *)(server->listen_fds + server->n_listeners))
		accept_some(server, (int)((int *)event->data.ptr - server->listen_fds));
	else
		connection_event(event->data.ptr, event->events);
}

static void
start_draining(HttpServer *server)
{
	if (server->is_draining)
		return;
	server->is_draining = true;
	if (!server->accept_paused)
		watch_listeners(server, false);
	for (int i = 0; i < server->n_listeners; i++)
		close(server->listen_fds[i]);
	server->n_listeners = 0;
	if (server->options.draining != NULL)
		server->options.draining(server->options.context);
}

Status
http_server_run(HttpServer *server, int64_t drain_ms, Error *err)
{
	struct epoll_event events[MAX_EVENTS];
	Nanos			   next_look = 0, drain_until = 0;

	server->loop_thread = pthread_self();
	for (;;) {
		bool again = server->dirty != NULL || has_woken(server);
		int	 n = epoll_wait(server->epoll_fd, events, MAX_EVENTS, again ? 0 : server->is_draining ? 20 : TURN_MS);

		if (n < 0 && errno != EINTR)
			return error_fatal(err, "Waiting for connections failed: %s", strerror(errno));
		for (int i = 0; i < n; i++)
			handle_event(server, &events[i]);
		run_posted(server);
		take_woken(server);
		flush_dirty(server);
		if (server->must_stop && !server->is_draining) {
			start_draining(server);
			drain_until = nanos_now() + drain_ms * 1000000;
		}
		if (nanos_now() >= next_look || server->is_draining) {
			look_at_times(server);
			next_look = nanos_now() + (Nanos)TURN_MS * 1000000;
		}
		if (server->is_draining && (server->connections == NULL || nanos_now() > drain_until))
			return OK;
	}
}

void
http_server_close(HttpServer *server)
{
	if (server == NULL)
		return;
	server->loop_thread = pthread_self();
	while (server->connections != NULL)
		connection_free(server->connections);
	while (run_posted(server) || take_woken(server))
		;
	for (int i = 0; i < server->n_listeners; i++)
		close(server->listen_fds[i]);
	if (server->epoll_fd >= 0)
		close(server->epoll_fd);
	if (server->wake_fd >= 0)
		close(server->wake_fd);
	pthread_mutex_destroy(&server->lock_wake);
	free(server->listen_fds);
	free(server->ports);
	free(server->listeners);
	free(server);
}
