#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash
# /init of the test VM in which our guest runs (e2e/journeys/guest-vm.sh): does what the Kata agent does around it, as a
# script. What it finds out goes to the serial console, a line "vm: NAME: VALUE" each. It knows no secret and compares
# nothing: that is the journey's part, outside.
#
# Disks, by their serial: initdata (the init-data image), empty, kept (a LUKS2 volume of the owner's), hostile (the same
# with a header that the host has changed), tags (for an empty volume with integrity), other (in the VM whose init-data
# were changed: the image with the document that the owner wrote).
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
readonly points=/run/volumes

say() { echo "vm: $1: $2"; }

# tell NAME COMMAND…: what it said, or why it failed; its status stays
tell() {
	name=$1 status=0
	shift
	"$@" >/run/said 2>&1 </dev/null || status=$?
	if [ $status -eq 0 ]; then
		say "$name" "$(cat /run/said)"
	else
		say "$name failed" "$(cat /run/said)"
	fi
	return $status
}

finish() {
	[ ! -s /run/guest.log ] || sed 's/^/log: /' /run/guest.log
	say time "$(cut -d' ' -f1 /proc/uptime)"
	say end "$1"
	sync
	poweroff -f
	sleep 60
}

start() {
	mount -t devtmpfs dev /dev
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t tmpfs tmp /run
	while read -r module; do
		insmod "/modules/$module" || say "module failed" "$module"
	done </modules/order
	ip link set lo up
	ip address add 10.0.2.15/24 dev eth0
	ip link set eth0 up
	ip route add default via 10.0.2.2
	mkdir -p "$points" /tmp
}

disk() { # disk SERIAL: its name below /dev
	for candidate in /sys/block/vd*; do
		[ "$(cat "$candidate/serial")" != "$1" ] || basename "$candidate"
	done
}

# ---- init-data ---------------------------------------------------------------------------------------------------

# An init-data image: "initdata", the length as 64 bits with the lowest byte first, the packed document.
unpack() { # unpack DEVICE FILE
	[ "$(head -c 8 "$1")" = initdata ] || return 1
	length=0 shift=0
	for byte in $(hexdump -v -s 8 -n 8 -e '1/1 "%u "' "$1"); do
		length=$((length + (byte << shift))) shift=$((shift + 8))
	done
	tail -c +17 "$1" | head -c "$length" | gunzip >"$2"
}

bytes() { # bytes HEX: as printf wants them
	echo "$1" | sed 's/../\\x&/g'
}

# TPM2_PCR_Extend of PCR 8 in the SHA-256 bank, with an empty password: one command is one write, its answer one read.
extend() { # extend HEX
	exec 3<>/dev/tpm0
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$(bytes "80020000004100000182000000080000000940000009000001000000000001000b$1")" >&3
	answer=$(dd bs=256 count=1 <&3 2>/dev/null | hexdump -v -e '1/1 "%02x"')
	exec 3>&-
	[ "$(echo "$answer" | cut -c 13-20)" = 00000000 ]
}

measure() {
	unpack "/dev/$(disk initdata)" /run/initdata.toml || finish "there is no init-data"
	digest=$(sha256sum </run/initdata.toml | cut -c 1-64)
	say digest "$digest"
	extend "$digest" || finish "PCR 8 cannot be extended"
	say "pcr 8" "$(tr A-F a-f </sys/class/tpm/tpm0/pcr-sha256/8)"
}

# ---- the guest ---------------------------------------------------------------------------------------------------

serve() { # serve DOCUMENT: until it answers, or ended
	: >/run/guest.log
	guest serve --initdata "$1" --log-level debug >>/run/guest.log 2>&1 </dev/null &
	server=$!
	for _ in $(seq 1 300); do
		[ ! -S /run/confidential-containers/cdh.sock ] || return 0
		kill -0 $server 2>/dev/null || break
		usleep 50000
	done
	wait $server
	return 1
}

# volume NAME SERIAL SOURCE TARGET OPTIONS: asks the guest for a secure mount at $points/NAME
volume() {
	cat >"/run/$1.json" <<-E
		{"volume_type": "block-device", "flags": [], "mount_point": "$points/$1", "options": {
		"deviceId": "$(cat "/sys/block/$(disk "$2")/dev")", "encryptionType": "luks2",
		"sourceType": "$3", "targetType": "$4"$5}}
	E
	tell "mount $1" guest secure-mount "/run/$1.json"
}

write() { # write NAME: a text with a secret of the guest's own, to the disk
	{
		for _ in $(seq 1 64); do cat /run/text; done
	} >"$points/$1/data" && sync
	say "wrote $1" "$(wc -c <"$points/$1/data")"
}

# What becomes of the hostile volume for who opens it as it comes, with the owner's own key.
unjudged() {
	guest get-resource -o raw kbs:///default/key/volume |
		cryptsetup open --key-file - "/dev/$(disk hostile)" unjudged || return
	cat /run/text /run/text >/dev/mapper/unjudged
	cryptsetup close unjudged && say unjudged "written through cryptsetup alone"
}

leftovers() { # what mounts that failed left behind
	# shellcheck disable=SC2012 # names of ours
	say leftovers "$(ls /dev/mapper /run/confidential-containers/cdh/luks-headers "$points" 2>/dev/null | tr '\n' ' ')"
}

volumes() {
	key=', "key": "kbs:///default/key/volume", "mapperName": "kept"'
	volume hostile hostile encrypted fileSystem "$key"
	volume unkeyed kept encrypted fileSystem ', "key": "kbs:///default/key/other"'
	leftovers
	unjudged

	volume empty empty empty fileSystem '' && write empty
	say "empty is" "$(grep "$points/empty " /proc/mounts | sed 's,/dev/mapper/[^ ]*,MAPPING,')"
	volume again empty empty fileSystem ''
	volume tags tags empty fileSystem ', "dataIntegrity": "true"' && write tags

	# the owner made the volume, the first guest makes its file system
	volume device kept encrypted device "$key" && mkfs.ext4 -q "$points/device" && cryptsetup close kept && rm "$points/device"
	volume kept kept encrypted fileSystem "$key" && write kept
	umount "$points/kept" && cryptsetup close kept
	volume kept kept encrypted fileSystem "$key"
	say "kept holds" "$(sha256sum <"$points/kept/data" | cut -c 1-64)"
	say "text repeated is" "$(for _ in $(seq 1 64); do cat /run/text; done | sha256sum | cut -c 1-64)"
	umount "$points/kept" && cryptsetup close kept
	umount "$points/empty"
	umount "$points/tags"
}

genuine() {
	serve /run/initdata.toml || finish "the guest did not start"
	say served "$(cut -d' ' -f1 /proc/uptime)"
	tell resource guest get-resource kbs:///default/secret/text
	wget -q -O /run/text http://127.0.0.1:8006/cdh/resource/default/secret/text || finish "no resource through REST"
	say rest "$(sha256sum </run/text | cut -c 1-64)"
	tell sealed guest unseal /sealed
	tell absent guest get-resource kbs:///default/secret/absent
	volumes
}

# The document on the disk is not the one that the owner allowed: the owner's is refused by the guest, because it is not
# what was measured, and with the changed one the broker gives nothing.
changed() {
	unpack "/dev/$(disk other)" /run/owners.toml
	serve /run/owners.toml && say "owner's document" accepted
	tail -n 1 /run/guest.log | sed 's/^/vm: refused: /'
	serve /run/initdata.toml || finish "the guest did not start"
	tell resource guest get-resource kbs:///default/secret/text
	tell sealed guest unseal /sealed
	volume empty kept encrypted fileSystem ', "key": "kbs:///default/key/volume"'
	leftovers
}

start
say up "$(cut -d' ' -f1 /proc/uptime)"
measure
if [ -z "$(disk other)" ]; then
	genuine
else
	changed
fi
finish "all done"
