#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The places of images on disk, against the tools that people have: what core/oci writes, skopeo, umoci and containerd
# read, and the other way round, with the same digests. The driver oci_copy copies with our room. TAP.
# Usage: tests/cli/oci-places.sh OUT
# shellcheck disable=SC2016,SC2154 # the inner shells expand; tap.bash sets variables
set -uo pipefail
# shellcheck source=tests/tap.bash
source "$(dirname "$0")/../tap.bash"
copy=$(cd "$root" && realpath -- "$1/tests/drivers/oci_copy")
export copy

# index.py LAYOUT TAG: an index of the layout's image, twice for two platforms, is tagged many
cat >index.py <<'P'
import hashlib, json, sys
folder, tag = sys.argv[1:]
top = json.load(open(folder + "/index.json"))
entry = next(e for e in top["manifests"] if e["annotations"]["org.opencontainers.image.ref.name"] == tag)
def blob(document):
    text = json.dumps(document).encode()
    name = hashlib.sha256(text).hexdigest()
    open(folder + "/blobs/sha256/" + name, "wb").write(text)
    return {"digest": "sha256:" + name, "size": len(text)}
manifest = json.load(open(folder + "/blobs/sha256/" + entry["digest"][7:]))
entries = []
for arch in "amd64", "arm64":
    manifest["annotations"] = {"arch": arch}
    entries.append({"mediaType": "application/vnd.oci.image.manifest.v1+json", **blob(manifest),
                    "platform": {"os": "linux", "architecture": arch}})
kind = "application/vnd.oci.image.index.v1+json"
top["manifests"].append({"mediaType": kind, **blob({"schemaVersion": 2, "mediaType": kind, "manifests": entries}),
                         "annotations": {"org.opencontainers.image.ref.name": "many"}})
json.dump(top, open(folder + "/index.json", "w"))
P

# the images: of the OCI, of docker, and of two platforms; and what skopeo makes of them in a dir:
{
	umoci init --layout src && umoci new --image src:one
	head -c 300000 /dev/urandom >large && echo small >small
	umoci insert --image src:one large /large && umoci insert --image src:one small /small
	python3 index.py src one
	skopeo copy -q --format v2s2 oci:src:one dir:docker
	for name in one many; do
		skopeo copy -q --all "oci:src:$name" "dir:ref-$name"
	done
	skopeo copy -q dir:docker dir:ref-docker
} >made 2>&1 || {
	cat made
	exit 1
}
declare -A source=([one]=oci:src:one [many]=oci:src:many [docker]=dir:docker)

# ours FROM TO, theirs FROM TO, alike NAME PLACE: the place holds the image as skopeo reads and writes it
ours() { "$copy" "$1" "$2"; }
theirs() { skopeo copy -q --all "$1" "$2"; }
alike() {
	rm -rf got
	theirs "$2" dir:got && diff -r "ref-$1" got
}
alike_by_us() {
	rm -rf got
	ours "$2" dir:got && diff -r "ref-$1" got
}

# ---- ours, read by skopeo ------------------------------------------------------------------------------------
for name in one many docker; do
	for to in "oci:$name-l:t" "oci:$name-l2:registry.example/app:1" "dir:$name-d" \
		"oci-archive:$name.tar:t" "oci-archive:$name-2.tar"; do
		ok "$name to $to" ours "${source[$name]}" "$to"
		# skopeo takes no docker manifest out of a layout
		[[ $name == docker && $to == oci* ]] || ok "skopeo reads $to" alike "$name" "$to"
		ok "and so do we" alike_by_us "$name" "$to"
	done
done
ok 'a second image into a layout that is there' ours oci:src:many oci:one-l:more
ok 'leaves the first' alike one oci:one-l:t
ok 'and is there' alike many oci:one-l:more
ok 'the same image again is known' sh -c '"$copy" oci:src:one oci:one-l:again | grep "3 blobs, 3 of them known"'
ok 'another image into a dir: that is there' ours oci:src:many dir:one-d
ok 'leaves nothing of the first' alike many dir:one-d
ok 'no temporary file stays' sh -c '! find . -name "*cocoon*" | grep .'
ok 'umoci reads our layout' umoci stat --image one-l:t
ok 'with all its tags' sh -c 'umoci ls --layout one-l | sort | tr "\n" " " | grep "^again more t $"'
ok 'tar reads our archive' sh -c 'tar tf one.tar | grep -c . | grep -x 6'

# ---- theirs, read by us --------------------------------------------------------------------------------------
for name in one many; do
	for from in "oci:$name-s:t" "dir:$name-sd" "oci-archive:$name-s.tar:t"; do
		ok "skopeo writes $from" theirs "oci:src:$name" "$from"
		ok "we read it" alike_by_us "$name" "$from"
	done
done
ok 'skopeo writes into our layout' theirs oci:src:one oci:one-l:theirs
ok 'and keeps our images' alike_by_us one oci:one-l:t
ok 'we write into a layout of skopeo' ours oci:src:one oci:many-s:ours
ok 'and keep its images' alike many oci:many-s:t
ok 'a layout packed by tar' sh -c 'tar -C one-s -cf packed.tar . && "$copy" oci-archive:packed.tar dir:packed'
ok 'is the image' diff -r ref-one packed
fails 1 'compressed by gzip' 'a packed archive is refused' sh -c 'gzip -k packed.tar && "$copy" oci-archive:packed.tar.gz dir:x'
fails 2 'tags there: ' 'several images and no tag' ours oci:one-l dir:x
fails 1 "holds no image 'x'" 'a tag that is not there' ours oci:one-l:x dir:x

# ---- a run that is killed: the kernel does it at the first byte beyond a file size of 200 KiB ----------------
killed() { # killed TO
	local status=0
	(ulimit -c 0 -f 200 && exec "$copy" oci:src:one "$1") || status=$?
	[[ $status == 153 ]] # SIGXFSZ
}
ok 'killed within a layer' killed oci:cut:t
ok 'it leaves no image' sh -c '! test -e cut/index.json && ls -A cut | grep -q cocoon'
ok 'the next run takes up what is whole' sh -c '"$copy" oci:src:one oci:cut:t | grep "3 blobs, 1 of them known"'
ok 'and cleans up' sh -c 'ls -A cut | tr "\n" " " | grep "^blobs index.json oci-layout $"'
ok 'the image is whole' alike one oci:cut:t
ours dir:docker oci-archive:cut.tar:t >/dev/null
ok 'killed within an archive' killed oci-archive:cut.tar:t
ok 'the former one is still there' sh -c '"$copy" oci-archive:cut.tar dir:former && test -e cut.tar.cocoon-partial'
ok 'and is what it was' diff -r ref-docker former
ok 'the next run replaces it' ours oci:src:one oci-archive:cut.tar:t
ok 'by the new image' alike one oci-archive:cut.tar
ok 'and cleans up beside it' sh -c '! ls | grep partial'

# ---- containerd ----------------------------------------------------------------------------------------------
cat >containerd.toml <<T
version = 2
root = "$work/containerd/root"
state = "$work/containerd/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$work/containerd.sock"
T
ctr() { command ctr -a "$work/containerd.sock" "$@"; }
containerd -c containerd.toml >containerd.log 2>&1 &
daemon=$!
trap 'kill "$daemon"; wait "$daemon"; rm -rf "$work"' EXIT
ok 'containerd runs' timeout 60 sh -c "until command ctr -a '$work/containerd.sock' version >/dev/null 2>&1; do :; done"
ok 'an archive that is named in full' ours oci:src:one oci-archive:c.tar:registry.example/app:1
ok 'containerd imports it under its name' ctr images import c.tar
ok 'and has it' sh -c "command ctr -a '$work/containerd.sock' images ls -q | grep -x registry.example/app:1"
ok 'containerd imports one with a tag' ctr images import --base-name registry.example/other one.tar
ok 'containerd exports both' ctr images export --all-platforms e.tar registry.example/app:1 registry.example/other:t
ok 'we read the one by its name' alike_by_us one oci-archive:e.tar:registry.example/app:1
ok 'and the other by its tag' alike_by_us one oci-archive:e.tar:t
echo "1..$number"
