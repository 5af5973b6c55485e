/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of core/v1 (Kubernetes 1.36) by what they do to the requests that a guest gets. */
#include "agentpolicy/workload_own.h"

/* clang-format off */
#define TAKEN(name_)            { .name = (name_), .how = FIELD_TAKEN }
#define PASSED(name_)           { .name = (name_), .how = FIELD_PASSED }
#define REFUSED(name_, instead_) { .name = (name_), .how = FIELD_REFUSED, .instead = (instead_) }
#define LAST                    { .name = NULL }
/* clang-format on */

const struct field fields_template[] = { TAKEN("metadata"), TAKEN("spec"), PASSED("apiVersion"),
	PASSED("kind"), PASSED("status"), LAST };

/* dnsPolicy, dnsConfig and hostAliases become files, whose bytes no policy sees. */
const struct field fields_pod[] = {
	TAKEN("volumes"),
	TAKEN("initContainers"),
	TAKEN("containers"),
	REFUSED("ephemeralContainers",
			"a container that is added to a running pod is in no policy: leave it out, or declare"
			" it as an ordinary one"),
	PASSED("restartPolicy"),
	PASSED("terminationGracePeriodSeconds"),
	PASSED("activeDeadlineSeconds"),
	PASSED("dnsPolicy"),
	PASSED("nodeSelector"),
	TAKEN("serviceAccountName"),
	TAKEN("serviceAccount"),
	TAKEN("automountServiceAccountToken"),
	PASSED("nodeName"),
	TAKEN("hostNetwork"),
	REFUSED("hostPID", "there is no host's process namespace in a guest: leave it out"),
	REFUSED("hostIPC", "there is no host's IPC namespace in a guest: leave it out"),
	TAKEN("shareProcessNamespace"),
	TAKEN("securityContext"),
	PASSED("imagePullSecrets"),
	TAKEN("hostname"),
	TAKEN("subdomain"),
	PASSED("affinity"),
	PASSED("schedulerName"),
	PASSED("tolerations"),
	PASSED("hostAliases"),
	PASSED("priorityClassName"),
	PASSED("priority"),
	PASSED("dnsConfig"),
	PASSED("readinessGates"),
	TAKEN("runtimeClassName"),
	TAKEN("enableServiceLinks"),
	PASSED("preemptionPolicy"),
	PASSED("overhead"),
	PASSED("topologySpreadConstraints"),
	TAKEN("setHostnameAsFQDN"),
	TAKEN("os"),
	TAKEN("hostUsers"),
	PASSED("schedulingGates"),
	REFUSED("resourceClaims",
			"which devices a claim brings is not known before the pod runs: ask for a device by"
			" resources.limits of the container"),
	PASSED("resources"),
	REFUSED("hostnameOverride", "cannot be expressed: use hostname"),
	PASSED("schedulingGroup"),
	PASSED("workloadRef"),
	LAST,
};

#define HOST_PROFILE                                       \
	TAKEN("seccompProfile"), TAKEN("appArmorProfile"), \
			REFUSED("windowsOptions", "there are no Windows guests: leave it out")

/* seLinuxOptions: the runtime keeps labels on the host. seLinuxChangePolicy, runAsNonRoot: kubelet's alone. */
const struct field fields_pod_security[] = {
	PASSED("seLinuxOptions"),
	PASSED("seLinuxChangePolicy"),
	PASSED("runAsNonRoot"),
	TAKEN("runAsUser"),
	TAKEN("runAsGroup"),
	TAKEN("supplementalGroups"),
	TAKEN("supplementalGroupsPolicy"),
	TAKEN("fsGroup"),
	TAKEN("fsGroupChangePolicy"),
	TAKEN("sysctls"),
	HOST_PROFILE,
	LAST,
};

const struct field fields_security[] = {
	PASSED("seLinuxOptions"),
	PASSED("runAsNonRoot"),
	TAKEN("runAsUser"),
	TAKEN("runAsGroup"),
	TAKEN("privileged"),
	TAKEN("readOnlyRootFilesystem"),
	TAKEN("allowPrivilegeEscalation"),
	TAKEN("capabilities"),
	TAKEN("procMount"),
	HOST_PROFILE,
	LAST,
};

const struct field fields_capabilities[] = { TAKEN("add"), TAKEN("drop"), LAST };
const struct field fields_sysctl[] = { TAKEN("name"), TAKEN("value"), LAST };

const struct field fields_container[] = {
	TAKEN("name"),
	TAKEN("image"),
	TAKEN("command"),
	TAKEN("args"),
	TAKEN("workingDir"),
	PASSED("ports"),
	TAKEN("envFrom"),
	TAKEN("env"),
	TAKEN("resources"),
	PASSED("resizePolicy"),
	TAKEN("restartPolicy"),
	PASSED("restartPolicyRules"),
	TAKEN("volumeMounts"),
	TAKEN("volumeDevices"),
	TAKEN("livenessProbe"),
	TAKEN("readinessProbe"),
	TAKEN("startupProbe"),
	TAKEN("lifecycle"),
	TAKEN("terminationMessagePath"),
	PASSED("terminationMessagePolicy"),
	PASSED("imagePullPolicy"),
	TAKEN("securityContext"),
	TAKEN("stdin"),
	PASSED("stdinOnce"),
	TAKEN("tty"),
	LAST,
};

const struct field fields_resources[] = {
	TAKEN("limits"),
	PASSED("requests"),
	REFUSED("claims",
			"which devices a claim brings is not known before the pod runs: ask for a device by "
			"limits"),
	LAST,
};

const struct field fields_env[] = { TAKEN("name"), TAKEN("value"), TAKEN("valueFrom"), LAST };

const struct field fields_value_from[] = {
	TAKEN("fieldRef"),
	TAKEN("resourceFieldRef"),
	TAKEN("configMapKeyRef"),
	TAKEN("secretKeyRef"),
	REFUSED("fileKeyRef",
			"kubelet reads the file on the host, where a guest's files are not: let the program "
			"read it"),
	LAST,
};

const struct field fields_env_from[] = { TAKEN("prefix"), TAKEN("configMapRef"), TAKEN("secretRef"), LAST };
const struct field fields_reference[] = { TAKEN("name"), TAKEN("optional"), LAST };
const struct field fields_key_reference[] = { TAKEN("name"), TAKEN("key"), TAKEN("optional"), LAST };
const struct field fields_field_reference[] = { TAKEN("fieldPath"), PASSED("apiVersion"), LAST };
const struct field fields_resource_reference[] = { TAKEN("resource"), PASSED("containerName"),
	PASSED("divisor"), LAST };

const struct field fields_mount[] = {
	TAKEN("name"),
	TAKEN("mountPath"),
	TAKEN("readOnly"),
	TAKEN("recursiveReadOnly"),
	TAKEN("mountPropagation"),
	TAKEN("subPath"),
	TAKEN("subPathExpr"),
	LAST,
};

const struct field fields_device[] = { TAKEN("name"), TAKEN("devicePath"), LAST };

/* grpc, httpGet and tcpSocket are connections that kubelet makes by itself. */
const struct field fields_probe[] = {
	TAKEN("exec"),
	PASSED("grpc"),
	PASSED("httpGet"),
	PASSED("tcpSocket"),
	PASSED("failureThreshold"),
	PASSED("initialDelaySeconds"),
	PASSED("periodSeconds"),
	PASSED("successThreshold"),
	PASSED("terminationGracePeriodSeconds"),
	PASSED("timeoutSeconds"),
	LAST,
};

const struct field fields_lifecycle[] = { TAKEN("postStart"), TAKEN("preStop"), PASSED("stopSignal"), LAST };
const struct field fields_handler[] = { TAKEN("exec"), PASSED("httpGet"), PASSED("tcpSocket"),
	PASSED("sleep"), LAST };
const struct field fields_exec[] = { TAKEN("command"), LAST };

#define BY_CLAIM "is not known to work in a guest: use a persistentVolumeClaim"

const struct field fields_volume[] = {
	TAKEN("name"),
	TAKEN("emptyDir"),
	TAKEN("hostPath"),
	TAKEN("configMap"),
	TAKEN("secret"),
	TAKEN("projected"),
	TAKEN("downwardAPI"),
	TAKEN("persistentVolumeClaim"),
	TAKEN("ephemeral"),
	TAKEN("csi"),
	TAKEN("nfs"),
	TAKEN("azureFile"),
	REFUSED("image",
			"the node would give the guest files that nobody has verified: put them into the "
			"container's"
			" image"),
	REFUSED("gitRepo",
			"the node would give the guest files that nobody has verified: let an init container "
			"clone"),
	REFUSED("awsElasticBlockStore", BY_CLAIM),
	REFUSED("azureDisk", BY_CLAIM),
	REFUSED("cephfs", BY_CLAIM),
	REFUSED("cinder", BY_CLAIM),
	REFUSED("fc", BY_CLAIM),
	REFUSED("flexVolume", BY_CLAIM),
	REFUSED("flocker", BY_CLAIM),
	REFUSED("gcePersistentDisk", BY_CLAIM),
	REFUSED("glusterfs", BY_CLAIM),
	REFUSED("iscsi", BY_CLAIM),
	REFUSED("photonPersistentDisk", BY_CLAIM),
	REFUSED("portworxVolume", BY_CLAIM),
	REFUSED("quobyte", BY_CLAIM),
	REFUSED("rbd", BY_CLAIM),
	REFUSED("scaleIO", BY_CLAIM),
	REFUSED("storageos", BY_CLAIM),
	REFUSED("vsphereVolume", BY_CLAIM),
	LAST,
};
