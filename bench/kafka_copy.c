/*
 * What librdkafka alone does: copies a topic to another one, by one consumer and one producer, and counts CPU time.  The bar for
 * CREATE STREAM b AS SELECT * FROM a.
 *
 * With "latency" at the end it writes records to FROM one by one, each when the one before has come out of TO, and tells how long that took.
 *
 *	cc -O2 bench/kafka_copy.c -lrdkafka -o build/kafka_copy; build/kafka_copy BOOTSTRAP FROM TO RECORDS [latency]
 */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BATCH 2048

static double
seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static rd_kafka_t *
client(rd_kafka_type_t type, const char *const *options)
{
	char			 detail[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_t		*made;

	for (; *options != NULL; options += 2)
		if (rd_kafka_conf_set(conf, options[0], options[1], detail, sizeof detail) != RD_KAFKA_CONF_OK) {
			fprintf(stderr, "%s\n", detail);
			exit(2);
		}
	made = rd_kafka_new(type, conf, detail, sizeof detail);
	if (made == NULL) {
		fprintf(stderr, "%s\n", detail);
		exit(2);
	}
	return made;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
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
measure_latency(char **argv)
{
	const char *from[] = {"bootstrap.servers", argv[1], "group.id", "kafka-latency", "auto.offset.reset", "earliest", "enable.auto.commit", "false",
						  "fetch.wait.max.ms", "5", NULL};
	const char *to[] = {"bootstrap.servers", argv[1], "linger.ms", "0", NULL};
	rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, from), *producer = client(RD_KAFKA_PRODUCER, to);
	rd_kafka_topic_t *out = rd_kafka_topic_new(producer, argv[2], NULL);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	int		n = atoi(argv[4]), warm = 20;
	double *times = calloc((size_t)n, sizeof *times);

	rd_kafka_topic_partition_list_add(list, argv[3], 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
	rd_kafka_assign(consumer, list);
	for (int i = -warm; i < n; i++) {
		double began = seconds_now();

		rd_kafka_produce(out, 0, RD_KAFKA_MSG_F_COPY, "{\"v\":1}", 7, "k", 1, NULL);
		rd_kafka_poll(producer, 0);
		if (!wait_record(consumer)) {
			fprintf(stderr, "no record within 30 s\n");
			return 1;
		}
		if (i >= 0)
			times[i] = (seconds_now() - began) * 1000;
		usleep(10000);
	}
	qsort(times, (size_t)n, sizeof *times, compare_doubles);
	printf("median %.1f ms, p95 %.1f ms, p99 %.1f ms\n", times[n / 2], times[n * 95 / 100], times[n * 99 / 100]);
	fflush(stdout);
	_exit(0);
}

int
main(int argc, char **argv)
{
	static rd_kafka_message_t *messages[BATCH];
	struct rusage			   usage;

	if (argc == 6 && strcmp(argv[5], "latency") == 0)
		return measure_latency(argv);
	if (argc != 5) {
		fprintf(stderr, "usage: kafka_copy BOOTSTRAP FROM TO RECORDS [latency]\n");
		return 2;
	}
	const char *from[] = {"bootstrap.servers", argv[1], "group.id", "kafka-copy", "auto.offset.reset", "earliest", "enable.auto.commit", "false", NULL};
	const char *to[] = {"bootstrap.servers", argv[1], "enable.idempotence", "true", "linger.ms", "5", "compression.type", "lz4", NULL};
	rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, from), *producer = client(RD_KAFKA_PRODUCER, to);
	rd_kafka_topic_t *out = rd_kafka_topic_new(producer, argv[3], NULL);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_queue_t *queue;
	long wanted = atol(argv[4]), n = 0;
	double began = 0;

	rd_kafka_topic_partition_list_add(list, argv[2], RD_KAFKA_PARTITION_UA);
	rd_kafka_poll_set_consumer(consumer);
	rd_kafka_subscribe(consumer, list);
	queue = rd_kafka_queue_get_consumer(consumer);
	while (n < wanted) {
		ssize_t got = rd_kafka_consume_batch_queue(queue, 100, messages, BATCH);

		for (ssize_t i = 0; i < got; i++) {
			rd_kafka_message_t *m = messages[i];

			if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
				if (began == 0)
					began = seconds_now();
				while (rd_kafka_produce(out, m->partition, RD_KAFKA_MSG_F_COPY, m->payload, m->len, m->key, m->key_len, NULL) != 0)
					rd_kafka_poll(producer, 10);
				n++;
			}
			rd_kafka_message_destroy(m);
		}
		rd_kafka_poll(producer, 0);
	}
	rd_kafka_flush(producer, 60000);
	getrusage(RUSAGE_SELF, &usage);
	printf("%ld records, %.2f s after the first, %.2f s CPU\n", n, seconds_now() - began,
		   (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6 + (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6);
	fflush(stdout);
	_exit(0);
}
