#ifndef SLUICE_EXEC_FUNC_SIGNATURE_H
#define SLUICE_EXEC_FUNC_SIGNATURE_H

/* Parsed signature texts (see exec/func/func.h), in an arena.  Parsed when a name is looked up, never at start. */
#include "common/str.h"
#include "data/type.h"

typedef enum PatternKind {
	PATTERN_TYPE,		/* one concrete type */
	PATTERN_VARIABLE,	/* T, K, V, S, R */
	PATTERN_DECIMAL,	/* any DECIMAL */
	PATTERN_NUMBER,
	PATTERN_ANY,
	PATTERN_ANY_STRUCT,
	PATTERN_ARRAY,
	PATTERN_MAP,
	PATTERN_STRUCT,		/* with fields */
	PATTERN_LAMBDA,
	PATTERN_RESOLVED,	/* result only: `= f` */
} PatternKind;

typedef struct Pattern Pattern;
struct Pattern {
	PatternKind		 kind;
	const Type		*type;			/* TYPE */
	int				 variable;		/* VARIABLE: 0 for A .. 25 for Z */
	bool			 has_variable;	/* anywhere inside */
	bool			 is_variadic;
	bool			 null_is_error;
	int				 n_parts;		/* ARRAY: 1; MAP: 2; STRUCT: fields; LAMBDA: parameters, then the result */
	Pattern			*parts;
	const char		**names;		/* STRUCT */
};

typedef struct Signature {
	int		 n_parameters;
	Pattern	*parameters;
	int		 variadic;		/* index of the variadic parameter; -1: none */
	int		 n_variables;	/* parameters with type variables: fewer is more specific */
	Pattern	 result;
} Signature;

#define PATTERN_VARIABLES 26

/* ERROR_BUG: a row's text is wrong. */
Status signature_parse(Arena *arena, const char *text, Signature *out, Error *err);

/* The parameter that argument `i` of `n_args` belongs to; NULL if the number of arguments does not fit. */
const Pattern *signature_parameter(const Signature *signature, int i, int n_args);
bool		   signature_accepts_count(const Signature *signature, int n_args);

/* "NAME(ARRAY<T>, STRING...)". */
void signature_print(const char *name, const Signature *signature, StrBuf *out);

#endif
