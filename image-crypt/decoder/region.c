/* SPDX-License-Identifier: Apache-2.0 */
#include "image-crypt/decoder/region.h"

#include "base/err.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void region_clear(struct region *region)
{
	if (region->ptr) {
		explicit_bzero(region->ptr, region->len);
		munmap(region->ptr, region->room);
	}
	*region = (struct region)REGION_NONE;
}

int region_read(struct region *region, int fd, size_t max, struct err *err)
{
	/* one byte more shows that there are too many; pages that are not written to cost nothing */
	size_t room = max + 1;
	void *ptr = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (ptr == MAP_FAILED)
		return err_errno(err, ERR_IO, "no memory for %zu bytes", room);
	*region = (struct region){ ptr, 0, room };
	(void)madvise(ptr, room, MADV_DONTDUMP);
	for (;;) {
		ssize_t n = read(fd, region->ptr + region->len, room - region->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_IO, "reading descriptor %d", fd);
		if (!n)
			return 0;
		region->len += (size_t)n;
		if (region->len > max)
			return err_set(err, ERR_LIMIT, "more than %zu bytes", max);
	}
}
