#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The requests that a guest's agent gets while a pod starts as it should, in their order, one JSON a line:

    requests.py MANIFEST.json IMAGES.json [WORKLOAD]

    {"step": "create web", "kind": "CreateContainerRequest", "request": {…}, "allowed": true, "description": "…"}

MANIFEST is one object, a List, or an array of objects (YAML: tests/drivers/yaml_json); WORKLOAD counts those in it that
make pods, from 0. IMAGES is what initdata-gen writes for --layers-cache-file-path: {"images": {NAME: {"config", "passwd",
"group"}}}. Requests are those of containerd and of Kata's shim (4.1, guest pull, no shared file system), as messages with
all of their members (specification of agent policies, 1.4)."""

import base64
import json
import os.path
import sys

from pods import Pod, digits, uuid_of, workloads

CAPABILITIES = ["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP",
                "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"]
ALL_CAPABILITIES = CAPABILITIES + [
    "DAC_READ_SEARCH", "LINUX_IMMUTABLE", "NET_BROADCAST", "NET_ADMIN", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO",
    "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "LEASE",
    "AUDIT_CONTROL", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE"]
MASKED = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
          "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
GUEST, SHARED = "/run/kata-containers", "/run/kata-containers/shared/containers"
GO_FOLDER = 1 << 31  # how Go marks a folder; the shim sends its own constant for the folders that are made on the way


def mount(destination, kind, source, options):
    return {"destination": destination, "source": source, "type_": kind, "options": options}


def storage(driver, source, fstype, point, options=(), driver_options=(), group=None, shared=False):
    return {"driver": driver, "driver_options": list(driver_options), "source": source, "fstype": fstype,
            "options": list(options), "mount_point": point, "fs_group": group, "shared": shared}


def capabilities(wanted):
    return {"Bounding": wanted, "Effective": wanted, "Inheritable": [], "Permitted": wanted, "Ambient": []}


class Guest:
    """Of one pod. Steps are appended to `steps`; nothing is remembered but them."""

    def __init__(self, pod, images):
        self.pod, self.images, self.steps = pod, images, []
        self.id = digits(f"sandbox of {pod.name}", 64)
        self.privileged = any(c.get("securityContext", {}).get("privileged") for c in pod.containers)
        self.remote = pod.spec.get("runtimeClassName", "").startswith("kata-remote")
        self.gpu = 0

    def say(self, step, kind, request, description=None):
        self.steps.append({"step": step, "kind": kind, "request": request, "allowed": True, "description": description or step})

    def container_id(self, name, times=0):
        return digits(f"{self.pod.name} {name} {times}", 64)

    # ---- the sandbox

    def sandbox(self):
        pod = self.pod
        shm = storage("ephemeral", "shm", "tmpfs", f"{GUEST}/sandbox/shm", ["noexec", "nosuid", "nodev", "mode=1777", "size=67108864"])
        self.say("sandbox", "CreateSandboxRequest", {
            "hostname": pod.hostname, "dns": ["search example", "nameserver 10.96.0.10"], "storages": [shm],
            "sandbox_pidns": False, "sandbox_id": self.id, "guest_hook_path": "", "kernel_modules": []})
        self.say("interface", "UpdateInterfaceRequest", {"interface": {
            "device": "eth0", "name": "eth0", "mtu": 1450, "hwAddr": "02:42:ac:11:00:02", "devicePath": "02/01", "type_": "",
            "raw_flags": 0, "IPAddresses": [{"family": 0, "address": "10.244.1.17", "mask": "24"}]}})
        self.say("routes", "UpdateRoutesRequest", {"routes": {"Routes": [
            {"dest": "", "gateway": "10.244.1.1", "device": "eth0", "source": "", "scope": 0, "family": 0, "flags": 0, "mtu": 0},
            {"dest": "10.244.1.0/24", "gateway": "", "device": "eth0", "source": "10.244.1.17", "scope": 253, "family": 0,
             "flags": 0, "mtu": 0}]}})
        self.say("neighbors", "AddARPNeighborsRequest", {"neighbors": {"ARPNeighbors": [
            {"toIPAddress": {"family": 0, "address": "10.244.1.1", "mask": ""}, "device": "eth0", "lladdr": "02:42:ac:11:00:01",
             "state": 128, "flags": 0}]}})
        self.file("pause", self.id, "/etc/resolv.conf")
        self.pause()

    def annotations(self, kind, container_id):
        cri = {"container-type": kind, "sandbox-id": self.id, "sandbox-name": self.pod.name,
               "sandbox-namespace": self.pod.namespace, "sandbox-uid": self.pod.uid}
        found = {f"io.kubernetes.cri.{name}": value for name, value in cri.items()}
        found["io.katacontainers.pkg.oci.bundle_path"] = f"/run/containerd/io.containerd.runtime.v2.task/k8s.io/{container_id}"
        found["io.katacontainers.pkg.oci.container_type"] = "pod_" + kind
        return found | {k: v for k, v in self.pod.annotations.items() if k.startswith("io.katacontainers.")}

    def pause(self):
        pod, context = self.pod, self.pod.spec.get("securityContext", {})
        uid = context.get("runAsUser", 65535)
        gid = context.get("runAsGroup", 0 if "runAsUser" in context else 65535)
        annotations = self.annotations("sandbox", self.id) | {
            "io.kubernetes.cri.podsandbox.image-name": "registry.k8s.io/pause:3.10",
            "io.kubernetes.cri.sandbox-log-directory": f"/var/log/pods/{pod.namespace}_{pod.name}_{pod.uid}",
            "io.kubernetes.cri.sandbox-cpu-period": "100000", "io.kubernetes.cri.sandbox-cpu-quota": "0",
            "io.kubernetes.cri.sandbox-cpu-shares": "102", "io.kubernetes.cri.sandbox-memory": "0",
            "nerdctl/network-namespace": "/var/run/netns/" + ("cnitest-" if pod.spec.get("hostNetwork") else "cni-") + uuid_of(self.id)}
        process = self.process(["/pause"], ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"], "/",
                               {"UID": uid, "GID": gid, "AdditionalGids": [gid], "Username": ""})
        process |= {"NoNewPrivileges": True, "OOMScoreAdj": -998}
        mounts = self.system_mounts(self.privileged, False)
        mounts.insert(3, mount("/dev/shm", "bind", f"{GUEST}/sandbox/shm", ["rbind"]))
        mounts.append(mount("/etc/resolv.conf", "bind", self.shared(self.id, "/etc/resolv.conf"),
                            ["rbind", "ro", "nosuid", "nodev", "noexec"]))
        oci = self.oci(self.id, annotations, process, True, mounts)
        oci["Hostname"] = pod.hostname
        oci["Linux"]["Sysctl"] = {one["name"]: one["value"] for one in context.get("sysctls", [])}
        if pod.spec.get("hostNetwork"):
            del oci["Linux"]["Namespaces"][1]
        self.create("pause", self.id, oci, [self.pulled(self.id, "pause")], [], False)

    # ---- what every container has

    def process(self, args, env, cwd, user):
        return {"Terminal": False, "ConsoleSize": None, "User": user, "Args": args, "Env": env, "Cwd": cwd,
                "Capabilities": capabilities(["CAP_" + one for one in CAPABILITIES]), "Rlimits": [], "NoNewPrivileges": False,
                "ApparmorProfile": "", "OOMScoreAdj": 1000, "SelinuxLabel": ""}

    def system_mounts(self, privileged, cgroup):
        mode = "rw" if privileged else "ro"
        found = [mount("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
                 mount("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
                 mount("/dev/pts", "devpts", "devpts", ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
                 mount("/dev/mqueue", "mqueue", "mqueue", ["nosuid", "noexec", "nodev"]),
                 mount("/sys", "sysfs", "sysfs", ["nosuid", "noexec", "nodev", mode])]
        if cgroup:
            found.append(mount("/sys/fs/cgroup", "cgroup", "cgroup", ["nosuid", "noexec", "nodev", "relatime", mode]))
        return found

    def oci(self, container_id, annotations, process, read_only, mounts):
        resources = {
            "Devices": [], "Pids": None, "BlockIO": None, "HugepageLimits": [], "Network": None,
            "Memory": {"Limit": 0, "Reservation": 0, "Swap": 0, "Kernel": 0, "KernelTCP": 0, "Swappiness": 0, "DisableOOMKiller": False},
            "CPU": {"Shares": 2, "Quota": 0, "Period": 100000, "RealtimeRuntime": 0, "RealtimePeriod": 0, "Cpus": "", "Mems": ""}}
        return {
            "Version": "1.1.0", "Process": process, "Root": {"Path": f"{GUEST}/{container_id}/rootfs", "Readonly": read_only},
            "Hostname": "", "Mounts": mounts, "Hooks": None, "Annotations": annotations, "Solaris": None, "Windows": None,
            "Linux": {"UIDMappings": [], "GIDMappings": [], "Sysctl": {}, "Resources": resources,
                      "CgroupsPath": f"kubepods-besteffort-pod{self.pod.uid.replace('-', '_')}.slice:cri-containerd:{container_id}",
                      "Namespaces": [{"Type": one, "Path": ""} for one in ("ipc", "uts", "mount")], "Devices": [], "Seccomp": None,
                      "RootfsPropagation": "", "MaskedPaths": list(MASKED), "ReadonlyPaths": list(READ_ONLY), "MountLabel": "",
                      "IntelRdt": None}}

    def pulled(self, container_id, image):
        return storage("image_guest_pull", image, "overlay", f"{GUEST}/{container_id}/rootfs")

    def shared(self, container_id, destination):
        name = os.path.basename(destination.rstrip("/"))
        return f"{SHARED}/{container_id}-{digits(container_id + destination, 16)}-{name}"

    def copy(self, step, path, kind="Regular", target=None):
        mode = {"Regular": 0o100644, "Directory": 0o40755, "Symlink": 0o120777}[kind]
        size = 120 if kind == "Regular" else 0
        self.say(step, "CopyFileRequest", {
            "path": path, "file_type": kind, "symlink_target": target, "file_size": size, "file_mode": mode, "dir_mode": GO_FOLDER | 0o750,
            "uid": 0, "gid": 0, "offset": 0}, f"the guest gets {os.path.basename(path)[-24:]}")

    def file(self, name, container_id, destination, folder=False):
        """What the host has for it is copied, as no file system is shared."""
        path, step = self.shared(container_id, destination), f"copy {name} {destination}"
        if not folder:
            return self.copy(step, path)
        self.copy(step, path, "Directory")
        self.copy(f"{step}/..data", f"{path}/..data", "Symlink", "..2026_01_02_03_04_05.678")
        return self.copy(f"{step} file", f"{path}/..2026_01_02_03_04_05.678/a.file")

    def create(self, name, container_id, oci, storages, devices, pidns):
        self.say(f"create {name}", "CreateContainerRequest", {
            "container_id": container_id, "exec_id": container_id, "string_user": None, "devices": devices, "storages": storages,
            "OCI": oci, "sandbox_pidns": pidns, "shared_mounts": [], "stdin_port": 0, "stdout_port": 0, "stderr_port": 0})
        self.say(f"start {name}", "StartContainerRequest", {"container_id": container_id})
        self.say(f"wait {name}", "WaitProcessRequest", {"container_id": container_id, "exec_id": container_id})

    # ---- containers of the manifest

    def container(self, name, times=0):
        container = next(c for c in self.pod.containers if c["name"] == name)
        facts, container_id = self.images[container["image"]], self.container_id(name, times)
        config, context = facts["config"], container.get("securityContext", {})
        process = self.process(self.pod.args(container, config), self.pod.env(container, config),
                               container.get("workingDir") or config.get("WorkingDir") or "/", self.pod.user(container, facts))
        process["NoNewPrivileges"] = context.get("allowPrivilegeEscalation") is False
        process["Terminal"] = bool(container.get("tty"))
        process["ApparmorProfile"] = "" if context.get("privileged") else "cri-containerd.apparmor.d"
        process["Capabilities"] = self.capabilities(context)
        annotations = self.annotations("container", container_id) | {
            "io.kubernetes.cri.container-name": name, "io.kubernetes.cri.image-name": container["image"]}
        mounts, storages = self.mounts(container, config, container_id)
        oci = self.oci(container_id, annotations, process, context.get("readOnlyRootFilesystem", False), mounts)
        if context.get("privileged"):
            oci["Linux"]["MaskedPaths"], oci["Linux"]["ReadonlyPaths"] = [], []
        options = [option for one in mounts for option in one["options"]]
        oci["Linux"]["RootfsPropagation"] = next((one for one in ("rshared", "rslave") if one in options), "")
        devices = self.devices(container, oci)
        self.create(name, container_id, oci, [self.pulled(container_id, container["image"])] + storages, devices,
                    self.pod.spec.get("shareProcessNamespace", False))

    def capabilities(self, context):
        wanted = list(ALL_CAPABILITIES if context.get("privileged") else CAPABILITIES)
        add, drop = (context.get("capabilities", {}).get(part, []) for part in ("add", "drop"))
        if not context.get("privileged"):
            wanted = list(ALL_CAPABILITIES) if "ALL" in add else wanted
            wanted = [] if "ALL" in drop else wanted
            wanted += [one for one in add if one != "ALL" and one not in wanted]
            wanted = [one for one in wanted if one not in drop]
        return capabilities(["CAP_" + one for one in wanted])

    def mounts(self, container, config, container_id):
        mounts = self.system_mounts(container.get("securityContext", {}).get("privileged"), True)
        storages = []
        for destination, options, name in self.pod.mounts(container, config):
            volume = self.pod.volumes.get(name, {})
            source = None
            if name == "the sandbox's":
                source = f"{GUEST}/sandbox/shm"
            elif "emptyDir" in volume:
                source, kept = self.empty_dir(name, volume["emptyDir"] or {})
                storages.append(kept)
            elif volume.get("hostPath", {}).get("path", "").startswith(("/dev/", "/sys")):
                source = volume["hostPath"]["path"]
            if not source:
                source = self.shared(container_id, destination)
                self.file(container["name"], container_id, destination, any(kind in volume for kind in ("configMap", "secret", "projected")))
            kind = "local" if "/rootfs/local/" in source else "bind"
            mounts.append(mount(destination, kind, source, options))
        return mounts, storages

    def empty_dir(self, name, volume):
        group = self.pod.spec.get("securityContext", {}).get("fsGroup")
        if volume.get("medium") == "Memory":
            point = f"{GUEST}/sandbox/ephemeral/{name}"
            return point, storage("ephemeral", "tmpfs", "tmpfs", point, [f"fsgid={group}"] if group else [])
        if self.remote:
            point = f"{SHARED}/{self.id}/rootfs/local/{name}"
            return point, storage("local", "local", "local", point, ["mode=0777"])
        address = f"02/{list(self.pod.volumes).index(name) + 2:02x}"
        point = f"{GUEST}/sandbox/storage/{base64.urlsafe_b64encode(address.encode()).decode()}"
        return point, storage("blk", address, "ext4", point, [], ["encryption_key=ephemeral", "create_filesystem"],
                              {"group_id": group, "group_change_policy": 0} if group else None, True)

    def devices(self, container, oci):
        found = []
        for device in container.get("volumeDevices", []):
            found.append({"id": "02/03", "type_": "blk", "vm_path": "/dev/vdb", "container_path": device["devicePath"], "options": []})
            oci["Linux"]["Devices"].append({"Path": device["devicePath"], "Type": "b", "Major": 254, "Minor": 16, "FileMode": 0o660,
                                            "UID": 0, "GID": 6})
        for _ in range(int(container.get("resources", {}).get("limits", {}).get("nvidia.com/pgpu", 0))):
            number, self.gpu = self.gpu, self.gpu + 1
            found.append({"id": f"vfio{number}", "type_": "vfio-pci-gk", "vm_path": "",
                          "container_path": f"/dev/vfio/devices/vfio{number}", "options": [f"0000:{65 + number:02x}:00.0=06/00"]})
            oci["Annotations"][f"cdi.k8s.io/vfio{number}"] = f"nvidia.com/gpu={number}"
        return found

    # ---- while it runs

    def execute(self, name, command, step, times=0):
        container_id = self.container_id(name, times)
        process = next(s for s in reversed(self.steps) if s["step"] == f"create {name}")["request"]["OCI"]["Process"]
        process = process | {"Args": command, "OOMScoreAdj": 0, "ApparmorProfile": "", "Capabilities": capabilities([])}
        self.say(step, "ExecProcessRequest", {
            "container_id": container_id, "exec_id": digits(" ".join(command), 64), "string_user": None, "process": process,
            "stdin_port": 0, "stdout_port": 0, "stderr_port": 0}, f"{name} is asked {' '.join(command)}")

    def removed(self, name, times=0):
        self.say(f"signal {name}", "SignalProcessRequest", {"container_id": self.container_id(name, times), "exec_id": "", "signal": 15})
        self.say(f"remove {name}", "RemoveContainerRequest", {"container_id": self.container_id(name, times), "timeout": 0})

    def again(self, name, times):
        """All that a container asks, from its creation to its end."""
        self.container(name, times)
        for i, command in enumerate(self.pod.commands(next(c for c in self.pod.containers if c["name"] == name))):
            self.execute(name, command, f"exec {name} {i}", times)
        self.removed(name, times)

    def start(self):
        self.say("details", "GuestDetailsRequest", {"mem_block_size": True, "mem_hotplug_probe": True})
        self.sandbox()
        for container in self.pod.containers:
            name = container["name"]
            self.container(name)
            for i, command in enumerate(self.pod.commands(container)):
                self.execute(name, command, f"exec {name} {i}")
            self.say(f"stats {name}", "StatsContainerRequest", {"container_id": self.container_id(name)})
            if container in self.pod.init and container.get("restartPolicy") != "Always":
                self.removed(name)
        return self.steps


def guest_of(manifest, images, index=0):
    documents = manifest if isinstance(manifest, list) else [manifest]
    found, others = workloads(documents)
    return Guest(Pod(found[index], others), images["images"])


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: requests.py MANIFEST.json IMAGES.json [WORKLOAD]")
    for step in guest_of(read(sys.argv[1]), read(sys.argv[2]), int((sys.argv + ["0"])[3])).start():
        print(json.dumps(step, ensure_ascii=False))


if __name__ == "__main__":
    main()
