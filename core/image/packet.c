/* SPDX-License-Identifier: Apache-2.0 */
#include "image/packet.h"

#include "base/b64.h"
#include "base/err.h"
#include "base/own.h"
#include "base/random.h"
#include "codec/json.h"
#include "codec/scan.h"
#include "crypto/aead.h"

#include <stdio.h>
#include <string.h>

#define VERSION      "0.1.0"
#define PROVIDER     "kbs"
#define GCM          "A256GCM"
#define CTR          "A256CTR"
#define CTR_IV_BYTES 16

void packet_clear(struct packet *packet)
{
	buf_clear(&packet->wrapped);
	*packet = (struct packet)PACKET_NONE;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* A text into a field of `room` bytes; `fallback` where it is absent. Guests refuse null here, and so do we. */
static int read_text(const json_t *doc, const char *key, const char *fallback, char *out, size_t room,
		struct err *err)
{
	const char *text = NULL;

	if (json_is_null(json_object_get(doc, key)))
		return err_set(err, ERR_FORMAT, "%s: is null", key);
	if (json_opt_text(doc, "", key, &text, err) < 0)
		return -1;
	if (!text && !fallback)
		return err_set(err, ERR_FORMAT, "%s: is missing", key);
	if (!text)
		text = fallback;
	if (strlen(text) >= room)
		return err_set(err, ERR_LIMIT, "%s: is longer than %zu bytes", key, room - 1);
	snprintf(out, room, "%s", text);
	return 0;
}

static int check_object(const json_t *doc, const char *key, struct err *err)
{
	const json_t *value = json_object_get(doc, key);

	if (value && !json_is_object(value))
		return err_set(err, ERR_FORMAT, "%s: is no object", key);
	return 0;
}

/* iv and wrap_type may be null or absent for providers that need none. */
static int read_cipher(const json_t *doc, struct packet *out, struct err *err)
{
	auto_buf struct buf iv = BUF_MAX(PACKET_IV_MAX);
	const char *text = NULL, *type = "";

	if (json_opt_text(doc, "", "iv", &text, err) < 0 ||
			json_opt_text(doc, "", "wrap_type", &type, err) < 0)
		return -1;
	if (strlen(type) >= sizeof(out->cipher))
		return err_set(err, ERR_LIMIT, "wrap_type: is too long");
	snprintf(out->cipher, sizeof(out->cipher), "%s", type);
	if (!text)
		return 0;
	if (b64_decode(span_of(text), &iv, err) < 0)
		return err_wrap(err, "iv");
	if (iv.len)
		memcpy(out->iv, iv.ptr, iv.len);
	out->iv_len = iv.len;
	out->has_iv = true;
	return 0;
}

static int read_members(const json_t *doc, struct packet *out, struct err *err)
{
	const char *wrapped = NULL;

	if (read_text(doc, "kid", NULL, out->kid, sizeof(out->kid), err) < 0 ||
			read_text(doc, "version", VERSION, out->version, sizeof(out->version), err) < 0 ||
			read_text(doc, "provider", PROVIDER, out->provider, sizeof(out->provider), err) < 0 ||
			check_object(doc, "provider_settings", err) < 0 ||
			check_object(doc, "annotations", err) < 0 || read_cipher(doc, out, err) < 0 ||
			json_get_text(doc, "", "wrapped_data", &wrapped, err) < 0)
		return -1;
	if (b64_decode(span_of(wrapped), &out->wrapped, err) < 0)
		return err_wrap(err, "wrapped_data");
	return 0;
}

/* An old reader borrows the kid from the text, and cannot where it is written with escapes. */
static bool has_escaped_kid(struct span text)
{
	struct scan doc, name, value;

	if (scan_value(text, &doc, NULL) < 0)
		return false;
	while (scan_member(&doc, &name, &value))
		if (scan_is(&name, "kid"))
			return span_find(value.text, '\\') < value.text.len;
	return false;
}

int packet_parse(struct span text, struct packet *out, struct err *err)
{
	auto_packet struct packet packet = PACKET_NONE;
	auto_json json_t *doc = NULL;

	if (json_read(text, WRAP_ELEMENT_MAX, &doc, err) < 0)
		return err_wrap(err, "key packet");
	if (!json_is_object(doc))
		return err_set(err, ERR_FORMAT, "key packet: is no object");
	if (read_members(doc, &packet, err) < 0)
		return err_wrap(err, "key packet");
	packet.kid_escaped = has_escaped_kid(text);
	packet_clear(out);
	*out = packet;
	packet = (struct packet)PACKET_NONE;
	return 0;
}

int packet_key_uri(const struct packet *packet, struct kbs_uri *out, struct err *err)
{
	if (kbs_uri_parse_key_id(span_of(packet->kid), out, err) < 0)
		return err_wrap(err, "kid of the key packet");
	return 0;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

static void put_text(struct buf *out, const char *before, const char *text)
{
	auto_json json_t *value = json_string(text);
	auto_free char *quoted = json_text(value, false);

	buf_puts(out, before);
	buf_puts(out, quoted);
}

static void put_bytes(struct buf *out, const char *before, struct span bytes)
{
	buf_puts(out, before);
	buf_putc(out, '"');
	b64_encode(out, bytes);
	buf_putc(out, '"');
}

void packet_format(const struct packet *packet, enum packet_form form, struct buf *out)
{
	buf_putc(out, '{');
	if (form == PACKET_LONG) {
		put_text(out, "\"version\":", VERSION);
		put_text(out, ",\"provider\":", packet->provider);
		buf_putc(out, ',');
	}
	put_text(out, "\"kid\":", packet->kid);
	put_bytes(out, ",\"wrapped_data\":", buf_span(&packet->wrapped));
	if (packet->has_iv)
		put_bytes(out, ",\"iv\":", span_new(packet->iv, packet->iv_len));
	if (packet->cipher[0])
		put_text(out, ",\"wrap_type\":", packet->cipher);
	if (form == PACKET_LONG)
		buf_puts(out, ",\"provider_settings\":{},\"annotations\":{}");
	buf_putc(out, '}');
}

/* ---- sealing and opening ------------------------------------------------------------------------------- */

static int check_kek(const struct secret *kek, struct err *err)
{
	if (kek->len == PACKET_KEK)
		return 0;
	return err_set(err, ERR_USAGE, "the key-encryption key has %zu bytes; it must have %d", kek->len,
			PACKET_KEK);
}

static int ctr_seal(
		struct packet *packet, const struct secret *kek, const struct secret *plain, struct err *err)
{
	char *room = buf_room(&packet->wrapped, plain->len);

	if (!room)
		return buf_check(&packet->wrapped, "the key packet", err);
	if (ctr_xor(kek, span_new(packet->iv, packet->iv_len), secret_span(plain), (unsigned char *)room,
			    err) < 0)
		return -1;
	buf_grew(&packet->wrapped, plain->len);
	return 0;
}

int packet_seal(const struct kbs_uri *uri, enum packet_cipher cipher, const struct secret *kek,
		struct span iv, const struct secret *plain, struct packet *out, struct err *err)
{
	auto_packet struct packet packet = PACKET_NONE;
	auto_buf struct buf kid = BUF_MAX(KBS_URI_MAX - 1);
	size_t iv_len = cipher == PACKET_A256CTR ? CTR_IV_BYTES : AEAD_GCM_NONCE;

	kbs_uri_format(uri, &kid);
	if (check_kek(kek, err) < 0 || buf_check(&kid, "the key id", err) < 0)
		return -1;
	if (iv.len && iv.len != iv_len)
		return err_set(err, ERR_USAGE, "the iv has %zu bytes; it must have %zu", iv.len, iv_len);
	if (iv.len)
		memcpy(packet.iv, iv.ptr, iv.len);
	else
		random_bytes(packet.iv, iv_len);
	packet.iv_len = iv_len;
	packet.has_iv = true;
	snprintf(packet.kid, sizeof(packet.kid), "%s", buf_text(&kid));
	snprintf(packet.version, sizeof(packet.version), VERSION);
	snprintf(packet.provider, sizeof(packet.provider), PROVIDER);
	snprintf(packet.cipher, sizeof(packet.cipher), "%s", cipher == PACKET_A256CTR ? CTR : GCM);
	if (cipher == PACKET_A256CTR ? ctr_seal(&packet, kek, plain, err) < 0
				     : gcm_seal(kek, span_new(packet.iv, iv_len), SPAN_NONE,
						       secret_span(plain), &packet.wrapped, NULL, err) < 0)
		return -1;
	packet_clear(out);
	*out = packet;
	packet = (struct packet)PACKET_NONE;
	return 0;
}

/* Whether the members fit together, for a guest as for us. */
static int check_members(const struct packet *packet, struct err *err)
{
	if (strcmp(packet->provider, PROVIDER) != 0)
		return err_set(err, ERR_FORMAT, "its provider is '%s', a key management service, not 'kbs'",
				packet->provider);
	if (strcmp(packet->version, VERSION) != 0)
		return err_set(err, ERR_FORMAT, "its version is '%s', not " VERSION, packet->version);
	if (!packet->has_iv || !packet->cipher[0])
		return err_set(err, ERR_FORMAT, "it has no %s", packet->has_iv ? "wrap_type" : "iv");
	if (!strcmp(packet->cipher, CTR) && packet->iv_len != CTR_IV_BYTES)
		return err_set(err, ERR_FORMAT, "its iv has %zu bytes; " CTR " takes %d", packet->iv_len,
				CTR_IV_BYTES);
	if (!strcmp(packet->cipher, CTR))
		return 0;
	if (strcmp(packet->cipher, GCM) != 0)
		return err_set(err, ERR_FORMAT, "its wrap_type is '%s', not " GCM " or " CTR, packet->cipher);
	if (!packet->iv_len)
		return err_set(err, ERR_FORMAT, "its iv is empty");
	if (packet->wrapped.len < AEAD_TAG_BYTES)
		return err_set(err, ERR_FORMAT, "its wrapped_data are shorter than a tag");
	return 0;
}

int packet_open(const struct packet *packet, const struct secret *kek, struct secret *out, struct err *err)
{
	auto_secret struct secret plain = SECRET_NONE;
	struct span iv = span_new(packet->iv, packet->iv_len), wrapped = buf_span(&packet->wrapped);

	if (check_members(packet, err) < 0)
		return err_wrap(err, "the key packet cannot be opened");
	if (check_kek(kek, err) < 0)
		return -1;
	if (!strcmp(packet->cipher, GCM))
		return gcm_open(kek, iv, SPAN_NONE, wrapped, SPAN_NONE, out, err);
	if (secret_alloc(&plain, wrapped.len, err) < 0 || ctr_xor(kek, iv, wrapped, plain.ptr, err) < 0)
		return -1;
	secret_move(out, &plain);
	return 0;
}

/* ---- guests -------------------------------------------------------------------------------------------- */

const char *packet_guest_name(enum packet_guest guest)
{
	return guest == PACKET_GUEST_NATIVE ? "attestation-agent" : "confidential-data-hub";
}

/* What the attestation agent asks for beyond what the hub does. */
static int check_native(const struct packet *packet, struct err *err)
{
	struct kbs_uri uri;

	if (packet->kid_escaped)
		return err_set(err, ERR_FORMAT, "its kid is written with escape sequences");
	if (!strcmp(packet->cipher, GCM) && packet->iv_len != AEAD_GCM_NONCE)
		return err_set(err, ERR_FORMAT, "its iv has %zu bytes; " GCM " takes %d", packet->iv_len,
				AEAD_GCM_NONCE);
	if (kbs_uri_parse(span_of(packet->kid), &uri, err) < 0 || kbs_uri_check(&uri, err) < 0)
		return err_wrap(err, "its kid");
	return 0;
}

int packet_guest_reads(const struct packet *packet, enum packet_guest guest, struct err *err)
{
	struct kbs_uri uri;

	if (check_members(packet, err) < 0)
		return -1;
	if (kbs_uri_parse(span_of(packet->kid), &uri, err) < 0)
		return err_wrap(err, "its kid");
	return guest == PACKET_GUEST_NATIVE ? check_native(packet, err) : 0;
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

int packet_sample_kek(struct secret *out, struct err *err)
{
	static const unsigned char sample[PACKET_KEK] = { 0xd9, 0x9b, 0x77, 0x05, 0xb0, 0xba, 0x7a, 0x16,
		0x82, 0x95, 0xb3, 0xa3, 0x36, 0x72, 0x70, 0xb0, 0xdd, 0x9b, 0x37, 0x1b, 0xf5, 0x14, 0xca,
		0x8b, 0x9b, 0xa7, 0xf0, 0xa3, 0x37, 0x11, 0xda, 0xea };

	return secret_from_span(out, span_new(sample, sizeof(sample)), err);
}

int packet_read_kek(const char *path, struct secret *out, struct err *err)
{
	auto_secret struct secret bytes = SECRET_NONE;

	if (secret_read_file(&bytes, path, err) < 0)
		return -1;
	if (bytes.len != PACKET_KEK)
		return err_set(err, ERR_USAGE,
				"'%s' has %zu bytes; a key-encryption key is %d bytes as they are, neither "
				"hex nor base64",
				path, bytes.len, PACKET_KEK);
	secret_move(out, &bytes);
	return 0;
}
