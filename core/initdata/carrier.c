/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata/carrier.h"

#include "base/b64.h"
#include "base/err.h"
#include "codec/zip.h"
#include "initdata/budget.h"
#include "initdata/document.h"

#include <endian.h>
#include <string.h>

#define MAGIC_LEN  (sizeof(INITDATA_IMAGE_MAGIC) - 1)
#define HEADER_LEN (MAGIC_LEN + sizeof(uint64_t))

/* A packed document; the ceiling is above what gzip makes of the largest one. */
#define PACKED_MAX (INITDATA_IMAGE_MAX - INITDATA_IMAGE_SECTOR)

static int pack(struct span toml, struct buf *packed, struct err *err)
{
	if (toml.len == 0)
		return err_set(err, ERR_FORMAT, "init-data is empty");
	if (toml.len > INITDATA_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "init-data of %zu bytes exceeds %u bytes", toml.len,
				INITDATA_TEXT_MAX);
	return gzip_pack(toml, packed, err);
}

static int unpack(struct span packed, struct buf *toml, struct err *err)
{
	auto_buf struct buf plain = BUF_MAX(INITDATA_TEXT_MAX);

	if (gzip_unpack(packed, INITDATA_TEXT_MAX, &plain, err) < 0)
		return -1;
	buf_add_span(toml, buf_span(&plain));
	return buf_check(toml, "the init-data document", err);
}

/* ---- annotation ---- */

int initdata_annotation_format(struct span toml, struct buf *out, struct err *err)
{
	auto_buf struct buf packed = BUF_MAX(PACKED_MAX);

	if (pack(toml, &packed, err) < 0)
		return err_wrap(err, "packing init-data");
	if (b64_encoded_len(packed.len) > ANNOTATIONS_MAX)
		return err_set(err, ERR_LIMIT,
				"init-data takes %zu bytes as an annotation, and the API server allows %d "
				"for all annotations "
				"of an object: make it smaller (a policy by reference, a shorter agent "
				"policy)",
				b64_encoded_len(packed.len), ANNOTATIONS_MAX);
	b64_encode(out, buf_span(&packed));
	return buf_check(out, "the init-data annotation", err);
}

/* The two faults that people have, with their remedy; the decoder names all others. */
static int check_line(struct span value, struct err *err)
{
	size_t at;

	if (value.len == 0)
		return err_set(err, ERR_FORMAT, "the value is empty, which means no init-data at all");
	if (value.len > ANNOTATIONS_MAX)
		return err_set(err, ERR_LIMIT,
				"the value has %zu bytes, more than the %d an object's annotations may",
				value.len, ANNOTATIONS_MAX);
	for (at = 0; at < value.len; at++)
		if (value.ptr[at] == '\n' || value.ptr[at] == '\r')
			return err_set(err, ERR_FORMAT,
					"line end at offset %zu: it must be one line (base64 -w0), because a "
					"line end crashes "
					"a runtime",
					at);
	return 0;
}

int initdata_annotation_parse(struct span value, struct buf *toml, struct err *err)
{
	auto_buf struct buf packed = BUF_MAX(ANNOTATIONS_MAX);

	if (check_line(value, err) < 0 || b64_decode(value, &packed, err) < 0 ||
			unpack(buf_span(&packed), toml, err) < 0)
		return err_wrap(err, "init-data annotation");
	return 0;
}

/* ---- block image ---- */

bool initdata_image_is(struct span bytes)
{
	return bytes.len >= MAGIC_LEN && memcmp(bytes.ptr, INITDATA_IMAGE_MAGIC, MAGIC_LEN) == 0;
}

int initdata_image_format(struct span toml, struct buf *out, struct err *err)
{
	static const char zeros[INITDATA_IMAGE_SECTOR];
	auto_buf struct buf packed = BUF_MAX(PACKED_MAX);
	uint64_t length;

	if (pack(toml, &packed, err) < 0)
		return err_wrap(err, "packing init-data");
	length = htole64(packed.len);
	buf_puts(out, INITDATA_IMAGE_MAGIC);
	buf_add(out, &length, sizeof(length));
	buf_add_span(out, buf_span(&packed));
	buf_add(out, zeros, (size_t) - (HEADER_LEN + packed.len) % INITDATA_IMAGE_SECTOR);
	return buf_check(out, "the init-data image", err);
}

static int check_padding(struct span padding, size_t offset, struct err *err)
{
	size_t at;

	for (at = 0; at < padding.len; at++)
		if (padding.ptr[at])
			return err_set(err, ERR_FORMAT, "byte %zu, behind the gzip stream, is not zero",
					offset + at);
	return 0;
}

/* Cuts the gzip stream out of an image. */
static int image_stream(struct span image, struct span *stream, struct err *err)
{
	uint64_t length;

	if (image.len > INITDATA_IMAGE_MAX)
		return err_set(err, ERR_LIMIT, "%zu bytes exceed %u bytes", image.len, INITDATA_IMAGE_MAX);
	if (!initdata_image_is(image))
		return err_set(err, ERR_FORMAT, "does not begin with \"" INITDATA_IMAGE_MAGIC "\"");
	if (image.len < HEADER_LEN)
		return err_set(err, ERR_FORMAT, "ends inside its header of %zu bytes", HEADER_LEN);
	memcpy(&length, image.ptr + MAGIC_LEN, sizeof(length));
	length = le64toh(length);
	if (length > image.len - HEADER_LEN)
		return err_set(err, ERR_FORMAT, "names a gzip stream of %llu bytes and holds %zu",
				(unsigned long long)length, image.len - HEADER_LEN);
	if (image.len % INITDATA_IMAGE_SECTOR)
		return err_set(err, ERR_FORMAT, "%zu bytes are not whole sectors of %d", image.len,
				INITDATA_IMAGE_SECTOR);
	*stream = span_new(image.ptr + HEADER_LEN, (size_t)length);
	return check_padding(span_from(image, HEADER_LEN + (size_t)length), HEADER_LEN + (size_t)length, err);
}

int initdata_image_parse(struct span image, struct buf *toml, struct err *err)
{
	struct span stream = SPAN_NONE;

	if (image_stream(image, &stream, err) < 0 || unpack(stream, toml, err) < 0)
		return err_wrap(err, "init-data image");
	return 0;
}
