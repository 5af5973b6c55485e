/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key providers: programs and services that wrap and unwrap the private options of layers (image-encryption.md, 3.5).
 * The file that OCICRYPT_KEYPROVIDER_CONFIG names says how each is reached:
 *
 *     {"key-providers":{"attestation-agent":{"grpc":"127.0.0.1:50000"},
 *                       "mine":{"cmd":{"path":"/usr/bin/my-provider","args":["-v"]}},
 *                       "guest":{"ttrpc":"unix:///run/confidential-containers/cdh.sock"},
 *                       "far":{"grpc":"keys.example:443","grpc-tls":{"root-ca-file":"/etc/ca.pem"}}}}
 *
 * Where there are several ways, cmd counts before grpc and grpc before ttrpc. A provider that is a library of Rust alone
 * is known, and an error when it is used.
 *
 * The messages are JSON, over standard input and output of the program or as the one bytes field of
 * keyprovider.KeyProviderService/WrapKey and UnWrapKey:
 *
 *     {"op":"keywrap","keywrapparams":{"ec":{"Parameters":{"mine":["<attributes>"]},"DecryptConfig":{"Parameters":{}}},
 *      "optsdata":"<private options>"},"keyunwrapparams":{"dc":null,"annotation":null}}
 *     {"keywrapresults":{"annotation":"<element>"}}                  all <…> in base64; answers may be arrays of numbers
 *
 * A provider is sent its own attributes alone, never the keys and passwords of others, which Go's library hands out.
 *
 * Units: milliseconds. Bounds: PROVIDER_CONFIG_MAX, PROVIDERS_MAX, PROVIDER_ANSWER_MAX; an element has at most some
 * 32 KiB. A program has none of our descriptors and is killed with its group when the time is over.
 * Ownership: the config is the caller's; a struct provider lives as long as its config. Messages that hold private
 * options are wiped.
 * Errors: ERR_USAGE (config), ERR_NOT_FOUND, ERR_FORMAT (an answer that is none), ERR_AUTH (the provider has no key for
 * the element), those of net/grpc_client.h, net/ttrpc_client.h and base/run.h.
 */
#ifndef COCOON_IMAGE_PROVIDER_H
#define COCOON_IMAGE_PROVIDER_H

#include "base/span.h"
#include "crypto/secret.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct provider;
struct provider_config;

#define PROVIDER_CONFIG_MAX  ((size_t)256 * 1024)
#define PROVIDER_ANSWER_MAX  ((size_t)256 * 1024)
#define PROVIDERS_MAX        64
#define PROVIDER_NAME_MAX    100

#define PROVIDER_SERVICE     "keyprovider.KeyProviderService"
#define PROVIDER_WRAP        "WrapKey"
#define PROVIDER_UNWRAP      "UnWrapKey"
#define PROVIDER_GRPC_WRAP   "/" PROVIDER_SERVICE "/" PROVIDER_WRAP
#define PROVIDER_GRPC_UNWRAP "/" PROVIDER_SERVICE "/" PROVIDER_UNWRAP

/* What a provider is told that nobody gave attributes for. */
#define PROVIDER_ENABLED     "Enabled"

/* ---- config ---- */

int provider_config_parse(struct span text, struct provider_config **out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
int provider_config_load(const char *path, struct provider_config **out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
void provider_config_free(struct provider_config *config);
static inline void provider_config_release(struct provider_config **slot)
{
	provider_config_free(*slot);
}
#define auto_provider_config __attribute__((cleanup(provider_config_release)))

size_t provider_count(const struct provider_config *config) __attribute__((nonnull));
const struct provider *provider_at(const struct provider_config *config, size_t index)
		__attribute__((nonnull));
/* NULL with ERR_USAGE, which names those that are configured. */
const struct provider *provider_find(const struct provider_config *config, const char *name, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));
const char *provider_name(const struct provider *provider) __attribute__((nonnull, returns_nonnull));

/* ERR_USAGE when it can only be reached in ways that are not ours. */
int provider_check(const struct provider *provider, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* Whether a provider may have such a name: it shares a table with the words for keys (privkeys, x509s, …). ERR_USAGE. */
int provider_name_check(const char *name, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* ---- calls ---- */

/* Appends the element. attributes NULL: none are sent. */
int provider_wrap(const struct provider *provider, int timeout, const char *attributes,
		const struct secret *options, struct buf *element, struct err *err)
		__attribute__((nonnull(1, 4, 5), warn_unused_result));
int provider_unwrap(const struct provider *provider, int timeout, const char *attributes, struct span element,
		struct secret *options, struct err *err) __attribute__((nonnull(1, 5), warn_unused_result));

/* ---- messages, for the provider's own side ---- */

/*
 * A request as Go's and Rust's libraries send it: null for what is absent, unknown members, and private options as their
 * own text where base64 should stand, which is what Rust does.
 */
struct provider_request {
	bool is_wrap;             /* op is "keywrap"; other words are not looked at */
	bool has_ec;              /* keywrapparams.ec is there */
	bool has_attributes;      /* a list under the provider's name is there */
	struct secret attributes; /* its first element that is base64 of UTF-8 */
	bool has_options;
	struct secret options; /* keywrapparams.optsdata */
	bool has_element;
	struct secret element; /* keyunwrapparams.annotation */
};
#define PROVIDER_REQUEST_NONE                                                             \
	{                                                                                 \
		.attributes = SECRET_NONE, .options = SECRET_NONE, .element = SECRET_NONE \
	}
/* ERR_FORMAT; ERR_CONFLICT for bytes that are no base64, so that a server can tell them apart as others do. */
int provider_request_parse(struct span text, const char *name, struct provider_request *out, struct err *err)
		__attribute__((nonnull(2, 3), warn_unused_result));
void provider_request_clear(struct provider_request *request) __attribute__((nonnull));
#define auto_provider_request __attribute__((cleanup(provider_request_clear)))

/* Appends the answer: base64, or an array of numbers, which is what Rust's library reads. */
void provider_answer_format(struct span bytes, bool unwrap, bool numbers, struct buf *out)
		__attribute__((nonnull(4)));

/* The results of an answer: ERR_AUTH when they are null or empty, ERR_FORMAT when they are none. */
int provider_answer_parse(struct span text, bool unwrap, struct secret *out, struct err *err)
		__attribute__((nonnull(3), warn_unused_result));

#endif
