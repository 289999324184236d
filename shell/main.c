#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/test_run.h"

static int
test_main(int argc, char **argv)
{
	TestRunOptions options = {0};

	for (int i = 1; i < argc; i++) {
		const char **place = strcmp(argv[i], "--sql-file") == 0 || strcmp(argv[i], "-s") == 0	   ? &options.sql_file
							 : strcmp(argv[i], "--input-file") == 0 || strcmp(argv[i], "-i") == 0  ? &options.input_file
							 : strcmp(argv[i], "--output-file") == 0 || strcmp(argv[i], "-o") == 0 ? &options.output_file
							 : strcmp(argv[i], "--actual-file") == 0							   ? &options.actual_file
							 : strcmp(argv[i], "--properties") == 0								   ? &options.properties_file
																								   : NULL;

		if (place == NULL || i + 1 >= argc) {
			fprintf(stderr, "sluice test: unknown option or missing value: %s\n"
					"usage: sluice test --sql-file FILE [--input-file FILE] [--output-file FILE] [--actual-file FILE] [--properties FILE]\n", argv[i]);
			return 2;
		}
		*place = argv[++i];
	}
	if (options.sql_file == NULL) {
		fprintf(stderr, "sluice test: --sql-file is missing\n");
		return 2;
	}
	return test_run(&options);
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "test") == 0)
		return test_main(argc - 1, argv + 1);
	fprintf(stderr, "usage: sluice test ...\n");
	return 2;
}
