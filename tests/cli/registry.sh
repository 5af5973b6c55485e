#!/usr/bin/env bash
# shellcheck disable=SC2016 # inner shells expand, and a hash of a password is no variable
# SPDX-License-Identifier: Apache-2.0
# The registry client against Debian's docker-registry: plain on loopback, with TLS and passwords, and with tokens of a
# server of our own that the registry judges; beside skopeo, in both directions. TAP. Usage: tests/cli/registry.sh OUT
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
out=$PWD/${1:?usage: tests/cli/registry.sh OUT}
work=$(mktemp -d) || exit 1
copy=$out/tests/drivers/oci_copy
log=$work/log
number=0
children=()
trap 'kill "${children[@]}" 2>"$work/kill"; wait; rm -rf "$work"' EXIT
export HOME=$work XDG_RUNTIME_DIR=$work TMPDIR=$work
# the client of the tests takes its credentials and roots from here
unset OCI_COPY_AUTH OCI_COPY_CA

# ok NAME COMMAND…: the command must succeed
ok() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >"$log" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		tail -n 20 "$log" | sed 's/^/# /'
	fi
}

# fails WORDS COMMAND…: fails, and says these words
fails() {
	local words=$1
	shift
	! "$@" >"$work/said" 2>&1 && grep -q -- "$words" "$work/said" && ! grep -q s3cret "$work/said" && return
	cat "$work/said"
	return 1
}

# ---- an image -----------------------------------------------------------------------------------------------------

# shellcheck source=tests/layout.bash
. tests/layout.bash

# two platforms in one layout, tag "t"
index() {
	local amd64 arm64
	amd64=$(image "$1" amd64 100000)
	arm64=$(image "$1" arm64 5000000)
	index_of "$1" "$amd64,$arm64"
}

# same A B: the layouts hold the same blobs
same() { diff -r "$1/blobs" "$2/blobs"; }

# ---- the registry -------------------------------------------------------------------------------------------------

# registry NAME AUTH TLS: starts one on a port of the kernel's choice and leaves that in $port; its log is NAME.log
registry() {
	cat >"$work/$1.yaml" <<END
version: 0.1
log: {level: info, accesslog: {disabled: false}}
storage:
  filesystem: {rootdirectory: $work/$1}
http:
  addr: 127.0.0.1:0
  secret: for-the-test
$3
$2
END
	docker-registry serve "$work/$1.yaml" >"$work/$1.log" 2>&1 &
	children+=($!)
	port=
	for ((i = 0; i < 300; i++)); do
		port=$(sed -n 's/.*msg="listening on 127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/$1.log")
		[[ -n $port ]] && return
		sleep 0.1
	done
	cat "$work/$1.log"
	return 1
}

requests() { grep -c -- "$2" "$work/$1.log"; } # requests NAME PATTERN: lines of the access log

# between NAME PATTERN COUNT COMMAND…: the command makes exactly that many requests like that
between() {
	local before name=$1 pattern=$2 count=$3
	before=$(requests "$name" "$pattern")
	shift 3
	"$@" || return 1
	[[ $(($(requests "$name" "$pattern") - before)) -eq $count ]] && return
	echo "$(($(requests "$name" "$pattern") - before)) requests like '$pattern', not $count"
	return 1
}

image "$work/img" amd64 10 4000000 4300000 20000000 >"$work/part2"
index "$work/idx"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	-keyout "$work/key.pem" -out "$work/cert.pem" 2>"$log"

# ---- plain, on loopback -------------------------------------------------------------------------------------------

ok 'a registry starts' registry plain '' ''
plain=127.0.0.1:$port
ok 'pushes an image' "$copy" "oci:$work/img:t" "docker://$plain/a/app:1"
ok 'large layers go in chunks of 4 MiB' [ "$(requests plain '"PATCH /v2/a/app/blobs/uploads/')" -eq 7 ]
ok 'skopeo reads it' skopeo copy --src-tls-verify=false "docker://$plain/a/app:1" "oci:$work/back1:t"
ok 'and finds the same bytes' same "$work/img" "$work/back1"
ok 'pushes nothing twice' between plain '"\(PATCH\|POST\) ' 0 "$copy" "oci:$work/img:t" "docker://$plain/a/app:2"
ok 'mounts what another repository has' \
	between plain '"PATCH ' 0 "$copy" "docker://$plain/a/app:1" "docker://$plain/b/app:1"
ok 'with a request for each blob' [ "$(requests plain '"POST /v2/b/app/blobs/uploads/?mount=.*" 201 ')" -eq 5 ]
ok 'reads what it mounted' "$copy" "docker://$plain/b/app:1" "oci:$work/back2:t"
ok 'and finds the same bytes there' same "$work/img" "$work/back2"
ok 'skopeo pushes an image' skopeo copy --dest-tls-verify=false "oci:$work/img:t" "docker://$plain/c/app:1"
ok 'which is read here' "$copy" "docker://$plain/c/app:1" "oci:$work/back3:t"
ok 'with the same bytes' same "$work/img" "$work/back3"
ok 'skopeo pushes an image in docker'\''s form' \
	skopeo copy --dest-tls-verify=false --format v2s2 "oci:$work/img:t" "docker://$plain/d/app:1"
ok 'which is copied in that form' "$copy" "docker://$plain/d/app:1" "docker://$plain/e/app:1"
ok 'and skopeo sees no difference' cmp \
	<(skopeo inspect --raw --tls-verify=false "docker://$plain/d/app:1") \
	<(skopeo inspect --raw --tls-verify=false "docker://$plain/e/app:1")
ok 'pushes an index of two platforms' "$copy" "oci:$work/idx:t" "docker://localhost:${plain#*:}/f/app:1"
ok 'which skopeo reads' \
	skopeo copy --all --src-tls-verify=false "docker://$plain/f/app:1" "oci:$work/back4:t"
ok 'with all of its bytes' same "$work/idx" "$work/back4"
digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$plain/a/app:1")
ok 'reads by digest' "$copy" "docker://$plain/a/app@$digest" "oci:$work/back5:t"
ok 'and finds the same bytes by it' same "$work/img" "$work/back5"
ok 'an image that is not there is said to be missing' \
	fails "docker://$plain/a/app:none: .*HTTP 404: MANIFEST_UNKNOWN" "$copy" "docker://$plain/a/app:none" "oci:$work/none:t"

# ---- what is attached ---------------------------------------------------------------------------------------------

attached() { "$out/tests/drivers/oci_attached" "docker://$plain/a/app@$digest"; }

# put REFERENCE TYPE FILE: a manifest; without a reference, by its digest, which is printed
put() {
	local reference=${1:-sha256:$(sha256sum "$3" | cut -d' ' -f1)}
	curl -sSf -X PUT -H "Content-Type: application/vnd.oci.image.$2.v1+json" --data-binary "@$3" \
		"http://$plain/v2/a/app/manifests/$reference" && echo "$reference"
}

ok 'nothing is attached to an image, which is no error' [ -z "$(attached)" ]
skopeo inspect --raw --tls-verify=false "docker://$plain/a/app:1" | jq -c --arg d "$digest" \
	'.subject={mediaType:.mediaType,digest:$d,size:1}|.layers=[]|.artifactType="text/x-true"' >"$work/refers.json"
jq -c '.subject.digest|=sub("[0-9a-f]$";"x")|.layers=[]' "$work/refers.json" | sed 's/x"/0"/' >"$work/refers-not.json"
refers=$(put '' manifest "$work/refers.json") refers_not=$(put '' manifest "$work/refers-not.json")
for one in "$refers" "$refers_not"; do
	jq -cn --arg d "$one" '{mediaType:"application/vnd.oci.image.manifest.v1+json",digest:$d,size:1,artifactType:"text/x-lie"}'
done | jq -cs '{schemaVersion:2,mediaType:"application/vnd.oci.image.index.v1+json",manifests:.}' >"$work/fallback.json"
ok 'a list under the fallback tag' put "${digest/:/-}" index "$work/fallback.json"
ok 'is read where the registry has no API, and its entries are' [ "$(attached)" = "fallback $refers" ]
jq -c 'del(.subject)' "$work/refers.json" >"$work/sig.json"
ok 'a manifest under the tag of signatures' put "${digest/:/-}.sig" manifest "$work/sig.json"
ok 'is found too' [ "$(attached)" = "tag sha256:$(sha256sum "$work/sig.json" | cut -d' ' -f1)"$'\n'"fallback $refers" ]

# ---- TLS and passwords --------------------------------------------------------------------------------------------

# u:s3cret
echo 'u:$2y$05$abcdefghijklmnopqrstuuLK7U1u6pVRmL7L1BBM2aS35PSZnDXlK' >"$work/htpasswd"
ok 'a registry with TLS and passwords starts' registry secure \
	"auth: {htpasswd: {realm: r, path: $work/htpasswd}}" \
	"  tls: {certificate: $work/cert.pem, key: $work/key.pem}"
secure=localhost:$port
mkdir -p "$work/certs.d"
cp "$work/cert.pem" "$work/certs.d/ca.crt"
echo s3cret | skopeo login --authfile "$work/auth.json" --cert-dir "$work/certs.d" -u u --password-stdin \
	"$secure" >"$log" 2>&1
ok 'skopeo kept a password' grep -q "$secure" "$work/auth.json"
echo "{\"auths\":{\"$secure\":{\"auth\":\"$(printf u:wrong | base64)\"}}}" >"$work/wrong.json"
ok 'a certificate of an unknown CA is refused' \
	fails 'certificate' "$copy" "oci:$work/img:t" "docker://$secure/a/app:1"
export OCI_COPY_CA=$work/cert.pem
ok 'no credentials are refused' \
	fails 'no credentials were found' "$copy" "oci:$work/img:t" "docker://$secure/a/app:1"
ok 'wrong credentials are refused' env OCI_COPY_AUTH="$work/wrong.json" \
	bash -c 'said=$("$@" 2>&1) && exit 1; grep -q "credentials are refused" <<<"$said" || { echo "$said"; exit 1; }' _ \
	"$copy" "oci:$work/img:t" "docker://$secure/a/app:1"
export OCI_COPY_AUTH=$work/auth.json
ok 'pushes with the password that skopeo kept' "$copy" "oci:$work/img:t" "docker://$secure/a/app:1"
ok 'and reads with it' "$copy" "docker://$secure/a/app:1" "oci:$work/back6:t"
ok 'the same bytes' same "$work/img" "$work/back6"
ok 'mounts there too' between secure '"PATCH ' 0 "$copy" "docker://$secure/a/app:1" "docker://$secure/b/app:1"
mkdir -p "$work/bin"
cat >"$work/bin/docker-credential-test" <<'END'
#!/bin/sh
read -r server
test "$1" = get && echo "{\"ServerURL\":\"$server\",\"Username\":\"u\",\"Secret\":\"s3cret\"}"
END
chmod 755 "$work/bin/docker-credential-test"
echo "{\"credHelpers\":{\"$secure\":\"test\"}}" >"$work/helper.json"
ok 'asks a credential helper' env PATH="$work/bin:$PATH" OCI_COPY_AUTH="$work/helper.json" \
	"$copy" "docker://$secure/b/app:1" "oci:$work/back7:t"
ok 'and reads the same bytes so' same "$work/img" "$work/back7"

# ---- tokens -------------------------------------------------------------------------------------------------------

coproc TOKENS { exec "$out/tests/drivers/token_server" "$work/cert.pem" "$work/key.pem" cocoon-test "$work/asked"; }
children+=("$TOKENS_PID")
read -r -t 30 token_port <&"${TOKENS[0]}"
ok 'a registry with tokens starts' registry tokens "auth:
  token: {realm: 'http://127.0.0.1:$token_port/token', service: the.registry, issuer: cocoon-test, rootcertbundle: $work/cert.pem}" ''
tokens=127.0.0.1:$port
echo "{\"auths\":{\"$tokens\":{\"auth\":\"$(printf u:s3cret | base64)\"}}}" >"$work/tokens.json"
unset OCI_COPY_CA OCI_COPY_AUTH
ok 'without credentials nothing can be pushed' \
	fails 'HTTP 401: no credentials were found' "$copy" "oci:$work/img:t" "docker://$tokens/public/app:1"
export OCI_COPY_AUTH=$work/tokens.json
ok 'pushes with a token' "$copy" "oci:$work/img:t" "docker://$tokens/public/app:1"
ok 'for which it asked with its credentials, once' \
	[ "$(grep -cx 'u repository:public/app:pull,push' "$work/asked")" -eq 1 ]
ok 'mounts with a token for both repositories' \
	between tokens '"PATCH ' 0 "$copy" "docker://$tokens/public/app:1" "docker://$tokens/own/app:1"
ok 'asked for as such' \
	grep -qx 'u repository:own/app:pull,push repository:public/app:pull' "$work/asked"
unset OCI_COPY_AUTH
ok 'reads what is public without credentials' "$copy" "docker://$tokens/public/app:1" "oci:$work/back8:t"
ok 'with a token nevertheless' grep -qx -- '- repository:public/app:pull' "$work/asked"
ok 'the same bytes again' same "$work/img" "$work/back8"
ok 'and not what is somebody'\''s own' \
	fails 'HTTP 401: no credentials were found' "$copy" "docker://$tokens/own/app:1" "oci:$work/none:t"
echo "1..$number"
