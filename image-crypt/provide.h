/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options by which both "keyprovider" commands are set up, and the service (image-crypt/service.h) that they make.
 */
#ifndef COCOON_IMAGE_CRYPT_PROVIDE_H
#define COCOON_IMAGE_CRYPT_PROVIDE_H

#include "base/opt.h"
#include "image-crypt/service.h"
#include "kbs/offline.h"

struct err;
struct kbs_admin;

/* The first fields of the settings of both. */
struct provide_options {
	const char *keys_file;
	const char *kbs;
	const char *auth_key;
	const char *kbs_ca;
	const char *kbs_role;
	const char *kbs_claims;
	bool plain_http;
	bool numbers;
};

#define PROVIDE_OPTIONS(structure)                                                                           \
	OPT_TEXT(structure, provide.keys_file, "keys", 0, "FILE",                                            \
			"a set of keys as keygen --offline-kbc makes it: to unwrap with, and to find keyid " \
			"in"),                                                                               \
			OPT_TEXT(structure, provide.kbs, "kbs", 0, "URL",                                    \
					"the key broker to put keys into; needs --auth-private-key"),        \
			OPT_TEXT(structure, provide.auth_key, "auth-private-key", 'a', "FILE",               \
					"the key of the broker's administrator, PKCS#8 in PEM"),             \
			OPT_TEXT(structure, provide.kbs_ca, "kbs-ca", 0, "FILE",                             \
					"the roots that the broker's certificate is checked against, PEM"),  \
			OPT_TEXT(structure, provide.kbs_role, "kbs-role", 0, "ROLE",                         \
					"the administrator's role; admin without this option"),              \
			OPT_TEXT(structure, provide.kbs_claims, "kbs-claims", 0, "FILE",                     \
					"further claims for the administrator's token, a JSON object"),      \
			OPT_FLAG(structure, provide.plain_http, "plain-http", 0,                             \
					"speak http to the broker; loopback needs no such leave"),           \
			OPT_FLAG(structure, provide.numbers, "number-arrays", 0,                             \
					"answer with arrays of numbers, as callers written in Rust want it")

struct provide {
	struct service service;
	struct offline keys;
	struct kbs_admin *admin;
};

int provide_open(const struct provide_options *options, struct provide *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void provide_clear(struct provide *provide) __attribute__((nonnull));
#define auto_provide __attribute__((cleanup(provide_clear)))

#endif
