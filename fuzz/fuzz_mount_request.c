/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: mount_request_parse() of guest/mount.h, mount_volume_parse() of guest/mount_own.h. */
#include "codec/json.h"
#include "guest/mount_own.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted has a device, a key where it needs one, and no argument that another program would misread. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *json = NULL;
	struct mount_request request;
	struct mount_volume volume = { .device_id = NULL };

	if (json_read(span_new(data, size), 65536, &json, NULL) < 0 ||
			mount_request_parse(json, &request, NULL) < 0 ||
			mount_volume_parse(request.options, &volume, NULL) < 0)
		return 0;
	if (!volume.device_id == !volume.device_path || (volume.encrypted && !volume.key))
		abort();
	if (!volume.mapper[0] || strchr(volume.mapper, '/') || volume.mapper[0] == '-' ||
			volume.mapper[0] == '.')
		abort();
	for (size_t i = 0; i < volume.mkfs_count; i++)
		if (volume.mkfs[i][0] == '/' || !volume.mkfs[i][0] || (!i && volume.mkfs[i][0] != '-'))
			abort();
	return 0;
}
