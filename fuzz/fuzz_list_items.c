/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: items_feed, items_done. The first byte is the size of the pieces; items are those of the whole tree. */
#include "base/err.h"
#include "codec/json.h"
#include "kube/items.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int collect(void *ctx, struct span text, struct err *err)
{
	json_t *item = NULL;

	return json_read(text, ITEMS_ITEM_MAX, &item, err) < 0 ? -1 : json_array_append_new(ctx, item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *found = json_array(), *tree = NULL;
	const struct items_handler handler = { .ctx = found, .item = collect };
	auto_items struct items items;
	struct err err = ERR_NONE;
	int result = 0;

	items_init(&items, &handler);
	size_t step = size ? 1 + data[0] % 64 : 1;
	struct span text = span_new(data + (size > 0), size - (size > 0));
	for (struct span rest = text; rest.len && !result; rest = span_from(rest, step))
		result = items_feed(&items, span_new(rest.ptr, rest.len < step ? rest.len : step), NULL);
	if (result < 0 || items_done(&items, NULL) < 0)
		return 0;
	/* what the splitter takes is JSON; only the whole may be too deep where its parts are not */
	if (json_read(text, 1 << 20, &tree, &err) < 0)
		assert(err.kind == ERR_LIMIT);
	else if (json_array_size(json_object_get(tree, "items")) || json_array_size(found))
		assert(json_equal(found, json_object_get(tree, "items")));
	return 0;
}
