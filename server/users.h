#ifndef SLUICE_SERVER_USERS_H
#define SLUICE_SERVER_USERS_H

/* The file of users, read into memory: immutable.  server/auth.h says what is in it. */
#include "common/arena.h"
#include "common/role.h"

typedef struct User {
	const char *name;
	const char *hash;			/* of crypt(3); NULL: known by certificate */
	Role		role;			/* the highest that the line gives */
	bool		may_enter;		/* has one of the roles of authentication.roles */
} User;

typedef struct Users {
	Arena arena;
	int	  n;
	User *rows;					/* by name */
} Users;

/* `roles`: authentication.roles, "*" or names with commas between.  Errors name the file and line, never a line's text. */
Status users_load(const char *path, const char *roles, Users **out, Error *err);
void   users_free(Users *users);

/* NULL: there is none of that name. */
const User *users_find(const Users *users, Str name);

#endif
