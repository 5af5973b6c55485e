#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The guest in a real virtual machine (e2e/vm): a Debian kernel, a TPM, disks, and cocoon-guest as the only service. It
# attests to the development broker on this machine, gets what the owner keeps for it, and makes confidential volumes
# on disks that belong to the host. A second VM gets init-data that the host has changed.
#
# What this shows is the protocol and the path of the data. It shows no confidentiality: the machine is emulated, its
# memory is open, the software TPM belongs to the host, and the boot up to init is not measured. Needs no cluster.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh

programs=${COCOON_PROGRAMS:-$root/out/release-gcc/bin}
readonly patience=150 # seconds for a VM, on a machine with other things to do; alone it takes 25
PATH=$programs:$PATH

# ---- the owner -------------------------------------------------------------------------------------------------------

# What only attested guests may have: a text, a key to sign with, the key of a volume.
owner_keys() {
	openssl rand -hex 32 >"$work/text"
	openssl rand -hex 32 | tr -d '\n' >"$work/volume.key"
	openssl rand -hex 32 >"$work/other.key"
	sealed-secrets keygen --kid kbs:///default/signing-key/team --output-dir "$work" &&
		sealed-secrets seal vault kbs:///default/secret/text --key "$work/team-private.json" >"$work/sealed"
}

# A volume with the owner's key, which the host keeps.
owner_volume() {
	truncate -s 64M "$work/kept.img" &&
		cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
			--key-file "$work/volume.key" "$work/kept.img"
}

owner_document() { # owner_document PORT: init-data for guests, and the image that a runtime makes of it
	printf 'package agent_policy\n\ndefault AllowRequestsFailingPolicy := false\n' >"$work/policy.rego"
	initdata-gen create --kbs-url "http://10.0.2.2:$1" --policy "$work/policy.rego" \
		--image-policy-uri kbs:///default/security-policy/all --to "$work/owners.toml" &&
		initdata-gen blob --to "$work/initdata.img" "$work/owners.toml"
}

# The broker knows the TPM's key, the init-data, and the owner's resources.
broker_start() { # broker_start PORT
	mkdir -p "$work/kbs/reference_value"
	jq -n --arg key "$(cat "$work/ak")" '{version: "0.1.0", name: "trusted_aks", value: [$key],
		expiration: "2099-01-01T00:00:00Z"}' >"$work/kbs/reference_value/trusted_aks"
	jq -n '{version: "0.1.0", name: "tpm_pcr11", value: ["0" * 64], expiration: "2099-01-01T00:00:00Z"}' \
		>"$work/kbs/reference_value/tpm_pcr11"
	dev-kbs --listen "127.0.0.1:$1" --storage "$work/kbs" --audit "$work/audit.jsonl" --policy affirming \
		--allow-initdata "$(initdata-gen digest --format hex "$work/owners.toml")=default/*" \
		--resource "default/secret/text=$work/text" --resource "default/key/volume=$work/volume.key" \
		--resource "default/key/other=$work/other.key" \
		--resource "default/signing-key/team=$work/team-public.json" >"$work/broker.log" 2>&1 </dev/null &
	broker=$!
	made_processes+=("$broker")
	disown
}

broker_answers() { curl -fsS --max-time 2 "http://127.0.0.1:$1/healthz"; }

# The port stands in the init-data, so that it must be known before the broker is there: one that another process has
# is tried no further.
broker() {
	local port
	for port in $(shuf -i 20000-32000 -n 5); do
		owner_document "$port" || return 1
		broker_start "$port"
		for _ in $(seq 1 100); do
			! broker_answers "$port" || return 0
			kill -0 "$broker" 2>/dev/null || break
			sleep 0.1
		done
		kill "$broker" 2>/dev/null
	done
	tail -n 20 "$work/broker.log"
	return 1
}

# ---- the host --------------------------------------------------------------------------------------------------------

# The volume's header as a host would write it that wants to see what the guest writes: the keyslot as it was, so that
# the owner's key opens it, no cipher for the data, and checksums that are right again.
forged_volume() {
	cp --sparse=always "$work/kept.img" "$work/hostile.img" && python3 - "$work/hostile.img" <<-'E'
		import hashlib, sys
		with open(sys.argv[1], "r+b") as disk:
		    for at in (0, 16384):
		        disk.seek(at)
		        before, segments, after = disk.read(16384).partition(b'"segments"')
		        after = after.replace(b"aes-xts-plain64", b"cipher_null-ecb", 1)
		        header = bytearray(before + segments + after)
		        header[448:512] = bytes(64)
		        header[448:480] = hashlib.sha256(header).digest()
		        disk.seek(at)
		        disk.write(header)
	E
}

# The document with one word changed, in an image of its own; and the owner's, as it is, for the guest to be started with.
changed_document() {
	sed 's/AllowRequestsFailingPolicy := false/AllowRequestsFailingPolicy := true/' "$work/owners.toml" >"$work/changed.toml"
	! cmp -s "$work/owners.toml" "$work/changed.toml" && initdata-gen blob --to "$work/changed.img" "$work/changed.toml"
}

blank_disks() {
	truncate -s 64M "$work/empty.img" && truncate -s 12M "$work/tags.img" &&
		cp --sparse=always "$work/kept.img" "$work/kept-2.img"
}

machine() { # the kernel, the initramfs and the TPM of both VMs
	parts=$(e2e/vm/parts.sh) && e2e/vm/tpm.sh "$work/tpm" >"$work/ak" && cp -r "$work/tpm" "$work/tpm-2" &&
		e2e/vm/initrd.sh "$work/initrd" "$parts" e2e/vm/guest-init.sh <<-E
			program $programs/guest /bin/guest
			library libtss2-tcti-device.so.0
			program /usr/sbin/cryptsetup
			program /usr/sbin/mkfs.ext4
			file $work/sealed /sealed
		E
}

vm() { # vm NAME OPTION…: boots one, its words in NAME.log
	e2e/vm/run.sh --parts "$parts" --initrd "$work/initrd" --seconds "$patience" "${@:2}" 2>&1 </dev/null |
		tr -d '\r' >"$work/$1.log"
}

vms() { # both at once
	local first
	vm first --tpm "$work/tpm" --disk "$work/initdata.img,initdata,ro" --disk "$work/empty.img,empty" \
		--disk "$work/kept.img,kept" --disk "$work/hostile.img,hostile" --disk "$work/tags.img,tags" &
	first=$!
	vm second --tpm "$work/tpm-2" --disk "$work/changed.img,initdata,ro" --disk "$work/initdata.img,other,ro" \
		--disk "$work/kept-2.img,kept"
	wait "$first"
}

found() { # found FILE TEXT: how often the host finds the text
	grep -a -o -F -- "$2" "$1" | wc -l
}

# ---- what they said --------------------------------------------------------------------------------------------------

value() { # value VM NAME
	sed -n "s/^vm: $2: //p" "$work/$1.log"
}

said_in() { # said_in VM PATTERN
	grep -E -- "$2" "$work/$1.log" || {
		grep -E '^(vm|log):' "$work/$1.log" | tail -n 25
		return 1
	}
}

audit_has() { # audit_has FILTER: a decision of the broker
	jq -e -s "map(select($1)) | length > 0" "$work/audit.jsonl" || {
		cat "$work/audit.jsonl"
		return 1
	}
}

attests() {
	expect_equal "the VM ran to its end" "all done" "$(value first end)"
	expect_equal "PCR 8 is what initdata-gen says for the document" \
		"$(initdata-gen digest --tee vtpm --format hex "$work/owners.toml")" "$(value first "pcr 8")"
	expect_ok "the guest found its init-data confirmed by the TPM" said_in first \
		'^log: .*"msg":"init-data".*"checked by the hardware":"yes"'
	expect_ok "the broker believed the quote" audit_has '.event == "attestation" and .verdict == "allowed" and .tee == "tpm"'
	expect_equal "a resource arrives by ttrpc" "$(base64 -w 0 <"$work/text")" "$(value first resource)"
	expect_equal "a resource arrives by REST" "$(sha256sum <"$work/text" | cut -c 1-64)" "$(value first rest)"
	expect_equal "a sealed secret is unsealed" "$(base64 -w 0 <"$work/text")" "$(value first sealed)"
	expect_ok "a resource that is not there is refused" said_in first '^vm: absent failed: .*Get Resource failed'
}

stores() {
	local disk
	expect_ok "a header with a null cipher is refused, and the log says why" said_in first \
		'^log: .*SecureMount.*judging the header on .*its data are not encrypted'
	expect_ok "the caller learns no more than that it failed" said_in first '^vm: mount hostile failed: .*Secure Mount failed$'
	expect_ok "another key does not open the volume" said_in first '^log: .*SecureMount.*No key available'
	expect_equal "what failed left no mapping, header or folder" \
		"/dev/mapper: control  /run/confidential-containers/cdh/luks-headers:  /run/volumes: " "$(value first leftovers)"
	expect_equal "an empty disk becomes a volume with a key that nobody has" \
		"MAPPING /run/volumes/empty ext4 rw,noatime 0 0" "$(value first "empty is")"
	expect_ok "a disk in use is not formatted again" said_in first '^log: .*SecureMount.*"kind":"conflict"'
	expect_ok "an empty disk becomes a volume with integrity" said_in first '^vm: wrote tags: '
	expect_ok "the owner's volume opens with a key from the broker" said_in first '^vm: wrote kept: '
	expect_equal "what was written is there when it is opened again" "$(value first "text repeated is")" \
		"$(value first "kept holds")"
	expect_equal "through the header with a null cipher the host would have found it" 2 \
		"$(found "$work/hostile.img" "$(cat "$work/text")")"
	for disk in empty tags kept; do
		expect_equal "the host does not find it on the disk '$disk'" 0 "$(found "$work/$disk.img" "$(cat "$work/text")")"
		expect_equal "the host does not find the volume's key on the disk '$disk'" 0 \
			"$(found "$work/$disk.img" "$(cat "$work/volume.key")")"
	done
	expect_refused "the empty disk holds no LUKS header" "" cryptsetup isLuks "$work/empty.img"
	expect_equal "neither do the consoles show the volume's key" 0 "$(found <(cat "$work"/*.log "$work/audit.jsonl") "$(cat "$work/volume.key")")"
}

# One word of the document is another.
refuses() {
	local digest pcr
	digest=$(initdata-gen digest --format hex "$work/changed.toml")
	pcr=$(initdata-gen digest --tee vtpm --format hex "$work/changed.toml")
	expect_equal "the second VM ran to its end" "all done" "$(value second end)"
	expect_equal "it was started with the changed document" "$digest" "$(value second digest)"
	expect_equal "the guest does not start with a document that was not measured" "" "$(value second "owner's document")"
	expect_ok "it says that the hardware has another" said_in second '^vm: refused: .*PCR 8 is not the one of this document'
	expect_ok "with the changed document it gets no resource" said_in second '^vm: resource failed: .*Get Resource failed'
	expect_ok "its log says that the broker's policy refused" said_in second '^log: .*GetResource.*policy denies it'
	expect_ok "no secret is unsealed" said_in second '^vm: sealed failed: .*Unseal Secret failed'
	expect_ok "the volume stays closed" said_in second '^vm: mount empty failed: .*Secure Mount failed'
	expect_ok "the broker's audit log has the refusal, with what PCR 8 was" audit_has \
		".event == \"release\" and .verdict == \"refused\" and .resource == \"resource/default/secret/text\" and
			.init_data == \"$pcr\""
	expect_equal "the broker gave the changed document nothing" 0 \
		"$(jq -s --arg it "$pcr" 'map(select(.event == "release" and .verdict == "allowed" and .init_data == $it)) | length' "$work/audit.jsonl")"
}

echo "# an emulated machine with a software TPM: this shows protocol and data path, and no confidentiality"
prepared owner_keys
prepared owner_volume
prepared machine
prepared broker
prepared forged_volume
prepared changed_document
prepared blank_disks
prepared vms
attests
stores
refuses
echo "# the VMs ran for $(value first time) and $(value second time) s"
finish
