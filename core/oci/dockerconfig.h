/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials of registries as docker and podman keep them: docker's config.json (docker CLI reference, "credential
 * stores", "credential helpers") and containers-auth.json(5).
 *
 *     {"auths": {"registry.example:5000/team": {"auth": "<base64 of user:password>"},
 *                "registry.example": {"auth": "…", "identitytoken": "…"},
 *                "https://index.docker.io/v1/": {"auth": "…"}},
 *      "credHelpers": {"gcr.example": "gcloud"},
 *      "credsStore": "secretservice"}
 *
 * For registry.example:5000/team/app these are asked in order: the helper of credHelpers for the host; the one of
 * credsStore, for any host; auths, where the longest of registry.example:5000/team/app, …/team and the host counts, then
 * an entry for the host in docker's old form (with a scheme or a path). Who has nothing passes to the next. Docker Hub is
 * docker.io, index.docker.io or https://index.docker.io/v1/, the last towards helpers.
 *
 * A helper NAME is the program docker-credential-NAME in our PATH, called with "get", the host on its standard input; it
 * prints {"ServerURL":"…","Username":"…","Secret":"…"}; the user name "<token>" says that the secret is an identity
 * token.
 *
 * Bounds: a file of DOCKERCONFIG_MAX bytes, an answer of 64 KiB within 60 s.
 * Ownership: *out is cleared by the caller. Errors: ERR_FORMAT, ERR_LIMIT, ERR_NOT_FOUND (the file that was named, the
 * helper), ERR_AUTH (the helper failed). None repeats a credential.
 */
#ifndef COCOON_OCI_DOCKERCONFIG_H
#define COCOON_OCI_DOCKERCONFIG_H

#include "crypto/secret.h"

#include <stdbool.h>

struct err;
struct oci_access;
struct oci_place;

#define DOCKERCONFIG_MAX ((size_t)1024 * 1024)

/* Nothing: user is NULL and identity is empty. */
struct oci_login {
	char *user;
	struct secret password;
	struct secret identity; /* an OAuth2 refresh token; empty: user and password count */
};

#define OCI_LOGIN_NONE                                                         \
	{                                                                      \
		.user = NULL, .password = SECRET_NONE, .identity = SECRET_NONE \
	}
void oci_login_clear(struct oci_login *login) __attribute__((nonnull));
#define auto_oci_login __attribute__((cleanup(oci_login_clear)))

/* "user:password". */
int oci_login_parse(struct span text, struct oci_login *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));

/* What a file's text has for a repository at a host; *out stays as it is when there is nothing. */
int dockerconfig_find(struct span text, const char *host, const char *repository, struct oci_login *out,
		struct err *err) __attribute__((nonnull(2, 3, 4), warn_unused_result));

/* The login for a place: access->credentials, the first of access->auth_texts that has one (whose helpers are not asked,
 * as they are other people's words), access->auth_file, or the first of access->auth_files that has one; of
 * those, files that are not there are passed over. */
int oci_login_find(const struct oci_access *access, const struct oci_place *place, struct oci_login *out,
		struct err *err) __attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
