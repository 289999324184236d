#ifndef SLUICE_IO_CONNECTOR_FILE_CSV_SCAN_H
#define SLUICE_IO_CONNECTOR_FILE_CSV_SCAN_H

/*
 * Where fields and rows of CSV text end.
 *
 * The scan compares 64 bytes at a time with the delimiter, the newline and the quote, and lists the places of those that
 * stand outside of quotes (an exclusive-or over the quotes so far tells which).  That is right as long as quotes stand
 * where RFC 4180 has them; where they don't, `is_irregular` is set and csv_scan_careful must be asked, which reads byte by
 * byte and takes a quote within an unquoted field as it is.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

#define CSV_SCAN_SLACK 80	/* entries behind `capacity` that a scan may write */

typedef struct CsvScan {
	char	  delimiter;
	char	  quote;		/* 0: none */
	/* Results.  Offsets are from the text given. */
	uint32_t *ends;			/* of fields: delimiters and newlines */
	uint32_t  n_ends;
	uint32_t  n_lines;		/* newlines among them */
	uint32_t  capacity_ends, capacity_lines;
	bool	  has_quotes;
	bool	  has_high;		/* bytes above 0x7f (perhaps: behind the rows) */
	bool	  has_returns;	/* carriage returns (perhaps) */
	bool	  is_irregular;
} CsvScan;

/*
 * Scans text[from..length), which begins a row, until it ends or one of the capacities is reached (rows may be listed
 * beyond the line capacity within the slack).  Reads up to 64 bytes behind length.
 */
void csv_scan(CsvScan *scan, const char *text, size_t from, size_t length);
void csv_scan_careful(CsvScan *scan, const char *text, size_t from, size_t length);

/* Newlines, delimiters and empty lines of text[0..length), which begins a row.  False if a quote occurs in it. */
bool csv_count(const char *text, size_t length, char delimiter, char quote, int64_t *n_lines, int64_t *n_delimiters,
			   int64_t *n_blank);

/* The next newline in text[from..length), or length. */
size_t find_newline(const char *text, size_t from, size_t length);

int64_t count_newlines(const char *text, size_t length);

#endif
