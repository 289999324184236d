#include "common/setting.h"

#include <stdlib.h>
#include <strings.h>

#define PREFIX "ksql.streams."

/* Topics of brokers, registries and Connect. */
#define INTERNAL_TOPICS "_confluent.*,__confluent.*,_schemas,__consumer_offsets,__transaction_state," \
						"connect-configs,connect-offsets,connect-status,connect-statuses"

const Setting setting_rows[] = {
	{"sql.dialect", SETTING_CHOICE, "standard", "standard|ksqldb", SCOPE_QUERY,
	 "Rules by which SQL is bound: standard SQL, or ksqlDB's to the letter."},
	{"auto.offset.reset", SETTING_CHOICE, NULL, "earliest|latest|none", SCOPE_QUERY,
	 "Where a query starts in a topic that it never read."},
	{"cache.max.bytes.buffering", SETTING_BYTES, "10000000", NULL, SCOPE_QUERY,
	 "Above 0, changes of one key within an epoch are merged; 0 writes every change."},
	{"commit.interval.ms", SETTING_INT, "100", NULL, SCOPE_QUERY, "Longest time in milliseconds until an epoch is committed."},
	{"batch.rows", SETTING_INT, "2048", NULL, SCOPE_QUERY,
	 "Most rows that go through the operators at a time; results never depend on it."},
	{"epoch.rows", SETTING_INT, "65536", NULL, SCOPE_QUERY, "Most rows of an epoch."},
	{"max.task.idle.ms", SETTING_INT, "0", NULL, SCOPE_QUERY,
	 "Milliseconds that a join waits for an input that has no rows, to keep the order of time."},
	{"idle.timeout.ms", SETTING_INT, "0", NULL, SCOPE_QUERY,
	 "Milliseconds without a record after which event time moves on by itself; 0: never."},
	{"read.your.writes", SETTING_BOOL, "true", NULL, SCOPE_QUERY,
	 "A bounded SELECT of the standard dialect first waits for the persistent queries that feed it."},
	{"memory.limit", SETTING_BYTES, NULL, NULL, SCOPE_QUERY,
	 "Memory that queries may use, in bytes or with K, M, G, or as a share such as 80%."},
	{"temp.directory", SETTING_TEXT, NULL, NULL, SCOPE_SERVER,
	 "Folder of the temporary files of bounded queries that need more than memory.limit; unset: TMPDIR, else /tmp."},
	{"threads", SETTING_INT, NULL, NULL, SCOPE_QUERY, "Threads of a bounded query; unset: one a processor."},
	{"strict", SETTING_BOOL, "false", NULL, SCOPE_QUERY, "The first bad row of a file fails the query."},
	{"durability", SETTING_CHOICE, "process", "process|power", SCOPE_SERVER,
	 "What a commit survives: the end of the process, or of the machine's power."},
	{"processing.guarantee", SETTING_CHOICE, "exactly_once_v2", "exactly_once_v2|at_least_once", SCOPE_SERVER,
	 "How often a record counts after a failure."},
	{"ksql.service.id", SETTING_TEXT, "default_", NULL, SCOPE_SERVER, "Name of the cluster; prefix of internal names."},
	{"ksql.output.topic.name.prefix", SETTING_TEXT, "", NULL, SCOPE_QUERY, "Prefix of the topics that queries create."},
	{"ksql.persistence.default.format.key", SETTING_TEXT, "KAFKA", NULL, SCOPE_QUERY, "KEY_FORMAT where none is given."},
	{"ksql.persistence.default.format.value", SETTING_TEXT, NULL, NULL, SCOPE_QUERY, "VALUE_FORMAT where none is given."},
	{"ksql.persistence.wrap.single.values", SETTING_BOOL, NULL, NULL, SCOPE_QUERY, "WRAP_SINGLE_VALUE where none is given."},
	{"ksql.sink.partitions", SETTING_INT, NULL, NULL, SCOPE_QUERY, "Old name for PARTITIONS of new topics; ignored."},
	{"ksql.sink.replicas", SETTING_INT, NULL, NULL, SCOPE_QUERY, "Old name for REPLICAS of new topics; ignored."},
	{"ksql.create.topic.inherit.source.replicas.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY,
	 "New topics take the replicas of the leftmost source."},
	{"ksql.hidden.topics", SETTING_TEXT, INTERNAL_TOPICS, NULL, SCOPE_SERVER, "Patterns of topics that SHOW TOPICS leaves out."},
	{"ksql.readonly.topics", SETTING_TEXT, INTERNAL_TOPICS, NULL, SCOPE_SERVER, "Patterns of topics that must not be written."},
	{"ksql.fail.on.deserialization.error", SETTING_BOOL, "false", NULL, SCOPE_QUERY,
	 "A record that cannot be read fails the query instead of being skipped."},
	{"errors.dead.letter.queue.topic.name", SETTING_TEXT, NULL, NULL, SCOPE_QUERY,
	 "Topic that persistent queries write the records to which they cannot read or process, with the reason in headers."},
	{"ksql.timestamp.throw.on.invalid", SETTING_BOOL, "false", NULL, SCOPE_QUERY,
	 "A record without a valid timestamp fails the query instead of being skipped."},
	{"ksql.suppress.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "EMIT FINAL is allowed."},
	{"ksql.nested.error.set.null", SETTING_BOOL, "true", NULL, SCOPE_QUERY,
	 "A failing part of an expression becomes NULL by itself instead of the whole."},
	{"ksql.cast.strings.preserve.nulls", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "CAST of NULL to STRING is NULL."},
	{"ksql.create.or.replace.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "CREATE OR REPLACE is allowed."},
	{"ksql.source.table.materialization.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "CREATE SOURCE TABLE is allowed."},
	{"ksql.pull.queries.enable", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "Bounded queries over tables and streams are allowed."},
	{"ksql.query.pull.table.scan.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "Look-ups without a key may scan the table."},
	{"ksql.query.pull.range.scan.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "Look-ups by a range of keys are allowed."},
	{"ksql.query.pull.stream.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "Bounded queries over streams are allowed."},
	{"ksql.query.pull.limit.clause.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "LIMIT is allowed in bounded queries."},
	{"ksql.query.push.v2.enabled", SETTING_BOOL, "false", NULL, SCOPE_QUERY, "Accepted for compatibility."},
	{"ksql.max.push.queries", SETTING_INT, "100", NULL, SCOPE_SERVER, "Push queries that may run at a time."},
	{"ksql.query.error.max.queue.size", SETTING_INT, "10", NULL, SCOPE_QUERY, "Latest errors of a query that are kept."},
	{"ksql.query.retry.backoff.initial.ms", SETTING_INT, "15000", NULL, SCOPE_QUERY,
	 "A query whose failure may pass is tried again after so long; each further time after twice as long."},
	{"ksql.query.retry.backoff.max.ms", SETTING_INT, "900000", NULL, SCOPE_QUERY, "Longest time until the next try."},
	{"ksql.insert.into.values.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "INSERT INTO ... VALUES is allowed."},
	{"ksql.variable.substitution.enable", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "${name} is replaced."},
	{"ksql.lambdas.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "Lambdas are allowed."},
	{"ksql.headers.columns.enabled", SETTING_BOOL, "true", NULL, SCOPE_QUERY, "HEADERS columns are allowed."},
	{"ksql.extension.dir", SETTING_TEXT, "ext", NULL, SCOPE_SERVER, "Where CREATE FUNCTION looks for libraries that are given by name alone."},
	{"ksql.functions.collect_list.limit", SETTING_INT, "-1", NULL, SCOPE_QUERY, "Most elements of COLLECT_LIST; negative: no limit."},
	{"ksql.functions.collect_set.limit", SETTING_INT, "-1", NULL, SCOPE_QUERY, "Most elements of COLLECT_SET; negative: no limit."},
	{"ksql.functions.substring.legacy.args", SETTING_BOOL, "false", NULL, SCOPE_QUERY, "Accepted for compatibility."},
	{"ksql.assert.topic.default.timeout.ms", SETTING_INT, "1000", NULL, SCOPE_QUERY, "How long ASSERT TOPIC waits."},
	{"ksql.assert.schema.default.timeout.ms", SETTING_INT, "1000", NULL, SCOPE_QUERY, "How long ASSERT SCHEMA waits."},
	{"ksql.schema.registry.url", SETTING_TEXT, "", NULL, SCOPE_SERVER, "Address of the Schema Registry."},
	{"ksql.windowed.session.key.legacy", SETTING_BOOL, "false", NULL, SCOPE_QUERY, "Accepted for compatibility."},
	{"topology.optimization", SETTING_TEXT, "none", NULL, SCOPE_QUERY, "Accepted for compatibility."},
	{"default.timestamp.extractor", SETTING_TEXT, NULL, NULL, SCOPE_QUERY, "Accepted for compatibility."},
	{"__emit.interval.ms.kstreams.windowed.aggregation__", SETTING_INT, "0", NULL, SCOPE_QUERY, "Accepted for compatibility."},
	{"num.stream.threads", SETTING_INT, "4", NULL, SCOPE_QUERY, "Accepted for compatibility."},
	{"task.timeout.ms", SETTING_INT, "300000", NULL, SCOPE_QUERY, "Accepted for compatibility."},
	{"buffered.records.per.partition", SETTING_INT, "1000", NULL, SCOPE_QUERY, "Accepted for compatibility."},
	{"num.standby.replicas", SETTING_INT, "0", NULL, SCOPE_SERVER,
	 "Processes that keep a copy of a partition's state besides the one that works on it, on Kafka."},
	{"table.copies", SETTING_BOOL, "true", NULL, SCOPE_SERVER,
	 "On Kafka a table that is looked at is followed into the data directory from then on, so that look-ups find its rows there."},
	{"repartition.purge.interval.ms", SETTING_INT, "30000", NULL, SCOPE_SERVER,
	 "How often records that were read are removed from repartition topics on Kafka."},
	{"bootstrap.servers", SETTING_TEXT, NULL, NULL, SCOPE_SERVER, "Kafka brokers; unset: topics are embedded."},
	{"kafka.connect.timeout.ms", SETTING_INT, "10000", NULL, SCOPE_SERVER, "How long the first answer of a broker is waited for."},
	{"queries.run", SETTING_CHOICE, "auto", "auto|always|never", SCOPE_SERVER,
	 "Whether this process takes part in running the persistent queries of its service on Kafka; auto: shell and server do, -c and -f "
	 "only for what they create."},
	{NULL, SETTING_TEXT, NULL, NULL, SCOPE_QUERY, NULL},
};

typedef struct SettingValue {
	char *name;
	char *value;
} SettingValue;

struct Settings {
	const Settings *parent;
	SettingValue   *values;
	int				n_values;
	int				capacity;
};

static const char *
without_prefix(const char *name)
{
	return strncmp(name, PREFIX, strlen(PREFIX)) == 0 ? name + strlen(PREFIX) : name;
}

static const Setting *
find_row(const Setting *rows, const char *name)
{
	for (; rows->name != NULL; rows++)
		if (strcmp(rows->name, name) == 0)
			return rows;
	return NULL;
}

/* The server's own names have no prefix: ksql.streams.ssl.key.location is a matter of Kafka's clients, ssl.key.location of the listeners. */
const Setting *
setting_find(const char *name)
{
	const Setting *row = find_row(setting_rows, without_prefix(name));

	return row != NULL ? row : find_row(setting_server_rows, name);
}

const Setting *
setting_at(int i)
{
	const Setting *row = setting_rows;

	for (; row->name != NULL; row++)
		if (i-- == 0)
			return row;
	for (row = setting_server_rows; row->name != NULL; row++)
		if (i-- == 0)
			return row;
	return NULL;
}

bool
setting_is_secret(const char *name)
{
	static const char *const words[] = {"password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "api.key", "apikey", "api_key",
										"access.key", "access_key", "private.key", "private_key", "ssl.key.pem", "keystore.key", "jaas.config",
										"user.info", "auth.header", "authorization.header"};

	/* Names that have such a word and say where or which, not what. */
	if (strcasestr(name, ".location") != NULL || strcasestr(name, ".source") != NULL || strcasestr(name, "endpoint.url") != NULL)
		return false;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasestr(name, words[i]) != NULL)
			return true;
	return false;
}

Settings *
settings_new(const Settings *parent)
{
	Settings *settings = xcalloc(1, sizeof *settings);

	settings->parent = parent;
	return settings;
}

void
settings_free(Settings *settings)
{
	if (settings == NULL)
		return;
	for (int i = 0; i < settings->n_values; i++) {
		free(settings->values[i].name);
		free(settings->values[i].value);
	}
	free(settings->values);
	free(settings);
}

/* Names that are handed to Kafka's clients or name a function's own setting. */
static bool
is_passed_on(const char *name)
{
	static const char *const prefixes[] = {"ksql.functions.", "ksql.streams.", "consumer.", "main.consumer.", "restore.consumer.", "global.consumer.",
										   "producer.", "admin.", "ssl.",
										   "sasl.", "security.", "ksql.schema.registry."};

	for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static Status
refuse_unknown(const char *name, Error *err)
{
	const char *names[512];
	int			n = 0;
	const char *nearest;

	for (const Setting *s; n < 512 && (s = setting_at(n)) != NULL; n++)
		names[n] = s->name;
	nearest = str_nearest(without_prefix(name), names, n);
	error_user(err, "Unknown property: %s", name);
	if (nearest != NULL)
		return error_hint(err, "Did you mean '%s'? SHOW PROPERTIES lists all.", nearest);
	return error_hint(err, "SHOW PROPERTIES lists all.");
}

static bool
parse_size(const char *text, int64_t *out)
{
	char   *end;
	double	number = strtod(text, &end);

	if (end == text)
		return false;
	while (*end == ' ')
		end++;
	switch (*end) {
	case 'k': case 'K': number *= 1024; end++; break;
	case 'm': case 'M': number *= 1024 * 1024; end++; break;
	case 'g': case 'G': number *= 1024.0 * 1024 * 1024; end++; break;
	default: break;
	}
	if (*end == 'b' || *end == 'B')
		end++;
	*out = (int64_t)number;
	return *end == '\0' || strcmp(end, "%") == 0;
}

static bool
is_choice(const char *choices, const char *value)
{
	size_t length = strlen(value);

	while (*choices != '\0') {
		size_t n = strcspn(choices, "|");

		if (n == length && strncasecmp(choices, value, n) == 0)
			return true;
		choices += n + (choices[n] == '|');
	}
	return false;
}

static Status
check_value(const Setting *row, const char *value, Error *err)
{
	int64_t size;
	char   *end;

	switch (row->type) {
	case SETTING_BOOL:
		if (strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0)
			return error_user(err, "Invalid value '%s' for property %s: expected true or false", value, row->name);
		return OK;
	case SETTING_INT:
		(void)strtoll(value, &end, 10);
		if (end == value || *end != '\0')
			return error_user(err, "Invalid value '%s' for property %s: expected a whole number", value, row->name);
		return OK;
	case SETTING_BYTES:
		if (!parse_size(value, &size))
			return error_user(err, "Invalid value '%s' for property %s: expected a size such as 500M", value, row->name);
		return OK;
	case SETTING_CHOICE:
		if (!is_choice(row->choices, value))
			return error_user(err, "Invalid value '%s' for property %s: expected one of %s", value, row->name, row->choices);
		return OK;
	case SETTING_TEXT:
		return OK;
	}
	return OK;
}

static SettingValue *
own_value(const Settings *settings, const char *name)
{
	for (int i = 0; i < settings->n_values; i++)
		if (strcmp(settings->values[i].name, name) == 0)
			return &settings->values[i];
	return NULL;
}

Status
settings_set(Settings *settings, const char *name, const char *value, Error *err)
{
	const Setting *row = setting_find(name);
	SettingValue  *own;

	if (row == NULL && !is_passed_on(name))
		return refuse_unknown(name, err);
	if (row != NULL)
		TRY(check_value(row, value, err));
	name = row != NULL ? row->name : name;
	own = own_value(settings, name);
	if (own == NULL) {
		grow_array(settings->values, settings->n_values, settings->capacity);
		own = &settings->values[settings->n_values++];
		*own = (SettingValue){.name = xstrdup(name)};
	}
	free(own->value);
	own->value = xstrdup(value);
	return OK;
}

bool
settings_unset(Settings *settings, const char *name)
{
	const Setting *row = setting_find(name);
	SettingValue  *own = own_value(settings, row != NULL ? row->name : name);

	if (own == NULL)
		return false;
	free(own->name);
	free(own->value);
	memmove(own, own + 1, sizeof *own * (size_t)(settings->values + settings->n_values - own - 1));
	settings->n_values--;
	return true;
}

static const char *
chain_text(const Settings *settings, const char *name)
{
	for (; settings != NULL; settings = settings->parent) {
		const SettingValue *own = own_value(settings, name);

		if (own != NULL)
			return own->value;
	}
	return NULL;
}

const char *
settings_text(const Settings *settings, const char *name)
{
	const Setting *row = setting_find(name);
	const char	  *text = chain_text(settings, row != NULL ? row->name : name);

	return text != NULL ? text : row != NULL ? row->default_value : NULL;
}

bool
settings_has(const Settings *settings, const char *name)
{
	const Setting *row = setting_find(name);

	return chain_text(settings, row != NULL ? row->name : name) != NULL;
}

bool
settings_bool(const Settings *settings, const char *name)
{
	const char *text = settings_text(settings, name);

	return text != NULL && strcasecmp(text, "true") == 0;
}

int64_t
settings_int(const Settings *settings, const char *name)
{
	const char *text = settings_text(settings, name);
	int64_t		value = 0;

	if (text != NULL)
		parse_size(text, &value);
	return value;
}

void
settings_visit(const Settings *settings, void (*visit)(const char *name, const char *value, void *context), void *context)
{
	for (int i = 0; i < settings->n_values; i++)
		visit(settings->values[i].name, settings->values[i].value, context);
}

bool
settings_standard(const Settings *settings)
{
	return strcasecmp(settings_text(settings, "sql.dialect"), "standard") == 0;
}

/* Is the name one of a list with commas between? */
static bool
is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (list != NULL && *list != '\0') {
		size_t n = strcspn(list, ",");
		Str	   item = str_trim(str_make(list, n));

		if (item.length == length && memcmp(item.data, name, length) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

Status
settings_check_override(const Settings *server, const char *name, Error *err)
{
	const Setting *row = setting_find(name);
	const char	  *known = row != NULL ? row->name : name;
	bool		   is_allowlist = strcasecmp(settings_text(server, "ksql.properties.overrides.validation.mode"), "allowlist") == 0;

	if (row != NULL && row->scope == SCOPE_SERVER)
		return error_user(err, "Property '%s' cannot be changed by SET: it belongs to the server's start", name);
	if (is_allowlist ? is_listed(settings_text(server, "ksql.properties.overrides.allowlist"), known)
					 : !is_listed(settings_text(server, "ksql.properties.overrides.denylist"), known))
		return OK;
	error_user(err, "Cannot override property '%s'", name);
	return error_hint(err, "The server's settings ksql.properties.overrides.* forbid it.");
}
