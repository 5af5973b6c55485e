/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The description of a key in a PKCS#11 token as ocicrypt has it (image-encryption.md, 3.4): YAML with a URI of
 * RFC 7512, and, for modules that want it, an environment.
 *
 *     pkcs11:
 *       uri: pkcs11:token=images;object=layer-key?module-name=softhsm2&pin-source=/run/pin
 *     module:
 *       env:
 *         SOFTHSM2_CONF: /etc/softhsm2.conf
 *
 * and the policy which modules may be loaded: a YAML file, "internal" for the built-in one, which allows the files that
 * stand directly in the usual folders.
 *
 *     pkcs11:
 *       module-directories: [ /usr/lib/pkcs11/ ]                  where a module-name is looked for
 *       allowed-module-paths: [ /usr/lib/pkcs11/, /opt/hsm.so ]   a folder with its '/', or a file
 *
 * The PIN is the URI's pin-value or the content of its pin-source (a file; one line end at its end is dropped); it
 * stands in no message and in no text of the key.
 *
 * Bounds: P11_TEXT_MAX bytes of YAML, P11_LIST_MAX entries of a list. Ownership: heap objects of the caller.
 * Errors: ERR_FORMAT, ERR_LIMIT, ERR_USAGE (a URI without what is needed), ERR_DENIED (the policy), ERR_NOT_FOUND.
 */
#ifndef COCOON_IMAGE_P11_KEY_H
#define COCOON_IMAGE_P11_KEY_H

#include "base/span.h"
#include "crypto/secret.h"

#include <jansson.h>
#include <stdbool.h>

struct err;
struct p11_kit_uri;

#define P11_TEXT_MAX ((size_t)64 * 1024)
#define P11_LIST_MAX 64

struct p11_key {
	struct p11_kit_uri *uri; /* without its PIN */
	char *text;              /* the same, for messages */
	struct secret pin;       /* empty: none, or in pin_source */
	char *pin_source;        /* a path; NULL: none */
	json_t *env;             /* NULL: none; names and texts */
};

struct p11_policy {
	json_t *directories, *allowed;
};
#define P11_POLICY_NONE                              \
	{                                            \
		.directories = NULL, .allowed = NULL \
	}

/* Is the text such a description, well formed or not? */
bool p11_key_is(struct span text);

int p11_key_parse(struct span text, struct p11_key **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void p11_key_free(struct p11_key *key);
static inline void p11_key_release(struct p11_key **slot)
{
	p11_key_free(*slot);
}
#define auto_p11_key __attribute__((cleanup(p11_key_release)))

/* The PIN, from wherever it stands; empty when there is none. */
int p11_key_pin(const struct p11_key *key, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* config: a path, "internal" or NULL. */
int p11_policy_load(const char *config, struct p11_policy *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void p11_policy_clear(struct p11_policy *policy) __attribute__((nonnull));
#define auto_p11_policy __attribute__((cleanup(p11_policy_clear)))

/* The path of the key's module. */
int p11_module_find(const struct p11_key *key, const struct p11_policy *policy, char **out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

#endif
