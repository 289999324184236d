#ifndef SLUICE_SERVER_CONFIG_H
#define SLUICE_SERVER_CONFIG_H

/*
 * The server's settings, from where they come: flag > environment > properties file > default.
 *
 * The environment is read as the container images of ksqlDB do: KSQL_KSQL_SERVICE_ID is ksql.service.id, KSQL_LISTENERS is listeners;
 * SLUICE_ does the same.  `_` stands for a dot, `__` for `_`, `___` for `-`; `ksql.` may be left out.
 *
 * A name in the file that is nobody's is refused, with the name that was meant.  ksqlDB's settings that sluice does not have,
 * and variables of the environment that name no setting, have no effect and are told to `warn`: files of ksqlDB servers can be used as they
 * are, and an environment has much in it that was not written for us.
 */
#include "common/setting.h"

typedef struct ConfigSources {
	const char		  *path;			/* properties file; NULL: none */
	char *const		  *environment;		/* NAME=value ..., NULL at the end; NULL: not read */
	int				   n_flags;
	const char *const *flags;			/* name, value, ... */
	void (*warn)(void *context, const char *message);	/* NULL: not wanted */
	void			  *context;
} ConfigSources;

/* Settings without a parent; the caller frees them.  ERROR_USER with the file and line, the variable or the flag. */
Status config_load(const ConfigSources *sources, Settings **out, Error *err);

/* The setting that a variable KSQL_... or SLUICE_... names, into `name`; false if it is not one of these. */
bool config_variable_name(const char *variable, StrBuf *name);

#endif
