/* Clients of librdkafka: their configuration from settings, and errors in our words. */
#include "io/connector/kafka/kafka_impl.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cancel.h"

#define VALUE_MAX 4096
#define END_SECONDS 3

void
kafka_prepare(void)
{
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

/* ---- settings ---- */

/* Prefixes, and for which role what stands behind them is meant. */
static const struct {
	const char *prefix;
	KafkaRole	role;
	bool		for_all;
} prefixes[] = {
	{"main.consumer.", ROLE_CONSUMER, false},	{"restore.consumer.", ROLE_CONSUMER, false},
	{"global.consumer.", ROLE_CONSUMER, false}, {"consumer.", ROLE_CONSUMER, false},
	{"producer.", ROLE_PRODUCER, false},		{"admin.", ROLE_ADMIN, false},
	{"ssl.", ROLE_ADMIN, true},					{"sasl.", ROLE_ADMIN, true},
	{"security.", ROLE_ADMIN, true},
};

typedef struct ConfigTarget {
	KafkaTopics		*topics;
	rd_kafka_conf_t *conf;
	KafkaRole		 role;
	bool			 prefixed;		/* this pass: names with a role's prefix; they win over bare ones */
	Status			 status;
	Error			*err;
} ConfigTarget;

static Status
config_set(ConfigTarget *to, const char *name, const char *shown, const char *value)
{
	char				detail[512];
	rd_kafka_conf_res_t result = to->topics->rd.conf_set(to->conf, name, value, detail, sizeof detail);

	if (result == RD_KAFKA_CONF_OK)
		return OK;
	if (result == RD_KAFKA_CONF_UNKNOWN) {
		error_user(to->err, "Unknown property of Kafka's client: %s", shown);
		return error_hint(to->err, "Properties are librdkafka's: its CONFIGURATION.md lists them.");
	}
	/* Its own text may hold the value. */
	if (setting_is_secret(name) || setting_is_secret(shown))
		return error_user(to->err, "Invalid value for the property %s", shown);
	return error_user(to->err, "Invalid value for the property %s: %s", shown, detail);
}

/* The text behind NAME= in double quotes; false: it is not there. */
static bool
jaas_field(const char *text, const char *name, char *out, size_t size)
{
	const char *at = strstr(text, name);
	size_t		n = 0;

	if (at == NULL || (at = strchr(at, '"')) == NULL)
		return false;
	for (at++; *at != '"' && *at != '\0' && n + 1 < size; at++)
		out[n++] = *at;
	out[n] = '\0';
	return true;
}

/* Java's way to name user and password, which librdkafka has properties of its own for. */
static Status
config_jaas(ConfigTarget *to, const char *value)
{
	char text[VALUE_MAX];

	if (!jaas_field(value, "username=", text, sizeof text))
		return error_user(to->err, "sasl.jaas.config: no username=\"...\" was found; set sasl.username and sasl.password");
	TRY(config_set(to, "sasl.username", "sasl.jaas.config", text));
	if (!jaas_field(value, "password=", text, sizeof text))
		return error_user(to->err, "sasl.jaas.config: no password=\"...\" was found; set sasl.username and sasl.password");
	return config_set(to, "sasl.password", "sasl.jaas.config", text);
}

static void
config_setting(const char *name, const char *value, void *context)
{
	ConfigTarget *to = context;
	const char	 *bare = strncmp(name, "ksql.streams.", 13) == 0 ? name + 13 : name;

	if (to->status == FAILED)
		return;
	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
		size_t n = strlen(prefixes[i].prefix);

		if (strncmp(bare, prefixes[i].prefix, n) != 0)
			continue;
		if (prefixes[i].for_all ? to->prefixed : !to->prefixed || prefixes[i].role != to->role)
			return;
		bare += prefixes[i].for_all ? 0 : n;
		to->status = strcmp(bare, "sasl.jaas.config") == 0 ? config_jaas(to, value) : config_set(to, bare, name, value);
		return;
	}
}

static void
on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
	/* What matters comes as an error of a call; connections that come and go are not worth a line on somebody's terminal. */
	(void)client;
	(void)level;
	(void)facility;
	(void)text;
}

static void
on_error(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
	KafkaTopics *topics = opaque;

	(void)client;
	if (topics == NULL)
		return;
	pthread_mutex_lock(&topics->lock);
	/* That all brokers are down follows from what was said of each of them, which says more. */
	if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || topics->last_error[0] == '\0')
		snprintf(topics->last_error, sizeof topics->last_error, "%s", reason);
	topics->is_refused |= code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
	pthread_mutex_unlock(&topics->lock);
}

/* From 2.2 on librdkafka leaves a partition whose queue was full alone for a time that can be set (a second): see kafka_refill.c for those before. */
static void
look_often(const ConfigTarget *to)
{
	char detail[256];

	if (to->topics->rd.version() >= 0x02020000)
		to->topics->rd.conf_set(to->conf, "fetch.queue.backoff.ms", "10", detail, sizeof detail);
}

Status
kafka_config(KafkaTopics *topics, const Settings *settings, KafkaRole role, const char *const *options, rd_kafka_conf_t **out, Error *err)
{
	static const char *const always[] = {"client.id", CLIENT_ID, "log.connection.close", "false", NULL};
	static const char *const of_consumers[] = {"enable.auto.commit", "false", "enable.auto.offset.store", "false",
											   "auto.offset.reset", "earliest", "isolation.level", "read_committed",
											   "enable.partition.eof", "true", "partition.assignment.strategy", "range",
											   "session.timeout.ms", "10000", "fetch.wait.max.ms", "100",
											   "queued.max.messages.kbytes", "4096", NULL};
	static const char *const of_producers[] = {"enable.idempotence", "true", "linger.ms", "2", "compression.type", "lz4",
											   "transaction.timeout.ms", "10000", NULL};
	ConfigTarget to = {.topics = topics, .conf = topics->rd.conf_new(), .role = role, .status = OK, .err = err};
	const char *const *const sets[] = {always, role == ROLE_CONSUMER ? of_consumers : of_producers};

	for (int i = 0; i < 2; i++)
		for (const char *const *o = sets[i]; *o != NULL && to.status == OK; o += 2)
			to.status = config_set(&to, o[0], o[0], o[1]);
	if (to.status == OK && role == ROLE_CONSUMER)
		look_often(&to);
	for (int pass = 0; pass < 2; pass++) {
		to.prefixed = pass == 1;
		settings_visit(topics->settings, config_setting, &to);
		if (settings != NULL)
			settings_visit(settings, config_setting, &to);
	}
	if (to.status == OK)
		to.status = config_set(&to, "bootstrap.servers", "bootstrap.servers", topics->bootstrap);
	for (const char *const *o = options; o != NULL && *o != NULL && to.status == OK; o += 2)
		to.status = config_set(&to, o[0], o[0], o[1]);
	if (to.status != OK) {
		topics->rd.conf_destroy(to.conf);
		return FAILED;
	}
	topics->rd.conf_set_log_cb(to.conf, on_log);
	topics->rd.conf_set_error_cb(to.conf, on_error);
	topics->rd.conf_set_opaque(to.conf, topics);
	*out = to.conf;
	return OK;
}

Status
kafka_client_new(KafkaTopics *topics, rd_kafka_type_t type, rd_kafka_conf_t *conf, rd_kafka_t **out, Error *err)
{
	char detail[512];

	*out = topics->rd.new(type, conf, detail, sizeof detail);
	if (*out != NULL)
		return OK;
	topics->rd.conf_destroy(conf);
	return error_user(err, "Kafka's client cannot be made: %s", detail);
}

/* ---- ending ---- */

typedef struct Ending {
	void (*destroy)(rd_kafka_t *client);
	rd_kafka_t	   *client;
	pthread_mutex_t lock;
	pthread_cond_t	changed;
	bool			is_done;
	bool			is_left;	/* nobody waits any more: it frees itself */
} Ending;

static void
ending_free(Ending *self)
{
	pthread_cond_destroy(&self->changed);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

static void *
ending_main(void *argument)
{
	Ending *self = argument;
	bool	is_left;

	self->destroy(self->client);
	pthread_mutex_lock(&self->lock);
	self->is_done = true;
	is_left = self->is_left;
	pthread_cond_signal(&self->changed);
	pthread_mutex_unlock(&self->lock);
	if (is_left)
		ending_free(self);
	return NULL;
}

void
kafka_client_end(KafkaTopics *topics, rd_kafka_t *client)
{
	Ending		   *ending = xcalloc(1, sizeof *ending);
	struct timespec until;
	pthread_t		thread;
	bool			is_done;

	ending->destroy = topics->rd.destroy;
	ending->client = client;
	pthread_mutex_init(&ending->lock, NULL);
	pthread_cond_init(&ending->changed, NULL);
	if (pthread_create(&thread, NULL, ending_main, ending) != 0) {
		topics->rd.destroy(client);
		ending_free(ending);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_SECONDS;
	pthread_mutex_lock(&ending->lock);
	while (!ending->is_done && pthread_cond_timedwait(&ending->changed, &ending->lock, &until) == 0)
		;
	is_done = ending->is_done;
	ending->is_left = !is_done;
	pthread_mutex_unlock(&ending->lock);
	if (!is_done)
		pthread_detach(thread);
	else {
		pthread_join(thread, NULL);
		ending_free(ending);
	}
}

/* ---- errors ---- */

bool
kafka_code_may_pass(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__RESOLVE:
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
	case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
	case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
	case RD_KAFKA_RESP_ERR__WAIT_COORD:
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
	case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
	case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
	case RD_KAFKA_RESP_ERR__STATE:
	case RD_KAFKA_RESP_ERR__FENCED:
	case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
	case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
	/* Brokers come to know one after the other of a topic that was made. */
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
	case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
	case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
	case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
	case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
	case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
	case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
	case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
	case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
	case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
	case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
	case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
	case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
	case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
	case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
	case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
	case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
	case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
	case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
		return true;
	default:
		return false;
	}
}

static const char *
remedy(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR__TRANSPORT:
	case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
	case RD_KAFKA_RESP_ERR__TIMED_OUT:
	case RD_KAFKA_RESP_ERR__RESOLVE:
		return "Is the broker running, and reachable from here under the addresses that it advertises? For SASL or TLS set security.protocol.";
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		return "The user of this program needs an ACL for it.";
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		return "Raise max.message.bytes of the topic and producer.message.max.bytes, or write smaller rows.";
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
		return "It was deleted; create it again, or DROP what reads and writes it.";
	default:
		return NULL;
	}
}

Status
kafka_error(KafkaTopics *topics, rd_kafka_resp_err_t code, const char *detail, Error *err, const char *doing, ...)
{
	char		text[512];
	const char *hint = remedy(code);
	va_list		args;

	va_start(args, doing);
	vsnprintf(text, sizeof text, doing, args);
	va_end(args);
	if (kafka_code_may_pass(code) && cancel_ends_waits())
		return error_set(err, ERROR_INTERRUPTED, "%s: it was cancelled before the brokers had answered", text);
	if (detail == NULL || detail[0] == '\0')
		detail = topics->rd.err2str(code);
	error_set(err, kafka_code_may_pass(code) ? ERROR_TRANSIENT : ERROR_FATAL, "%s: %s (%s)", text, detail, topics->rd.err2name(code));
	return hint != NULL ? error_hint(err, "%s", hint) : FAILED;
}

/* Trying again at once will not help, even where a transaction could be begun anew. */
static bool
needs_somebody(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED
		   || code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
		   || code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
}

Status
kafka_take_error(KafkaTopics *topics, rd_kafka_error_t *error, Error *err, const char *doing)
{
	rd_kafka_resp_err_t code = topics->rd.error_code(error);

	kafka_error(topics, code, topics->rd.error_string(error), err, "%s", doing);
	if ((topics->rd.error_is_retriable(error) || topics->rd.error_txn_requires_abort(error)) && !needs_somebody(code))
		err->class = ERROR_TRANSIENT;
	topics->rd.error_destroy(error);
	return FAILED;
}
