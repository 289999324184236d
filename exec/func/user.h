#ifndef SLUICE_EXEC_FUNC_USER_H
#define SLUICE_EXEC_FUNC_USER_H

/*
 * Functions that users have made: rows like those of the families, in a list that whoever looks functions up brings along.
 * Lists and their functions are immutable; their owner keeps both as long as a plan may use them.
 */
#include "exec/func/func.h"

typedef struct UserFunction {
	const char	  *name;		/* upper case */
	const char	  *signature;	/* as of all rows: "(DOUBLE) -> DOUBLE" */
	FunctionClass  class;
	const char	  *path;		/* of the library */
	const char	  *symbol;
	const char	  *missing;		/* why the library could not be loaded; NULL: it was */
	void		  *library;		/* of dlopen */
	const void	  *native;		/* SluiceFunction */
	ScalarFunction scalar;		/* the row of its class */
	Aggregate	   aggregate;
} UserFunction;

typedef struct UserFunctions {
	int						   n;
	const UserFunction *const *items;	/* by name */
} UserFunctions;

/* The function of that name (without regard to case); NULL list: none. */
const UserFunction *user_function_find(const UserFunctions *functions, Str name);

/* What the binder asks for: as the functions without _in, users' functions first. */
FunctionClass function_class_in(const UserFunctions *functions, Str name, bool standard);
Status		  function_resolve_in(const UserFunctions *functions, Arena *arena, FunctionClass class, Str name, const FunctionArg *args,
								  int n_args, bool standard, FunctionMatch *out, Error *err);
void		  function_visit_in(const UserFunctions *functions, FunctionClass class, bool standard,
								void (*visit)(const void *row, void *context), void *context);

/*
 * Loads a function from a shared library (sluice_function.h): checks the interface's number, the signature and what must be there.
 * name, signature, path and symbol of *function are set; fills the rest, with texts in `arena`.  The library stays loaded for good: code of
 * it may run in any query.  ERROR_USER says what is wrong and what would be right.
 */
Status native_function_load(Arena *arena, UserFunction *function, Error *err);

/* A row that stands for a function whose library is not there: plans are made with it, but must not run. */
void native_function_stand_in(Arena *arena, UserFunction *function, FunctionClass class, const char *reason);

#endif
