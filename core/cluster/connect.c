/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/connect.h"

#include "base/err.h"
#include "kube/config.h"

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
