# SPDX-License-Identifier: Apache-2.0
# For the command line tests of initdata-gen: sourced, with OUT as $1. Defines $gen, a scratch folder $work (the
# working folder), and TAP checks.
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
gen=$PWD/$1/bin/initdata-gen
examples=$PWD/crds/examples
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
number=0

# report STATUS NAME: one TAP line; what a failed check printed is shown
report() {
	number=$((number + 1))
	if [[ $1 == 0 ]]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		sed 's/^/# /' stdout stderr 2>/dev/null
	fi
}

# ok NAME COMMAND…: the command must succeed; what the one before printed is in the file `last`
ok() {
	local name=$1 status=0
	shift
	[[ ! -e stdout ]] || cp stdout last
	"$@" >stdout 2>stderr || status=$?
	report "$status" "$name"
}

# fails STATUS PATTERN NAME COMMAND…: the command must end so, and say what matches the pattern on standard error
fails() {
	local wanted=$1 pattern=$2 name=$3 status=0
	shift 3
	"$@" >stdout 2>stderr || status=$?
	if [[ $status == "$wanted" ]] && grep -q -e "$pattern" stderr && [[ ! -s stdout ]]; then
		report 0 "$name"
	else
		echo "# status $status, wanted $wanted and '$pattern'" >>stderr
		report 1 "$name"
	fi
}

# same NAME EXPECTED GOT: two texts
same() {
	[[ $2 == "$3" ]]
	local status=$?
	printf 'expected: %s\ngot:      %s\n' "$2" "$3" >stdout
	: >stderr
	report "$status" "$1"
}

# The two published documents.
printf '%s\n' 'version = "0.1.0"' 'algorithm = "sha384"' '' '[data]' "\"aa.toml\" = '''" '[token_configs]' \
	'[token_configs.kbs]' 'url = "http://127.0.0.1:8080"' "'''" >a.toml
printf '%s\n' 'version = "0.1.0"' 'algorithm = "sha256"' '' '[data]' "\"aa.toml\" = '''" '[token_configs.kbs]' \
	'url = "http://127.0.0.1:8080"' "'''" >b.toml
