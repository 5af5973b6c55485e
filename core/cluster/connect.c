/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/connect.h"

#include "base/err.h"
#include "kube/config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *variable(const char *const *environment, const char *name)
{
	size_t len = strlen(name);

	for (; *environment; environment++)
		if (!strncmp(*environment, name, len) && (*environment)[len] == '=')
			return *environment + len + 1;
	return NULL;
}

int connect_environment(struct connect *connect, const char *const *environment, struct err *err)
{
	const char *pod = variable(environment, "POD_NAME");

	if (!connect->kubeconfig)
		connect->kubeconfig = variable(environment, "KUBECONFIG");
	connect->service_host = variable(environment, "KUBERNETES_SERVICE_HOST");
	connect->service_port = variable(environment, "KUBERNETES_SERVICE_PORT");
	connect->environment = environment;
	if (pod && *pod)
		snprintf(connect->pod_name, sizeof(connect->pod_name), "%s", pod);
	else if (gethostname(connect->pod_name, sizeof(connect->pod_name) - 1) < 0)
		return err_errno(err, ERR_IO, "cannot read the host name");
	return 0;
}

int connect_config(const struct connect *connect, const struct clock *clock, struct kube_config **out,
		struct err *err)
{
	if (connect->kubeconfig && connect->kubeconfig[0]) {
		const struct kube_source source = {
			.files = connect->kubeconfig,
			.context = connect->context,
			.environment = connect->environment,
		};
		return kube_config_load(&source, clock, out, err);
	}
	if (!connect->service_host || !connect->service_port)
		return err_set(err, ERR_USAGE,
				"no cluster to talk to: give --kubeconfig FILE (or set KUBECONFIG), or run "
				"in a pod, where "
				"KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are set");
	return kube_config_in_cluster(
			CONNECT_ACCOUNT_DIR, connect->service_host, connect->service_port, clock, out, err);
}
