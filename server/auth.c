/*
 * Fast path: decode the header, digest of user and password under the process's key, compare with what the user's slot remembers.
 * Slow path: crypt(3), then remember.  A snapshot of the users lives as long as somebody verifies against it (counted).
 */
#include "server/auth.h"

#include <crypt.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "common/base64.h"
#include "common/hash.h"
#include "common/library.h"
#include "common/sha.h"
#include "server/users.h"

#define KDF_AT_A_TIME 2
#define FAILURE_WINDOW 60000000000		/* nanoseconds in which failures of an address are counted */
#define FAILURE_SLOTS 1024
#define KEY_BYTES 32

/* ---- libcrypt ---- */

typedef struct Crypt {
	char *(*crypt_rn)(const char *phrase, const char *setting, void *data, int size);
	char *(*crypt_gensalt_rn)(const char *prefix, unsigned long count, const char *random_bytes, int n_random_bytes, char *output, int output_size);
} Crypt;

static Status
crypt_load(Crypt *crypt, Error *err)
{
	static const LibrarySymbol symbols[] = {{"crypt_rn", offsetof(Crypt, crypt_rn)}, {"crypt_gensalt_rn", offsetof(Crypt, crypt_gensalt_rn)}};

	return library_load("libcrypt.so.1", "libcrypt1", symbols, 2, crypt, err);
}

/* ---- state ---- */

typedef struct Digest {
	unsigned char bytes[SHA256_BYTES];
} Digest;

/* A snapshot of the users with what is remembered of them. */
typedef struct Realm {
	_Atomic int refs;
	Users	   *users;
	bool	   *is_known;		/* by user; under auth->lock */
	Digest	   *known;
} Realm;

typedef struct FailureSlot {
	uint64_t address;
	Nanos	 since;
	int		 n;
} FailureSlot;

struct Auth {
	Crypt			crypt;
	char		   *path;
	char		   *roles;
	char		   *skip_paths;
	char		   *challenge;
	int				max_failures;
	unsigned char	key[KEY_BYTES];
	char			decoy[CRYPT_OUTPUT_SIZE];	/* what an unknown user's password is hashed against */
	pthread_mutex_t lock;						/* realm, remembered digests, failures */
	Realm		   *realm;
	FailureSlot		failures[FAILURE_SLOTS];
	pthread_mutex_t lock_kdf;
	pthread_cond_t	kdf_free;
	int				n_kdf;
	_Atomic int64_t n_accepted, n_remembered, n_refused, n_limited;
};

static Realm *
realm_new(Users *users)
{
	Realm *realm = xcalloc(1, sizeof *realm);

	realm->refs = 1;
	realm->users = users;
	realm->is_known = xcalloc((size_t)users->n, sizeof *realm->is_known);
	realm->known = xcalloc((size_t)users->n, sizeof *realm->known);
	return realm;
}

static void
realm_release(Realm *realm)
{
	if (realm == NULL || atomic_fetch_sub(&realm->refs, 1) != 1)
		return;
	users_free(realm->users);
	free(realm->is_known);
	free(realm->known);
	free(realm);
}

static Realm *
realm_share(Auth *auth)
{
	Realm *realm;

	pthread_mutex_lock(&auth->lock);
	realm = auth->realm;
	realm->refs++;
	pthread_mutex_unlock(&auth->lock);
	return realm;
}

static Status
fill_random(void *out, size_t n, Error *err)
{
	if (getrandom(out, n, 0) != (ssize_t)n)
		return error_fatal(err, "The system gives no random numbers");
	return OK;
}

static char *
make_challenge(const char *realm)
{
	StrBuf text = {0};

	strbuf_add_text(&text, "Basic realm=\"");
	for (; *realm != '\0'; realm++) {
		if (*realm == '"' || *realm == '\\')
			strbuf_add_char(&text, '\\');
		if ((unsigned char)*realm >= 0x20)
			strbuf_add_char(&text, *realm);
	}
	strbuf_add_text(&text, "\", charset=\"UTF-8\"");
	return text.data;
}

Status
auth_hash(const char *password, StrBuf *out, Error *err)
{
	Crypt			   crypt;
	char			   setting[CRYPT_GENSALT_OUTPUT_SIZE], random_bytes[32];
	struct crypt_data *data;
	const char		  *hash;

	TRY(crypt_load(&crypt, err));
	TRY(fill_random(random_bytes, sizeof random_bytes, err));
	if (crypt.crypt_gensalt_rn("$y$", 0, random_bytes, sizeof random_bytes, setting, sizeof setting) == NULL)
		return error_fatal(err, "libcrypt cannot make yescrypt hashes");
	data = xcalloc(1, sizeof *data);
	hash = crypt.crypt_rn(password, setting, data, sizeof *data);
	if (hash != NULL)
		strbuf_add_text(out, hash);
	explicit_bzero(data, sizeof *data);
	free(data);
	return hash != NULL ? OK : error_user(err, "The password cannot be hashed: it is too long");
}

static Status
auth_init(Auth *auth, Error *err)
{
	Users *users;
	StrBuf decoy = {0};
	Status status;

	TRY(crypt_load(&auth->crypt, err));
	TRY(fill_random(auth->key, sizeof auth->key, err));
	status = auth_hash("not the password of anybody", &decoy, err);
	if (status == OK)
		memcpy(auth->decoy, decoy.data, decoy.length + 1);
	strbuf_free(&decoy);
	TRY(status);
	TRY(users_load(auth->path, auth->roles, &users, err));
	auth->realm = realm_new(users);
	return OK;
}

Status
auth_open(const Settings *settings, Auth **out, Error *err)
{
	const char *path = settings_text(settings, "authentication.users.file");
	Auth	   *auth;

	*out = NULL;
	if (strcasecmp(settings_text(settings, "authentication.method"), "NONE") == 0)
		return OK;
	if (path == NULL) {
		error_user(err, "authentication.method is BASIC, but there is no authentication.users.file");
		return error_hint(err, "Make one with: sluice passwd --role admin NAME > users; chmod 640 users");
	}
	auth = xcalloc(1, sizeof *auth);
	auth->path = xstrdup(path);
	auth->roles = xstrdup(settings_text(settings, "authentication.roles"));
	auth->skip_paths = xstrdup(settings_text(settings, "authentication.skip.paths"));
	auth->challenge = make_challenge(settings_text(settings, "authentication.realm"));
	auth->max_failures = (int)settings_int(settings, "authentication.max.failures");
	pthread_mutex_init(&auth->lock, NULL);
	pthread_mutex_init(&auth->lock_kdf, NULL);
	pthread_cond_init(&auth->kdf_free, NULL);
	if (auth_init(auth, err) == FAILED) {
		auth_close(auth);
		return FAILED;
	}
	*out = auth;
	return OK;
}

void
auth_close(Auth *auth)
{
	if (auth == NULL)
		return;
	realm_release(auth->realm);
	pthread_mutex_destroy(&auth->lock);
	pthread_mutex_destroy(&auth->lock_kdf);
	pthread_cond_destroy(&auth->kdf_free);
	free(auth->path);
	free(auth->roles);
	free(auth->skip_paths);
	free(auth->challenge);
	explicit_bzero(auth->key, sizeof auth->key);
	free(auth);
}

Status
auth_reload(Auth *auth, Error *err)
{
	Users *users;
	Realm *fresh, *old;

	if (auth == NULL)
		return OK;
	TRY(users_load(auth->path, auth->roles, &users, err));
	fresh = realm_new(users);
	pthread_mutex_lock(&auth->lock);
	old = auth->realm;
	auth->realm = fresh;
	pthread_mutex_unlock(&auth->lock);
	realm_release(old);
	return OK;
}

/* ---- the header ---- */

typedef struct Credentials {
	StrBuf decoded;
	Str	   name;
	char  *password;		/* within decoded, NUL-terminated */
} Credentials;

static void
credentials_free(Credentials *c)
{
	if (c->decoded.data != NULL)
		explicit_bzero(c->decoded.data, c->decoded.capacity);
	strbuf_free(&c->decoded);
}

/* False if the header is malformed. */
static bool
credentials_parse(Str header, Credentials *c)
{
	char *colon;

	*c = (Credentials){0};
	if (header.length < 7 || strncasecmp(header.data, "Basic ", 6) != 0 || header.length > 2 * (AUTH_NAME_MAX + AUTH_PASSWORD_MAX))
		return false;
	if (!base64_add_decoded(&c->decoded, str_trim(str_make(header.data + 6, header.length - 6))) || c->decoded.data == NULL)
		return false;
	colon = memchr(c->decoded.data, ':', c->decoded.length);
	if (colon == NULL || strlen(c->decoded.data) != c->decoded.length)
		return false;
	c->name = str_make(c->decoded.data, (size_t)(colon - c->decoded.data));
	c->password = colon + 1;
	return c->name.length <= AUTH_NAME_MAX && strlen(c->password) <= AUTH_PASSWORD_MAX;
}

/* ---- digests ---- */

/*
 * SHA-256 of the key and "user:password".  Nobody sees a digest, so that HMAC's second round, which keeps others from making digests of longer
 * texts, would cost time for nothing.
 */
static Digest
digest_of(const Auth *auth, const Credentials *c)
{
	unsigned char text[KEY_BYTES + AUTH_NAME_MAX + AUTH_PASSWORD_MAX + 2];
	size_t		  n = c->decoded.length;
	Digest		  digest;

	memcpy(text, auth->key, KEY_BYTES);
	memcpy(text + KEY_BYTES, c->decoded.data, n);
	sha256_digest(str_make((const char *)text, KEY_BYTES + n), digest.bytes);
	explicit_bzero(text, KEY_BYTES + n);
	return digest;
}

/* In time that does not depend on where they differ. */
static bool
bytes_equal(const void *a, const void *b, size_t n)
{
	const volatile unsigned char *x = a, *y = b;
	unsigned char				  difference = 0;

	for (size_t i = 0; i < n; i++)
		difference |= x[i] ^ y[i];
	return difference == 0;
}

static void
fill_user(const User *row, AuthUser *user)
{
	snprintf(user->name, sizeof user->name, "%s", row->name);
	user->role = row->role;
}

/* ---- failures by address ---- */

static uint64_t
address_hash(const char *address)
{
	const char *colon = strrchr(address, ':');

	return hash_bytes(address, colon != NULL ? (size_t)(colon - address) : strlen(address));
}

/* Under the lock. */
static FailureSlot *
failure_slot(Auth *auth, const char *address)
{
	uint64_t	 hash = address_hash(address);
	FailureSlot *slot = &auth->failures[hash % FAILURE_SLOTS];

	if (slot->address != hash || nanos_now() - slot->since > FAILURE_WINDOW)
		*slot = (FailureSlot){.address = hash, .since = nanos_now()};
	return slot;
}

static bool
is_limited(Auth *auth, const char *address)
{
	bool is_over;

	if (auth->max_failures <= 0)
		return false;
	pthread_mutex_lock(&auth->lock);
	is_over = failure_slot(auth, address)->n >= auth->max_failures;
	pthread_mutex_unlock(&auth->lock);
	return is_over;
}

static void
count_failure(Auth *auth, const char *address)
{
	pthread_mutex_lock(&auth->lock);
	failure_slot(auth, address)->n++;
	pthread_mutex_unlock(&auth->lock);
	auth->n_refused++;
}

/* ---- checking ---- */

static AuthResult
check_certificate(Auth *auth, const char *certificate, AuthUser *user)
{
	Realm	   *realm = realm_share(auth);
	const User *row = users_find(realm->users, str_of(certificate));
	bool		is_ok = row != NULL && row->hash == NULL && row->may_enter;

	if (is_ok)
		fill_user(row, user);
	realm_release(realm);
	if (is_ok)
		auth->n_remembered++;
	return is_ok ? AUTH_OK : AUTH_MISSING;
}

/* What is remembered is looked at under the lock: reload may replace it. */
static bool
check_remembered(Auth *auth, const Credentials *c, AuthUser *user)
{
	Digest		digest = digest_of(auth, c);
	const User *row;
	bool		is_known = false;

	pthread_mutex_lock(&auth->lock);
	row = users_find(auth->realm->users, c->name);
	if (row != NULL) {
		int i = (int)(row - auth->realm->users->rows);

		is_known = auth->realm->is_known[i] && bytes_equal(&digest, &auth->realm->known[i], sizeof digest);
		if (is_known)
			fill_user(row, user);
	}
	pthread_mutex_unlock(&auth->lock);
	return is_known;
}

AuthResult
auth_check(Auth *auth, Str authorization, const char *certificate, const char *address, AuthUser *user)
{
	Credentials c;
	AuthResult	result = AUTH_VERIFY;

	if (authorization.data == NULL)
		return certificate != NULL ? check_certificate(auth, certificate, user) : AUTH_MISSING;
	if (!credentials_parse(authorization, &c)) {
		count_failure(auth, address);
		result = AUTH_REFUSED;
	} else if (check_remembered(auth, &c, user)) {
		auth->n_remembered++;
		result = AUTH_OK;
	} else if (is_limited(auth, address)) {
		auth->n_limited++;
		result = AUTH_LIMITED;
	}
	credentials_free(&c);
	return result;
}

static bool
password_matches(Auth *auth, const char *password, const char *hash)
{
	struct crypt_data *data = xcalloc(1, sizeof *data);
	const char		  *computed;
	size_t			   n = strlen(hash);
	bool			   is_equal;

	pthread_mutex_lock(&auth->lock_kdf);
	while (auth->n_kdf >= KDF_AT_A_TIME)
		pthread_cond_wait(&auth->kdf_free, &auth->lock_kdf);
	auth->n_kdf++;
	pthread_mutex_unlock(&auth->lock_kdf);
	computed = auth->crypt.crypt_rn(password, hash, data, sizeof *data);
	is_equal = computed != NULL && computed[0] != '*' && strlen(computed) == n && bytes_equal(computed, hash, n);
	pthread_mutex_lock(&auth->lock_kdf);
	auth->n_kdf--;
	pthread_cond_signal(&auth->kdf_free);
	pthread_mutex_unlock(&auth->lock_kdf);
	explicit_bzero(data, sizeof *data);
	free(data);
	return is_equal;
}

/* Into the realm that it was verified against, which may be an old one by now. */
static void
remember(Auth *auth, Realm *realm, const User *row, const Credentials *c)
{
	int	   i = (int)(row - realm->users->rows);
	Digest digest = digest_of(auth, c);

	pthread_mutex_lock(&auth->lock);
	realm->known[i] = digest;
	realm->is_known[i] = true;
	pthread_mutex_unlock(&auth->lock);
}

AuthResult
auth_verify(Auth *auth, Str authorization, const char *address, AuthUser *user)
{
	Credentials c;
	AuthResult	result = AUTH_REFUSED;
	Realm	   *realm;

	if (is_limited(auth, address)) {
		auth->n_limited++;
		return AUTH_LIMITED;
	}
	realm = realm_share(auth);
	if (credentials_parse(authorization, &c)) {
		const User *row = users_find(realm->users, c.name);
		bool		has_password = row != NULL && row->hash != NULL;
		bool		matches = password_matches(auth, c.password, has_password ? row->hash : auth->decoy);

		if (has_password && matches && row->may_enter) {
			fill_user(row, user);
			remember(auth, realm, row, &c);
			auth->n_accepted++;
			result = AUTH_OK;
		}
	}
	if (result != AUTH_OK)
		count_failure(auth, address);
	credentials_free(&c);
	realm_release(realm);
	return result;
}

/* ---- the rest ---- */

bool
auth_is_open(const Auth *auth, Str path)
{
	const char *list = auth->skip_paths;
	char		text[1024];

	if (path.length >= sizeof text || list[0] == '\0')
		return false;
	memcpy(text, path.data, path.length);
	text[path.length] = '\0';
	while (*list != '\0') {
		size_t n = strcspn(list, ",");
		Str	   item = str_trim(str_make(list, n));
		char   pattern[1024];

		if (item.length > 0 && item.length < sizeof pattern) {
			memcpy(pattern, item.data, item.length);
			pattern[item.length] = '\0';
			if (fnmatch(pattern, text, FNM_NOESCAPE) == 0)
				return true;
		}
		list += n + (list[n] == ',');
	}
	return false;
}

const char *
auth_challenge(const Auth *auth)
{
	return auth->challenge;
}

int
auth_n_users(Auth *auth)
{
	Realm *realm = realm_share(auth);
	int	   n = realm->users->n;

	realm_release(realm);
	return n;
}

AuthCounts
auth_counts(const Auth *auth)
{
	return (AuthCounts){.n_accepted = auth->n_accepted, .n_remembered = auth->n_remembered, .n_refused = auth->n_refused,
						.n_limited = auth->n_limited};
}
