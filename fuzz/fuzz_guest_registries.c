/* SPDX-License-Identifier: Apache-2.0 */
/* guest_tasks: what is listed are references that read back equal, and a name that no rule is for is its own task. */
#include "base/err.h"
#include "codec/json.h"
#include "codec/toml.h"
#include "policy/guest.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is the reference, the rest the configuration. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct guest_task tasks[GUEST_TASKS_MAX];
	const struct span text = span_new(data, size);
	size_t line = span_find(text, '\n'), count = 0;
	char reference[256] = "", whole[OCI_NAME_MAX];
	auto_json json_t *config = NULL;
	struct oci_name name;

	if (line >= sizeof(reference) || !size)
		return 0;
	memcpy(reference, data, line);
	if (guest_reference(reference, &name, NULL) < 0 ||
			toml_parse(span_from(text, line + 1), 65536, &config, NULL) < 0 ||
			guest_tasks(config, &name, tasks, &count, NULL) < 0)
		return 0;
	if (!count || count > GUEST_TASKS_MAX)
		abort();
	for (size_t i = 0; i < count; i++) {
		oci_name_format(&tasks[i].name, whole);
		if (!memchr(tasks[i].name.host, '\0', sizeof(tasks[i].name.host)) || !strchr(whole, '/'))
			abort();
	}
	return 0;
}
