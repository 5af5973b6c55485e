/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/simple.h"

#include "base/err.h"
#include "policy/image.h"
#include "policy/simple_own.h"

#include <stdio.h>
#include <string.h>

void simple_signer_clear(struct simple_signer *signer)
{
	buf_clear(&signer->payload);
}

/* ---- librnp's verdict ---- */

struct verdict {
	rnp_input_t input;
	rnp_output_t output;
	rnp_op_verify_t op;
	rnp_op_verify_signature_t signature; /* the op's */
	rnp_signature_handle_t handle;
};

static void verdict_clear(struct verdict *verdict)
{
	if (verdict->handle)
		rnp_signature_handle_destroy(verdict->handle);
	if (verdict->op)
		rnp_op_verify_destroy(verdict->op);
	if (verdict->output)
		rnp_output_destroy(verdict->output);
	if (verdict->input)
		rnp_input_destroy(verdict->input);
}
#define auto_verdict __attribute__((cleanup(verdict_clear)))

/* Runs it, whatever comes out; there must be one signature. */
static int ask(rnp_ffi_t ffi, struct span packets, struct verdict *out, struct err *err)
{
	rnp_signature_handle_t handle = NULL;
	size_t count = 0;
	rnp_result_t result =
			rnp_input_from_memory(&out->input, (const uint8_t *)packets.ptr, packets.len, false);

	if (!result)
		result = rnp_output_to_memory(&out->output, IMAGE_PAYLOAD_MAX);
	if (!result)
		result = rnp_op_verify_create(&out->op, ffi, out->input, out->output);
	if (result)
		return err_set(err, ERR_BUG, "starting librnp: %s", rnp_result_to_string(result));
	result = rnp_op_verify_execute(out->op);
	if (rnp_op_verify_get_signature_count(out->op, &count) || count != 1 ||
			rnp_op_verify_get_signature_at(out->op, 0, &out->signature) ||
			rnp_op_verify_signature_get_handle(out->signature, &handle))
		return err_set(err, ERR_FORMAT, "the message is damaged: %s", rnp_result_to_string(result));
	/* only now: where it fails, it leaves a handle that it has freed */
	out->handle = handle;
	return 0;
}

/*
 * The key that librnp has asked for the numbers: by the fingerprint in the signed part, else by the key id, which may
 * stand outside of it. Its own function for this takes the key id alone, which anybody may have changed.
 */
static const struct simple_key *find_key(const struct simple_ring *ring, rnp_signature_handle_t signature)
{
	auto_rnp_text char *fingerprint = NULL;
	auto_rnp_text char *keyid = NULL;
	auto_rnp_text char *found = NULL;
	auto_rnp_key rnp_key_handle_t handle = NULL;

	if (rnp_signature_get_key_fprint(signature, &fingerprint))
		return NULL;
	if (fingerprint)
		return simple_ring_find(ring, fingerprint);
	if (rnp_signature_get_keyid(signature, &keyid) || !keyid ||
			rnp_locate_key(ring->ffi, "keyid", keyid, &handle) || !handle ||
			rnp_key_get_fprint(handle, &found))
		return NULL;
	return simple_ring_find(ring, found);
}

/* ---- ours ---- */

static int invalid(const struct simple_key *key, const struct verdict *verdict, struct err *err)
{
	auto_rnp_text char *hash = NULL;
	uint32_t made = 0;

	if (rnp_op_verify_signature_get_hash(verdict->signature, &hash) == RNP_SUCCESS &&
			(strcmp(hash, RNP_ALGNAME_SHA1) == 0 || strcmp(hash, RNP_ALGNAME_MD5) == 0 ||
					strcmp(hash, RNP_ALGNAME_RIPEMD160) == 0))
		return err_set(err, ERR_AUTH, "the signature of the key %s is by %s, which is too weak",
				key->fingerprint, hash);
	if (rnp_op_verify_signature_get_times(verdict->signature, &made, NULL) == RNP_SUCCESS &&
			made > key->expires)
		return err_set(err, ERR_AUTH,
				"the signature of the key %s was made after the key had expired",
				key->fingerprint);
	return err_set(err, ERR_AUTH, "the key %s does not verify the signature", key->fingerprint);
}

static int judge(const struct simple_ring *ring, const struct verdict *verdict, const char *keyid,
		int64_t now, struct simple_signer *out, struct err *err)
{
	rnp_result_t status = rnp_op_verify_signature_get_status(verdict->signature);
	const struct simple_key *key = find_key(ring, verdict->handle);

	if (status == RNP_ERROR_KEY_NOT_FOUND || !key)
		return err_set(err, ERR_AUTH,
				"signed by the key id %s, which none of the ring's %zu keys has", keyid,
				ring->primaries);
	if (status != RNP_SUCCESS && status != RNP_ERROR_SIGNATURE_EXPIRED)
		return invalid(key, verdict, err);
	if (!key->may_sign)
		return err_set(err, ERR_AUTH, "the key %s may not sign, or is too small to",
				key->fingerprint);
	memcpy(out->fingerprint, key->primary, sizeof(out->fingerprint));
	out->subkey = key->subkey;
	out->revoked = key->revoked;
	out->expired = status == RNP_ERROR_SIGNATURE_EXPIRED || (uint64_t)now > key->expires;
	return 0;
}

static int take_payload(const struct verdict *verdict, struct buf *out, struct err *err)
{
	uint8_t *bytes = NULL;
	size_t len = 0;
	rnp_result_t result = rnp_output_memory_get_buf(verdict->output, &bytes, &len, false);

	if (result)
		return err_set(err, ERR_BUG, "taking the payload: %s", rnp_result_to_string(result));
	buf_init(out, IMAGE_PAYLOAD_MAX);
	if (len)
		buf_add(out, bytes, len);
	return buf_check(out, "the payload", err);
}

static int verify(struct simple_ring *ring, struct span packets, const char *keyid, int64_t now,
		struct simple_signer *out, struct err *err)
{
	auto_verdict struct verdict verdict = { .op = NULL };

	/* 0 would be the system's clock */
	if (now <= 0 || now > UINT32_MAX)
		return err_set(err, ERR_USAGE, "a time that OpenPGP does not know");
	if (rnp_set_timestamp(ring->ffi, (uint64_t)now))
		return err_set(err, ERR_BUG, "setting librnp's clock");
	if (ask(ring->ffi, packets, &verdict, err) < 0 || judge(ring, &verdict, keyid, now, out, err) < 0)
		return -1;
	return take_payload(&verdict, &out->payload, err);
}

int simple_verify(struct simple_ring *ring, struct span message, int64_t now, struct simple_signer *out,
		struct err *err)
{
	auto_buf struct buf plain = BUF_MAX(IMAGE_PAYLOAD_MAX);
	auto_simple_signer struct simple_signer signer = { .fingerprint = "" };
	struct span packets = SPAN_NONE;
	char keyid[SIMPLE_KEYID_MAX] = "";

	memset(out, 0, sizeof(*out));
	if (simple_shape(message, &plain, &packets, keyid, err) < 0)
		return -1;
	pthread_mutex_lock(&ring->lock);
	int status = verify(ring, packets, keyid, now, &signer, err);
	pthread_mutex_unlock(&ring->lock);
	if (status < 0)
		return -1;
	*out = signer;
	memset(&signer, 0, sizeof(signer));
	return 0;
}
