/*
 * Rows of exactly 100 bytes for bench/spill.py: every key below N once, in scattered order.
 *	spill_data write N > FILE		a CSV file of k,v,t with a header
 *	spill_data check N < ROWS		reads those rows sorted by k, without a header; status 1 and the first wrong line if they are not
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROW_BYTES = 100,
};

/* The text is made from the key, in digits that hardly compress. */
static void
row_make(uint64_t key, char *row)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
	uint64_t		  x = key * 0x9e3779b97f4a7c15ULL + 1;
	int				  at = sprintf(row, "%llu,%llu,", (unsigned long long)key, (unsigned long long)(key % 1000));

	for (; at < ROW_BYTES - 1; at++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		row[at] = digits[x >> 58];
	}
	row[at] = '\n';
}

static int
write_rows(uint64_t n)
{
	/* A prime near the golden section of 2^32: it shares no divisor with a smaller n but itself. */
	const uint64_t step = 2654435761;
	char		   row[ROW_BYTES];

	fputs("k,v,t\n", stdout);
	for (uint64_t i = 0; i < n; i++) {
		row_make(i * step % n, row);
		fwrite(row, 1, sizeof row, stdout);
	}
	return ferror(stdout) || fflush(stdout) != 0;
}

static int
check_rows(uint64_t n)
{
	char row[ROW_BYTES], found[ROW_BYTES];

	for (uint64_t k = 0; k < n; k++) {
		row_make(k, row);
		if (fread(found, 1, sizeof found, stdin) == sizeof found && memcmp(row, found, sizeof row) == 0)
			continue;
		fprintf(stderr, "row %llu: %.*s instead of %.*s\n", (unsigned long long)k, ROW_BYTES - 1, found, ROW_BYTES - 1, row);
		return 1;
	}
	return getchar() != EOF;
}

int
main(int argc, char **argv)
{
	uint64_t n = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;

	if (n == 0 || n > 2654435760) {
		fputs("spill_data write|check N\n", stderr);
		return 2;
	}
	return strcmp(argv[1], "check") == 0 ? check_rows(n) : write_rows(n);
}
