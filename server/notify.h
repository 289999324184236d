#ifndef SLUICE_SERVER_NOTIFY_H
#define SLUICE_SERVER_NOTIFY_H

/*
 * Tells systemd how the service does (sd_notify(3)): "READY=1", "RELOADING=1", "STOPPING=1", "STATUS=text".  Where nobody listens
 * (NOTIFY_SOCKET is not set) nothing happens, and a message that cannot be sent is lost: the service doesn't depend on it.
 */
void service_notify(const char *state);

/* As "RELOADING=1" with the clock that systemd wants beside it. */
void service_notify_reloading(void);

#endif
