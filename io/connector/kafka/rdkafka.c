#include "io/connector/kafka/rdkafka.h"

#include <dlfcn.h>
#include <string.h>

Status
rdkafka_load(RdKafka *out, Error *err)
{
	/* It stays loaded: its threads may run a little longer than its last handle. */
	out->handle = dlopen("librdkafka.so.1", RTLD_NOW | RTLD_LOCAL);
	if (out->handle == NULL) {
		error_user(err, "Kafka cannot be used: librdkafka is not installed (%s)", dlerror());
		return error_hint(err, "On Debian: apt-get install librdkafka1");
	}
#define RDKAFKA_LOAD(name)                                                                                       \
	{                                                                                                            \
		void *symbol = dlsym(out->handle, "rd_kafka_" #name);                                                    \
		if (symbol == NULL)                                                                                      \
			return error_user(err, "The installed librdkafka has no rd_kafka_" #name ": version 2.0 or newer is needed"); \
		memcpy(&out->name, &symbol, sizeof symbol);                                                              \
	}
	RDKAFKA_SYMBOLS(RDKAFKA_LOAD)
#undef RDKAFKA_LOAD
	return OK;
}
