#ifndef SLUICE_COMMON_METRIC_H
#define SLUICE_COMMON_METRIC_H

/*
 * Figures for monitoring: how they are counted, and how they are told in Prometheus' text format (version 0.0.4).
 *
 * Counters are _Atomic int64_t wherever they belong to; a Latency is a histogram of times.  Both are changed once a batch, an epoch, a
 * commit or a request, never once a row.  A MetricWriter makes text: metric_family begins a family, then come all of its samples.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/str.h"

/* Upper bounds of the buckets, in seconds; the last bucket has none. */
#define LATENCY_BOUNDS 15
extern const double latency_bounds[LATENCY_BOUNDS];

/* All zeros is empty.  Thread safe; a reader may see an observation in its bucket before it is in the sum. */
typedef struct Latency {
	_Atomic int64_t counts[LATENCY_BOUNDS + 1];
	_Atomic int64_t sum_nanos;
} Latency;

void latency_add(Latency *latency, Nanos took);
int64_t latency_count(const Latency *latency);

typedef struct MetricLabel {
	const char *name;
	const char *value;		/* any text: it is escaped */
} MetricLabel;

typedef struct MetricWriter {
	StrBuf			  *out;
	int				   n_common;
	const MetricLabel *common;		/* labels of every sample */
	const char		  *name;		/* of the family in hand; from here on the writer's own */
} MetricWriter;

typedef enum MetricKind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM } MetricKind;

/* `name` with its unit as Prometheus wants it (_total, _seconds, _bytes); both texts are borrowed while the family is in hand. */
void metric_family(MetricWriter *writer, const char *name, MetricKind kind, const char *help);

void metric_value(MetricWriter *writer, const MetricLabel *labels, int n_labels, double value);
void metric_latency(MetricWriter *writer, const MetricLabel *labels, int n_labels, const Latency *latency);

/* A family of one sample without labels. */
void metric_single(MetricWriter *writer, const char *name, MetricKind kind, const char *help, double value);

/* This process: memory, processor time, files, start (the names that Prometheus' own clients use). */
void metric_process(MetricWriter *writer);

/* "k1:v1,k2:v2" (the setting ksql.metrics.tags.custom) as labels, at most `max`; characters that names can't have become '_'. */
int metric_labels_parse(Arena *arena, const char *text, MetricLabel *out, int max);

#endif
