/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options by which image-crypt reaches registries, shared by its commands, and what the environment adds: the one
 * place where the program reads its environment.
 *
 *     REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME, HOME     where credentials are looked for
 *     HTTPS_PROXY, NO_PROXY (and in lower case)
 *     OCICRYPT_KEYPROVIDER_CONFIG, OCICRYPT_CONFIG, OCICRYPT_OAEP_HASHALG, GNUPGHOME   as ocicrypt reads them
 */
#ifndef COCOON_IMAGE_CRYPT_SETTINGS_H
#define COCOON_IMAGE_CRYPT_SETTINGS_H

#include "base/buf.h"
#include "base/opt.h"
#include "crypto/secret.h"
#include "image/wrap.h"
#include "oci/authfiles.h"
#include "oci/store.h"

struct err;

/* The first fields of every settings struct of a command that reaches an image. */
struct access_options {
	const char *auth_file;
	const char *creds_file;
	const char *ca_file;
	bool plain_http;
	bool insecure;
};

#define ACCESS_OPTIONS(structure)                                                                        \
	OPT_TEXT(structure, access.auth_file, "auth-file", 0, "FILE",                                    \
			"credentials of registries, as docker and podman keep them"),                    \
			OPT_TEXT(structure, access.creds_file, "creds-file", 0, "FILE",                  \
					"one line USER:PASSWORD for the registry"),                      \
			OPT_TEXT(structure, access.ca_file, "ca", 0, "FILE",                             \
					"further trusted root certificates, PEM"),                       \
			OPT_FLAG(structure, access.plain_http, "plain-http", 0,                          \
					"speak http to registries, of source and destination; loopback " \
					"needs no such leave"),                                          \
			OPT_FLAG(structure, access.insecure, "insecure-skip-tls-verify", 0,              \
					"do not check certificates, of source and destination")

struct access {
	struct oci_access oci;
	struct buf ca;
	struct secret credentials;
	struct authfiles files;
	char *ocicrypt_config;
};

/* Sets up the libraries, once in a process and before any thread, and reads the files that the options name. */
int access_init(const struct access_options *options, struct access *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void access_clear(struct access *access) __attribute__((nonnull));
#define auto_access __attribute__((cleanup(access_clear)))

/* What the environment says about wrapping keys, borrowed from access; the rest is the command's. ERR_USAGE for a wrong
 * OAEP hash. */
int access_wrap_settings(struct access *access, struct wrap_settings *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
