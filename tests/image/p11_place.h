/* SPDX-License-Identifier: Apache-2.0 */
/* The folder in which the tests of PKCS#11 put their files: made with mkdtemp(place) when a group of them begins. */
#ifndef COCOON_TESTS_IMAGE_P11_PLACE_H
#define COCOON_TESTS_IMAGE_P11_PLACE_H

#include "base/own.h"
#include "tests/image/wrapping.h"

#include <ftw.h>

static char place[] = "/tmp/cocoon-p11-XXXXXX";

static inline void put(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline void put(const char *name, const char *fmt, ...)
{
	auto_file FILE *file = NULL;
	char path[200];
	va_list ap;

	snprintf(path, sizeof(path), "%s/%s", place, name);
	file = fopen(path, "w");
	assert_non_null(file);
	va_start(ap, fmt);
	vfprintf(file, fmt, ap);
	va_end(ap);
}

static inline const char *at(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", place, name);
	return path;
}

static inline int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status, (void)kind, (void)where;
	return remove(path);
}

#endif
