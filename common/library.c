#include "common/library.h"

#include <dlfcn.h>
#include <string.h>

Status
library_load(const char *soname, const char *package, const LibrarySymbol *symbols, int n_symbols, void *table, Error *err)
{
	void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (handle == NULL) {
		error_user(err, "The library %s cannot be loaded: %s", soname, dlerror());
		return error_hint(err, "Install the package %s.", package);
	}
	for (int i = 0; i < n_symbols; i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (symbol == NULL) {
			error_user(err, "The library %s has no function %s: it is too old or too new", soname, symbols[i].name);
			dlclose(handle);
			return error_hint(err, "Install the package %s of Debian 12.", package);
		}
		memcpy((char *)table + symbols[i].offset, &symbol, sizeof symbol);
	}
	return OK;
}
