#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The documentation against the tree: links and files exist, make targets, flags, fields, metrics, messages and rooms
# are those that there are, and what is marked with a comment "run" is run and must print what stands there.
# Usage: tests/cli/docs.sh OUT      Prints TAP.
# shellcheck disable=SC2016 # backticks of Markdown, and a shell of its own
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
root=$PWD bin=$(realpath -- "$1/bin")
work=$(mktemp -d) || exit 1
trap 'rm -rf -- "$work"' EXIT
mapfile -t pages < <(git ls-files --cached --others --exclude-standard --deduplicate '*.md')
own=(README.md CONTRIBUTING.md SECURITY.md docs/*.md)
number=0
# shellcheck source=../page.sh
. tests/page.sh
# shellcheck source=../layout.bash
. tests/layout.bash
# shellcheck source=../named.bash
. tests/named.bash

# none NAME COMMAND…: prints what is wrong, one a line; nothing must be
none() {
	local name=$1 wrong
	shift
	number=$((number + 1))
	wrong=$("$@" 2>&1)
	if [[ -z $wrong ]]; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		head -n 40 <<<"$wrong" | sed 's/^/#   /'
	fi
}

# ---- references ------------------------------------------------------------------------------------------------

slugs() { # slugs PAGE: the anchors of its headings
	sed -n '/^```/,/^```/!s/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 _-]//g; s/ /-/g'
}

dead_links() {
	local page link file anchor
	for page in "${pages[@]}"; do
		while read -r link; do
			[[ $link != http*://* ]] || continue
			file=${link%%#*} anchor=
			[[ $link != *\#* ]] || anchor=${link#*#}
			if [[ -n $file ]]; then file=$(dirname "$page")/$file; else file=$page; fi
			if [[ ! -e $file ]]; then
				echo "$page: $link: no such file"
			elif [[ -n $anchor ]] && ! slugs "$file" | grep -qx -- "$anchor"; then
				echo "$page: $link: no such heading"
			fi
		done < <(grep -o '](\([^)]*\))' "$page" | sed 's/^](//; s/)$//')
	done
}

# code PAGE: what stands in backticks or in indented or fenced blocks, a piece a line
code() {
	sed -n '/^```/,/^```/!{/^    /!p}' "$1" | grep -o '`[^`]*`' | tr -d '`'
	sed -n '/^    /p; /^```/,/^```/p' "$1" | grep -v '^```'
}

missing_files() {
	local page path
	for page in "${own[@]}"; do
		while read -r path; do
			compgen -G "${path%%:*}" >/dev/null || echo "$page: $path"
		done < <(code "$page" | grep -oE '(^|[[:space:]])(core|docs|tests|e2e|fuzz|manifests|crds|tools|bench|controller|webhook|initdata-gen|image-crypt)/[][A-Za-z0-9_.*/-]+' |
			grep -v '[A-Z]\{3,\}/\|/[A-Z]\{3,\}\|ROOM\|NAME\|PARSER\|MODULE' | grep -v '/LAYERS$' | tr -d ' \t' | sort -u)
	done
}

unknown_targets() {
	local target
	grep -ohE '(^|[`;&| ])make( -j[0-9]+| [A-Z_]+=[^ `]+)* [a-z][a-z0-9-]+' "${own[@]}" | sed 's/.* //' | sort -u |
		while read -r target; do
			grep -qE "(^| )$target( |:)" <(grep -E '^[a-z][a-z0-9 -]*:' Makefile) || [[ $target =~ ^(may|sure|it|the)$ ]] ||
				echo "make $target"
		done
}

unknown_flags() {
	local program verb flag page
	{
		for program in "$bin"/*; do
			"$program" --help
			"$program" help
			while read -r verb; do
				# shellcheck disable=SC2086 # a verb may have two words
				"$program" $verb --help
			done < <("$program" help | sed -n '/^Commands:/,/^$/s/^  \([a-z-]\{1,\}\( [a-z-]\{1,\}\)\{0,1\}\)  .*/\1/p')
		done
		manifests/uninstall.sh --help
		e2e/cluster/cluster.sh --help
	} >"$work/help" 2>&1
	for page in "${own[@]}"; do
		while read -r flag; do
			grep -qe "$flag\b" "$work/help" || echo "$page: $flag is no flag of our programs"
		done < <(code "$page" | grep -v 'kubectl\|git \|make \|cosign\|skopeo\|ctr ' | grep -oE '(^| )--[a-z][a-z-]+' | tr -d ' ' | sort -u)
	done
}

# ---- what the code has and the documentation says, and the other way round --------------------------------------

fields() { # every property of the resource's spec
	sed -n '/^          spec:/,/^          status:/p' crds/confidentialprofiles.yaml | awk '
		match($0, /^ *properties:/) { depth[++n] = RLENGTH - 11 }
		{ match($0, /^ */); indent = RLENGTH; while (n && indent < depth[n]) n-- }
		n && indent == depth[n] + 2 && /^ *[A-Za-z0-9]+:( &[A-Za-z]+)?$/ { sub(/:.*/, ""); gsub(/ /, ""); print }' | sort -u
}

undocumented_fields() {
	local field
	[[ $(fields | wc -l) -gt 50 ]] || echo "fields are not found in the definition"
	fields | while read -r field; do grep -qw -- "$field" docs/profiles.md || echo "$field"; done
}

metrics_differ() {
	diff <(grep -oh '"cocoon_[a-z_]*"' webhook/tally.c controller/tally.c core/cluster/images.c | tr -d '"' | sort -u) \
		<(grep -oh 'cocoon_[a-z_]*' docs/profiles.md | sort -u)
}

rooms_missing() {
	local room
	for room in core/*/; do
		room=${room%/}
		grep -q "^| \`$room\` " docs/architecture.md || echo "docs/architecture.md lacks $room"
		grep -q "^${room#core/} *|" core/LAYERS || echo "core/LAYERS lacks $room"
	done
}

# Each message of the tables of "Troubleshooting", split at "…": every part must stand in the sources. String literals
# that follow each other are one there; what a macro or a number makes of them is "…" here.
unknown_messages() {
	local message part
	cat core/*/*.c | tr -s '\n\t ' ' ' | sed 's/" "//g; s/\\"/"/g' >"$work/sources"
	sed -n '/^## Troubleshooting/,$s/^| `\([^`]*\)` |.*/\1/p' docs/profiles.md | while IFS= read -r message; do
		while IFS= read -r part; do
			[[ ${#part} -lt 6 ]] || grep -qF -- "$part" "$work/sources" || echo "nobody says '$part'"
		done < <(awk '{ gsub(/ *… */, "\n") } 1' <<<"$message")
	done
}

machine_words() { grep -nE '(^|[^a-z.])/(work|home|root)/' "${own[@]}"; }

export PATH=$bin:$PATH
none "every link leads somewhere" dead_links
none "every file that is named exists" missing_files
none "every make target that is named exists" unknown_targets
none "every flag that is named is known to --help" unknown_flags
none "every field of the resource is documented" undocumented_fields
none "the metrics are those of the programs" metrics_differ
none "every room is described, and has its line in LAYERS" rooms_missing
none "the messages of the troubleshooting table are those of the sources" unknown_messages
none "no path of somebody's machine" machine_words
none "README names the two commands" sh -c 'for t in demo test; do grep -q "^    make $t$" README.md || echo "make $t"; done'
# what docs/agent-policy.md takes for granted: the image, its digest, and an engine
images_of_the_page() {
	mkdir -p "$work/agent-policy" && cd "$work/agent-policy" &&
		named images registry.example/shop/web:1 '{"Env": ["PATH=/usr/bin:/bin"], "Entrypoint": ["/app"], "Cmd": ["serve"]}' >digest
}
none "the image of a page is there" images_of_the_page
opa=$(e2e/kbs/opa.sh 2>/dev/null) && PATH=$PATH:$(dirname "$opa")
for page in README.md docs/initdata-gen.md docs/profiles.md docs/agent-policy.md; do
	none "$page: what is shown is what is printed" run_page "$page"
done
echo "1..$number"
