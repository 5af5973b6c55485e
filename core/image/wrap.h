/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key wrapping: what stands between the private options of a layer (image/options.h, a secret of some 200 bytes) and
 * an element of its annotation org.opencontainers.image.enc.keys.<scheme>. One kind of wrapping is one file
 * (wrap_jwe.c, wrap_pkcs7.c, wrap_pgp.c, wrap_pkcs11.c, wrap_provider.c, wrap_kbs.c) that defines one struct wrap_kind;
 * a program lists the kinds it links.
 *
 *     "jwe:pub.pem" ──recipient()──► struct recipient ──wrap(private options)──► element bytes
 *     key files     ──openers()────► struct opener    ──unwrap(element)───────► private options
 *
 * A recipient is opened, and its key checked, before the first byte of a layer is read. One recipient makes one
 * element for each layer; the element is the raw form (JWE text, DER, OpenPGP message, JSON), base64 is the
 * annotation's business (image/annotation.h).
 *
 * Threads: wrap() and unwrap() of one object are called by one thread at a time.
 * Ownership: recipients and openers are heap objects of who asked for them. Openers borrow from the struct keys that
 * they were made of, which outlives them and gets no further keys meanwhile.
 */
#ifndef COCOON_IMAGE_WRAP_H
#define COCOON_IMAGE_WRAP_H

#include "base/span.h"
#include "crypto/secret.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct keys;
struct opener_list;

#define WRAP_SCHEME_MAX  128
#define WRAP_ELEMENT_MAX ((size_t)1024 * 1024)

/* What the kinds need of the program's settings. Borrowed; must outlive recipients and openers. */
struct wrap_settings {
	const char *provider_config; /* path of OCICRYPT_KEYPROVIDER_CONFIG's file; NULL: no providers */
	int provider_timeout;        /* milliseconds for one call */
	const char *gnupg_home;      /* NULL: GnuPG's own */
	const char *ocicrypt_config; /* of PKCS#11: "internal", a path, or NULL for the built-in list */
	bool oaep_sha1;              /* of PKCS#11: OCICRYPT_OAEP_HASHALG=sha1 */
	bool packet_v2;              /* of KBS packets: the newer form with version and provider */
};

struct recipient {
	char scheme[WRAP_SCHEME_MAX]; /* "jwe", "provider.attestation-agent" */
	char name[256];               /* for messages: "jwe:pub.pem" */
	int (*wrap)(struct recipient *self, const struct secret *options, struct buf *element,
			struct err *err);
	void (*free)(struct recipient *self);
};

struct opener {
	char scheme[WRAP_SCHEME_MAX]; /* the scheme whose elements it may open; "provider." opens every provider's */
	char name[256];               /* for messages: "key 'priv.pem'" */
	bool remote;                  /* asks another process: tried after the local ones */
	/* ERR_AUTH: not for this key. Other kinds: why it could not even be tried. */
	int (*unwrap)(struct opener *self, struct span element, struct secret *options, struct err *err);
	void (*free)(struct opener *self);
};

struct wrap_kind {
	const char *protocol; /* "jwe": what stands before the first ':' of a recipient */
	/* value: what stands behind it. NULL out is never left on success. */
	int (*recipient)(const struct wrap_settings *settings, const char *value, struct recipient **out,
			struct err *err);
	/* Makes an opener of every key that is for this kind, marks those as used, and appends to `out`. */
	int (*openers)(const struct wrap_settings *settings, struct keys *keys, struct opener_list *out,
			struct err *err);
};

extern const struct wrap_kind wrap_jwe, wrap_pkcs7, wrap_pgp, wrap_pkcs11, wrap_provider, wrap_kbs;

/* Of "protocol:value" among the NULL-terminated kinds. ERR_USAGE with the list of forms. */
int recipient_open(const struct wrap_kind *const *kinds, const struct wrap_settings *settings,
		const char *text, struct recipient **out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
void recipient_free(struct recipient *recipient);

/* The openers of all kinds, local ones first; they borrow from the keys and the settings, which must outlive them. A key that no kind took is ERR_USAGE naming its file. */
struct opener_list {
	struct opener **items;
	size_t count;
};
#define OPENER_LIST_NONE                  \
	{                                 \
		.items = NULL, .count = 0 \
	}
int openers_open(const struct wrap_kind *const *kinds, const struct wrap_settings *settings,
		struct keys *keys, struct opener_list *out, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
void opener_list_add(struct opener_list *list, struct opener *opener) __attribute__((nonnull));
void opener_list_clear(struct opener_list *list) __attribute__((nonnull));
#define auto_openers __attribute__((cleanup(opener_list_clear)))

#endif
