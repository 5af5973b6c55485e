/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: luks_header_check() of guest/mount_luks.h, on the metadata that a host may have written on a disk. */
#include "codec/json.h"
#include "guest/mount_luks.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted names one cipher for each keyslot and for the data, and is accepted for one kind of volume alone. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_json json_t *metadata = NULL;

	if (json_read(span_new(data, size), 65536, &metadata, NULL) < 0)
		return 0;
	bool plain = !luks_header_check(metadata, false, NULL),
	     tagged = !luks_header_check(metadata, true, NULL);
	if (plain && tagged)
		abort();
	if (!plain && !tagged)
		return 0;
	const char *cipher = json_text_at(metadata, "segments", "0", "encryption", NULL), *name = NULL;
	json_t *slot = NULL;
	if (!cipher || strcmp(cipher, "aes-xts-plain64") != 0)
		abort();
	json_object_foreach (json_object_get(metadata, "keyslots"), name, slot) {
		cipher = json_text_at(slot, "area", "encryption", NULL);
		if (!cipher || strcmp(cipher, "aes-xts-plain64") != 0)
			abort();
	}
	return 0;
}
