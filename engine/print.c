/*
 * PRINT: a topic's records as they are, in formats that are guessed from their bytes.
 *
 * All formats that fit every record so far are named in the order of the table below, windowed ones first, and the first one writes the
 * text.  A record that rules some out changes the line, which is then told again.
 */
#include "engine/engine_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/utf8.h"
#include "data/double_text.h"
#include "data/json_text.h"

#define BATCH 1000
#define MAX_TIME 7258118400000LL	/* year 2200: above it bytes are no start of a window */

typedef enum BaseFormat { BASE_JSON, BASE_INT, BASE_BIGINT, BASE_DOUBLE, BASE_STRING, N_BASES } BaseFormat;
typedef enum WindowForm { FORM_TUMBLING, FORM_HOPPING, FORM_SESSION, FORM_PLAIN, N_FORMS } WindowForm;

static const char *const base_names[] = {"JSON", "KAFKA_INT", "KAFKA_BIGINT", "KAFKA_DOUBLE", "KAFKA_STRING"};
static const char *const form_names[] = {"TUMBLING", "HOPPING", "SESSION"};

/* A set of formats: bit form * N_BASES + base. */
typedef uint32_t Formats;

#define ALL_FORMATS ((Formats)(1u << (N_FORMS * N_BASES)) - 1)

/* One side of the records: what it may be written in. */
typedef struct PrintSide {
	Formats possible;
	bool	has_data;
} PrintSide;

typedef struct PrintState {
	StatementContext *context;
	Topic			 *topic;
	TopicReader		 *reader;
	int				  n_partitions;
	int64_t			 *offsets;
	TopicRecords	  records;
	int64_t			  n_seen;
	int64_t			  n_left;		/* of LIMIT; < 0: no limit */
	PrintSide		  key;
	PrintSide		  value;
	StrBuf			  key_line;		/* as last told; empty: not yet */
	StrBuf			  value_line;
} PrintState;

/* ---- guessing ---- */

static bool
is_printable(Str s)
{
	for (size_t i = 0; i < s.length; i++)
		if ((unsigned char)s.data[i] < ' ' && s.data[i] != '\t' && s.data[i] != '\n' && s.data[i] != '\r')
			return false;
	return true;
}

/*
 * Formats of bytes without a window.  Four and eight letters could be numbers: ksqlDB says so, people who read the standard dialect
 * would rather see the letters.
 */
static Formats
base_formats(Str bytes, bool standard)
{
	Formats	  found = 0;
	Arena	  arena = {0};
	JsonValue json;

	if (utf8_validate(bytes)) {
		if (bytes.length > 0 && json_parse_quiet(&arena, bytes, 0, &json))
			found |= 1u << BASE_JSON;
		found |= 1u << BASE_STRING;
	}
	arena_free(&arena);
	if (standard && found != 0 && is_printable(bytes))
		return found;
	if (standard)
		found = 0;
	if (bytes.length == 4)
		found |= 1u << BASE_INT;
	if (bytes.length == 8)
		found |= 1u << BASE_BIGINT | 1u << BASE_DOUBLE;
	return found;
}

static int64_t
big_endian(Str bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < bytes.length; i++)
		number = number << 8 | (unsigned char)bytes.data[i];
	return bytes.length == 4 ? (int32_t)number : (int64_t)number;
}

static int64_t
time_at_end(Str bytes, size_t before)
{
	return bytes.length >= before ? big_endian(str_make(bytes.data + bytes.length - before, 8)) : -1;
}

static bool
is_window_time(int64_t time)
{
	return time >= 0 && time < MAX_TIME;
}

static Str
without_window(Str bytes, WindowForm form)
{
	size_t n = form == FORM_PLAIN ? 0 : form == FORM_SESSION ? 16 : 8;

	return str_make(bytes.data, bytes.length - n);
}

/* Formats of a key in front of its window; text there is printable, or the window is guessed wrong. */
static Formats
inner_formats(Str bytes, bool standard)
{
	Formats found = base_formats(bytes, standard);

	return is_printable(bytes) ? found : found & ~(Formats)(1u << BASE_STRING | 1u << BASE_JSON);
}

static Formats
formats_of(Str bytes, bool is_key, bool standard)
{
	Formats found = base_formats(bytes, standard) << (FORM_PLAIN * N_BASES);

	if (is_key && bytes.length > 8 && is_window_time(time_at_end(bytes, 8))) {
		Formats inner = inner_formats(without_window(bytes, FORM_TUMBLING), standard);

		found |= inner << (FORM_TUMBLING * N_BASES) | inner << (FORM_HOPPING * N_BASES);
	}
	if (is_key && bytes.length > 16 && is_window_time(time_at_end(bytes, 8)) && is_window_time(time_at_end(bytes, 16))
		&& time_at_end(bytes, 16) >= time_at_end(bytes, 8))
		found |= inner_formats(without_window(bytes, FORM_SESSION), standard) << (FORM_SESSION * N_BASES);
	return found;
}

static void
side_look(PrintSide *side, Str bytes, bool is_null, bool is_key, bool standard)
{
	if (is_null)
		return;
	side->has_data = true;
	side->possible &= formats_of(bytes, is_key, standard);
}

static void
format_line(const char *title, const PrintSide *side, StrBuf *out)
{
	bool is_first = true;

	strbuf_clear(out);
	strbuf_printf(out, "%s format: ", title);
	if (!side->has_data)
		strbuf_add_text(out, "¯\\_(ツ)_/¯ - no data processed");
	for (int form = 0; form < N_FORMS && side->has_data; form++)
		for (int base = 0; base < N_BASES; base++) {
			if ((side->possible & 1u << (form * N_BASES + base)) == 0)
				continue;
			strbuf_add_text(out, is_first ? "" : " or ");
			is_first = false;
			if (form == FORM_PLAIN)
				strbuf_add_text(out, base_names[base]);
			else
				strbuf_printf(out, "%s(%s)", form_names[form], base_names[base]);
		}
	if (side->has_data && side->possible == 0)
		strbuf_add_text(out, "UNRECOGNISED_BYTES");
}

/* ---- text ---- */

static void
print_base(BaseFormat base, Str bytes, StrBuf *out)
{
	int64_t bits;
	double	number;
	char	text[NUMBER_TEXT_MAX];

	switch (base) {
	case BASE_INT:
	case BASE_BIGINT:
		strbuf_printf(out, "%lld", (long long)big_endian(bytes));
		return;
	case BASE_DOUBLE:
		bits = big_endian(bytes);
		memcpy(&number, &bits, sizeof number);
		strbuf_add(out, text, double_print_java(number, text));
		return;
	default:
		strbuf_add_str(out, bytes);
	}
}

static void
print_bytes(const PrintSide *side, Str bytes, bool is_null, StrBuf *out)
{
	int first = side->possible != 0 ? __builtin_ctz(side->possible) : -1;

	if (is_null)
		strbuf_add_text(out, "<null>");
	else if (first < 0) {
		strbuf_add_text(out, "0x");
		for (size_t i = 0; i < bytes.length; i++)
			strbuf_printf(out, "%02X", (unsigned char)bytes.data[i]);
	} else if (first / N_BASES == FORM_PLAIN)
		print_base((BaseFormat)(first % N_BASES), bytes, out);
	else {
		strbuf_add_char(out, '[');
		print_base((BaseFormat)(first % N_BASES), without_window(bytes, (WindowForm)(first / N_BASES)), out);
		/* Keys of sessions end in the window's end, then its start; others have no end. */
		strbuf_printf(out, "@%lld/", (long long)time_at_end(bytes, 8));
		if (first / N_BASES == FORM_SESSION)
			strbuf_printf(out, "%lld]", (long long)time_at_end(bytes, 16));
		else
			strbuf_add_text(out, "-]");
	}
}

static void
print_record(const PrintState *state, const Record *record, int partition, StrBuf *out)
{
	time_t	  seconds = (time_t)(record->timestamp / 1000);
	struct tm tm;
	char	  text[64];

	strbuf_clear(out);
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y/%m/%d %H:%M:%S", &tm);
	if (record->timestamp < 0)
		strbuf_add_text(out, "rowtime: N/A, key: ");
	else
		strbuf_printf(out, "rowtime: %s.%03d Z, key: ", text, (int)(record->timestamp % 1000));
	print_bytes(&state->key, record->key, record->key_is_null, out);
	strbuf_add_text(out, ", value: ");
	print_bytes(&state->value, record->value, record->value_is_null, out);
	strbuf_printf(out, ", partition: %d", partition);
}

/* Lines are what PRINT is for, so they are a result and not a message. */
static void
print_line(const PrintState *state, const StrBuf *line)
{
	JsonValue value = {.kind = JSON_STRING, .text = strbuf_str(line)};

	state->context->sink->entity(state->context->sink, &(Entity){.kind = "print", .value = &value});
}

static void
print_header(const PrintState *state, const char *title, const PrintSide *side, StrBuf *told)
{
	StrBuf line = {0};

	format_line(title, side, &line);
	if (!str_equal(strbuf_str(&line), strbuf_str(told))) {
		strbuf_clear(told);
		strbuf_add_str(told, strbuf_str(&line));
		print_line(state, told);
	}
	strbuf_free(&line);
}

/* ---- records ---- */

/* Which of the records in hand are shown: every n-th, until the limit.  Returns how many. */
static int
choose(PrintState *state, int64_t interval, int *shown)
{
	int n = 0;

	for (int i = 0; i < state->records.n_records && (state->n_left < 0 || n < state->n_left); i++)
		if (interval <= 1 || state->n_seen++ % interval == 0)
			shown[n++] = i;
	return n;
}

static void
print_fetched(PrintState *state, const AstPrint *print, int partition)
{
	bool   standard = state->context->standard;
	int	  *shown = xcalloc((size_t)state->records.n_records + 1, sizeof *shown);
	int	   n = choose(state, print->interval, shown);
	StrBuf line = {0};

	for (int i = 0; i < n; i++) {
		const Record *record = &state->records.records[shown[i]];

		side_look(&state->key, record->key, record->key_is_null, true, standard);
		side_look(&state->value, record->value, record->value_is_null, false, standard);
	}
	if (n > 0) {
		print_header(state, "Key", &state->key, &state->key_line);
		print_header(state, "Value", &state->value, &state->value_line);
	}
	for (int i = 0; i < n; i++) {
		print_record(state, &state->records.records[shown[i]], partition, &line);
		print_line(state, &line);
	}
	state->n_left -= state->n_left > 0 ? n : 0;
	strbuf_free(&line);
	free(shown);
}

static Status
print_new_records(PrintState *state, const AstPrint *print, Error *err)
{
	for (int p = 0; p < state->n_partitions && state->n_left != 0; p++) {
		if (topic_reader_fetch(state->reader, p, state->offsets[p], BATCH, 0, &state->records, err) == FAILED)
			return FAILED;
		print_fetched(state, print, p);
		state->offsets[p] = state->records.next_offset;
	}
	return OK;
}

static bool
starts_at_earliest(const StatementContext *context, const AstPrint *print)
{
	const char *reset = settings_text(context->session->settings, "auto.offset.reset");

	return print->from_beginning || context->standard || (reset != NULL && strcmp(reset, "earliest") == 0);
}

static Status
print_open(PrintState *state, const AstPrint *print, Error *err)
{
	Engine *engine = state->context->engine;

	TRY(engine_topic(engine, print->topic.text, &state->topic, err));
	if (state->topic == NULL) {
		error_user(err, "Could not find topic '%s'", print->topic.text);
		return error_hint(err, "SHOW TOPICS lists the topics; their names are case-sensitive.");
	}
	state->n_partitions = state->topic->config.n_partitions;
	state->offsets = arena_array(state->context->arena, int64_t, state->n_partitions);
	for (int p = 0; p < state->n_partitions; p++) {
		int64_t begin, end;

		TRY(topics_ends(engine->topics, state->topic, p, &begin, &end, err));
		state->offsets[p] = starts_at_earliest(state->context, print) ? begin : end;
	}
	return topic_reader_open(engine->topics, state->topic, &state->reader, err);
}

Status
print_execute(StatementContext *context, const AstStatement *statement, Error *err)
{
	const AstPrint *print = &statement->print;
	PrintState		state = {.context = context, .n_left = print->limit >= 0 ? print->limit : -1, .key = {.possible = ALL_FORMATS},
							 .value = {.possible = ALL_FORMATS}};
	Status			status;

	TRY_OUT(print_open(&state, print, err));
	if (context->sink->printing != NULL)
		TRY_OUT(context->sink->printing(context->sink, err));
	/* Nothing that is awaited is lost when the program ends. */
	while (state.n_left != 0 && !cancel_ends_waits() && status == OK) {
		uint64_t seen = topics_append_count(context->engine->topics);

		status = print_new_records(&state, print, err);
		if (status == OK && state.n_left != 0)
			topics_append_wait(context->engine->topics, seen, 100);
	}
	if (status == OK && state.n_left != 0)
		status = error_set(err, ERROR_INTERRUPTED, "Topic printing ceased");
out:
	topic_records_free(&state.records);
	topic_reader_close(state.reader);
	strbuf_free(&state.key_line);
	strbuf_free(&state.value_line);
	return status;
}
