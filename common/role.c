#include "common/role.h"

static const char *const names[] = {"none", "read", "write", "admin"};

const char *
role_name(Role role)
{
	return names[role];
}

bool
role_parse(Str text, Role *out)
{
	for (int i = ROLE_READ; i <= ROLE_ADMIN; i++) {
		if (!str_equal_nocase(text, str_of(names[i])))
			continue;
		*out = (Role)i;
		return true;
	}
	return false;
}
