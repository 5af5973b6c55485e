/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/authfiles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void finds_the_files_in_their_order(void **state)
{
	static const struct {
		const char *environment[6];
		const char *paths[AUTHFILES_MAX + 1];
	} cases[] = {
		{ { NULL }, { NULL } },
		{ { "HOME=/h", NULL }, { "/h/.config/containers/auth.json", "/h/.docker/config.json" } },
		{ { "HOME=/h", "XDG_RUNTIME_DIR=/r", "XDG_CONFIG_HOME=/c", "DOCKER_CONFIG=/d", NULL },
				{ "/r/containers/auth.json", "/c/containers/auth.json", "/d/config.json" } },
		{ { "HOME=/h", "REGISTRY_AUTH_FILE=/a.json", "DOCKER_CONFIG=/d", NULL }, { "/a.json" } },
		/* one that is empty is not set, and another's name may begin alike */
		{ { "HOME=/h", "DOCKER_CONFIG=", "REGISTRY_AUTH_FILE_OLD=/x", NULL },
				{ "/h/.config/containers/auth.json", "/h/.docker/config.json" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		auto_authfiles struct authfiles files;

		authfiles_find(cases[i].environment, &files);
		size_t k = 0;
		for (; cases[i].paths[k]; k++)
			assert_string_equal(files.paths[k], cases[i].paths[k]);
		assert_null(files.paths[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_files_in_their_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
