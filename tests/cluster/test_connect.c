/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/err.h"
#include "cluster/connect.h"
#include "kube/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const around[] = { "KUBERNETES_SERVICE_PORTS=no", "KUBECONFIG=/home/a/config",
	"KUBERNETES_SERVICE_HOST=10.0.0.1", "KUBERNETES_SERVICE_PORT=443", NULL };

static void takes_what_the_command_line_left_open(void **state)
{
	struct connect connect = { 0 };

	(void)state;
	assert_int_equal(connect_environment(&connect, around, NULL), 0);
	assert_string_equal(connect.kubeconfig, "/home/a/config");
	assert_string_equal(connect.service_host, "10.0.0.1");
	assert_string_equal(connect.service_port, "443");
	assert_ptr_equal(connect.environment, around);
}

static void a_pod_is_called_by_its_name_else_by_its_host(void **state)
{
	static const char *const named[] = { "POD_NAME=webhook-7", NULL },
				 *const unnamed[] = { "POD_NAME=", NULL };
	struct connect connect = { 0 };
	char host[CONNECT_NAME_MAX] = "";

	(void)state;
	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	assert_int_equal(connect_environment(&connect, named, NULL), 0);
	assert_string_equal(connect.pod_name, "webhook-7");
	assert_int_equal(connect_environment(&connect, unnamed, NULL), 0);
	assert_string_equal(connect.pod_name, host);
}

static void the_command_line_wins(void **state)
{
	struct connect connect = { .kubeconfig = "mine" };

	(void)state;
	assert_int_equal(connect_environment(&connect, around, NULL), 0);
	assert_string_equal(connect.kubeconfig, "mine");
}

static void says_what_to_give_when_there_is_no_cluster(void **state)
{
	static const char *const empty[] = { "PATH=/bin", NULL };
	struct connect connect = { 0 };
	auto_kube_config struct kube_config *config = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(connect_environment(&connect, empty, NULL), 0);
	assert_int_equal(connect_config(&connect, &clock_real, &config, &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	assert_non_null(strstr(err.text, "--kubeconfig FILE"));
	assert_null(config);
}

static void names_the_file_that_is_not_there(void **state)
{
	struct connect connect = { .kubeconfig = "no/such/file" };
	auto_kube_config struct kube_config *config = NULL;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(connect_config(&connect, &clock_real, &config, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "no/such/file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_the_command_line_left_open),
		cmocka_unit_test(a_pod_is_called_by_its_name_else_by_its_host),
		cmocka_unit_test(the_command_line_wins),
		cmocka_unit_test(says_what_to_give_when_there_is_no_cluster),
		cmocka_unit_test(names_the_file_that_is_not_there),
	};
	return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
