#ifndef SLUICE_DATA_RECORD_H
#define SLUICE_DATA_RECORD_H

/*
 * One record of a topic as it is stored: raw bytes of key and value, event time, headers, and its place.
 *
 * A Record borrows all of its bytes from whoever handed it out (a fetch, a case of a test, an encoder), which says for
 * how long.  A null key or value has its flag set and an empty text; an empty but present one has not.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/env.h"
#include "common/str.h"

typedef struct RecordHeader {
	Str		key;
	Str		value;
	bool	value_is_null;
} RecordHeader;

typedef struct Record {
	int64_t				offset;			/* within its partition; ignored when appending */
	Time				timestamp;		/* event time */
	Str					key;
	Str					value;
	const RecordHeader *headers;
	int					n_headers;
	int					partition;		/* ignored when appending: the call names it */
	bool				key_is_null;
	bool				value_is_null;	/* a tombstone */
} Record;

#endif
