#include "server/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/env.h"

void
service_notify(const char *state)
{
	const char		  *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t			   length = path != NULL ? strlen(path) : 0;
	int				   fd;

	if (length < 2 || length >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';		/* a name in the abstract space */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		fprintf(stderr, "sluice: systemd could not be told: %s\n", state);
	close(fd);
}

void
service_notify_reloading(void)
{
	char text[96];

	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)(nanos_now() / 1000));
	service_notify(text);
}
