/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target: agent_request_fill(). Input: the kind in a line of its own, then the request. A request that is full stays
 * as it is to the byte, without a word.
 */
#include "agentpolicy/request.h"
#include "base/own.h"
#include "codec/json.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_agent_notes struct agent_notes notes = AGENT_NOTES_NONE, none = AGENT_NOTES_NONE;
	auto_json json_t *request = NULL, *full = NULL, *again = NULL;
	struct span text = span_new(data, size);
	size_t line = span_find(text, '\n');
	char kind[64] = "";

	if (json_read(span_from(text, line + 1), AGENT_REQUEST_MAX, &request, NULL) < 0)
		return 0;
	if (line >= sizeof(kind))
		return 0;
	memcpy(kind, line ? text.ptr : "", line);
	if (agent_request_fill(kind, request, &full, &notes, NULL) < 0) {
		assert(!full);
		return 0;
	}
	assert(agent_request_fill(kind, full, &again, &none, NULL) == 0);
	auto_free char *once = json_text(full, false), *twice = json_text(again, false);
	assert(!none.count && !strcmp(once, twice));
	return 0;
}
