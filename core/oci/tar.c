/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/tar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* what 11 octal digits hold */
#define OCTAL_MAX (((uint64_t)1 << 33) - 1)

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[6],
			version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct ustar) == TAR_BLOCK, "one header is one block");

static void write_header(unsigned char *out, const char *name, char type, uint64_t size)
{
	struct ustar head = { .type = type,
		.mode = "0000644",
		.uid = "0000000",
		.gid = "0000000",
		.mtime = "00000000000",
		.magic = "ustar",
		.version = { '0', '0' } };
	unsigned sum = 0;

	snprintf(head.name, sizeof(head.name), "%s", name);
	/* a larger one stands in the extended header alone */
	snprintf(head.size, sizeof(head.size), "%011" PRIo64, size > OCTAL_MAX ? 0 : size);
	memset(head.sum, ' ', sizeof(head.sum));
	memcpy(out, &head, sizeof(head));
	for (size_t i = 0; i < sizeof(head); i++)
		sum += out[i];
	snprintf(head.sum, sizeof(head.sum), "%06o", sum);
	memcpy(out, &head, sizeof(head));
}

/* "LEN key=value\n", where LEN counts itself. */
static size_t write_record(char *out, size_t room, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;

	while (len != rest + (size_t)snprintf(NULL, 0, "%zu", len))
		len++;
	snprintf(out, room, "%zu %s=%s\n", len, key, value);
	return len;
}

void tar_head(const char *name, uint64_t size, unsigned char out[static TAR_HEAD])
{
	char records[TAR_BLOCK] = "", number[24];
	size_t len;

	assert(strlen(name) <= TAR_NAME_MAX);
	len = write_record(records, sizeof(records), "path", name);
	if (size > OCTAL_MAX) {
		snprintf(number, sizeof(number), "%" PRIu64, size);
		len += write_record(records + len, sizeof(records) - len, "size", number);
	}
	memset(out, 0, TAR_HEAD);
	write_header(out, "pax", 'x', len);
	memcpy(out + TAR_BLOCK, records, len);
	write_header(out + 2 * TAR_BLOCK, name, '0', size);
}
