#ifndef SLUICE_COMMON_ROLE_H
#define SLUICE_COMMON_ROLE_H

/*
 * What somebody may do: three roles, each with everything that the ones before it may.  Statements and endpoints each have one
 * table that says which role they need (engine/statement.c; the server's table of endpoints).
 */
#include <stdbool.h>

#include "common/str.h"

typedef enum Role {
	ROLE_NONE,			/* nobody yet: only what is open to all */
	ROLE_READ,			/* queries; looking at what exists */
	ROLE_WRITE,			/* creating and dropping, inserting, starting and ending persistent queries */
	ROLE_ADMIN,			/* what touches the server itself: its files, its settings, its end */
} Role;

/* "none", "read", "write", "admin". */
const char *role_name(Role role);

/* False if the text is no role's name. */
bool role_parse(Str text, Role *out);

#endif
