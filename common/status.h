#ifndef SLUICE_COMMON_STATUS_H
#define SLUICE_COMMON_STATUS_H

/*
 * How a call went, and why it failed: the one error idiom of the program.
 *
 * A function that can fail returns Status and takes `Error *err` last.  OK is success, DONE is a normal outcome that
 * means "no more" (end of input, no more rows wanted), FAILED means that *err is filled.  The first failure wins: a
 * caller adds where it happened (error_context), never replaces.
 *
 * An Error owns its texts inline, so it may live on the stack and be copied by assignment.  It needs no clean-up.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum Status {
	FAILED = -1,
	OK = 0,
	DONE = 1,
} Status;

/* What must happen with a failure; decided in one place, by class. */
typedef enum ErrorClass {
	ERROR_USER,			/* the statement is wrong: print with a caret */
	ERROR_UNSUPPORTED,	/* valid SQL that is not executed yet */
	ERROR_DATA,			/* a record is bad: goes to the processing log */
	ERROR_TRANSIENT,	/* may pass: retry with back-off */
	ERROR_FATAL,		/* stops the query (or program) and keeps its state: I/O, disk full, corrupt store */
	ERROR_INTERRUPTED,	/* the user cancelled */
	ERROR_DENIED,		/* the user's role does not permit it */
	ERROR_ASSERTION,	/* ASSERT says otherwise than it is */
	ERROR_BUG,			/* an internal inconsistency */
} ErrorClass;

#define ERROR_MESSAGE_MAX 4096
#define ERROR_HINT_MAX 1024

typedef struct Error {
	ErrorClass	class;
	int			line;		/* 1-based place in the SQL text; 0: none */
	int			column;		/* 1-based, in bytes */
	int			length;		/* bytes of the offending text, for the caret line; 0: unknown */
	char		message[ERROR_MESSAGE_MAX];
	char		hint[ERROR_HINT_MAX];	/* remedy; "" if none */
} Error;

#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* Each fills *err and returns FAILED, so that a call can end in `return error_user(err, "...")`. */
Status error_set(Error *err, ErrorClass class, const char *format, ...) PRINTF_LIKE(3, 4);
Status error_set_v(Error *err, ErrorClass class, const char *format, va_list args);

#define error_user(err, ...) error_set((err), ERROR_USER, __VA_ARGS__)
#define error_unsupported(err, ...) error_set((err), ERROR_UNSUPPORTED, __VA_ARGS__)
#define error_data(err, ...) error_set((err), ERROR_DATA, __VA_ARGS__)
#define error_fatal(err, ...) error_set((err), ERROR_FATAL, __VA_ARGS__)
#define error_denied(err, ...) error_set((err), ERROR_DENIED, __VA_ARGS__)
#define error_bug(err, ...) error_set((err), ERROR_BUG, __VA_ARGS__)

/* Sets the remedy.  Returns FAILED. */
Status error_hint(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Sets the place in the SQL text if none is set yet.  Returns FAILED. */
Status error_at(Error *err, int line, int column, int length);

/* Puts "CONTEXT: " before the message (where it happened).  Returns FAILED. */
Status error_context(Error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* "user", "unsupported", ...: the class as shown in machine-readable output. */
const char *error_class_name(ErrorClass class);

/* Returns at once on anything but OK.  For functions that hold nothing to release. */
#define TRY(call)                      \
	do {                               \
		Status try_status_ = (call);   \
		if (try_status_ != OK)         \
			return try_status_;        \
	} while (0)

/* As TRY, but goes to `out` with the status in a variable called `status`. */
#define TRY_OUT(call)                  \
	do {                               \
		status = (call);               \
		if (status != OK)              \
			goto out;                  \
	} while (0)

#endif
