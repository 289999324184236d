/* Writes docs/functions.md from the rows of the function registry: `make docs`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/func/kernel.h"

/* What the page says of one row, whatever kind of function it is. */
typedef struct Line {
	const char	   *name;
	const char	   *signature;
	FunctionDialect dialect;
	uint32_t		flags;
	const char	   *description;
	const char	   *example;
	const char	   *example_result;
} Line;

typedef struct Page {
	Line *lines;
	int	  n;
	int	  capacity;
} Page;

static void
page_add(Page *page, Line line)
{
	if (line.flags & FUNC_HIDDEN)
		return;
	grow_array(page->lines, page->n, page->capacity);
	page->lines[page->n++] = line;
}

static const char *
dialect_mark(FunctionDialect dialect)
{
	return dialect == FUNCTION_KSQLDB ? " *(ksqldb)*" : dialect == FUNCTION_STANDARD ? " *(standard)*" : "";
}

/* In a table cell a bar must be escaped. */
static void
print_cell(const char *text)
{
	for (; *text != '\0'; text++)
		printf(*text == '|' ? "\\|" : "%c", *text);
}

/* A result type that depends on the arguments stands as `= f` in the row. */
static void
print_signature(const char *signature)
{
	const char *computed = strstr(signature, "= f");

	if (computed == NULL) {
		print_cell(signature);
		return;
	}
	printf("%.*s%s", (int)(computed - signature), signature,
		   strncmp(signature, "(DECIMAL", 8) == 0 ? "DECIMAL" : "computed");
}

static bool
line_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* All rows of one name as one table row; equal signatures of the two dialects once, without a mark. */
static void
print_function(const Line *lines, int n)
{
	bool	differ = false;

	printf("| `%s` | ", lines[0].name);
	for (int i = 0; i < n; i++) {
		bool	is_first = true, in_both = lines[i].dialect == FUNCTION_BOTH;

		for (int j = 0; j < n; j++)
			if (j != i && strcmp(lines[i].signature, lines[j].signature) == 0) {
				in_both = true;
				is_first = is_first && j > i;
			}
		if (is_first) {
			printf("%s`", i > 0 ? "<br>" : "");
			print_signature(lines[i].signature);
			printf("`%s", in_both ? "" : dialect_mark(lines[i].dialect));
		}
	}
	printf(" | ");
	for (int i = 0; i < n; i++)
		differ = differ || !line_equal(lines[i].description, lines[0].description);
	for (int i = 0; i < n; i++) {
		bool	is_new = true;

		for (int j = 0; j < i; j++)
			is_new = is_new && !line_equal(lines[i].description, lines[j].description);
		if (is_new) {
			printf("%s", i > 0 ? " " : "");
			print_cell(lines[i].description);
			printf("%s", differ ? dialect_mark(lines[i].dialect) : "");
		}
	}
	if (lines[0].flags & FUNC_DEPRECATED)
		printf(" Deprecated.");
	printf(" | ");
	for (int i = 0; i < n; i++)
		if (lines[i].example != NULL) {
			printf("`");
			print_cell(lines[i].example);
			printf("`");
			if (lines[i].example_result != NULL) {
				printf(" → `");
				print_cell(lines[i].example_result);
				printf("`");
			}
			break;
		}
	printf(" |\n");
}

/* Rows keep their order within a name: the sort must be stable, so it is by insertion. */
static void
page_print(Page *page, const char *title)
{
	for (int i = 1; i < page->n; i++)
		for (int j = i; j > 0 && strcmp(page->lines[j - 1].name, page->lines[j].name) > 0; j--) {
			Line	swap = page->lines[j];

			page->lines[j] = page->lines[j - 1];
			page->lines[j - 1] = swap;
		}
	printf("\n## %s\n\n| function | signatures | | example |\n|---|---|---|---|\n", title);
	for (int i = 0, n; i < page->n; i += n) {
		for (n = 1; i + n < page->n && strcmp(page->lines[i].name, page->lines[i + n].name) == 0; n++)
			;
		print_function(&page->lines[i], n);
	}
	page->n = 0;
}

static void
add_scalars(Page *page, const ScalarFunction *family)
{
	for (const ScalarFunction *f = family; f->name != NULL; f++)
		page_add(page, (Line){f->name, f->signature, f->dialect, f->flags, f->description, f->example, f->example_result});
}

int
main(void)
{
	static const struct {
		const char			 *title;
		const ScalarFunction *families[5];
	} chapters[] = {
		{"Numbers", {scalar_math_functions, scalar_decimal_functions, scalar_bits_functions}},
		{"Text", {scalar_string_functions, scalar_text_functions, scalar_mask_functions, scalar_print_functions}},
		{"Bytes and encodings", {scalar_bytes_functions}},
		{"Regular expressions", {scalar_regex_functions}},
		{"Arrays", {scalar_array_functions, scalar_list_functions}},
		{"Maps", {scalar_map_functions}},
		{"Higher-order functions", {scalar_lambda_functions}},
		{"JSON", {scalar_json_functions}},
		{"NULL and types", {scalar_null_functions}},
		{"Date and time", {scalar_date_functions, scalar_calendar_functions, scalar_time_format_functions, scalar_interval_functions}},
		{"URLs", {scalar_url_functions}},
	};
	Page	page = {0};

	printf("# Functions\n\n"
		   "Made from the rows of the function registry by `make docs`. A signature marked with a dialect exists, or behaves as\n"
		   "described, in that dialect only. `T...` is a parameter that may be given any number of times; `!` says that NULL is an\n"
		   "error there; letters such as `T` stand for any type. `DESCRIBE FUNCTION name` shows the same.\n");
	for (size_t c = 0; c < sizeof chapters / sizeof chapters[0]; c++) {
		for (int f = 0; f < 5 && chapters[c].families[f] != NULL; f++)
			add_scalars(&page, chapters[c].families[f]);
		page_print(&page, chapters[c].title);
	}
	for (int f = 0; table_function_families[f] != NULL; f++)
		for (const TableFunction *t = table_function_families[f]; t->name != NULL; t++)
			page_add(&page, (Line){t->name, t->signature, t->dialect, t->flags, t->description, t->example, t->example_result});
	page_print(&page, "Table functions");
	for (int f = 0; aggregate_families[f] != NULL; f++)
		for (const Aggregate *a = aggregate_families[f]; a->name != NULL; a++)
			page_add(&page, (Line){a->name, a->signature, a->dialect, a->flags, a->description, a->example, a->example_result});
	page_print(&page, "Aggregate functions");
	free(page.lines);
	return EXIT_SUCCESS;
}
