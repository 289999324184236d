#ifndef SLUICE_SERVER_AUTH_H
#define SLUICE_SERVER_AUTH_H

/*
 * Who a client is: HTTP basic authentication (RFC 7617) against a file of users, or a client certificate.
 *
 * The file has one user a line, `user: hash,role[,role...]`, in the shape of ksqlDB's realms; `#` begins a comment line.  A hash is crypt(3)'s:
 * yescrypt ($y$), scrypt ($7$), bcrypt ($2b$), SHA-512 ($6$) or SHA-256 ($5$); `sluice passwd` makes the line.  In place of a hash
 * `certificate` stands for a user who is known by the common name of a verified client certificate.  Of the roles at least
 * one is read, write or admin; others only serve `authentication.roles`.  The file must not be readable by everybody.
 *
 * Hashes are slow by design, and every request carries the password.  What was verified once is remembered as a digest of user and
 * password under a random key of this process, never as the password; auth_check compares that and nothing else, in about a
 * microsecond.  At most two slow verifications run at a time, an address that fails too often has to wait, and an unknown user takes as
 * long as a known one.
 *
 * Thread safe.  Reloading replaces all users at once; what was remembered is forgotten.
 */
#include "common/env.h"
#include "common/role.h"
#include "common/setting.h"

#define AUTH_NAME_MAX 128
#define AUTH_PASSWORD_MAX 512

typedef struct Auth Auth;

typedef struct AuthUser {
	char name[AUTH_NAME_MAX + 1];
	Role role;
} AuthUser;

typedef enum AuthResult {
	AUTH_OK,			/* *user is filled */
	AUTH_MISSING,		/* nobody said who they are: 401 with the challenge */
	AUTH_REFUSED,		/* wrong user or password: 401 */
	AUTH_LIMITED,		/* too many failures from that address: 429 with Retry-After: 60 */
	AUTH_VERIFY,		/* not known yet: call auth_verify on a thread that may take its time */
} AuthResult;

/* From the settings authentication.*; *out is NULL when the method is NONE. */
Status auth_open(const Settings *settings, Auth **out, Error *err);
void   auth_close(Auth *auth);

/* Reads the users' file again.  On failure the users stay as they were. */
Status auth_reload(Auth *auth, Error *err);

/*
 * `authorization` is the header's value (data NULL: there is none), `certificate` the common name of a verified client certificate (NULL:
 * none), `address` the peer's ("127.0.0.1:40312").  auth_check never blocks and never gives a final refusal of a password that it has not
 * seen; auth_verify gives any result but AUTH_VERIFY.
 */
AuthResult auth_check(Auth *auth, Str authorization, const char *certificate, const char *address, AuthUser *user);
AuthResult auth_verify(Auth *auth, Str authorization, const char *address, AuthUser *user);

/* Is the path one of authentication.skip.paths?  (The endpoints that are always open are rows of the table of endpoints.) */
bool auth_is_open(const Auth *auth, Str path);

/* Value for WWW-Authenticate. */
const char *auth_challenge(const Auth *auth);

int auth_n_users(Auth *auth);

/* Log-ins by outcome since the start, for metrics. */
typedef struct AuthCounts {
	int64_t n_accepted;			/* verified slowly */
	int64_t n_remembered;		/* known by digest or certificate */
	int64_t n_refused;
	int64_t n_limited;
} AuthCounts;
AuthCounts auth_counts(const Auth *auth);

/* ---- sluice passwd ---- */

/* Appends a hash of the password (yescrypt). */
Status auth_hash(const char *password, StrBuf *out, Error *err);

/* A line from the terminal, unseen, or from standard input.  False: there is none. */
bool password_ask(const char *prompt, char *line, size_t size);

/* `sluice passwd [--role ROLE]... USER`: asks for a password and writes the user's line. */
int passwd_main(int argc, char **argv);

#endif
