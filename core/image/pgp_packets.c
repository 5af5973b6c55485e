/* SPDX-License-Identifier: Apache-2.0 */
#include "image/pgp_packets.h"

#include "base/buf.h"
#include "base/err.h"

static unsigned byte_at(struct span bytes, size_t at)
{
	return (unsigned char)bytes.ptr[at];
}

/* ---- lengths ---- */

struct length {
	size_t octets; /* of the length itself */
	uint64_t body;
	bool partial; /* another length follows the body */
};

static int read_number(struct span in, size_t at, size_t octets, uint64_t *out, struct err *err)
{
	uint64_t number = 0;

	if (in.len < at + octets)
		return err_set(err, ERR_FORMAT, "the bytes end in a packet's length");
	for (size_t i = 0; i < octets; i++)
		number = number << 8 | byte_at(in, at + i);
	*out = number;
	return 0;
}

/* RFC 4880, 4.2.2 */
static int read_new_length(struct span in, struct length *out, struct err *err)
{
	uint64_t first = 0, second = 0;

	if (read_number(in, 0, 1, &first, err) < 0)
		return -1;
	*out = (struct length){ .octets = 1, .body = first };
	if (first == 255) {
		out->octets = 5;
		return read_number(in, 1, 4, &out->body, err);
	}
	if (first >= 224) {
		out->partial = true;
		out->body = UINT64_C(1) << (first & 0x1f);
	} else if (first >= 192) {
		if (read_number(in, 1, 1, &second, err) < 0)
			return -1;
		out->octets = 2;
		out->body = ((first - 192) << 8) + second + 192;
	}
	return 0;
}

/* RFC 4880, 4.2.1; the indeterminate form reaches to the end. */
static int read_old_length(struct span in, unsigned type, struct length *out, struct err *err)
{
	*out = (struct length){ .octets = type == 3 ? 0 : (size_t)1 << type, .body = in.len };
	if (type == 3)
		return 0;
	return read_number(in, 0, out->octets, &out->body, err);
}

/* ---- packets ---- */

static bool may_be_partial(unsigned tag)
{
	return tag == 8 || tag == PGP_SEALED_WITHOUT_MDC || tag == PGP_LITERAL || tag == PGP_SEALED ||
			tag == PGP_AEAD;
}

static int cut(struct span *rest, const struct length *length, struct span *body, struct err *err)
{
	struct span behind = span_from(*rest, length->octets);

	if (length->body > behind.len)
		return err_set(err, ERR_FORMAT, "a packet is cut: %llu bytes long, %zu are there",
				(unsigned long long)length->body, behind.len);
	*body = span_new(behind.ptr, (size_t)length->body);
	*rest = span_from(behind, (size_t)length->body);
	return 0;
}

/* Cuts the next packet, all its parts, which go to `whole` unless it is NULL. */
static int next(struct span *rest, struct pgp_packet *out, struct buf *whole, struct err *err)
{
	struct span in = span_from(*rest, 1), more = SPAN_NONE;
	struct pgp_packet packet = { .tag = 0 };
	struct length length = { .octets = 0 };

	if (!rest->len)
		return err_set(err, ERR_FORMAT, "the bytes end before a packet");
	unsigned head = byte_at(*rest, 0);
	bool new_form = head & 0x40;
	if (!(head & 0x80))
		return err_set(err, ERR_FORMAT, "0x%02x begins no OpenPGP packet", head);
	packet.tag = new_form ? head & 0x3f : head >> 2 & 0x0f;
	if (!packet.tag)
		return err_set(err, ERR_FORMAT, "a packet with the tag 0");
	if ((new_form ? read_new_length(in, &length, err) : read_old_length(in, head & 3, &length, err)) < 0)
		return -1;
	/* the first part should be of 512 bytes and more (4.2.2.4), but those of ocicrypt are smaller */
	if (length.partial && !may_be_partial(packet.tag))
		return err_set(err, ERR_FORMAT, "a packet with the tag %u in parts", packet.tag);
	if (cut(&in, &length, &packet.body, err) < 0)
		return -1;
	if (whole)
		buf_add_span(whole, packet.body);
	while (length.partial) {
		if (read_new_length(in, &length, err) < 0 || cut(&in, &length, &more, err) < 0)
			return -1;
		if (whole)
			buf_add_span(whole, more);
	}
	*rest = in;
	*out = packet;
	return 0;
}

int pgp_next(struct span *rest, struct pgp_packet *out, struct err *err)
{
	return next(rest, out, NULL, err);
}

int pgp_body(struct span *rest, struct buf *body, struct err *err)
{
	struct pgp_packet packet = { .tag = 0 };

	return next(rest, &packet, body, err) < 0 ? -1 : buf_check(body, "a packet", err);
}

/* ---- messages ---- */

/* PKESK: version 3, key id, algorithm, … */
static int add_recipient(struct pgp_message *message, struct span body, struct err *err)
{
	uint64_t id = 0;

	if (message->count == PGP_RECIPIENTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d recipients", PGP_RECIPIENTS_MAX);
	if (!body.len || byte_at(body, 0) != 3)
		return err_set(err, ERR_FORMAT, "a recipient's key of a version that is not 3");
	if (read_number(body, 1, 8, &id, err) < 0)
		return -1;
	message->ids[message->count++] = id;
	return 0;
}

int pgp_message_look(struct span message, struct pgp_message *out, struct err *err)
{
	struct pgp_packet packet = { .tag = 0 };

	out->count = out->passwords = 0;
	for (;;) {
		if (pgp_next(&message, &packet, err) < 0)
			return -1;
		if (packet.tag == PGP_KEY_OF_RECIPIENT && add_recipient(out, packet.body, err) < 0)
			return -1;
		if (packet.tag == PGP_KEY_OF_PASSWORD)
			out->passwords++;
		else if (packet.tag != PGP_KEY_OF_RECIPIENT && packet.tag != PGP_MARKER)
			break;
	}
	if (packet.tag != PGP_SEALED && packet.tag != PGP_AEAD && packet.tag != PGP_SEALED_WITHOUT_MDC)
		return err_set(err, ERR_FORMAT, "a packet with the tag %u where the sealed text must be",
				packet.tag);
	out->sealed = packet.tag;
	return 0;
}

bool pgp_is_secret_keys(struct span bytes)
{
	struct pgp_packet packet = { .tag = 0 };

	if (span_starts(span_trim(bytes), "-----BEGIN PGP PRIVATE KEY BLOCK-----"))
		return true;
	return pgp_next(&bytes, &packet, NULL) == 0 && packet.tag == PGP_SECRET_KEY && packet.body.len > 0;
}
