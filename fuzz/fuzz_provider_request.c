/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: provider_request_parse. What is said to be there is there, and attributes are text. */
#include "image/provider.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_provider_request struct provider_request request = PROVIDER_REQUEST_NONE;

	if (provider_request_parse(span_new(data, size), "attestation-agent", &request, NULL) < 0)
		return 0;
	if ((request.options.len && !request.has_options) || (request.element.len && !request.has_element) ||
			(request.attributes.len && !request.has_attributes) ||
			!span_is_utf8(secret_span(&request.attributes)))
		abort();
	return 0;
}
