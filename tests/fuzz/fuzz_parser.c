/*
 * Any bytes parse or fail; what parses prints and parses again to the same tree.
 *
 *   clang -fsanitize=fuzzer,address,undefined -std=c17 -D_GNU_SOURCE -I. -Ibuild/gen tests/fuzz/fuzz_parser.c
 *       $(find parser -name "*.c") build/gen/grammar.c common/{arena,str,status}.c -lm -o build/fuzz_parser
 */
#include <stdlib.h>

#include "parser/ast_print.h"
#include "parser/lexer.h"
#include "parser/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Error err;
	Arena		arena = {0};
	AstStatementList list;
	ParserOptions options = {.is_ksqldb = size > 0 && (data[0] & 1) != 0};
	Str			text = str_make((const char *)data, size);

	err = (Error){0};
	lexer_statement_end(text, NULL);
	if (parser_parse(&arena, text, options, &list, &err) == OK) {
		for (int i = 0; i < list.n_items; i++) {
			StrBuf		printed = {0};
			AstStatementList again;

			ast_print_statement(&printed, list.items[i]);
			if (parser_parse(&arena, strbuf_str(&printed), options, &again, &err) != OK || again.n_items != 1 ||
				!ast_equal(list.items[i], again.items[0]))
				abort();
			strbuf_free(&printed);
		}
	} else if (err.message[0] == '\0')
		abort();
	arena_free(&arena);
	return 0;
}
