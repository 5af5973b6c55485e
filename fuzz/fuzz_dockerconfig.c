/* SPDX-License-Identifier: Apache-2.0 */
/* Targets: dockerconfig_find, oci_login_parse. What is found can be sent: no control bytes in a user or a password.
 * No helper runs: a text that names one is passed over. */
#include "oci/dockerconfig.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct oci_login *login)
{
	for (const char *c = login->user; c && *c; c++)
		if ((unsigned char)*c < 0x20 || *c == ':')
			abort();
	for (size_t i = 0; i < login->password.len; i++)
		if (login->password.ptr[i] < 0x20)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const hosts[] = { "docker.io", "h.example:5000" };
	struct span text = span_new(data, size);

	for (size_t i = 0; i < 2 && !memmem(data, size, "cred", 4) && !memchr(data, '\\', size); i++) {
		auto_oci_login struct oci_login login = OCI_LOGIN_NONE;
		if (dockerconfig_find(text, hosts[i], "a/b/c", &login, NULL) == 0)
			check(&login);
	}
	auto_oci_login struct oci_login login = OCI_LOGIN_NONE;
	if (oci_login_parse(text, &login, NULL) == 0)
		check(&login);
	return 0;
}
