# SPDX-License-Identifier: Apache-2.0
"""A pod as the API server, the controllers and the kubelet make it: from a manifest to what a container runtime is told
(names, variables, arguments, users, mounts). Written from what those programs do, and from nothing that generates
policies, so that the two can disagree."""

import hashlib
import math
import re

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
POD_IP, HOST_IP, NODE = "10.244.1.17", "192.0.2.7", "node-7.example"
UNITS = {"m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
READ_ONLY_VOLUMES = ("configMap", "secret", "projected", "downwardAPI")


def digits(text, count):
    """Hexadecimal digits that look random and are always the same."""
    return hashlib.sha256(text.encode()).hexdigest()[:count]


def uuid_of(text):
    d = digits(text, 32)
    return "-".join((d[:8], d[8:12], d[12:16], d[16:20], d[20:]))


def quantity(text):
    number, unit = re.fullmatch(r"([0-9.]+)([a-zA-Z]*)", str(text)).groups()
    return float(number) * UNITS.get(unit, 1)


def workloads(documents):
    """Of a file's documents, or a List: the objects that make pods, and the others."""
    found, others = [], []
    for one in documents:
        if not one:
            continue
        if one["kind"] == "List":
            inner, rest = workloads(one["items"])
            found, others = found + inner, others + rest
        elif one["kind"] in ("Pod", "PodTemplate") or "template" in one.get("spec", {}) or one["kind"] == "CronJob":
            found.append(one)
        else:
            others.append(one)
    return found, others


class Pod:
    def __init__(self, workload, others):
        self.workload, self.others = workload, others
        kind, meta = workload["kind"], workload["metadata"]
        template = workload
        if kind == "CronJob":
            template = workload["spec"]["jobTemplate"]["spec"]["template"]
        elif kind == "PodTemplate":
            template = workload["template"]
        elif kind != "Pod":
            template = workload["spec"]["template"]
        self.spec = template["spec"]
        self.meta = template.get("metadata", {})
        self.namespace = meta.get("namespace", "default")
        self.name, self.hostname = self.names(kind, meta)
        self.uid = meta.get("uid") or uuid_of(f"uid of {self.namespace}/{self.name}")
        self.labels, self.annotations = dict(self.meta.get("labels", {})), dict(self.meta.get("annotations", {}))
        if kind == "StatefulSet":
            self.labels["apps.kubernetes.io/pod-index"] = "0"
        self.volumes = {v["name"]: v for v in self.spec.get("volumes", [])}
        for claim in workload["spec"].get("volumeClaimTemplates", []) if kind == "StatefulSet" else []:
            self.volumes[claim["metadata"]["name"]] = {"persistentVolumeClaim": {"claimName": "of-the-pod"}}
        self.init = self.spec.get("initContainers", [])
        self.containers = self.init + self.spec["containers"]

    def names(self, kind, meta):
        def generated(base, random="x2kqz"):
            return base[:58] + random
        if kind in ("Pod", "PodTemplate") and "name" in meta and kind == "Pod":
            name = meta["name"]
        elif kind == "Pod":
            name = generated(meta["generateName"])
        elif kind == "Deployment":
            name = generated(generated_set(meta["name"]) + "-")
        elif kind == "StatefulSet":
            name = meta["name"] + "-0"
        elif kind == "CronJob":
            name = generated(meta["name"] + "-28990350-")
        elif kind == "Job" and self.workload["spec"].get("completionMode") == "Indexed":
            name = generated(meta["name"] + "-0-")
            return name, meta["name"] + "-0"
        else:
            name = generated(meta["name"] + "-")
        if self.spec.get("hostNetwork"):
            return name, NODE
        return name, self.spec.get("hostname") or name[:63].rstrip("-.")

    def security(self, container, member, default=None):
        for context in (container.get("securityContext", {}), self.spec.get("securityContext", {})):
            if context.get(member) is not None:
                return context[member]
        return default

    # ---- variables and arguments

    def source(self, kind, name):
        for one in self.others:
            if one["kind"] == kind and one["metadata"]["name"] == name:
                return {**one.get("data", {}), **one.get("stringData", {})}
        return None

    def field(self, path):
        known = {"metadata.name": self.name, "metadata.namespace": self.namespace, "metadata.uid": self.uid,
                 "status.podIP": POD_IP, "status.hostIP": HOST_IP, "status.podIPs": POD_IP, "status.hostIPs": HOST_IP,
                 "spec.nodeName": NODE, "spec.serviceAccountName": self.spec.get("serviceAccountName", "default")}
        if path in known:
            return known[path]
        which, key = re.fullmatch(r"metadata\.(labels|annotations)\['(.*)'\]", path).groups()
        return (self.labels if which == "labels" else self.annotations)[key]

    def value_from(self, container, source):
        if "fieldRef" in source:
            return self.field(source["fieldRef"]["fieldPath"])
        if "resourceFieldRef" in source:
            wanted = source["resourceFieldRef"]
            part, resource = wanted["resource"].split(".", 1)
            amount = quantity(container["resources"][part][resource])
            return str(math.ceil(amount / quantity(wanted.get("divisor", "1"))))
        kind, key = ("ConfigMap", source["configMapKeyRef"]) if "configMapKeyRef" in source else ("Secret", source["secretKeyRef"])
        return (self.source(kind, key["name"]) or {}).get(key["key"])

    def kubelet_env(self, container):
        env = {}
        for source in container.get("envFrom", []):
            kind, ref = ("ConfigMap", source["configMapRef"]) if "configMapRef" in source else ("Secret", source["secretRef"])
            for key, value in (self.source(kind, ref["name"]) or {}).items():
                env[source.get("prefix", "") + key] = value
        for variable in container.get("env", []):
            value = variable.get("value", "")
            if "valueFrom" in variable:
                value = self.value_from(container, variable["valueFrom"])
            else:
                value = expanded(value, env)
            if value is not None:
                env[variable["name"]] = value
        for name, value in (("SERVICE_HOST", "10.96.0.1"), ("SERVICE_PORT", "443"), ("SERVICE_PORT_HTTPS", "443"),
                            ("PORT", "tcp://10.96.0.1:443"), ("PORT_443_TCP", "tcp://10.96.0.1:443"),
                            ("PORT_443_TCP_PROTO", "tcp"), ("PORT_443_TCP_PORT", "443"), ("PORT_443_TCP_ADDR", "10.96.0.1")):
            env.setdefault("KUBERNETES_" + name, value)
        if self.workload["kind"] == "Job" and self.workload["spec"].get("completionMode") == "Indexed":
            env["JOB_COMPLETION_INDEX"] = "0"
        return env

    def env(self, container, image):
        env = dict(one.split("=", 1) for one in image.get("Env") or [DEFAULT_PATH])
        if container.get("tty"):
            env["TERM"] = "xterm"
        env["HOSTNAME"] = self.hostname
        env.update(self.kubelet_env(container))
        return [f"{name}={value}" for name, value in env.items()]

    def args(self, container, image):
        env = self.kubelet_env(container)
        command, args = ([expanded(text, env) for text in container.get(part, [])] for part in ("command", "args"))
        if not command:
            command = image.get("Entrypoint") or []
            args = args or image.get("Cmd") or []
        return command + args

    # ---- users

    def user(self, container, facts):
        passwd = [line.split(":") for line in (facts.get("passwd") or "").splitlines()]
        named = (facts["config"].get("User") or "").split(":")[0]
        uid, gid = self.security(container, "runAsUser"), self.security(container, "runAsGroup")
        if uid is None:
            uid = int(named) if named.isdigit() else next((int(p[2]) for p in passwd if p[0] == named), 0)
        login = next((p for p in passwd if int(p[2]) == uid), None)
        if gid is None:
            gid = int(login[3]) if login else 0
        groups = {gid}
        if login and self.security(container, "supplementalGroupsPolicy") != "Strict":
            for line in (facts.get("group") or "").splitlines():
                name, _, number, members = line.split(":")
                if login[0] in members.split(","):
                    groups.add(int(number))
        context = self.spec.get("securityContext", {})
        groups |= set(context.get("supplementalGroups", []))
        groups |= {context["fsGroup"]} if "fsGroup" in context else set()
        return {"UID": uid, "GID": gid, "AdditionalGids": sorted(groups), "Username": ""}

    # ---- mounts: (destination, options, the volume or a name of what the kubelet keeps)

    def mounts(self, container, image):
        found = []
        for mount in container.get("volumeMounts", []):
            volume = self.volumes[mount["name"]]
            source = next(volume[k] for k in volume if k != "name")
            read_only = mount.get("readOnly") or any(k in volume for k in READ_ONLY_VOLUMES) or (source or {}).get("readOnly")
            propagation = {"HostToContainer": "rslave", "Bidirectional": "rshared"}.get(mount.get("mountPropagation"), "rprivate")
            found.append((mount["mountPath"], ["rbind", propagation, "ro" if read_only else "rw"], mount["name"]))
        token = "/var/run/secrets/kubernetes.io/serviceaccount"
        if self.spec.get("automountServiceAccountToken", True) and token not in [m[0] for m in found]:
            found.append((token, ["rbind", "rprivate", "ro"], None))
        there = [m[0] for m in found]
        for destination in ("/etc/hosts", container.get("terminationMessagePath", "/dev/termination-log")):
            if destination not in there:
                found.append((destination, ["rbind", "rprivate", "rw"], None))
        mode = "ro" if container.get("securityContext", {}).get("readOnlyRootFilesystem") else "rw"
        for destination in ("/etc/hostname", "/etc/resolv.conf"):
            if destination not in there:
                found.append((destination, ["rbind", "rprivate", mode], None))
        if "/dev/shm" not in there:
            found.append(("/dev/shm", ["rbind"], "the sandbox's"))
        for volume in image.get("Volumes") or []:
            clean = re.sub("/+", "/", volume).rstrip("/")
            if clean not in there:
                found.append((clean, ["rbind", "rprivate", "rw"], None))
        return sorted(found, key=lambda m: m[0].count("/"))

    def commands(self, container):
        """The argument vectors of probes and hooks."""
        found = [container.get(probe, {}) for probe in ("livenessProbe", "readinessProbe", "startupProbe")]
        found += [container.get("lifecycle", {}).get(hook, {}) for hook in ("postStart", "preStop")]
        return [one["exec"]["command"] for one in found if "exec" in one]


def generated_set(name):
    return name[:242] + "-6c9d8f7b5d"


def expanded(text, env):
    """$(NAME) of what is known, $$ for $."""
    def one(match):
        if match.group(0) == "$$":
            return "$"
        return env.get(match.group(1), match.group(0))
    return re.sub(r"\$\$|\$\(([^()]*)\)", one, text)
