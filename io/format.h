#ifndef SLUICE_IO_FORMAT_H
#define SLUICE_IO_FORMAT_H

/*
 * Serialisation formats of record keys and values: bytes to batch columns and back.
 * A format is one const row (Format) in io/registry.c; nothing else names it.
 */
#include "common/str.h"
#include "data/batch.h"
#include "data/record.h"
#include "data/schema.h"

typedef struct Format Format;

/* One side (key or value) of a topic: everything that decides the bytes.  Immutable; lives in a plan or the catalog. */
typedef struct FormatSpec {
	const Format	   *format;
	int					n_columns;
	const Column	   *columns;		/* of this side */
	bool				is_key;
	bool				is_wrapped;		/* one column stands in an envelope (an object with one field) */
	char				delimiter;		/* DELIMITED */
	int					schema_id;		/* registry formats; 0: none */
	const char		   *schema_full_name;
	const char		   *nullable_representation;	/* PROTOBUF: NULL, "OPTIONAL", "WRAPPER" */
	struct SchemaRegistry *registry;	/* where registry formats keep their schemas; NULL: there is none */
	const char		   *subject;		/* of this side in the registry; NULL: nothing is registered for it */
	const char		   *record_name;	/* AVRO keys: of the record of several columns; NULL: the format's */
	bool				standard;		/* standard dialect: lenient forms (ISO text for time types) are accepted */
} FormatSpec;

typedef struct Decoder Decoder;
typedef struct Encoder Encoder;

enum {
	FORMAT_KEY = 1,				/* usable as key format */
	FORMAT_VALUE = 2,
	FORMAT_MULTI_COLUMN = 4,
	FORMAT_NESTED = 8,			/* ARRAY, MAP, STRUCT */
	FORMAT_WRAP = 16,			/* can wrap a single column */
	FORMAT_UNWRAP = 32,			/* can leave a single column unwrapped */
	FORMAT_INFERS = 64,			/* schema from a registry */
	FORMAT_REGISTRY = 128,		/* needs one */
	FORMAT_DELIMITER = 256,		/* takes KEY_DELIMITER / VALUE_DELIMITER */
};

struct Format {
	const char *name;			/* "JSON" */
	uint32_t	flags;
	/* ERROR_USER if the columns cannot be carried; ksqlDB's sentences. */
	Status (*check)(const FormatSpec *spec, Error *err);
	Status (*decoder_new)(Arena *arena, const FormatSpec *spec, Decoder **out, Error *err);
	Status (*encoder_new)(Arena *arena, const FormatSpec *spec, Encoder **out, Error *err);
};

/*
 * Decodes one payload into row `row` of columns[0..n_columns) (FLAT, n rows long; a column pointer may be NULL: not
 * wanted).  Text may be borrowed from `payload`, other memory is in `arena`.  Returns FAILED with ERROR_DATA and the reason
 * if the payload cannot be read; *is_null is set when the payload means "no row" (null text, NULL bytes).
 */
struct Decoder {
	const FormatSpec *spec;
	Status (*decode)(Decoder *decoder, Str payload, Arena *arena, Vector *const *columns, int32_t row, bool *is_null,
					 Error *err);
};

/* Appends the bytes of row `row`.  FAILED with ERROR_DATA if a value does not fit the format.  *is_null: write NULL
 * bytes (an unwrapped NULL, no columns). */
struct Encoder {
	const FormatSpec *spec;
	Status (*encode)(Encoder *encoder, const Vector *const *columns, int32_t row, StrBuf *out, bool *is_null, Error *err);
};

/* The row of a format name (case-insensitive), NULL if there is none.  Names for suggestions: format_names. */
const Format *format_find(Str name);
const char *const *format_names(int *n);

/* Windowed key bytes around the inner key bytes (types-and-formats: session: end then start; others: start). */
void   window_key_encode(StrBuf *key, bool is_session, int64_t start, int64_t end);
Status window_key_decode(Str bytes, bool is_session, int64_t size_ms, Str *inner, int64_t *start, int64_t *end, Error *err);

#endif
