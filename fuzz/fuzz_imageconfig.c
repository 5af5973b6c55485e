/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: image_config_read, image_facts_new. What is kept lies in the facts' own piece, has the bounds that image.h says,
 * and volumes are sorted. */
#include "codec/json.h"
#include "policy/arena.h"
#include "policy/image.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t check(const struct image_facts *facts, const char *const *list, bool sorted)
{
	size_t bytes = 0;

	for (size_t i = 0; list[i]; i++) {
		bytes += strlen(list[i]);
		if (i == IMAGE_CONFIG_LIST_MAX || strlen(list[i]) > IMAGE_CONFIG_TEXT_MAX ||
				llabs((intptr_t)list[i] - (intptr_t)facts) >= (long long)facts->bytes ||
				(sorted && i && strcmp(list[i - 1], list[i]) >= 0))
			abort();
	}
	return bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena memory = ARENA_NONE;
	auto_json json_t *document = NULL;
	struct image_config config;

	if (json_read(span_new(data, size), 1 << 20, &document, NULL) < 0 ||
			image_config_read(document, &memory, &config, NULL) < 0)
		return 0;
	const struct image_platform platform = { .digest = "d", .name = "", .config = "c", .run = &config };
	const struct image_facts draft = {
		.host = "h", .repository = "r", .digest = "d", .platforms = &platform, .platform_count = 1
	};
	auto_image_facts struct image_facts *facts = image_facts_new(&draft);
	const struct image_config *run = facts->platforms->run;
	const char *const texts[] = { run->user, run->cwd, NULL };
	size_t bytes = check(facts, texts, false) + check(facts, run->env, false) +
			check(facts, run->entrypoint, false) + check(facts, run->cmd, false) +
			check(facts, run->volumes, true);
	if (bytes > IMAGE_CONFIG_BYTES_MAX || bytes > size)
		abort();
	return 0;
}
