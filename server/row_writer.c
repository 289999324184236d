#include "server/row_writer.h"

#include <stdlib.h>

#include "common/base64.h"
#include "data/decimal.h"
#include "data/double_text.h"
#include "data/json_text.h"
#include "data/time_text.h"

/* ---- cells ---- */

static void
write_quoted(StrBuf *out, const char *text, size_t n)
{
	strbuf_add_char(out, '"');
	strbuf_add(out, text, n);
	strbuf_add_char(out, '"');
}

static void
write_boolean(const Vector *v, int64_t at, StrBuf *out)
{
	strbuf_add_text(out, ((const uint8_t *)v->data)[at] ? "true" : "false");
}

static void
write_int32(const Vector *v, int64_t at, StrBuf *out)
{
	char text[NUMBER_TEXT_MAX];

	strbuf_add(out, text, int64_print(((const int32_t *)v->data)[at], text));
}

static void
write_int64(const Vector *v, int64_t at, StrBuf *out)
{
	char text[NUMBER_TEXT_MAX];

	strbuf_add(out, text, int64_print(((const int64_t *)v->data)[at], text));
}

static void
write_double(const Vector *v, int64_t at, StrBuf *out)
{
	char text[NUMBER_TEXT_MAX];

	strbuf_add(out, text, double_print_json(((const double *)v->data)[at], text));
}

static void
write_decimal(const Vector *v, int64_t at, StrBuf *out)
{
	char text[DECIMAL_TEXT_MAX];

	strbuf_add(out, text, decimal_print(((const Decimal *)v->data)[at], v->type->scale, text));
}

static void
write_string(const Vector *v, int64_t at, StrBuf *out)
{
	json_write_string(out, str_view_str(&((const StrView *)v->data)[at]));
}

static void
write_bytes(const Vector *v, int64_t at, StrBuf *out)
{
	strbuf_add_char(out, '"');
	base64_add_encoded(out, str_view_str(&((const StrView *)v->data)[at]));
	strbuf_add_char(out, '"');
}

static void
write_date(const Vector *v, int64_t at, StrBuf *out)
{
	char text[TIME_TEXT_MAX];

	write_quoted(out, text, date_print(((const int32_t *)v->data)[at], text));
}

static void
write_time(const Vector *v, int64_t at, StrBuf *out)
{
	char text[TIME_TEXT_MAX];

	write_quoted(out, text, time_print_ksql(((const int32_t *)v->data)[at], text));
}

static void
write_timestamp(const Vector *v, int64_t at, StrBuf *out)
{
	char text[TIME_TEXT_MAX];

	write_quoted(out, text, timestamp_print_ksql(((const int64_t *)v->data)[at], text));
}

/* ISO 8601 with months, days and seconds: P14M3DT3600.000000S. */
static void
write_interval(const Vector *v, int64_t at, StrBuf *out)
{
	Interval i = ((const Interval *)v->data)[at];

	strbuf_printf(out, "\"P%dM%dDT%s%lld.%06lldS\"", i.months, i.days, i.micros < 0 ? "-" : "", llabs(i.micros) / 1000000,
				  llabs(i.micros) % 1000000);
}

static void
write_array(const Vector *v, int64_t at, StrBuf *out)
{
	ListEntry entry = ((const ListEntry *)v->data)[at];

	strbuf_add_char(out, '[');
	for (uint32_t i = 0; i < entry.length; i++) {
		if (i > 0)
			strbuf_add_char(out, ',');
		cell_write(&v->children[0], entry.offset + i, out);
	}
	strbuf_add_char(out, ']');
}

/* A key as the name of a member: what is no text is quoted. */
static void
write_key(const Vector *keys, int64_t at, StrBuf *out)
{
	StrBuf text = {0};

	cell_write(keys, at, &text);
	if (text.length > 0 && text.data[0] == '"')
		strbuf_add_str(out, strbuf_str(&text));
	else
		json_write_string(out, strbuf_str(&text));
	strbuf_free(&text);
}

static void
write_map(const Vector *v, int64_t at, StrBuf *out)
{
	ListEntry entry = ((const ListEntry *)v->data)[at];

	strbuf_add_char(out, '{');
	for (uint32_t i = 0; i < entry.length; i++) {
		if (i > 0)
			strbuf_add_char(out, ',');
		write_key(&v->children[0], entry.offset + i, out);
		strbuf_add_char(out, ':');
		cell_write(&v->children[1], entry.offset + i, out);
	}
	strbuf_add_char(out, '}');
}

static void
write_struct(const Vector *v, int64_t at, StrBuf *out)
{
	strbuf_add_char(out, '{');
	for (int f = 0; f < v->type->n_fields; f++) {
		if (f > 0)
			strbuf_add_char(out, ',');
		json_write_string(out, str_of(v->type->fields[f].name));
		strbuf_add_char(out, ':');
		cell_write(&v->children[f], at, out);
	}
	strbuf_add_char(out, '}');
}

static void
write_null(const Vector *v, int64_t at, StrBuf *out)
{
	(void)v;
	(void)at;
	strbuf_add_text(out, "null");
}

static CellWriter
cell_writer(const Type *type)
{
	static const CellWriter writers[] = {
		[TYPE_BOOLEAN] = write_boolean, [TYPE_INTEGER] = write_int32, [TYPE_BIGINT] = write_int64, [TYPE_DECIMAL] = write_decimal,
		[TYPE_DOUBLE] = write_double, [TYPE_STRING] = write_string, [TYPE_BYTES] = write_bytes, [TYPE_DATE] = write_date,
		[TYPE_TIME] = write_time, [TYPE_TIMESTAMP] = write_timestamp, [TYPE_INTERVAL] = write_interval, [TYPE_ARRAY] = write_array,
		[TYPE_MAP] = write_map, [TYPE_STRUCT] = write_struct,
	};

	return type->kind < sizeof writers / sizeof *writers && writers[type->kind] != NULL ? writers[type->kind] : write_null;
}

void
cell_write(const Vector *v, int64_t at, StrBuf *out)
{
	if (v->validity != NULL && !bitmap_get(v->validity, at))
		strbuf_add(out, "null", 4);
	else
		cell_writer(v->type)(v, at, out);
}

/* ---- life ---- */

void
row_writer_init(RowWriter *writer, RowFormat format)
{
	*writer = (RowWriter){.format = format};
}

void
row_writer_free(RowWriter *writer)
{
	strbuf_free(&writer->scratch);
	arena_free(&writer->arena);
}

/* ---- the header ---- */

static void
write_type_text(const Type *type, StrBuf *out)
{
	StrBuf text = {0};

	type_print(type, &text);
	json_write_string(out, strbuf_str(&text));
	strbuf_free(&text);
}

static void
write_metadata(const RowWriter *w, const ResultHeader *header, StrBuf *out)
{
	const Schema *schema = header->schema;

	(void)w;
	strbuf_add_text(out, "{\"queryId\":");
	json_write_string(out, str_of(header->query_id));
	strbuf_add_text(out, ",\"columnNames\":[");
	for (int i = 0; i < schema->n_columns; i++) {
		if (i > 0)
			strbuf_add_char(out, ',');
		json_write_string(out, str_of(schema->columns[i].name));
	}
	strbuf_add_text(out, "],\"columnTypes\":[");
	for (int i = 0; i < schema->n_columns; i++) {
		if (i > 0)
			strbuf_add_char(out, ',');
		write_type_text(schema->columns[i].type, out);
	}
	strbuf_add_text(out, "]}");
}

/* Columns as SQL; look-ups mark which are the key. */
static void
write_schema(const ResultHeader *header, StrBuf *out)
{
	StrBuf text = {0};

	for (int i = 0; i < header->schema->n_columns; i++) {
		Schema one = {1, header->is_key != NULL && header->is_key[i] ? 1 : 0, &header->schema->columns[i]};

		if (i > 0)
			strbuf_add_text(&text, ", ");
		schema_print(&one, &text);
	}
	json_write_string(out, strbuf_str(&text));
	strbuf_free(&text);
}

static void
write_header(const RowWriter *w, const ResultHeader *header, StrBuf *out)
{
	strbuf_add_text(out, "{\"header\":{\"queryId\":");
	json_write_string(out, str_of(header->query_id));
	strbuf_add_text(out, ",\"schema\":");
	write_schema(header, out);
	if (w->protobuf != NULL) {
		strbuf_add_text(out, ",\"protobufSchema\":");
		json_write_string(out, str_of(protobuf_rows_schema(w->protobuf)));
	}
	strbuf_add_text(out, "}}");
}

/* The first frame describes the columns as DESCRIBE does. */
static void
write_fields(const RowWriter *w, const ResultHeader *header, StrBuf *out)
{
	(void)w;
	strbuf_add_char(out, '[');
	for (int i = 0; i < header->schema->n_columns; i++) {
		const Column *column = &header->schema->columns[i];

		strbuf_add_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
		json_write_string(out, str_of(column->name));
		strbuf_add_text(out, ",\"schema\":{\"type\":");
		StrBuf text = {0};

		type_print(column->type, &text);
		for (size_t k = 0; k < text.length; k++)
			if (text.data[k] == '<' || text.data[k] == '(') {
				text.length = k;
				text.data[k] = '\0';
			}
		json_write_string(out, strbuf_str(&text));
		strbuf_free(&text);
		strbuf_add_text(out, ",\"fields\":null,\"memberSchema\":null}}");
	}
	strbuf_add_char(out, ']');
}

/* ---- rows ---- */

static void
write_columns(RowWriter *w, const Batch *rows, int32_t row, bool keys_only, StrBuf *out)
{
	strbuf_add_char(out, '[');
	for (int c = 0; c < w->n_columns; c++) {
		const Vector *v = rows->columns[c];
		const Vector *base = vector_base(v);
		int64_t		  at = vector_at(v, row);

		if (c > 0)
			strbuf_add_char(out, ',');
		if ((keys_only && !w->is_key[c]) || (base->validity != NULL && !bitmap_get(base->validity, at)))
			strbuf_add(out, "null", 4);
		else
			w->cells[c](base, at, out);
	}
	strbuf_add_char(out, ']');
}

static Status
write_array_row(RowWriter *w, const Batch *rows, int32_t row, bool is_tombstone, StrBuf *out, Error *err)
{
	(void)is_tombstone;
	(void)err;
	write_columns(w, rows, row, false, out);
	return OK;
}

static Status
write_object(RowWriter *w, const Batch *rows, int32_t row, bool is_tombstone, StrBuf *out, Error *err)
{
	(void)err;
	strbuf_add_text(out, "{\"row\":{\"columns\":");
	write_columns(w, rows, row, is_tombstone, out);
	strbuf_add_text(out, is_tombstone ? ",\"tombstone\":true}}" : "}}");
	return OK;
}

static Status
write_message(RowWriter *w, const Batch *rows, int32_t row, bool is_tombstone, StrBuf *out, Error *err)
{
	strbuf_clear(&w->scratch);
	TRY(protobuf_rows_encode(w->protobuf, rows, row, &w->scratch, err));
	strbuf_add_text(out, "{\"row\":{\"protobufBytes\":\"");
	base64_add_encoded(out, strbuf_str(&w->scratch));
	strbuf_add_text(out, is_tombstone ? "\",\"tombstone\":true}}" : "\"}}");
	return OK;
}

/* ---- forms: how elements (header, rows, what comes at the end) are put together ---- */

typedef struct RowForm {
	const char *type;			/* content type; NULL: frames have none */
	const char *open;			/* before the header */
	const char *before;			/* each element but the header */
	const char *after;			/* each element */
	const char *close;			/* at the end */
	bool		has_objects;	/* elements are objects that say what they are: deletes and messages too */
	bool		is_framed;		/* each element is a frame */
	void (*header)(const RowWriter *w, const ResultHeader *header, StrBuf *out);
	Status (*row)(RowWriter *w, const Batch *rows, int32_t row, bool is_tombstone, StrBuf *out, Error *err);
} RowForm;

static const RowForm forms[] = {
	[ROWS_DELIMITED] = {"application/vnd.ksqlapi.delimited.v1", "", "", "\n", "", false, false, write_metadata, write_array_row},
	[ROWS_ARRAY] = {"application/json", "[", ",", "", "]\n", false, false, write_metadata, write_array_row},
	[ROWS_OBJECTS] = {"application/vnd.ksql.v1+json", "[", ",\n", "", "]\n", true, false, write_header, write_object},
	[ROWS_PROTOBUF] = {"application/vnd.ksql.v1+protobuf", "[", ",\n", "", "]\n", true, false, write_header, write_message},
	[ROWS_FRAMES] = {NULL, "", "", "", "", true, true, write_fields, write_object},
};

const char *
row_format_type(RowFormat format)
{
	return forms[format].type;
}

/* Where an element is written; end_element sends it if it is a frame. */
static StrBuf *
begin_element(RowWriter *w, StrBuf *out)
{
	strbuf_add_text(out, forms[w->format].before);
	return forms[w->format].is_framed ? &w->scratch : out;
}

static void
end_element(RowWriter *w, StrBuf *element)
{
	strbuf_add_text(element, forms[w->format].after);
	if (!forms[w->format].is_framed)
		return;
	w->frame(w->frame_context, strbuf_str(element));
	strbuf_clear(element);
}

/* ---- writing ---- */

Status
row_writer_begin(RowWriter *w, const ResultHeader *header, StrBuf *out, Error *err)
{
	const RowForm *form = &forms[w->format];
	StrBuf		  *element = form->is_framed ? &w->scratch : out;

	if (w->format == ROWS_PROTOBUF)
		TRY(protobuf_rows_new(&w->arena, schema_copy(&w->arena, header->schema), &w->protobuf, err));
	w->has_begun = true;
	w->n_columns = header->schema->n_columns;
	w->schema = header->schema;
	w->cells = arena_array(&w->arena, CellWriter, w->n_columns + 1);
	w->is_key = arena_array(&w->arena, bool, w->n_columns + 1);
	for (int i = 0; i < w->n_columns; i++) {
		const char *name = header->schema->columns[i].name;

		w->cells[i] = cell_writer(header->schema->columns[i].type);
		w->is_key[i] = (header->is_key != NULL && header->is_key[i]) || i < header->schema->n_key || strcmp(name, "WINDOWSTART") == 0
					   || strcmp(name, "WINDOWEND") == 0;
	}
	strbuf_add_text(out, form->open);
	form->header(w, header, element);
	end_element(w, element);
	return OK;
}

Status
row_writer_rows(RowWriter *w, const Batch *rows, StrBuf *out, Error *err)
{
	const RowForm *form = &forms[w->format];

	for (int32_t i = 0; i < rows->n_rows; i++) {
		RowKind kind = batch_row_kind(rows, i);
		bool	is_tombstone = kind == ROW_DELETE || kind == ROW_DELETE_OLD;
		StrBuf *element;

		if (kind == ROW_BEFORE)
			continue;
		if (is_tombstone && !form->has_objects) {
			w->n_dropped++;
			continue;
		}
		element = begin_element(w, out);
		TRY(form->row(w, rows, i, is_tombstone, element, err));
		end_element(w, element);
	}
	return OK;
}

void
row_writer_end(RowWriter *w, const char *message, const char *error, StrBuf *out)
{
	const RowForm *form = &forms[w->format];

	if (error != NULL || (message != NULL && form->has_objects)) {
		StrBuf *element = begin_element(w, out);

		if (error == NULL) {
			strbuf_add_text(element, "{\"finalMessage\":");
			json_write_string(element, str_of(message));
			strbuf_add_char(element, '}');
		} else
			strbuf_printf(element, form->has_objects ? "{\"errorMessage\":%s}" : "%s", error);
		end_element(w, element);
	}
	strbuf_add_text(out, form->close);
}
