/* Runs a fuzzer's target once over each file of the given folders: what was found once is looked at in every `make check`. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
run_file(const char *path)
{
	FILE	*file = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t	 n = 0, capacity = 0;

	if (file == NULL) {
		fprintf(stderr, "Cannot read '%s'\n", path);
		return 1;
	}
	do {
		if (n == capacity) {
			capacity = capacity > 0 ? 2 * capacity : 4096;
			data = realloc(data, capacity);
			if (data == NULL)
				abort();
		}
		size_t got = fread(data + n, 1, capacity - n, file);

		if (got == 0)
			break;
		n += got;
	} while (1);
	fclose(file);
	/* A crash ends the process: the last name told is the one. */
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

int
main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++) {
		DIR			  *folder = opendir(argv[i]);
		struct dirent *entry;

		if (folder == NULL) {
			fprintf(stderr, "Cannot open the folder '%s'\n", argv[i]);
			return 1;
		}
		while ((entry = readdir(folder)) != NULL) {
			char path[4096];

			snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
			if (entry->d_name[0] != '.' && run_file(path) != 0)
				return 1;
			n += entry->d_name[0] != '.';
		}
		closedir(folder);
	}
	printf("%d files\n", n);
	return 0;
}
