/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"
#include "crypto/der.h"
#include "image/keys_own.h"

#include <string.h>

#define BEGIN "-----BEGIN "
#define END   "-----END "
#define DASH  "-----"

/* The index of `word` at or behind `from`, or the length of the text. */
static size_t find(struct span text, size_t from, const char *word)
{
	const char *hit =
			from < text.len ? memmem(text.ptr + from, text.len - from, word, strlen(word)) : NULL;

	return hit ? (size_t)(hit - text.ptr) : text.len;
}

/* The label behind the next BEGIN, which ends on its line; *at moves behind it. */
static bool next_label(struct span text, size_t *at, struct span *label)
{
	size_t from = find(text, *at, BEGIN);

	while (from < text.len) {
		size_t start = from + strlen(BEGIN), end = find(text, start, DASH);
		if (end < text.len && !memchr(text.ptr + start, '\n', end - start)) {
			*label = span_new(text.ptr + start, end - start);
			*at = end;
			return true;
		}
		from = find(text, start, BEGIN);
	}
	return false;
}

struct span key_pem_block(struct span text, const char *label_end)
{
	struct span label;
	size_t at = 0;

	while (next_label(text, &at, &label)) {
		if (!span_ends(label, label_end))
			continue;
		size_t from = (size_t)(label.ptr - text.ptr) - strlen(BEGIN);
		size_t end = find(text, find(text, at, END) + strlen(END), DASH);
		if (end == text.len)
			break;
		return span_new(text.ptr + from, end + strlen(DASH) - from);
	}
	return SPAN_NONE;
}

static enum key_look look_pem(struct span text)
{
	bool key = false, certificate = false;
	struct span label;
	size_t at = 0;

	while (next_label(text, &at, &label)) {
		if (span_starts(label, "PGP "))
			return LOOK_OTHER;
		key = key || span_ends(label, "KEY");
		certificate = certificate || span_ends(label, "CERTIFICATE");
	}
	if (key && certificate)
		return LOOK_BOTH;
	return certificate ? LOOK_CERTIFICATE : key ? LOOK_KEY : LOOK_UNKNOWN;
}

/*
 * A certificate's first value is a sequence that begins with its version ([0]) or its serial number; the two forms of
 * keys that begin with a sequence too, SubjectPublicKeyInfo and EncryptedPrivateKeyInfo, have an OID there.
 */
static enum key_look look_der(struct span bytes)
{
	struct span outer, inner;

	if (der_expect(&bytes, DER_SEQUENCE, "", &outer, NULL) < 0)
		return LOOK_UNKNOWN;
	if (!der_is_next(outer, DER_SEQUENCE))
		return der_is_next(outer, DER_INTEGER) ? LOOK_KEY : LOOK_UNKNOWN;
	if (der_expect(&outer, DER_SEQUENCE, "", &inner, NULL) < 0)
		return LOOK_UNKNOWN;
	if (der_is_next(inner, DER_OID))
		return LOOK_KEY;
	bool certificate = der_is_next(inner, DER_CONTEXT_C(0)) || der_is_next(inner, DER_INTEGER);
	return certificate ? LOOK_CERTIFICATE : LOOK_UNKNOWN;
}

/* A key packet, secret or public, with a header of the old or the new form (RFC 4880, 4.2). */
static bool is_ring(struct span bytes)
{
	unsigned first = bytes.len ? (unsigned char)bytes.ptr[0] : 0;
	unsigned tag = (first & 0x40) ? first & 0x3f : first >> 2 & 0x0f;

	return (first & 0x80) && (tag == 5 || tag == 6);
}

enum key_look key_look(struct span bytes)
{
	if (jwk_is(bytes))
		return LOOK_KEY;
	if (find(bytes, 0, BEGIN) < bytes.len)
		return look_pem(bytes);
	if (is_ring(bytes) || (find(bytes, 0, "pkcs11") < bytes.len && span_is_utf8(bytes)))
		return LOOK_OTHER;
	return look_der(bytes);
}

void key_drop_line_end(struct secret *password)
{
	size_t len = password->len;

	if (len && password->ptr[len - 1] == '\n')
		len--;
	if (len && password->ptr[len - 1] == '\r')
		len--;
	for (; password->len > len; password->len--)
		password->ptr[password->len - 1] = '\0';
}
