/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message may be made of. librnp would take more: compression in compression in …, encryption, several layers
 * of signatures, clear-signed text, and each of them is work or a verdict that depends on who reads it.
 */
#include "base/err.h"
#include "codec/zip.h"
#include "image/pgp_packets.h"
#include "policy/image.h"
#include "policy/simple_own.h"

#include <stdio.h>

enum { TAG_SIGNATURE = 2, TAG_ONE_PASS = 4, TAG_COMPRESSED = 8 };

#define TYPE_NOTATION  20
#define ONE_PASS_BYTES 13 /* version, type, hash, algorithm, key id, last (RFC 4880, 5.4) */
#define SHAPE          "an OpenPGP message as gpg --sign makes it is expected: "

static int refuse(const char *why, struct err *err)
{
	return err_set(err, ERR_FORMAT, SHAPE "%s", why);
}

/* ---- compression ---- */

static int unpack(struct span body, struct buf *out, struct err *err)
{
	unsigned algorithm = body.len ? (unsigned char)body.ptr[0] : 0;
	struct err cause = ERR_NONE;
	size_t len = 0;

	body = span_from(body, 1);
	if (algorithm != 1 && algorithm != 2)
		return err_set(err, ERR_FORMAT,
				SHAPE "this one is compressed by algorithm %u, not ZIP or ZLIB", algorithm);
	/* ZLIB is deflate data with two bytes before and a checksum of four behind */
	if (algorithm == 2 && body.len < 6)
		return refuse("its compressed data are cut", err);
	if (algorithm == 2)
		body = span_new(body.ptr + 2, body.len - 6);
	char *room = buf_room(out, IMAGE_PAYLOAD_MAX);
	if (inflate_raw(body, room, IMAGE_PAYLOAD_MAX, &len, &cause) < 0)
		return err_set(err, cause.kind, SHAPE "its compressed data: %s", cause.text);
	buf_grew(out, len);
	return 0;
}

static int open_compressed(struct span message, struct buf *plain, struct span *packets, struct err *err)
{
	auto_buf struct buf body = BUF_MAX(IMAGE_PAYLOAD_MAX);
	struct span rest = message;

	if (pgp_body(&rest, &body, err) < 0)
		return err_wrap(err, SHAPE "this one is damaged");
	if (rest.len)
		return refuse("this one has bytes behind its compressed data", err);
	if (unpack(buf_span(&body), plain, err) < 0)
		return -1;
	*packets = buf_span(plain);
	return 0;
}

/* ---- the packets ---- */

static int refuse_tag(unsigned tag, struct err *err)
{
	switch (tag) {
	case TAG_SIGNATURE:
		return refuse("this is a detached signature, or one in front of the text", err);
	case TAG_ONE_PASS:
		return refuse("this one has several signatures", err);
	case TAG_COMPRESSED:
		return refuse("this one is compressed twice", err);
	case PGP_KEY_OF_RECIPIENT:
	case PGP_KEY_OF_PASSWORD:
	case PGP_SEALED_WITHOUT_MDC:
	case PGP_SEALED:
	case PGP_AEAD:
		return refuse("this one is encrypted", err);
	default:
		return err_set(err, ERR_FORMAT, SHAPE "this one has a packet with the tag %u", tag);
	}
}

static int expect(struct span *rest, unsigned tag, struct span *body, struct err *err)
{
	struct pgp_packet packet = { .tag = 0 };

	if (pgp_next(rest, &packet, err) < 0)
		return err_wrap(err, SHAPE "this one is damaged");
	if (packet.tag != tag)
		return refuse_tag(packet.tag, err);
	*body = packet.body;
	return 0;
}

/* ---- the signature ---- */

/* Cuts the next subpacket (RFC 4880, 5.2.3.1) off; its type with the bit that makes it critical. */
static bool next_subpacket(struct span *rest, unsigned *type)
{
	const unsigned char *at = (const unsigned char *)rest->ptr;
	size_t octets = at[0] < 192 ? 1 : at[0] < 255 ? 2 : 5;

	if (rest->len < octets)
		return false;
	size_t len = octets == 1 ? at[0]
			: octets == 2
			? ((size_t)(at[0] - 192) << 8) + at[1] + 192
			: (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4];
	if (!len || len > rest->len - octets)
		return false;
	*type = at[octets];
	*rest = span_from(*rest, octets + len);
	return true;
}

static int check_area(struct span *rest, struct err *err)
{
	const unsigned char *at = (const unsigned char *)rest->ptr;
	unsigned type = 0;

	if (rest->len < 2 || rest->len - 2 < ((size_t)at[0] << 8 | at[1]))
		return refuse("its signature is cut", err);
	struct span area = span_new(rest->ptr + 2, (size_t)at[0] << 8 | at[1]);
	*rest = span_from(*rest, 2 + area.len);
	while (area.len) {
		if (!next_subpacket(&area, &type))
			return refuse("its signature's subpackets are damaged", err);
		if (type == (TYPE_NOTATION | 0x80))
			return refuse("its signature has a critical notation, which nobody here knows", err);
	}
	return 0;
}

/* Before librnp does: it would write the name of a critical notation, anybody's text, to stderr. */
static int check_signature(struct span body, struct err *err)
{
	struct span rest = span_from(body, 4); /* version, type, algorithm, hash */

	if (body.len < 4 || body.ptr[0] != 4)
		return refuse("its signature is not of version 4", err);
	if (body.ptr[1])
		return refuse("this one is signed as text", err);
	/* the signed subpackets, and those that are not */
	for (size_t i = 0; i < 2; i++)
		if (check_area(&rest, err) < 0)
			return -1;
	return 0;
}

static int check_packets(struct span packets, char keyid[static SIMPLE_KEYID_MAX], struct err *err)
{
	struct span one_pass = SPAN_NONE, body = SPAN_NONE, signature = SPAN_NONE;

	if (expect(&packets, TAG_ONE_PASS, &one_pass, err) < 0 ||
			expect(&packets, PGP_LITERAL, &body, err) < 0 ||
			expect(&packets, TAG_SIGNATURE, &signature, err) < 0)
		return -1;
	if (packets.len)
		return refuse("this one has bytes behind its signature", err);
	if (one_pass.len != ONE_PASS_BYTES || one_pass.ptr[0] != 3)
		return refuse("its one-pass signature is not of version 3", err);
	/* 0: binary. Of text, other line ends would have the same signature. */
	if (one_pass.ptr[1])
		return refuse("this one is signed as text", err);
	for (size_t i = 0; i < 8; i++)
		snprintf(keyid + 2 * i, 3, "%02X", (unsigned char)one_pass.ptr[4 + i]);
	return check_signature(signature, err);
}

static int refuse_armor(struct span message, struct err *err)
{
	if (span_starts(message, "-----BEGIN PGP SIGNED MESSAGE"))
		return refuse("this one is clear-signed", err);
	if (span_starts(message, "-----BEGIN PGP SIGNATURE"))
		return refuse("this is a detached signature", err);
	return refuse("this one is in ASCII armor, which guests do not read", err);
}

int simple_shape(struct span message, struct buf *plain, struct span *packets,
		char keyid[static SIMPLE_KEYID_MAX], struct err *err)
{
	struct span rest = message;
	struct pgp_packet first = { .tag = 0 };

	if (message.len > IMAGE_PAYLOAD_MAX)
		return err_set(err, ERR_LIMIT, "the message has more than %zu bytes", IMAGE_PAYLOAD_MAX);
	if (span_starts(message, "-----BEGIN PGP "))
		return refuse_armor(message, err);
	if (pgp_next(&rest, &first, err) < 0)
		return err_wrap(err, SHAPE "this is none");
	*packets = message;
	if (first.tag == TAG_COMPRESSED && open_compressed(message, plain, packets, err) < 0)
		return -1;
	return check_packets(*packets, keyid, err);
}
