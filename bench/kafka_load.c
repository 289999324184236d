/*
 * What librdkafka alone does, and what measures sluice from outside: fills topics, copies one to another, watches how a topic grows, and
 * takes the time from a record to its result.
 *
 *	cc -O2 bench/kafka_load.c -lrdkafka -o build/kafka_load
 *	build/kafka_load BOOTSTRAP fill TOPIC RECORDS KEYS          records of 200 bytes of JSON, a millisecond apart, keys user-0 to KEYS - 1
 *	build/kafka_load BOOTSTRAP copy FROM TO RECORDS [once]      the bar for a query from topic to topic; "once": in transactions of 100 ms
 *	build/kafka_load BOOTSTRAP watch TOPIC PARTITIONS           until its input ends: how fast committed records came
 *	build/kafka_load BOOTSTRAP latency FROM TO RECORDS          one at a time, each when the one before has come out
 *	build/kafka_load BOOTSTRAP paced FROM TO RECORDS RATE       RATE a second, a millisecond's worth at a time, whatever comes out
 */
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BATCH 2048
#define EPOCH 0.1		/* seconds of a transaction */

static double
seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
fail(const char *what, const char *why)
{
	fprintf(stderr, "kafka_load: %s: %s\n", what, why);
	exit(1);
}

static void
set_options(rd_kafka_conf_t *conf, const char *const *options)
{
	char detail[512];

	for (; *options != NULL; options += 2)
		if (rd_kafka_conf_set(conf, options[0], options[1], detail, sizeof detail) != RD_KAFKA_CONF_OK)
			fail(options[0], detail);
}

static rd_kafka_t *
client(rd_kafka_type_t type, const char *bootstrap, const char *const *options)
{
	const char		*always[] = {"bootstrap.servers", bootstrap, NULL};
	char			 detail[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t		*made;

	set_options(conf, always);
	set_options(conf, options);
	made = rd_kafka_new(type, conf, detail, sizeof detail);
	if (made == NULL)
		fail("client", detail);
	return made;
}

static rd_kafka_t *
reader_of(const char *bootstrap, const char *topic, int n_partitions)
{
	const char *options[] = {"group.id", "kafka-load", "auto.offset.reset", "earliest", "enable.auto.commit", "false", "fetch.wait.max.ms", "5", NULL};
	rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, bootstrap, options);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n_partitions);

	for (int p = 0; p < n_partitions; p++)
		rd_kafka_topic_partition_list_add(list, topic, p)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(consumer, list);
	rd_kafka_topic_partition_list_destroy(list);
	return consumer;
}

static void
check(rd_kafka_error_t *error, const char *what)
{
	if (error != NULL)
		fail(what, rd_kafka_error_string(error));
}

/* ---- fill ---- */

static int
fill(const char *bootstrap, const char *topic, long n, int n_keys)
{
	const char *options[] = {"linger.ms", "50", "compression.type", "lz4", "partitioner", "murmur2_random", "enable.idempotence", "true", NULL};
	rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, bootstrap, options);
	int64_t		first = (int64_t)time(NULL) * 1000 - n;
	char		key[32], value[512];

	first -= first % 10000;		/* windows of ten seconds begin where they do in every run */
	for (long i = 0; i < n; i++) {
		int user = (int)((unsigned long)i * 7919 % (unsigned long)n_keys);
		int key_size = snprintf(key, sizeof key, "user-%d", user);
		int size = snprintf(value, sizeof value,
							"{\"id\":%ld,\"user\":\"user-%d\",\"country\":\"%c%c\",\"amount\":%ld.%02ld,\"quantity\":%ld,\"ok\":%s,\"page\":\"/products/%ld\",\"note\":\"", i,
							user, (char)('A' + i % 26), (char)('A' + i / 26 % 26), i % 977, i % 100, i % 10, i % 3 != 0 ? "true" : "false", i % 5000);

		while (size < 198) {
			value[size] = (char)('a' + (i + size) % 26);
			size++;
		}
		value[size++] = '"';
		value[size++] = '}';
		while (rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, (size_t)key_size), RD_KAFKA_V_VALUE(value, (size_t)size),
								 RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(first + i), RD_KAFKA_V_END)
			   != RD_KAFKA_RESP_ERR_NO_ERROR)
			rd_kafka_poll(producer, 10);
		if (i % 1024 == 0)
			rd_kafka_poll(producer, 0);
	}
	return rd_kafka_flush(producer, 120000) == RD_KAFKA_RESP_ERR_NO_ERROR ? 0 : 1;
}

/* ---- copy ---- */

typedef struct Copy {
	rd_kafka_t		 *consumer, *producer;
	rd_kafka_topic_t *out;
	int64_t			  next[64];		/* offset behind what was taken from each partition */
	const char		 *from;
	int				  is_once;
	double			  committed;
} Copy;

static void
commit_copy(Copy *self)
{
	rd_kafka_consumer_group_metadata_t *member;
	rd_kafka_topic_partition_list_t	   *list;

	if (!self->is_once || seconds_now() - self->committed < EPOCH)
		return;
	member = rd_kafka_consumer_group_metadata(self->consumer);
	list = rd_kafka_topic_partition_list_new(4);
	for (int p = 0; p < 64; p++)
		if (self->next[p] > 0)
			rd_kafka_topic_partition_list_add(list, self->from, p)->offset = self->next[p];
	check(rd_kafka_send_offsets_to_transaction(self->producer, list, member, 10000), "positions");
	check(rd_kafka_commit_transaction(self->producer, 30000), "commit");
	check(rd_kafka_begin_transaction(self->producer), "begin");
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_consumer_group_metadata_destroy(member);
	self->committed = seconds_now();
}

static long
copy_batch(Copy *self, rd_kafka_message_t **messages, ssize_t got)
{
	long n = 0;

	for (ssize_t i = 0; i < got; i++) {
		rd_kafka_message_t *m = messages[i];

		if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
			while (rd_kafka_produce(self->out, m->partition, RD_KAFKA_MSG_F_COPY, m->payload, m->len, m->key, m->key_len, NULL) != 0)
				rd_kafka_poll(self->producer, 10);
			self->next[m->partition] = m->offset + 1;
			n++;
		}
		rd_kafka_message_destroy(m);
	}
	return n;
}

static void
print_usage(long n, double seconds)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("%ld records, %.3f s after the first, %.3f s CPU\n", n, seconds,
		   (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6);
	fflush(stdout);
}

static int
copy(const char *bootstrap, const char *source, const char *sink, long wanted, int is_once)
{
	static rd_kafka_message_t *messages[BATCH];
	char						group[64];
	const char *from[] = {"group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", "false", "isolation.level", "read_committed",
						  "queued.min.messages", "1000000", "queued.max.messages.kbytes", "1048576", NULL};
	const char *to[] = {"enable.idempotence", "true", "linger.ms", "5", "compression.type", "lz4", is_once ? "transactional.id" : NULL, group, NULL};
	/* Room enough that nothing waits: a full queue of a partition is looked at again only after a second. */
	Copy		self = {.from = source, .is_once = is_once};
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_queue_t *queue;
	double			  began = 0;
	long			  n = 0;

	snprintf(group, sizeof group, "kafka-copy-%d", (int)getpid());
	self.consumer = client(RD_KAFKA_CONSUMER, bootstrap, from);
	self.producer = client(RD_KAFKA_PRODUCER, bootstrap, to);
	self.out = rd_kafka_topic_new(self.producer, sink, NULL);
	if (is_once) {
		check(rd_kafka_init_transactions(self.producer, 30000), "init");
		check(rd_kafka_begin_transaction(self.producer), "begin");
	}
	rd_kafka_topic_partition_list_add(list, source, RD_KAFKA_PARTITION_UA);
	rd_kafka_poll_set_consumer(self.consumer);
	rd_kafka_subscribe(self.consumer, list);
	queue = rd_kafka_queue_get_consumer(self.consumer);
	while (n < wanted) {
		ssize_t got = rd_kafka_consume_batch_queue(queue, 100, messages, BATCH);

		if (began == 0 && got > 0)
			began = self.committed = seconds_now();
		n += copy_batch(&self, messages, got);
		rd_kafka_poll(self.producer, 0);
		commit_copy(&self);
	}
	self.committed = 0;
	commit_copy(&self);
	rd_kafka_flush(self.producer, 60000);
	print_usage(n, seconds_now() - began);
	_exit(0);
}

/* ---- watch ---- */

static int64_t
end_of(rd_kafka_t *consumer, const char *topic, int n_partitions)
{
	int64_t sum = 0, low, high;

	for (int p = 0; p < n_partitions; p++)
		if (rd_kafka_query_watermark_offsets(consumer, topic, p, &low, &high, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR)
			sum += high;
	return sum;
}

/* Records that stood there when it was first seen to grow came in a time that is not known: they don't count. */
static int
watch(const char *bootstrap, const char *topic, int n_partitions)
{
	const char *options[] = {"group.id", "kafka-load", "isolation.level", "read_committed", NULL};
	rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, bootstrap, options);
	struct pollfd input = {.fd = 0, .events = POLLIN};
	int64_t		  at_first = 0, end = 0;
	double		  first = 0, last = 0;

	while (poll(&input, 1, 10) == 0) {
		int64_t now = end_of(consumer, topic, n_partitions);

		if (now == end)
			continue;
		last = seconds_now();
		if (end == 0) {
			at_first = now;
			first = last;
		}
		end = now;
	}
	printf("%lld of %lld in %.3f s\n", (long long)(end - at_first), (long long)end, last - first);
	fflush(stdout);
	_exit(0);
}

/* ---- latency ---- */

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void
print_times(double *times, int n)
{
	qsort(times, (size_t)n, sizeof *times, compare_doubles);
	printf("median %.1f ms, p95 %.1f ms, p99 %.1f ms, longest %.1f ms\n", times[n / 2], times[(long)n * 95 / 100], times[(long)n * 99 / 100], times[n - 1]);
	fflush(stdout);
}

/* True when a record came within 30 seconds. */
static int
wait_record(rd_kafka_t *consumer)
{
	double until = seconds_now() + 30;

	while (seconds_now() < until) {
		rd_kafka_message_t *m = rd_kafka_consumer_poll(consumer, 100);
		int					is_record = m != NULL && m->err == RD_KAFKA_RESP_ERR_NO_ERROR;

		if (m != NULL)
			rd_kafka_message_destroy(m);
		if (is_record)
			return 1;
	}
	return 0;
}

static int
latency(const char *bootstrap, const char *from, const char *to, int n)
{
	const char *options[] = {"linger.ms", "0", NULL};
	rd_kafka_t *consumer = reader_of(bootstrap, to, 1), *producer = client(RD_KAFKA_PRODUCER, bootstrap, options);
	rd_kafka_topic_t *out = rd_kafka_topic_new(producer, from, NULL);
	int		warm = 20;
	double *times = calloc((size_t)n, sizeof *times);

	wait_record(consumer);		/* one that was written before says that the query runs */
	for (int i = -warm; i < n; i++) {
		double began = seconds_now();

		rd_kafka_produce(out, 0, RD_KAFKA_MSG_F_COPY, "{\"v\":1}", 7, "k", 1, NULL);
		rd_kafka_poll(producer, 0);
		if (!wait_record(consumer))
			fail("latency", "no record within 30 s");
		if (i >= 0)
			times[i] = (seconds_now() - began) * 1000;
		usleep(10000);
	}
	print_times(times, n);
	_exit(0);
}

/* Records of "paced": the value says when it was made, in microseconds of the monotonic clock. */
typedef struct Paced {
	const char *bootstrap, *from;
	long		n, rate;
} Paced;

static void *
send_paced(void *argument)
{
	Paced	   *self = argument;
	const char *options[] = {"linger.ms", "2", "compression.type", "lz4", "partitioner", "murmur2_random", NULL};
	rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, self->bootstrap, options);
	double		began = seconds_now();
	char		key[32], value[256];

	for (long i = 0; i < self->n;) {
		double now = seconds_now();
		long   due = (long)((now - began) * (double)self->rate);

		if (i >= due) {
			usleep(1000);
			continue;
		}
		for (; i < due && i < self->n; i++) {
			int key_size = snprintf(key, sizeof key, "user-%ld", i % 1000);
			int size = snprintf(value, sizeof value, "{\"v\":%.0f,\"i\":%ld,\"note\":\"%0120d\"}", now * 1e6, i, 0);

			rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(self->from), RD_KAFKA_V_KEY(key, (size_t)key_size),
							  RD_KAFKA_V_VALUE(value, (size_t)size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
		}
		rd_kafka_poll(producer, 0);
	}
	rd_kafka_flush(producer, 30000);
	return NULL;
}

/* The first three seconds warm up (the broker's Java, too), and are not counted. */
static int
paced(const char *bootstrap, const char *from, const char *to, long n, long rate)
{
	static rd_kafka_message_t *messages[BATCH];
	long		warm = 3 * rate;
	Paced		self = {.bootstrap = bootstrap, .from = from, .n = n + warm, .rate = rate};
	rd_kafka_t *consumer = reader_of(bootstrap, to, 4);
	double	   *times = calloc((size_t)n, sizeof *times), until;
	long		got = 0, kept = 0;
	pthread_t	thread;

	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);

	wait_record(consumer);		/* one that was written before says that the query runs */
	pthread_create(&thread, NULL, send_paced, &self);
	until = seconds_now() + (double)(n + warm) / (double)rate + 30;
	while (got < n + warm && seconds_now() < until) {
		/* It waits until it has as many as are asked for: one, and then what else is there. */
		ssize_t taken = rd_kafka_consume_batch_queue(queue, 100, messages, 1);

		if (taken == 1)
			taken += rd_kafka_consume_batch_queue(queue, 0, messages + 1, BATCH - 1);
		double	now = seconds_now() * 1e6;

		for (ssize_t i = 0; i < taken; i++) {
			rd_kafka_message_t *m = messages[i];

			if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
				char text[64] = {0};

				memcpy(text, m->payload, m->len < 63 ? m->len : 63);
				if (got++ >= warm && kept < n)
					times[kept++] = (now - atof(strchr(text, ':') + 1)) / 1000;
			}
			rd_kafka_message_destroy(m);
		}
	}
	if (got < n + warm)
		fail("paced", "not all records came out");
	print_times(times, (int)kept);
	_exit(0);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";

	if (strcmp(what, "fill") == 0 && argc == 6)
		return fill(argv[1], argv[3], atol(argv[4]), atoi(argv[5]));
	if (strcmp(what, "copy") == 0 && argc >= 6)
		return copy(argv[1], argv[3], argv[4], atol(argv[5]), argc > 6);
	if (strcmp(what, "watch") == 0 && argc == 5)
		return watch(argv[1], argv[3], atoi(argv[4]));
	if (strcmp(what, "latency") == 0 && argc == 6)
		return latency(argv[1], argv[3], argv[4], atoi(argv[5]));
	if (strcmp(what, "paced") == 0 && argc == 7)
		return paced(argv[1], argv[3], argv[4], atol(argv[5]), atol(argv[6]));
	fprintf(stderr, "usage: kafka_load BOOTSTRAP fill|copy|watch|latency|paced ...: see the head of bench/kafka_load.c\n");
	return 2;
}
