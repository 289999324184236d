/*
 * Runs one SQL text on a DuckDB library and prints the rows as CSV, so that bench/analytics.py measures DuckDB without the start of an interpreter.
 *
 *	duckdb_run LIBRARY THREADS SQL		the rows
 *	duckdb_run LIBRARY version			the library's version
 *
 * The few functions used are looked up in the library; their types follow DuckDB's public C API (duckdb.h), of which nothing is needed to build this.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *Handle;

/* duckdb_result: DuckDB fills it and no one else looks inside. */
typedef struct Result
{
	uint64_t deprecated_counts[3];
	void	*deprecated_columns;
	char	*deprecated_error;
	void	*internal;
} Result;

typedef struct Duckdb
{
	const char *(*library_version)(void);
	int (*create_config)(Handle *config);
	int (*set_config)(Handle config, const char *name, const char *value);
	int (*open_ext)(const char *path, Handle *database, Handle config, char **error);
	int (*connect)(Handle database, Handle *connection);
	int (*query)(Handle connection, const char *sql, Result *result);
	const char *(*result_error)(Result *result);
	uint64_t (*column_count)(Result *result);
	uint64_t (*row_count)(Result *result);
	char *(*value_varchar)(Result *result, uint64_t column, uint64_t row);
	void (*free)(void *memory);
	void (*destroy_result)(Result *result);
	void (*disconnect)(Handle *connection);
	void (*close)(Handle *database);
} Duckdb;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "duckdb_run: %s: %s\n", what, why ? why : "no reason given");
	exit(1);
}

static void
duckdb_load(Duckdb *duckdb, const char *path)
{
	const struct
	{
		const char *name;
		void	   *function;
	} symbols[] = {{"duckdb_library_version", &duckdb->library_version}, {"duckdb_create_config", &duckdb->create_config},
				   {"duckdb_set_config", &duckdb->set_config}, {"duckdb_open_ext", &duckdb->open_ext}, {"duckdb_connect", &duckdb->connect},
				   {"duckdb_query", &duckdb->query}, {"duckdb_result_error", &duckdb->result_error}, {"duckdb_column_count", &duckdb->column_count},
				   {"duckdb_row_count", &duckdb->row_count}, {"duckdb_value_varchar", &duckdb->value_varchar}, {"duckdb_free", &duckdb->free},
				   {"duckdb_destroy_result", &duckdb->destroy_result}, {"duckdb_disconnect", &duckdb->disconnect}, {"duckdb_close", &duckdb->close}};
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		die("can't load the library", dlerror());
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
		void *found = dlsym(library, symbols[i].name);

		if (found == NULL)
			die("the library has not all of DuckDB's C API", symbols[i].name);
		/* A function's address comes as an object's (POSIX, dlsym). */
		memcpy(symbols[i].function, &found, sizeof found);
	}
}

static void
cell_print(const char *text)
{
	bool is_quoted = text[strcspn(text, ",\"\r\n")] != '\0';

	if (is_quoted)
		putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	if (is_quoted)
		putchar('"');
}

static void
result_print(const Duckdb *duckdb, Result *result)
{
	uint64_t columns = duckdb->column_count(result), rows = duckdb->row_count(result);

	for (uint64_t row = 0; row < rows; row++) {
		for (uint64_t column = 0; column < columns; column++) {
			char *text = duckdb->value_varchar(result, column, row);

			if (column > 0)
				putchar(',');
			if (text != NULL)
				cell_print(text);
			duckdb->free(text);
		}
		putchar('\n');
	}
}

int
main(int argc, char **argv)
{
	Duckdb duckdb = {0};
	Handle config = NULL, database = NULL, connection = NULL;
	Result result = {0};
	char  *error = NULL;

	if (argc != 4 && !(argc == 3 && strcmp(argv[2], "version") == 0)) {
		fprintf(stderr, "usage: duckdb_run LIBRARY THREADS SQL | LIBRARY version\n");
		return 2;
	}
	duckdb_load(&duckdb, argv[1]);
	if (argc == 3) {
		puts(duckdb.library_version());
		return 0;
	}
	if (duckdb.create_config(&config) != 0 || duckdb.set_config(config, "threads", argv[2]) != 0)
		die("threads can't be set to", argv[2]);
	if (duckdb.open_ext(NULL, &database, config, &error) != 0)
		die("a database can't be opened", error);
	if (duckdb.connect(database, &connection) != 0)
		die("no connection", NULL);
	if (duckdb.query(connection, argv[3], &result) != 0)
		die("the query failed", duckdb.result_error(&result));
	result_print(&duckdb, &result);
	duckdb.destroy_result(&result);
	duckdb.disconnect(&connection);
	duckdb.close(&database);
	if (fflush(stdout) != 0)
		die("the rows", "can't be written");
	return 0;
}
