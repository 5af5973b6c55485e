/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: kube_config_load, kube_config_access. No header can be smuggled in, and no plugin runs while loading. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/own.h"
#include "kube/config.h"
#include "kube/name.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_fd int fd = memfd_create("kubeconfig", MFD_CLOEXEC);
	auto_kube_config struct kube_config *config = NULL;
	char path[64];

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct kube_source source = { .files = path };
	if (kube_config_load(&source, &clock_real, &config, NULL) < 0)
		return 0;
	assert(!strncmp(kube_config_server(config), "http", 4));
	assert(name_is_label(span_of(kube_config_namespace(config))));
	/* the files named may be anything, and a plugin must not run here: so only what needs neither */
	if (memmem(data, size, "exec", 4))
		return 0;
	struct kube_access access;
	if (kube_config_access(config, false, &access, NULL) == 0)
		for (const char *const *at = access.headers; at && *at; at++)
			assert(!strpbrk(*at, "\r\n") && !strncmp(*at, "Impersonate-", 12));
	return 0;
}
