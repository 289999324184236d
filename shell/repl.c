#include "shell/repl.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "parser/keyword.h"
#include "parser/lexer.h"

#define HISTORY_LINES 10000

/* readline's callbacks and signal handlers have no argument: these two are what they need, set by the one shell. */
static Client *volatile interrupted_client;
static Client *completion_client;

static void
on_interrupt(int signal_number)
{
	Client *client = interrupted_client;

	(void)signal_number;
	if (client != NULL)
		client->type->cancel(client);
}

void
interrupt_target(Client *client)
{
	struct sigaction action = {.sa_handler = on_interrupt};

	sigemptyset(&action.sa_mask);
	interrupted_client = client;
	sigaction(SIGINT, &action, NULL);
}

/* ---- completion ---- */

static char *
complete_next(const char *text, int state)
{
	static char **names;
	static int	  next_name;
	static int	  next_keyword;
	int			  n_keywords;
	const Keyword *keywords = keyword_list(&n_keywords);
	size_t		  length = strlen(text);

	if (state == 0) {
		names = completion_client->type->complete(completion_client, text);
		next_name = next_keyword = 0;
	}
	while (next_keyword < n_keywords) {
		const char *word = keywords[next_keyword++].name;

		if (strncasecmp(word, text, length) == 0)
			return strdup(word);
	}
	if (names != NULL && names[next_name] != NULL)
		return names[next_name++];
	free(names);
	names = NULL;
	return NULL;
}

static char **
complete(const char *text, int start, int end)
{
	(void)start;
	(void)end;
	rl_attempted_completion_over = 1;
	return rl_completion_matches(text, complete_next);
}

/* ---- commands of the shell itself ---- */

static const char help_text[] =
	"Statements end with ; and may go over several lines.\n"
	"\n"
	"  SELECT ... FROM 'file.csv'                    query a file (CSV, JSON lines; .gz and .zst; globs)\n"
	"  DESCRIBE 'file.csv';                          its columns\n"
	"  CREATE STREAM s (id INT KEY, v DOUBLE) WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');\n"
	"  INSERT INTO s VALUES (1, 2.5);                write a record\n"
	"  CREATE TABLE t AS SELECT id, COUNT(*) AS n FROM s WINDOW TUMBLING (SIZE 10 SECONDS) GROUP BY id;\n"
	"  SELECT * FROM t;                              what it holds now\n"
	"  SELECT * FROM s EMIT CHANGES;                 rows as they come; CTRL-C stops\n"
	"  SHOW STREAMS; SHOW TABLES; SHOW QUERIES; SHOW TOPICS; SHOW FUNCTIONS; SHOW PROPERTIES;\n"
	"  DESCRIBE t EXTENDED; EXPLAIN SELECT ...; DESCRIBE FUNCTION LPAD; PRINT s FROM BEGINNING;\n"
	"  SET 'sql.dialect'='ksqldb';                   ksqlDB's SQL to the letter\n"
	"\n"
	"  output table|vertical|csv|json|markdown       how results are shown\n"
	"  timing on|off                                 how long statements take\n"
	"  help, exit (or quit, \\q, CTRL-D)\n";

typedef struct Instead {
	const char *command;
	const char *instead;
} Instead;

/* What people type who come from other shells. */
static const Instead insteads[] = {
	{".tables", "SHOW TABLES; or SHOW STREAMS;"}, {".schema", "DESCRIBE name;"}, {".quit", "exit"}, {".exit", "exit"}, {".help", "help"},
	{".mode", "output table|vertical|csv|json|markdown"}, {".timer", "timing on|off"}, {".read", "RUN SCRIPT 'file';"},
	{"\\d", "SHOW TABLES; SHOW STREAMS; or DESCRIBE name;"}, {"\\dt", "SHOW TABLES;"}, {"\\df", "SHOW FUNCTIONS;"}, {"\\l", "SHOW TOPICS;"},
	{"\\x", "output vertical"}, {"\\i", "RUN SCRIPT 'file';"}, {"\\?", "help"}, {"\\h", "help"}, {"\\timing", "timing on|off"},
	{"\\set", "SET 'name'='value'; or DEFINE name='value';"}, {"\\copy", "sluice --output csv -c \"SELECT ...\" > file"},
};

static bool
tell_instead(const char *line)
{
	size_t n = strcspn(line, " \t;");

	if (line[0] != '.' && line[0] != '\\')
		return false;
	for (size_t i = 0; i < sizeof insteads / sizeof *insteads; i++)
		if (strlen(insteads[i].command) == n && strncmp(insteads[i].command, line, n) == 0) {
			printf("Type instead: %s\n", insteads[i].instead);
			return true;
		}
	printf("There is no command %.*s here. Type help to see what there is.\n", (int)n, line);
	return true;
}

static Str
word_of(Str *line)
{
	Str word;

	*line = str_trim(*line);
	word = str_make(line->data, 0);
	while (word.length < line->length && line->data[word.length] != ' ' && line->data[word.length] != ';')
		word.length++;
	*line = str_make(line->data + word.length, line->length - word.length);
	return word;
}

typedef enum CommandResult { COMMAND_NONE, COMMAND_DONE, COMMAND_EXIT } CommandResult;

static CommandResult
run_command(Printer *printer, const char *text)
{
	Str line = str_of(text);
	Str word = word_of(&line);
	Str argument = word_of(&line);

	if (str_equal_nocase(word, STR("exit")) || str_equal_nocase(word, STR("quit")) || str_equal(word, STR("\\q")))
		return COMMAND_EXIT;
	if (str_equal_nocase(word, STR("help"))) {
		fputs(help_text, stdout);
		return COMMAND_DONE;
	}
	if (str_equal_nocase(word, STR("timing")) && (str_equal_nocase(argument, STR("on")) || str_equal_nocase(argument, STR("off")) || argument.length == 0)) {
		printer->shows_timing = argument.length == 0 ? !printer->shows_timing : str_equal_nocase(argument, STR("on"));
		printf("Timing is %s.\n", printer->shows_timing ? "on" : "off");
		return COMMAND_DONE;
	}
	if (str_equal_nocase(word, STR("output"))) {
		char name[32] = "";

		memcpy(name, argument.data, argument.length < sizeof name - 1 ? argument.length : sizeof name - 1);
		if (output_mode_parse(name, &printer->mode))
			printf("Output is %s.\n", name);
		else
			printf("Output is one of table, vertical, csv, json, markdown.\n");
		return COMMAND_DONE;
	}
	return tell_instead(text) ? COMMAND_DONE : COMMAND_NONE;
}

/* ---- the loop ---- */

static const char *
prompt_for(LexerOpen open)
{
	switch (open) {
	case LEXER_IN_STRING:
		return "     '> ";
	case LEXER_IN_QUOTED:
		return "     \"> ";
	case LEXER_IN_PARENTHESES:
		return "     (> ";
	case LEXER_IN_COMMENT:
		return "     *> ";
	default:
		return "     -> ";
	}
}

/* Executes the complete statements at the front of `text` and takes them off. */
static void
run_complete(Client *client, Printer *printer, StrBuf *text)
{
	for (;;) {
		LexerOpen open;
		size_t	  end = lexer_statement_end(strbuf_str(text), &open);
		Error	  err;
		Str		  sql;

		if (open != LEXER_COMPLETE || end == 0) {
			if (open == LEXER_EMPTY)
				strbuf_clear(text);
			return;
		}
		sql = str_make(text->data, end);
		interrupt_target(client);
		if (client->type->execute(client, sql, &printer->sink, &err) == FAILED) {
			if (err.class == ERROR_INTERRUPTED)
				printf("%s\n", err.message);
			else
				error_print(stderr, &err, sql);
		}
		interrupt_target(NULL);
		memmove(text->data, text->data + end, text->length - end + 1);
		text->length -= end;
	}
}

int
repl_run(Client *client, Printer *printer, const char *history_path)
{
	StrBuf text = {0};
	bool   has_history = history_path != NULL;

	completion_client = client;
	rl_readline_name = "sluice";
	rl_attempted_completion_function = complete;
	rl_basic_word_break_characters = " \t\n\"\\'`@$><=;|&{(,.-+*/";
	using_history();
	stifle_history(HISTORY_LINES);
	if (has_history)
		read_history(history_path);
	printf("sluice - SQL over streams and files. Type help for help.\n");
	interrupt_target(NULL);
	for (;;) {
		LexerOpen open = LEXER_EMPTY;
		char	 *line;

		if (text.length > 0)
			lexer_statement_end(strbuf_str(&text), &open);
		line = readline(open == LEXER_EMPTY ? "sluice> " : prompt_for(open));
		if (line == NULL)
			break;
		if (line[0] != '\0')
			add_history(line);
		if (open == LEXER_EMPTY) {
			CommandResult result = run_command(printer, line);

			if (result == COMMAND_EXIT) {
				free(line);
				break;
			}
			if (result == COMMAND_DONE) {
				free(line);
				continue;
			}
		}
		strbuf_add_text(&text, line);
		strbuf_add_char(&text, '\n');
		free(line);
		run_complete(client, printer, &text);
	}
	if (has_history)
		write_history(history_path);
	strbuf_free(&text);
	return 0;
}
