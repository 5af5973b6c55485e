/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a workload that its agent policy depends on, in one canonical form: the same for a Deployment's YAML on
 * its owner's disk and for each of the pods that the cluster makes of it. What Kubernetes adds on the way (defaults,
 * the volume with the account's token, hashes in names and labels, tolerations) is left out, what cannot change a
 * request to the guest too.
 *
 *     Deployment shop/web  ──┐
 *     Pod web-5d4f8c7b9-x2x9k ┴▶ {"kind": "Deployment", "name": "web", "namespace": "shop",
 *                                 "sandbox": "^web-[bcdf…]{1,10}-[bcdf…]{5}$",       the sandbox's name, a pattern
 *                                 "class": "kata-qemu-snp", "annotations": {…}, "labels": {…}, "spec": {…}}
 *
 * The tree. All members above are always there; texts may be "", objects empty. Names and forms within `spec` are those
 * of core/v1; a member that has its default is absent, so is an empty list or object, and null does not occur.
 *
 *   annotations   of the template, those that the runtime hands to the guest (io.katacontainers.…, but not
 *                 io.katacontainers.config…, which configure the sandbox and are the profile's), and those that a fieldRef
 *                 of an env reads. Not what the cluster or we write: such a value is the host's to choose, and so is each
 *                 that a fieldRef reads and that is not here.
 *   labels        those that a fieldRef of an env reads, by the same rule: no pod-template-hash, no pod-index …
 *   spec          hostNetwork, shareProcessNamespace: true alone. enableServiceLinks, automountServiceAccountToken: false
 *                 alone. setHostnameAsFQDN: true alone. hostname, subdomain: as the template says them (absent: the pod's
 *                 name; always absent for a StatefulSet and an Indexed Job, whose controllers set them).
 *                 serviceAccountName: absent is "default".
 *     securityContext   runAsUser, runAsGroup, fsGroup: integers. supplementalGroups: integers. supplementalGroupsPolicy:
 *                       "Strict" alone. fsGroupChangePolicy: "OnRootMismatch" alone. sysctls: [{"name", "value"}].
 *     initContainers, containers, injected
 *                 arrays of containers in their order; `injected` are options.injected, made canonical the same way
 *       name, image            always there
 *       command, args          lists of texts, not expanded
 *       workingDir, terminationMessagePath      texts; the latter never "/dev/termination-log"
 *       tty, stdin             true alone
 *       restartPolicy          "Always" alone, of an init container: a sidecar
 *       env                    in order: {"name", "value": always there} or {"name", "valueFrom": one of
 *                              {"fieldRef": {"fieldPath"}}, {"resourceFieldRef": {"resource"}},
 *                              {"configMapKeyRef" | "secretKeyRef": {"name", "key", "optional": true alone}}}
 *       envFrom                in order: {"prefix"?, "configMapRef" | "secretRef": {"name", "optional": true alone}}
 *       securityContext        runAsUser, runAsGroup: integers. privileged, readOnlyRootFilesystem: true alone.
 *                              allowPrivilegeEscalation: false alone. capabilities: {"add"?: […], "drop"?: […]}, without
 *                              "CAP_", in capitals.
 *       resources              {"limits": {"nvidia.com/pgpu": "1"}}: devices alone, whole numbers above 0 as texts
 *       volumeMounts           in order: {"name", "mountPath": absolute, "readOnly": true alone,
 *                              "subPath": true alone, of volumes but emptyDir: a part, whichever,
 *                              "mountPropagation": "HostToContainer" | "Bidirectional"}
 *       volumeDevices          in order: {"name", "devicePath"}
 *       livenessProbe, readinessProbe, startupProbe    {"exec": {"command": […]}}; of other kinds: absent
 *       lifecycle              {"postStart"?, "preStop"?: {"exec": {"command": […]}}}
 *     volumes     those that a container mounts, sorted by name, each {"name", and one of
 *                   "emptyDir": {"medium": "Memory"}, or {}      "hostPath": {"path"}
 *                   "configMap": {"name"}    "secret": {"secretName"}    "projected": {}    "downwardAPI": {}
 *                   "persistentVolumeClaim": {"claimName", "readOnly": true alone}
 *                   "volumeClaimTemplate": {}      of a StatefulSet: in its pods a claim of the name VOLUME-POD
 *                   "ephemeral": {}    "csi": {"driver", "readOnly": true alone}
 *                   "nfs": {"readOnly": true alone}    "azureFile": {"readOnly": true alone}}
 *
 * The volume with the account's token (kube-api-access-…) is not among them, nor its mounts: whether a pod has them is
 * the service account's matter. A generator allows the mount wherever automountServiceAccountToken is absent.
 * JOB_COMPLETION_INDEX, which the controller of an Indexed Job adds, is among the env.
 *
 * A pod's workload is read from its controller's ownerReference: ReplicaSet with the pod-template-hash label → its
 * Deployment; StatefulSet, DaemonSet, ReplicationController, ReplicaSet → itself; Job → itself, or the CronJob when its
 * name ends in the minutes that a CronJob writes (-[0-9]{8}), also where it is a Job's own manifest; others → the pod
 * itself, by generateName or name. Long names are cut as Kubernetes cuts them, and the pattern says so.
 *
 * Containers that options.injected names are left out of the spec, with the volumes that they alone mount.
 * Ephemeral containers are an error: no policy can foresee them.
 *
 * The form is made when a pod is admitted. What is added to a pod later (annotations of the network, an address) may be
 * what a fieldRef reads: a key made of a running pod need not be that of its admission.
 *
 * agent_key() is what admission looks a prepared policy up by: SHA-256 over the canonical tree and the options.
 *
 * A field that Kubernetes has and this room knows to be without effect is passed over; one with an effect that cannot
 * be expressed is an error note that says what to write instead; one that nobody knows is an error, or a warning where
 * `lenient`. Ownership: the struct owns all. Bounds: AGENT_CONTAINERS_MAX containers, AGENT_VOLUMES_MAX volumes.
 */
#ifndef COCOON_AGENTPOLICY_WORKLOAD_H
#define COCOON_AGENTPOLICY_WORKLOAD_H

#include "agentpolicy/notes.h"
#include "agentpolicy/options.h"

#define AGENT_CONTAINERS_MAX 128
#define AGENT_VOLUMES_MAX    256
#define AGENT_KEY_LEN        64

struct agent_workload {
	json_t *tree;
	/* borrowed from it */
	const char *kind, *name, *namespace; /* "" where the manifest has no namespace */
	const char *sandbox;                 /* pattern */
	const char *runtime_class;           /* "" without */
	const json_t *spec;
	const char *path; /* of the pod spec in what was read: "spec.template.spec"; static */
	/* each image once, in the order of its first container (init, others, injected) */
	const char **images;
	size_t image_count;
	/* names of the ConfigMaps, and of the Secrets, that values of env come from; each once */
	const char **config_maps, **secrets;
	size_t config_map_count, secret_count;
};

struct agent_reading {
	const struct agent_options *options;
	const char *namespace; /* of an object that says none; NULL: none */
	bool lenient;
};

/*
 * A Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController, Job, CronJob or PodTemplate.
 * ERR_NOT_FOUND: the kind holds no pods. What is wrong with the content is in the notes (ERR_DENIED when there are
 * errors), ERR_FORMAT for what is no such object at all.
 */
int agent_workload_read(const json_t *object, const struct agent_reading *reading, struct agent_workload *out,
		struct agent_notes *notes, struct err *err)
		__attribute__((nonnull(1, 2, 3, 4), warn_unused_result));
void agent_workload_clear(struct agent_workload *workload) __attribute__((nonnull));
#define auto_agent_workload __attribute__((cleanup(agent_workload_clear)))
#define AGENT_WORKLOAD_NONE  \
	{                    \
		.tree = NULL \
	}

void agent_key(const struct agent_workload *workload, const struct agent_options *options,
		char out[static AGENT_KEY_LEN + 1]) __attribute__((nonnull));

#endif
