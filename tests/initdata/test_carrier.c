/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/initdata/vectors.h"

#include "base/alloc.h"
#include "base/b64.h"
#include "codec/zip.h"
#include "initdata/budget.h"
#include "initdata/carrier.h"
#include "initdata/document.h"

#include <string.h>

static void reads_the_annotation_of_vector_a(void **state)
{
	auto_buf struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);
	struct err err = ERR_NONE;

	(void)state;
	if (initdata_annotation_parse(SPAN_LIT(VECTOR_A_ANNOTATION), &toml, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_text(&toml), VECTOR_A);
}

static void an_annotation_is_one_line_that_reads_back(void **state)
{
	auto_buf struct buf one = BUF_MAX(ANNOTATIONS_MAX), two = BUF_MAX(ANNOTATIONS_MAX);
	auto_buf struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);

	(void)state;
	assert_int_equal(initdata_annotation_format(SPAN_LIT(VECTOR_B), &one, NULL), 0);
	assert_int_equal(initdata_annotation_format(SPAN_LIT(VECTOR_B), &two, NULL), 0);
	assert_string_equal(buf_text(&one), buf_text(&two));
	assert_int_equal(one.len % 4, 0);
	assert_null(strpbrk(buf_text(&one), "\r\n -_"));
	assert_int_equal(initdata_annotation_parse(buf_span(&one), &toml, NULL), 0);
	assert_string_equal(buf_text(&toml), VECTOR_B);
}

static void assert_refused(struct span value, const char *part)
{
	auto_buf struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);
	struct err err = ERR_NONE;

	if (initdata_annotation_parse(value, &toml, &err) == 0)
		fail_msg("accepted what should fail for '%s'", part);
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in '%s'", part, err.text);
	assert_int_equal(toml.len, 0);
}

/* B64 of the bytes, as an annotation value. */
static void assert_stream_refused(const void *bytes, size_t len, const char *part)
{
	auto_buf struct buf value = BUF_MAX(2 * ANNOTATIONS_MAX);

	b64_encode(&value, span_new(bytes, len));
	assert_refused(buf_span(&value), part);
}

static void refuses_each_malformed_annotation(void **state)
{
	auto_buf struct buf packed = BUF_MAX(4096);
	auto_free char *line = xstrdup(VECTOR_A_ANNOTATION);
	auto_buf struct buf text = BUF_MAX(4096);

	(void)state;
	assert_refused(SPAN_LIT(""), "empty");
	assert_refused(SPAN_LIT("\n"), "line end at offset 0");
	assert_refused(SPAN_LIT(VECTOR_A_ANNOTATION "\n"), "line end");
	line[76] = '\n';
	assert_refused(span_of(line), "line end at offset 76");
	assert_refused(SPAN_LIT(" " VECTOR_A_ANNOTATION), "init-data annotation");
	assert_refused(span_new(VECTOR_A_ANNOTATION, strlen(VECTOR_A_ANNOTATION) - 1),
			"init-data annotation");
	assert_refused(SPAN_LIT("H4sI_w=="), "init-data annotation");
	assert_stream_refused(VECTOR_A, strlen(VECTOR_A), "gzip");
	assert_int_equal(gzip_pack(SPAN_LIT(VECTOR_A), &packed, NULL), 0);
	buf_add_span(&text, buf_span(&packed));
	buf_putc(&text, 0);
	assert_stream_refused(text.ptr, text.len, "init-data annotation");
	buf_cut(&text, packed.len);
	buf_add_span(&text, buf_span(&packed));
	assert_stream_refused(text.ptr, text.len, "init-data annotation");
	for (size_t len = 0; len < packed.len; len++)
		assert_stream_refused(packed.ptr, len, len ? "init-data annotation" : "empty");
	packed.ptr[packed.len - 1] ^= 1;
	assert_stream_refused(packed.ptr, packed.len, "init-data annotation");
}

static void refuses_a_bomb_and_an_oversize_value(void **state)
{
	auto_buf struct buf zeros = BUF_MAX(4 * INITDATA_TEXT_MAX), packed = BUF_MAX(INITDATA_TEXT_MAX);
	auto_buf struct buf value = BUF_MAX(2 * ANNOTATIONS_MAX), out = BUF_MAX(2 * ANNOTATIONS_MAX);
	struct err err = ERR_NONE;

	(void)state;
	memset(buf_room(&zeros, 2 * INITDATA_TEXT_MAX), '#', 2 * INITDATA_TEXT_MAX);
	buf_grew(&zeros, 2 * INITDATA_TEXT_MAX);
	assert_int_equal(gzip_pack(buf_span(&zeros), &packed, NULL), 0);
	assert_stream_refused(packed.ptr, packed.len, "init-data annotation");
	assert_int_equal(initdata_annotation_format(buf_span(&zeros), &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	memset(buf_room(&value, ANNOTATIONS_MAX + 4), 'A', ANNOTATIONS_MAX + 4);
	buf_grew(&value, ANNOTATIONS_MAX + 4);
	assert_refused(buf_span(&value), "more than the 262144");
}

static void refuses_to_write_what_no_annotation_holds(void **state)
{
	auto_buf struct buf noise = BUF_MAX(INITDATA_TEXT_MAX), out = BUF_MAX(2 * ANNOTATIONS_MAX);
	struct err err = ERR_NONE;
	uint32_t x = 1;

	(void)state;
	while (noise.len < 300000) {
		x = x * 1664525 + 1013904223;
		buf_printf(&noise, "%08x", x);
	}
	assert_int_equal(initdata_annotation_format(buf_span(&noise), &out, &err), 0);
	buf_reset(&out);
	x = 1;
	buf_reset(&noise);
	while (noise.len < 900000) {
		x = x * 1664525 + 1013904223;
		buf_putc(&noise, (char)(' ' + (x >> 20) % 94));
	}
	assert_int_equal(initdata_annotation_format(buf_span(&noise), &out, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
	assert_int_equal(out.len, 0);
	assert_int_equal(initdata_annotation_format(SPAN_NONE, &out, &err), -1);
}

/* ---- block image ---- */

static void the_image_of_vector_a_has_the_given_head(void **state)
{
	auto_buf struct buf packed = BUF_MAX(4096), image = BUF_MAX(INITDATA_IMAGE_MAX), hex = BUF_MAX(64);
	auto_buf struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);
	static const char zeros[512];

	(void)state;
	/* the stream of the given annotation, whose packer's length the vector tells */
	assert_int_equal(b64_decode(SPAN_LIT(VECTOR_A_ANNOTATION), &packed, NULL), 0);
	assert_int_equal(packed.len, 129);
	assert_int_equal(initdata_image_format(SPAN_LIT(VECTOR_A), &image, NULL), 0);
	assert_int_equal(image.len, 512);
	buf_reset(&image);
	buf_puts(&image, "initdata\x81");
	buf_add(&image, zeros, 7);
	hex_encode(&hex, buf_span(&image));
	assert_string_equal(buf_text(&hex), VECTOR_A_IMAGE_HEAD);
	buf_add_span(&image, buf_span(&packed));
	buf_add(&image, zeros, 512 - image.len);
	assert_int_equal(initdata_image_parse(buf_span(&image), &toml, NULL), 0);
	assert_string_equal(buf_text(&toml), VECTOR_A);
}

static void an_image_reads_back_and_is_whole_sectors(void **state)
{
	auto_buf struct buf text = BUF_MAX(INITDATA_TEXT_MAX);
	uint32_t x = 7;

	(void)state;
	for (int round = 0; round < 200; round++) {
		auto_buf struct buf image = BUF_MAX(INITDATA_IMAGE_MAX), back = BUF_MAX(INITDATA_TEXT_MAX);

		for (int i = 0; i < 10; i++) {
			x = x * 1664525 + 1013904223;
			buf_printf(&text, "%08x", x);
		}
		assert_int_equal(initdata_image_format(buf_span(&text), &image, NULL), 0);
		assert_int_equal(image.len % INITDATA_IMAGE_SECTOR, 0);
		assert_true(initdata_image_is(buf_span(&image)));
		assert_int_equal(initdata_image_parse(buf_span(&image), &back, NULL), 0);
		assert_string_equal(buf_text(&back), buf_text(&text));
	}
}

static void assert_image_refused(struct span image, const char *part)
{
	auto_buf struct buf toml = BUF_MAX(INITDATA_TEXT_MAX);
	struct err err = ERR_NONE;

	if (initdata_image_parse(image, &toml, &err) == 0)
		fail_msg("accepted what should fail for '%s'", part);
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in '%s'", part, err.text);
}

static void refuses_each_malformed_image(void **state)
{
	auto_buf struct buf image = BUF_MAX(2 * INITDATA_IMAGE_MAX);

	(void)state;
	assert_int_equal(initdata_image_format(SPAN_LIT(VECTOR_A), &image, NULL), 0);
	for (size_t len = 0; len < image.len; len++)
		assert_image_refused(span_new(image.ptr, len), "init-data image");
	assert_image_refused(SPAN_LIT("initdata"), "inside its header");
	image.ptr[0] = 'I';
	assert_image_refused(buf_span(&image), "does not begin");
	image.ptr[0] = 'i';
	image.ptr[511] = 1;
	assert_image_refused(buf_span(&image), "byte 511");
	image.ptr[511] = 0;
	image.ptr[15] = 1;
	assert_image_refused(buf_span(&image), "holds 496");
	memset(image.ptr + 8, 0xff, 8);
	assert_image_refused(buf_span(&image), "18446744073709551615");
	memset(image.ptr + 8, 0, 8);
	assert_image_refused(buf_span(&image), "not zero");
	while (image.len <= INITDATA_IMAGE_MAX)
		buf_add(&image, (char[512]){ 0 }, 512);
	assert_image_refused(buf_span(&image), "exceed");
}

/* ---- budget ---- */

static void counts_keys_and_values(void **state)
{
	auto_json json_t *annotations = json_pack("{s:s, s:s}", "ab", "cde", "f", "");
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(annotations_size(NULL), 0);
	assert_int_equal(annotations_size(annotations), 6);
	assert_int_equal(annotations_size_with(annotations, "xy", 10), 18);
	assert_int_equal(annotations_size_with(annotations, "ab", 10), 13);
	assert_int_equal(annotations_size_with(NULL, "ab", 10), 12);
	assert_int_equal(annotations_check(262144, &err), 0);
	assert_int_equal(annotations_check(262145, &err), -1);
	assert_int_equal(err.kind, ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_annotation_of_vector_a),
		cmocka_unit_test(an_annotation_is_one_line_that_reads_back),
		cmocka_unit_test(refuses_each_malformed_annotation),
		cmocka_unit_test(refuses_a_bomb_and_an_oversize_value),
		cmocka_unit_test(refuses_to_write_what_no_annotation_holds),
		cmocka_unit_test(the_image_of_vector_a_has_the_given_head),
		cmocka_unit_test(an_image_reads_back_and_is_whole_sectors),
		cmocka_unit_test(refuses_each_malformed_image),
		cmocka_unit_test(counts_keys_and_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
