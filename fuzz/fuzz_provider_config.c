/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: provider_config_parse, provider_find, provider_check. Every provider is found by its name. */
#include "image/provider.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_provider_config struct provider_config *config = NULL;

	if (provider_config_parse(span_new(data, size), &config, NULL) < 0)
		return 0;
	for (size_t i = 0; i < provider_count(config); i++) {
		const struct provider *provider = provider_at(config, i);
		if (provider_find(config, provider_name(provider), NULL) != provider)
			abort();
		(void)!provider_check(provider, NULL);
	}
	return 0;
}
