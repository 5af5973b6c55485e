/* SPDX-License-Identifier: Apache-2.0 */
/* annotation_walk, _add, _remove, _strip, _get_public. Input: the annotations as a JSON object. */
#include "codec/json.h"
#include "image/annotation.h"
#include "image/wrap.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(void *ctx, const char *scheme, size_t index, struct span element, struct err *err)
{
	(void)index, (void)err;
	assert(*scheme && element.len <= WRAP_ELEMENT_MAX);
	return ++*(size_t *)ctx > ANNOTATION_ELEMENTS_MAX ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *given = NULL;
	struct public_options options;
	size_t before = 0, after = 0, left = 0;

	if (json_read(span_new(data, size), 1 << 20, &given, NULL) < 0 || !json_is_object(given))
		return 0;
	auto_json json_t *old = json_deep_copy(given);
	int walked = annotation_walk(given, count, &before, NULL);
	if (annotation_add(given, "jwe", SPAN_LIT("x"), NULL) == 0) {
		size_t last = before;
		assert(walked < 0 ||
				(annotation_walk(given, count, &after, NULL) == 0 && after == before + 1));
		while (annotation_remove(given, "jwe", last, NULL) < 0)
			assert(last-- > 0);
		/* an annotation that was there and empty is gone now */
		assert(json_equal(old, given) || json_object_size(given) < json_object_size(old) ||
				walked < 0);
	}
	if (annotation_get_public(given, &options, NULL) == 0)
		assert(annotation_set_public(given, &options, NULL) == 0);
	annotation_strip(given);
	assert(annotation_walk(given, count, &left, NULL) == 0 && left == 0);
	return 0;
}
