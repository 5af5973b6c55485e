/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/err.h"
#include "base/own.h"
#include "image/pgp_packets.h"
#include "policy/simple_own.h"

#include <stdio.h>
#include <string.h>

#define WITH_SUBKEYS_MAX (4 * SIMPLE_KEYS_MAX)
#define BITS_MIN         2048 /* of RSA and DSA, as crypto/pkey.h has it */

void simple_silence(void)
{
	FILE *nowhere = fopen("/dev/null", "we");

	if (nowhere)
		stderr = nowhere;
}

void simple_ring_free(struct simple_ring *ring)
{
	if (!ring)
		return;
	if (ring->ffi)
		rnp_ffi_destroy(ring->ffi);
	pthread_mutex_destroy(&ring->lock);
	free(ring->keys);
	free(ring);
}

size_t simple_ring_count(const struct simple_ring *ring)
{
	return ring->primaries;
}

const struct simple_key *simple_ring_find(const struct simple_ring *ring, const char *fingerprint)
{
	for (size_t i = 0; i < ring->key_count; i++)
		if (strcmp(ring->keys[i].fingerprint, fingerprint) == 0)
			return &ring->keys[i];
	return NULL;
}

/* ---- what librnp says of a key ---- */

/* RSA and DSA keys that are too small could be taken for themselves by others. */
static bool is_large(rnp_key_handle_t handle)
{
	auto_rnp_text char *algorithm = NULL;
	uint32_t bits = 0;

	if (rnp_key_get_alg(handle, &algorithm) || rnp_key_get_bits(handle, &bits))
		return false;
	if (strcmp(algorithm, RNP_ALGNAME_RSA) != 0 && strcmp(algorithm, RNP_ALGNAME_DSA) != 0)
		return true;
	return bits >= BITS_MIN;
}

static rnp_result_t look(rnp_key_handle_t handle, struct simple_key *out)
{
	auto_rnp_text char *fingerprint = NULL;
	auto_rnp_text char *primary = NULL;
	uint32_t created = 0, lives = 0;
	rnp_result_t result = rnp_key_is_sub(handle, &out->subkey);

	if (!result)
		result = rnp_key_get_fprint(handle, &fingerprint);
	if (!result && out->subkey)
		result = rnp_key_get_primary_fprint(handle, &primary);
	if (!result)
		result = rnp_key_is_revoked(handle, &out->revoked);
	if (!result)
		result = rnp_key_allows_usage(handle, "sign", &out->may_sign);
	if (!result)
		result = rnp_key_get_creation(handle, &created);
	if (!result)
		result = rnp_key_get_expiration(handle, &lives);
	if (result)
		return result;
	snprintf(out->fingerprint, sizeof(out->fingerprint), "%s", fingerprint);
	snprintf(out->primary, sizeof(out->primary), "%s",
			primary                       ? primary
					: out->subkey ? ""
						      : fingerprint);
	out->expires = lives ? (uint64_t)created + lives : UINT64_MAX;
	out->may_sign = out->may_sign && is_large(handle);
	return RNP_SUCCESS;
}

static int take_key(struct simple_ring *ring, const char *fingerprint, struct err *err)
{
	auto_rnp_key rnp_key_handle_t handle = NULL;
	struct simple_key key = { .fingerprint = "" };
	rnp_result_t result = rnp_locate_key(ring->ffi, "fingerprint", fingerprint, &handle);

	if (!result)
		result = handle ? look(handle, &key) : RNP_ERROR_KEY_NOT_FOUND;
	if (result)
		return err_set(err, ERR_FORMAT, "the key %.64s: %s", fingerprint,
				rnp_result_to_string(result));
	ring->primaries += !key.subkey;
	if (ring->primaries > SIMPLE_KEYS_MAX || ring->key_count == WITH_SUBKEYS_MAX)
		return err_set(err, ERR_LIMIT, "the ring has more than %d keys, or %d with their subkeys",
				SIMPLE_KEYS_MAX, WITH_SUBKEYS_MAX);
	ring->keys = xreallocarray(ring->keys, ring->key_count + 1, sizeof(key));
	ring->keys[ring->key_count++] = key;
	return 0;
}

static int take_keys(struct simple_ring *ring, struct err *err)
{
	rnp_identifier_iterator_t at = NULL;
	const char *fingerprint = NULL;
	int status = 0;

	if (rnp_identifier_iterator_create(ring->ffi, &at, "fingerprint"))
		return err_set(err, ERR_BUG, "listing the keys of a ring");
	while (!status && rnp_identifier_iterator_next(at, &fingerprint) == RNP_SUCCESS && fingerprint)
		status = take_key(ring, fingerprint, err);
	rnp_identifier_iterator_destroy(at);
	if (!status && !ring->primaries)
		return err_set(err, ERR_FORMAT, "there is no public key in it");
	return status;
}

/* A subkey is no longer good than its primary key. */
static void inherit(struct simple_ring *ring)
{
	for (size_t i = 0; i < ring->key_count; i++) {
		struct simple_key *key = &ring->keys[i];
		const struct simple_key *primary = simple_ring_find(ring, key->primary);
		if (!primary) {
			key->may_sign = false;
			continue;
		}
		key->revoked = key->revoked || primary->revoked;
		if (primary->expires < key->expires)
			key->expires = primary->expires;
	}
}

/* ---- revocations ---- */

static void drop(rnp_ffi_t ffi, void *context, rnp_signature_handle_t signature, uint32_t *action)
{
	auto_rnp_text char *type = NULL;

	(void)ffi;
	(void)context;
	if (rnp_signature_get_type(signature, &type) == RNP_SUCCESS &&
			(strcmp(type, "key revocation") == 0 || strcmp(type, "subkey revocation") == 0))
		*action = RNP_KEY_SIGNATURE_REMOVE;
}

/*
 * librnp calls every later signature of a revoked key invalid, whatever the numbers say. What is revoked has been
 * written down, and is forgotten there, so that the numbers are looked at. Takes those of subkeys along.
 */
static int drop_revocations(struct simple_ring *ring, struct err *err)
{
	rnp_result_t result = RNP_SUCCESS;

	for (size_t i = 0; i < ring->key_count && !result; i++) {
		auto_rnp_key rnp_key_handle_t handle = NULL;
		if (ring->keys[i].subkey)
			continue;
		result = rnp_locate_key(ring->ffi, "fingerprint", ring->keys[i].fingerprint, &handle);
		if (!result && handle)
			result = rnp_key_remove_signatures(handle, 0, drop, NULL);
	}
	if (!result)
		return 0;
	return err_set(err, ERR_FORMAT, "a revoked key: %s", rnp_result_to_string(result));
}

/* ---- the whole ---- */

/*
 * Signatures of images by SHA-1 and weaker hashes are never good; librnp minds their dates. Those of keys on themselves
 * are part of a ring that somebody has chosen to believe: there SHA-1 counts, lest it hide a revocation.
 */
static bool set_rules(rnp_ffi_t ffi)
{
	static const char *const weak[] = { RNP_ALGNAME_MD5, RNP_ALGNAME_SHA1, RNP_ALGNAME_RIPEMD160 };

	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++)
		if (rnp_add_security_rule(ffi, RNP_FEATURE_HASH_ALG, weak[i],
				    RNP_SECURITY_OVERRIDE | RNP_SECURITY_VERIFY_DATA, 0,
				    RNP_SECURITY_PROHIBITED))
			return false;
	return rnp_add_security_rule(ffi, RNP_FEATURE_HASH_ALG, RNP_ALGNAME_SHA1,
			       RNP_SECURITY_OVERRIDE | RNP_SECURITY_VERIFY_KEY, 0,
			       RNP_SECURITY_DEFAULT) == RNP_SUCCESS;
}

static int load(struct simple_ring *ring, struct span text, struct err *err)
{
	auto_rnp_input rnp_input_t input = NULL;

	if (rnp_ffi_create(&ring->ffi, RNP_KEYSTORE_GPG, RNP_KEYSTORE_GPG) || !set_rules(ring->ffi))
		return err_set(err, ERR_BUG, "librnp does not start");
	rnp_result_t result = rnp_input_from_memory(&input, (const uint8_t *)text.ptr, text.len, false);
	if (!result)
		result = rnp_import_keys(ring->ffi, input, RNP_LOAD_SAVE_PUBLIC_KEYS, NULL);
	if (result)
		return err_set(err, ERR_FORMAT, "these are no OpenPGP public keys: %s",
				rnp_result_to_string(result));
	return 0;
}

static int check_text(struct span text, struct err *err)
{
	if (text.len > SIMPLE_RING_MAX)
		return err_set(err, ERR_LIMIT, "the ring has more than %zu bytes", SIMPLE_RING_MAX);
	if (!text.len)
		return err_set(err, ERR_FORMAT, "it is empty");
	if (pgp_is_secret_keys(text))
		return err_set(err, ERR_FORMAT, "these are secret keys; gpg --export writes the public ones");
	return 0;
}

int simple_ring_parse(struct span text, struct simple_ring **out, struct err *err)
{
	auto_simple_ring struct simple_ring *ring = xcalloc(1, sizeof(*ring));

	pthread_mutex_init(&ring->lock, NULL);
	if (check_text(text, err) < 0 || load(ring, text, err) < 0 || take_keys(ring, err) < 0)
		return err_wrap(err, "reading a key ring");
	inherit(ring);
	if (drop_revocations(ring, err) < 0)
		return err_wrap(err, "reading a key ring");
	*out = take(&ring);
	return 0;
}
