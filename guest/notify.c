/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/notify.h"

#include "base/err.h"
#include "base/own.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int notify(const char *path, const char *state, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;

	if (!len)
		return 0;
	if ((*path != '/' && *path != '@') || len >= sizeof(address.sun_path))
		return err_set(err, ERR_USAGE, "NOTIFY_SOCKET: '%s' is neither a path nor '@NAME'", path);
	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = '\0';
	auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
		return err_errno(err, ERR_IO, "NOTIFY_SOCKET '%s'", path);
	return 0;
}
