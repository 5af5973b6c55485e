/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a person's credentials of registries lie (containers-auth.json(5), then docker's), by an environment that the
 * program passes: rooms do not read it themselves.
 *
 *     $REGISTRY_AUTH_FILE                              alone, when it is set; else, in this order
 *     $XDG_RUNTIME_DIR/containers/auth.json
 *     $XDG_CONFIG_HOME/containers/auth.json            or ~/.config/containers/auth.json
 *     $DOCKER_CONFIG/config.json                       or ~/.docker/config.json
 *
 * And how registries are reached from there: HTTPS_PROXY and NO_PROXY, or the same in lower case, as curl and Go take them.
 *
 * Ownership: the struct owns its paths, which need not exist; proxies are borrowed from the environment.
 */
#ifndef COCOON_OCI_AUTHFILES_H
#define COCOON_OCI_AUTHFILES_H

#define AUTHFILES_MAX 3

struct authfiles {
	const char *paths[AUTHFILES_MAX + 1]; /* NULL-terminated: oci_access.auth_files */
	char *owned[AUTHFILES_MAX];
	const char *proxy, *no_proxy; /* NULL: none */
};

/* "NAME=value" texts, NULL-terminated. */
void authfiles_find(const char *const *environment, struct authfiles *out) __attribute__((nonnull));
void authfiles_clear(struct authfiles *files) __attribute__((nonnull));
#define auto_authfiles __attribute__((cleanup(authfiles_clear)))

#endif
