/* SPDX-License-Identifier: Apache-2.0 */
#include "initdata/budget.h"

#include "base/err.h"

#include <stdint.h>
#include <string.h>

size_t annotations_size(const json_t *annotations)
{
	json_t *object = (json_t *)(uintptr_t)annotations, *value;
	const char *key;
	size_t total = 0;

	json_object_foreach (object, key, value)
		total += strlen(key) + json_string_length(value);
	return total;
}

size_t annotations_size_with(const json_t *annotations, const char *key, size_t value_len)
{
	const json_t *old = json_object_get(annotations, key);
	size_t total = annotations_size(annotations);

	if (old)
		return total - json_string_length(old) + value_len;
	return total + strlen(key) + value_len;
}

int annotations_check(size_t size, struct err *err)
{
	if (size <= ANNOTATIONS_MAX)
		return 0;
	return err_set(err, ERR_LIMIT,
			"the annotations would take %zu bytes, and the API server allows %d for all of an "
			"object: make the "
			"init-data smaller (a policy by reference, a shorter agent policy)",
			size, ANNOTATIONS_MAX);
}
