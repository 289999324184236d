#ifndef SLUICE_COMMON_SETTING_H
#define SLUICE_COMMON_SETTING_H

/*
 * Settings: one row each in common/setting.c, and the values that a process, session or query has given them.
 *
 * Names are case-sensitive dotted names; the prefix "ksql.streams." may be left out or added.  A Settings object is a chain:
 * what it does not have itself is looked up in its parent, then in the row's default.  Objects that have a child must not
 * change while it lives, except from the same thread.
 */
#include <stdbool.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/str.h"

typedef enum SettingType { SETTING_BOOL, SETTING_INT, SETTING_BYTES, SETTING_TEXT, SETTING_CHOICE } SettingType;

typedef enum SettingScope {
	SCOPE_QUERY,			/* a session may SET it; queries keep the value they were started with */
	SCOPE_SERVER,			/* command line and config file only */
} SettingScope;

typedef struct Setting {
	const char	*name;
	SettingType	 type;
	const char	*default_value;		/* text; NULL: unset */
	const char	*choices;			/* CHOICE: "a|b" */
	SettingScope scope;
	const char	*description;		/* one sentence with the unit */
} Setting;

/* Both end with name NULL; setting_at goes through both. */
extern const Setting setting_rows[];
extern const Setting setting_server_rows[];

/* The i-th row of all, from 0; NULL behind the last. */
const Setting *setting_at(int i);

/*
 * Is the value of this name (of a setting, of a connector, of WITH (...)) a secret?  By its words: password, secret, token, credentials
 * and the like.  Such values are never shown, logged or told in errors: SETTING_MASK stands in their place.
 */
bool setting_is_secret(const char *name);
#define SETTING_MASK "[hidden]"

typedef struct Settings Settings;

Settings *settings_new(const Settings *parent);
void	  settings_free(Settings *settings);

/* The row of a name, of query settings with or without prefix; NULL if unknown (names of Kafka clients pass: see settings_set). */
const Setting *setting_find(const char *name);

/* Checks name and value.  Unknown names fail with a suggestion. */
Status settings_set(Settings *settings, const char *name, const char *value, Error *err);

/*
 * May a session give the name a value?  Refuses what belongs to the server's start and what the server's settings
 * ksql.properties.overrides.* forbid.
 */
Status settings_check_override(const Settings *server, const char *name, Error *err);

/* Takes the object's own value away; false if it had none. */
bool settings_unset(Settings *settings, const char *name);

/* The value's text in force, or NULL when unset. */
const char *settings_text(const Settings *settings, const char *name);
bool		settings_bool(const Settings *settings, const char *name);
int64_t		settings_int(const Settings *settings, const char *name);		/* INT and BYTES */

/* True when the chain (not the default) gives it a value. */
bool settings_has(const Settings *settings, const char *name);

/* Calls visit for every value that the object itself has, in order of setting. */
void settings_visit(const Settings *settings, void (*visit)(const char *name, const char *value, void *context), void *context);

/* True when sql.dialect is `standard`. */
bool settings_standard(const Settings *settings);

#endif
