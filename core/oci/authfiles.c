/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/authfiles.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* The value of a variable that is set and not empty, or NULL. */
static const char *value_of(const char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (; *environment; environment++)
		if (!strncmp(*environment, name, len) && (*environment)[len] == '=')
			return (*environment)[len + 1] ? *environment + len + 1 : NULL;
	return NULL;
}

static const char *either_of(const char *const *environment, const char *upper, const char *lower)
{
	const char *value = value_of(environment, upper);

	return value ? value : value_of(environment, lower);
}

static size_t add(struct authfiles *files, size_t count, const char *folder, const char *rest)
{
	if (!folder)
		return count;
	files->owned[count] = xasprintf("%s%s", folder, rest);
	files->paths[count] = files->owned[count];
	return count + 1;
}

void authfiles_find(const char *const *environment, struct authfiles *out)
{
	const char *home = value_of(environment, "HOME");
	const char *config = value_of(environment, "XDG_CONFIG_HOME");
	const char *docker = value_of(environment, "DOCKER_CONFIG");
	size_t count;

	*out = (struct authfiles){ .proxy = either_of(environment, "HTTPS_PROXY", "https_proxy"),
		.no_proxy = either_of(environment, "NO_PROXY", "no_proxy") };
	if (add(out, 0, value_of(environment, "REGISTRY_AUTH_FILE"), ""))
		return;
	count = add(out, 0, value_of(environment, "XDG_RUNTIME_DIR"), "/containers/auth.json");
	count = config ? add(out, count, config, "/containers/auth.json")
		       : add(out, count, home, "/.config/containers/auth.json");
	if (docker)
		add(out, count, docker, "/config.json");
	else
		add(out, count, home, "/.docker/config.json");
}

void authfiles_clear(struct authfiles *files)
{
	for (size_t i = 0; i < AUTHFILES_MAX; i++)
		free(files->owned[i]);
	*files = (struct authfiles){ .paths = { NULL } };
}
