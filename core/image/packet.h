/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key packets of Confidential Containers: a layer's private options under a key-encryption key (KEK) that a key broker
 * gives to attested guests (image-encryption.md, 4.7). They are the elements of the annotation
 * org.opencontainers.image.enc.keys.provider.attestation-agent.
 *
 *     {"kid":"kbs:///default/key/1","wrapped_data":"…","iv":"…","wrap_type":"A256GCM"}
 *
 * wrapped_data is ciphertext‖tag of AES-256-GCM without additional data, or the ciphertext of AES-256-CTR. The newer
 * form has version "0.1.0" and provider "kbs" in front, and provider_settings and annotations behind; without them a
 * guest assumes just that. Packets of another provider belong to a key management service and are not opened here.
 *
 * Read as the guests read it: any order, unknown members, base64 without any leniency, no null for version, provider,
 * provider_settings and annotations. Written without escapes.
 *
 * Bounds: WRAP_ELEMENT_MAX of text; KBS_URI_MAX of kid; PACKET_IV_MAX.
 * Ownership: the caller's struct, started as PACKET_NONE; wrapped data are its own.
 * Errors: ERR_FORMAT, ERR_LIMIT, ERR_USAGE (a KEK that is not 32 bytes), ERR_AUTH (uniform: the key does not open it).
 */
#ifndef COCOON_IMAGE_PACKET_H
#define COCOON_IMAGE_PACKET_H

#include "base/buf.h"
#include "base/span.h"
#include "crypto/secret.h"
#include "image/wrap.h"
#include "kbs/uri.h"

#include <stdbool.h>

struct err;

/* what the ecosystem calls the provider, and hence the annotation */
#define PACKET_PROVIDER "attestation-agent"
#define PACKET_SCHEME   "provider." PACKET_PROVIDER
#define PACKET_KEK      32
#define PACKET_IV_MAX   64

enum packet_cipher { PACKET_A256GCM, PACKET_A256CTR };

/* The form that is written: the one of coco_keyprovider, or the one with version and provider. */
enum packet_form { PACKET_SHORT, PACKET_LONG };

struct packet {
	char kid[KBS_URI_MAX];
	bool kid_escaped;  /* was written with escape sequences */
	char version[32];  /* the one there is when absent */
	char provider[64]; /* "kbs" when absent */
	char cipher[32];   /* wrap_type as written; "" when absent */
	unsigned char iv[PACKET_IV_MAX];
	size_t iv_len;
	bool has_iv;
	struct buf wrapped;
};
#define PACKET_NONE                                             \
	{                                                       \
		.kid = "", .wrapped = BUF_MAX(WRAP_ELEMENT_MAX) \
	}

int packet_parse(struct span text, struct packet *out, struct err *err)
		__attribute__((nonnull(2), warn_unused_result));
void packet_clear(struct packet *packet) __attribute__((nonnull));
#define auto_packet __attribute__((cleanup(packet_clear)))

void packet_format(const struct packet *packet, enum packet_form form, struct buf *out)
		__attribute__((nonnull));

/*
 * Wraps plain for the resource that uri names. A256GCM takes 12 bytes of iv, A256CTR 16; a fresh one is drawn where iv
 * is empty. GCM breaks down when a KEK sees an iv twice.
 */
int packet_seal(const struct kbs_uri *uri, enum packet_cipher cipher, const struct secret *kek,
		struct span iv, const struct secret *plain, struct packet *out, struct err *err)
		__attribute__((nonnull(1, 3, 5, 6), warn_unused_result));

int packet_open(const struct packet *packet, const struct secret *kek, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2, 3), warn_unused_result));

/* The resource that kid names, in any form that a provider may have written; ERR_FORMAT. */
int packet_key_uri(const struct packet *packet, struct kbs_uri *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

/* Who opens packets inside a guest: the attestation agent with its native key wrap, of before the hub, and the
 * Confidential Data Hub. */
enum packet_guest { PACKET_GUEST_NATIVE, PACKET_GUEST_HUB, PACKET_GUESTS };

/* "attestation-agent", "confidential-data-hub"; static. */
const char *packet_guest_name(enum packet_guest guest) __attribute__((returns_nonnull));

/* Whether that guest can read the packet, given the KEK. ERR_FORMAT with the reason. */
int packet_guest_reads(const struct packet *packet, enum packet_guest guest, struct err *err)
		__attribute__((nonnull(1), warn_unused_result));

/* Of coco_keyprovider's parameter sample=true: the KEK that everybody knows, and what it stands under. */
#define PACKET_SAMPLE_URI "kbs:///default/test-key/1"
int packet_sample_kek(struct secret *out, struct err *err) __attribute__((nonnull(1), warn_unused_result));

/* Reads a file that must hold a KEK: 32 bytes as they are. */
int packet_read_kek(const char *path, struct secret *out, struct err *err)
		__attribute__((nonnull(1, 2), warn_unused_result));

#endif
