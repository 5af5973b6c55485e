#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# image.sh OUT: image-crypt of the build in OUT beside Debian's skopeo and the engine of current skopeo (e2e/image-peer),
# and its decoder beside containerd's. See README.md. QUICK=1 takes one layer of 1 GiB on tmpfs alone; ROUNDS=3 says how
# often. Raw results go to OUT/bench/image.jsonl.
set -euo pipefail
(($# == 1)) || { echo "usage: ${0##*/} OUT" >&2 && exit 2; }
# shellcheck source=bench/lib.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/lib.sh"
rounds=${ROUNDS:-3}
readonly MIB=1048576
# LAYERS BYTES PLACE: the largest one once, whatever ROUNDS says
cases=("1 $((1024 * MIB)) tmpfs")
[[ ${QUICK:-} ]] || cases+=("1 $((1 * MIB)) tmpfs" "1 $((64 * MIB)) tmpfs" "1 $((4096 * MIB)) tmpfs"
	"10 $((64 * MIB)) tmpfs" "60 $((1 * MIB)) tmpfs" "60 $((16 * MIB)) tmpfs" "1 $((1024 * MIB)) disk"
	"60 $((16 * MIB)) disk")

# ---- the places -------------------------------------------------------------------------------------------------

prepare() {
	local tool
	for tool in skopeo python3 /usr/bin/time dd; do
		type -P "$tool" >/dev/null || die "$tool is missing" "apt-get install skopeo python3-minimal time coreutils"
	done
	[[ $(stat -f -c %T /dev/shm) == tmpfs ]] || die "/dev/shm is no tmpfs"
	peers=$("$top/e2e/image-peer/build.sh")
	decoder=$out/bin/image-crypt-decoder
	[[ -x $decoder ]] || die "there is no $decoder" "make BUILD=release programs"
	openssl genrsa -out "$work/private.pem" 2048 2>"$work/openssl.log"
	openssl pkey -in "$work/private.pem" -pubout -out "$work/public.pem"
	mkdir "$work/keys"
	cp "$work/private.pem" "$work/keys/"
	shm=$(mktemp -d /dev/shm/cocoon-bench-XXXXXX)
	mkdir -p "$out/bench"
	disk=$(mktemp -d "$out/bench/disk-XXXXXX")
	[[ $(stat -f -c %T "$disk") != tmpfs ]] || say "$disk is on tmpfs as well: the lines of the disk say nothing"
	trap 'rm -rf -- "$shm" "$disk"; finish' EXIT
}

folder_of() { # folder_of tmpfs|disk
	case $1 in
	tmpfs) echo "$shm" ;;
	disk) echo "$disk" ;;
	esac
}

need_room() { # need_room FOLDER BYTES
	local free
	free=$(df --output=avail -B1 "$1" | tail -n 1)
	((free > $2)) || die "$1 has $((free / MIB)) MiB free; $(($2 / MIB)) are needed"
}

# ---- one measurement --------------------------------------------------------------------------------------------

# timed WHO WHAT COMMAND…: a line of the results. The command's first failure ends everything.
timed() {
	local who=$1 what=$2 began took
	shift 2
	began=${EPOCHREALTIME/[.,]/}
	/usr/bin/time -q -o "$work/time" -f '%U %S %M' "$@" >"$work/said" 2>&1 ||
		die "$who $what failed" "$(tail -n 5 "$work/said")"
	took=$((${EPOCHREALTIME/[.,]/} - began))
	jq -nc --arg who "$who" --arg what "$what" --argjson layers "$layers" --argjson bytes "$bytes" \
		--arg place "$place" --argjson took "$took" --arg time "$(<"$work/time")" \
		'($time | split(" ") | map(tonumber)) as [$user, $system, $rss]
		| {$who, $what, $place, $layers, $bytes, seconds: ($took / 1e6), cpu: ($user + $system), rss_kib: $rss}'
}

# The digests of the layers that an image at a layout names.
digests() {
	local manifest
	manifest=$(jq -r '.manifests[0].digest' "$1/index.json")
	jq -r '.layers[].digest' "$1/blobs/sha256/${manifest#sha256:}"
}

# The decrypted image has the layers of the first one, and each has the digest that it is named by.
gate() {
	local name
	[[ $(digests "$dir/src") == "$(digests "$dir/dec")" ]] || die "$1 decrypted to something else"
	for name in $(digests "$dir/dec"); do
		echo "${name#sha256:}  $dir/dec/blobs/sha256/${name#sha256:}"
	done | sha256sum --check --status || die "$1 decrypted a layer to something else"
}

encrypt() { # encrypt WHO, from src to enc
	case $1 in
	cocoon) timed cocoon encrypt "$program" encrypt --quiet --recipient "jwe:$work/public.pem" "oci:$dir/src:t" \
		"oci:$dir/enc:t" ;;
	skopeo) timed skopeo encrypt skopeo copy --insecure-policy --encryption-key "jwe:$work/public.pem" \
		"oci:$dir/src:t" "oci:$dir/enc:t" ;;
	peer) timed peer encrypt "$peers/peer-copy" --encryption-key "jwe:$work/public.pem" "oci:$dir/src:t" \
		"oci:$dir/enc:t" ;;
	esac
}

decrypt() { # decrypt WHO, from enc to dec
	case $1 in
	cocoon) timed cocoon decrypt "$program" decrypt --quiet --key "$work/private.pem" "oci:$dir/enc:t" \
		"oci:$dir/dec:t" ;;
	skopeo) timed skopeo decrypt skopeo copy --insecure-policy --decryption-key "$work/private.pem" \
		"oci:$dir/enc:t" "oci:$dir/dec:t" ;;
	peer) timed peer decrypt "$peers/peer-copy" --decryption-key "$work/private.pem" "oci:$dir/enc:t" \
		"oci:$dir/dec:t" ;;
	esac
}

# What containerd hands a decoder on descriptor 3: an Any with JSON in it (spec image-encryption, 6.2).
payload() { # payload DESCRIPTOR
	local json len
	json=$(jq -nc --argjson descriptor "$1" '{DecryptConfig: {Parameters: null}, Descriptor: $descriptor}')
	len=${#json}
	printf '\x0a\x21io.containerd.ocicrypt.v1.Payload\x12'
	while ((len > 127)); do
		# shellcheck disable=SC2059 # the escape is made here
		printf "\\x$(printf %x $((len % 128 + 128)))"
		len=$((len / 128))
	done
	# shellcheck disable=SC2059
	printf "\\x$(printf %x "$len")"
	printf %s "$json"
}

decoders() { # every layer of enc through both decoders, one process each, from pipe to pipe
	local manifest descriptor who name number=0
	manifest=$(jq -r '.manifests[0].digest' "$dir/enc/index.json")
	rm -rf "$work/payloads"
	mkdir "$work/payloads"
	while read -r descriptor; do
		payload "$descriptor" >"$work/payloads/$number"
		jq -r .digest <<<"$descriptor" >"$work/payloads/$number.digest"
		number=$((number + 1))
	done < <(jq -c '.layers[]' "$dir/enc/blobs/sha256/${manifest#sha256:}")
	for who in cocoon peer; do
		name=$decoder
		[[ $who == cocoon ]] || name=$peers/ctd-decoder
		# shellcheck disable=SC2016 # for the shell that is timed
		timed "$who" decoder bash -c 'set -o pipefail
			for ((i = 0; i < $4; i++)); do
				blob=$(<"$3/$i.digest")
				cat "$2/blobs/sha256/${blob#sha256:}" |
					"$1" --decryption-keys-path "$5" 3<"$3/$i" | cat >/dev/null || exit
			done' bash "$name" "$dir/enc" "$work/payloads" "$number" "$work/keys"
	done
}

# One case, once for everybody, in turns. Memory that the machine touches for the first time is far slower than what
# was used before: a first pass, whose time nobody sees, takes it.
measure() { # measure ROUND
	local who
	for who in cocoon skopeo peer; do
		rm -rf "$dir/enc" "$dir/dec"
		encrypt "$who"
		decrypt "$who"
		gate "$who"
	done
	decoders
	rm -rf "$dir/enc" "$dir/dec"
	# what the place alone gives: the same bytes read, written and synced
	# shellcheck disable=SC2016 # for the shell that is timed
	timed place copy bash -c 'mkdir "$2" && for blob in "$1"/blobs/sha256/*; do
		dd if="$blob" of="$2/${blob##*/}" bs=1M conv=fsync status=none; done' bash "$dir/src" "$dir/copy"
	rm -rf "$dir/copy"
}

# ---- the table --------------------------------------------------------------------------------------------------

# OpenSSL's own figures for one core, in GB/s.
speed() { # speed ALGORITHM
	openssl speed -seconds 2 -bytes 65536 -evp "$1" 2>/dev/null |
		awk 'END { sub(/k$/, "", $NF); printf "%.3f", $NF / 1e6 }'
}

table() {
	jq -rs '
		def median: sort | .[length / 2 | floor];
		def digits: if . >= 100 then round elif . >= 10 then . * 10 | round / 10 else . * 1000 | round / 1000 end;
		def ratio: . * 100 | round / 100 | tostring + "x";
		def size: if . >= 1073741824 then "\(. / 1073741824) GiB" else "\(. / 1048576) MiB" end;
		["what", "", "cocoon s", "GB/s", "CPU s", "MiB", "skopeo s", "times", "peer s", "times", "copy s"],
		(group_by([.place == "disk", .layers * .bytes, .layers]) | .[] | . as $case
		| ("encrypt", "decrypt", "decoder") as $what
		| def pick($who; $what): [$case[] | select(.who == $who and .what == $what)];
		  pick("cocoon"; $what) as $c | ([$c[].seconds] | median) as $s
		| def other($who): pick($who; $what) | if length == 0 then "-", "-" else ([.[].seconds] | median) | digits, (. / $s | ratio) end;
		  [$what, "\($case[0].layers) x \($case[0].bytes | size), \($case[0].place)", ($s | digits),
		   ($case[0].layers * $case[0].bytes / 1e9 / $s | digits), ([$c[].cpu] | median | digits),
		   ([$c[].rss_kib] | max / 1024 | digits), other("skopeo"), other("peer"),
		   (if $what == "decoder" then "-" else [pick("place"; "copy")[].seconds] | median | digits end)])
		| map(tostring) | @tsv' "$1" | column -t -s $'\t'
}

# The aims, for one layer of 1 GiB on tmpfs; best of the rounds, as everything else on the machine only adds.
aims() {
	jq -rs --argjson cores "$(nproc)" --argjson sha "$1" --argjson ctr "$2" '
		def two: . * 100 | round / 100;
		[.[] | select(.layers == 1 and .bytes == 1073741824 and .place == "tmpfs")] as $all
		| def best($who; $what): [$all[] | select(.who == $who and .what == $what) | .seconds] | min;
		def verdict($good): if $good then "met" else "MISSED" end;
		def rate($what; $aim): (1.073741824 / best("cocoon"; $what)) as $r
			| [$what, "\($r | two) GB/s", ">= \($aim) GB/s", verdict($r >= $aim)];
		def times($who; $what; $name; $aim): (best($who; $what) / best("cocoon"; $what)) as $r
			| [$what, "\($r | two) times \($name)", ">= \($aim)", verdict($r >= $aim)];
		["", "best of the rounds", "aim", ""],
		rate("encrypt"; 1.0), rate("decrypt"; 0.8), rate("decoder"; 1.0),
		times("peer"; "encrypt"; "the peer"; 4), times("peer"; "decrypt"; "the peer"; 4),
		times("peer"; "decoder"; "ctd-decoder"; 4),
		times("skopeo"; "encrypt"; "skopeo 1.9.3"; 15), times("skopeo"; "decrypt"; "skopeo 1.9.3"; 15),
		([$all[] | select(.who == "cocoon") | .rss_kib] | max / 1024 | . as $m
			| ["memory", "\($m | two) MiB", "<= 32 MiB", verdict($m <= 32)]),
		(($cores / (3 / $sha + 1 / $ctr)) as $limit | (1.073741824 / best("cocoon"; "encrypt")) as $r
			| ["encrypt, limit", "\($limit | two) GB/s", "3 SHA-256 and CTR as openssl(1), \($cores) cores, no I/O",
			   "reached: \(100 * $r / $limit | round) %"]),
		((1.073741824 / best("cocoon"; "decoder")) as $r
			| ["decoder, limit", "\($sha | two) GB/s", "1 SHA-256 as openssl(1): it cannot be spread",
			   "reached: \(100 * $r / $sha | round) %"])
		| @tsv' "$3" | column -t -s $'\t'
}

print_head() {
	printf '%s CPUs (%s), SHA extensions: %s, load average %s\n' "$(nproc)" \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" \
		"$(grep -qw sha_ni /proc/cpuinfo && echo yes || echo no)" "$(cut -d' ' -f1 /proc/loadavg)"
	printf 'cocoon %s (%s), %s, go.podman.io/image/v5 %s, ctd-decoder of imgcrypt %s\n' "$(<"$top/VERSION")" \
		"$(basename "$out")" "$(skopeo --version)" \
		"$(sed -n 's/.*go.podman.io\/image\/v5 \(v[^ ]*\).*/\1/p' "$top/e2e/image-peer/go.mod")" \
		"$(sed -n 's/.*containerd\/imgcrypt[^ ]* \(v[^ ]*\).*/\1/p' "$top/e2e/image-peer/decoder/go.mod")"
	printf 'openssl speed, one core, 64 KiB: SHA-256 %s GB/s, AES-256-CTR %s GB/s\n\n' "$1" "$2"
}

begin "$1" image-crypt
prepare
results=$work/image.jsonl
sha=$(speed sha256) ctr=$(speed aes-256-ctr)
for case in "${cases[@]}"; do
	read -r layers bytes place <<<"$case"
	dir=$(folder_of "$place")
	need_room "$dir" $((layers * bytes * 7 / 2))
	rm -rf "$dir/src"
	python3 "$top/bench/layout.py" "$dir/src" "$layers" "$bytes"
	turns=$rounds
	((layers * bytes <= 2048 * MIB)) || turns=1
	for target in enc dec; do
		cp -r "$dir/src" "$dir/$target"
	done
	for ((round = 1; round <= turns; round++)); do
		say "$layers x $((bytes / MIB)) MiB on $place, round $round of $turns"
		measure >>"$results"
	done
	rm -rf "$dir/src"
done
cp "$results" "$out/bench/image.jsonl"
print_head "$sha" "$ctr"
table "$out/bench/image.jsonl"
echo
aims "$sha" "$ctr" "$out/bench/image.jsonl"
echo
echo "Every image was decrypted to the layers that it was made of."
