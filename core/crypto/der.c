/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/der.h"

#include "base/buf.h"
#include "base/err.h"

#include <string.h>

/* ---- reading ---- */

struct head {
	unsigned tag;
	size_t len;      /* of the head itself */
	uint64_t body;   /* bytes of the body */
	bool indefinite; /* then body is 0 */
};

static unsigned byte_at(struct span bytes, size_t at)
{
	return (unsigned char)bytes.ptr[at];
}

static int read_head(struct span in, const char *what, struct head *out, struct err *err)
{
	struct head head = { .len = 2 };

	if (in.len < 2)
		return err_set(err, ERR_FORMAT, "the bytes end before %s", what);
	head.tag = byte_at(in, 0);
	if ((head.tag & 0x1f) == 0x1f)
		return err_set(err, ERR_FORMAT, "%s has a tag above 30, which nothing here has", what);
	unsigned first = byte_at(in, 1);
	head.indefinite = first == 0x80;
	if (head.indefinite && !(head.tag & DER_CONSTRUCTED))
		return err_set(err, ERR_FORMAT, "%s is primitive but of indefinite length", what);
	if (first < 0x80)
		head.body = first;
	size_t octets = first > 0x80 ? first & 0x7f : 0;
	if (octets > sizeof(head.body) || octets > in.len - 2)
		return err_set(err, ERR_FORMAT, "the length of %s does not fit", what);
	for (size_t i = 0; i < octets; i++)
		head.body = head.body << 8 | byte_at(in, 2 + i);
	head.len += octets;
	if (head.body > in.len - head.len)
		return err_set(err, ERR_FORMAT, "%s is cut: %llu bytes long, %zu are there", what,
				(unsigned long long)head.body, in.len - head.len);
	*out = head;
	return 0;
}

static bool is_end_mark(struct span in)
{
	return in.len >= 2 && !in.ptr[0] && !in.ptr[1];
}

/* The length of a body up to its end mark. */
static int find_end(struct span in, const char *what, size_t *out, struct err *err)
{
	size_t at = 0, depth = 1;

	while (depth) {
		struct head head = { .tag = 0 };
		struct span rest = span_from(in, at);
		if (is_end_mark(rest)) {
			at += 2;
			depth--;
			continue;
		}
		if (read_head(rest, what, &head, err) < 0)
			return -1;
		at += head.len + (size_t)head.body;
		if (head.indefinite && ++depth > DER_DEPTH_MAX)
			return err_set(err, ERR_LIMIT, "%s has more than %d levels of indefinite length",
					what, DER_DEPTH_MAX);
	}
	*out = at - 2;
	return 0;
}

int der_next(struct span *rest, const char *what, struct der_item *out, struct err *err)
{
	struct span in = *rest;
	struct head head = { .tag = 0 };

	if (is_end_mark(in))
		return err_set(err, ERR_FORMAT, "an end mark stands where %s must be", what);
	if (read_head(in, what, &head, err) < 0)
		return -1;
	size_t body = (size_t)head.body;
	if (head.indefinite && find_end(span_from(in, head.len), what, &body, err) < 0)
		return -1;
	size_t whole = head.len + body + (head.indefinite ? 2 : 0);
	*out = (struct der_item){
		.tag = head.tag, .body = span_new(in.ptr + head.len, body), .whole = span_new(in.ptr, whole)
	};
	*rest = span_from(in, whole);
	return 0;
}

int der_expect(struct span *rest, unsigned tag, const char *what, struct span *body, struct err *err)
{
	struct der_item item = { .tag = 0 };
	struct span after = *rest;

	if (der_next(&after, what, &item, err) < 0)
		return -1;
	if (item.tag != tag)
		return err_set(err, ERR_FORMAT, "%s has the tag 0x%02x, not 0x%02x", what, item.tag, tag);
	*rest = after;
	*body = item.body;
	return 0;
}

bool der_is_next(struct span rest, unsigned tag)
{
	return rest.len > 0 && byte_at(rest, 0) == tag;
}

static int add_octets(const struct der_item *item, unsigned depth, const char *what, struct buf *out,
		struct err *err)
{
	if (!(item->tag & DER_CONSTRUCTED)) {
		buf_add_span(out, item->body);
		return 0;
	}
	if (depth == DER_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "%s has more than %d levels of segments", what, DER_DEPTH_MAX);
	for (struct span rest = item->body; rest.len > 0;) {
		struct der_item segment = { .tag = 0 };
		if (der_next(&rest, what, &segment, err) < 0)
			return -1;
		if ((segment.tag & ~(unsigned)DER_CONSTRUCTED) != DER_OCTETS)
			return err_set(err, ERR_FORMAT, "a segment of %s has the tag 0x%02x, not 0x04", what,
					segment.tag);
		if (add_octets(&segment, depth + 1, what, out, err) < 0)
			return -1;
	}
	return 0;
}

int der_octets(const struct der_item *item, const char *what, struct buf *out, struct err *err)
{
	if (add_octets(item, 0, what, out, err) < 0)
		return -1;
	return buf_check(out, what, err);
}

struct span der_integer(struct span body)
{
	while (body.len > 1) {
		unsigned first = byte_at(body, 0);
		bool negative = byte_at(body, 1) & 0x80;
		if (first != (negative ? 0xffU : 0))
			break;
		body = span_from(body, 1);
	}
	return body;
}

bool der_number(struct span body, uint64_t max, uint64_t *out)
{
	uint64_t number = 0;

	body = der_integer(body);
	if (!body.len || (byte_at(body, 0) & 0x80) || body.len > sizeof(number))
		return false;
	for (size_t i = 0; i < body.len; i++)
		number = number << 8 | byte_at(body, i);
	if (number > max)
		return false;
	*out = number;
	return true;
}

/* ---- writing ---- */

/* The identifier and the length, right-aligned in the field; gives how many bytes they take. */
static size_t format_head(unsigned char field[static 2 + sizeof(size_t)], unsigned tag, size_t len)
{
	size_t at = 2 + sizeof(size_t), octets = 0;

	if (len < 0x80) {
		field[--at] = (unsigned char)len;
	} else {
		for (; len; len >>= 8, octets++)
			field[--at] = (unsigned char)len;
		field[--at] = (unsigned char)(0x80 | octets);
	}
	field[--at] = (unsigned char)tag;
	return 2 + sizeof(size_t) - at;
}

void der_put(struct buf *out, unsigned tag, struct span body)
{
	unsigned char field[2 + sizeof(size_t)];
	size_t len = format_head(field, tag, body.len);

	buf_add(out, field + sizeof(field) - len, len);
	buf_add_span(out, body);
}

void der_wrap(struct buf *out, size_t from, unsigned tag)
{
	unsigned char field[2 + sizeof(size_t)];
	size_t body = out->len - from, len = format_head(field, tag, body);

	if (out->over || !buf_room(out, len))
		return;
	memmove(out->ptr + from + len, out->ptr + from, body);
	memcpy(out->ptr + from, field + sizeof(field) - len, len);
	buf_grew(out, len);
}
