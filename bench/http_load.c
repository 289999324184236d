/*
 * Load on a server of this machine, over HTTP/1.1 connections that are kept open, by one thread.
 *
 *   http_load pull PORT CONNECTIONS SECONDS TABLE KEYS [RATE]   look-ups of random keys; RATE a second in all (0: as many as go)
 *   http_load push PORT CONNECTIONS SECONDS SQL STALLED         push queries; STALLED of them read nothing; rows are counted
 *
 * Prints one line of JSON.  Only 127.0.0.1 is spoken to.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct Client {
	int		fd;
	bool	is_waiting;		/* for an answer */
	int64_t sent_at;
	int64_t n_rows;
	size_t	n;
	char	buffer[65536];
} Client;

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int
connect_to(int port, int receive_buffer)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int				   fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (receive_buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
	if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
		perror("connect");
		exit(1);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static void
send_query(Client *c, const char *sql)
{
	char body[2048], request[4096];
	int	 n = snprintf(body, sizeof body, "{\"sql\":\"%s\"}", sql);
	int	 length = snprintf(request, sizeof request, "POST /query-stream HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", n, body);

	c->sent_at = now_ns();
	c->is_waiting = true;
	if (send(c->fd, request, (size_t)length, MSG_NOSIGNAL) != length) {
		perror("send");
		exit(1);
	}
}

static int
compare_times(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void
watch(int epoll, Client *c)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};

	fcntl(c->fd, F_SETFL, O_NONBLOCK);
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

/* The whole answer is there: as many bytes as its head says, or its last chunk. */
static bool
is_whole(const Client *c)
{
	const char *end = memmem(c->buffer, c->n, "\r\n\r\n", 4);
	const char *length = end != NULL ? memmem(c->buffer, (size_t)(end - c->buffer), "content-length: ", 16) : NULL;

	if (length != NULL)
		return c->n >= (size_t)(end + 4 - c->buffer) + strtoul(length + 16, NULL, 10);
	return end != NULL && memcmp(c->buffer + c->n - 5, "0\r\n\r\n", 5) == 0;
}

static bool
read_answer(Client *c)
{
	ssize_t got = recv(c->fd, c->buffer + c->n, sizeof c->buffer - c->n, 0);

	if (got <= 0 && errno != EAGAIN) {
		fprintf(stderr, "the server closed a connection\n");
		exit(1);
	}
	c->n += got > 0 ? (size_t)got : 0;
	if (!is_whole(c))
		return false;
	if (strncmp(c->buffer, "HTTP/1.1 200", 12) != 0) {
		fprintf(stderr, "an answer is no 200: %.*s\n", (int)(c->n < 500 ? c->n : 500), c->buffer);
		exit(1);
	}
	c->n = 0;
	return true;
}

static int
run_pull(int port, int n, double seconds, const char *table, long keys, double rate)
{
	Client *clients = calloc((size_t)n, sizeof *clients);
	int64_t capacity = 4000000, done = 0, sent = 0, start = now_ns(), end = start + (int64_t)(seconds * 1e9);
	int64_t *times = malloc(sizeof *times * (size_t)capacity);
	int		epoll = epoll_create1(0);
	struct epoll_event events[256];
	char	sql[256];

	for (int i = 0; i < n; i++) {
		clients[i].fd = connect_to(port, 0);
		watch(epoll, &clients[i]);
	}
	for (int next = 0; now_ns() < end;) {
		int64_t due = rate > 0 ? (int64_t)((double)(now_ns() - start) / 1e9 * rate) : INT64_MAX;

		for (int tried = 0; tried < n && sent < due; tried++, next = (next + 1) % n)
			if (!clients[next].is_waiting) {
				snprintf(sql, sizeof sql, "SELECT * FROM %s WHERE ID = %ld;", table, random() % keys);
				send_query(&clients[next], sql);
				sent++;
			}
		int got = epoll_wait(epoll, events, 256, 1);

		for (int i = 0; i < got; i++) {
			Client *c = events[i].data.ptr;

			if (!read_answer(c))
				continue;
			c->is_waiting = false;
			if (done < capacity)
				times[done++] = now_ns() - c->sent_at;
		}
	}
	qsort(times, (size_t)done, sizeof *times, compare_times);
	printf("{\"requests\": %lld, \"per_second\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f}\n", (long long)done,
		   (double)done / seconds, (double)times[done / 2] / 1e6, (double)times[done * 99 / 100] / 1e6, (double)times[done - 1] / 1e6);
	return 0;
}

/* Rows are lines that begin with '['. */
static void
count_rows(Client *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		c->n_rows += c->buffer[i] == '[' && (i == 0 || c->buffer[i - 1] == '\n');
}

static int
run_push(int port, int n, double seconds, const char *sql, int stalled)
{
	Client *clients = calloc((size_t)n, sizeof *clients);
	int		epoll = epoll_create1(0);
	int64_t end = now_ns() + (int64_t)(seconds * 1e9), least = INT64_MAX, most = 0, all = 0;
	struct epoll_event events[256];

	for (int i = 0; i < n; i++) {
		clients[i].fd = connect_to(port, i < stalled ? 4096 : 0);
		send_query(&clients[i], sql);
		if (i >= stalled)
			watch(epoll, &clients[i]);
	}
	while (now_ns() < end) {
		int got = epoll_wait(epoll, events, 256, 100);

		for (int i = 0; i < got; i++) {
			Client *c = events[i].data.ptr;
			ssize_t bytes = recv(c->fd, c->buffer, sizeof c->buffer, 0);

			if (bytes == 0) {
				fprintf(stderr, "the server closed a query\n");
				return 1;
			}
			if (bytes > 0)
				count_rows(c, (size_t)bytes);
		}
	}
	for (int i = stalled; i < n; i++) {
		least = clients[i].n_rows < least ? clients[i].n_rows : least;
		most = clients[i].n_rows > most ? clients[i].n_rows : most;
		all += clients[i].n_rows;
	}
	printf("{\"queries\": %d, \"rows\": %lld, \"least\": %lld, \"most\": %lld}\n", n - stalled, (long long)all, (long long)least, (long long)most);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc >= 7 && strcmp(argv[1], "pull") == 0)
		return run_pull(atoi(argv[2]), atoi(argv[3]), atof(argv[4]), argv[5], atol(argv[6]), argc > 7 ? atof(argv[7]) : 0);
	if (argc == 7 && strcmp(argv[1], "push") == 0)
		return run_push(atoi(argv[2]), atoi(argv[3]), atof(argv[4]), argv[5], atoi(argv[6]));
	fprintf(stderr, "usage: http_load pull PORT CONNECTIONS SECONDS TABLE KEYS [RATE] | push PORT CONNECTIONS SECONDS SQL STALLED\n");
	return 2;
}
