#include "common/metric.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

const double latency_bounds[LATENCY_BOUNDS] = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};

void
latency_add(Latency *latency, Nanos took)
{
	double seconds = (double)took / 1e9;
	int	   b = 0;

	while (b < LATENCY_BOUNDS && seconds > latency_bounds[b])
		b++;
	atomic_fetch_add_explicit(&latency->counts[b], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&latency->sum_nanos, took, memory_order_relaxed);
}

int64_t
latency_count(const Latency *latency)
{
	int64_t n = 0;

	for (int b = 0; b <= LATENCY_BOUNDS; b++)
		n += latency->counts[b];
	return n;
}

/* ---- text ---- */

void
metric_family(MetricWriter *writer, const char *name, MetricKind kind, const char *help)
{
	static const char *const kinds[] = {"counter", "gauge", "histogram"};

	writer->name = name;
	strbuf_printf(writer->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kinds[kind]);
}

static void
add_label_value(StrBuf *out, const char *value)
{
	for (; *value != '\0'; value++) {
		if (*value == '\\' || *value == '"')
			strbuf_add_char(out, '\\');
		if (*value == '\n')
			strbuf_add_text(out, "\\n");
		else
			strbuf_add_char(out, *value);
	}
}

static void
add_labels(MetricWriter *writer, const MetricLabel *labels, int n_labels, const char *bound)
{
	int n = 0;

	for (int i = 0; i < writer->n_common + n_labels; i++) {
		const MetricLabel *label = i < writer->n_common ? &writer->common[i] : &labels[i - writer->n_common];

		strbuf_printf(writer->out, "%c%s=\"", n++ == 0 ? '{' : ',', label->name);
		add_label_value(writer->out, label->value);
		strbuf_add_char(writer->out, '"');
	}
	if (bound != NULL)
		strbuf_printf(writer->out, "%cle=\"%s\"", n++ == 0 ? '{' : ',', bound);
	if (n > 0)
		strbuf_add_char(writer->out, '}');
}

static void
add_number(StrBuf *out, double value)
{
	if (value == floor(value) && fabs(value) < 1e15)
		strbuf_printf(out, " %.0f\n", value);
	else
		strbuf_printf(out, " %.9g\n", value);
}

void
metric_value(MetricWriter *writer, const MetricLabel *labels, int n_labels, double value)
{
	strbuf_add_text(writer->out, writer->name);
	add_labels(writer, labels, n_labels, NULL);
	add_number(writer->out, value);
}

void
metric_latency(MetricWriter *writer, const MetricLabel *labels, int n_labels, const Latency *latency)
{
	int64_t n = 0;

	for (int b = 0; b <= LATENCY_BOUNDS; b++) {
		char bound[32] = "+Inf";

		if (b < LATENCY_BOUNDS)
			snprintf(bound, sizeof bound, "%g", latency_bounds[b]);
		n += latency->counts[b];
		strbuf_printf(writer->out, "%s_bucket", writer->name);
		add_labels(writer, labels, n_labels, bound);
		add_number(writer->out, (double)n);
	}
	strbuf_printf(writer->out, "%s_sum", writer->name);
	add_labels(writer, labels, n_labels, NULL);
	add_number(writer->out, (double)latency->sum_nanos / 1e9);
	strbuf_printf(writer->out, "%s_count", writer->name);
	add_labels(writer, labels, n_labels, NULL);
	add_number(writer->out, (double)n);
}

void
metric_single(MetricWriter *writer, const char *name, MetricKind kind, const char *help, double value)
{
	metric_family(writer, name, kind, help);
	metric_value(writer, NULL, 0, value);
}

/* ---- the process ---- */

static void
read_line(const char *path, char *line, size_t size)
{
	FILE  *file = fopen(path, "re");
	size_t n = 0;

	if (file != NULL) {
		n = fread(line, 1, size - 1, file);
		fclose(file);
	}
	line[n] = '\0';
}

static int
count_open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int	 n = 0;

	if (directory == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		n += entry->d_name[0] != '.';
	closedir(directory);
	return n - 1;		/* without the directory itself */
}

/* Seconds since 1970 when the process began: its start in ticks since boot is the 22nd field, counted behind the name. */
static double
start_time(void)
{
	char			   stat[1024];
	unsigned long long ticks = 0;
	const char		  *at;
	struct timespec	   now, up;

	read_line("/proc/self/stat", stat, sizeof stat);
	at = strrchr(stat, ')');
	for (int field = 2; at != NULL && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at == NULL || sscanf(at, "%llu", &ticks) != 1)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (double)now.tv_sec - (double)up.tv_sec + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

void
metric_process(MetricWriter *writer)
{
	unsigned long long pages = 0, resident = 0;
	double			   page = (double)sysconf(_SC_PAGESIZE);
	struct rusage	   usage;
	struct rlimit	   files = {0};
	char			   statm[256];

	read_line("/proc/self/statm", statm, sizeof statm);
	sscanf(statm, "%llu %llu", &pages, &resident);
	getrusage(RUSAGE_SELF, &usage);
	getrlimit(RLIMIT_NOFILE, &files);
	metric_single(writer, "process_resident_memory_bytes", METRIC_GAUGE, "Resident memory size in bytes.", (double)resident * page);
	metric_single(writer, "process_virtual_memory_bytes", METRIC_GAUGE, "Virtual memory size in bytes.", (double)pages * page);
	metric_single(writer, "process_cpu_seconds_total", METRIC_COUNTER, "Total user and system CPU time spent in seconds.",
				  (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
	metric_single(writer, "process_open_fds", METRIC_GAUGE, "Number of open file descriptors.", count_open_files());
	metric_single(writer, "process_max_fds", METRIC_GAUGE, "Maximum number of open file descriptors.", (double)files.rlim_cur);
	metric_single(writer, "process_start_time_seconds", METRIC_GAUGE, "Start time of the process since unix epoch in seconds.", start_time());
}

/* ---- labels of the configuration ---- */

static char *
label_name(Arena *arena, Str text)
{
	char *name = str_to_arena(arena, text);

	for (char *c = name; *c != '\0'; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_' || (*c >= '0' && *c <= '9' && c > name)))
			*c = '_';
	return name;
}

int
metric_labels_parse(Arena *arena, const char *text, MetricLabel *out, int max)
{
	int n = 0;

	while (text != NULL && *text != '\0' && n < max) {
		size_t		length = strcspn(text, ",");
		const char *colon = memchr(text, ':', length);
		Str			name = colon != NULL ? str_trim(str_make(text, (size_t)(colon - text))) : (Str){0};

		if (name.length > 0)
			out[n++] = (MetricLabel){label_name(arena, name), str_to_arena(arena, str_trim(str_make(colon + 1, length - (size_t)(colon + 1 - text))))};
		text += length + (text[length] == ',');
	}
	return n;
}
