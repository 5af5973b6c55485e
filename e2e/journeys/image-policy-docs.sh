#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# docs/image-policy.md, command by command as it stands there, and its examples, which the API server and the webhook's own
# reader take. Needs webhook and controller as processes (e2e/hosted.sh).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
# shellcheck source=e2e/lib.sh
. e2e/lib.sh
# shellcheck source=e2e/images.sh
. e2e/images.sh
# shellcheck source=tests/page.sh
. tests/page.sh
readonly page=docs/image-policy.md

if [ "${1:-}" = inside ]; then
	trap - EXIT
	rmdir "$work"
	work=$2
	run_page "$page"
	exit
fi

cleanup() {
	kubectl delete imagepolicy shop --ignore-not-found
	kubectl delete namespace shop --wait=false --ignore-not-found
}

# The page's words for what is too long to stand there.
# examples: each block of YAML as a policy of its own, into $work/examples
examples() {
	local key ring jwk
	key=$(jq -Rs . <"$work/image-policy/build.pub") ring=$(jq -Rs . <"$work/ring.asc") jwk=$(jq -c . "$work/team.jwk")
	mkdir -p "$work/examples" && awk -v folder="$work/examples" '
		/^```yaml$/ { file = sprintf("%s/%02d.yaml", folder, ++n); print "apiVersion: cocoon.dev/v1alpha1\nkind: ImagePolicy\nmetadata: {name: example-" n "}" >file; first = 1; next }
		/^```$/ { file = "" }
		file { if (first && $0 != "spec:") print "spec:" >file; first = 0; print >file }' "$page" &&
		KEY=$key RING=$ring JWK=$jwk python3 - "$work"/examples/*.yaml <<-'END'
			import os, sys
			for path in sys.argv[1:]:
			    text = open(path).read()
			    text = text.replace('"-----BEGIN PUBLIC KEY-----…"', os.environ["KEY"]).replace('"-----BEGIN PGP PUBLIC KEY BLOCK-----…"', os.environ["RING"])
			    text = text.replace('"sha256:…"', '"sha256:' + "0" * 64 + '"').replace("""'{"kty":"EC",…}'""", "'" + os.environ["JWK"] + "'")
			    text = text.replace('"-----BEGIN CERTIFICATE-----…"', open(os.path.dirname(path) + "/../ca.json").read().strip())
			    open(path, "w").write(text)
		END
}

stuff() { # the keys that stand for the page's dots
	mkdir -m 700 "$work/gnupg" && GNUPGHOME=$work/gnupg gpg --batch --passphrase '' --quick-generate-key page@example rsa2048 sign never &&
		GNUPGHOME=$work/gnupg gpg --armor --export page@example >"$work/ring.asc" && gpgconf --homedir "$work/gnupg" --kill all &&
		sealed-secrets keygen --kid kbs:///default/signing-key/team --output-dir "$work" && mv "$work/team-public.json" "$work/team.jwk" &&
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout "$work/ca.key" -out "$work/ca.pem" &&
		jq -Rs . <"$work/ca.pem" >"$work/ca.json"
}
an_image() {
	tree_tar "$work/one.tar" one=1 && gzip -nc "$work/one.tar" >"$work/one.tgz" && image "$work/app" "$work/one.tgz=$GZIP" "$work/one.tgz=$GZIP" &&
		skopeo copy --quiet --dest-tls-verify=false "oci:$work/app:t" "docker://$registry/shop/app:plain"
}

peers=$("$root/e2e/sign-peer/build.sh")
mkdir "$work/bin" && ln -s "$peers/cosign3" "$work/bin/cosign"
PATH=$work/bin:$programs:$PATH
registry
prepared stuff
prepared an_image
need kubectl create namespace shop
profile page-$$ "runtimeClasses: [kata-qemu-snp], $(only shop), $(kbs kbs)"
export REGISTRY=$registry COSIGN_PASSWORD='' PATH

run setsid --wait "$root/e2e/journeys/image-policy-docs.sh" inside "$work"
expect_equal "what is shown is what is printed" "" "$said"
expect_equal "every block of commands is among them" "$(grep -c '^```console$' $page)" "$(grep -cx '<!-- run -->' $page)"

prepared examples
for file in "$work"/examples/*.yaml; do
	name=$(basename "$file" .yaml)
	expect_ok "example $name: the API server takes it" kubectl apply --dry-run=server -f "$file"
	expect_ok "example $name: policy-check takes it" policy-check lint "$file"
done
expect_equal "there were examples" true "$([ "$(find "$work/examples" -name '*.yaml' | wc -l)" -ge 6 ] && echo true)"
finish
