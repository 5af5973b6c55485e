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

static void finds_proxies_in_capitals_before_those_in_lower_case(void **state)
{
	const char *const both[] = { "https_proxy=http://b", "HTTPS_PROXY=http://a", "no_proxy=x", NULL };
	const char *const empty[] = { "HTTPS_PROXY=", "NO_PROXY=y", NULL };
	auto_authfiles struct authfiles first, second;

	(void)state;
	authfiles_find(both, &first);
	assert_string_equal(first.proxy, "http://a");
	assert_string_equal(first.no_proxy, "x");
	authfiles_find(empty, &second);
	assert_null(second.proxy);
	assert_string_equal(second.no_proxy, "y");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_files_in_their_order),
		cmocka_unit_test(finds_proxies_in_capitals_before_those_in_lower_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
