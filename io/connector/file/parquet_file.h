#ifndef SLUICE_IO_CONNECTOR_FILE_PARQUET_FILE_H
#define SLUICE_IO_CONNECTOR_FILE_PARQUET_FILE_H

/* A Parquet file or address: its footer, and reading bytes at a place. */
#include "common/env.h"
#include "common/file_access.h"
#include "io/format/parquet/parquet_page.h"

/* What is known of a file once its footer was read.  Immutable; shared by the threads that read it. */
typedef struct ParquetFile {
	const char	 *path;
	const FileAccess *access;	/* what may be opened; NULL: everything */
	int			  local;		/* descriptor of a copy that was fetched whole, because the server cannot give parts; -1: none */
	bool		  is_url;
	char		  etag[128];	/* of an address: which version it was */
	int64_t		  size_bytes;
	Time		  time;			/* of its last change */
	ParquetMeta	 *meta;
	int			  n_columns;
	ParquetNode	 *columns;
} ParquetFile;

/* Reads the footer.  ERROR_USER if the file is not there or is no Parquet file, ERROR_FATAL if it is damaged. */
Status parquet_file_read(Arena *arena, const FileAccess *access, const char *path, bool fold_names, ParquetFile **out, Error *err);

/* Lets go of what is open. */
void parquet_file_close(ParquetFile *file);

/* The column of a name: exactly, else without regard to case; NULL if there is none. */
const ParquetNode *parquet_file_column(const ParquetFile *file, const char *name);

/* An open file. */
typedef struct ParquetFileInput {
	ParquetInput base;
	int			 fd;
	struct HttpClient *http;	/* of an address */
	const ParquetFile *file;
	int64_t		 bytes_read;
} ParquetFileInput;

/* limit_bytes: of the query's memory, which says how large pages may be; 0: none.  n_columns: that will be read side by side. */
Status parquet_input_open(ParquetFileInput *input, const ParquetFile *file, int64_t limit_bytes, int n_columns, Error *err);
void   parquet_input_close(ParquetFileInput *input);

#endif
